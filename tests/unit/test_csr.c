/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The CSR table, interrupts, the timer and the counters as the rest of the machine drives them. */
#include "tests/unit/cpu_fixture.h"

static void every_number_can_be_read_and_written(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	for (unsigned number = 0; number < 0x4000; number++) {
		csr_get(cpu, number);
		csr_set(cpu, number, UINT64_MAX);
		csr_set(cpu, number, 0);
		if (!csr_find(cpu, number))
			assert_int_equal(csr_get(cpu, number), 0);
	}
}

static void read_only_bits_keep_their_reset_values(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++) {
		const struct csr_info *info = &csr_info[slot];
		uint64_t before = cpu->csr->value[slot], changed;

		if (!csr_find(cpu, info->number) || info->number == CSR_PWCH || info->number == CSR_ECFG ||
		    info->number == CSR_TLBEHI || info->number == CSR_TLBREHI)
			continue;
		csr_set(cpu, info->number, ~before);
		changed = cpu->csr->value[slot] ^ before;
		assert_int_equal(changed & ~csr_mask(cpu, cpu->csr, info), 0);
		csr_set(cpu, info->number, before);
		cpu->csr->value[slot] = before;
	}
}

static void a_line_raises_and_drops_an_interrupt(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	cpu_set_line(cpu, 3, true);
	assert_int_equal(csr_get(cpu, CSR_ESTAT), 1 << 3);
	assert_true(atomic_load(&cpu->attention) & ATTENTION_INTERRUPT);
	assert_false(cpu_interrupt_pending(cpu));
	csr_set(cpu, CSR_ECFG, 1 << 3);
	assert_true(cpu_interrupt_pending(cpu));
	assert_false(cpu_take_interrupt(cpu));
	csr_set(cpu, CSR_CRMD, CRMD_DA | CRMD_IE);
	assert_true(cpu_take_interrupt(cpu));
	assert_int_equal(cpu->pc, ENTRY);
	assert_int_equal(cpu->csr->era, PC);
	assert_false(cpu_take_interrupt(cpu));
	cpu_set_line(cpu, 3, false);
	assert_int_equal(csr_get(cpu, CSR_ESTAT), 0);
}

static void the_highest_interrupt_wins(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	csr_set(cpu, CSR_ECFG, 0x5fff | 1 << 16);
	cpu_set_line(cpu, 2, true);
	cpu_set_line(cpu, 12, true);
	csr_set(cpu, CSR_CRMD, CRMD_DA | CRMD_IE);
	assert_true(cpu_take_interrupt(cpu));
	assert_int_equal(cpu->pc, ENTRY | 8 * (64 + 12));
	cpu_return(cpu);
	cpu_message_interrupt(cpu, 77);
	assert_true(cpu_take_interrupt(cpu));
	assert_int_equal(cpu->pc, ENTRY | 8 * (64 + 14));
	assert_int_equal(csr_get(cpu, CSR_MSGIR), 77);
	assert_int_equal(csr_get(cpu, CSR_MSGIR), UINT64_C(0xffffffff80000000));
}

static void the_timer_expires_at_its_tick(void **state)
{
	struct cpu_fixture *f = *state;
	struct cpu *cpu = &f->cpu;

	csr_set(cpu, CSR_ECFG, 1 << 11);
	csr_set(cpu, CSR_TCFG, 100 | 1);
	f->clock.virtual_now = 999;
	clock_run_timers(&f->clock);
	assert_int_equal(csr_get(cpu, CSR_TVAL), 1);
	assert_false(cpu_interrupt_pending(cpu));
	f->clock.virtual_now = 1000;
	assert_int_equal(clock_run_timers(&f->clock), UINT64_MAX);
	assert_true(cpu_interrupt_pending(cpu));
	assert_int_equal(csr_get(cpu, CSR_TVAL), UINT64_C(0xffffffffffff));
	csr_set(cpu, CSR_TICLR, 1);
	assert_false(cpu_interrupt_pending(cpu));
}

static void a_periodic_timer_keeps_its_phase(void **state)
{
	struct cpu_fixture *f = *state;
	struct cpu *cpu = &f->cpu;

	csr_set(cpu, CSR_ECFG, 1 << 11);
	csr_set(cpu, CSR_TCFG, 100 | 3);
	/* Late by two and a half periods: one interrupt, and the next at the fourth. */
	f->clock.virtual_now = 3500;
	clock_run_timers(&f->clock);
	assert_true(cpu_interrupt_pending(cpu));
	csr_set(cpu, CSR_TICLR, 1);
	assert_int_equal(csr_get(cpu, CSR_TVAL), 50);
	assert_int_equal(clock_next_deadline(&f->clock), 4000);
	csr_set(cpu, CSR_TCFG, 3); /* a period of nothing */
	f->clock.virtual_now = 5000;
	clock_run_timers(&f->clock);
	assert_true(cpu_interrupt_pending(cpu));
}

static void debug_mode_holds_interrupts_back(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	csr_set(cpu, CSR_ECFG, 1);
	csr_set(cpu, CSR_ESTAT, 1);
	csr_set(cpu, CSR_CRMD, CRMD_DA | CRMD_IE);
	cpu_debug_call(cpu);
	assert_false(cpu_take_interrupt(cpu));
	cpu_return(cpu);
	assert_int_equal(cpu->pc, PC);
	assert_true(cpu_take_interrupt(cpu));
}

static void a_machine_error_comes_back_where_it_was(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint64_t crmd = CRMD_PG | CRMD_IE | CRMD_WE | 1 << 5 | 2 << 7 | 3;

	csr_set(cpu, CSR_MERRENTRY, 0x50000);
	csr_set(cpu, CSR_CRMD, crmd);
	cpu_raise(cpu, EXC_MERR);
	assert_int_equal(cpu->pc, 0x50000);
	assert_int_equal(csr_get(cpu, CSR_CRMD), CRMD_DA);
	assert_int_equal(csr_get(cpu, CSR_MERRCTL) & 1, 1);
	cpu_return(cpu);
	assert_int_equal(cpu->pc, PC);
	assert_int_equal(csr_get(cpu, CSR_CRMD), crmd);
	assert_int_equal(csr_get(cpu, CSR_MERRCTL) & 1, 0);
}

static void peeking_takes_no_message(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint64_t value;

	cpu_message_interrupt(cpu, 5);
	assert_true(csr_peek(cpu, cpu->csr, "MSGIR", &value));
	assert_int_equal(value, 5);
	assert_true(csr_peek(cpu, cpu->csr, "msgir", &value));
	assert_int_equal(value, 5);
	assert_false(csr_peek(cpu, cpu->csr, "NOTHING", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CPU_TEST(every_number_can_be_read_and_written),
		CPU_TEST(read_only_bits_keep_their_reset_values),
		CPU_TEST(a_line_raises_and_drops_an_interrupt),
		CPU_TEST(the_highest_interrupt_wins),
		CPU_TEST(the_timer_expires_at_its_tick),
		CPU_TEST(a_periodic_timer_keeps_its_phase),
		CPU_TEST(debug_mode_holds_interrupts_back),
		CPU_TEST(a_machine_error_comes_back_where_it_was),
		CPU_TEST(peeking_takes_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
