/* SPDX-License-Identifier: MulanPSL-2.0 */
/* --disk: from the option to a disk of the machine and the image behind it. */
#ifndef BIXI_CONTROL_DISKS_H
#define BIXI_CONTROL_DISKS_H

#include "machine/board/machine.h"
#include "machine/control/options.h"
#include "machine/virtio/virtio.h"

struct disk {
	const struct disk_option *option;
	struct block *block;
	struct virtio_device *device;
};

/* Takes the argument of one --disk.  -1: go on, else exit status after one sentence. */
int disk_parse(struct run_options *options, const char *text);

/*
 * Opens the image and puts disk number @index at @place.  Returns 0, or a negative errno with a sentence in
 * @error; disk_close() in either case.
 */
int disk_open(struct disk *disk, const struct disk_option *option, unsigned index,
	      const struct virtio_place *place, char *error, size_t error_size);
void disk_close(struct disk *disk);

/* What a snapshot of the machine says of the image (not of the device); bus/state.h. */
void disk_state(struct disk *disk, struct state *state);

#endif
