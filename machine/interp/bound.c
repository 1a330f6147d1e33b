/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Address-bound checks: ASRTLE, ASRTGT (Vol.1 2.2.10.3) and the loads and stores that check (2.2.6).
 * ASRT* compare signed, as the manual says; for the others it leaves that open, and addresses are
 * compared unsigned.  Priority: ALE before BCE before translation (Vol.1 6.3.2).
 */
#include "machine/interp/interp.h"

INTERP(asrtle_d)
{
	if ((int64_t)GR(rj) > (int64_t)GR(rk))
		return cpu_raise_address(cpu, EXC_BCE, GR(rj));
	return INSN_NEXT;
}

INTERP(asrtgt_d)
{
	if ((int64_t)GR(rj) <= (int64_t)GR(rk))
		return cpu_raise_address(cpu, EXC_BCE, GR(rj));
	return INSN_NEXT;
}

#define CHECK(operator, bits)                                                                                \
	do {                                                                                                 \
		if (GR(rj) % (bits / 8))                                                                     \
			return cpu_raise_address(cpu, EXC_ALE, GR(rj));                                      \
		if (!(GR(rj) operator GR(rk)))                                                               \
			return cpu_raise_address(cpu, EXC_BCE, GR(rj));                                      \
	} while (0)

#define LOAD(name, operator, bits)                                                                           \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		uint##bits##_t value;                                                                        \
                                                                                                             \
		CHECK(operator, bits);                                                                       \
		if (!load_u##bits(cpu, GR(rj), &value))                                                      \
			return INSN_RAISED;                                                                  \
		cpu_set_gpr(cpu, insn->rd, (uint64_t)(int##bits##_t)value);                                  \
		return INSN_NEXT;                                                                            \
	}

#define STORE(name, operator, bits)                                                                          \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		CHECK(operator, bits);                                                                       \
		return store_u##bits(cpu, GR(rj), GR(rd)) ? INSN_NEXT : INSN_RAISED;                         \
	}

LOAD(ldgt_b, >, 8)
LOAD(ldgt_h, >, 16)
LOAD(ldgt_w, >, 32)
LOAD(ldgt_d, >, 64)
LOAD(ldle_b, <=, 8)
LOAD(ldle_h, <=, 16)
LOAD(ldle_w, <=, 32)
LOAD(ldle_d, <=, 64)
STORE(stgt_b, >, 8)
STORE(stgt_h, >, 16)
STORE(stgt_w, >, 32)
STORE(stgt_d, >, 64)
STORE(stle_b, <=, 8)
STORE(stle_h, <=, 16)
STORE(stle_w, <=, 32)
STORE(stle_d, <=, 64)
