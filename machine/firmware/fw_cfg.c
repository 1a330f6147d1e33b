/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The firmware configuration device: a data register that gives one byte after the other of the selected
 * item, a selector, and a DMA interface.  Numbers in registers and DMA commands are big-endian.
 */
#include "machine/firmware/fw_cfg.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/copy.h"
#include "machine/bus/trace.h"

/* Offsets of the registers. */
enum { REG_DATA = 0, REG_SELECTOR = 8, REG_DMA = 16, REG_END = FW_CFG_SIZE };

#define FEATURES      3u /* bit 0: data register, bit 1: DMA */
#define DMA_SIGNATURE UINT64_C(0x51454d5520434647)

/* Selector bits that do not tell items apart: "for writing" and, of others than ours, "of the architecture".
 */
#define KEY_WRITE 0x4000u

enum dma_control {
	DMA_ERROR = 1 << 0,
	DMA_READ = 1 << 1,
	DMA_SKIP = 1 << 2,
	DMA_SELECT = 1 << 3, /* the upper half of the word is the key */
	DMA_WRITE = 1 << 4,
};

/* What the guest has in its memory. */
struct dma_command {
	uint32_t control, length;
	uint64_t address;
};

/* An entry of the file directory, which begins with their number. */
struct directory_entry {
	uint32_t size;
	uint16_t key, reserved;
	char name[FW_CFG_NAME_SIZE];
};

static void trace_access(const struct fw_cfg *fw_cfg, const char *name, uint64_t offset, uint64_t value,
			 uint64_t size)
{
	if (trace_on(fw_cfg->bus->trace, TRACE_DEVICE))
		trace_emit(fw_cfg->bus->trace, TRACE_DEVICE, -1, name, offset, value, size);
}

static const struct fw_cfg_item *selected(const struct fw_cfg *fw_cfg)
{
	static const struct fw_cfg_item none;

	return fw_cfg->key < FW_CFG_ITEMS ? &fw_cfg->item[fw_cfg->key] : &none;
}

static void item_select(struct fw_cfg *fw_cfg, uint16_t key)
{
	fw_cfg->key = key & (uint16_t)~KEY_WRITE;
	fw_cfg->offset = 0;
}

/* Bytes left of the selected item, at most @length. */
static size_t bytes_left(const struct fw_cfg *fw_cfg, size_t length)
{
	const struct fw_cfg_item *item = selected(fw_cfg);
	size_t left = fw_cfg->offset < item->size ? item->size - fw_cfg->offset : 0;

	return left < length ? left : length;
}

/* A read of the data register: the next bytes in the order they have in memory, zeros behind the end. */
static uint64_t data_read(struct fw_cfg *fw_cfg, unsigned size)
{
	size_t count = bytes_left(fw_cfg, size);
	uint64_t value = 0;

	if (count)
		memcpy(&value, selected(fw_cfg)->data + fw_cfg->offset, count);
	fw_cfg->offset += (uint32_t)count;
	return value;
}

/* Gives the guest @length bytes at @address: what is left of the item, then zeros.  False: not all is RAM. */
static bool dma_give(struct fw_cfg *fw_cfg, uint64_t address, uint32_t length)
{
	uint8_t *host = bus_ram(fw_cfg->bus, address, length);
	size_t count = bytes_left(fw_cfg, length);

	if (!host)
		return false;
	if (count)
		copy_out(host, selected(fw_cfg)->data + fw_cfg->offset, count);
	if (count < length)
		memset(host + count, 0, length - count);
	bus_written(fw_cfg->bus, host, length);
	return true;
}

/* Acts on a command; answers the control word that says how it went. */
static uint32_t dma_execute(struct fw_cfg *fw_cfg, const struct dma_command *command)
{
	bool good = true;

	if (command->control & DMA_SELECT)
		item_select(fw_cfg, (uint16_t)(command->control >> 16));
	if (!(command->control & (DMA_READ | DMA_WRITE | DMA_SKIP)) || !command->length)
		return 0;
	if (command->control & DMA_READ)
		good = dma_give(fw_cfg, command->address, command->length);
	else if (command->control & DMA_WRITE)
		good = false; /* no item can be written */
	fw_cfg->offset += (uint32_t)bytes_left(fw_cfg, command->length);
	return good ? 0 : DMA_ERROR;
}

/* The guest's command at @address: control, length and address, read once, then the answer over the first. */
static void dma_start(struct fw_cfg *fw_cfg, uint64_t address)
{
	struct dma_command command;
	uint8_t *host = bus_ram(fw_cfg->bus, address, sizeof(command));
	uint32_t answer = htobe32(DMA_ERROR);

	if (host) {
		copy_in(&command, host, sizeof(command));
		command.control = be32toh(command.control);
		command.length = be32toh(command.length);
		command.address = be64toh(command.address);
		trace_access(fw_cfg, "fw_cfg.command", command.control, command.address, command.length);
		answer = htobe32(dma_execute(fw_cfg, &command));
	} else {
		/* Perhaps the word for the answer is in RAM, at its very end. */
		host = bus_ram(fw_cfg->bus, address, sizeof(answer));
	}
	if (host) {
		copy_out(host, &answer, sizeof(answer));
		bus_written(fw_cfg->bus, host, sizeof(answer));
	}
}

static bool fw_cfg_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct fw_cfg *fw_cfg = dev;
	uint64_t signature = htobe64(DMA_SIGNATURE);

	if (offset + size <= REG_SELECTOR) {
		*value = data_read(fw_cfg, size);
	} else if (offset >= REG_DMA) {
		*value = 0;
		memcpy(value, (uint8_t *)&signature + (offset - REG_DMA), size);
	} else {
		return false; /* the selector cannot be read */
	}
	trace_access(fw_cfg, "fw_cfg", offset, *value, size);
	return true;
}

static bool fw_cfg_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *fw_cfg = dev;

	trace_access(fw_cfg, "fw_cfg", offset, value, size | 1 << 8);
	if (offset + size <= REG_SELECTOR)
		return true; /* data cannot be written, and never says so */
	if (offset == REG_SELECTOR && size == 2) {
		item_select(fw_cfg, be16toh((uint16_t)value));
	} else if (offset == REG_DMA && size == 8) {
		fw_cfg->dma_high = 0;
		dma_start(fw_cfg, be64toh(value));
	} else if (offset == REG_DMA && size == 4) {
		fw_cfg->dma_high = be32toh((uint32_t)value);
	} else if (offset == REG_DMA + 4 && size == 4) {
		uint64_t high = fw_cfg->dma_high;

		fw_cfg->dma_high = 0;
		dma_start(fw_cfg, high << 32 | be32toh((uint32_t)value));
	} else {
		return false;
	}
	return true;
}

static const struct mmio_ops fw_cfg_ops = { fw_cfg_read, fw_cfg_write };

void fw_cfg_init(struct fw_cfg *fw_cfg, struct bus *bus)
{
	*fw_cfg = (struct fw_cfg){ .bus = bus };
	pthread_mutex_init(&fw_cfg->lock, NULL);
}

void fw_cfg_destroy(struct fw_cfg *fw_cfg)
{
	for (unsigned key = 0; key < FW_CFG_ITEMS; key++)
		free(fw_cfg->item[key].data);
	pthread_mutex_destroy(&fw_cfg->lock);
}

int fw_cfg_map(struct fw_cfg *fw_cfg, uint64_t base)
{
	const struct mmio_region region = { .name = "fw_cfg",
					    .base = base,
					    .size = REG_END,
					    .ops = &fw_cfg_ops,
					    .dev = fw_cfg,
					    .lock = &fw_cfg->lock };

	return bus_add_region(fw_cfg->bus, &region);
}

void fw_cfg_reset(void *opaque)
{
	struct fw_cfg *fw_cfg = opaque;

	pthread_mutex_lock(&fw_cfg->lock);
	item_select(fw_cfg, FW_CFG_SIGNATURE);
	fw_cfg->dma_high = 0;
	pthread_mutex_unlock(&fw_cfg->lock);
}

void fw_cfg_take(struct fw_cfg *fw_cfg, unsigned key, uint8_t *data, size_t size)
{
	struct fw_cfg_item *item = &fw_cfg->item[key];

	assert(key < FW_CFG_ITEMS && size <= FW_CFG_ITEM_MAX);
	pthread_mutex_lock(&fw_cfg->lock);
	free(item->data);
	item->data = data;
	item->size = size;
	pthread_mutex_unlock(&fw_cfg->lock);
}

int fw_cfg_set(struct fw_cfg *fw_cfg, unsigned key, const void *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, data, size);
	fw_cfg_take(fw_cfg, key, copy, size);
	return 0;
}

int fw_cfg_set_number(struct fw_cfg *fw_cfg, unsigned key, uint64_t value, size_t size)
{
	value = htole64(value);
	return fw_cfg_set(fw_cfg, key, &value, size);
}

/* The directory of the files that there are. */
static int directory_build(struct fw_cfg *fw_cfg)
{
	struct {
		uint32_t count;
		struct directory_entry entry[FW_CFG_ITEMS - FW_CFG_FILE_FIRST];
	} directory = { .count = htobe32(fw_cfg->file_count) };

	_Static_assert(sizeof(struct directory_entry) == 64, "entries of the directory are 64 bytes");
	for (unsigned i = 0; i < fw_cfg->file_count; i++) {
		const struct fw_cfg_item *item = &fw_cfg->item[FW_CFG_FILE_FIRST + i];
		struct directory_entry *entry = &directory.entry[i];

		entry->size = htobe32((uint32_t)item->size);
		entry->key = htobe16((uint16_t)(FW_CFG_FILE_FIRST + i));
		memcpy(entry->name, item->name, sizeof(entry->name));
	}
	return fw_cfg_set(fw_cfg, FW_CFG_FILE_DIR, &directory,
			  sizeof(directory.count) + fw_cfg->file_count * sizeof(struct directory_entry));
}

int fw_cfg_set_file(struct fw_cfg *fw_cfg, const char *name, const void *data, size_t size)
{
	unsigned key = FW_CFG_FILE_FIRST;
	int error;

	assert(strlen(name) < FW_CFG_NAME_SIZE);
	while (key < FW_CFG_FILE_FIRST + fw_cfg->file_count && strcmp(fw_cfg->item[key].name, name) != 0)
		key++;
	if (key == FW_CFG_ITEMS)
		return -ENOSPC;
	error = fw_cfg_set(fw_cfg, key, data, size);
	if (error)
		return error;
	if (key == FW_CFG_FILE_FIRST + fw_cfg->file_count) {
		memcpy(fw_cfg->item[key].name, name, strlen(name) + 1);
		fw_cfg->file_count++;
	}
	return directory_build(fw_cfg);
}

static void item_state(struct fw_cfg_item *item, struct state *state)
{
	STATE_MEMBER(state, item, name);
	state_blob(state, "data", &item->data, &item->size, FW_CFG_ITEM_MAX);
	if (item->name[FW_CFG_NAME_SIZE - 1]) {
		state_refuse(state, "a name of a firmware file has no end");
		item->name[FW_CFG_NAME_SIZE - 1] = 0;
	}
}

void fw_cfg_state(void *opaque, struct state *state)
{
	struct fw_cfg *fw_cfg = opaque;
	uint32_t file_count = fw_cfg->file_count;

	STATE_MEMBER(state, fw_cfg, key);
	STATE_MEMBER(state, fw_cfg, offset);
	STATE_MEMBER(state, fw_cfg, dma_high);
	state_bytes(state, "file_count", &file_count, sizeof(file_count));
	if (file_count > FW_CFG_ITEMS - FW_CFG_FILE_FIRST) {
		state_refuse(state, "%u files are more than fw_cfg can have", file_count);
		return;
	}
	fw_cfg->file_count = file_count;
	for (unsigned key = 0; key < FW_CFG_ITEMS; key++)
		item_state(&fw_cfg->item[key], state);
}
