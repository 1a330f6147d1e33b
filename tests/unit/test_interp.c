/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The reference engine's run loop: counts, budgets, time, the decode cache, fetches that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"

#define RAM_SIZE (UINT64_C(16) << 20)
#define CODE	 UINT64_C(0x100000)
#define ENTRY	 UINT64_C(0x180000)
#define ROM	 UINT64_C(0x1c000000)

enum { ZERO = 0, A0 = 4, A1, A2, T0 = 12, T1 };

struct machine_fixture {
	struct bus bus;
	struct clock clock;
	struct trace trace;
	struct cpu_group group;
	struct cpu cpu;
	uint32_t rom[4];
};

static struct machine_fixture fixture;

static bool rom_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	memcpy(value, (uint8_t *)dev + offset, size);
	return true;
}

static bool rom_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	return false;
}

static const struct mmio_ops rom_ops = { rom_read, rom_write };

static int setup(void **state)
{
	struct machine_fixture *f = &fixture;
	const struct mmio_region rom = {
		.name = "rom", .base = ROM, .size = sizeof(f->rom), .ops = &rom_ops, .dev = f->rom
	};

	memset(f, 0, sizeof(*f));
	assert_int_equal(bus_init(&f->bus, RAM_SIZE, &f->trace), 0);
	assert_int_equal(bus_add_region(&f->bus, &rom), 0);
	clock_init(&f->clock, true, 1);
	assert_int_equal(reserve_init(&f->group), 0);
	assert_int_equal(
		cpu_init(&f->cpu, 0, cpu_model_find("max"), &f->group, &f->bus, &f->clock, &f->trace, 1), 0);
	assert_int_equal(interp_init(&f->cpu, 1), 0);
	f->cpu.pc = CODE;
	f->cpu.root.eentry = ENTRY;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct machine_fixture *f = *state;

	interp_destroy(&f->cpu);
	cpu_destroy(&f->cpu);
	reserve_destroy(&f->group);
	clock_destroy(&f->clock);
	bus_destroy(&f->bus);
	return 0;
}

static uint32_t word_i12(enum isa_op op, unsigned rd, unsigned rj, int imm)
{
	return isa_info[op].match | rd | rj << 5 | ((uint32_t)imm & 0xfff) << 10;
}

static uint32_t word_b(int offset)
{
	uint32_t field = (uint32_t)(offset / 4);

	return isa_info[ISA_b].match | (field & 0xffff) << 10 | (field >> 16 & 0x3ff);
}

static uint32_t word_nop(void)
{
	return isa_info[ISA_andi].match;
}

static void code_put(struct machine_fixture *f, uint64_t pa, uint32_t word)
{
	*(uint32_t *)bus_ram(&f->bus, pa, 4) = word;
}

static void code_fill(struct machine_fixture *f, uint64_t pa, unsigned count, uint32_t word)
{
	for (unsigned i = 0; i < count; i++)
		code_put(f, pa + 4 * i, word);
}

static void budget_is_met_exactly_across_pages_and_branches(void **state)
{
	struct machine_fixture *f = *state;
	uint64_t total = 0;

	code_fill(f, CODE, 3000, word_i12(ISA_addi_d, A0, A0, 1));
	code_put(f, CODE + 4 * 3000, word_b(-4 * 3000));
	for (uint64_t budget = 1; budget < 3000; budget = budget * 3 + 1) {
		assert_int_equal(interp_run(&f->cpu, budget), budget);
		total += budget;
		assert_int_equal(f->cpu.insn_count, total);
		assert_int_equal(f->cpu.stats.instructions, total);
		assert_int_equal(f->clock.virtual_now, total);
		assert_int_equal(f->cpu.gpr[A0], total - total / 3001);
		assert_int_equal(f->cpu.pc, CODE + 4 * (total % 3001));
	}
}

static void virtual_time_is_exact_at_every_instruction_that_reads_it(void **state)
{
	struct machine_fixture *f = *state;

	/* 100 MHz at 1 ns an instruction: the counter is a tenth of the instructions before the RDTIME.D. */
	for (unsigned before = 0; before < 50; before++) {
		uint64_t now = f->clock.virtual_now;

		f->cpu.pc = CODE;
		code_fill(f, CODE, before, word_nop());
		code_put(f, CODE + 4 * before, isa_info[ISA_rdtime_d].match | T0);
		code_put(f, CODE + 4 * before + 4, word_nop());
		assert_int_equal(interp_run(&f->cpu, before + 2), before + 2);
		assert_int_equal(f->cpu.gpr[T0], (now + before) / 10);
	}
}

static void faulting_instruction_is_not_counted(void **state)
{
	struct machine_fixture *f = *state;

	code_put(f, CODE, word_nop());
	code_put(f, CODE + 4, isa_info[ISA_syscall].match);
	code_fill(f, ENTRY, 16, word_nop());
	assert_int_equal(interp_run(&f->cpu, 4), 3); /* nop, exception, nop, nop */
	assert_int_equal(f->cpu.pc, ENTRY + 8);
	assert_int_equal(f->cpu.root.era, CODE + 4);
	assert_int_equal(f->cpu.stats.exceptions, 1);
}

static void run_that_only_faults_ends(void **state)
{
	struct machine_fixture *f = *state;

	f->cpu.root.eentry = UINT64_C(0x40000000); /* nothing there */
	f->cpu.pc = f->cpu.root.eentry;
	assert_int_equal(interp_run(&f->cpu, 1000), 0);
	assert_int_equal(f->cpu.stats.exceptions, 1000);
}

static void misaligned_jump_faults_at_its_target(void **state)
{
	struct machine_fixture *f = *state;

	f->cpu.gpr[A0] = CODE + 0x102;
	code_put(f, CODE, isa_info[ISA_jirl].match | A0 << 5);
	assert_int_equal(interp_run(&f->cpu, 2), 1);
	assert_int_equal(f->cpu.pc, ENTRY);
	assert_int_equal(f->cpu.root.era, CODE + 0x102);
	assert_int_equal(f->cpu.root.badv, CODE + 0x102);
	assert_int_equal(f->cpu.root.estat >> 16 & 0x3f, EXC_ADEF);
}

static void jirl_reads_its_register_before_it_links(void **state)
{
	struct machine_fixture *f = *state;

	f->cpu.gpr[A0] = CODE + 0x100;
	code_put(f, CODE, isa_info[ISA_jirl].match | A0 << 5 | A0);
	assert_int_equal(interp_run(&f->cpu, 1), 1);
	assert_int_equal(f->cpu.pc, CODE + 0x100);
	assert_int_equal(f->cpu.gpr[A0], CODE + 4);
}

static void store_over_the_next_instruction_takes_effect(void **state)
{
	struct machine_fixture *f = *state;

	code_put(f, CODE, word_i12(ISA_st_w, A1, A0, 4));
	f->cpu.gpr[A0] = CODE;
	for (int i = 1; i < 5; i++) {
		f->cpu.pc = CODE;
		f->cpu.gpr[A1] = word_i12(ISA_addi_d, A2, ZERO, i);
		assert_int_equal(interp_run(&f->cpu, 2), 2);
		assert_int_equal(f->cpu.gpr[A2], i);
	}
}

static void code_runs_from_rom(void **state)
{
	struct machine_fixture *f = *state;

	f->rom[0] = word_i12(ISA_addi_d, A0, ZERO, 7);
	f->rom[1] = word_i12(ISA_addi_d, A0, A0, 1);
	f->rom[2] = word_b(-4);
	f->cpu.pc = ROM;
	assert_int_equal(interp_run(&f->cpu, 10), 10);
	assert_int_equal(f->cpu.gpr[A0], 12);
	assert_int_equal(f->cpu.pc, ROM + 8);
}

static void idle_ends_the_run_until_an_enabled_interrupt(void **state)
{
	struct machine_fixture *f = *state;

	code_put(f, CODE, isa_info[ISA_idle].match);
	code_fill(f, CODE + 4, 8, word_nop());
	f->cpu.root.ecfg = 1u << 2;
	assert_int_equal(interp_run(&f->cpu, 100), 1);
	assert_true(f->cpu.halted);
	assert_int_equal(interp_run(&f->cpu, 100), 0);
	cpu_set_line(&f->cpu, 3, true); /* not enabled */
	assert_int_equal(interp_run(&f->cpu, 100), 0);
	cpu_set_line(&f->cpu, 2, true);
	assert_int_equal(interp_run(&f->cpu, 4), 4);
	assert_false(f->cpu.halted);
	assert_int_equal(f->cpu.pc, CODE + 20); /* CRMD.IE is 0: not taken */
}

static void interrupt_is_taken_at_a_branch_and_time_stays_right(void **state)
{
	struct machine_fixture *f = *state;

	code_put(f, CODE, word_nop());
	code_put(f, CODE + 4, word_b(-4));
	code_fill(f, ENTRY, 16, word_nop());
	f->cpu.root.ecfg = 1u << 2;
	f->cpu.root.crmd |= CRMD_IE;
	assert_int_equal(interp_run(&f->cpu, 10), 10);
	cpu_set_line(&f->cpu, 2, true);
	assert_int_equal(interp_run(&f->cpu, 5), 5);
	assert_int_equal(f->cpu.pc, ENTRY + 20);
	assert_int_equal(f->cpu.stats.interrupts, 1);
	assert_int_equal(f->clock.virtual_now, 15);
}

static void absent_extensions_are_undefined(void **state)
{
	/* Present in max, except for LBT's SETX86J. */
	static const struct {
		enum isa_op op;
		uint32_t operands;
		bool in_max;
	} row[] = {
		{ ISA_amadd_b, A0 << 5 | A1 << 10 | T0, true },
		{ ISA_amcas_w, A0 << 5 | A1 << 10 | T0, true },
		{ ISA_llacq_w, A0 << 5 | T0, true },
		{ ISA_screl_d, A0 << 5 | T0, true },
		{ ISA_sc_q, A0 << 5 | A1 << 10 | T0, true },
		{ ISA_setx86j, T0, false },
	};
	struct machine_fixture *f = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		for (unsigned max = 0; max < 2; max++) {
			f->cpu.model = cpu_model_find(max ? "max" : "la464");
			code_put(f, CODE, isa_info[row[i].op].match | row[i].operands);
			assert_int_equal(isa_decode(isa_info[row[i].op].match | row[i].operands), row[i].op);
			f->cpu.pc = CODE;
			f->cpu.gpr[A0] = CODE + 0x100;
			f->cpu.root.estat = 0;
			assert_int_equal(interp_run(&f->cpu, 1), max && row[i].in_max);
			assert_int_equal(f->cpu.root.estat >> 16 & 0x3f, max && row[i].in_max ? 0 : EXC_INE);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(budget_is_met_exactly_across_pages_and_branches),
		TEST(virtual_time_is_exact_at_every_instruction_that_reads_it),
		TEST(faulting_instruction_is_not_counted),
		TEST(run_that_only_faults_ends),
		TEST(misaligned_jump_faults_at_its_target),
		TEST(jirl_reads_its_register_before_it_links),
		TEST(store_over_the_next_instruction_takes_effect),
		TEST(code_runs_from_rom),
		TEST(idle_ends_the_run_until_an_enabled_interrupt),
		TEST(interrupt_is_taken_at_a_branch_and_time_stays_right),
		TEST(absent_extensions_are_undefined),
	};

	isa_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
