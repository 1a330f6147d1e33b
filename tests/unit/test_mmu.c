/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The slow path: pages, crossing, devices, pages with LL/SC words, the walker.  Vol.1 5.3, 5.4. */
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"
#include "tests/unit/cpu_fixture.h"

#define VA     UINT64_C(0xffff800000000000)
#define MTLB   STLB_ENTRIES
#define DEVICE UINT64_C(0x10000000)

/* A device that notes its accesses. */
struct device {
	struct {
		uint64_t offset, value;
		unsigned size;
	} access[8];
	unsigned count;
};

static bool device_read(void *opaque, uint64_t offset, unsigned size, uint64_t *value)
{
	struct device *d = opaque;

	if (offset >= 0x100)
		return false;
	d->access[d->count].offset = offset;
	d->access[d->count++ & 7].size = size;
	*value = 0;
	for (unsigned i = 0; i < size; i++)
		*value |= (uint64_t)(offset + i) << 8 * i;
	return true;
}

static bool device_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct device *d = opaque;

	if (offset >= 0x100)
		return false;
	d->access[d->count].offset = offset;
	d->access[d->count].value = value;
	d->access[d->count++ & 7].size = size;
	return true;
}

static const struct mmio_ops device_ops = { device_read, device_write };

static void device_add(struct cpu *cpu, struct device *device)
{
	struct mmio_region region = {
		.name = "test", .base = DEVICE, .size = 0x200, .ops = &device_ops, .dev = device
	};

	assert_int_equal(bus_add_region(cpu->bus, &region), 0);
}

static void a_misaligned_device_access_is_split_into_aligned_ones(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	struct device device = { 0 };

	device_add(cpu, &device);
	assert_int_equal(loaded(cpu, DEVICE + 3), UINT64_C(0x0a09080706050403));
	assert_int_equal(device.count, 4);
	assert_int_equal(device.access[0].size, 1);
	assert_int_equal(device.access[1].size, 4);
	assert_int_equal(device.access[2].size, 2);
	assert_int_equal(device.access[3].size, 1);
	device.count = 0;
	assert_true(store_u32(cpu, DEVICE + 4, 0x11223344));
	assert_int_equal(device.count, 1);
	assert_int_equal(device.access[0].value, 0x11223344);
}

static void what_no_device_decodes_raises_adem(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	struct device device = { 0 };
	uint64_t value;

	device_add(cpu, &device);
	assert_false(load_u64(cpu, DEVICE + 0x100, &value));
	assert_int_equal(cpu->pc, ENTRY);
	assert_int_equal(cpu->csr->estat >> 16, 0x48);
	assert_int_equal(cpu->csr->badv, DEVICE + 0x100);
	assert_false(load_u64(cpu, UINT64_C(0x5000000), &value));
}

static void a_store_across_pages_writes_both_or_nothing(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	mapped_mode(cpu);
	ram_put(cpu, 0x103ff8, 0);
	ram_put(cpu, 0x200000, 0);
	tlb_put(cpu, MTLB, VA, 14, 0x100000 | PAGE_RW, 0x200000 | TLBELO_V | 0x10);
	assert_false(store_u64(cpu, VA + 0x3ffc, UINT64_MAX));
	assert_int_equal(cpu->csr->badv, VA + 0x4000);
	assert_int_equal(ram_get(cpu, 0x103ff8), 0);
	tlb_put(cpu, MTLB, VA, 14, 0x100000 | PAGE_RW, 0x200000 | PAGE_RW);
	assert_true(store_u64(cpu, VA + 0x3ffc, UINT64_C(0x1122334455667788)));
	assert_int_equal(ram_get(cpu, 0x103ff8), UINT64_C(0x5566778800000000));
	assert_int_equal(ram_get(cpu, 0x200000), UINT64_C(0x11223344));
}

static void a_vector_that_crosses_pages_is_joined(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint8_t in[32], out[32] = { 0 };

	for (unsigned i = 0; i < 32; i++)
		in[i] = (uint8_t)(i + 1);
	for (unsigned start = 0xfe0; start <= 0x1000; start++) {
		assert_true(store_block(cpu, start, in, 32));
		assert_true(load_block(cpu, start, out, 32));
		assert_memory_equal(in, out, 32);
	}
}

static void stores_to_a_flagged_page_break_other_reservations(void **state)
{
	struct cpu_fixture *f = *state;
	struct cpu *cpu = &f->cpu, *other = aligned_alloc(64, (sizeof(*other) + 63) / 64 * 64);
	uint64_t value[2] = { 7, 0 };
	void *host;

	assert_non_null(other);
	assert_int_equal(cpu_init(other, 1, cpu->model, &f->group, &f->bus, &f->clock, &f->trace, 1), 0);
	assert_int_equal(reserve_init(&f->group), 0);
	assert_true(store_u64(cpu, 0x100000, 1)); /* enters the page into the soft TLB */
	host = bus_ram(&f->bus, 0x100000, 8);
	assert_int_equal(reserve_load(other, host, 8), 1);
	assert_true(store_u64(cpu, 0x100000, 1));
	assert_false(reserve_store_conditional(other, host, 8, value));
	reserve_load(other, host, 8);
	assert_true(store_u64(cpu, 0x100040, 5)); /* another line */
	assert_true(reserve_store_conditional(other, host, 8, value));
	assert_int_equal(loaded(cpu, 0x100000), 7);
	assert_int_equal(loaded(cpu, 0x100040), 5);
	reserve_destroy(&f->group);
	cpu_destroy(other);
	free(other);
}

#define PTE_P UINT64_C(0x80)
#define PTE_W UINT64_C(0x100)

/* Two levels of 512 entries over 4 KiB pages. */
static void walker_setup(struct cpu *cpu)
{
	mapped_mode(cpu);
	csr_set(cpu, CSR_STLBPS, 12);
	csr_set(cpu, CSR_PWCL, 12 | 9 << 5 | 21 << 10 | 9 << 15);
	csr_set(cpu, CSR_PWCH, PWCH_HPTW);
	csr_set(cpu, CSR_PGDL, 0x400000);
	ram_put(cpu, 0x400000 + 8, 0x401000);
}

static void the_walker_fills_the_tlb_and_marks_the_page(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint64_t va = 0x203000, pte = 0x401000 + 8 * 3;

	walker_setup(cpu);
	ram_put(cpu, pte, 0x123000 | PTE_P | PTE_W | 0x10);
	ram_put(cpu, 0x123000, 99);
	assert_int_equal(loaded(cpu, va), 99);
	assert_int_equal(ram_get(cpu, pte), 0x123000 | PTE_P | PTE_W | 0x11);
	assert_true(store_u64(cpu, va, 98));
	assert_int_equal(ram_get(cpu, pte), 0x123000 | PTE_P | PTE_W | 0x13);
	assert_int_equal(cpu->stats.tlb_refills, 0);
}

static void a_table_outside_ram_reads_as_empty(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;

	walker_setup(cpu);
	ram_put(cpu, 0x400000 + 8, UINT64_C(0x7fffffff000));
	assert_false(refill_on_load(cpu, 0x203000));
	assert_int_equal(cpu->csr->estat >> 16 & 0x3f, EXC_PIL);
	csr_set(cpu, CSR_PGDL, UINT64_C(0xfffffffff000));
	assert_false(refill_on_load(cpu, 0x203000));
}

static void absurd_walk_configurations_do_no_harm(void **state)
{
	struct cpu *cpu = &((struct cpu_fixture *)*state)->cpu;
	uint64_t seed = 1, value;

	mapped_mode(cpu);
	for (unsigned i = 0; i < RAM_SIZE; i += 8)
		ram_put(cpu, i, (seed = seed * UINT64_C(6364136223846793005) + 1));
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		csr_set(cpu, CSR_PWCL, seed >> 20);
		csr_set(cpu, CSR_PWCH, seed >> 10 | PWCH_HPTW);
		csr_set(cpu, CSR_PGDL, seed >> 41);
		csr_set(cpu, CSR_BADV, seed);
		ptw_ldpte(cpu, seed, i & 1);
		ptw_lddir(cpu, seed, i & 7, &value);
		if (i % 64 == 0)
			tlb_invalidate(cpu, 0, 0, 0);
		if (!load_u64(cpu, seed >> 18, &value)) {
			cpu_return(cpu);
			csr_set(cpu, CSR_CRMD, CRMD_PG);
			cpu->pc = PC;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CPU_TEST(a_misaligned_device_access_is_split_into_aligned_ones),
		CPU_TEST(what_no_device_decodes_raises_adem),
		CPU_TEST(a_store_across_pages_writes_both_or_nothing),
		CPU_TEST(a_vector_that_crosses_pages_is_joined),
		CPU_TEST(stores_to_a_flagged_page_break_other_reservations),
		CPU_TEST(the_walker_fills_the_tlb_and_marks_the_page),
		CPU_TEST(a_table_outside_ram_reads_as_empty),
		CPU_TEST(absurd_walk_configurations_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
