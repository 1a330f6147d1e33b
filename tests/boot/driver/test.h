// SPDX-License-Identifier: MulanPSL-2.0
/* What the parts of the test have in common: /dev/bixi, verdicts, and what they do with cells (cells.c). */
#ifndef DRIVER_TEST_H
#define DRIVER_TEST_H

#include <stdbool.h>

#include "config.h"
#include "driver.h"

#define PAGE	 0x4000
#define RAM_HIGH 0x80000000

extern int device; /* DRIVER_DEVICE */
extern bool failed;

void check(bool right, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The ioctl fails with @number, and the driver's sentence about it has @word. */
void refused(const char *what, int number, const char *word, unsigned long command, void *argument);
bool file_is(const char *path, const char *text); /* its first line */

void do_cells(void);
void do_mistakes(int count);
void do_running_cell(void);

#endif
