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
	if (extioi_has(offset))
		return extioi_read(cpu, offset, size);
	if (!cpu->cell->id || is_public(offset))
		return hw_iocsr_read(offset, size);
	cpu->arch.refused++;
	return 0;
}

static void other_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	if (extioi_has(offset))
		extioi_write(cpu, offset, size, value);
	else if (!cpu->cell->id && platform_allows_write(platform, offset, size))
		hw_iocsr_write(offset, size, value);
	else
		cpu->arch.refused++;
}

/* iocsr{rd,wr}.{b,h,w,d} rd, rj */
bool iocsr_emulate(struct cpu *cpu, uint32_t insn)
{
	unsigned size = 1 << bits(insn, 11, 10), rd = bits(insn, 4, 0);
	uint32_t offset = (uint32_t)cpu->arch.gpr[bits(insn, 9, 5)];
	bool ipi = offset >= IPI_FIRST && offset <= IPI_LAST, write = bits(insn, 12, 12);
	uint64_t value;

	if (offset & (size - 1)) { /* does not exist: reads 0 */
		if (!write)
			gpr_set(cpu, rd, 0);
	} else if (write) {
		value = extended(cpu->arch.gpr[rd], size, false);
		if (ipi)
			ipi_write(cpu, offset, size, value);
		else
			other_write(cpu, offset, size, value);
	} else {
		value = ipi ? ipi_read(cpu, offset, size) : other_read(cpu, offset, size);
		gpr_set(cpu, rd, extended(value, size, true));
	}
	return true;
}
