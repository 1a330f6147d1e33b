/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The machine's registers: the IOCSR space of this core, and uncached physical addresses.  Tests on the host
 * put a header of this name before this one.
 */
#ifndef BIXI_HW_H
#define BIXI_HW_H

#include "arch_types.h"

static inline uint64_t hw_iocsr_read(uint32_t offset, unsigned size)
{
	switch (size) {
	case 1:
		return __builtin_loongarch_iocsrrd_b(offset) & 0xff;
	case 2:
		return __builtin_loongarch_iocsrrd_h(offset) & 0xffff;
	case 4:
		return (uint32_t)__builtin_loongarch_iocsrrd_w(offset);
	}
	return __builtin_loongarch_iocsrrd_d(offset);
}

static inline void hw_iocsr_write(uint32_t offset, unsigned size, uint64_t value)
{
	switch (size) {
	case 1:
		__builtin_loongarch_iocsrwr_b((int8_t)value, offset);
		break;
	case 2:
		__builtin_loongarch_iocsrwr_h((int16_t)value, offset);
		break;
	case 4:
		__builtin_loongarch_iocsrwr_w((uint32_t)value, offset);
		break;
	default:
		__builtin_loongarch_iocsrwr_d(value, offset);
	}
}

static inline uint64_t hw_read(uint64_t phys, unsigned size)
{
	uint64_t address = phys | WINDOW_UNCACHED;

	switch (size) {
	case 1:
		return *(volatile uint8_t *)address;
	case 2:
		return *(volatile uint16_t *)address;
	case 4:
		return *(volatile uint32_t *)address;
	}
	return *(volatile uint64_t *)address;
}

static inline void hw_write(uint64_t phys, unsigned size, uint64_t value)
{
	uint64_t address = phys | WINDOW_UNCACHED;

	switch (size) {
	case 1:
		*(volatile uint8_t *)address = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)address = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)address = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)address = value;
	}
}
#endif
