/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A bank of flash under any sequence of reads and writes, saving and loading (also of damaged snapshots).
 * Blocks that are locked, and a read-only bank, stay as they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "machine/bus/trace.h"
#include "machine/firmware/flash.h"
#include "tests/fuzz/input.h"

#define BASE  0x1d000000u
#define BLOCK FLASH_BLOCK_SIZE

/* Accesses go to the begin and end of these blocks, so that little has to be put back. */
static const uint32_t block[] = { 0, 1, FLASH_BLOCKS - 1 };
#define SPAN 8192u

static struct bus bus;
static struct flash flash;
static uint64_t last;

static void emit(struct trace *trace, const struct trace_record *record)
{
	last ^= record->arg[1];
}

static struct trace trace = { .emit = emit };

static void refuse(const char *why)
{
	fprintf(stderr, "flash: %s\n", why);
	abort();
}

/* Near the begin of a block, or near its end and over it. */
static uint32_t place(uint32_t choice, unsigned size)
{
	uint32_t offset = block[choice % 3] * BLOCK + choice / 8 % SPAN;

	if (choice & 4)
		offset += BLOCK - SPAN / 2;
	return offset > FLASH_SIZE - size ? FLASH_SIZE - size : offset;
}

static void access_flash(struct input *input, uint8_t head)
{
	static const uint8_t common[] = { 0xff, 0x70, 0x50, 0x40, 0x10, 0x20, 0xd0, 0xe8,
					  0x60, 0x01, 0x2f, 0x90, 0x98, 0xb0, 0x00, 0xf0 };
	unsigned size = 1u << (head >> 2 & 3);
	uint32_t offset = place((uint32_t)input_take(input, 3), size);
	uint64_t value;

	if (head & 1) {
		if (!bus_mmio_read(&bus, BASE + offset, size, &value))
			refuse("a read inside it was not decoded");
		last ^= value;
		return;
	}
	value = head & 2 ? common[input_take(input, 1) & 15] * UINT64_C(0x0001000100010001)
			 : input_take(input, size);
	if (!bus_mmio_write(&bus, BASE + offset, size, value))
		refuse("a write inside it was not decoded");
}

/* Saves, damages a byte of what is saved if @damage, loads. */
static void save_and_load(struct input *input, bool damage)
{
	struct state *saved = state_writer(NULL), *restored;
	uint8_t *data;
	size_t size;

	state_section(saved, "flash", 1, flash_state, &flash);
	data = (uint8_t *)state_data(saved, &size);
	if (damage)
		data[input_take(input, 2) % (size < 8192 ? size : 8192)] ^= (uint8_t)input_take(input, 1);
	restored = state_reader(data, size, NULL);
	state_section(restored, "flash", 1, flash_state, &flash);
	if (!damage && !state_good(restored))
		refuse("it does not take back what it saved");
	state_free(saved);
	state_free(restored);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (bus_init(&bus, BUS_PAGE_SIZE, &trace) || flash_init(&flash, "flash", NULL, &trace) ||
	    flash_map(&flash, &bus, BASE))
		return -1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t mode = (uint8_t)input_take(&input, 1);
	unsigned saves = 0;

	atomic_store(&trace.enabled, mode & 1 ? UINT32_MAX : 0);
	flash.read_only = mode & 2;
	flash_reset(&flash);
	for (unsigned i = 0; i < 3; i++)
		memset(flash.content + block[i] * BLOCK, 0xff, BLOCK);
	while (input.size) {
		uint8_t head = (uint8_t)input_take(&input, 1);

		if (head < 0xf0)
			access_flash(&input, head);
		else if (head == 0xf0)
			flash_reset(&flash);
		else if (head < 0xf3 && mode >= 0xf0 && !saves++) /* 16 MiB: seldom */
			save_and_load(&input, head == 0xf2);
	}
	if (flash.read_only)
		for (unsigned i = 0; i < 3; i++)
			for (uint32_t j = 0; j < BLOCK; j += 512)
				if (flash.content[block[i] * BLOCK + j] != 0xff && !saves)
					refuse("a read-only bank was written");
	return 0;
}
