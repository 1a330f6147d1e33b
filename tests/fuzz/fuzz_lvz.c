/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Guests of the virtualization extension: two cores go in and out of guest mode with random registers of both
 * modes, TLB entries of all kinds, page tables for both walkers and random instructions, and every few
 * instructions what must hold is checked (translation.h).  The input is options (1 byte), a seed for all that
 * (8) and instruction words.
 */
#include <stdlib.h>

#include "isa/random.h"
#include "machine/cpu/exception.h"
#include "tests/fuzz/fixture.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/translation.h"

#define RUN_NS	     1600 /* virtual time of a run, shared by the cores: an instruction takes 1 ns */
#define JOLT_NS	     16	  /* between jolts, see jolt() */
#define CODE	     16	  /* instructions that are put where a core goes on */
#define MODELS	     3
#define RESETS	     4 /* of one run by the guest; then it ends */
#define PAGES	     (FIXTURE_RAM >> 12)
#define TABLES	     (PAGES - 8) /* from this page on lie page tables, as long as nothing overwrites them */
#define PTE_PRESENT  0x180	 /* P and W */
#define GSTAT_GID_AT 16

static const char *const models[MODELS] = { "la464", "la664", "max" };
static struct machine *machines[MODELS];

struct program {
	struct machine *machine;
	const uint8_t *words;
	size_t count;
	uint64_t state;
	unsigned resets;
	struct clock_timer jolt;
	uint64_t end; /* virtual time */
	struct regimes regimes[FIXTURE_CORES];
};

static uint64_t next(struct program *program)
{
	return isa_random_u64(&program->state);
}

static bool one_in(struct program *program, unsigned n)
{
	return next(program) % n == 0;
}

/* Of few pages, so that what is written meets what is used; some outside of RAM, a few devices. */
static uint64_t physical(struct program *program)
{
	const struct bus *bus = &program->machine->bus;
	uint64_t any = next(program);

	if (any % 32 == 0)
		return bus->region[(any >> 8) % bus->region_count].base;
	if (any % 32 == 1)
		return any & PA_MASK;
	return (any >> 8) % (PAGES + PAGES / 4) << 12;
}

/* The same pages, also by windows and from the upper half, near their ends where accesses cross them. */
static uint64_t virtual(struct program *program)
{
	static const uint64_t base[] = {
		0, 0, 0, UINT64_C(8) << 60, UINT64_C(9) << 60, CSR_ALL << 47, UINT64_C(1) << 46, UINT32_MAX
	};
	uint64_t any = next(program), address = (any >> 8) % PAGES << 12;

	if (any % 32 == 0)
		return next(program);
	address |= any >> 32 & 1 ? (any >> 33 & 0xfff) : any >> 32 & 2 ? 0xff0 + (any >> 33 & 15) : 0;
	return address + base[any >> 5 & 7];
}

static uint16_t any_asid(struct program *program)
{
	static const uint16_t asids[] = { 0, 1, 0x3ff };

	return asids[next(program) % 3];
}

static uint8_t any_gid(struct program *program)
{
	static const uint8_t gids[] = { 1, 1, 2, 255 };

	return one_in(program, 32) ? 0 : gids[next(program) % 4];
}

static uint64_t any_value(struct program *program)
{
	uint64_t any = next(program);

	switch (any % 6) {
	case 0:
		return physical(program) | (any >> 8 & 0x1ff);
	case 1:
		return UINT64_C(1) << (any >> 8 & 63);
	case 2:
		return any >> (any >> 8 & 63);
	case 3:
		return any;
	default:
		return virtual(program);
	}
}

/* A page-table entry or half of a TLB entry, mostly one that allows something. */
static uint64_t any_page(struct program *program)
{
	uint64_t any = next(program), pte = physical(program) | PTE_PRESENT | TLBELO_V | TLBELO_D;

	if (any % 4 == 0)
		pte ^= any >> 8 & 0x1ff;
	if (any >> 2 & 1)
		pte |= 3 << 2; /* for PLV3, too */
	if (any % 16 == 1)
		pte ^= any & (TLBELO_NR | TLBELO_NX | TLBELO_RPLV);
	return pte;
}

static void write_csr(struct cpu *cpu, enum cpu_mode mode, unsigned number, uint64_t value)
{
	if (mode == CPU_GUEST)
		csr_guest_write(cpu, number, value, UINT64_MAX);
	else
		csr_write(cpu, &cpu->root, number, value, UINT64_MAX);
}

/* What root does is done in root mode. */
static void exit_guest(struct cpu *cpu)
{
	if (cpu->guest_mode)
		cpu_raise_root(cpu, EXC_HVC);
}

/* One TLB entry of any of the three kinds, by the instructions that make them. */
static void make_entry(struct program *program, struct cpu *cpu)
{
	static const uint8_t sizes[] = { 12, 12, 14, 15, 16, 17, 20, 25 };
	struct tlb_view view;
	uint64_t any = next(program), place = any & 0xff ? 2048 + (any >> 8) % 16 : any >> 8 & 0xfff;

	exit_guest(cpu);
	write_csr(cpu, CPU_ROOT, CSR_GTLBC,
		  any >> 24 & 3 ? GTLBC_USETGID | (uint64_t)any_gid(program) << GSTAT_GID_AT : 0);
	view = any >> 26 & 1 ? tlb_view_guest(cpu) : tlb_view(cpu);
	csr_write(cpu, view.csr, CSR_ASID, any_asid(program), ASID_MASK);
	csr_write(cpu, view.csr, CSR_STLBPS, one_in(program, 8) ? 14 : 12, UINT64_MAX);
	csr_write(cpu, view.csr, CSR_TLBRERA, one_in(program, 8) ? 1 : 0, 1);
	csr_write(cpu, view.csr, CSR_TLBEHI, virtual(program) & (view.kind == TLB_S2 ? 0x3ffff : CSR_ALL),
		  UINT64_MAX);
	csr_write(cpu, view.csr, CSR_TLBELO0, any_page(program), UINT64_MAX);
	csr_write(cpu, view.csr, CSR_TLBELO1, any_page(program), UINT64_MAX);
	csr_write(cpu, view.csr, CSR_TLBIDX,
		  place | (uint64_t)sizes[any >> 32 & 7] << 24 | (any >> 36 & 31 ? 0 : TLBIDX_NE),
		  UINT64_MAX);
	if (any >> 27 & 1)
		tlb_insn_fill(cpu, view);
	else
		tlb_insn_write(cpu, view);
}

/* Stage 2 of the current guest maps RAM to itself, so that the guest gets somewhere. */
static void map_ram(struct program *program, struct cpu *cpu)
{
	exit_guest(cpu);
	write_csr(cpu, CPU_ROOT, CSR_GTLBC,
		  GTLBC_USETGID | (uint64_t)GSTAT_GID(cpu->root.gstat) << GSTAT_GID_AT);
	write_csr(cpu, CPU_ROOT, CSR_TLBRERA, 0);
	write_csr(cpu, CPU_ROOT, CSR_TLBEHI, 0);
	write_csr(cpu, CPU_ROOT, CSR_TLBELO0, TLBELO_V | TLBELO_D);
	write_csr(cpu, CPU_ROOT, CSR_TLBELO1, (FIXTURE_RAM / 2) | TLBELO_V | TLBELO_D);
	write_csr(cpu, CPU_ROOT, CSR_TLBIDX, 17 << 24 | (2048 + next(program) % 16));
	tlb_insn_write(cpu, tlb_view(cpu));
}

/* Entries go in one of the ways there are. */
static void drop_entries(struct program *program, struct cpu *cpu)
{
	uint64_t any = next(program), rj = (uint64_t)any_gid(program) << 16 | any_asid(program);

	if (any & 1)
		exit_guest(cpu);
	switch (any >> 1 & 7) {
	case 0:
		tlb_insn_clear(cpu, tlb_view(cpu));
		break;
	case 1:
		tlb_insn_flush(cpu, tlb_view(cpu));
		break;
	case 2:
		exit_guest(cpu);
		tlb_insn_flush(cpu, tlb_view_guest(cpu));
		break;
	case 3:
		exit_guest(cpu);
		tlb_insn_clear(cpu, tlb_view_guest(cpu));
		break;
	default:
		tlb_invalidate(cpu, any >> 8 & 0x1f, rj, virtual(program));
	}
}

static void any_csr(struct program *program, struct cpu *cpu)
{
	const struct csr_info *info = &csr_info[next(program) % CSR_SLOT_COUNT];
	enum cpu_mode mode = next(program) & 1;
	static const uint16_t lvz[] = { CSR_GTLBC, CSR_TRGP, CSR_GSTAT, CSR_GCFG, CSR_GINTC, CSR_GCNTC };

	exit_guest(cpu);
	if (one_in(program, 3))
		write_csr(cpu, CPU_ROOT, lvz[next(program) % 6], any_value(program));
	else
		write_csr(cpu, mode, info->number, any_value(program));
}

/* Page walks of @mode: one or two levels, 4 or 16 KiB pages, tables among those in RAM or anywhere. */
static void set_walk(struct program *program, struct cpu *cpu, enum cpu_mode mode)
{
	static const uint32_t shapes[] = {
		9 << 5 | 12,			    /* one table, 4 KiB pages */
		9 << 15 | 21 << 10 | 9 << 5 | 12,   /* two */
		4 << 15 | 14 << 10 | 2 << 5 | 12,   /* small ones, with huge pages of 16 KiB */
		11 << 15 | 25 << 10 | 11 << 5 | 14, /* two, 16 KiB pages */
		9 << 25 | 30u << 20 | 9 << 15 | 21 << 10 | 9 << 5 | 12,
	};
	uint64_t any = next(program);

	exit_guest(cpu);
	write_csr(cpu, mode, CSR_PWCL, any & 7 ? shapes[(any >> 8) % 5] : any >> 8);
	write_csr(cpu, mode, CSR_PWCH, any >> 3 & 7 ? PWCH_HPTW : any >> 32 & 0x1ffffff);
	write_csr(cpu, mode, CSR_PGDL, any >> 6 & 7 ? (TABLES + (any >> 16) % 8) << 12 : any_value(program));
	write_csr(cpu, mode, CSR_PGDH, (TABLES + (any >> 20) % 8) << 12);
}

/* A mode in which much is possible. */
static void set_mode(struct program *program, struct cpu *cpu, enum cpu_mode mode)
{
	uint64_t any = next(program);

	exit_guest(cpu);
	write_csr(cpu, mode, CSR_EENTRY, (any >> 8) % PAGES << 12);
	write_csr(cpu, mode, CSR_TLBRENTRY, (any >> 16) % PAGES << 12);
	write_csr(cpu, mode, CSR_DMW0, UINT64_C(9) << 60 | (any & 0x30) | 9);
	write_csr(cpu, mode, CSR_DMW0 + 2, UINT64_C(8) << 60 | (any & 0x30) | 9);
	write_csr(cpu, mode, CSR_EUEN, any >> 24 & 7 ? 7 : any >> 28 & 7);
	write_csr(cpu, mode, CSR_ASID, any_asid(program));
	write_csr(cpu, mode, CSR_ECFG, any >> 32 & 0x71fff);
	write_csr(cpu, mode, CSR_CRMD,
		  (any & 1 ? CRMD_DA : CRMD_PG) | (any >> 1 & 15 ? 0 : 3) | (any >> 5 & 3 ? 0 : CRMD_IE));
	write_csr(cpu, mode, CSR_TCFG, any >> 48 & 0x3f);
	if (mode == CPU_ROOT) {
		write_csr(cpu, mode, CSR_GINTC, any >> 60 ? 0 : any >> 8);
		write_csr(cpu, mode, CSR_GCFG, any >> 40);
	}
}

/* ERTN into guest mode, by one of its three ways. */
static void enter_guest(struct program *program, struct cpu *cpu)
{
	uint64_t any = next(program), target = virtual(program) & ~UINT64_C(3);

	exit_guest(cpu);
	write_csr(cpu, CPU_ROOT, CSR_TLBRERA, 0);
	write_csr(cpu, CPU_ROOT, CSR_GSTAT, GSTAT_PVM | (uint64_t)any_gid(program) << GSTAT_GID_AT);
	write_csr(cpu, CPU_ROOT, CSR_PRMD, CRMD_IE);
	write_csr(cpu, CPU_ROOT, CSR_ERA, target);
	if (any & 1)
		map_ram(program, cpu);
	if (any >> 1 & 1)
		set_mode(program, cpu, CPU_GUEST);
	if ((any >> 2 & 7) == 0) {
		write_csr(cpu, CPU_ROOT, CSR_TLBRERA, target | TLBRERA_ISTLBR);
		write_csr(cpu, CPU_ROOT, CSR_TLBRPRMD, TLBRPRMD_PGM | CRMD_IE);
	} else if ((any >> 2 & 7) == 1) {
		cpu->root.merrera = target;
		cpu->root.merrctl = MERRCTL_ISMERR | MERRCTL_PGM | (any & 0x1fcc);
	}
	cpu_return(cpu);
}

/* An instruction of the input, else a random one: memory and what is privileged more often. */
static uint32_t any_instruction(struct program *program)
{
	enum isa_op op;
	uint32_t word;

	if (program->count && one_in(program, 4)) {
		memcpy(&word, program->words + next(program) % program->count * 4, 4);
		if (isa_decode(word) != ISA_INVALID)
			return word;
	}
	do
		op = (enum isa_op)(next(program) % (ISA_OP_COUNT - 1) + 1);
	while (!(isa_info[op].flags & (ISA_LOAD | ISA_STORE | ISA_PRIVILEGED)) && !one_in(program, 6));
	return isa_random(op, &program->state);
}

/* Where the core goes on, if that is in RAM by any of the maps it may use. */
static void place_code(struct program *program, uint64_t pc)
{
	for (unsigned i = 0; i < CODE; i++) {
		uint32_t word = any_instruction(program);

		memcpy(program->machine->bus.ram + (pc + 4 * i) % FIXTURE_RAM, &word, 4);
	}
}

static void place_tables(struct program *program)
{
	uint64_t *pte = (uint64_t *)(void *)(program->machine->bus.ram + (TABLES << 12));

	for (unsigned i = 0; i < 8 * 512; i++)
		pte[i] = one_in(program, 4) ? (TABLES + next(program) % 8) << 12 : any_page(program);
}

static void jolt_core(struct program *program, struct cpu *cpu)
{
	uint64_t any = next(program);

	for (unsigned i = 0; i < 3; i++, any >>= 5) {
		if ((any & 31) < 8)
			make_entry(program, cpu);
		else if ((any & 31) < 12)
			drop_entries(program, cpu);
		else if ((any & 31) < 17)
			any_csr(program, cpu);
		else if ((any & 31) < 20)
			set_walk(program, cpu, any & 1);
		else if ((any & 31) < 22)
			set_mode(program, cpu, any & 1);
	}
	if (any & 1)
		enter_guest(program, cpu);
	for (unsigned i = 0; i < 4; i++)
		cpu_set_gpr(cpu, next(program) % 31 + 1,
			    one_in(program, 4) ? any_value(program) : virtual(program));
	if (any & 2)
		cpu->pc = virtual(program) & ~UINT64_C(3);
	place_code(program, cpu->pc);
	atomic_store(&cpu->halted, false);
}

/* Random code soon gets stuck: every few instructions the cores are checked and set on another way. */
static void jolt(void *opaque)
{
	struct program *program = opaque;
	struct machine *machine = program->machine;
	uint64_t now = clock_now(&machine->clock);

	for (unsigned id = 0; id < machine->group.count; id++) {
		struct cpu *cpu = machine->group.cpu[id];

		core_check(cpu);
		translation_check(cpu, &program->regimes[id]);
		jolt_core(program, cpu);
		if (one_in(program, 4))
			translation_check(cpu, &program->regimes[id]);
		if (one_in(program, 64))
			saved_check(cpu);
	}
	if (now >= program->end)
		machine_request(machine, MACHINE_REQUEST_EXIT, 0);
	else
		clock_timer_set(&machine->clock, &program->jolt, now + JOLT_NS);
}

static int start(struct machine *machine, void *opaque)
{
	struct program *program = opaque;

	if (program->resets++ == RESETS)
		machine_request(machine, MACHINE_REQUEST_EXIT, 0);
	fixture_map_pci(machine);
	for (uint64_t pc = 0; pc < FIXTURE_RAM / 16; pc += 4 * CODE)
		place_code(program, pc);
	place_tables(program);
	for (unsigned id = 0; id < machine->group.count; id++) {
		struct cpu *cpu = machine->group.cpu[id];

		for (unsigned reg = 1; reg < 32; reg++)
			cpu_set_gpr(cpu, reg, virtual(program));
		set_mode(program, cpu, CPU_ROOT);
		set_walk(program, cpu, CPU_ROOT);
		enter_guest(program, cpu);
		program->regimes[id].count = 0;
	}
	return 0;
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
	uint8_t options = (uint8_t)input_take(&input, 1);
	struct program program = { .state = input_take(&input, 8), .end = RUN_NS };
	struct machine *machine = machines[options % MODELS];

	program.machine = machine;
	program.words = input.data;
	program.count = input.size / 4;
	fixture_reset(machine);
	fixture_trace(machine, options >> 7);
	machine->reset_hook = start;
	machine->reset_opaque = &program;
	clock_timer_init(&program.jolt, jolt, &program);
	clock_timer_set(&machine->clock, &program.jolt, JOLT_NS);
	machine_run(machine);
	clock_timer_cancel(&machine->clock, &program.jolt);
	machine->reset_hook = NULL;
	return 0;
}
