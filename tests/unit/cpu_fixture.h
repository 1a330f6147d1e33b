/* SPDX-License-Identifier: MulanPSL-2.0 */
/* One core with 16 MiB of RAM, no devices and a clock that a test sets: for tests of machine/cpu/. */
#ifndef BIXI_TESTS_CPU_FIXTURE_H
#define BIXI_TESTS_CPU_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "machine/cpu/access.h"
#include "machine/cpu/exception.h"

#define RAM_SIZE (UINT64_C(16) << 20)
#define ENTRY	 UINT64_C(0x10000) /* EENTRY */
#define REFILL	 UINT64_C(0x20000) /* TLBRENTRY */
#define PC	 UINT64_C(0x30000)

struct cpu_fixture {
	struct bus bus;
	struct clock clock;
	struct trace trace;
	struct cpu_group group;
	struct cpu cpu;
};

static inline int cpu_fixture_setup(void **state)
{
	struct cpu_fixture *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);

	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	clock_init(&f->clock, true, 1);
	assert_int_equal(bus_init(&f->bus, RAM_SIZE, &f->trace), 0);
	assert_int_equal(
		cpu_init(&f->cpu, 0, cpu_model_find("max"), &f->group, &f->bus, &f->clock, &f->trace, 1), 0);
	f->cpu.csr->eentry = ENTRY;
	f->cpu.csr->tlbrentry = REFILL;
	f->cpu.pc = PC;
	*state = f;
	return 0;
}

static inline int cpu_fixture_teardown(void **state)
{
	struct cpu_fixture *f = *state;

	cpu_destroy(&f->cpu);
	bus_destroy(&f->bus);
	clock_destroy(&f->clock);
	free(f);
	return 0;
}

#define CPU_TEST(name) cmocka_unit_test_setup_teardown(name, cpu_fixture_setup, cpu_fixture_teardown)

static inline void csr_set(struct cpu *cpu, unsigned number, uint64_t value)
{
	csr_write(cpu, cpu->csr, number, value, UINT64_MAX);
}

static inline uint64_t csr_get(struct cpu *cpu, unsigned number)
{
	return csr_read(cpu, cpu->csr, number);
}

/* Mapped mode, without windows. */
static inline void mapped_mode(struct cpu *cpu)
{
	csr_set(cpu, CSR_CRMD, CRMD_PG);
	csr_set(cpu, CSR_STLBPS, 14);
}

#define PAGE_RW UINT64_C(0x13) /* V, D, cached */

/* TLBWR of one pair at @index. */
static inline void tlb_put(struct cpu *cpu, unsigned index, uint64_t va, unsigned ps, uint64_t elo0,
			   uint64_t elo1)
{
	csr_set(cpu, CSR_TLBEHI, va);
	csr_set(cpu, CSR_TLBELO0, elo0);
	csr_set(cpu, CSR_TLBELO1, elo1);
	csr_set(cpu, CSR_TLBIDX, index | (uint64_t)ps << 24);
	tlb_insn_write(cpu, tlb_view(cpu));
}

/* A load that must succeed. */
static inline uint64_t loaded(struct cpu *cpu, uint64_t va)
{
	uint64_t value = 0;

	assert_true(load_u64(cpu, va, &value));
	return value;
}

/* A load that must not; returns to PC in mapped mode and answers whether it was a refill. */
static inline bool refill_on_load(struct cpu *cpu, uint64_t va)
{
	uint64_t value;
	bool refill;

	assert_false(load_u64(cpu, va, &value));
	refill = cpu->pc == REFILL;
	cpu_return(cpu);
	cpu->pc = PC;
	return refill;
}

static inline void ram_put(struct cpu *cpu, uint64_t pa, uint64_t value)
{
	memcpy(bus_ram(cpu->bus, pa, 8), &value, 8);
}

static inline uint64_t ram_get(struct cpu *cpu, uint64_t pa)
{
	uint64_t value;

	memcpy(&value, bus_ram(cpu->bus, pa, 8), 8);
	return value;
}

#endif
