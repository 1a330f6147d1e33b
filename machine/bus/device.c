/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The register-table framework (device.h): dispatch of accesses, reset, names, listing, saved state. */
#include "machine/bus/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/trace.h"

/* What is called when no register is hit. */
#define NO_REG(dev) ((dev)->type->reg_count)

/* "uart0.lcr" for every register and "uart0" at the end: traces need names that stay. */
static int make_reg_names(struct device *dev)
{
	const struct device_type *type = dev->type;
	size_t longest = 0;

	for (unsigned i = 0; i < type->reg_count; i++)
		longest = strlen(type->reg[i].name) > longest ? strlen(type->reg[i].name) : longest;
	dev->reg_name_size = strlen(dev->name) + 1 + longest + 1;
	dev->reg_names = malloc((type->reg_count + 1) * dev->reg_name_size);
	if (!dev->reg_names)
		return -ENOMEM;
	for (unsigned i = 0; i < type->reg_count; i++)
		snprintf(dev->reg_names + i * dev->reg_name_size, dev->reg_name_size, "%s.%s", dev->name,
			 type->reg[i].name);
	snprintf(dev->reg_names + type->reg_count * dev->reg_name_size, dev->reg_name_size, "%s", dev->name);
	return 0;
}

int device_init(struct device *dev, const struct device_type *type, const char *name, unsigned banks,
		struct trace *trace)
{
	dev->type = type;
	dev->name = name;
	dev->trace = trace;
	dev->banks = banks;
	dev->reads = dev->writes = 0;
	dev->lock = &dev->own_lock;
	pthread_mutex_init(&dev->own_lock, NULL);
	return make_reg_names(dev);
}

void device_destroy(struct device *dev)
{
	free(dev->reg_names);
	dev->reg_names = NULL;
	pthread_mutex_destroy(&dev->own_lock);
}

static uint64_t width_mask(unsigned width)
{
	return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (width * 8)) - 1;
}

static void *field_address(struct device *dev, const struct reg *reg, unsigned bank, unsigned index)
{
	uint8_t *base = dev->type->bank ? dev->type->bank(dev, bank) : (void *)dev;

	return base + reg->field + (size_t)index * reg->width;
}

uint64_t device_field_get(struct device *dev, const struct reg *reg, unsigned bank, unsigned index)
{
	uint64_t value = 0;

	if (reg->field != REG_NO_FIELD)
		memcpy(&value, field_address(dev, reg, bank, index), reg->width);
	return value;
}

void device_field_set(struct device *dev, const struct reg *reg, unsigned bank, unsigned index,
		      uint64_t value)
{
	if (reg->field != REG_NO_FIELD)
		memcpy(field_address(dev, reg, bank, index), &value, reg->width);
}

void device_reset(struct device *dev)
{
	pthread_mutex_lock(dev->lock);
	for (unsigned i = 0; i < dev->type->reg_count; i++) {
		const struct reg *reg = &dev->type->reg[i];

		for (unsigned bank = 0; bank < dev->banks; bank++)
			for (unsigned index = 0; index < reg_elements(reg); index++)
				device_field_set(dev, reg, bank, index, reg->reset + index * reg->reset_step);
	}
	if (dev->type->reset)
		dev->type->reset(dev);
	pthread_mutex_unlock(dev->lock);
}

/* Number of the register that holds byte @offset, NO_REG() if none does. */
static unsigned reg_find(const struct device *dev, uint64_t offset)
{
	const struct device_type *type = dev->type;
	unsigned low = 0, high = type->reg_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (type->reg[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low && offset - type->reg[low - 1].offset <
			   (uint64_t)reg_elements(&type->reg[low - 1]) * type->reg[low - 1].width)
		return low - 1;
	return NO_REG(dev);
}

/* The part of an access that falls on one element of one register. */
struct lane {
	const struct reg *reg;
	struct reg_access at;
	unsigned reg_shift;    /* bits: register's bit 0 to the access's first bit in it */
	unsigned access_shift; /* bits: where the part starts in the access's value */
	unsigned bytes;
};

/* The lane at byte @done of the access; false if no register is there. */
static bool lane_find(const struct device *dev, unsigned bank, uint64_t offset, unsigned size, unsigned done,
		      struct lane *lane)
{
	unsigned number = reg_find(dev, offset + done), in_reg;
	const struct reg *reg = &dev->type->reg[number];

	if (number == NO_REG(dev))
		return false;
	lane->reg = reg;
	lane->at.bank = bank;
	lane->at.index = (unsigned)(offset + done - reg->offset) / reg->width;
	in_reg = (unsigned)(offset + done - reg->offset) % reg->width;
	lane->reg_shift = in_reg * 8;
	lane->access_shift = done * 8;
	lane->bytes = size - done < reg->width - in_reg ? size - done : reg->width - in_reg;
	lane->at.mask = width_mask(lane->bytes) << lane->reg_shift;
	return true;
}

static bool is_decoded(const struct device *dev, uint64_t offset, unsigned size)
{
	const struct device_type *type = dev->type;

	if (!(type->widths & size) || offset >= type->size || size > type->size - offset)
		return false;
	return !(type->flags & DEVICE_STRICT) || reg_find(dev, offset) != NO_REG(dev);
}

static void trace_access(const struct device *dev, uint64_t offset, unsigned size, uint64_t value,
			 unsigned write)
{
	if (trace_on(dev->trace, TRACE_DEVICE))
		trace_emit(dev->trace, TRACE_DEVICE, -1,
			   dev->reg_names + reg_find(dev, offset) * dev->reg_name_size, offset, value,
			   size | write << 8);
}

static uint64_t reg_read(struct device *dev, const struct lane *lane)
{
	const struct reg *reg = lane->reg;

	if (reg->read)
		return reg->read(dev, &lane->at);
	if (reg->field == REG_NO_FIELD)
		return reg->write ? 0 : reg->reset + lane->at.index * reg->reset_step;
	return device_field_get(dev, reg, lane->at.bank, lane->at.index);
}

bool device_read(struct device *dev, unsigned bank, uint64_t offset, unsigned size, uint64_t *value)
{
	struct lane lane;

	*value = 0;
	if (!is_decoded(dev, offset, size))
		return false;
	dev->reads++;
	for (unsigned done = 0; done < size;) {
		if (!lane_find(dev, bank, offset, size, done, &lane)) {
			if (dev->type->flags & DEVICE_SINGLE)
				break;
			done++;
			continue;
		}
		*value |= (reg_read(dev, &lane) >> lane.reg_shift & width_mask(lane.bytes))
			  << lane.access_shift;
		done += lane.bytes;
		if (dev->type->flags & DEVICE_SINGLE)
			break;
	}
	trace_access(dev, offset, size, *value, 0);
	return true;
}

static void reg_write(struct device *dev, const struct lane *lane, uint64_t value)
{
	const struct reg *reg = lane->reg;
	const struct reg_access *at = &lane->at;
	uint64_t old, changed;

	value &= at->mask;
	if (reg->write) {
		reg->write(dev, at, value);
		return;
	}
	old = device_field_get(dev, reg, at->bank, at->index);
	changed = reg->writable & at->mask;
	device_field_set(dev, reg, at->bank, at->index,
			 ((old & ~changed) | (value & changed)) & ~(value & reg->w1c));
	if (reg->written)
		reg->written(dev, at, old);
}

bool device_write(struct device *dev, unsigned bank, uint64_t offset, unsigned size, uint64_t value,
		  uint64_t lanes)
{
	struct lane lane;

	if (!is_decoded(dev, offset, size))
		return false;
	dev->writes++;
	trace_access(dev, offset, size, value & width_mask(size), 1);
	for (unsigned done = 0; done < size;) {
		if (!lane_find(dev, bank, offset, size, done, &lane)) {
			if (dev->type->flags & DEVICE_SINGLE)
				break;
			done++;
			continue;
		}
		lane.at.mask &= (lanes >> lane.access_shift) << lane.reg_shift;
		if (lane.at.mask)
			reg_write(dev, &lane, (value >> lane.access_shift) << lane.reg_shift);
		done += lane.bytes;
		if (dev->type->flags & DEVICE_SINGLE)
			break;
	}
	return true;
}

static bool mmio_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	return device_read(dev, 0, offset, size, value);
}

static bool mmio_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	return device_write(dev, 0, offset, size, value, UINT64_MAX);
}

const struct mmio_ops device_mmio = { mmio_read, mmio_write };

int device_map(struct device *dev, struct bus *bus, uint64_t base)
{
	const struct mmio_region region = {
		.name = dev->name,
		.base = base,
		.size = dev->type->size,
		.ops = &device_mmio,
		.dev = dev,
		.lock = dev->lock,
	};

	return bus_add_region(bus, &region);
}

void device_for_each_field(struct device *dev,
			   void (*fn)(void *opaque, const char *name, void *data, size_t size), void *opaque)
{
	for (unsigned i = 0; i < dev->type->reg_count; i++) {
		const struct reg *reg = &dev->type->reg[i];

		if (reg->field == REG_NO_FIELD)
			continue;
		for (unsigned bank = 0; bank < dev->banks; bank++)
			fn(opaque, reg->name, field_address(dev, reg, bank, 0),
			   (size_t)reg->width * reg_elements(reg));
	}
	for (unsigned i = 0; i < dev->type->field_count; i++)
		fn(opaque, dev->type->field[i].name, (char *)dev + dev->type->field[i].offset,
		   dev->type->field[i].size);
}

static void registers_state(struct device *dev, struct state *state)
{
	for (unsigned i = 0; i < dev->type->reg_count; i++) {
		const struct reg *reg = &dev->type->reg[i];

		if (reg->field == REG_NO_FIELD)
			continue;
		for (unsigned bank = 0; bank < dev->banks; bank++)
			state_bytes(state, reg->name, field_address(dev, reg, bank, 0),
				    (size_t)reg->width * reg_elements(reg));
	}
}

void device_state(void *opaque, struct state *state)
{
	struct device *dev = opaque;

	pthread_mutex_lock(dev->lock);
	registers_state(dev, state);
	for (unsigned i = 0; i < dev->type->field_count; i++) {
		const struct device_field *field = &dev->type->field[i];
		void *data = (char *)dev + field->offset;

		if (field->is_bool)
			state_bool(state, field->name, data);
		else
			state_bytes(state, field->name, data, field->size);
	}
	if (dev->type->state && state_good(state))
		dev->type->state(dev, state);
	pthread_mutex_unlock(dev->lock);
}

void device_print(struct device *dev, FILE *file)
{
	pthread_mutex_lock(dev->lock);
	fprintf(file, "%s: %" PRIu64 " reads, %" PRIu64 " writes\n", dev->name, dev->reads, dev->writes);
	for (unsigned i = 0; i < dev->type->reg_count; i++) {
		const struct reg *reg = &dev->type->reg[i];

		if (reg->field == REG_NO_FIELD)
			continue;
		for (unsigned bank = 0; bank < dev->banks; bank++) {
			fprintf(file, "  %04" PRIx32 " %-16s", reg->offset, reg->name);
			if (dev->banks > 1)
				fprintf(file, " [%u]", bank);
			for (unsigned index = 0; index < reg_elements(reg); index++)
				fprintf(file, " %0*" PRIx64, reg->width * 2,
					device_field_get(dev, reg, bank, index));
			fputc('\n', file);
		}
	}
	pthread_mutex_unlock(dev->lock);
}
