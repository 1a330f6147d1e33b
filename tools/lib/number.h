/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Numbers, sizes and ranges as people write them. */
#ifndef BIXI_CELL_NUMBER_H
#define BIXI_CELL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* "4096", "0x1000", "4K", "2M", "1G"; NULL is 0. */
bool parse_number(const char *text, uint64_t *value);
/* "5" or "0-3", both ends included; ends not below @limit are refused. */
bool parse_range(const char *text, uint64_t limit, uint64_t *first, uint64_t *last);

#endif
