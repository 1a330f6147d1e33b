/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The device with which test programs end the machine. */
#ifndef BIXI_BOARD_EXIT_H
#define BIXI_BOARD_EXIT_H

#include "machine/bus/device.h"

struct exit_device {
	struct device dev;
	void (*exit)(void *opaque, int code); /* the device's lock is held */
	void *opaque;
};

extern const struct device_type exit_type;

int exit_init(struct exit_device *exit, void (*fn)(void *opaque, int code), void *opaque,
	      struct trace *trace);
void exit_destroy(struct exit_device *exit);

#endif
