/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LL/SC reservations and AM* between cores, Vol.1 2.2.7: what breaks a reservation and what does not, and
 * exact sums under contention, with one host thread a core and with all cores on one thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"

#define CORES	  4
#define RAM_SIZE  (UINT64_C(16) << 20)
#define CODE(n)	  (UINT64_C(0x100000) + 0x10000 * (n)) /* where core n runs */
#define DATA	  UINT64_C(0x200000)
#define INCREMENT 20000

enum { ZERO = 0, A0 = 4, A1, A2, A3, T0 = 12, T1, T2 };

struct group_fixture {
	struct bus bus;
	struct clock clock;
	struct trace trace;
	struct cpu_group group;
	struct cpu cpu[CORES];
};

static uint32_t word_r(enum isa_op op, unsigned rd, unsigned rj, unsigned rk)
{
	return isa_info[op].match | rd | rj << 5 | rk << 10;
}

static uint32_t word_i12(enum isa_op op, unsigned rd, unsigned rj, int imm)
{
	return isa_info[op].match | rd | rj << 5 | ((uint32_t)imm & 0xfff) << 10;
}

/* ll, sc: @offset in bytes. */
static uint32_t word_i14(enum isa_op op, unsigned rd, unsigned rj, int offset)
{
	return isa_info[op].match | rd | rj << 5 | ((uint32_t)(offset / 4) & 0x3fff) << 10;
}

static uint32_t word_branch_z(enum isa_op op, unsigned rj, int offset)
{
	uint32_t field = (uint32_t)(offset / 4);

	return isa_info[op].match | rj << 5 | (field & 0xffff) << 10 | (field >> 16 & 0x1f);
}

static uint32_t word_branch(enum isa_op op, unsigned rj, unsigned rd, int offset)
{
	return isa_info[op].match | rj << 5 | rd | ((uint32_t)(offset / 4) & 0xffff) << 10;
}

static void group_setup(struct group_fixture *f, bool parallel)
{
	const struct cpu_model *model = cpu_model_find("max");

	memset(f, 0, sizeof(*f));
	assert_int_equal(bus_init(&f->bus, RAM_SIZE, &f->trace), 0);
	clock_init(&f->clock, !parallel, 1);
	f->group.parallel = parallel;
	assert_int_equal(reserve_init(&f->group), 0);
	for (unsigned i = 0; i < CORES; i++) {
		assert_int_equal(cpu_init(&f->cpu[i], i, model, &f->group, &f->bus, &f->clock, &f->trace, 1),
				 0);
		assert_int_equal(interp_init(&f->cpu[i], 1), 0);
		f->cpu[i].pc = CODE(i);
	}
}

static void group_teardown(struct group_fixture *f)
{
	for (unsigned i = 0; i < CORES; i++) {
		interp_destroy(&f->cpu[i]);
		cpu_destroy(&f->cpu[i]);
	}
	reserve_destroy(&f->group);
	clock_destroy(&f->clock);
	bus_destroy(&f->bus);
}

/* The fixture is large (a soft TLB a core) and outlives one test. */
static struct group_fixture fixture;

static int setup_parallel(void **state)
{
	group_setup(&fixture, true);
	*state = &fixture;
	return 0;
}

static int setup_single(void **state)
{
	group_setup(&fixture, false);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	group_teardown(*state);
	return 0;
}

static void *ram(struct group_fixture *f, uint64_t pa)
{
	return bus_ram(&f->bus, pa, 8);
}

static uint64_t ram_u64(struct group_fixture *f, uint64_t pa)
{
	return *(uint64_t *)ram(f, pa);
}

static void load_code(struct group_fixture *f, unsigned core, const uint32_t *word, size_t size)
{
	memcpy(ram(f, CODE(core)), word, size);
}

/* Executes one instruction on @core. */
static void step(struct group_fixture *f, unsigned core, uint32_t word)
{
	struct cpu *cpu = &f->cpu[core];

	load_code(f, core, &word, sizeof(word));
	cpu->pc = CODE(core);
	assert_int_equal(interp_run(cpu, 1), 1);
	assert_int_equal(cpu->pc, CODE(core) + 4);
}

static void load_linked(struct group_fixture *f, unsigned core, uint64_t pa)
{
	f->cpu[core].gpr[A0] = pa;
	step(f, core, word_i14(ISA_ll_w, T0, A0, 0));
}

static uint64_t store_conditional(struct group_fixture *f, unsigned core, uint64_t pa, uint64_t value)
{
	f->cpu[core].gpr[A0] = pa;
	f->cpu[core].gpr[T0] = value;
	step(f, core, word_i14(ISA_sc_w, T0, A0, 0));
	return f->cpu[core].gpr[T0];
}

static void store(struct group_fixture *f, unsigned core, enum isa_op op, uint64_t pa, uint64_t value)
{
	f->cpu[core].gpr[A1] = pa;
	f->cpu[core].gpr[A2] = value;
	step(f, core, word_i12(op, A2, A1, 0));
}

static void sc_succeeds_after_ll(void **state)
{
	struct group_fixture *f = *state;

	load_linked(f, 0, DATA);
	assert_true(f->cpu[0].ll[CPU_ROOT].bit);
	assert_int_equal(store_conditional(f, 0, DATA, 7), 1);
	assert_int_equal(ram_u64(f, DATA), 7);
	assert_int_equal(store_conditional(f, 0, DATA, 8), 0); /* one LL, one SC */
	assert_int_equal(ram_u64(f, DATA), 7);
}

static void sc_fails_after_another_core_changed_the_value_and_back(void **state)
{
	struct group_fixture *f = *state;

	store(f, 1, ISA_st_w, DATA, 5); /* core 1 has direct store rights now */
	load_linked(f, 0, DATA);
	assert_int_equal(f->cpu[0].gpr[T0], 5);
	store(f, 1, ISA_st_w, DATA, 6);
	store(f, 1, ISA_st_w, DATA, 5);
	assert_false(reserve_stands(&f->cpu[0], CPU_ROOT));
	assert_int_equal(store_conditional(f, 0, DATA, 9), 0);
	assert_int_equal(ram_u64(f, DATA), 5);
}

static void any_store_of_another_core_to_the_line_breaks_the_reservation(void **state)
{
	static const struct {
		enum isa_op op;
		int offset;
		bool breaks;
	} row[] = {
		{ ISA_st_b, 63, true },	     { ISA_st_b, 64, false },  { ISA_st_b, -1, false },
		{ ISA_st_h, 63, true },	     { ISA_st_d, 56, true },   { ISA_st_d, -4, true },
		{ ISA_st_d, -8, false },     { ISA_stptr_d, 8, true }, { ISA_stptr_w, 64, false },
		{ ISA_st_d, 0x1000, false },
	};
	struct group_fixture *f = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		load_linked(f, 0, DATA + 64);
		store(f, 2, row[i].op, DATA + 64 + (uint64_t)(int64_t)row[i].offset, 1);
		assert_int_equal(store_conditional(f, 0, DATA + 64, 2), !row[i].breaks);
	}
}

static void atomic_operation_of_another_core_breaks_the_reservation(void **state)
{
	static const enum isa_op op[] = { ISA_amswap_w, ISA_amadd_d, ISA_amor_db_w, ISA_ammax_du,
					  ISA_amswap_b, ISA_amadd_h, ISA_amcas_w,   ISA_amcas_db_d };
	struct group_fixture *f = *state;

	for (size_t i = 0; i < sizeof(op) / sizeof(*op); i++) {
		load_linked(f, 0, DATA);
		f->cpu[1].gpr[A1] = DATA + 8;
		f->cpu[1].gpr[A2] = i;
		step(f, 1, word_r(op[i], A3, A1, A2));
		assert_int_equal(store_conditional(f, 0, DATA, 2), 0);
	}
}

static void sc_of_another_core_breaks_the_reservation(void **state)
{
	struct group_fixture *f = *state;

	load_linked(f, 0, DATA);
	load_linked(f, 1, DATA);
	assert_int_equal(store_conditional(f, 1, DATA, 2), 1);
	assert_int_equal(store_conditional(f, 0, DATA, 3), 0);
	assert_int_equal(ram_u64(f, DATA), 2);
}

static void own_stores_keep_the_reservation(void **state)
{
	struct group_fixture *f = *state;

	load_linked(f, 0, DATA);
	store(f, 0, ISA_st_w, DATA, 4);
	assert_int_equal(store_conditional(f, 0, DATA, 3), 1);
}

static void sc_needs_the_address_and_size_of_the_ll(void **state)
{
	struct group_fixture *f = *state;

	load_linked(f, 0, DATA);
	assert_int_equal(store_conditional(f, 0, DATA + 4, 3), 0);
	load_linked(f, 0, DATA);
	step(f, 0, word_i14(ISA_sc_d, T0, A0, 0));
	assert_int_equal(f->cpu[0].gpr[T0], 0);
}

static void sc_q_stores_both_halves_after_an_ll_of_either(void **state)
{
	struct group_fixture *f = *state;
	struct cpu *cpu = &f->cpu[0];

	for (unsigned half = 0; half < 2; half++) {
		cpu->gpr[A0] = DATA + 16;
		step(f, 0, word_i14(ISA_ll_d, T0, A0, 8 * half));
		step(f, 0, word_i12(ISA_ld_d, T1, A0, 8 * !half));
		cpu->gpr[T0] = 0x1111 + half;
		cpu->gpr[T1] = 0x2222 + half;
		step(f, 0, word_r(ISA_sc_q, T0, A0, T1));
		assert_int_equal(cpu->gpr[T0], 1);
		assert_int_equal(ram_u64(f, DATA + 16), 0x1111 + half);
		assert_int_equal(ram_u64(f, DATA + 24), 0x2222 + half);
	}
	step(f, 0, word_i14(ISA_ll_d, T0, A0, 0));
	store(f, 1, ISA_st_d, DATA + 24, 0x2223);
	step(f, 0, word_r(ISA_sc_q, T0, A0, T1));
	assert_int_equal(cpu->gpr[T0], 0);
}

static void ertn_ends_the_reservation_unless_klo(void **state)
{
	struct group_fixture *f = *state;

	for (unsigned klo = 0; klo < 2; klo++) {
		uint32_t ertn = isa_info[ISA_ertn].match;
		struct cpu *cpu = &f->cpu[0];

		load_linked(f, 0, DATA);
		cpu->root.llbctl = klo ? LLBCTL_KLO : 0;
		cpu->root.era = CODE(0) + 0x100;
		load_code(f, 0, &ertn, sizeof(ertn));
		cpu->pc = CODE(0);
		assert_int_equal(interp_run(cpu, 1), 1);
		assert_int_equal(cpu->pc, CODE(0) + 0x100);
		assert_int_equal(store_conditional(f, 0, DATA, 3), klo);
		assert_int_equal(cpu->root.llbctl & LLBCTL_KLO, 0);
	}
}

/*
 * Contention: every core adds 1 INCREMENT times to each of five words of one page, by LL/SC of 32 and of
 * 64 bits, AMADD.D, AMCAS.W and SC.Q, and stores to a word of its own in the same line all the while.
 */
static const uint32_t *contention_code(size_t *size)
{
	static uint32_t code[64];
	unsigned n = 0, loop, retry;

	loop = n;
	retry = n;
	code[n++] = word_i14(ISA_ll_w, T0, A0, 0);
	code[n++] = word_i12(ISA_addi_w, T0, T0, 1);
	code[n++] = word_i14(ISA_sc_w, T0, A0, 0);
	code[n] = word_branch_z(ISA_beqz, T0, -4 * (int)(n - retry));
	n++;
	retry = n;
	code[n++] = word_i14(ISA_ll_d, T0, A0, 8);
	code[n++] = word_i12(ISA_addi_d, T0, T0, 1);
	code[n++] = word_i14(ISA_sc_d, T0, A0, 8);
	code[n] = word_branch_z(ISA_beqz, T0, -4 * (int)(n - retry));
	n++;
	code[n++] = word_i12(ISA_addi_d, T1, ZERO, 1);
	code[n++] = word_i12(ISA_addi_d, T2, A0, 16);
	code[n++] = word_r(ISA_amadd_d, T0, T2, T1);
	retry = n;
	code[n++] = word_i12(ISA_ld_w, T0, A0, 24);
	code[n++] = word_i12(ISA_addi_w, T1, T0, 1);
	code[n++] = word_i12(ISA_addi_d, T2, A0, 24);
	code[n++] = word_r(ISA_or, A3, T0, ZERO);
	code[n++] = word_r(ISA_amcas_w, T0, T2, T1);
	code[n] = word_branch(ISA_bne, T0, A3, -4 * (int)(n - retry));
	n++;
	retry = n;
	code[n++] = word_i14(ISA_ll_d, T0, A0, 32);
	code[n++] = word_i12(ISA_ld_d, T1, A0, 40);
	code[n++] = word_i12(ISA_addi_d, T0, T0, 1);
	code[n++] = word_i12(ISA_addi_d, T1, T1, 2);
	code[n++] = word_i12(ISA_addi_d, T2, A0, 32);
	code[n++] = word_r(ISA_sc_q, T0, T2, T1);
	code[n] = word_branch_z(ISA_beqz, T0, -4 * (int)(n - retry));
	n++;
	code[n++] = word_i12(ISA_st_w, A1, A2, 0);
	code[n++] = word_i12(ISA_addi_d, A1, A1, -1);
	code[n] = word_branch_z(ISA_bnez, A1, -4 * (int)(n - loop));
	n++;
	code[n++] = isa_info[ISA_idle].match;
	*size = 4 * n;
	return code;
}

static void contention_prepare(struct group_fixture *f)
{
	size_t size;
	const uint32_t *code = contention_code(&size);

	for (unsigned i = 0; i < CORES; i++) {
		load_code(f, i, code, size);
		f->cpu[i].gpr[A0] = DATA;
		f->cpu[i].gpr[A1] = INCREMENT;
		f->cpu[i].gpr[A2] = DATA + 48 + 4 * i;
	}
}

static void contention_check(struct group_fixture *f)
{
	static const uint8_t step[6] = { 1, 1, 1, 1, 1, 2 };

	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(ram_u64(f, DATA + 8 * i), (uint64_t)CORES * INCREMENT * step[i]);
}

static void *core_thread(void *cpu)
{
	while (!((struct cpu *)cpu)->halted)
		interp_run(cpu, 1000);
	return NULL;
}

static void four_threads_add_up_exactly(void **state)
{
	struct group_fixture *f = *state;
	pthread_t thread[CORES];

	contention_prepare(f);
	for (unsigned i = 0; i < CORES; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, core_thread, &f->cpu[i]), 0);
	for (unsigned i = 0; i < CORES; i++)
		pthread_join(thread[i], NULL);
	contention_check(f);
}

static void four_cores_on_one_thread_add_up_exactly(void **state)
{
	struct group_fixture *f = *state;
	bool running = true;

	contention_prepare(f);
	while (running) {
		running = false;
		for (unsigned i = 0; i < CORES; i++) {
			interp_run(&f->cpu[i], 7 + i); /* short slices, cut at every place of the loop */
			running |= !f->cpu[i].halted;
		}
	}
	contention_check(f);
}

#define BOTH(test)                                                                                           \
	cmocka_unit_test_setup_teardown(test, setup_parallel, teardown),                                     \
		cmocka_unit_test_setup_teardown(test, setup_single, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(sc_succeeds_after_ll),
		BOTH(sc_fails_after_another_core_changed_the_value_and_back),
		BOTH(any_store_of_another_core_to_the_line_breaks_the_reservation),
		BOTH(atomic_operation_of_another_core_breaks_the_reservation),
		BOTH(sc_of_another_core_breaks_the_reservation),
		BOTH(own_stores_keep_the_reservation),
		BOTH(sc_needs_the_address_and_size_of_the_ll),
		BOTH(sc_q_stores_both_halves_after_an_ll_of_either),
		BOTH(ertn_ends_the_reservation_unless_klo),
		cmocka_unit_test_setup_teardown(four_threads_add_up_exactly, setup_parallel, teardown),
		cmocka_unit_test_setup_teardown(four_cores_on_one_thread_add_up_exactly, setup_single,
						teardown),
	};

	isa_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
