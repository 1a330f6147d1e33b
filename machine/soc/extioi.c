/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * EXTIOI (extioi.h; 3A5000 manual 11.2, tables 11-6 to 11-17).
 *
 * An arriving vector sets isr; if it is enabled it is delivered to one core: that core's isr gets the bit and
 * one of its inputs rises.  The core's write of 1 clears both.  A wire that is still high then raises
 * nothing by itself, but does when the vector is enabled again or the bridge sends it anew; for a message
 * the write ends it.
 */
#include "machine/soc/extioi.h"

#include <string.h>

enum { VIRT_FEATURE_EXTENSION = 1 << 0, VIRT_FEATURE_ENABLE = 1 << 1, VIRT_FEATURE_CPU_ENCODE = 1 << 3 };
enum { VIRT_ENABLE = 1 << 1, VIRT_CPU_ENCODE = 1 << 3 };

static bool bit_get(const uint64_t *words, unsigned bit)
{
	return words[bit / 64] >> (bit % 64) & 1;
}

static void bit_set(uint64_t *words, unsigned bit, bool value)
{
	uint64_t one = UINT64_C(1) << (bit % 64);

	words[bit / 64] = value ? words[bit / 64] | one : words[bit / 64] & ~one;
}

static unsigned core_node(const struct extioi *extioi, unsigned core)
{
	return extioi->virt_config & VIRT_CPU_ENCODE ? 0 : core / EXTIOI_NODE_CORES;
}

/* Input of vectors of @group at @core.  As a bitmap the lowest bit counts; 4 and up stand for input 0. */
static unsigned group_pin(const struct extioi *extioi, unsigned core, unsigned group)
{
	unsigned map = extioi->node[core_node(extioi, core)].ipmap[group];

	if (extioi->encode)
		return map & (EXTIOI_PINS - 1);
	return map & 0xf ? (unsigned)__builtin_ctz(map) : 0;
}

/* Makes the core's inputs follow its isr. */
static void core_update(struct extioi *extioi, unsigned core)
{
	unsigned lines = 0, changed;

	for (unsigned group = 0; group < 8; group++)
		if ((uint32_t)(extioi->core_isr[core][group / 2] >> (group % 2 * 32)))
			lines |= 1u << group_pin(extioi, core, group);
	changed = lines ^ extioi->lines[core];
	extioi->lines[core] = (uint8_t)lines;
	for (; changed; changed &= changed - 1) {
		unsigned pin = (unsigned)__builtin_ctz(changed);

		irq_set(&extioi->out[core][pin], lines >> pin & 1);
	}
}

/* Nodes that @route of @node means; a type nobody has filled in stands for the node itself. */
static unsigned route_nodes(const struct extioi_node *node, unsigned number, uint8_t route)
{
	unsigned nodes = node->node_type[route >> 4];

	return nodes && route & 0xf ? nodes : 1u << number;
}

static bool is_candidate(unsigned nodes, unsigned cores, unsigned core)
{
	return nodes >> (core / EXTIOI_NODE_CORES) & 1 && cores >> (core % EXTIOI_NODE_CORES) & 1;
}

/* The core that @vector of node @number goes to now, EXTIOI_NO_CORE if its byte names none that exists. */
static unsigned vector_route(struct extioi *extioi, unsigned number, unsigned vector)
{
	struct extioi_node *node = &extioi->node[number];
	uint8_t route = node->route[vector];
	bool rotate = bit_get(node->bounce, vector);
	unsigned cores = route & 0xf ? route & 0xf : 1; /* 0: local */
	unsigned nodes = route_nodes(node, number, route);

	if (extioi->virt_config & VIRT_CPU_ENCODE)
		return route < extioi->cores ? route : EXTIOI_NO_CORE;
	for (unsigned i = 0; i < extioi->cores; i++) {
		unsigned core = ((rotate ? node->turn[vector] : 0) + i) % extioi->cores;

		if (!is_candidate(nodes, cores, core))
			continue;
		node->turn[vector] = (uint8_t)((core + 1) % extioi->cores);
		return core;
	}
	return EXTIOI_NO_CORE;
}

static void vector_deliver(struct extioi *extioi, unsigned number, unsigned vector)
{
	struct extioi_node *node = &extioi->node[number];

	if (!extioi->enabled || !bit_get(node->enable, vector) || !bit_get(node->isr, vector) ||
	    node->target[vector] != EXTIOI_NO_CORE)
		return;
	node->target[vector] = (uint8_t)vector_route(extioi, number, vector);
	if (node->target[vector] == EXTIOI_NO_CORE)
		return;
	bit_set(extioi->core_isr[node->target[vector]], vector, true);
	core_update(extioi, node->target[vector]);
}

/* Takes the vector back from the core it was delivered to, unless another node delivered it there too. */
static void vector_withdraw(struct extioi *extioi, unsigned number, unsigned vector)
{
	unsigned core = extioi->node[number].target[vector];

	if (core == EXTIOI_NO_CORE)
		return;
	extioi->node[number].target[vector] = EXTIOI_NO_CORE;
	for (unsigned i = 0; i < extioi->nodes; i++)
		if (extioi->node[i].target[vector] == core)
			return;
	bit_set(extioi->core_isr[core], vector, false);
	core_update(extioi, core);
}

static void vector_reroute(struct extioi *extioi, unsigned number, unsigned vector)
{
	vector_withdraw(extioi, number, vector);
	vector_deliver(extioi, number, vector);
}

static void reroute_all(struct extioi *extioi)
{
	for (unsigned number = 0; number < extioi->nodes; number++)
		for (unsigned vector = 0; vector < EXTIOI_VECTORS; vector++)
			vector_reroute(extioi, number, vector);
}

static void node_message(struct extioi *extioi, unsigned number, unsigned vector)
{
	bit_set(extioi->node[number].isr, vector, true);
	vector_deliver(extioi, number, vector);
}

void extioi_message(void *opaque, unsigned vector)
{
	struct extioi *extioi = opaque;

	pthread_mutex_lock(extioi->dev.lock);
	node_message(extioi, 0, vector % EXTIOI_VECTORS);
	pthread_mutex_unlock(extioi->dev.lock);
}

void extioi_set_wire(void *opaque, unsigned vector, bool level)
{
	struct extioi *extioi = opaque;
	struct extioi_node *node = &extioi->node[0];

	vector %= EXTIOI_VECTORS;
	pthread_mutex_lock(extioi->dev.lock);
	bit_set(node->level, vector, level);
	if (level) {
		node_message(extioi, 0, vector);
	} else {
		bit_set(node->isr, vector, false);
		vector_withdraw(extioi, 0, vector);
	}
	pthread_mutex_unlock(extioi->dev.lock);
}

void extioi_set_mode(struct extioi *extioi, bool enabled, bool encode)
{
	pthread_mutex_lock(extioi->dev.lock);
	if (enabled != extioi->enabled || encode != extioi->encode) {
		extioi->enabled = enabled;
		extioi->encode = encode;
		reroute_all(extioi);
		for (unsigned core = 0; core < extioi->cores; core++)
			core_update(extioi, core);
	}
	pthread_mutex_unlock(extioi->dev.lock);
}

void extioi_lock_virt_config(struct extioi *extioi)
{
	pthread_mutex_lock(extioi->dev.lock);
	extioi->virt_config |= VIRT_ENABLE;
	pthread_mutex_unlock(extioi->dev.lock);
}

/* EXT_IOI_send: [7:0] is the vector. */
static void send_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	if (at->mask & 0xff)
		node_message(device_of(dev, struct extioi, dev), at->bank, value & 0xff);
}

static void node_type_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct extioi *extioi = device_of(dev, struct extioi, dev);
	struct extioi_node *node = &extioi->node[at->bank];

	if (node->node_type[at->index] == old)
		return;
	for (unsigned vector = 0; vector < EXTIOI_VECTORS; vector++)
		if (node->route[vector] >> 4 == at->index)
			vector_reroute(extioi, at->bank, vector);
}

/* Pending vectors move to the new input at once. */
static void ipmap_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct extioi *extioi = device_of(dev, struct extioi, dev);

	for (unsigned core = 0; core < extioi->cores; core++)
		core_update(extioi, core);
}

static void enable_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct extioi *extioi = device_of(dev, struct extioi, dev);
	struct extioi_node *node = &extioi->node[at->bank];
	uint64_t changed = node->enable[at->index] ^ old;

	/* A wire that is still high counts as arriving again. */
	node->isr[at->index] |= changed & node->enable[at->index] & node->level[at->index];
	for (; changed; changed &= changed - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(changed);

		vector_reroute(extioi, at->bank, at->index * 64 + bit);
	}
}

static void route_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct extioi *extioi = device_of(dev, struct extioi, dev);
	struct extioi_node *node = &extioi->node[at->bank];

	if (node->route[at->index] == old)
		return;
	node->turn[at->index] = 0;
	vector_reroute(extioi, at->bank, at->index);
}

/* A core acknowledges vectors. */
static void core_isr_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct extioi *extioi = device_of(dev, struct extioi, core_dev);
	uint64_t acked = value & extioi->core_isr[at->bank][at->index];

	extioi->core_isr[at->bank][at->index] &= ~acked;
	for (; acked; acked &= acked - 1) {
		unsigned vector = at->index * 64 + (unsigned)__builtin_ctzll(acked);

		for (unsigned number = 0; number < extioi->nodes; number++) {
			if (extioi->node[number].target[vector] != at->bank)
				continue;
			extioi->node[number].target[vector] = EXTIOI_NO_CORE;
			bit_set(extioi->node[number].isr, vector, false);
		}
	}
	core_update(extioi, at->bank);
}

static uint64_t virt_features_read(struct device *dev, const struct reg_access *at)
{
	return VIRT_FEATURE_EXTENSION | VIRT_FEATURE_ENABLE | VIRT_FEATURE_CPU_ENCODE;
}

static uint64_t virt_config_read(struct device *dev, const struct reg_access *at)
{
	return device_of(dev, struct extioi, virt_dev)->virt_config;
}

/* Once enabled the configuration stays; writing 0 switches the extension off. */
static void virt_config_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct extioi *extioi = device_of(dev, struct extioi, virt_dev);
	uint32_t old = extioi->virt_config;

	if (extioi->virt_config & VIRT_ENABLE && value)
		return;
	extioi->virt_config = (uint32_t)value & (VIRT_ENABLE | VIRT_CPU_ENCODE);
	if ((extioi->virt_config ^ old) & VIRT_CPU_ENCODE)
		reroute_all(extioi);
}

#define NODE_FIELD(name) offsetof(struct extioi_node, name)

/* clang-format off */
static const struct reg extioi_regs[] = { /* IOCSR offset - 0x1000 */
	{ .offset = 0x140, .width = 4, .name = "send", .field = REG_NO_FIELD, .write = send_write },
	{ .offset = 0x4a0, .width = 2, .count = EXTIOI_NODE_TYPES, .name = "node_type",
	  .field = NODE_FIELD(node_type), .writable = UINT16_MAX, .written = node_type_written },
	{ .offset = 0x4c0, .width = 1, .count = 8, .name = "ipmap",
	  .field = NODE_FIELD(ipmap), .writable = UINT8_MAX, .written = ipmap_written },
	{ .offset = 0x600, .width = 8, .count = EXTIOI_WORDS, .name = "enable",
	  .field = NODE_FIELD(enable), .writable = UINT64_MAX, .written = enable_written },
	{ .offset = 0x680, .width = 8, .count = EXTIOI_WORDS, .name = "bounce",
	  .field = NODE_FIELD(bounce), .writable = UINT64_MAX },
	{ .offset = 0x700, .width = 8, .count = EXTIOI_WORDS, .name = "isr", .field = NODE_FIELD(isr) },
	{ .offset = 0xc00, .width = 1, .count = EXTIOI_VECTORS, .name = "route",
	  .field = NODE_FIELD(route), .writable = UINT8_MAX, .written = route_written },
};

static const struct reg extioi_core_regs[] = {
	{ .offset = 0, .width = 8, .count = EXTIOI_WORDS, .name = "isr", .field = 0, .write = core_isr_write },
};

static const struct reg extioi_virt_regs[] = {
	{ .offset = 0, .width = 4, .name = "features", .field = REG_NO_FIELD, .read = virt_features_read },
	{ .offset = 4, .width = 4, .name = "config", .field = REG_NO_FIELD,
	  .read = virt_config_read, .write = virt_config_write },
};
/* clang-format on */

static const struct device_field extioi_fields[] = {
	DEVICE_BOOL(struct extioi, enabled),	  DEVICE_BOOL(struct extioi, encode),
	DEVICE_FIELD(struct extioi, virt_config), DEVICE_FIELD(struct extioi, lines),
	DEVICE_FIELD(struct extioi, core_isr),	  DEVICE_FIELD(struct extioi, node),
};

static void *extioi_bank(struct device *dev, unsigned bank)
{
	return &device_of(dev, struct extioi, dev)->node[bank];
}

static void *extioi_core_bank(struct device *dev, unsigned bank)
{
	return device_of(dev, struct extioi, core_dev)->core_isr[bank];
}

static void extioi_reset(struct device *dev)
{
	struct extioi *extioi = device_of(dev, struct extioi, dev);

	extioi->enabled = true;
	extioi->encode = false;
	extioi->virt_config = 0;
	memset(extioi->core_isr, 0, sizeof(extioi->core_isr));
	for (unsigned number = 0; number < extioi->nodes; number++) {
		struct extioi_node *node = &extioi->node[number];

		memset(node->level, 0, sizeof(node->level));
		memset(node->target, EXTIOI_NO_CORE, sizeof(node->target));
		memset(node->turn, 0, sizeof(node->turn));
	}
	for (unsigned core = 0; core < extioi->cores; core++)
		core_update(extioi, core);
}

/* Cores that are named must be there. */
static void extioi_state(struct device *dev, struct state *state)
{
	const struct extioi *extioi = device_of(dev, struct extioi, dev);

	for (unsigned number = 0; number < EXTIOI_NODES && state_loading(state); number++) {
		const struct extioi_node *node = &extioi->node[number];

		for (unsigned vector = 0; vector < EXTIOI_VECTORS; vector++) {
			uint8_t target = node->target[vector];

			if (number < extioi->nodes && target >= extioi->cores && target != EXTIOI_NO_CORE)
				state_refuse(state, "vector %u is at a core that there is not", vector);
			if (node->turn[vector] >= CPU_MAX)
				state_refuse(state, "the turn of vector %u is at no core", vector);
		}
	}
}

const struct device_type extioi_type = {
	.name = "extioi",
	DEVICE_REGS(extioi_regs),
	.size = 0x1000,
	.widths = 1 | 2 | 4 | 8,
	.bank = extioi_bank,
	.reset = extioi_reset,
	DEVICE_FIELDS(extioi_fields),
	.state = extioi_state,
};

const struct device_type extioi_core_type = {
	.name = "extioi-core",
	DEVICE_REGS(extioi_core_regs),
	.size = 0x100,
	.widths = 1 | 2 | 4 | 8,
	.bank = extioi_core_bank,
};

const struct device_type extioi_virt_type = {
	.name = "extioi-virt",
	DEVICE_REGS(extioi_virt_regs),
	.size = 0x1000,
	.widths = 1 | 2 | 4 | 8,
};

int extioi_init(struct extioi *extioi, unsigned cores, struct trace *trace)
{
	int err;

	extioi->cores = cores;
	extioi->nodes = (cores + EXTIOI_NODE_CORES - 1) / EXTIOI_NODE_CORES;
	memset(extioi->lines, 0, sizeof(extioi->lines));
	err = device_init(&extioi->dev, &extioi_type, "extioi", extioi->nodes, trace);
	if (!err)
		err = device_init(&extioi->core_dev, &extioi_core_type, "extioi-core", cores, trace);
	if (!err)
		err = device_init(&extioi->virt_dev, &extioi_virt_type, "extioi-virt", 1, trace);
	extioi->core_dev.lock = extioi->virt_dev.lock = extioi->dev.lock;
	return err;
}

void extioi_destroy(struct extioi *extioi)
{
	device_destroy(&extioi->dev);
	device_destroy(&extioi->core_dev);
	device_destroy(&extioi->virt_dev);
}

static unsigned bank_node(struct device *dev, unsigned core)
{
	return core_node(device_of(dev, struct extioi, dev), core);
}

int extioi_attach(struct extioi *extioi, struct iocsr *iocsr)
{
	const struct iocsr_block block[] = {
		{ .first = 0x1800, .size = 0x100, .base = 0x1800, &extioi->core_dev, iocsr_bank_core },
		{ .first = 0x1140, .size = 4, .base = 0x1000, &extioi->dev, bank_node },
		{ .first = 0x14a0, .size = 0x360, .base = 0x1000, &extioi->dev, bank_node },
		{ .first = 0x1c00, .size = 0x100, .base = 0x1000, &extioi->dev, bank_node },
		{ .first = 0x40000000, .size = 0x1000, .base = 0x40000000, &extioi->virt_dev, NULL },
	};
	int err = 0;

	for (unsigned i = 0; i < sizeof(block) / sizeof(block[0]) && !err; i++)
		err = iocsr_add_block(iocsr, &block[i]);
	return err;
}
