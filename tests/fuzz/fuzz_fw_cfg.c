/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * fw_cfg under any accesses to its registers and any DMA commands in RAM, with items coming and going,
 * saving and loading (also of damaged snapshots).
 */
#include <endian.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/bus/trace.h"
#include "machine/firmware/fw_cfg.h"
#include "tests/fuzz/input.h"

#define BASE 0x1e020000u
#define RAM  (4 * BUS_PAGE_SIZE)

static struct bus bus;
static uint64_t last;

static void emit(struct trace *trace, const struct trace_record *record)
{
	last ^= record->arg[1];
}

static struct trace trace = { .emit = emit };

static void access_register(struct input *input, uint8_t head)
{
	unsigned size = 1u << (head >> 1 & 3);
	uint64_t offset = input_take(input, 1) % (FW_CFG_SIZE + 4), value;

	if (head & 1) {
		bus_mmio_read(&bus, BASE + offset, size, &value);
		last ^= value;
	} else {
		bus_mmio_write(&bus, BASE + offset, size, input_take(input, size));
	}
}

/* A command as a driver gives it, more or less. */
static void dma(struct input *input)
{
	static const uint64_t far[] = { 0, RAM - 16, RAM - 4, RAM, BASE, UINT64_MAX - 15 };
	uint8_t choice = (uint8_t)input_take(input, 1);
	uint64_t at = far[choice % 6] + (choice >> 6) * 256, to = far[(choice >> 3) % 6];
	uint32_t words[2] = { htobe32((uint32_t)input_take(input, 4)),
			      htobe32((uint32_t)input_take(input, 4)) };
	uint8_t *host = bus_ram(&bus, at, 16);

	to = htobe64(to + input_take(input, 2));
	if (host) {
		memcpy(host, words, 8);
		memcpy(host + 8, &to, 8);
	}
	bus_mmio_write(&bus, BASE + 16, 8, htobe64(at));
}

static void set_item(struct fw_cfg *fw_cfg, struct input *input)
{
	uint8_t key = (uint8_t)input_take(input, 1), data[64], size = (uint8_t)input_take(input, 1) % 65;
	char name[8];

	memset(data, key, sizeof(data));
	snprintf(name, sizeof(name), "f%u", key % 40u);
	if (key & 0x80)
		fw_cfg_set_file(fw_cfg, name, data, size);
	else
		fw_cfg_set(fw_cfg, key % FW_CFG_ITEMS, data, size);
}

static void save_and_load(struct fw_cfg *fw_cfg, struct input *input, bool damage)
{
	struct state *saved = state_writer(NULL), *restored;
	uint8_t *data;
	size_t size;

	state_section(saved, "fw_cfg", 1, fw_cfg_state, fw_cfg);
	data = (uint8_t *)state_data(saved, &size);
	if (damage)
		data[input_take(input, 2) % size] ^= (uint8_t)input_take(input, 1);
	restored = state_reader(data, size, NULL);
	state_section(restored, "fw_cfg", 1, fw_cfg_state, fw_cfg);
	if (!damage && !state_good(restored)) {
		fprintf(stderr, "fw_cfg does not take back what it saved\n");
		abort();
	}
	state_free(saved);
	state_free(restored);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct fw_cfg fw_cfg;
	unsigned saves = 0;

	if (bus_init(&bus, RAM, &trace))
		abort();
	/* What lies behind the guest's RAM is not to be reached. */
	ASAN_POISON_MEMORY_REGION(bus.ram + RAM, BUS_PAGE_SIZE);
	fw_cfg_init(&fw_cfg, &bus);
	if (fw_cfg_map(&fw_cfg, BASE))
		abort();
	atomic_store(&trace.enabled, input_take(&input, 1) & 1 ? UINT32_MAX : 0);
	while (input.size) {
		uint8_t head = (uint8_t)input_take(&input, 1);

		if (head < 0x60)
			access_register(&input, head);
		else if (head < 0xc0)
			dma(&input);
		else if (head < 0xf0)
			set_item(&fw_cfg, &input);
		else if (head == 0xf0)
			fw_cfg_reset(&fw_cfg);
		else if (head < 0xf3 && saves++ < 4)
			save_and_load(&fw_cfg, &input, head == 0xf2);
	}
	ASAN_UNPOISON_MEMORY_REGION(bus.ram + RAM, BUS_PAGE_SIZE);
	fw_cfg_destroy(&fw_cfg);
	bus_destroy(&bus);
	return 0;
}
