/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Instructions that are done for the guest: cpucfg, csr*, loads and stores to devices. */
#include "loongarch.h"

#define CPUCFG_LVZ  (0xf << 10) /* of word 2: the extension and its version */
#define CPUCFG_LAST 20
#define ABI_VERSION 1

/* As the processor would have it without the extension. */
bool cpucfg_emulate(struct cpu *cpu, uint32_t insn)
{
	uint32_t word = (uint32_t)cpu->arch.gpr[bits(insn, 9, 5)], value;

	if (word == HYPERCALL_CPUCFG)
		value = HYPERCALL_CPUCFG_SIGNATURE;
	else if (word == HYPERCALL_CPUCFG + 1)
		value = ABI_VERSION;
	else if (word > CPUCFG_LAST || (word == 6 && !cpu->arch.counters))
		value = 0;
	else
		value = cpucfg(word);
	if (word == 2)
		value &= ~CPUCFG_LVZ;
	gpr_set(cpu, bits(insn, 4, 0), extended(value, 4, true));
	return true;
}

/* The guest's own value of a register that only root has; NULL: reads 0, ignores writes. */
static uint64_t *shadow_register(struct cpu *cpu, unsigned number)
{
	switch (number) {
	case CSR_MERRCTL:
		return &cpu->arch.shadow.merrctl;
	case CSR_MERRENTRY:
		return &cpu->arch.shadow.merrentry;
	case CSR_MERRSAVE:
		return &cpu->arch.shadow.merrsave;
	}
	return NULL;
}

bool csr_emulate(struct cpu *cpu, uint32_t insn)
{
	unsigned rd = bits(insn, 4, 0), rj = bits(insn, 9, 5);
	unsigned number = bits(insn, 23, 10);
	uint64_t *shadow = shadow_register(cpu, number), old = shadow ? *shadow : 0;
	uint64_t mask = rj == 0 ? 0 : rj == 1 ? ~UINT64_C(0) : cpu->arch.gpr[rj];

	if (shadow)
		*shadow = (old & ~mask) | (cpu->arch.gpr[rd] & mask);
	else if (number >> 8 == CSR_MWPC >> 8 && !cpu->cell->id)
		old = watch_exchange(cpu, number, cpu->arch.gpr[rd], mask);
	gpr_set(cpu, rd, old);
	return true;
}

/*
 * A load or store of a general register, which is what drivers use for devices: ld.b h w d, st.b h w d and
 * ld.bu hu wu are numbered 0 to 10 in this order, in their immediate and in their indexed form.
 */
bool access_emulate(struct cpu *cpu, uint32_t insn, uint64_t gpa)
{
	static const uint8_t ptr_forms[] = { 2, 6, 3, 7 }; /* ldptr.w, stptr.w, ldptr.d, stptr.d */
	struct mmio_access access = { .gpa = gpa };
	unsigned rd = bits(insn, 4, 0), form = 11;

	if (bits(insn, 31, 26) == 0x0a)
		form = bits(insn, 25, 22);
	else if (bits(insn, 31, 22) == 0xe0 && !bits(insn, 17, 15))
		form = bits(insn, 21, 18);
	else if (bits(insn, 31, 26) == 0x09)
		form = ptr_forms[bits(insn, 25, 24)];
	if (form > 10)
		return false;
	access.size = 1 << form % 4;
	access.write = form >> 2 == 1;
	if (access.write)
		access.value = extended(cpu->arch.gpr[rd], access.size, false);
	if (mmio_access(cpu, &access) != MMIO_DONE)
		return false;
	if (!access.write)
		gpr_set(cpu, rd, extended(access.value, access.size, form < 4));
	return true;
}

/* As hardware does it in the guest: an exception at the guest's present instruction. */
void exception_inject(unsigned ecode, uint32_t insn)
{
	uint64_t crmd = gcsr_read(CSR_CRMD), size = gcsr_read(CSR_ECFG) >> 16 & 7;

	gcsr_change(CSR_PRMD, (crmd & (CRMD_PLV | CRMD_IE)) | (crmd & CRMD_WE ? 8 : 0), 0xf);
	gcsr_write(CSR_CRMD, crmd & ~(uint64_t)(CRMD_PLV | CRMD_IE | CRMD_WE));
	gcsr_write(CSR_ERA, csr_read(CSR_ERA));
	gcsr_write(CSR_BADI, insn);
	gcsr_change(CSR_ESTAT, (uint64_t)ecode << 16, UINT64_C(0x7fff) << 16);
	csr_write(CSR_ERA, gcsr_read(CSR_EENTRY) + (size ? (uint64_t)ecode << (size + 2) : 0));
}
