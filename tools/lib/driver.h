/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The driver: its device and its part of sysfs. */
#ifndef BIXI_CELL_DRIVER_H
#define BIXI_CELL_DRIVER_H

#include <stdbool.h>

#include "hypervisor/include/driver.h"
#include "tools/lib/error.h"
#include "tools/lib/fill.h"

#define DRIVER_SYSFS "/sys/devices/bixi"

/* A file descriptor, or -1. */
int driver_open(struct error *error);
/*
 * The same for who reserves memory, or releases what nobody uses: one at a time, as what is reserved is
 * nobody's until a cell is in it.
 */
int driver_open_alone(struct error *error);
/* @what, for the sentence: "cell latency cannot be started". */
int driver_call(int fd, unsigned long request, void *argument, const char *what, struct error *error);
/* The sentence of the refusal that errno tells of, @what in front; -1. */
int driver_refusal(int fd, const char *what, struct error *error);
/* By number, or by name; a name that is too long is one that no cell can have. */
struct driver_cell_id driver_cell(const char *cell);
/* Reserves memory by the driver with the descriptor. */
struct reserver driver_reserver(int *fd);

struct cell_info {
	unsigned id;
	char name[DRIVER_NAME_LENGTH], state[32], cpus[128], failed_cpus[128];
};

/* From sysfs, by number; free() the array.  -1: the hypervisor is not enabled, or there is no driver. */
int driver_cells(struct cell_info **cells, unsigned *count, struct error *error);
/* The one with the number or name. */
const struct cell_info *driver_find_cell(const struct cell_info *cells, unsigned count, const char *cell);
/* A file of the driver's part of sysfs, without newline; "": there is none. */
void driver_attribute(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
