/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * IOCSR instructions of any kind on the CPUs of root and of two cells, by all of the way that is in C
 * (iocsr.c, ipi.c, extioi.c), on controllers that are arrays.  Which CPUs and vectors are whose the
 * input says.  After each: no vector, IPI, route, line or state of another's was changed, and what was read
 * does not depend on what is another's.
 */
#include <stdlib.h>

#include "hypervisor/arch/loongarch64/loongarch.h"
#include "tests/fuzz/input.h"

#define CPUS   8 /* on two nodes */
#define CELLS  3 /* root, and two more */
#define IOCSRS 0x2000
#define IPMAP  0x14c0
#define ENABLE 0x1600
#define BOUNCE 0x1680
#define ROUTE  0x1c00
#define SIZE   (VECTORS / 8)

uint64_t host_csr[CSRS], host_gcsr[CSRS], cpus_dead;
struct cell root_cell;
struct config_system *system_config;
const struct platform *platform = &platform_virt;
static struct cell others[CELLS - 1];
static struct {
	struct config_cell cell;
	struct config_irqchip chips[3];
} __attribute__((packed)) descriptions[CELLS - 1];

/* The computer. */
struct hardware {
	uint8_t iocsr[IOCSRS];	 /* but those below */
	uint8_t isr[CPUS][SIZE]; /* of each core */
	bool raised[VECTORS];	 /* by EXTIOI_SEND */
	unsigned kicked;	 /* CPUs */
};
static struct hardware hardware;
static unsigned current; /* CPU */
static uint8_t *areas;

static struct cpu *cpu(unsigned id)
{
	return (struct cpu *)(areas + id * PERCPU_SIZE);
}

static struct cell *cell_of(unsigned n)
{
	return n ? &others[n - 1] : &root_cell;
}

static void require(bool right)
{
	if (!right)
		abort();
}

static bool is_isr(uint32_t offset)
{
	return offset >= EXTIOI_CORE_ISR && offset < EXTIOI_CORE_ISR + SIZE;
}

uint64_t hw_iocsr_read(uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	if (offset > IOCSRS - size)
		return 0;
	if (is_isr(offset))
		memcpy(&value, &hardware.isr[current][offset - EXTIOI_CORE_ISR], size);
	else
		memcpy(&value, hardware.iocsr + offset, size);
	return value;
}

/* The hypervisor writes what all nodes have by way of a core of each: here they have it once. */
static void any_send(uint64_t value)
{
	uint32_t offset = value & 0xfffc;

	require((value >> 16 & 0x3ff) < CPUS && offset < ROUTE + VECTORS &&
		((offset >= IPMAP && offset < EXTIOI_CORE_ISR) || offset >= ROUTE));
	for (unsigned byte = 0; byte < 4; byte++)
		if (!(value >> (27 + byte) & 1))
			hardware.iocsr[offset + byte] = (uint8_t)(value >> (32 + 8 * byte));
}

void hw_iocsr_write(uint32_t offset, unsigned size, uint64_t value)
{
	require(!(offset & (size - 1)));
	/* Nothing that works by a target's number goes through as it is, but the kick. */
	require(offset != 0x1048);
	require(offset < IPI_FIRST || offset > IPI_LAST || offset == IPI_SEND);
	if (offset == IPI_SEND) {
		require((value & 31) == IPI_KICK && (value >> 16 & 0x3ff) < CPUS);
		hardware.kicked |= 1u << (value >> 16 & 0x3ff);
	} else if (offset == ANY_SEND) {
		any_send(value);
	} else if (offset == EXTIOI_SEND) {
		require(value < VECTORS);
		hardware.raised[value] = true;
	} else if (is_isr(offset)) {
		for (unsigned i = 0; i < size; i++)
			hardware.isr[current][offset - EXTIOI_CORE_ISR + i] &= (uint8_t) ~(value >> 8 * i);
	} else if (offset <= IOCSRS - size) {
		memcpy(hardware.iocsr + offset, &value, size);
	}
}

/* What of the hypervisor the controllers use; what an IOCSR access has no use for ends the run. */

int cell_cpu(const struct cell *of, unsigned number)
{
	unsigned id = number < 64 ? of->arch.cpu_id[number] : NO_CPU;

	return id != NO_CPU && of->cpus >> id & 1 ? (int)id : -1;
}

struct cpu *arch_this_cpu(void)
{
	return cpu(current);
}

struct cpu *cpu_of(unsigned id)
{
	return cpu(id);
}

void lock_take(struct lock *lock)
{
	require(!lock->word++);
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

uint64_t config_cpus(const struct config_cell *config)
{
	abort();
}

/* Who has what. */

/* Accesses do not change it: check_cells(). */
static uint8_t owners[VECTORS];

static void owners_find(void)
{
	memset(owners, CELLS, sizeof(owners));
	for (unsigned n = 0; n < CELLS; n++) {
		const struct arch_cell *arch = &cell_of(n)->arch;

		for (unsigned number = 0; number < VECTORS; number++) {
			if (!(arch->owned[number / 32] >> number % 32 & 1))
				continue;
			require(owners[arch->physical[number]] == CELLS); /* nobody else's */
			owners[arch->physical[number]] = (uint8_t)n;
		}
	}
	for (unsigned vector = 0; vector < VECTORS; vector++)
		require(owners[vector] < CELLS);
}

static void make_cpus(struct input *input)
{
	memset(areas, 0, CPUS * PERCPU_SIZE);
	memset(root_cell.arch.cpu_id, NO_CPU, sizeof(root_cell.arch.cpu_id));
	for (unsigned id = 0; id < CPUS; id++) {
		unsigned choice = (unsigned)input_take(input, 1) % CELLS;
		struct cell *cell = cell_of(id == 0	 ? 0
					    : id < CELLS ? id
							 : choice); /* each has one at least */

		cpu(id)->id = id;
		cpu(id)->cell = cell;
		cpu(id)->arch.ipi.enable = UINT32_MAX;
		cpu(id)->arch.alarm = UINT64_MAX;
		cpu(id)->number = (unsigned)__builtin_popcountll(cell->cpus);
		cell->cpus |= UINT64_C(1) << id;
		root_cell.arch.cpu_id[id] = (uint8_t)id;
		if (cell != &root_cell)
			cell->arch.cpu_id[cpu(id)->number] = (uint8_t)id;
	}
}

/* None of them, if another has some. */
static void vectors_take(struct cell *cell, struct config_cell *config)
{
	if (extioi_check(NULL, config, NULL))
		config->num_irqchips = 0; /* a cell without vectors, then */
	extioi_take(cell);
}

/* A cell's vectors: two words of the controller's, one of messages. */
static void make_cell(struct input *input, unsigned n)
{
	struct config_irqchip *chip = descriptions[n - 1].chips;
	struct cell *cell = cell_of(n);

	memset(&descriptions[n - 1], 0, sizeof(descriptions[0]));
	descriptions[n - 1].cell.num_irqchips = 3;
	for (unsigned i = 0; i < 3; i++) {
		chip[i].id = i < 2 ? CONFIG_IRQCHIP_EXTIOI : CONFIG_IRQCHIP_MSI;
		chip[i].pin_base = i == 1 ? 128 : 0;
		chip[i].pin_bitmap[input_take(input, 1) & 3] = (uint32_t)input_take(input, 4);
	}
	cell->id = n;
	cell->config = &descriptions[n - 1].cell;
	vectors_take(cell, &descriptions[n - 1].cell);
}

static void make_all(struct input *input)
{
	uint64_t roots;

	areas = areas ? areas : malloc(CPUS * PERCPU_SIZE);
	memset(&hardware, 0, sizeof(hardware));
	memset(hardware.iocsr + ENABLE, 0xff, SIZE);
	memset(hardware.iocsr + ROUTE, 1, VECTORS);
	memset(hardware.iocsr + IPMAP, 2, VECTOR_WORDS);
	memset(host_csr, 0, sizeof(host_csr));
	memset(host_gcsr, 0, sizeof(host_gcsr));
	memset(&root_cell, 0, sizeof(root_cell));
	current = 0;
	for (unsigned n = 1; n < CELLS; n++) {
		memset(cell_of(n), 0, sizeof(struct cell));
		memset(cell_of(n)->arch.cpu_id, NO_CPU, sizeof(root_cell.arch.cpu_id));
	}
	make_cpus(input);
	roots = root_cell.cpus;
	root_cell.cpus = (1u << CPUS) - 1;
	extioi_init_root(&root_cell);
	root_cell.cpus = roots;
	for (unsigned n = 1; n < CELLS; n++)
		make_cell(input, n);
	owners_find();
}

/* What must be so. */

static bool bit_of(const uint8_t *bits, unsigned n)
{
	return bits[n / 8] >> n % 8 & 1;
}

/* Where the vector goes: to CPUs of its owner's. */
static void check_route(unsigned vector, const struct cell *owner)
{
	uint8_t route = hardware.iocsr[ROUTE + vector];

	for (unsigned i = 0; i < 4; i++)
		require(!(route >> i & 1) || owner->cpus >> ((route >> 4) * 4 + i) & 1);
}

/* May @cell choose the line of these 32 vectors? */
static bool chooses_line(unsigned cell, unsigned group)
{
	unsigned has = 0;

	for (unsigned vector = 32 * group; vector < 32 * group + 32; vector++)
		has |= 1u << owners[vector];
	return has & 1 ? cell == 0 : has == 1u << cell;
}

static void check_vectors(const struct hardware *before, unsigned cell)
{
	static const uint32_t bitmaps[] = { ENABLE, BOUNCE };

	for (unsigned vector = 0; vector < VECTORS; vector++) {
		unsigned owner = owners[vector];

		check_route(vector, cell_of(owner));
		if (owner == cell)
			continue;
		require(hardware.iocsr[ROUTE + vector] == before->iocsr[ROUTE + vector]);
		for (unsigned i = 0; i < 2; i++)
			require(bit_of(hardware.iocsr + bitmaps[i], vector) ==
				bit_of(before->iocsr + bitmaps[i], vector));
		require(hardware.raised[vector] == before->raised[vector]);
		for (unsigned id = 0; id < CPUS; id++)
			require(bit_of(hardware.isr[id], vector) == bit_of(before->isr[id], vector));
	}
	for (unsigned id = 0; id < CPUS; id++)
		require(id == current || !memcmp(hardware.isr[id], before->isr[id], SIZE));
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		require(hardware.iocsr[IPMAP + group] == before->iocsr[IPMAP + group] ||
			chooses_line(cell, group));
}

/* Registers that have no owner are root's. */
static void check_registers(const struct hardware *before, unsigned cell)
{
	for (uint32_t offset = 0; offset < IOCSRS; offset++) {
		bool divided = (offset >= IPMAP && offset < IPMAP + VECTOR_WORDS) ||
			       (offset >= ENABLE && offset < ENABLE + SIZE) ||
			       (offset >= BOUNCE && offset < BOUNCE + SIZE) || offset >= ROUTE;

		require(divided || cell == 0 || hardware.iocsr[offset] == before->iocsr[offset]);
	}
}

static void check_cpus(const struct cpu *before, const struct cell *cell)
{
	for (unsigned id = 0; id < CPUS; id++) {
		struct cpu was = before[id];

		if (id == current)
			continue;
		if (cell->cpus >> id & 1) { /* it may be sent to */
			was.arch.ipi.status = cpu(id)->arch.ipi.status;
			memcpy(was.arch.ipi.mailbox, cpu(id)->arch.ipi.mailbox, sizeof(was.arch.ipi.mailbox));
		}
		require(!memcmp(&was, cpu(id), sizeof(was)));
	}
	require(!(hardware.kicked & ~(unsigned)cell->cpus));
}

static void check_cells(const struct cell *before, unsigned cell)
{
	for (unsigned n = 0; n < CELLS; n++) {
		struct cell was = before[n];

		if (n == cell) {
			memcpy(was.arch.route, cell_of(n)->arch.route, sizeof(was.arch.route));
			memcpy(was.arch.ipmap, cell_of(n)->arch.ipmap, sizeof(was.arch.ipmap));
		}
		require(!memcmp(&was, cell_of(n), sizeof(was)));
	}
}

/* All that is not @cell's becomes the opposite: interrupts' bits, routes, other CPUs' controllers. */
static void turn_foreign(unsigned cell)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		uint8_t bit = (uint8_t)(1 << vector % 8);

		if (owners[vector] == cell)
			continue;
		hardware.iocsr[ENABLE + vector / 8] ^= bit;
		hardware.iocsr[BOUNCE + vector / 8] ^= bit;
		hardware.iocsr[ROUTE + vector] ^= 0xff;
		for (unsigned id = 0; id < CPUS; id++)
			hardware.isr[id][vector / 8] ^= bit;
	}
	for (unsigned id = 0; id < CPUS; id++) {
		if (cpu(id)->cell == cell_of(cell))
			continue;
		cpu(id)->arch.ipi.status ^= UINT32_MAX;
		cpu(id)->arch.ipi.mailbox[0] ^= UINT64_MAX;
	}
}

/* The CPU's guest executes @insn: as entry.S does it. */
static void execute(struct cpu *of, uint32_t insn)
{
	unsigned rd = insn & 31, size = 1u << (insn >> 10 & 3);
	uint32_t offset = (uint32_t)of->arch.gpr[insn >> 5 & 31];

	if (insn >> 12 & 1)
		iocsr_write(of, offset, size, of->arch.gpr[rd]);
	else
		of->arch.gpr[rd] = iocsr_read(of, offset, size);
}

static const uint16_t bases[] = { 0x1000, 0x1020, 0x1040, 0x1140, 0x1158, 0x14a0, 0x14c0, 0x1600,
				  0x1680, 0x1700, 0x1800, 0x1c00, 0x1c80, 0x420,  0,	  0x1d00 };

/* Any, or one that names a CPU and what is to be done there, as the registers for sending want it. */
static uint64_t value_take(struct input *input)
{
	uint8_t head = (uint8_t)input_take(input, 1), where;

	if (head & 0x80)
		return input_take(input, 8);
	where = (uint8_t)input_take(input, 1);
	return input_take(input, 4) << 32 | (uint64_t)(head >> 3 & 15) << 27 | (head & 7u) << 16 |
	       (bases[where & 15] + (where >> 4) * 4u);
}

static void access_one(struct input *input)
{
	uint8_t head = (uint8_t)input_take(input, 1), where = (uint8_t)input_take(input, 1);
	uint32_t insn = 0x06480000u | (uint32_t)(head >> 3 & 7) << 10; /* size, and write */
	unsigned rj = 5, rd = 4, cell;
	struct cpu *of = cpu(current = head & 7), before_cpus[CPUS];
	struct cell before_cells[CELLS];
	struct hardware before;
	uint64_t gpr[32], value, offset;

	insn |= head & 0x80 ? 1u << 12 : 0;
	if (head & 0x40) { /* registers that functions keep */
		rj = 25;
		rd = 26;
	}
	insn |= rj << 5 | rd;
	offset = bases[where & 15] + (where >> 4) * UINT64_C(4);
	if (where == 0xff)
		offset = input_take(input, 8);
	else if (where >> 4 == 15)
		offset = bases[where & 15] + input_take(input, 1);
	of->arch.gpr[rj] = offset;
	of->arch.gpr[rd] = insn >> 12 & 1 ? value_take(input) : 0;
	hardware.kicked = 0;
	for (unsigned id = 0; id < CPUS; id++)
		before_cpus[id] = *cpu(id);
	for (unsigned n = 0; n < CELLS; n++)
		before_cells[n] = *cell_of(n);
	before = hardware;
	memcpy(gpr, of->arch.gpr, sizeof(gpr));
	cell = of->cell->id;

	execute(of, insn);
	value = of->arch.gpr[rd];
	check_vectors(&before, cell);
	check_registers(&before, cell);
	check_cpus(before_cpus, of->cell);
	check_cells(before_cells, cell);
	of->arch.gpr[rd] = gpr[rd];
	require(!memcmp(gpr, of->arch.gpr, sizeof(gpr)));
	if (insn >> 12 & 1)
		return;
	require(!memcmp(&before, &hardware, sizeof(before))); /* reading changes nothing */
	if (offset >= IPI_FIRST && offset < ROUTE + VECTORS && !(offset & ~UINT64_C(0xffffffff))) {
		turn_foreign(cell);
		execute(of, insn);
		turn_foreign(cell);
		require(of->arch.gpr[rd] == value);
	}
}

/* A device raises a vector: it is pending where it goes. */
static void device(unsigned vector)
{
	uint8_t route = hardware.iocsr[ROUTE + vector];

	for (unsigned i = 0; i < 4; i++)
		if (route >> i & 1 && bit_of(hardware.iocsr + ENABLE, vector))
			hardware.isr[(route >> 4 & 1) * 4 + i][vector / 8] |= (uint8_t)(1 << vector % 8);
}

/* A cell is destroyed, and made again as it was; or started again. */
static void live(unsigned cell, bool again)
{
	current = 0;
	if (again) {
		extioi_give_back(cell_of(cell));
		owners_find();
		for (unsigned vector = 0; vector < VECTORS; vector++)
			check_route(vector, cell_of(owners[vector]));
		vectors_take(cell_of(cell), &descriptions[cell - 1].cell);
		owners_find();
	}
	extioi_reset(cell_of(cell));
	ipi_reset(cell_of(cell));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	make_all(&input);
	for (unsigned steps = 0; input.size && steps < 200; steps++) {
		uint8_t what = (uint8_t)input_take(&input, 1);

		if (what >= 0xf8)
			live(1 + (what & 1), what & 2);
		else if (what >= 0xf0) /* of whomever they are: left from a time when they were another's */
			memset(hardware.isr[what & 7], (int)input_take(&input, 1), SIZE);
		else if (what >= 0xe0)
			device((unsigned)input_take(&input, 1));
		else
			access_one(&input);
	}
	for (unsigned n = 1; n < CELLS; n++)
		extioi_give_back(cell_of(n));
	return 0;
}
