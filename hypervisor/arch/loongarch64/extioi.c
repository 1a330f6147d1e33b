/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The extended I/O interrupt controller (3A5000 manual 11.2), divided by vectors.  A cell's vectors have
 * numbers of its own: root's are hardware's, other cells' messages as well (devices send them), their other
 * vectors are numbered from 0 in the order of hardware's numbers.  What a cell writes reaches its vectors
 * alone, and routes go to its own CPUs alone.
 */
#include "loongarch.h"

#define NODE_TYPE     0x14a0
#define IPMAP	      0x14c0
#define IPMAP_END     0x14c8
#define ENABLE	      0x1600
#define BOUNCE	      0x1680
#define ISR	      0x1700
#define ROUTE	      0x1c00
#define BITMAP_BYTES  32
#define CPUS_OF_NODE  4
#define ROUTE_NODE    4 /* shift of the node in a route */
#define DEFAULT_IPMAP 2 /* HWI1, where Linux has its cascade */

static struct lock extioi_lock; /* protects: read-modify-write of registers that cells share */

/*
 * A core's instructions reach the controller of its own node; a device's vectors arrive at that of the
 * bridge's. So what says where they go is written alike at all nodes, by way of a core of each.
 */
#define ANY_SEND_WAITS (UINT32_C(1) << 31)
#define APART	       __attribute__((noinline)) /* done rarely, at many places */
static uint64_t node_cores;			 /* one of each node; 0: there is one node */

/* But the bytes whose bit in @skip is 1. */
static APART void nodes_write(uint32_t offset, uint32_t value, unsigned skip)
{
	uint64_t cores = node_cores;
	unsigned id;

	FOR_EACH_CPU(id, cores)
		hw_iocsr_write(ANY_SEND, 8,
			       (uint64_t)value << 32 | ANY_SEND_WAITS | skip << 27 | id << 16 | offset);
}

static APART void word_write(uint32_t offset, uint32_t value)
{
	if (node_cores)
		nodes_write(offset, value, 0);
	else
		hw_iocsr_write(offset, 4, value);
}

static APART void lines_write(unsigned group, uint8_t lines)
{
	if (node_cores)
		nodes_write(IPMAP + (group & ~3u), (uint32_t)lines << group % 4 * 8,
			    0xf & ~(1u << group % 4));
	else
		hw_iocsr_write(IPMAP + group, 1, lines);
}

static bool owns(const struct cell *cell, unsigned vector)
{
	return cell->arch.owned[vector / 32] >> vector % 32 & 1;
}

static bool is_root(const struct cell *cell)
{
	return !cell->id;
}

bool extioi_owns(const struct cell *cell, unsigned vector)
{
	return vector < VECTORS && owns(cell, vector);
}

bool extioi_has(uint32_t offset)
{
	return (offset >= EXTIOI_FIRST && offset <= EXTIOI_LAST) || (offset & ~UINT32_C(3)) == EXTIOI_SEND ||
	       (offset & ~UINT32_C(7)) == ANY_SEND;
}

/* Registers of a bit a vector. */

static uint32_t bitmap_read(const struct cell *cell, uint32_t base, unsigned word)
{
	uint32_t mine = cell->arch.owned[word], value = 0;

	if (is_root(cell))
		return (uint32_t)hw_iocsr_read(base + 4 * word, 4) & mine;
	for (; mine; mine &= mine - 1) {
		unsigned bit = (unsigned)__builtin_ctz(mine), vector = cell->arch.physical[32 * word + bit];

		value |= ((uint32_t)hw_iocsr_read(base + vector / 32 * 4, 4) >> vector % 32 & 1) << bit;
	}
	return value;
}

/* @mask and @value are in hardware's numbers. */
static void bitmap_change(uint32_t base, unsigned word, uint32_t mask, uint32_t value)
{
	uint32_t offset = base + 4 * word;

	if (base == EXTIOI_CORE_ISR) { /* what is written as 1 is cleared, of this core alone */
		hw_iocsr_write(offset, 4, value & mask);
		return;
	}
	lock_take(&extioi_lock);
	word_write(offset, ((uint32_t)hw_iocsr_read(offset, 4) & ~mask) | (value & mask));
	lock_release(&extioi_lock);
}

static void bitmap_write(const struct cell *cell, uint32_t base, unsigned word, uint32_t mask, uint32_t value)
{
	mask &= cell->arch.owned[word];
	if (base == ISR || !mask)
		return;
	if (is_root(cell)) {
		bitmap_change(base, word, mask, value);
		return;
	}
	for (; mask; mask &= mask - 1) {
		unsigned bit = (unsigned)__builtin_ctz(mask), vector = cell->arch.physical[32 * word + bit];

		bitmap_change(base, vector / 32, UINT32_C(1) << vector % 32,
			      (value >> bit & 1) << vector % 32);
	}
}

/* Routes: a byte a vector, a bit for each CPU of a node and the node's number. */

static void route_byte_to_hardware(unsigned vector, uint8_t route)
{
	uint32_t offset = ROUTE + (vector & ~3u), shift = vector % 4 * 8;

	lock_take(&extioi_lock);
	word_write(offset, ((uint32_t)hw_iocsr_read(offset, 4) & ~(UINT32_C(0xff) << shift)) |
				   (uint32_t)route << shift);
	lock_release(&extioi_lock);
}

/* The cell's own CPU numbers become hardware's; of several CPUs those on the first one's node remain. */
static int route_translate(const struct cell *cell, uint8_t route)
{
	int node = -1, result = 0;

	for (unsigned i = 0; i < CPUS_OF_NODE; i++) {
		int id = route >> i & 1 ? cell_cpu(cell, (route >> ROUTE_NODE) * CPUS_OF_NODE + i) : -1;

		if (id < 0 || (node >= 0 && id / CPUS_OF_NODE != node))
			continue;
		node = id / CPUS_OF_NODE;
		result |= 1 << id % CPUS_OF_NODE;
	}
	return node < 0 ? -1 : result | node << ROUTE_NODE;
}

static void route_write(struct cpu *cpu, unsigned vector, uint8_t route)
{
	struct cell *cell = cpu->cell;
	int translated = route_translate(cell, route);

	if (!owns(cell, vector))
		return;
	cell->arch.route[vector] = route;
	if (translated >= 0)
		route_byte_to_hardware(cell->arch.physical[vector], (uint8_t)translated);
	else
		cpu->arch.refused++;
}

/*
 * Which of a CPU's lines a group of 32 vectors raises.  A group has one line: root's choice where root has
 * any of its vectors, else its only owner's; cells that share one may not choose for each other.
 */
static unsigned sharers[VECTOR_WORDS]; /* cells with vectors of the group, root apart */

static bool line_is_free(unsigned group)
{
	return !root_cell.arch.owned[group] && __atomic_load_n(&sharers[group], __ATOMIC_RELAXED) == 1;
}

/* @cell is one more, or one less, of those that share. */
static void share_groups(const struct cell *cell, unsigned change)
{
	unsigned groups = 0;

	for (unsigned number = 0; number < VECTORS; number++)
		if (owns(cell, number))
			groups |= 1u << cell->arch.physical[number] / 32;
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		if (groups >> group & 1)
			__atomic_fetch_add(&sharers[group], change, __ATOMIC_RELAXED);
}

static void ipmap_write(struct cell *cell, unsigned group, uint8_t lines)
{
	const struct arch_cell *arch = &cell->arch;

	cell->arch.ipmap[group] = lines;
	if (is_root(cell)) {
		if (arch->owned[group])
			lines_write(group, lines);
		return;
	}
	for (unsigned vector = 32 * group; vector < 32 * group + 32; vector++)
		if (owns(cell, vector) && line_is_free(arch->physical[vector] / 32))
			lines_write(arch->physical[vector] / 32, lines);
}

/* A byte of what has a byte for each vector or group. */
static uint8_t byte_read(const struct cell *cell, uint32_t offset)
{
	if (offset >= ROUTE)
		return owns(cell, offset - ROUTE) ? cell->arch.route[offset - ROUTE] : 0;
	if (offset >= IPMAP && offset < IPMAP_END)
		return cell->arch.ipmap[offset - IPMAP];
	return is_root(cell) && offset < IPMAP ? (uint8_t)hw_iocsr_read(offset, 1) : 0;
}

static void byte_write(struct cpu *cpu, uint32_t offset, uint8_t value)
{
	if (offset >= ROUTE)
		route_write(cpu, offset - ROUTE, value);
	else if (offset >= IPMAP && offset < IPMAP_END)
		ipmap_write(cpu->cell, offset - IPMAP, value);
}

static uint32_t bitmap_base(uint32_t offset)
{
	static const uint16_t bases[] = { ENABLE, BOUNCE, ISR, EXTIOI_CORE_ISR };

	for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (offset >= bases[i] && offset < bases[i] + (uint32_t)BITMAP_BYTES)
			return bases[i];
	return 0;
}

uint64_t extioi_read(struct cpu *cpu, uint32_t offset, unsigned size)
{
	uint32_t base = bitmap_base(offset), word = (offset - base) / 4;
	uint64_t value = 0;

	if (base) {
		value = bitmap_read(cpu->cell, base, word);
		if (size == 8)
			value |= (uint64_t)bitmap_read(cpu->cell, base, word + 1) << 32;
		return extended(value >> offset % 4 * 8, size, false);
	}
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)byte_read(cpu->cell, offset + i) << 8 * i;
	return value;
}

/* Of the bytes of @value those are written whose bit in @skip is 0. */
static void masked_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value, unsigned skip)
{
	uint32_t base = bitmap_base(offset), word = (offset - base) / 4, shift = offset % 4 * 8;
	uint64_t mask = 0;

	if (offset < IPMAP && is_root(cpu->cell) && !skip) { /* the nodes' numbers: of no vector */
		hw_iocsr_write(offset, size, value);
		return;
	}
	for (unsigned i = 0; i < size; i++) {
		if (skip >> i & 1)
			continue;
		mask |= UINT64_C(0xff) << 8 * i;
		if (!base)
			byte_write(cpu, offset + i, (uint8_t)(value >> 8 * i));
	}
	if (!base)
		return;
	bitmap_write(cpu->cell, base, word, (uint32_t)(mask << shift), (uint32_t)(value << shift));
	if (size == 8)
		bitmap_write(cpu->cell, base, word + 1, (uint32_t)(mask >> 32), (uint32_t)(value >> 32));
}

/* Any_Send: a write of 32 bits to another core's registers; those of vectors are the same at all nodes. */
static void any_send(struct cpu *cpu, uint64_t value)
{
	uint32_t offset = value & 0xfffc;

	if (offset >= EXTIOI_FIRST && offset <= EXTIOI_LAST && bitmap_base(offset) != EXTIOI_CORE_ISR)
		masked_write(cpu, offset, 4, value >> 32, value >> 27 & 0xf);
	else
		cpu->arch.refused++;
}

void extioi_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	if (offset == EXTIOI_SEND && extioi_owns(cpu->cell, value & 0xff))
		hw_iocsr_write(EXTIOI_SEND, 4, cpu->cell->arch.physical[value & 0xff]);
	else if (offset == ANY_SEND && size == 8)
		any_send(cpu, value);
	else if (offset >= EXTIOI_FIRST)
		masked_write(cpu, offset, size, value, 0);
	else
		cpu->arch.refused++;
}

/* Who has what. */

static bool listed(const struct config_cell *config, enum config_irqchip_kind kind, unsigned vector)
{
	const struct config_irqchip *chip = config_irqchips(config);

	for (unsigned i = 0; i < config->num_irqchips; i++, chip++)
		if (chip->id == kind && vector - chip->pin_base < CONFIG_PINS &&
		    chip->pin_bitmap[(vector - chip->pin_base) / 32] >> (vector - chip->pin_base) % 32 & 1)
			return true;
	return false;
}

static void find_nodes(uint64_t cpus)
{
	const uint64_t node = (1u << CPUS_OF_NODE) - 1;
	uint64_t first = 0;

	while (cpus) {
		first |= cpus & -cpus;
		cpus &= ~(node << ((unsigned)__builtin_ctzll(cpus) & ~(CPUS_OF_NODE - 1u)));
	}
	node_cores = first & (first - 1) ? first : 0;
}

/* At late launch everything is root's, and stays as it is in hardware. */
void extioi_init_root(struct cell *root)
{
	find_nodes(root->cpus);
	for (unsigned word = 0; word < VECTOR_WORDS; word++)
		root->arch.owned[word] = ~UINT32_C(0);
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		root->arch.physical[vector] = (uint8_t)vector;
		root->arch.route[vector] =
			(uint8_t)(hw_iocsr_read(ROUTE + (vector & ~3u), 4) >> vector % 4 * 8);
	}
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		root->arch.ipmap[group] = (uint8_t)(hw_iocsr_read(IPMAP + (group & ~3u), 4) >> group % 4 * 8);
}

/* Controllers' pins have been compared, but a vector may be a message's for one and a pin's for another. */
int extioi_check(const struct config_system *system, const struct config_cell *config, struct hv_error *error)
{
	for (unsigned vector = 0; vector < VECTORS; vector++)
		if ((listed(config, CONFIG_IRQCHIP_EXTIOI, vector) ||
		     listed(config, CONFIG_IRQCHIP_MSI, vector)) &&
		    !owns(&root_cell, vector))
			return config_refuse(error, EBUSY, system, config, config_irqchips(config), -1,
					     "interrupt vector %u is another cell's", vector);
	return 0;
}

bool extioi_lists(const struct config_cell *config)
{
	for (unsigned vector = 0; vector < VECTORS; vector++)
		if (listed(config, CONFIG_IRQCHIP_EXTIOI, vector) ||
		    listed(config, CONFIG_IRQCHIP_MSI, vector))
			return true;
	return false;
}

int extioi_any(const struct cell *cell)
{
	for (unsigned number = 0; number < VECTORS; number++)
		if (owns(cell, number))
			return cell->arch.physical[number];
	return -1;
}

static uint32_t root_bounce[VECTOR_WORDS]; /* of vectors that cells have: as root had it */

static void vector_to_cell(struct cell *cell, unsigned number, unsigned vector)
{
	struct arch_cell *arch = &cell->arch;
	uint32_t bit = UINT32_C(1) << vector % 32,
		 bounce = (uint32_t)hw_iocsr_read(BOUNCE + vector / 32 * 4, 4);

	root_bounce[vector / 32] = (root_bounce[vector / 32] & ~bit) | (bounce & bit);
	root_cell.arch.owned[vector / 32] &= ~bit;
	arch->owned[number / 32] |= UINT32_C(1) << number % 32;
	arch->physical[number] = (uint8_t)vector;
}

static uint8_t route_here(void)
{
	unsigned id = arch_this_cpu()->id;

	return (uint8_t)(1 << id % CPUS_OF_NODE | id / CPUS_OF_NODE << ROUTE_NODE);
}

/* None of root's vectors goes to a CPU that is not root's any more. */
static void root_routes_leave(uint64_t cpus)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		uint8_t route = (uint8_t)(hw_iocsr_read(ROUTE + (vector & ~3u), 4) >> vector % 4 * 8);
		unsigned gone = cpus >> (route >> ROUTE_NODE) * CPUS_OF_NODE & 0xf & route;

		if (gone && owns(&root_cell, vector))
			route_byte_to_hardware(vector,
					       route & 0xf & ~gone ? (uint8_t)(route & ~gone) : route_here());
	}
}

/* extioi_check() has passed.  Messages first: their numbers are fixed. */
void extioi_take(struct cell *cell)
{
	unsigned number = 0;

	for (unsigned vector = 0; vector < VECTORS; vector++)
		if (listed(cell->config, CONFIG_IRQCHIP_MSI, vector))
			vector_to_cell(cell, vector, vector);
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		if (!listed(cell->config, CONFIG_IRQCHIP_EXTIOI, vector) ||
		    listed(cell->config, CONFIG_IRQCHIP_MSI, vector))
			continue;
		while (owns(cell, number))
			number++;
		vector_to_cell(cell, number, vector);
	}
	share_groups(cell, 1);
	root_routes_leave(cell->cpus);
	extioi_reset(cell);
}

/* Disables it. Only a core that the vector comes to can clear what is pending: for a moment this one. */
static void vector_clear(unsigned vector)
{
	unsigned word = vector / 32;
	uint32_t bit = UINT32_C(1) << vector % 32;

	route_byte_to_hardware(vector, route_here());
	bitmap_change(ENABLE, word, bit, bit);
	bitmap_change(EXTIOI_CORE_ISR, word, bit, bit);
	bitmap_change(ENABLE, word, bit, 0);
}

/* Nothing enabled, nothing pending; all to the cell's first CPU. */
void extioi_reset(struct cell *cell)
{
	int route = route_translate(cell, 1);

	for (unsigned number = 0; number < VECTORS; number++) {
		unsigned vector = cell->arch.physical[number], word = vector / 32;
		uint32_t bit = UINT32_C(1) << vector % 32;

		if (!owns(cell, number))
			continue;
		vector_clear(vector);
		bitmap_change(BOUNCE, word, bit, 0);
		cell->arch.route[number] = 1;
		if (route >= 0)
			route_byte_to_hardware(vector, (uint8_t)route);
		if (line_is_free(word))
			lines_write(word, DEFAULT_IPMAP);
	}
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		cell->arch.ipmap[group] = DEFAULT_IPMAP;
}

void extioi_give_back(struct cell *cell)
{
	extioi_reset(cell);
	share_groups(cell, -1u);
	for (unsigned number = 0; number < VECTORS; number++) {
		unsigned vector = cell->arch.physical[number];
		int route;

		if (!owns(cell, number))
			continue;
		root_cell.arch.owned[vector / 32] |= UINT32_C(1) << vector % 32;
		bitmap_change(BOUNCE, vector / 32, UINT32_C(1) << vector % 32, root_bounce[vector / 32]);
		lines_write(vector / 32, root_cell.arch.ipmap[vector / 32]);
		route = route_translate(&root_cell, root_cell.arch.route[vector]);
		route_byte_to_hardware(vector, route >= 0 ? (uint8_t)route : route_here());
		bitmap_change(ENABLE, vector / 32, UINT32_C(1) << vector % 32,
			      ~UINT32_C(0)); /* as Linux has all */
	}
	memset(cell->arch.owned, 0, sizeof(cell->arch.owned));
}
