/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The soft TLB's pages, machine/cpu/softtlb.h: they are as large as the guest's, and whatever their size is,
 * accesses do the same.
 */
#include "tests/unit/cpu_fixture.h"

#define VA   UINT64_C(0x40000000)
#define PA   UINT64_C(0x400000)
#define ROM  UINT64_C(0x1c000000)
#define K(n) (UINT64_C(n) << 10)

/* The guest sets its page size, and the core comes to the end of that instruction. */
static void set_pages(struct cpu *cpu, unsigned bits)
{
	csr_set(cpu, CSR_STLBPS, bits);
	softtlb_take_pages(cpu);
}

static bool known(struct cpu *cpu, uint64_t va, enum softtlb_access kind)
{
	return access_host(cpu, va, 8, kind);
}

/* A 4 KiB page each with its own number. */
static void number_pages(struct cpu *cpu)
{
	for (unsigned i = 0; i < 64; i++)
		ram_put(cpu, PA + K(4) * i, i);
}

static void pages_are_as_large_as_those_of_the_stlb(void **state)
{
	static const struct {
		unsigned stlbps, bits;
	} row[] = { { 12, 12 }, { 13, 12 }, { 14, 14 }, { 15, 14 }, { 16, 16 }, { 21, 16 }, { 12, 12 } };
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	assert_int_equal(cpu->page_bits, 12);
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		cpu->csr->stlbps = 0;
		csr_set(cpu, CSR_STLBPS, row[i].stlbps);
		if (cpu->csr->stlbps != row[i].stlbps)
			continue; /* the model has no such pages */
		softtlb_take_pages(cpu);
		assert_int_equal(cpu->page_bits, row[i].bits);
		assert_int_equal(cpu->page_size, UINT64_C(1) << row[i].bits);
	}
	set_pages(cpu, 14);
	cpu_reset(cpu);
	assert_int_equal(cpu->page_bits, 12);
}

static void the_size_changes_between_instructions(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	atomic_store(&cpu->attention, 0);
	csr_set(cpu, CSR_STLBPS, 14);
	assert_int_equal(cpu->page_bits, 12);
	assert_true(atomic_load(&cpu->attention) & ATTENTION_PAGES);
}

static void a_change_empties_all_banks(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	loaded(cpu, PA);
	assert_true(known(cpu, PA, SOFTTLB_LOAD));
	cpu->bank->exec_id[softtlb_index(12, PA)] = 1;
	set_pages(cpu, 14);
	assert_false(known(cpu, PA, SOFTTLB_LOAD));
	for (unsigned i = 0; i < SOFTTLB_ENTRIES; i++)
		assert_int_equal(cpu->bank->exec_id[i], 0);
}

static void one_entry_serves_a_page_of_16_kib(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint64_t fills;

	number_pages(cpu);
	mapped_mode(cpu);
	softtlb_take_pages(cpu);
	tlb_put(cpu, 0, VA, 14, PA | PAGE_RW, (PA + K(32)) | PAGE_RW);
	fills = cpu->stats.softtlb_fills;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(loaded(cpu, VA + K(4) * i), i);
		assert_int_equal(loaded(cpu, VA + K(16) + K(4) * i), 8 + i);
	}
	assert_int_equal(loaded(cpu, VA + K(4) - 4), UINT64_C(1) << 32);
	assert_int_equal(cpu->stats.softtlb_fills, fills + 2);
}

static void dropping_a_tlb_entry_drops_the_large_page(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	mapped_mode(cpu);
	softtlb_take_pages(cpu);
	tlb_put(cpu, 0, VA, 14, PA | PAGE_RW, (PA + K(32)) | PAGE_RW);
	loaded(cpu, VA + K(12));
	loaded(cpu, VA + K(16));
	cpu->bank->exec_id[softtlb_index(14, VA)] = 7;
	assert_true(tlb_invalidate(cpu, 5, 0, VA));
	assert_false(known(cpu, VA, SOFTTLB_LOAD));
	assert_false(known(cpu, VA + K(16), SOFTTLB_LOAD));
	assert_int_equal(cpu->bank->exec_id[softtlb_index(14, VA)], 0);
	assert_true(refill_on_load(cpu, VA + K(8)));
}

static void smaller_pages_of_the_guest_make_them_smaller(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	number_pages(cpu);
	mapped_mode(cpu);
	softtlb_take_pages(cpu);
	tlb_put(cpu, STLB_ENTRIES, VA, 12, (PA + K(20)) | PAGE_RW, (PA + K(4)) | PAGE_RW);
	/* Right at once, if by the slow path. */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(loaded(cpu, VA), 5);
		assert_int_equal(loaded(cpu, VA + K(4)), 1);
		assert_false(known(cpu, VA, SOFTTLB_LOAD));
	}
	softtlb_take_pages(cpu);
	assert_int_equal(cpu->page_bits, 12);
	assert_int_equal(loaded(cpu, VA), 5);
	assert_int_equal(loaded(cpu, VA + K(4)), 1);
	assert_true(known(cpu, VA, SOFTTLB_LOAD));
	/* They stay so until the guest says otherwise. */
	tlb_put(cpu, 0, VA, 14, PA | PAGE_RW, (PA + K(32)) | PAGE_RW);
	loaded(cpu, VA + K(16));
	softtlb_take_pages(cpu);
	assert_int_equal(cpu->page_bits, 12);
	set_pages(cpu, 16);
	assert_int_equal(cpu->page_bits, 16);
}

static void a_page_that_is_not_all_memory_takes_the_slow_path(void **state)
{
	struct cpu_fixture *f = *state;
	struct cpu *cpu = &f->cpu;

	assert_int_equal(bus_add_rom(&f->bus, ROM + K(4), K(4)), 0);
	memset(bus_rom_content(&f->bus), 0x5a, K(4));
	set_pages(cpu, 14);
	assert_int_equal(loaded(cpu, ROM + K(4)), UINT64_C(0x5a5a5a5a5a5a5a5a));
	assert_false(known(cpu, ROM + K(4), SOFTTLB_LOAD));
	set_pages(cpu, 12);
	loaded(cpu, ROM + K(4));
	assert_true(known(cpu, ROM + K(4), SOFTTLB_LOAD));
	assert_false(known(cpu, ROM + K(4), SOFTTLB_STORE));
}

static void a_guarded_page_takes_the_store_right_of_all_around_it(void **state)
{
	struct cpu_fixture *f = *state;
	struct cpu *cpu = &f->cpu;

	set_pages(cpu, 14);
	assert_true(store_u64(cpu, PA, 1));
	assert_true(known(cpu, PA + K(12), SOFTTLB_STORE));
	atomic_fetch_or(&f->bus.ram_page_flags[(PA >> BUS_PAGE_BITS) + 2], RAM_PAGE_RESERVED);
	softtlb_flush_all(cpu);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(store_u64(cpu, PA + K(4) * i + K(4) - 4, i + 10));
		assert_int_equal(ram_get(cpu, PA + K(4) * i + K(4) - 4), i + 10);
		assert_false(known(cpu, PA + K(4) * i, SOFTTLB_STORE));
		assert_true(known(cpu, PA + K(4) * i, SOFTTLB_LOAD));
	}
}

static void a_watchpoint_keeps_the_whole_page_out(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	set_pages(cpu, 14);
	csr_set(cpu, CSR_MWP0CFG1, PA + K(8));
	csr_set(cpu, CSR_MWP0CFG1 + 2, 0x31e);
	csr_set(cpu, CSR_CRMD, CRMD_DA | CRMD_WE);
	loaded(cpu, PA);
	assert_false(known(cpu, PA, SOFTTLB_LOAD));
	loaded(cpu, PA + K(16));
	assert_true(known(cpu, PA + K(16), SOFTTLB_LOAD));
}

static void a_debuggers_point_keeps_the_whole_page_out(void **state)
{
	struct debug_point point = { DEBUG_WATCH_ACCESS, PA + K(8), 4 };
	const struct debug_points points = { &point, 1 };
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	set_pages(cpu, 14);
	cpu->debug.points = &points;
	loaded(cpu, PA);
	assert_false(known(cpu, PA, SOFTTLB_LOAD));
	loaded(cpu, PA + K(16));
	assert_true(known(cpu, PA + K(16), SOFTTLB_LOAD));
	cpu->debug.points = NULL;
}

/* Enters @va for loads alone, at @host. */
static void enter_for_loads(struct cpu *cpu, uint64_t va, uint8_t *host)
{
	softtlb_enter(cpu, va, va, host, 1u << SOFTTLB_LOAD, false);
}

static void an_entry_that_another_displaced_is_recalled(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	const uint64_t page = cpu->page_size, va = 4 * page, rival = va + SOFTTLB_ENTRIES * page;
	uint8_t *host = cpu->bus->ram;

	enter_for_loads(cpu, va, host);
	cpu->bank->exec_id[softtlb_index(cpu->page_bits, va)] = 7;
	enter_for_loads(cpu, rival, host + page);
	assert_false(known(cpu, va, SOFTTLB_LOAD));
	assert_true(softtlb_recall(cpu, va, SOFTTLB_LOAD));
	assert_ptr_equal(access_host(cpu, va, 1, SOFTTLB_LOAD), host);
	assert_int_equal(cpu->bank->exec_id[softtlb_index(cpu->page_bits, va)], 7);
	assert_true(softtlb_recall(cpu, rival, SOFTTLB_LOAD));
	assert_ptr_equal(access_host(cpu, rival, 1, SOFTTLB_LOAD), host + page);
	/* What a tag that allows nothing looks like is another page's address. */
	assert_false(softtlb_recall(cpu, softtlb_none(cpu->page_bits, softtlb_index(cpu->page_bits, va)),
				    SOFTTLB_STORE));
	softtlb_flush_all(cpu);
	assert_false(softtlb_recall(cpu, va, SOFTTLB_LOAD));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CPU_TEST(pages_are_as_large_as_those_of_the_stlb),
		CPU_TEST(the_size_changes_between_instructions),
		CPU_TEST(a_change_empties_all_banks),
		CPU_TEST(one_entry_serves_a_page_of_16_kib),
		CPU_TEST(dropping_a_tlb_entry_drops_the_large_page),
		CPU_TEST(smaller_pages_of_the_guest_make_them_smaller),
		CPU_TEST(a_page_that_is_not_all_memory_takes_the_slow_path),
		CPU_TEST(a_guarded_page_takes_the_store_right_of_all_around_it),
		CPU_TEST(a_watchpoint_keeps_the_whole_page_out),
		CPU_TEST(a_debuggers_point_keeps_the_whole_page_out),
		CPU_TEST(an_entry_that_another_displaced_is_recalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
