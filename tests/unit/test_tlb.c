/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The TLB and what the soft TLB keeps of it: the two never disagree.  Vol.1 5.4. */
#include "tests/unit/cpu_fixture.h"

#define VA   UINT64_C(0xffff800000000000)
#define MTLB STLB_ENTRIES

static void a_dropped_entry_leaves_every_bank(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	mapped_mode(cpu);
	ram_put(cpu, 0x100000, 1);
	tlb_put(cpu, MTLB, VA, 14, 0x100000 | PAGE_RW | TLBELO_G, 0x104000 | PAGE_RW | TLBELO_G);
	for (unsigned asid = 0; asid < 3; asid++) {
		csr_set(cpu, CSR_ASID, asid);
		assert_int_equal(loaded(cpu, VA), 1);
	}
	assert_true(tlb_invalidate(cpu, 6, 7, VA + 0x5000));
	for (unsigned asid = 0; asid < 3; asid++) {
		csr_set(cpu, CSR_ASID, asid);
		assert_true(refill_on_load(cpu, VA));
	}
}

static void switching_between_more_address_spaces_than_banks_keeps_them_apart(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	mapped_mode(cpu);
	for (unsigned asid = 0; asid < 40; asid++) {
		ram_put(cpu, 0x100000 + 0x8000 * asid, asid);
		csr_set(cpu, CSR_ASID, asid);
		tlb_put(cpu, MTLB + asid, VA, 14, (0x100000 + 0x8000 * asid) | PAGE_RW, PAGE_RW);
		csr_set(cpu, CSR_ASID, asid);
	}
	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned i = 0; i < 40; i++) {
			csr_set(cpu, CSR_ASID, i * 7 % 40);
			assert_int_equal(loaded(cpu, VA), i * 7 % 40);
		}
}

static void a_second_access_does_not_fill_again(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint64_t fills;

	mapped_mode(cpu);
	tlb_put(cpu, MTLB, VA, 14, 0x100000 | PAGE_RW, PAGE_RW);
	loaded(cpu, VA);
	fills = cpu->stats.softtlb_fills;
	csr_set(cpu, CSR_ASID, 5);
	csr_set(cpu, CSR_ASID, 0);
	loaded(cpu, VA + 8);
	assert_int_equal(cpu->stats.softtlb_fills, fills);
}

static void random_operations_agree_with_a_list_of_entries(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	struct {
		uint64_t va, pa;
		unsigned ps, asid;
		bool global, valid;
	} list[16] = { 0 };
	uint64_t seed = 12345;

	mapped_mode(cpu);
	for (unsigned i = 0; i < 64; i++)
		ram_put(cpu, 0x100000 + 0x4000 * i, 0x100000 + 0x4000 * i);
	for (unsigned step = 0; step < 20000; step++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		unsigned r = (unsigned)(seed >> 33), slot = r & 15, asid = r >> 4 & 3, op = r >> 6 & 15;

		csr_set(cpu, CSR_ASID, asid);
		if (op < 3) {
			/* Distinct addresses by slot, so that no two entries overlap. */
			list[slot].ps = op == 2 ? 16 : 14;
			list[slot].va = VA + (uint64_t)slot * 0x100000;
			list[slot].pa = 0x100000 + (uint64_t)(r >> 10 & 7) * 0x20000;
			list[slot].asid = asid;
			list[slot].global = r >> 20 & 1;
			list[slot].valid = true;
			uint64_t g = list[slot].global ? TLBELO_G : 0;

			tlb_put(cpu, MTLB + slot, list[slot].va, list[slot].ps, list[slot].pa | PAGE_RW | g,
				(list[slot].pa + (UINT64_C(1) << list[slot].ps)) | PAGE_RW | g);
			csr_set(cpu, CSR_ASID, asid);
		} else if (op == 3) {
			unsigned inv = r >> 10 & 7;

			if (inv > 6 || (inv < 4 && r >> 13 & 3))
				continue;
			tlb_invalidate(cpu, inv, asid, VA + (uint64_t)slot * 0x100000);
			for (unsigned i = 0; i < 16; i++) {
				bool here = i == slot, mine = list[i].asid == asid;

				if (inv < 2 || (inv == 2 && list[i].global) ||
				    (inv == 3 && !list[i].global) || (inv == 4 && !list[i].global && mine) ||
				    (inv == 5 && !list[i].global && mine && here) ||
				    (inv == 6 && (list[i].global || mine) && here))
					list[i].valid = false;
			}
		} else {
			bool odd = r >> 21 & 1;
			uint64_t size = UINT64_C(1) << (list[slot].ps ? list[slot].ps : 14);
			uint64_t va = VA + (uint64_t)slot * 0x100000 + (odd ? size : 0);

			if (list[slot].valid && (list[slot].global || list[slot].asid == asid))
				assert_int_equal(loaded(cpu, va), list[slot].pa + (odd ? size : 0));
			else
				assert_true(refill_on_load(cpu, va));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CPU_TEST(a_dropped_entry_leaves_every_bank),
		CPU_TEST(switching_between_more_address_spaces_than_banks_keeps_them_apart),
		CPU_TEST(a_second_access_does_not_fill_again),
		CPU_TEST(random_operations_agree_with_a_list_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
