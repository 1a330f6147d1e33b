/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Snapshot files that somebody made up.  The first byte of an input says what the rest is: a file; the
 * content of a file, which is compressed; or changes to a snapshot of a machine with something in all its
 * parts.  What is taken must be a machine that runs and can be saved.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "machine/board/state.h"
#include "machine/control/snapshot.h"
#include "machine/control/snapshot_format.h"
#include "machine/cpu/exception.h"
#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"
#include "tests/fuzz/fixture.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONTENT_MAX (1u << 20)
#define RUN	    200 /* instructions of each core */

static struct machine *machine;
static uint8_t content[CONTENT_MAX], packed[CONTENT_MAX + 4096];
static uint8_t *base, *base_parts;
static size_t base_size, base_parts_size;
static int file;
static char path[32];

static void give_up(const char *what)
{
	fprintf(stderr, "the fuzzer of snapshots: %s\n", what);
	abort();
}

/* One core runs a guest, with a timer, an injected interrupt, entries of both stages and a reservation. */
static void fill_guest(struct cpu *cpu)
{
	csr_write(cpu, &cpu->root, CSR_GTLBC, GTLBC_USETGID | 1u << 16, UINT64_MAX);
	csr_write(cpu, &cpu->root, CSR_TLBIDX, 12u << 24 | 2050, UINT64_MAX);
	tlb_insn_write(cpu, tlb_view(cpu));
	csr_guest_write(cpu, CSR_TLBELO0, 0x1003, UINT64_MAX);
	tlb_insn_fill(cpu, tlb_view_guest(cpu));
	csr_guest_write(cpu, CSR_TCFG, 0x20003, UINT64_MAX);
	csr_guest_write(cpu, CSR_CPUID, 7, UINT64_MAX);
	csr_write(cpu, &cpu->root, CSR_GINTC, 4, UINT64_MAX);
	csr_write(cpu, &cpu->root, CSR_GSTAT, GSTAT_PVM | 1u << 16, UINT64_MAX);
	cpu_return(cpu);
	reserve_load(cpu, machine->bus.ram + 0x1000, 8);
}

/* Timers, characters, interrupts, TLB entries, reservations: no part is as after reset. */
static void fill_machine(void)
{
	uint64_t random = 88172645463325252;

	fixture_map_pci(machine);
	for (unsigned i = 0; i < 3000; i++) {
		struct device *dev = machine->device[random % machine->device_count];

		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		pthread_mutex_lock(dev->lock);
		device_write(dev, (random >> 8) % dev->banks, (random >> 16) % dev->type->size,
			     1u << (random >> 40) % 4, random >> 20, UINT64_MAX);
		pthread_mutex_unlock(dev->lock);
	}
	for (unsigned id = 0; id < FIXTURE_CORES; id++) {
		struct cpu *cpu = machine->group.cpu[id];

		csr_write(cpu, &cpu->root, CSR_TCFG, 0x10003, UINT64_MAX);
		csr_write(cpu, &cpu->root, CSR_TLBEHI, 0x4000 << id, UINT64_MAX);
		csr_write(cpu, &cpu->root, CSR_TLBIDX, 12u << 24 | (2048 + id), UINT64_MAX);
		csr_write(cpu, &cpu->root, CSR_TLBELO0, 0x43, UINT64_MAX);
		tlb_insn_write(cpu, tlb_view(cpu));
		csr_write(cpu, &cpu->root, CSR_TLBIDX, 12u << 24, UINT64_MAX);
		tlb_insn_fill(cpu, tlb_view(cpu));
		reserve_load(cpu, machine->bus.ram + 64 * id, 8);
	}
	fill_guest(machine->group.cpu[FIXTURE_CORES - 1]);
	memset(machine->bus.ram + 0x3000, 0x5a, 100);
	machine->result = (struct machine_result){ 0 }; /* the exit device was written, too */
	machine->reset_wanted = false;
}

static void keep(struct state *state, uint8_t **data, size_t *size)
{
	const void *from = state_data(state, size);

	if (!state_good(state))
		give_up(state_reason(state));
	*data = malloc(*size);
	memcpy(*data, from, *size);
	state_free(state);
}

static void append(const void *data, size_t size)
{
	base = realloc(base, base_size + size);
	memcpy(base + base_size, data, size);
	base_size += size;
}

static void make_base(void)
{
	struct state *state = state_writer(&machine->clock);
	uint64_t run[2] = { 0, 4 };
	uint8_t *description;
	size_t size;

	snapshot_describe(machine, state);
	keep(state, &description, &size);
	state = state_writer(&machine->clock);
	machine_state(machine, state);
	keep(state, &base_parts, &base_parts_size);
	append(&size, sizeof(size));
	append(description, size);
	append(&base_parts_size, sizeof(base_parts_size));
	append(base_parts, base_parts_size);
	append(run, sizeof(run));
	append(machine->bus.ram, 4 * BUS_PAGE_SIZE);
	run[0] = SNAPSHOT_RAM_END, run[1] = 0;
	append(run, sizeof(run));
	free(description);
	if (base_size > CONTENT_MAX)
		give_up("its own snapshot is too long");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	machine = fixture_create("max");
	file = memfd_create("snapshot", 0);
	if (file < 0)
		give_up("no file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fixture_reset(machine);
	fill_machine();
	make_base();
	return 0;
}

/* The machine does what it has in it, and can be saved again. */
static void use_machine(void)
{
	struct state *state;
	uint64_t value;

	for (unsigned id = 0; id < FIXTURE_CORES; id++)
		interp_run(machine->group.cpu[id], RUN);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t deadline = clock_run_timers(&machine->clock);

		if (deadline != UINT64_MAX && deadline > machine->clock.virtual_now)
			machine->clock.virtual_now = deadline;
	}
	for (unsigned i = 0; i < machine->bus.region_count; i++)
		for (uint64_t offset = 0; offset < 0x100; offset += 4)
			bus_mmio_read(&machine->bus, machine->bus.region[i].base + offset, 4, &value);
	for (unsigned i = 0; i < machine->drain_count; i++)
		machine->drain_entry[i].fn(machine->drain_entry[i].opaque);
	machine->result = (struct machine_result){ 0 };
	state = state_writer(&machine->clock);
	machine_state(machine, state);
	if (!state_good(state))
		give_up("what was loaded cannot be saved");
	state_free(state);
}

/* Whatever a refused snapshot has left behind, the next input finds it gone. */
static void start_over(void)
{
	machine_cont(machine);
	machine->restored = machine->reset_wanted = false;
	fixture_reset(machine);
	fixture_map_pci(machine);
}

static void load_file(const void *data, size_t size)
{
	char error[256];

	if (ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size)
		give_up("no room for the file");
	if (!snapshot_load(machine, path, error, sizeof(error)))
		use_machine();
}

static void load_content(const uint8_t *data, size_t size)
{
	static ZSTD_CCtx *zstd;
	const struct snapshot_header header = { SNAPSHOT_MAGIC, SNAPSHOT_VERSION };
	size_t length;

	if (!zstd) {
		zstd = ZSTD_createCCtx();
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, -5);
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	}
	memcpy(packed, &header, sizeof(header));
	length = ZSTD_compress2(zstd, packed + sizeof(header), sizeof(packed) - sizeof(header), data, size);
	if (ZSTD_isError(length))
		give_up("content that cannot be compressed");
	load_file(packed, sizeof(header) + length);
}

static void load_parts(const uint8_t *data, size_t size)
{
	struct state *state = state_reader(data, size, &machine->clock);

	machine_state(machine, state);
	if (state_good(state))
		use_machine();
	state_free(state);
}

/* @from with the input's changes: a number put at an offset, or the end put there.  Its new size. */
static size_t change(struct input *input, const uint8_t *from, size_t size)
{
	memcpy(content, from, size);
	while (input->size) {
		unsigned kind = (unsigned)input_take(input, 1);
		size_t offset = input_take(input, 3) % (size + 1), bytes = 1u << (kind & 3);
		uint64_t value = input_take(input, bytes);

		if ((kind & 0xfc) == 0xfc)
			size = offset;
		else if (bytes <= size - offset)
			memcpy(content + offset, &value, bytes);
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned kind = input_take(&input, 1) % 4;

	start_over();
	if (kind == 0)
		load_file(input.data, input.size);
	else if (kind == 1)
		load_content(input.data, input.size < CONTENT_MAX ? input.size : CONTENT_MAX);
	else if (kind == 2)
		load_content(content, change(&input, base, base_size));
	else
		load_parts(content, change(&input, base_parts, base_parts_size));
	return 0;
}
