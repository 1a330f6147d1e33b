/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Random instruction streams on two privileged cores whose CSRs, TLBs and registers hold random or hostile
 * values, with code, page tables and exception entries all in the same little RAM and the devices within
 * reach.  The input is a seed for the state (8 bytes), options (1) and the instruction words.
 */
#include <stdlib.h>

#include "isa/random.h"
#include "tests/fuzz/fixture.h"
#include "tests/fuzz/input.h"

#define RUN_NS	2000 /* virtual time of a run, shared by the cores: an instruction takes 1 ns */
#define JOLT_NS 40   /* between jolts, see jolt() */
#define MODELS	3
#define RESETS	4 /* of one run by the guest; then it ends */

static const char *const models[MODELS] = { "la464", "la664", "max" };
static struct machine *machines[MODELS];

/* What the machine is filled with at each of its resets. */
struct program {
	struct machine *machine;
	const uint8_t *words;
	size_t count;
	uint64_t state;
	unsigned resets;
	struct clock_timer jolt;
	uint64_t end; /* virtual time */
};

/* Any device, or the few bytes behind it. */
static uint64_t random_mmio(const struct machine *machine, uint64_t *state)
{
	const struct bus *bus = &machine->bus;
	const struct mmio_region *region = &bus->region[isa_random_u64(state) % bus->region_count];

	return region->base + isa_random_u64(state) % (region->size < 4096 ? region->size + 8 : 4096);
}

/* Numbers that matter to a processor: addresses of all kinds, patterns, single bits, edges. */
static uint64_t random_value(const struct machine *machine, uint64_t *state)
{
	uint64_t choice = isa_random_u64(state), any = isa_random_u64(state);
	uint64_t ram = any % FIXTURE_RAM & -(UINT64_C(1) << (choice >> 8 & 15));

	switch (choice % 12) {
	case 0 ... 2:
		return ram;
	case 3:
		return ram | (any & UINT64_C(0xf) << 60);
	case 4:
		return random_mmio(machine, state);
	case 5:
		return random_mmio(machine, state) | (any & UINT64_C(0xf) << 60);
	case 6:
		return UINT64_C(1) << (any & 63);
	case 7:
		return (UINT64_C(1) << (any & 63)) - 1;
	case 8:
		return -(any & 0xff);
	case 9:
		return any >> (choice >> 8 & 63);
	case 10:
		return FIXTURE_RAM - (any & 0x1f);
	default:
		return any;
	}
}

static void write_csr(struct cpu *cpu, unsigned number, uint64_t value)
{
	csr_write(cpu, &cpu->root, number, value, UINT64_MAX);
}

/* Entries of all sizes for addresses that the code is likely to use, some of them far outside of RAM. */
static void random_tlb(const struct machine *machine, struct cpu *cpu, uint64_t *state)
{
	for (uint64_t n = isa_random_u64(state) % 16; n; n--) {
		uint64_t bits = isa_random_u64(state);

		write_csr(cpu, CSR_TLBEHI, bits & 1 ? bits & 0xfffff000 : random_value(machine, state));
		write_csr(cpu, CSR_TLBELO0,
			  (random_value(machine, state) & ~UINT64_C(0x7f)) | (bits >> 8 & 0x7f));
		write_csr(cpu, CSR_TLBELO1,
			  (random_value(machine, state) & ~UINT64_C(0x7f)) | (bits >> 16 & 0x7f));
		write_csr(cpu, CSR_TLBIDX, (bits >> 24 & 0xfff) | (bits >> 40 & 0x3f) << 24);
		if (bits >> 63)
			tlb_insn_fill(cpu, tlb_view(cpu));
		else
			tlb_insn_write(cpu, tlb_view(cpu));
	}
}

static void random_csrs(const struct machine *machine, struct cpu *cpu, uint64_t *state)
{
	for (uint64_t n = isa_random_u64(state) % 32; n; n--)
		write_csr(cpu, csr_info[isa_random_u64(state) % CSR_SLOT_COUNT].number,
			  random_value(machine, state));
	/* Mostly, exceptions find code; and windows or pages lead to it. */
	if (isa_random_u64(state) & 7) {
		write_csr(cpu, CSR_EENTRY, isa_random_u64(state) % FIXTURE_RAM);
		write_csr(cpu, CSR_TLBRENTRY, isa_random_u64(state) % FIXTURE_RAM);
	}
	if (isa_random_u64(state) & 1) {
		write_csr(cpu, CSR_DMW0, 0x9 | isa_random_u64(state) << 60 | (isa_random_u64(state) & 0x30));
		write_csr(cpu, CSR_PGDL, isa_random_u64(state) % FIXTURE_RAM);
		write_csr(cpu, CSR_PWCL,
			  isa_random_u64(state) & 1
				  ? 0x5 << 25 | 0x17 << 20 | 0x5 << 15 | 0x12 << 10 | 0x5 << 5 | 0xd
				  : isa_random_u64(state));
		write_csr(cpu, CSR_PWCH, isa_random_u64(state) & 0x1000fff);
		write_csr(cpu, CSR_EUEN, 7);
		write_csr(cpu, CSR_CRMD, 0xb0 | (isa_random_u64(state) & 0x207));
	}
}

static void random_core(const struct machine *machine, struct cpu *cpu, uint64_t *state)
{
	random_tlb(machine, cpu, state);
	random_csrs(machine, cpu, state);
	for (unsigned reg = 1; reg < 32; reg++)
		cpu_set_gpr(cpu, reg, random_value(machine, state));
	for (unsigned reg = 0; reg < 32; reg++)
		for (unsigned part = 0; part < 4; part++)
			cpu->vr[reg].ud[part] = random_value(machine, state);
	cpu->fcsr = (uint32_t)isa_random_u64(state) & 0x1f1f031f;
	cpu->pc = isa_random_u64(state) & 7 ? isa_random_u64(state) % FIXTURE_RAM & ~UINT64_C(3)
					    : random_value(machine, state);
}

/* The input's word where it is an instruction, else a random word of some row that it chooses. */
static uint32_t program_word(const struct program *program, size_t index)
{
	uint64_t state;
	uint32_t word;

	memcpy(&word, program->words + index * 4, 4);
	state = word;
	if (isa_decode(word) != ISA_INVALID || word >> 28 == 0xf)
		return word;
	return isa_random((enum isa_op)(word % (ISA_OP_COUNT - 1) + 1), &state);
}

/* All of RAM is the program, over and over, but for a few numbers that may be taken for page tables. */
static void fill_ram(struct program *program)
{
	uint8_t *ram = program->machine->bus.ram;
	size_t size = program->count * 4;

	for (size_t i = 0; i < program->count; i++) {
		uint32_t word = program_word(program, i);

		memcpy(ram + i * 4, &word, 4);
	}
	for (; size < FIXTURE_RAM; size *= 2)
		memcpy(ram + size, ram, size < FIXTURE_RAM - size ? size : FIXTURE_RAM - size);
	for (unsigned i = 0; i < 128; i++) {
		uint64_t value = random_value(program->machine, &program->state) | (program->state & 0x1ff);

		memcpy(ram + isa_random_u64(&program->state) % (FIXTURE_RAM / 8) * 8, &value, 8);
	}
}

static int start(struct machine *machine, void *opaque)
{
	struct program *program = opaque;

	if (program->resets++ == RESETS)
		machine_request(machine, MACHINE_REQUEST_EXIT, 0);
	fixture_map_pci(machine);
	fill_ram(program);
	for (unsigned id = 0; id < machine->group.count; id++)
		random_core(machine, machine->group.cpu[id], &program->state);
	return 0;
}

/* Random instructions of all rows, the privileged ones more often, at @pa. */
static void place_code(struct program *program, uint64_t pa)
{
	uint64_t *state = &program->state;

	for (unsigned i = 0; i < JOLT_NS / 2 && pa < FIXTURE_RAM; i++, pa += 4) {
		enum isa_op op = isa_random_u64(state) % (ISA_OP_COUNT - 1) + 1;
		uint32_t word;

		while (isa_random_u64(state) % 3 == 0 && isa_info[op].extension != ISA_EXT_PRIV)
			op = isa_random_u64(state) % (ISA_OP_COUNT - 1) + 1;
		word = isa_random(op, state);
		memcpy(program->machine->bus.ram + pa, &word, 4);
	}
}

/* Random code soon ends in exceptions without end: each core is set on another place, often in a good state.
 */
static void jolt(void *opaque)
{
	struct program *program = opaque;
	struct machine *machine = program->machine;
	uint64_t now = clock_now(&machine->clock);

	if (now >= program->end) {
		machine_request(machine, MACHINE_REQUEST_EXIT, 0);
		return;
	}
	for (unsigned id = 0; id < machine->group.count; id++) {
		struct cpu *cpu = machine->group.cpu[id];
		uint64_t choice = isa_random_u64(&program->state);

		if (choice % 16 == 0)
			random_core(machine, cpu, &program->state);
		if (choice >> 8 & 1) {
			write_csr(cpu, CSR_CRMD, CRMD_DA);
			write_csr(cpu, CSR_EUEN, 7);
		}
		cpu_set_gpr(cpu, (choice >> 16) % 31 + 1, random_value(machine, &program->state));
		cpu->pc = (choice >> 32) % FIXTURE_RAM & ~UINT64_C(3);
		if (choice >> 9 & 1)
			place_code(program, cpu->pc);
		atomic_store(&cpu->halted, false);
	}
	clock_timer_set(&machine->clock, &program->jolt, now + JOLT_NS);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (unsigned i = 0; i < MODELS; i++)
		machines[i] = fixture_create(models[i]);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct program program = { .state = input_take(&input, 8) };
	uint8_t options = (uint8_t)input_take(&input, 1);
	struct machine *machine = machines[options % MODELS];

	program.machine = machine;
	program.words = input.data;
	program.count = input.size / 4 < FIXTURE_RAM / 4 ? input.size / 4 : FIXTURE_RAM / 4;
	if (!program.count)
		return 0;
	fixture_reset(machine);
	fixture_trace(machine, options >> 7);
	machine->reset_hook = start;
	machine->reset_opaque = &program;
	program.end = RUN_NS;
	clock_timer_init(&program.jolt, jolt, &program);
	clock_timer_set(&machine->clock, &program.jolt, JOLT_NS);
	machine_run(machine);
	clock_timer_cancel(&machine->clock, &program.jolt);
	machine->reset_hook = NULL;
	return 0;
}
