/* SPDX-License-Identifier: MulanPSL-2.0 */
/* --net: from the option to a network card of the machine and what it is plugged into. */
#ifndef BIXI_CONTROL_NETWORK_H
#define BIXI_CONTROL_NETWORK_H

#include "machine/board/machine.h"
#include "machine/control/options.h"
#include "machine/virtio/virtio.h"

struct network {
	struct net *net;
	struct virtio_device *device;
};

/* Takes the argument of one --net.  -1: go on, else exit status after one sentence. */
int network_parse(struct run_options *options, const char *text);

/*
 * Opens the back end and puts the card at @place.  Returns 0, or a negative errno with a sentence in
 * @error; network_close() in either case.
 */
int network_open(struct network *network, const struct net_option *option, const struct virtio_place *place,
		 struct event_loop *loop, char *error, size_t error_size);
void network_close(struct network *network);

/*
 * Writes what QEMU's -netdev takes for this network, without its id, to @text; "" if it has none.  Returns
 * -1, or the exit status after one sentence.
 */
int network_qemu(const struct net_option *option, char *text, size_t size);

#endif
