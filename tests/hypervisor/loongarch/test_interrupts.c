/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Interrupt controllers divided between root and a cell:
 * hypervisor/arch/loongarch64/{iocsr,ipi,extioi,pch_pic}.c on registers that are arrays.  Root has CPUs 0 and
 * 1, the cell 2 and 3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../hypervisor/arch/loongarch64/loongarch.h"

#define ENABLE	  0x1600
#define ISR	  0x1800
#define IPMAP	  0x14c0
#define ROUTE	  0x1c00
#define PIC	  0x10000000
#define TOO	  UINT64_C(0xe0010000000) /* where root sees it, too */
#define MASK	  0x20
#define VECTOR	  0x200
#define HTMSI_EN  0x40
#define EDGE	  0x60
#define PIC_ROUTE 0x100
#define POLARITY  0x3e0
#define BOUNCE	  0x1680
#define ALL	  UINT32_C(0xffffffff)
#define CPUS	  4

uint64_t host_estat;
static uint8_t iocsr[0x2000], pic[0x1000];
static unsigned kicked;		/* CPUs */
static uint8_t node[2][0x2000]; /* what Any_Send has written at the first core of each */

struct cell root_cell;
struct config_system *system_config;
static struct cell cell;
static uint8_t *areas; /* as in the hypervisor's memory: cell_sibling() reckons with it */
static struct {
	struct config_cell cell;
	struct config_memory memory;
	struct config_irqchip chips[3];
} __attribute__((packed)) description;

static struct cpu *cpu(unsigned id)
{
	return (struct cpu *)(areas + id * PERCPU_SIZE);
}

uint64_t hw_iocsr_read(uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, iocsr + offset, size);
	return value;
}

static void any_sent(uint64_t value)
{
	unsigned core = value >> 16 & 0x3ff;

	assert_int_equal(core % 4, 0);
	for (unsigned byte = 0; byte < 4; byte++)
		if (!(value >> (27 + byte) & 1))
			node[core / 4][(value & 0xffff) + byte] = (uint8_t)(value >> (32 + 8 * byte));
}

void hw_iocsr_write(uint32_t offset, unsigned size, uint64_t value)
{
	if (offset == ANY_SEND) {
		any_sent(value);
		return;
	}
	if (offset == IPI_SEND && (value & 31) == IPI_KICK)
		kicked |= 1u << (value >> 16 & 0x3ff);
	else if (offset >= ISR && offset < ISR + 32)
		for (unsigned i = 0; i < size; i++)
			iocsr[offset + i] &= (uint8_t) ~(value >> 8 * i);
	else
		memcpy(iocsr + offset, &value, size);
}

uint64_t hw_read(uint64_t phys, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, pic + (phys - PIC), size);
	return value;
}

void hw_write(uint64_t phys, unsigned size, uint64_t value)
{
	memcpy(pic + (phys - PIC), &value, size);
}

/* What the controllers use of core. */
uint64_t cpus_dead;
const struct platform *platform; /* nothing that it decides is written here */

static mmio_fn *access_fn;
static unsigned root_pages = 3; /* of PIC, and at TOO */

int cell_cpu(const struct cell *of, unsigned number)
{
	unsigned id = number < 64 ? of->arch.cpu_id[number] : NO_CPU;

	return id != NO_CPU && of->cpus >> id & 1 ? (int)id : -1;
}

uint64_t config_cpus(const struct config_cell *of)
{
	return 0;
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
	assert_int_equal(lock->word++, 0);
}

void lock_release(struct lock *lock)
{
	lock->word--;
}

int config_refuse(struct hv_error *error, int number, const struct config_system *system,
		  const struct config_cell *of, const void *field, int index, const char *format, ...)
{
	return -number;
}

uint64_t arch_mmio_read(uint64_t phys, unsigned size)
{
	return hw_read(phys, size);
}

void arch_mmio_write(uint64_t phys, unsigned size, uint64_t value)
{
	hw_write(phys, size, value);
}

static unsigned page_of(uint64_t gpa)
{
	return gpa == PIC ? 1 : gpa == TOO ? 2 : 0;
}

bool paging_find(const struct paging *paging, uint64_t gpa, uint64_t *phys, uint64_t *flags)
{
	*flags = CONFIG_MEM_READ;
	return root_pages & page_of(gpa);
}

int paging_map(struct paging *paging, uint64_t gpa, uint64_t phys, uint64_t size, uint64_t flags)
{
	root_pages |= page_of(gpa);
	return 0;
}

int paging_unmap(struct paging *paging, uint64_t gpa, uint64_t size)
{
	root_pages &= ~page_of(gpa);
	return 0;
}

int mmio_register(struct cell *of, uint64_t gpa, uint64_t size, mmio_fn *fn, void *opaque)
{
	access_fn = fn;
	return 0;
}

void mmio_unregister(struct cell *of, uint64_t gpa)
{
}

/* As the description says. */
static void divide(void)
{
	memset(root_cell.arch.cpu_id, NO_CPU, sizeof(root_cell.arch.cpu_id));
	memset(cell.arch.cpu_id, NO_CPU, sizeof(cell.arch.cpu_id));
	for (unsigned id = 0; id < CPUS; id++) {
		root_cell.arch.cpu_id[id] = (uint8_t)id;
		cpu(id)->id = id;
		cpu(id)->cell = id < 2 ? &root_cell : &cell;
	}
	cell.arch.cpu_id[0] = 2;
	cell.arch.cpu_id[1] = 3;
	root_cell.cpus = 3;
	cell.id = 1;
	cell.cpus = 0xc;
	cell.config = &description.cell;
	extioi_init_root(&root_cell);
	pch_pic_init_root(&root_cell, PIC, TOO);
	extioi_take(&cell);
	assert_int_equal(pch_pic_take(&cell), 0);
}

static int set_up(void **state)
{
	areas = calloc(CPUS, PERCPU_SIZE);
	memset(iocsr, 0, sizeof(iocsr));
	memset(pic, 0, sizeof(pic));
	memset(iocsr + ENABLE, 0xff, 32);
	memset(iocsr + ROUTE, 1, 256);
	memset(iocsr + IPMAP, 2, 8);
	memset(iocsr + BOUNCE, 0xff, 32);
	iocsr[ROUTE + 0x50] = 4;  /* to a CPU that goes */
	iocsr[ROUTE + 0x51] = 12; /* to both */
	iocsr[ROUTE + 0x52] = 6;
	memset(pic + PIC_ROUTE, 1, 64);
	memset(pic + VECTOR, 9, 64);
	memset(pic + HTMSI_EN, 0xff, 8);
	pic[POLARITY] = 0xc;
	memset(&cell, 0, sizeof(cell));
	memset(&description, 0, sizeof(description));
	kicked = 0;
	description.cell.num_memory_regions = 1;
	description.memory = (struct config_memory){ 0x8000000, 0, 0x400000, CONFIG_MEM_READ };
	description.cell.num_irqchips = 3;
	description.chips[0].id = CONFIG_IRQCHIP_EXTIOI;
	description.chips[0].pin_bitmap[1] = 1 | 1 << 5; /* vectors 0x20 and 0x25 */
	description.chips[1].id = CONFIG_IRQCHIP_MSI;
	description.chips[1].pin_bitmap[1] = 1 << 16; /* 0x30 */
	description.chips[2].id = CONFIG_IRQCHIP_PCH_PIC;
	description.chips[2].address = PIC;
	description.chips[2].pin_bitmap[0] = 1 << 3;
	divide();
	return 0;
}

static int tear_down(void **state)
{
	pch_pic_give_back(&cell);
	assert_int_equal(root_pages, 3);
	free(areas);
	return 0;
}

static uint32_t bits_of(uint32_t offset)
{
	return (uint32_t)hw_iocsr_read(offset, 4);
}

static void a_cells_vectors_have_numbers_from_0_and_messages_keep_theirs(void **state)
{
	assert_true(extioi_owns(&cell, 0) && extioi_owns(&cell, 1) && extioi_owns(&cell, 0x30));
	assert_false(extioi_owns(&cell, 2) || extioi_owns(&cell, 0x20) || extioi_owns(&cell, 256));
	assert_int_equal(cell.arch.physical[0], 0x20);
	assert_int_equal(cell.arch.physical[1], 0x25);
	assert_int_equal(cell.arch.physical[0x30], 0x30);
	assert_false(extioi_owns(&root_cell, 0x20) || extioi_owns(&root_cell, 0x30));
	assert_true(extioi_owns(&root_cell, 0x21));
}

static void a_new_cells_vectors_are_disabled_and_go_to_its_first_cpu(void **state)
{
	assert_int_equal(bits_of(ENABLE + 4), ~UINT32_C(0x10021));
	assert_int_equal(iocsr[ROUTE + 0x20], 4);
	assert_int_equal(iocsr[ROUTE + 0x21], 1);
}

static void enabling_all_enables_ones_own(void **state)
{
	iocsr_write(cpu(2), ENABLE, 4, ALL);
	assert_int_equal(bits_of(ENABLE + 4), ~(UINT32_C(1) << 16));
	assert_int_equal(iocsr_read(cpu(2), ENABLE, 4), 3);
	assert_int_equal(iocsr_read(cpu(2), ENABLE, 8), 3);
	iocsr_write(cpu(0), ENABLE, 8, 0);
	assert_int_equal(bits_of(ENABLE + 4), 1 | 1 << 5);
	assert_int_equal(iocsr_read(cpu(0), ENABLE, 8), 0);
	iocsr_write(cpu(2), ENABLE + 6, 1, 1); /* a byte: vector 0x30 */
	assert_int_equal(bits_of(ENABLE + 4), 1 | 1 << 5 | 1 << 16);
}

static void pending_vectors_are_seen_and_cleared_by_their_owner(void **state)
{
	iocsr[ISR + 4] = 0x23;
	assert_int_equal(iocsr_read(cpu(2), ISR, 4), 3);
	assert_int_equal(iocsr_read(cpu(0), ISR + 4, 4), 2);
	iocsr_write(cpu(2), ISR, 4, 2);
	assert_int_equal(iocsr[ISR + 4], 0x03);
	iocsr_write(cpu(0), ISR, 8, ~UINT64_C(0));
	assert_int_equal(iocsr[ISR + 4], 0x01);
}

static void routes_name_the_cells_cpus(void **state)
{
	iocsr_write(cpu(2), ROUTE, 4, 0x01010102);
	assert_int_equal(iocsr[ROUTE + 0x20], 8);
	assert_int_equal(iocsr[ROUTE + 0x25], 4);
	assert_int_equal(iocsr_read(cpu(2), ROUTE, 4), 0x0102);
	iocsr_write(cpu(2), ROUTE, 1, 4); /* it has no third */
	assert_int_equal(iocsr[ROUTE + 0x20], 8);
	assert_int_equal(cpu(2)->arch.refused, 1);
	iocsr_write(cpu(0), ROUTE + 3, 1, 8); /* nor root a fourth any more */
	assert_int_equal(iocsr[ROUTE + 3], 1);
	iocsr_write(cpu(0), ROUTE + 0x20, 1, 1);
	assert_int_equal(iocsr[ROUTE + 0x20], 8);
}

static void any_send_writes_the_bytes_that_are_not_masked(void **state)
{
	iocsr_write(cpu(0), ANY_SEND, 8, UINT64_C(0x02020202) << 32 | 0xdu << 27 | ROUTE);
	assert_int_equal(bits_of(ROUTE), 0x01010201);
	iocsr_write(cpu(0), ANY_SEND, 8, (uint64_t)ENABLE);
	assert_int_equal(bits_of(ENABLE), 0);
}

/* Any division and any access, against a look at each vector. */

static bool bit_of(const uint8_t *memory, uint32_t offset, unsigned bit)
{
	return memory[offset + bit / 8] >> bit % 8 & 1;
}

static void bit_set(uint8_t *memory, uint32_t offset, unsigned bit, bool value)
{
	memory[offset + bit / 8] =
		(uint8_t)((memory[offset + bit / 8] & ~(1u << bit % 8)) | value << bit % 8);
}

static uint8_t wanted[sizeof(iocsr)];

/* @mask: the bits of the @size bytes that are written at all. */
static void expect_bits(const struct cell *of, uint32_t offset, unsigned size, uint64_t value, uint64_t mask)
{
	uint32_t base = offset & ~31u;

	for (unsigned i = 0; i < 8 * size; i++) {
		unsigned number = offset % 32 * 8 + i;

		if (!(mask >> i & 1) || !extioi_owns(of, number))
			continue;
		if (base != ISR)
			bit_set(wanted, base, of->arch.physical[number], value >> i & 1);
		else if (value >> i & 1)
			bit_set(wanted, base, of->arch.physical[number], false);
	}
}

static void expect_routes(const struct cell *of, unsigned number, unsigned size, uint64_t value,
			  uint64_t mask)
{
	const unsigned first = of->id ? 2 : 0; /* of two CPUs, all of one node */

	for (unsigned i = 0; i < size; i++) {
		uint8_t route = (uint8_t)(value >> 8 * i);

		if (mask >> 8 * i & 1 && extioi_owns(of, number + i) && route < 16 && route & 3)
			wanted[ROUTE + of->arch.physical[number + i]] = (uint8_t)((route & 3) << first);
	}
}

static void check_read(unsigned id, uint32_t offset, unsigned size)
{
	const struct cell *of = cpu(id)->cell;
	uint64_t value = 0;

	for (unsigned i = 0; i < 8 * size; i++) {
		unsigned number = offset % 32 * 8 + i;

		if (extioi_owns(of, number) && bit_of(iocsr, offset & ~31u, of->arch.physical[number]))
			value |= UINT64_C(1) << i;
	}
	if (value >> (8 * size - 1) && size < 8)
		value |= ~UINT64_C(0) << 8 * size;
	assert_int_equal(iocsr_read(cpu(id), offset, size), value);
}

static void any_access(unsigned id)
{
	static const uint32_t bases[] = { ENABLE, BOUNCE, ISR, ROUTE };
	unsigned size = 1u << rand() % 4, chosen = (unsigned)rand() % 4;
	uint32_t offset =
		bases[chosen] + (uint32_t)rand() % (bases[chosen] == ROUTE ? 256 : 32) / size * size;
	uint64_t value = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand(),
		 mask = ~UINT64_C(0);

	if (bases[chosen] == ROUTE)
		value = rand() % 3 ? value & 0x0707070707070707 : (uint64_t)(rand() % 4) * 0x0101010101010101;
	else
		check_read(id, offset, size);
	memcpy(wanted, iocsr, sizeof(iocsr));
	if (bases[chosen] != ISR && rand() % 4 == 0) {
		unsigned skip = (unsigned)rand() % 16;

		size = 4, offset &= ~3u, mask = 0;
		for (unsigned i = 0; i < 4; i++)
			mask |= (uint64_t)(skip >> i & 1 ? 0 : 0xff) << 8 * i;
		iocsr_write(cpu(id), ANY_SEND, 8, value << 32 | skip << 27 | offset);
	} else {
		iocsr_write(cpu(id), offset, size, value);
	}
	if (bases[chosen] == ROUTE)
		expect_routes(cpu(id)->cell, offset - ROUTE, size, value, mask);
	else
		expect_bits(cpu(id)->cell, offset, size, value, mask);
	assert_memory_equal(iocsr, wanted, sizeof(iocsr));
}

static void any_division_is_as_it_would_be_vector_by_vector(void **state)
{
	for (unsigned seed = 0; seed < 300; seed++) {
		unsigned density = seed % 5 + 1, begin = (unsigned)rand() % 128,
			 length = (unsigned)rand() % 100;

		pch_pic_give_back(&cell);
		extioi_give_back(&cell);
		memset(&cell.arch, 0, sizeof(cell.arch));
		for (unsigned chip = 0; chip < 2; chip++) {
			memset(description.chips[chip].pin_bitmap, 0, 16);
			for (unsigned pin = 0; pin < 128; pin++)
				if (density > 3 ? pin - begin < length && chip == density % 2
						: (unsigned)rand() % 4 < density)
					description.chips[chip].pin_bitmap[pin / 32] |= 1u << pin % 32;
			description.chips[chip].pin_base = (uint32_t)rand() % 2 * 128;
		}
		divide();
		for (unsigned i = ENABLE; i < ISR + 32; i++)
			iocsr[i] = (uint8_t)rand();
		for (unsigned i = 0; i < 100; i++)
			any_access(rand() % 2 ? 0 : 2);
	}
}

static void a_vector_goes_back_enabled_and_routed_as_root_had_it(void **state)
{
	iocsr_write(cpu(2), ROUTE, 1, 2);
	extioi_give_back(&cell);
	assert_true(extioi_owns(&root_cell, 0x20) && extioi_owns(&root_cell, 0x30));
	assert_false(extioi_owns(&cell, 0));
	assert_int_equal(bits_of(ENABLE + 4), ALL);
	assert_int_equal(iocsr[ROUTE + 0x20], 1);
}

static uint64_t pic_view = PIC;

static uint64_t pic_do(unsigned id, bool write, uint32_t offset, unsigned size, uint64_t value)
{
	struct mmio_access access = {
		.gpa = pic_view + offset, .size = size, .write = write, .value = value
	};

	assert_int_equal(access_fn(cpu(id), NULL, &access), MMIO_DONE);
	return access.value;
}

static void pins_are_their_owners(void **state)
{
	assert_int_equal(root_pages, 0);
	assert_int_equal(pic[MASK], 8);
	pic_do(2, true, MASK, 4, 0);
	assert_int_equal(pic[MASK], 0);
	pic_do(0, true, MASK, 8, ~UINT64_C(0));
	assert_int_equal(pic[MASK], 0xf7);
	assert_int_equal(pic_do(0, false, MASK, 4, 0), ALL & ~8u);
	assert_int_equal(pic_do(2, false, MASK, 1, 0), 0);
	pic_do(2, true, VECTOR + 3, 1, 1);
	assert_int_equal(pic[VECTOR + 3], 0x25);
	assert_int_equal(pic_do(2, false, VECTOR, 4, 0), 1 << 24);
	pic_do(2, true, VECTOR + 3, 1, 7); /* no vector of the cell's */
	assert_int_equal(pic[VECTOR + 3], 0x25);
	pic_do(0, true, VECTOR, 4, 0x09090909);
	assert_int_equal(hw_read(PIC + VECTOR, 4), 0x25090909);
}

static void a_pin_raises_a_vector_of_its_owners_whatever_was_chosen(void **state)
{
	pch_pic_reset(&cell);
	assert_int_equal(pic[VECTOR + 3], 0x20);
	assert_int_equal(pic[VECTOR + 2], 9);
	assert_int_equal(pic[POLARITY], 4);
	pic_do(2, true, VECTOR + 3, 1, 0x30);
	pch_pic_reset(&cell);
	assert_int_equal(pic[VECTOR + 3], 0x20);
}

/* As root left it, or wrote it since. */
static void a_pin_comes_back_as_root_has_it(void **state)
{
	pic_do(2, true, HTMSI_EN, 4, 0);
	pic_do(2, true, POLARITY, 4, 0);
	pic_do(2, true, EDGE, 4, ALL);
	pic_do(2, true, PIC_ROUTE, 4, 0);
	pic_do(2, true, MASK, 4, 0);
	pic_do(0, true, EDGE, 1, 8);
	pic_do(0, true, MASK, 4, ALL);
	pic_do(0, true, VECTOR, 4, 0x0a0a0a0a);
	pic_do(0, true, PIC_ROUTE, 4, 0x02020202);
	assert_int_equal(pic[VECTOR + 3], 0x20);
	assert_int_equal(pic[PIC_ROUTE + 3], 0);
	assert_int_equal(pic[MASK], 0xf7);
	pch_pic_give_back(&cell);
	assert_int_equal(pic[HTMSI_EN], 0xff);
	assert_int_equal(pic[POLARITY], 0xc);
	assert_int_equal(pic[EDGE], 8);
	assert_int_equal(pic[VECTOR + 3], 10);
	assert_int_equal(pic[PIC_ROUTE + 3], 2);
	assert_int_equal(pic[MASK], 0xff);
}

static void a_controller_is_the_systems_and_its_pins_have_vectors(void **state)
{
	static struct config_system system;
	struct hv_error error;

	assert_int_equal(pch_pic_check(&system, &description.cell, &error), 0);
	description.chips[2].address = PIC + 0x10000000;
	assert_int_equal(pch_pic_check(&system, &description.cell, &error), -EINVAL);
	description.chips[2].address = PIC;
	description.chips[0].id = description.chips[1].id = CONFIG_IRQCHIP_LIOINTC;
	assert_int_equal(pch_pic_check(&system, &description.cell, &error), -EINVAL);
}

static void roots_vectors_leave_cpus_that_go(void **state)
{
	assert_int_equal(iocsr[ROUTE + 0x50], 1); /* here */
	assert_int_equal(iocsr[ROUTE + 0x51], 1);
	assert_int_equal(iocsr[ROUTE + 0x52], 2);
	assert_int_equal(iocsr_read(cpu(0), ROUTE + 0x50, 1), 4);
	iocsr_write(cpu(0), ROUTE + 0x25, 1, 8); /* the cell's, to a CPU that is the cell's */
	iocsr_write(cpu(2), BOUNCE, 4, 0);
	assert_int_equal(bits_of(BOUNCE + 4), ~UINT32_C(0x10021));
	extioi_give_back(&cell);
	assert_int_equal(bits_of(BOUNCE + 4), ALL);
}

static void a_vector_goes_back_to_a_cpu_of_roots(void **state)
{
	root_cell.arch.route[0x25] = 8;
	extioi_give_back(&cell);
	assert_int_equal(iocsr[ROUTE + 0x25], 1);
}

static void root_sees_no_more_at_the_second_place(void **state)
{
	pic_view = TOO;
	pic_do(0, true, MASK, 8, 0);
	assert_int_equal(pic[MASK], 8);
	assert_int_equal(pic_do(0, false, MASK, 4, 0), 0);
	pic_view = PIC;
}

static void what_is_shared_is_written_at_all_nodes(void **state)
{
	extioi_give_back(&cell);
	root_cell.cpus = 0x33;
	extioi_init_root(&root_cell);
	memset(node, 0x77, sizeof(node));
	extioi_take(&cell);
	iocsr_write(cpu(2), ROUTE, 1, 2);
	iocsr_write(cpu(2), ENABLE, 4, 1);
	iocsr_write(cpu(0), IPMAP + 2, 1, 8);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(node[i][ROUTE + 0x20], 8);
		assert_int_equal(node[i][ENABLE + 4] & 1, 1);
		assert_int_equal(node[i][IPMAP + 2], 8);
		assert_int_equal(node[i][IPMAP + 3], 0x77);
	}
	/* Its own core's are not shared. */
	assert_int_equal(node[0][ISR + 4], 0x77);
	root_cell.cpus = 3;
	extioi_init_root(&root_cell);
}

static void ipis_stay_in_the_cell(void **state)
{
	ipi_reset(&cell);
	iocsr_write(cpu(2), IPI_SEND, 4, 1 << 16 | 5);
	assert_int_equal(cpu(3)->arch.ipi.status, 1 << 5);
	assert_int_equal(kicked, 1 << 3);
	iocsr_write(cpu(2), IPI_SEND, 4, 2 << 16 | 5);
	iocsr_write(cpu(2), IPI_SEND, 4, 0x3ff << 16 | 5);
	assert_int_equal(cpu(2)->arch.refused, 2);
	iocsr_write(cpu(0), IPI_SEND, 4, 2 << 16 | 5); /* root's third CPU is away */
	assert_int_equal(cpu(0)->arch.refused, 1);
	assert_int_equal(kicked, 1 << 3);
	iocsr_write(cpu(2), 0x1048, 8, UINT64_C(0x11223344) << 32 | 4u << 27 | 1 << 16 | 1 << 2);
	assert_int_equal(cpu(3)->arch.ipi.mailbox[0], UINT64_C(0x11003344) << 32);
	assert_int_equal(iocsr_read(cpu(3), 0x1024, 4), 0x11003344);
}

static void the_guests_interrupt_follows_status_and_enable(void **state)
{
	ipi_reset(&cell);
	iocsr_write(cpu(2), 0x1008, 4, 6);
	assert_int_equal(host_estat, IS_IPI);
	assert_int_equal(iocsr_read(cpu(2), IPI_STATUS, 8), UINT64_C(0xffffffff00000006));
	iocsr_write(cpu(2), 0x1004, 4, 1);
	assert_int_equal(host_estat, 0);
	iocsr_write(cpu(2), 0x1004, 4, 4);
	assert_int_equal(host_estat, IS_IPI);
	iocsr_write(cpu(2), IPI_CLEAR, 4, 4);
	assert_int_equal(host_estat, 0);
	assert_int_equal(iocsr_read(cpu(2), IPI_STATUS, 4), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_cells_vectors_have_numbers_from_0_and_messages_keep_theirs),
		TEST(a_new_cells_vectors_are_disabled_and_go_to_its_first_cpu),
		TEST(enabling_all_enables_ones_own),
		TEST(pending_vectors_are_seen_and_cleared_by_their_owner),
		TEST(routes_name_the_cells_cpus),
		TEST(any_send_writes_the_bytes_that_are_not_masked),
		TEST(any_division_is_as_it_would_be_vector_by_vector),
		TEST(a_vector_goes_back_enabled_and_routed_as_root_had_it),
		TEST(pins_are_their_owners),
		TEST(a_pin_raises_a_vector_of_its_owners_whatever_was_chosen),
		TEST(a_pin_comes_back_as_root_has_it),
		TEST(a_controller_is_the_systems_and_its_pins_have_vectors),
		TEST(roots_vectors_leave_cpus_that_go),
		TEST(a_vector_goes_back_to_a_cpu_of_roots),
		TEST(root_sees_no_more_at_the_second_place),
		TEST(what_is_shared_is_written_at_all_nodes),
		TEST(ipis_stay_in_the_cell),
		TEST(the_guests_interrupt_follows_status_and_enable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
