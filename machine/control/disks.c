/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Disks of the machine and the images behind them (disks.h). */
#include "machine/control/disks.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIAL_SIZE 21

/* Flags are taken off the end, so that a file name may hold a comma. */
int disk_parse(struct run_options *options, const char *text)
{
	struct disk_option *disk = &options->disk[options->disk_count];
	char *comma;

	if (options->disk_count == OPTIONS_MAX_DISKS)
		return usage_error("--disk %s: a machine has at most %d disks", text, OPTIONS_MAX_DISKS);
	*disk = (struct disk_option){ .file = strdup(text) };
	options->disk_count++;
	if (!disk->file)
		return usage_error("--disk %s: out of memory", text);
	while ((comma = strrchr(disk->file, ','))) {
		if (strcmp(comma, ",ro") == 0)
			disk->read_only = true;
		else if (strcmp(comma, ",snapshot") == 0)
			disk->snapshot = true;
		else if (!place_option_take(&disk->place, comma + 1))
			break;
		*comma = 0;
	}
	return *disk->file ? -1 : usage_error("--disk %s: the file name is missing", text);
}

int disk_open(struct disk *disk, const struct disk_option *option, unsigned index,
	      const struct virtio_place *place, char *error, size_t error_size)
{
	const struct block_options how = { .read_only = option->read_only, .snapshot = option->snapshot };
	char serial[SERIAL_SIZE];
	int err;

	/* A file that may not grow gives the guest an error and does not end us. */
	signal(SIGXFSZ, SIG_IGN);
	disk->option = option;
	err = block_open(&disk->block, option->file, &how, place->clock, error, error_size);
	if (err)
		return err;
	snprintf(serial, sizeof(serial), "bixi-disk%u", index);
	err = virtio_blk_create(&disk->device, place, disk->block, serial);
	if (err)
		snprintf(error, error_size, "--disk %s: %s", option->file,
			 err == -ENOSPC ? "no place left for the device" : strerror(-err));
	return err;
}

void disk_close(struct disk *disk)
{
	if (disk->block)
		block_drain(disk->block);
	virtio_device_destroy(disk->device);
	block_close(disk->block);
	*disk = (struct disk){ 0 };
}

/* A disk that has changed its size is not the one that was saved; nor is an overlay's content anywhere. */
void disk_state(struct disk *disk, struct state *state)
{
	uint64_t size = block_size(disk->block);

	state_bytes(state, "size", &size, sizeof(size));
	if (size != block_size(disk->block))
		state_refuse(state, "%s had %" PRIu64 " bytes, now it has %" PRIu64, disk->option->file, size,
			     block_size(disk->block));
	if (disk->option->snapshot && !state_loading(state))
		state_refuse(state,
			     "%s is used with \"snapshot\": what the guest wrote is in no file and would be "
			     "lost",
			     disk->option->file);
}
