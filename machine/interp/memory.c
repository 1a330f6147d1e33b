/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Loads and stores, Vol.1 2.2.5, and the barriers, Vol.1 2.2.8.  The prefetches move data between caches
 * that do not exist, and never fault: they do nothing.
 */
#include <stdatomic.h>

#include "machine/interp/interp.h"

#define ADDRESS_IMMEDIATE (GR(rj) + (uint64_t)(int64_t)insn->imm)
#define ADDRESS_INDEXED	  (GR(rj) + GR(rk))

/* @type is what the value is extended from. */
#define LOAD(name, address, bits, type)                                                                      \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		uint##bits##_t value;                                                                        \
                                                                                                             \
		if (!load_u##bits(cpu, address, &value))                                                     \
			return INSN_RAISED;                                                                  \
		cpu_set_gpr(cpu, insn->rd, (uint64_t)(type)value);                                           \
		return INSN_NEXT;                                                                            \
	}

#define STORE(name, address, bits)                                                                           \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		return store_u##bits(cpu, address, GR(rd)) ? INSN_NEXT : INSN_RAISED;                        \
	}

LOAD(ld_b, ADDRESS_IMMEDIATE, 8, int8_t)
LOAD(ld_h, ADDRESS_IMMEDIATE, 16, int16_t)
LOAD(ld_w, ADDRESS_IMMEDIATE, 32, int32_t)
LOAD(ld_d, ADDRESS_IMMEDIATE, 64, uint64_t)
LOAD(ld_bu, ADDRESS_IMMEDIATE, 8, uint8_t)
LOAD(ld_hu, ADDRESS_IMMEDIATE, 16, uint16_t)
LOAD(ld_wu, ADDRESS_IMMEDIATE, 32, uint32_t)
STORE(st_b, ADDRESS_IMMEDIATE, 8)
STORE(st_h, ADDRESS_IMMEDIATE, 16)
STORE(st_w, ADDRESS_IMMEDIATE, 32)
STORE(st_d, ADDRESS_IMMEDIATE, 64)

LOAD(ldx_b, ADDRESS_INDEXED, 8, int8_t)
LOAD(ldx_h, ADDRESS_INDEXED, 16, int16_t)
LOAD(ldx_w, ADDRESS_INDEXED, 32, int32_t)
LOAD(ldx_d, ADDRESS_INDEXED, 64, uint64_t)
LOAD(ldx_bu, ADDRESS_INDEXED, 8, uint8_t)
LOAD(ldx_hu, ADDRESS_INDEXED, 16, uint16_t)
LOAD(ldx_wu, ADDRESS_INDEXED, 32, uint32_t)
STORE(stx_b, ADDRESS_INDEXED, 8)
STORE(stx_h, ADDRESS_INDEXED, 16)
STORE(stx_w, ADDRESS_INDEXED, 32)
STORE(stx_d, ADDRESS_INDEXED, 64)

/* The offset is held in bytes. */
LOAD(ldptr_w, ADDRESS_IMMEDIATE, 32, int32_t)
LOAD(ldptr_d, ADDRESS_IMMEDIATE, 64, uint64_t)
STORE(stptr_w, ADDRESS_IMMEDIATE, 32)
STORE(stptr_d, ADDRESS_IMMEDIATE, 64)

INTERP(preld)
{
	return INSN_NEXT;
}

INTERP(preldx)
{
	return INSN_NEXT;
}

/*
 * The x86 host keeps all orders but that of a store and a later load.  Of the hints that CPUCFG3.DBAR_hints
 * grades, 0x700 (loads of one address) and those with a bit of 0b110 set leave that order open.
 */
INTERP(dbar)
{
	unsigned hint = (unsigned)insn->imm;

	if (hint != 0x700 && (hint > 0x1f || (hint & 6) == 0))
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	return INSN_NEXT;
}

/* Nothing to do: decoded instructions are checked against memory whenever they run. */
INTERP(ibar)
{
	return INSN_NEXT;
}
