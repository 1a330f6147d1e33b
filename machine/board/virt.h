/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The "virt" machine: a 3A5000 and a 7A1000 at the addresses of QEMU 11.1's machine of that name. */
#ifndef BIXI_BOARD_VIRT_H
#define BIXI_BOARD_VIRT_H

#include "machine/board/machine.h"

extern const struct board board_virt;

#endif
