/* SPDX-License-Identifier: MulanPSL-2.0 */
/* --share DIR,TAG: from the option to the device that offers the folder to the guest. */
#ifndef BIXI_CONTROL_SHARES_H
#define BIXI_CONTROL_SHARES_H

#include "machine/board/machine.h"
#include "machine/control/options.h"
#include "machine/virtio/virtio.h"

struct share {
	struct p9_server *server;
	struct virtio_device *device;
};

/* Takes the argument of one --share.  -1: go on, else exit status after one sentence. */
int share_parse(struct run_options *options, const char *text);

/*
 * Opens the folder and puts its device at @place.  Returns 0, or a negative errno with a sentence in
 * @error; share_close() in either case.
 */
int share_open(struct share *share, const struct share_option *option, const struct virtio_place *place,
	       char *error, size_t error_size);
void share_close(struct share *share);

#endif
