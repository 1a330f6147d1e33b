/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Atomic memory accesses, Vol.1 2.2.7.  AM* are the host's locked operations, which are full barriers, so
 * the _DB forms need nothing more; on pages that hold LL/SC words they also end the reservations of
 * other cores, see cpu/reserve.h.  All of them fault on misaligned addresses (ALE).
 */
#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"

/*
 * The RAM at @va for a write of this core, or NULL with *pa set if it is MMIO.  False: an exception was
 * raised.
 */
static inline bool writable(struct cpu *cpu, uint64_t va, unsigned size, void **host, uint64_t *pa)
{
	if (__builtin_expect(va & (size - 1), 0)) {
		cpu_raise_address(cpu, EXC_ALE, va);
		return false;
	}
	*host = access_host(cpu, va, size, SOFTTLB_STORE);
	return __builtin_expect(*host != NULL, 1) || access_translate(cpu, va, size, SOFTTLB_STORE, pa, host);
}

/* A device's register read and then written: as atomic as the bus is, which has no locked cycles. */
static bool mmio_exchange(struct cpu *cpu, uint64_t va, uint64_t pa, unsigned size, uint64_t *value,
			  uint64_t (*update)(uint64_t old, uint64_t rd, uint64_t rk), uint64_t rd,
			  uint64_t rk)
{
	uint64_t old;

	cpu_sync(cpu);
	if (!bus_mmio_read(cpu->bus, pa, size, &old) ||
	    !bus_mmio_write(cpu->bus, pa, size, update(old, rd, rk))) {
		cpu_raise_address(cpu, EXC_ADEM, va);
		return false;
	}
	*value = old;
	return true;
}

/*
 * amNAME: @need says what else must hold, @new_value makes what is stored from OLD, RD (the expected
 * value of AMCAS) and RK, all of the operation's @type.
 */
#define AM(name, bits, type, need, new_value)                                                                \
	static uint64_t update_##name(uint64_t old_, uint64_t rd_, uint64_t rk_)                             \
	{                                                                                                    \
		const type OLD = (type)old_, RD = (type)rd_, RK = (type)rk_;                                 \
                                                                                                             \
		(void)OLD, (void)RD, (void)RK;                                                               \
		return (uint##bits##_t)(new_value);                                                          \
	}                                                                                                    \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		uint##bits##_t old;                                                                          \
		uint64_t pa, value;                                                                          \
		void *host;                                                                                  \
                                                                                                             \
		need;                                                                                        \
		if (!writable(cpu, GR(rj), bits / 8, &host, &pa))                                            \
			return INSN_RAISED;                                                                  \
		if (__builtin_expect(host != NULL, 1)) {                                                     \
			struct reserve_bucket *bucket = reserve_begin(cpu, host);                            \
                                                                                                             \
			old = __atomic_load_n((uint##bits##_t *)host, __ATOMIC_RELAXED);                     \
			while (!__atomic_compare_exchange_n((uint##bits##_t *)host, &old,                    \
							    update_##name(old, GR(rd), GR(rk)), true,        \
							    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))             \
				;                                                                            \
			reserve_end(cpu, bucket, host);                                                      \
		} else {                                                                                     \
			if (!mmio_exchange(cpu, GR(rj), pa, bits / 8, &value, update_##name, GR(rd),         \
					   GR(rk)))                                                          \
				return INSN_RAISED;                                                          \
			old = value;                                                                         \
		}                                                                                            \
		cpu_set_gpr(cpu, insn->rd, (uint64_t)(int##bits##_t)old);                                    \
		return INSN_NEXT;                                                                            \
	}

/* Both forms of one operation and width, with and without barrier. */
#define AM_PAIR(op, suffix, bits, type, need, new_value)                                                     \
	AM(op##_##suffix, bits, type, need, new_value)                                                       \
	AM(op##_db_##suffix, bits, type, need, new_value)

/* rd = rj is undefined by the manual's definition, rd = rk raises the same in QEMU. */
#define NEED_APART()                                                                                         \
	do {                                                                                                 \
		if (__builtin_expect(insn->rd && (insn->rd == insn->rj || insn->rd == insn->rk), 0))         \
			return cpu_raise(cpu, EXC_INE);                                                      \
	} while (0)

#define NEED_AM()                                                                                            \
	do {                                                                                                 \
		NEED_CPUCFG(2, CPUCFG2_LAM);                                                                 \
		NEED_APART();                                                                                \
	} while (0)

#define NEED_AM_BH()                                                                                         \
	do {                                                                                                 \
		NEED_CPUCFG(2, CPUCFG2_LAM_BH);                                                              \
		NEED_APART();                                                                                \
	} while (0)

#define NEED_AMCAS() NEED_CPUCFG(2, CPUCFG2_LAMCAS)

AM_PAIR(amswap, b, 8, uint8_t, NEED_AM_BH(), RK)
AM_PAIR(amswap, h, 16, uint16_t, NEED_AM_BH(), RK)
AM_PAIR(amadd, b, 8, uint8_t, NEED_AM_BH(), OLD + RK)
AM_PAIR(amadd, h, 16, uint16_t, NEED_AM_BH(), OLD + RK)

#define AM_WORDS(op, new_value)                                                                              \
	AM_PAIR(op, w, 32, uint32_t, NEED_AM(), new_value)                                                   \
	AM_PAIR(op, d, 64, uint64_t, NEED_AM(), new_value)

AM_WORDS(amswap, RK)
AM_WORDS(amadd, OLD + RK)
AM_WORDS(amand, OLD &RK)
AM_WORDS(amor, OLD | RK)
AM_WORDS(amxor, OLD ^ RK)
AM_PAIR(ammax, w, 32, int32_t, NEED_AM(), OLD > RK ? OLD : RK)
AM_PAIR(ammax, d, 64, int64_t, NEED_AM(), OLD > RK ? OLD : RK)
AM_PAIR(ammin, w, 32, int32_t, NEED_AM(), OLD < RK ? OLD : RK)
AM_PAIR(ammin, d, 64, int64_t, NEED_AM(), OLD < RK ? OLD : RK)
AM_PAIR(ammax, wu, 32, uint32_t, NEED_AM(), OLD > RK ? OLD : RK)
AM_PAIR(ammax, du, 64, uint64_t, NEED_AM(), OLD > RK ? OLD : RK)
AM_PAIR(ammin, wu, 32, uint32_t, NEED_AM(), OLD < RK ? OLD : RK)
AM_PAIR(ammin, du, 64, uint64_t, NEED_AM(), OLD < RK ? OLD : RK)

AM_PAIR(amcas, b, 8, uint8_t, NEED_AMCAS(), OLD == RD ? RK : OLD)
AM_PAIR(amcas, h, 16, uint16_t, NEED_AMCAS(), OLD == RD ? RK : OLD)
AM_PAIR(amcas, w, 32, uint32_t, NEED_AMCAS(), OLD == RD ? RK : OLD)
AM_PAIR(amcas, d, 64, uint64_t, NEED_AMCAS(), OLD == RD ? RK : OLD)

/*
 * LL.  A load orders before what follows it on the host, so LLACQ is the same.  MMIO cannot be reserved:
 * the SC that follows fails.
 */
static inline int load_linked(struct cpu *cpu, const struct insn *insn, uint64_t va, unsigned size)
{
	uint64_t pa, value;
	void *host;

	if (__builtin_expect(va & (size - 1), 0))
		return cpu_raise_address(cpu, EXC_ALE, va);
	host = access_host(cpu, va, size, SOFTTLB_LOAD);
	if (__builtin_expect(!host, 0) && !access_translate(cpu, va, size, SOFTTLB_LOAD, &pa, &host))
		return INSN_RAISED;
	if (host) {
		value = reserve_load(cpu, host, size);
	} else {
		reserve_clear(cpu, cpu->guest_mode);
		cpu_sync(cpu);
		if (!bus_mmio_read(cpu->bus, pa, size, &value))
			return cpu_raise_address(cpu, EXC_ADEM, va);
	}
	cpu_set_gpr(cpu, insn->rd, size == 4 ? (uint64_t)(int32_t)value : value);
	return INSN_NEXT;
}

/* SC, with a fence before it for SCREL: none is needed, as the host keeps stores in order. */
static inline int store_conditional(struct cpu *cpu, const struct insn *insn, uint64_t va, unsigned size)
{
	const uint64_t value[2] = { GR(rd), GR(rk) };
	uint64_t pa;
	void *host;

	if (!writable(cpu, va, size, &host, &pa))
		return INSN_RAISED;
	cpu_set_gpr(cpu, insn->rd, host && reserve_store_conditional(cpu, host, size, value));
	return INSN_NEXT;
}

INTERP(ll_w)
{
	return load_linked(cpu, insn, GR(rj) + (uint64_t)(int64_t)insn->imm, 4);
}

INTERP(ll_d)
{
	return load_linked(cpu, insn, GR(rj) + (uint64_t)(int64_t)insn->imm, 8);
}

INTERP(sc_w)
{
	return store_conditional(cpu, insn, GR(rj) + (uint64_t)(int64_t)insn->imm, 4);
}

INTERP(sc_d)
{
	return store_conditional(cpu, insn, GR(rj) + (uint64_t)(int64_t)insn->imm, 8);
}

INTERP(llacq_w)
{
	NEED_CPUCFG(2, CPUCFG2_LLACQ_SCREL);
	return load_linked(cpu, insn, GR(rj), 4);
}

INTERP(llacq_d)
{
	NEED_CPUCFG(2, CPUCFG2_LLACQ_SCREL);
	return load_linked(cpu, insn, GR(rj), 8);
}

INTERP(screl_w)
{
	NEED_CPUCFG(2, CPUCFG2_LLACQ_SCREL);
	return store_conditional(cpu, insn, GR(rj), 4);
}

INTERP(screl_d)
{
	NEED_CPUCFG(2, CPUCFG2_LLACQ_SCREL);
	return store_conditional(cpu, insn, GR(rj), 8);
}

/* Stores rd (low half) and rk (high half); its LL.D may have read either half. */
INTERP(sc_q)
{
	NEED_CPUCFG(2, CPUCFG2_SCQ);
	return store_conditional(cpu, insn, GR(rj), 16);
}
