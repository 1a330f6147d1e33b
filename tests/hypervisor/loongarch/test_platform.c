/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Boards: each table agrees with itself and with what the hypervisor assumes, boards are told apart,
 * descriptions that do not fit are refused, and root's accesses to what is guarded reach what is root's
 * alone.  Root has CPUs 0 and 1, a cell 2 and 3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../hypervisor/arch/loongarch64/loongarch.h"

#define CHIP	 UINT64_C(0x1fe00000)
#define CHIP_TOO UINT64_C(0x3ff00000)
#define DOORBELL UINT64_C(0x2ff00000)
#define MESSAGES UINT64_C(0x2fe00000)
#define HT1	 UINT64_C(0xe0000000000)
#define IO	 (CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO)
#define CPUS	 4
#define VECTOR	 0x20 /* the cell's */

uint64_t host_estat;
struct cell root_cell;
struct config_system *system_config;
struct hv_error last_error;
bool has_messages;
static struct cell cell;
static uint8_t *areas;
static uint8_t iocsr[0x4000];

static struct {
	struct config_system system;
	uint8_t cpus[8];
	struct config_memory memory[8];
} __attribute__((packed)) board;

static struct {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[2];
} __attribute__((packed)) guest;

/* What is the cell's. */
static struct {
	struct config_cell cell;
	struct config_irqchip chip;
} __attribute__((packed)) vector = {
	.cell.num_irqchips = 1,
	.chip = { .id = CONFIG_IRQCHIP_EXTIOI, .pin_bitmap[VECTOR / 32] = 1u << VECTOR % 32 },
};

static uint32_t prid;
static unsigned pins;
static struct {
	uint64_t phys, value;
	unsigned size;
} written; /* to devices, last */

uint32_t host_cpucfg(unsigned word)
{
	return word ? 0 : prid;
}

uint64_t hw_iocsr_read(uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, iocsr + offset, size);
	return value;
}

void hw_iocsr_write(uint32_t offset, unsigned size, uint64_t value)
{
	memcpy(iocsr + offset, &value, size);
}

uint64_t hw_read(uint64_t phys, unsigned size)
{
	return phys == 0x10000004 ? (uint64_t)(pins - 1) << 16 | 1 : 0x5a;
}

void hw_write(uint64_t phys, unsigned size, uint64_t value)
{
	written.phys = phys;
	written.size = size;
	written.value = value;
}

/* What these files use of core. */

int cell_cpu(const struct cell *of, unsigned number)
{
	return of->cpus >> number & 1 ? (int)number : -1;
}

bool cell_owns_cpu(const struct cell *of, unsigned id)
{
	return id < CPUS_MAX && of->cpus >> id & 1;
}

uint64_t cpus_dead;

static struct cpu *cpu(unsigned id)
{
	return (struct cpu *)(areas + id * PERCPU_SIZE);
}

struct cpu *arch_this_cpu(void)
{
	return cpu(0);
}

struct cpu *cpu_of(unsigned id)
{
	return cpu(id);
}

void lock_take(struct lock *lock)
{
}

void lock_release(struct lock *lock)
{
}

uint64_t config_cpus(const struct config_cell *of)
{
	return config_cpu_set(of)[0];
}

int config_refuse(struct hv_error *error, int number, const struct config_system *system,
		  const struct config_cell *of, const void *field, int index, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(error->sentence, sizeof(error->sentence), format, arguments);
	va_end(arguments);
	assert_true(length < (int)sizeof(error->sentence));
	return -number;
}

static struct mmio_region traps[16];
static unsigned trap_count;
static uint64_t unmapped;

int mmio_register(struct cell *of, uint64_t gpa, uint64_t size, mmio_fn *fn, void *opaque)
{
	assert_ptr_equal(of, &root_cell);
	traps[trap_count++] = (struct mmio_region){ gpa, size, fn, opaque };
	return 0;
}

int paging_unmap(struct paging *paging, uint64_t gpa, uint64_t size)
{
	unmapped += size;
	return 0;
}

/* A 3A5000 board whose configuration is right. */
static int set_up(void **state)
{
	static const struct config_memory memory[] = {
		{ 0, 0, 0x10000000, CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE },
		{ 0x10000000, 0x10000000, 0x70000000, IO },
		{ 0x80000000, 0x80000000, 0x70000000, CONFIG_MEM_READ | CONFIG_MEM_WRITE },
		{ HT1 + 0x40000000, HT1 + 0x40000000, 0x40000000, IO },
		{ HT1 + 0xfe00000000, HT1 + 0xfe00000000, 0x20000000, IO },
	};

	areas = calloc(CPUS, PERCPU_SIZE);
	memset(iocsr, 0, sizeof(iocsr));
	memcpy(iocsr + 0x10, "Loongson", 8);
	memcpy(iocsr + 0x20, "3A5000\0", 8);
	prid = 0x14c010;
	pins = 64;
	has_messages = true;
	memset(&board, 0, sizeof(board));
	memset(&guest, 0, sizeof(guest));
	memset(&written, 0, sizeof(written));
	memset(&root_cell, 0, sizeof(root_cell));
	memset(&cell, 0, sizeof(cell));
	trap_count = 0;
	unmapped = 0;
	board.system.platform_info.loongarch.node_count = 1;
	board.system.platform_info.loongarch.pch_pic_base = 0x10000000;
	board.system.platform_info.loongarch.pch_msi_doorbell = DOORBELL;
	board.system.root_cell.cpu_set_size = 8;
	board.system.root_cell.num_memory_regions = 5;
	board.cpus[0] = 0xf;
	memcpy(board.memory, memory, sizeof(memory));
	guest.cell.cpu_set_size = 8;
	guest.cell.num_memory_regions = 1;
	system_config = &board.system;
	root_cell.config = &board.system.root_cell;
	root_cell.cpus = 3;
	cell.id = 1;
	cell.cpus = 0xc;
	memset(root_cell.arch.cpu_id, NO_CPU, sizeof(root_cell.arch.cpu_id));
	memset(cell.arch.cpu_id, NO_CPU, sizeof(cell.arch.cpu_id));
	for (unsigned id = 0; id < CPUS; id++) {
		root_cell.arch.cpu_id[id] = (uint8_t)id;
		cpu(id)->id = id;
		cpu(id)->cell = id < 2 ? &root_cell : &cell;
	}
	cell.arch.cpu_id[0] = 2;
	cell.arch.cpu_id[1] = 3;
	cell.config = &vector.cell;
	extioi_init_root(&root_cell);
	extioi_take(&cell);
	platform = NULL;
	return 0;
}

static int tear_down(void **state)
{
	free(areas);
	return 0;
}

static int find(void)
{
	int result = guard_find_platform(&board.system, &last_error);

	return result ? result
		      : platform_check_memory(platform, &board.system, &board.system.root_cell, &last_error);
}

static void refused(int result, int number, const char *words)
{
	if (result != -number || !strstr(last_error.sentence, words))
		fail_msg("%d, not %d: %s", result, -number, last_error.sentence);
}

static bool is_trapped(enum platform_guard guard)
{
	return guard == GUARD_CHIP || guard == GUARD_VECTOR_DOORBELL || guard == GUARD_CPU_DOORBELL;
}

static unsigned guards_at(const struct platform *of, uint64_t address, enum platform_guard guard)
{
	unsigned count = 0;

	for (unsigned i = 0; i < of->range_count; i++)
		count += of->ranges[i].guard == guard && of->ranges[i].base == address;
	return count;
}

/* A device is among the chip's registers, and none of those that are divided or refused. */
static bool is_device(const struct platform *of, const struct platform_range *device)
{
	for (unsigned i = 0; i < of->range_count; i++) {
		const struct platform_range *chip = &of->ranges[i];

		if (chip->guard == GUARD_CHIP && device->base >= chip->base &&
		    device->base + device->size <= chip->base + 0x1000)
			return platform_allows_write(of, (uint32_t)(device->base - chip->base),
						     (unsigned)device->size);
	}
	return false;
}

static void check_ranges(const struct platform *of)
{
	for (unsigned i = 0; i < of->range_count; i++) {
		const struct platform_range *a = &of->ranges[i];

		assert_true(a->size && a->base < PAGING_LIMIT && a->size <= PAGING_LIMIT - a->base);
		assert_true(a->name[0] && !a->name[sizeof(a->name) - 1]);
		if (is_trapped(a->guard)) /* whole pages are taken from root */
			assert_int_equal((a->base | a->size) % PAGE_SIZE, 0);
		if (of->node_shift)
			assert_true(a->base + a->size <= (uint64_t)of->nodes << of->node_shift);
		for (unsigned k = 0; k < i; k++) {
			const struct platform_range *b = &of->ranges[k];

			if (a->guard == GUARD_CHIP && b->guard == GUARD_CHIP_DEVICE)
				continue;
			assert_false(config_overlap(a->base, a->size, b->base, b->size));
		}
		if (a->guard == GUARD_CHIP_DEVICE)
			assert_true(is_device(of, a));
	}
}

static void each_table_agrees_with_itself(void **state)
{
	for (unsigned i = 0; i < PLATFORMS; i++) {
		const struct platform *of = platforms[i];

		assert_true(of->name[0] && of->nodes && of->cpus && of->cpus <= CPUS_MAX);
		assert_true(of->vectors <= VECTORS && of->pins <= PIC_PINS);
		assert_int_equal(guards_at(of, of->pic, GUARD_PIC), 1);
		assert_int_equal(guards_at(of, of->pic_too, GUARD_PIC), of->pic_too ? 1 : 0);
		assert_int_equal((of->pic | of->pic_too) % PAGE_SIZE, 0);
		assert_int_equal(guards_at(of, of->doorbell, GUARD_VECTOR_DOORBELL), 1);
		assert_int_equal(guards_at(of, of->cpu_doorbell, GUARD_CPU_DOORBELL), 1);
		/* All are asked at the same place, before one knows which it is. */
		assert_int_equal(of->pic, platforms[0]->pic);
		/* What reset, routing and memory controllers do is nobody's. */
		assert_false(platform_allows_write(of, 0x1d8, 1) || platform_allows_write(of, 0x400, 4) ||
			     platform_allows_write(of, 0x2ff8, 8) || platform_allows_write(of, 0x180, 8));
		assert_true(platform_allows_write(of, 0x420, 8)); /* Linux does */
		check_ranges(of);
		for (unsigned k = 0; k < i; k++)
			assert_true(strcmp(of->name, platforms[k]->name));
	}
}

static void boards_are_told_apart(void **state)
{
	assert_int_equal(find(), 0);
	assert_ptr_equal(platform, &platform_3a5000);
	board.system.platform_info.loongarch.pch_pic_base = HT1 + 0x10000000;
	assert_int_equal(find(), 0);
	board.system.platform_info.loongarch.pch_pic_base = 0x10000000;
	memcpy(iocsr + 0x20, "3A6000-H", 8);
	refused(find(), ENODEV, "3A6000-H, PRID 0x14c010");
	prid = 0x14d000;
	assert_int_equal(find(), 0);
	assert_ptr_equal(platform, &platform_3a6000);
	pins = 32;
	assert_int_equal(find(), 0);
	assert_ptr_equal(platform, &platform_virt);
}

static void what_is_unknown_is_refused_and_told(void **state)
{
	memcpy(iocsr + 0x20, "3C5000L", 8);
	refused(find(), ENODEV,
		"no board is known with 3C5000L, PRID 0x14c010, a bridge of 64 pins: it needs a table");
	memcpy(iocsr + 0x20, "3A5000\0", 8);
	iocsr[0x10] = 'l';
	refused(find(), ENODEV, "no board is known");
	iocsr[0x10] = 'L';
	pins = 1;
	refused(find(), ENODEV, "a bridge of 1 pins");
}

static void a_system_that_does_not_fit_is_refused(void **state)
{
	struct config_loongarch *loongarch = &board.system.platform_info.loongarch;

	loongarch->pch_pic_base = 0;
	refused(find(), EINVAL, "pch-pic-base is 0x0: no known board");
	loongarch->pch_pic_base = 0x10000000;
	loongarch->pch_msi_doorbell = 0x2ff80000;
	refused(find(), EINVAL, "pch-msi-doorbell is 0x2ff80000, but that of a 3A5000 board is 0x2ff00000");
	loongarch->pch_msi_doorbell = 0; /* none */
	loongarch->node_count = 2;
	refused(find(), EINVAL, "node-count is 2, but of a 3A5000 board 1 can be used");
	loongarch->node_count = 1;
	board.cpus[0] = 0x1f;
	refused(find(), EINVAL, "CPU 4: 1 nodes of a 3A5000 board have 4 each");
	board.cpus[0] = 0xf;
	loongarch->ipi_mode = 1;
	refused(find(), EINVAL, "ipi-mode 1");
	loongarch->ipi_mode = 0;
	loongarch->extioi_version = 1;
	refused(find(), EINVAL, "extioi-version 1");
	loongarch->extioi_version = 0;
	loongarch->extioi_iocsr_base = 0x1600;
	refused(find(), EINVAL, "extioi-iocsr-base is 0x1600");
	loongarch->extioi_iocsr_base = 0x1400;
	assert_int_equal(find(), 0);
}

static void root_has_no_other_way_to_memory(void **state)
{
	board.memory[4] = (struct config_memory){ 0x40000000000, 0x40000000000, 0x4000, IO };
	refused(find(), EPERM, "0x40000000000 is the memory controllers: nobody's");
	board.memory[4] = (struct config_memory){ 0x100000000000, 0x100000000000, 0x4000, IO };
	refused(find(), EINVAL, "0x100000000000 is of a node that this 3A5000 board has not");
	board.memory[4] = (struct config_memory){ 0xfffffffc000, 0xfffffffc000, 0x8000, IO };
	refused(find(), EINVAL, "of a node");
	board.memory[1].phys_start = board.memory[1].virt_start = 0x3ff04000;
	board.memory[1].size = 0x4000;
	board.system.root_cell.num_memory_regions = 2;
	refused(find(), EINVAL, "of 0x3ff00000, size 0x10000, the chip's registers, root has all");
}

static int cell_with(uint64_t phys, uint64_t size)
{
	assert_int_equal(find(), 0);
	guest.memory[0] = (struct config_memory){ phys, phys, size, IO | CONFIG_MEM_ROOTSHARED };
	return platform_check_memory(platform, &board.system, &guest.cell, &last_error);
}

static void a_cell_has_nothing_that_is_guarded(void **state)
{
	refused(cell_with(CHIP, 0x4000), EPERM, "0x1fe00000 is the chip's registers: root's alone");
	refused(cell_with(CHIP + 0x1000, 8), EPERM, "the chip's registers");
	refused(cell_with(CHIP_TOO + 0x1a00, 4), EPERM, "the chip's registers");
	refused(cell_with(CHIP + 0x1f0, 16), EPERM, "the chip's registers"); /* SPI */
	refused(cell_with(CHIP + 0x1e8, 16), EPERM, "the chip's registers"); /* and a UART */
	refused(cell_with(0x10000000, 0x4000), EPERM, "the bridge's interrupts");
	refused(cell_with(HT1 + 0x10000000, 0x4000), EPERM, "the bridge's interrupts");
	refused(cell_with(0x10000020, 8), EPERM, "the bridge's interrupts");
	refused(cell_with(DOORBELL, 8), EPERM, "the doorbell of messages");
	refused(cell_with(MESSAGES + 0x2000, 0x10), EPERM, "the doorbell of CPUs");
	refused(cell_with(0x1a000000, 0x10000), EPERM, "PCI configuration");
	refused(cell_with(HT1 + 0xfdfb000000, 0x4000), EPERM, "HyperTransport 1");
	refused(cell_with(HT1 + 0x0, 0x20000000000), EPERM, "the bridge's interrupts");
	refused(cell_with(0x1d000000, 0x4000), EPERM, "firmware's flash");
	refused(cell_with(0x100000000000, 0x4000), EINVAL, "of a node");
	assert_int_equal(cell_with(CHIP + 0x1e8, 8), 0); /* UART1 */
	assert_int_equal(cell_with(HT1 + 0x40000000, 0x4000), 0);
	assert_int_equal(cell_with(0x90000000, 0x400000), 0);
	guest.memory[0].flags = CONFIG_MEM_COMM_REGION;
	guest.memory[0].phys_start = CHIP;
	assert_int_equal(platform_check_memory(platform, &board.system, &guest.cell, &last_error), 0);
}

static struct mmio_region *trap_at(uint64_t address)
{
	for (unsigned i = 0; i < trap_count; i++)
		if (address - traps[i].gpa < traps[i].size)
			return &traps[i];
	return NULL;
}

static uint64_t access_by(unsigned id, bool write, uint64_t address, unsigned size, uint64_t value)
{
	struct mmio_access access = { .gpa = address, .size = size, .write = write, .value = value };
	struct mmio_region *trap = trap_at(address);

	assert_non_null(trap);
	assert_int_equal(trap->fn(cpu(id), trap->opaque, &access), MMIO_DONE);
	return access.value;
}

static void guarded(void)
{
	assert_int_equal(find(), 0);
	assert_int_equal(guard_root(&root_cell), 0);
}

static void only_what_root_lists_is_done_for_it(void **state)
{
	guarded();
	assert_int_equal(trap_count, 4);
	assert_int_equal(unmapped, 0x10000 + 0x10000 + 0x100000 + 0x4000);
	trap_count = 0;
	has_messages = false;
	board.memory[1].size = CHIP_TOO - 0x10000000;
	guarded();
	assert_non_null(trap_at(CHIP));
	assert_null(trap_at(CHIP_TOO));
	assert_null(trap_at(MESSAGES));
}

/* As by IOCSR, where ipis_stay_in_the_cell() and others of test_interrupts.c look at all there is. */
static void chip_registers_by_address_are_divided(void **state)
{
	guarded();
	access_by(0, true, CHIP + 0x1040, 4, 1 << 16 | 5);
	assert_int_equal(cpu(1)->arch.ipi.status, 1 << 5);
	access_by(0, true, CHIP_TOO + 0x1040, 4, 2 << 16 | 5); /* the cell's CPU */
	access_by(0, true, CHIP + 0x1208, 4, 1 << 5);	       /* its IPI_Set */
	access_by(0, true, CHIP + 0x1220, 8, 0x1234);	       /* its mailbox 0 */
	assert_int_equal(access_by(0, false, CHIP + 0x1220, 8, 0), 0);
	access_by(0, true, CHIP + 0x1108, 4, 1 << 6); /* root's other CPU: by IPI_Send only */
	assert_int_equal(cpu(0)->arch.refused, 5);
	assert_int_equal(cpu(1)->arch.ipi.status, 1 << 5);
	assert_int_equal(cpu(2)->arch.ipi.status | cpu(2)->arch.ipi.mailbox[0] | written.phys, 0);
	access_by(1, true, CHIP + 0x1120, 8, 0x5678); /* its own */
	assert_int_equal(cpu(1)->arch.ipi.mailbox[0], 0x5678);
	access_by(0, true, CHIP + 0x1600 + VECTOR / 8, 4, ~UINT32_C(0)); /* enables all but the cell's */
	assert_int_equal(hw_iocsr_read(0x1600 + VECTOR / 8, 4), ~UINT32_C(1));
	access_by(0, true, CHIP + 0x1c00 + VECTOR, 1, 1);
	assert_int_equal(iocsr[0x1c00 + VECTOR], 4);
	iocsr[0x1800] = 3;
	assert_int_equal(access_by(0, false, CHIP + 0x1800, 4, 0), 3);
	assert_int_equal(access_by(1, false, CHIP + 0x1800, 4, 0), 0); /* by address, core 0's */
	assert_int_equal(access_by(1, false, CHIP + 0x1900, 4, 0), 3);
}

#define IOCSRWR_B 0x06481000
#define IOCSRWR_D 0x06481c00

static void by_instruction(unsigned id, uint32_t insn, uint32_t offset, uint64_t value)
{
	iocsr_write(cpu(id), offset, 1u << (insn >> 10 & 3), value);
}

static void what_is_roots_reaches_the_chip(void **state)
{
	guarded();
	access_by(0, true, CHIP + 0x1e0, 1, 'x');
	assert_int_equal(written.phys, CHIP + 0x1e0);
	assert_int_equal(written.value, 'x');
	assert_int_equal(access_by(0, false, CHIP_TOO + 0x428, 4, 0), 0x5a);
	access_by(0, true, CHIP_TOO + 0x1428, 4, 1); /* LIOINTC */
	assert_int_equal(written.phys, CHIP_TOO + 0x1428);
	access_by(0, true, CHIP + 0x1d8, 1, 0);
	access_by(0, true, CHIP + 0x2000, 8, 0);
	access_by(0, true, CHIP + 0x404, 4, 0);
	assert_int_equal(written.phys, CHIP_TOO + 0x1428);
	assert_int_equal(cpu(0)->arch.refused, 3);
	by_instruction(0, IOCSRWR_B, 0x1d8, 0xff); /* nor so */
	by_instruction(0, IOCSRWR_D, 0x420, 1);
	assert_int_equal(iocsr[0x1d8], 0);
	assert_int_equal(iocsr[0x420], 1);
}

static void doorbells_raise_what_is_roots(void **state)
{
	guarded();
	access_by(0, true, DOORBELL, 4, VECTOR);
	assert_int_equal(written.phys, 0);
	access_by(0, true, DOORBELL, 4, VECTOR + 1);
	assert_int_equal(written.phys, DOORBELL);
	written.phys = 0;
	access_by(0, true, DOORBELL + 4, 4, VECTOR + 1);
	access_by(0, true, DOORBELL, 8, VECTOR + 1);
	access_by(0, true, MESSAGES | 2 << 12 | 0x40 << 4, 4, 0);
	access_by(0, true, MESSAGES | 77 << 12 | 0x40 << 4, 4, 0);
	assert_int_equal(written.phys, 0);
	assert_int_equal(access_by(0, false, DOORBELL, 4, 1), 0);
	access_by(0, true, MESSAGES | 1 << 12 | 0x40 << 4, 4, 0);
	assert_int_equal(written.phys, MESSAGES | 1 << 12 | 0x40 << 4);
	assert_int_equal(cpu(0)->arch.refused, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_table_agrees_with_itself),	   TEST(boards_are_told_apart),
		TEST(what_is_unknown_is_refused_and_told), TEST(a_system_that_does_not_fit_is_refused),
		TEST(root_has_no_other_way_to_memory),	   TEST(a_cell_has_nothing_that_is_guarded),
		TEST(only_what_root_lists_is_done_for_it), TEST(chip_registers_by_address_are_divided),
		TEST(what_is_roots_reaches_the_chip),	   TEST(doorbells_raise_what_is_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
