/* SPDX-License-Identifier: MulanPSL-2.0 */
/* In place of the architecture's header: the machine's registers are the test's. */
#ifndef BIXI_HW_H
#define BIXI_HW_H

#include "arch_types.h"

uint64_t hw_iocsr_read(uint32_t offset, unsigned size);
void hw_iocsr_write(uint32_t offset, unsigned size, uint64_t value);
uint64_t hw_read(uint64_t phys, unsigned size);
void hw_write(uint64_t phys, unsigned size, uint64_t value);

#endif
