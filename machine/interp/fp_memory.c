/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Floating-point loads and stores, plain and bound-checked, Vol.1 3.2.6 and 3.2.7. */
#include "machine/interp/interp.h"

#define ROW static inline __attribute__((always_inline)) int

/* A single fills bits 63:32, which Vol.1 leaves open, with ones. */
ROW load_s(struct cpu *cpu, const struct insn *insn, uint64_t va)
{
	uint32_t value;

	if (!load_u32(cpu, va, &value))
		return INSN_RAISED;
	FR(rd) = value | 0xffffffffull << 32;
	return INSN_NEXT;
}

ROW load_d(struct cpu *cpu, const struct insn *insn, uint64_t va)
{
	uint64_t value;

	if (!load_u64(cpu, va, &value))
		return INSN_RAISED;
	FR(rd) = value;
	return INSN_NEXT;
}

ROW store_s(struct cpu *cpu, const struct insn *insn, uint64_t va)
{
	return store_u32(cpu, va, VR(rd).uw[0]) ? INSN_NEXT : INSN_RAISED;
}

ROW store_d(struct cpu *cpu, const struct insn *insn, uint64_t va)
{
	return store_u64(cpu, va, FR(rd)) ? INSN_NEXT : INSN_RAISED;
}

/* rj alone is the address; it must be aligned, and be greater than rk (@greater) or not. */
ROW bound_checked(struct cpu *cpu, const struct insn *insn, bool greater, unsigned size,
		  int (*access)(struct cpu *, const struct insn *, uint64_t))
{
	uint64_t va = GR(rj);

	NEED_FP();
	if (va & (size - 1))
		return cpu_raise_address(cpu, EXC_ALE, va);
	if (((int64_t)va > (int64_t)GR(rk)) != greater)
		return cpu_raise_address(cpu, EXC_BCE, va);
	return access(cpu, insn, va);
}

#define ACCESS(name, access)                                                                                 \
	INTERP(f##name)                                                                                      \
	{                                                                                                    \
		NEED_FP();                                                                                   \
		return access(cpu, insn, GR(rj) + (int64_t)insn->imm);                                       \
	}
#define ACCESS_INDEXED(name, access)                                                                         \
	INTERP(f##name)                                                                                      \
	{                                                                                                    \
		NEED_FP();                                                                                   \
		return access(cpu, insn, GR(rj) + GR(rk));                                                   \
	}
#define ACCESS_BOUND(name, size, access)                                                                     \
	INTERP(f##name##gt_##size)                                                                           \
	{                                                                                                    \
		return bound_checked(cpu, insn, true, sizeof_##size, access);                                \
	}                                                                                                    \
	INTERP(f##name##le_##size)                                                                           \
	{                                                                                                    \
		return bound_checked(cpu, insn, false, sizeof_##size, access);                               \
	}
#define sizeof_s 4
#define sizeof_d 8

ACCESS(ld_s, load_s)
ACCESS(ld_d, load_d)
ACCESS(st_s, store_s)
ACCESS(st_d, store_d)
ACCESS_INDEXED(ldx_s, load_s)
ACCESS_INDEXED(ldx_d, load_d)
ACCESS_INDEXED(stx_s, store_s)
ACCESS_INDEXED(stx_d, store_d)
ACCESS_BOUND(ld, s, load_s)
ACCESS_BOUND(ld, d, load_d)
ACCESS_BOUND(st, s, store_s)
ACCESS_BOUND(st, d, store_d)
