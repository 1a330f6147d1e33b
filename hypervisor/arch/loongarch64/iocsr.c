/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * iocsrrd and iocsrwr: a guest's accesses to the chip's registers.  Its own IPI controller and its part of
 * the I/O interrupt controller have files of their own; the rest is root's to use, other cells may read what
 * says which chip this is.
 */
#include "loongarch.h"

#define CHIP_NAME_END	 0x27
#define CHIP_MISC	 0x420
#define CHIP_TEMPERATURE 0x428

static bool is_public(uint32_t offset)
{
	return offset <= CHIP_NAME_END || (offset & ~UINT32_C(7)) == CHIP_MISC ||
	       (offset & ~UINT32_C(7)) == CHIP_TEMPERATURE;
}

static uint64_t other_read(struct cpu *cpu, uint32_t offset, unsigned size)
{
	if (offset & (size - 1)) /* does not exist */
		return 0;
	if (!cpu->cell->id || is_public(offset))
		return extended(hw_iocsr_read(offset, size), size, true);
	cpu->arch.refused++;
	return 0;
}

static void other_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	if (!cpu->cell->id && !(offset & (size - 1)) && platform_allows_write(platform, offset, size))
		hw_iocsr_write(offset, size, value);
	else
		cpu->arch.refused++;
}

static bool is_ipi(uint32_t offset)
{
	return (offset ^ IPI_FIRST) <= (IPI_LAST ^ IPI_FIRST);
}

bool iocsr_is_divided(uint32_t offset)
{
	return is_ipi(offset) || extioi_has(offset) || offset == EXTIOI_SEND || (offset & ~7u) == ANY_SEND;
}

/* From entry.S.  What handlers of interrupts do comes first. */
uint64_t iocsr_read(struct cpu *cpu, uint32_t offset, unsigned size)
{
	if (offset == IPI_STATUS && size == 4)
		return (uint64_t)(int32_t)__atomic_load_n(&cpu->arch.ipi.status, __ATOMIC_ACQUIRE);
	if (extioi_is_pending(offset))
		return extioi_bitmap_read(cpu, offset, size);
	if (extioi_has(offset))
		return extioi_read(cpu, offset, size);
	return is_ipi(offset) ? ipi_read(cpu, offset, size) : other_read(cpu, offset, size);
}

/* Of @value the lower @size bytes count. */
void iocsr_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	if (offset == IPI_CLEAR)
		ipi_clear(cpu, (uint32_t)extended(value, size, false));
	else if (offset == IPI_SEND)
		ipi_send(cpu, (uint32_t)extended(value, size, false));
	else if (extioi_is_pending(offset))
		extioi_clear(cpu, offset, size, value);
	else if (extioi_is_shared(offset))
		extioi_change(cpu, offset, bytes_mask(offset, size), value << offset % 8 * 8);
	else if (is_ipi(offset))
		ipi_write(cpu, offset, size, value);
	else if (offset / VECTORS == EXTIOI_ROUTE / VECTORS)
		extioi_route(cpu, offset % VECTORS, size, value);
	else if (extioi_has(offset))
		extioi_write(cpu, offset, size, value);
	else if (offset == ANY_SEND && size == 8)
		extioi_any_send(cpu, value);
	else if (offset == EXTIOI_SEND)
		extioi_send(cpu, (uint32_t)value);
	else if ((offset & ~7u) == ANY_SEND || (offset & ~3u) == EXTIOI_SEND)
		cpu->arch.refused++; /* a part of what names a target */
	else
		other_write(cpu, offset, size, value);
}
