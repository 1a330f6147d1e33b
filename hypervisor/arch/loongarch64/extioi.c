/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The extended I/O interrupt controller (3A5000 manual 11.2), divided by vectors.  A cell's vectors have
 * numbers of its own: root's are hardware's, other cells' messages as well (devices send them), their other
 * vectors are numbered from 0 in the order of hardware's numbers.  What a cell writes reaches its vectors
 * alone, and routes go to its own CPUs alone.
 *
 * Guests come here at each interrupt: what an access needs to know of the cell is in tables, made when
 * vectors or CPUs change hands.
 */
#include "loongarch.h"

#define IPMAP	      0x14c0 /* below it: the nodes' numbers */
#define CPUS_OF_NODE  4
#define ROUTE_NODE    4 /* shift of the node in a route */
#define DEFAULT_IPMAP 2 /* HWI1, where Linux has its cascade */

static struct lock extioi_lock; /* protects: read-modify-write of registers that cells share */

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

/*
 * A core's instructions reach the controller of its own node; a device's vectors arrive at that of the
 * bridge's. So what says where they go is written alike at all nodes, by way of a core of each.
 */
#define ANY_SEND_WAITS (UINT32_C(1) << 31)
static uint64_t node_cores; /* one of each node; 0: there is one node */

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

/* Inline, and so without the registers that a function in another file may change. */
static inline void registers_lock(void)
{
	while (__atomic_exchange_n(&extioi_lock.word, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static inline void registers_unlock(void)
{
	__atomic_store_n(&extioi_lock.word, 0, __ATOMIC_RELEASE);
}

/* Bits of @mask become those of @value, all at their places in hardware; where there is one node. */
static inline void bits_change_here(uint32_t offset, uint64_t mask, uint64_t value)
{
	registers_lock();
	hw_iocsr_write(offset, 8, (hw_iocsr_read(offset, 8) & ~mask) | (value & mask));
	registers_unlock();
}

static APART void bits_change(uint32_t offset, uint64_t mask, uint64_t value)
{
	registers_lock();
	value = (hw_iocsr_read(offset, 8) & ~mask) | (value & mask);
	word_write(offset, (uint32_t)value);
	word_write(offset + 4, (uint32_t)(value >> 32));
	registers_unlock();
}

/* Registers of a bit a vector, by granules of 64. */

static inline uint64_t rotated(uint64_t bits, unsigned right)
{
	return bits >> (right & 63) | bits << (-right & 63);
}

static inline const struct vector_run *run_of(const struct arch_cell *arch, uint32_t offset)
{
	return &arch->run[offset % BITMAP_BYTES / 8];
}

static inline const struct vector_run *next_of(const struct arch_cell *arch, const struct vector_run *run)
{
	return run->next ? &arch->more_runs[run->next - 1] : NULL;
}

static inline uint64_t run_read(const struct vector_run *run, uint32_t offset)
{
	uint32_t base = offset & ~(BITMAP_BYTES - 1u);

	return rotated(hw_iocsr_read(base + run->offset, 8), run->right) & run->mask;
}

static inline void run_clear(const struct vector_run *run, uint64_t value)
{
	hw_iocsr_write(EXTIOI_CORE_ISR + run->offset, 8, rotated(value & run->mask, run->left));
}

/* The first run of a granule, which is most often all there is, and the others. */

static APART uint64_t more_read(const struct arch_cell *arch, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	for (const struct vector_run *run = run_of(arch, offset); run; run = next_of(arch, run))
		value |= run_read(run, offset);
	return bytes_get(value, offset, size);
}

uint64_t extioi_bitmap_read(struct cpu *cpu, uint32_t offset, unsigned size)
{
	const struct arch_cell *arch = &cpu->cell->arch;
	const struct vector_run *run = run_of(arch, offset);

	if (run->next)
		return more_read(arch, offset, size);
	return bytes_get(run_read(run, offset), offset, size);
}

static APART void more_clear(const struct arch_cell *arch, uint32_t offset, uint64_t value)
{
	for (const struct vector_run *run = run_of(arch, offset); run; run = next_of(arch, run))
		run_clear(run, value);
}

/* What is written as 1 is pending no more, of this core alone. */
void extioi_clear(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	const struct arch_cell *arch = &cpu->cell->arch;
	const struct vector_run *run = run_of(arch, offset);

	value = value << offset % 8 * 8 & bytes_mask(offset, size);
	if (run->next)
		more_clear(arch, offset, value);
	else
		run_clear(run, value);
}

static APART void more_change(const struct arch_cell *arch, uint32_t offset, uint64_t mask, uint64_t value)
{
	const uint32_t base = offset & ~(BITMAP_BYTES - 1u);

	for (const struct vector_run *run = run_of(arch, offset); run; run = next_of(arch, run))
		bits_change(base + run->offset, rotated(mask & run->mask, run->left),
			    rotated(value, run->left));
}

/* ENABLE and BOUNCE: bits of @mask become those of @value, all at their places in 64. */
void extioi_change(struct cpu *cpu, uint32_t offset, uint64_t mask, uint64_t value)
{
	const struct arch_cell *arch = &cpu->cell->arch;
	const struct vector_run *run = run_of(arch, offset);
	const uint32_t base = offset & ~(BITMAP_BYTES - 1u);

	if (run->longer)
		more_change(arch, offset, mask, value);
	else
		bits_change_here(base + run->offset, rotated(mask & run->mask, run->left),
				 rotated(value, run->left));
}

/* Routes: a byte a vector, a bit for each CPU of a node and the node's number. */

/*
 * Of route_word: its vectors are not together in hardware or not all the cell's, or there are several nodes;
 * none is the cell's.
 */
#define WORD_MIXED   0xfe
#define WORD_FOREIGN 0xff

/* The cell's own CPU numbers become hardware's; of several CPUs those on the first one's node remain. */
static APART uint8_t route_translate(const struct cell *cell, uint64_t cpus, unsigned route)
{
	int node = -1, result = 0;

	for (unsigned i = 0; i < CPUS_OF_NODE; i++) {
		unsigned id = cell->arch.cpu_id[(route >> ROUTE_NODE) * CPUS_OF_NODE + i];

		if (!(route >> i & 1) || id == NO_CPU || !(cpus >> id & 1) ||
		    (node >= 0 && id / CPUS_OF_NODE != (unsigned)node))
			continue;
		node = (int)(id / CPUS_OF_NODE);
		result |= 1 << id % CPUS_OF_NODE;
	}
	return (uint8_t)(node < 0 ? 0 : result | node << ROUTE_NODE);
}

/* The CPUs that the cell has, or is about to have. */
static APART void routes_prepare(struct cell *cell, uint64_t cpus)
{
	for (unsigned route = 0; route < sizeof(cell->arch.route_to_hw); route++)
		cell->arch.route_to_hw[route] = route_translate(cell, cpus, route);
}

static inline uint32_t word_changed(uint32_t offset, uint32_t mask, uint32_t value)
{
	return ((uint32_t)hw_iocsr_read(offset, 4) & ~mask) | value;
}

static APART void route_byte_to_hardware(unsigned vector, uint8_t route)
{
	unsigned shift = vector % 4 * 8;
	uint32_t offset = EXTIOI_ROUTE + (vector & ~3u);

	registers_lock();
	word_write(offset, word_changed(offset, UINT32_C(0xff) << shift, (uint32_t)route << shift));
	registers_unlock();
}

/* Any bytes, by the longest way. */
static APART void routes_write(struct cpu *cpu, uint64_t vector, unsigned size, uint64_t value)
{
	struct arch_cell *arch = &cpu->cell->arch;

	for (; size && vector < VECTORS; size--, vector++, value >>= 8) {
		uint8_t route = arch->route_to_hw[value & 0xff];

		if (!owns(cpu->cell, (unsigned)vector))
			continue;
		arch->route[vector] = (uint8_t)value;
		if (route)
			route_byte_to_hardware(arch->physical[vector], route);
		else
			cpu->arch.refused++;
	}
}

/*
 * Of four routes that are all the cell's one, or all with the same value, as Linux has it first.  Nobody else
 * writes into that word, hence no lock: CPUs of the cell that do so at the same time have only themselves to
 * blame.
 */
void extioi_route(struct cpu *cpu, uint64_t vector, unsigned size, uint64_t value)
{
	struct arch_cell *arch = &cpu->cell->arch;
	unsigned word = arch->route_word[vector / 4], shift = vector % 4 * 8;
	uint32_t route = arch->route_to_hw[value & 0xff], four = (value & 0xff) * 0x01010101;

	if (word >= WORD_MIXED || !route) {
		if (word != WORD_FOREIGN || size > 4)
			routes_write(cpu, vector, size, value);
	} else if (size == 1) {
		arch->route[vector] = (uint8_t)value;
		hw_iocsr_write(
			EXTIOI_ROUTE + 4 * word, 4,
			word_changed(EXTIOI_ROUTE + 4 * word, UINT32_C(0xff) << shift, route << shift));
	} else if (size == 4 && (uint32_t)value == four) {
		__builtin_memcpy(&arch->route[vector], &four, sizeof(four));
		hw_iocsr_write(EXTIOI_ROUTE + 4 * word, 4, route * 0x01010101);
	} else {
		routes_write(cpu, vector, size, value);
	}
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

static inline void line_write(const struct cell *cell, unsigned group, uint8_t lines)
{
	for (unsigned groups = cell->arch.groups[group]; groups; groups &= groups - 1) {
		unsigned there = (unsigned)__builtin_ctz(groups);

		if (is_root(cell) || line_is_free(there))
			lines_write(there, lines);
	}
}

/* The 64 bits around @offset of what is kept as it was written; of root, vectors that are gone included. */
static inline uint64_t shadow_read(const uint8_t *shadow, uint32_t offset)
{
	uint64_t value;

	__builtin_memcpy(&value, shadow + (offset & ~7u), sizeof(value));
	return value;
}

static APART void ipmap_write(struct cell *cell, uint32_t offset, unsigned size, uint64_t value)
{
	unsigned with_vectors = cell->arch.with_vectors >> offset % 8 & ((1u << size) - 1);
	uint64_t ipmap = shadow_read(cell->arch.ipmap, 0);

	bytes_set(&ipmap, offset, size, value);
	__builtin_memcpy(cell->arch.ipmap, &ipmap, sizeof(ipmap));
	if (is_root(cell) && with_vectors == 0xf && size == 4 && !(offset & 3)) {
		word_write(offset, (uint32_t)value);
		return;
	}
	for (; with_vectors; with_vectors &= with_vectors - 1) {
		unsigned byte = (unsigned)__builtin_ctz(with_vectors);

		line_write(cell, offset % 8 + byte, (uint8_t)(value >> 8 * byte));
	}
}

uint64_t extioi_read(struct cpu *cpu, uint32_t offset, unsigned size)
{
	const struct arch_cell *arch = &cpu->cell->arch;

	if (extioi_is_shared(offset) || offset / BITMAP_BYTES == EXTIOI_ISR / BITMAP_BYTES)
		return extioi_bitmap_read(cpu, offset, size);
	if (offset < IPMAP) /* the nodes' numbers: of no vector */
		return is_root(cpu->cell) && !(offset & (size - 1))
			       ? extended(hw_iocsr_read(offset, size), size, true)
			       : 0;
	if (offset >= EXTIOI_ROUTE)
		return bytes_get(shadow_read(arch->route, offset - EXTIOI_ROUTE), offset, size);
	return (offset & ~7u) == IPMAP ? bytes_get(shadow_read(arch->ipmap, 0), offset, size) : 0;
}

void extioi_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	if (offset >= EXTIOI_ROUTE)
		extioi_route(cpu, offset - EXTIOI_ROUTE, size, value);
	else if ((offset & ~7u) == IPMAP)
		ipmap_write(cpu->cell, offset, size, value);
	else if (offset < IPMAP && is_root(cpu->cell) && !(offset & (size - 1)))
		hw_iocsr_write(offset, size, value);
}

/* Of Any_Send, what is no bitmap: the bytes whose bits are set in @bytes. */
static APART void bytes_write(struct cpu *cpu, uint32_t offset, unsigned bytes, uint64_t value)
{
	for (; bytes; bytes &= bytes - 1) {
		unsigned byte = (unsigned)__builtin_ctz(bytes);

		extioi_write(cpu, offset + byte, 1, value >> 8 * byte & 0xff);
	}
}

/* Any_Send: a write of 32 bits to another core's registers; those of vectors are the same at all nodes. */
void extioi_any_send(struct cpu *cpu, uint64_t value)
{
	/* By the 4 bits of what is not written: the bytes that are. */
	static const uint32_t written[16] = {
		0xffffffff, 0xffffff00, 0xffff00ff, 0xffff0000, 0xff00ffff, 0xff00ff00,
		0xff0000ff, 0xff000000, 0x00ffffff, 0x00ffff00, 0x00ff00ff, 0x00ff0000,
		0x0000ffff, 0x0000ff00, 0x000000ff, 0x00000000,
	};
	uint32_t offset = value & 0xfffc, skip = value >> 27 & 0xf;

	value >>= 32;
	if (extioi_is_shared(offset))
		extioi_change(cpu, offset, (uint64_t)written[skip] << offset % 8 * 8,
			      value << offset % 8 * 8);
	else if (!extioi_has(offset) || extioi_is_pending(offset))
		cpu->arch.refused++;
	else if (!skip)
		extioi_write(cpu, offset, 4, value);
	else if (offset >= IPMAP)
		bytes_write(cpu, offset, ~skip & 0xf, value);
}

void extioi_send(struct cpu *cpu, uint32_t vector)
{
	if (extioi_owns(cpu->cell, vector & 0xff))
		hw_iocsr_write(EXTIOI_SEND, 4, cpu->cell->arch.physical[vector & 0xff]);
	else
		cpu->arch.refused++;
}

/* Who has what. */

/* The fewest lists: vectors at the same distance share an entry wherever they are in the granule. */
static APART void runs_make(struct cell *cell)
{
	struct arch_cell *arch = &cell->arch;
	unsigned more = 0;

	memset(arch->run, 0, sizeof(arch->run));
	memset(arch->more_runs, 0, sizeof(arch->more_runs));
	for (unsigned number = 0; number < VECTORS; number++) {
		unsigned vector = arch->physical[number];
		uint8_t offset = (uint8_t)(vector / 64 * 8), right = (vector - number) & 63;
		struct vector_run *run = &arch->run[number / 64];

		if (!owns(cell, number))
			continue;
		while (run->mask && (run->offset != offset || run->right != right)) {
			if (!run->next)
				run->next = (uint8_t)++more;
			run = &arch->more_runs[run->next - 1];
		}
		run->mask |= UINT64_C(1) << number % 64;
		run->offset = offset;
		run->right = right;
		run->left = -right & 63;
	}
	for (unsigned granule = 0; granule < GRANULES; granule++)
		arch->run[granule].longer = arch->run[granule].next || node_cores;
}

/* After its vectors have changed: what is looked up in place of them one by one. */
static APART void tables_make(struct cell *cell)
{
	struct arch_cell *arch = &cell->arch;

	runs_make(cell);
	memset(arch->groups, 0, sizeof(arch->groups));
	for (unsigned vector = 0; vector < VECTORS; vector++)
		if (owns(cell, vector))
			arch->groups[vector / 32] |= (uint8_t)(1u << arch->physical[vector] / 32);
	arch->with_vectors = 0;
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		arch->with_vectors |= (uint8_t)((arch->groups[group] != 0) << group);
	for (unsigned vector = 0; vector < VECTORS; vector += 4) {
		unsigned first = arch->physical[vector], there = 0, mine = 0;

		for (unsigned i = 0; i < 4; i++) {
			mine += owns(cell, vector + i);
			there += owns(cell, vector + i) && arch->physical[vector + i] == first + i;
		}
		arch->route_word[vector / 4] = (uint8_t)(!mine					? WORD_FOREIGN
							 : there < 4 || first % 4 || node_cores ? WORD_MIXED
												: first / 4);
	}
}

/* @cell is one more, or one less, of those that share. */
static APART void share_groups(const struct cell *cell, unsigned change)
{
	unsigned groups = 0;

	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		groups |= cell->arch.groups[group];
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		if (groups >> group & 1)
			__atomic_fetch_add(&sharers[group], change, __ATOMIC_RELAXED);
}

static APART bool listed(const struct config_cell *config, enum config_irqchip_kind kind, unsigned vector)
{
	const struct config_irqchip *chip = config_irqchips(config);

	for (unsigned i = 0; i < config->num_irqchips; i++, chip++)
		if (chip->id == kind && vector - chip->pin_base < CONFIG_PINS &&
		    chip->pin_bitmap[(vector - chip->pin_base) / 32] >> (vector - chip->pin_base) % 32 & 1)
			return true;
	return false;
}

static APART void find_nodes(uint64_t cpus)
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
APART void extioi_init_root(struct cell *root)
{
	find_nodes(root->cpus);
	for (unsigned word = 0; word < VECTOR_WORDS; word++)
		root->arch.owned[word] = ~UINT32_C(0);
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		root->arch.physical[vector] = (uint8_t)vector;
		root->arch.route[vector] =
			(uint8_t)(hw_iocsr_read(EXTIOI_ROUTE + (vector & ~3u), 4) >> vector % 4 * 8);
	}
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		root->arch.ipmap[group] = (uint8_t)(hw_iocsr_read(IPMAP + (group & ~3u), 4) >> group % 4 * 8);
	routes_prepare(root, root->cpus);
	tables_make(root);
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

static uint64_t root_bounce[GRANULES]; /* of vectors that cells have: as root had it */

static APART void vector_to_cell(struct cell *cell, unsigned number, unsigned vector)
{
	struct arch_cell *arch = &cell->arch;
	uint64_t bit = UINT64_C(1) << vector % 64, *bounce = &root_bounce[vector / 64];

	*bounce = (*bounce & ~bit) | (hw_iocsr_read(EXTIOI_BOUNCE + vector / 64 * 8, 8) & bit);
	root_cell.arch.owned[vector / 32] &= ~(UINT32_C(1) << vector % 32);
	arch->owned[number / 32] |= UINT32_C(1) << number % 32;
	arch->physical[number] = (uint8_t)vector;
}

static uint8_t route_here(void)
{
	unsigned id = arch_this_cpu()->id;

	return (uint8_t)(1 << id % CPUS_OF_NODE | id / CPUS_OF_NODE << ROUTE_NODE);
}

/* None of root's vectors goes to a CPU that is not root's any more. */
static APART void root_routes_leave(uint64_t cpus)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		uint8_t route = (uint8_t)(hw_iocsr_read(EXTIOI_ROUTE + (vector & ~3u), 4) >> vector % 4 * 8);
		unsigned gone = cpus >> (route >> ROUTE_NODE) * CPUS_OF_NODE & 0xf & route;

		if (gone && owns(&root_cell, vector))
			route_byte_to_hardware(vector,
					       route & 0xf & ~gone ? (uint8_t)(route & ~gone) : route_here());
	}
}

/* extioi_check() has passed.  Messages first: their numbers are fixed. */
APART void extioi_take(struct cell *cell)
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
	routes_prepare(cell, cell->cpus);
	routes_prepare(&root_cell, root_cell.cpus & ~cell->cpus);
	tables_make(cell);
	tables_make(&root_cell);
	share_groups(cell, 1);
	root_routes_leave(cell->cpus);
	extioi_reset(cell);
}

/* Disables it. Only a core that the vector comes to can clear what is pending: for a moment this one. */
static APART void vector_clear(unsigned vector)
{
	unsigned granule = vector / 64 * 8;
	uint64_t bit = UINT64_C(1) << vector % 64;

	route_byte_to_hardware(vector, route_here());
	bits_change(EXTIOI_ENABLE + granule, bit, bit);
	hw_iocsr_write(EXTIOI_CORE_ISR + granule, 8, bit);
	bits_change(EXTIOI_ENABLE + granule, bit, 0);
}

/* Nothing enabled, nothing pending; all to the cell's first CPU. */
APART void extioi_reset(struct cell *cell)
{
	uint8_t route = cell->arch.route_to_hw[1];

	for (unsigned number = 0; number < VECTORS; number++) {
		unsigned vector = cell->arch.physical[number];

		if (!owns(cell, number))
			continue;
		vector_clear(vector);
		bits_change(EXTIOI_BOUNCE + vector / 64 * 8, UINT64_C(1) << vector % 64, 0);
		cell->arch.route[number] = 1;
		if (route)
			route_byte_to_hardware(vector, route);
		if (line_is_free(vector / 32))
			lines_write(vector / 32, DEFAULT_IPMAP);
	}
	for (unsigned group = 0; group < VECTOR_WORDS; group++)
		cell->arch.ipmap[group] = DEFAULT_IPMAP;
}

APART void extioi_give_back(struct cell *cell)
{
	extioi_reset(cell);
	share_groups(cell, -1u);
	for (unsigned number = 0; number < VECTORS; number++) {
		unsigned vector = cell->arch.physical[number];
		uint64_t bit = UINT64_C(1) << vector % 64;
		uint8_t route = root_cell.arch.route_to_hw[root_cell.arch.route[vector]];

		if (!owns(cell, number))
			continue;
		root_cell.arch.owned[vector / 32] |= UINT32_C(1) << vector % 32;
		bits_change(EXTIOI_BOUNCE + vector / 64 * 8, bit, root_bounce[vector / 64]);
		lines_write(vector / 32, root_cell.arch.ipmap[vector / 32]);
		route_byte_to_hardware(vector, route ? route : route_here());
		bits_change(EXTIOI_ENABLE + vector / 64 * 8, bit, bit); /* as Linux has all */
	}
	memset(cell->arch.owned, 0, sizeof(cell->arch.owned));
	routes_prepare(&root_cell, root_cell.cpus | (cell->cpus & ~cpus_dead));
	tables_make(&root_cell);
}
