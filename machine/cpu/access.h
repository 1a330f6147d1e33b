/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Guest memory accesses of an instruction.  Each returns false after having raised the exception
 * (the handler then returns INSN_RAISED).  All guest values are little-endian, as is the host.
 * Accesses that lie in one naturally aligned unit are single-copy atomic.
 */
#ifndef BIXI_CPU_ACCESS_H
#define BIXI_CPU_ACCESS_H

#include "machine/bus/copy.h"
#include "machine/cpu/cpu.h"

/* Slow paths, mmu.c: page crossing, MMIO, watchpoints, exceptions, filling.  size 1-32. */
bool access_load_slow(struct cpu *cpu, uint64_t va, void *buf, unsigned size);
bool access_store_slow(struct cpu *cpu, uint64_t va, const void *buf, unsigned size);

/* The same for what fits into a register and travels in one, so that the fast path needs no stack. */
struct access_word {
	uint64_t value;
	bool done;
};
struct access_word access_load_word(struct cpu *cpu, uint64_t va, unsigned size);
bool access_store_word(struct cpu *cpu, uint64_t va, uint64_t value, unsigned size);

/* Host pointer for an access that stays in one page, NULL when the soft TLB does not know it. */
static inline void *access_host(struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind)
{
	const struct softtlb_entry *e = &cpu->bank->entry[softtlb_index(cpu->page_bits, va)];
	const uint64_t offset = va - e->tag[kind];

	if (__builtin_expect(offset <= cpu->page_size - size, 1))
		return softtlb_host(e, va);
	return NULL;
}

/*
 * Typed accesses.  Misaligned ones are allowed (CPUCFG1.UAL).  volatile keeps the compiler from splitting
 * or repeating an access that another core may see; no ordering is asked for, because the x86 host orders
 * more than LoongArch does and DBAR is a host fence.
 */
#define ACCESS_TYPED(bits)                                                                                   \
	static inline bool load_u##bits(struct cpu *cpu, uint64_t va, uint##bits##_t *value)                 \
	{                                                                                                    \
		typedef uint##bits##_t __attribute__((aligned(1), may_alias)) unit;                          \
		const unit *host = access_host(cpu, va, bits / 8, SOFTTLB_LOAD);                             \
                                                                                                             \
		if (__builtin_expect(!host, 0)) {                                                            \
			struct access_word word = access_load_word(cpu, va, bits / 8);                       \
                                                                                                             \
			*value = (uint##bits##_t)word.value;                                                 \
			return word.done;                                                                    \
		}                                                                                            \
		if (COPY_ATOMIC)                                                                             \
			copy_in(value, host, bits / 8);                                                      \
		else                                                                                         \
			*value = *(const volatile unit *)host;                                               \
		return true;                                                                                 \
	}                                                                                                    \
	static inline bool store_u##bits(struct cpu *cpu, uint64_t va, uint##bits##_t value)                 \
	{                                                                                                    \
		typedef uint##bits##_t __attribute__((aligned(1), may_alias)) unit;                          \
		unit *host = access_host(cpu, va, bits / 8, SOFTTLB_STORE);                                  \
                                                                                                             \
		if (__builtin_expect(!host, 0))                                                              \
			return access_store_word(cpu, va, value, bits / 8);                                  \
		if (COPY_ATOMIC)                                                                             \
			copy_out(host, &value, bits / 8);                                                    \
		else                                                                                         \
			*(volatile unit *)host = value;                                                      \
		return true;                                                                                 \
	}
ACCESS_TYPED(8)
ACCESS_TYPED(16)
ACCESS_TYPED(32)
ACCESS_TYPED(64)
#undef ACCESS_TYPED

/* Vector-sized accesses: 16 or 32 bytes (any size from 1 to 32 works). */
static inline bool load_block(struct cpu *cpu, uint64_t va, void *buf, unsigned size)
{
	const void *host = access_host(cpu, va, size, SOFTTLB_LOAD);

	if (__builtin_expect(!host, 0))
		return access_load_slow(cpu, va, buf, size);
	copy_in(buf, host, size);
	return true;
}

static inline bool store_block(struct cpu *cpu, uint64_t va, const void *buf, unsigned size)
{
	void *host = access_host(cpu, va, size, SOFTTLB_STORE);

	if (__builtin_expect(!host, 0))
		return access_store_slow(cpu, va, buf, size);
	copy_out(host, buf, size);
	return true;
}

/*
 * Translates @va for @kind with all checks; raises the exception and returns false if it is not
 * allowed.  *pa is guest-physical; *host its RAM pointer or NULL for MMIO.  Used by LL/SC, AM*, cacop.
 */
bool access_translate(struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind, uint64_t *pa,
		      void **host);

#endif
