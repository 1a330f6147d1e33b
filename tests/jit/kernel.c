/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The kernel under random programs: its handlers mend what is missing and go on, skip what cannot be, and
 * make of each system call a change of privilege, enables, page tables or ASID.
 */
#include "tests/jit/program.h"

#include "isa/random.h"
#include "machine/cpu/csr.h"

enum { K0 = 12, K1 = 13, K2 = 14, ZERO = 0 };

#define PTE_PRESENT 0x19f /* V, D, PLV3, cached, and the walker's P and W */
#define WATCH_SALT  0x33  /* the sequences of watchpoints and */
#define DATA_SALT   0x55  /* the sequence of data begins elsewhere than the program's */
#define PTE_RIGHTS  UINT64_C(0xe000000000000000)

/* Where the kernel sees physical memory, and devices. */
static uint64_t cached(const struct program *p, uint64_t pa)
{
	return p->space == SPACE_DIRECT ? pa : UINT64_C(9) << 60 | pa;
}

static uint64_t uncached(const struct program *p, uint64_t pa)
{
	return p->space == SPACE_DIRECT ? pa : UINT64_C(8) << 60 | pa;
}

static void leave(struct code_buffer *k)
{
	PUT(k, csrrd, K0, CSR_SAVE0);
	PUT(k, csrrd, K1, CSR_SAVE1);
	PUT(k, csrrd, K2, CSR_SAVE2);
	PUT(k, ertn);
}

/* ERA + 4 */
static void skip(struct code_buffer *k, unsigned scratch)
{
	PUT(k, csrrd, scratch, CSR_ERA);
	PUT(k, addi_d, scratch, scratch, 4);
	PUT(k, csrwr, scratch, CSR_ERA);
}

/* Makes the branch at @site lead here. */
static void here(struct code_buffer *k, unsigned site)
{
	code_link(k, site, k->count);
}

static void interrupt(const struct program *p, struct code_buffer *k)
{
	PUT(k, addi_d, K0, ZERO, 1);
	PUT(k, csrwr, K0, CSR_TICLR);
	PUT(k, csrwr, ZERO, CSR_ESTAT);
	PUT(k, addi_d, K0, ZERO, 1);
	PUT(k, slli_d, K0, K0, 12);
	PUT(k, ori, K0, K0, RIG_IPI_CLEAR & 0xfff);
	PUT(k, iocsrwr_w, ZERO, K0);
	code_constant(k, K0, uncached(p, RIG_DEVICE + RIG_DEVICE_LINE));
	PUT(k, csrrd, K1, CSR_CPUID);
	PUT(k, slli_d, K1, K1, 4);
	for (unsigned line = 0; line < 4; line++) {
		PUT(k, st_d, K1, K0, 0);
		PUT(k, addi_d, K1, K1, 2);
	}
	leave(k);
}

/* K0: address of the page-table entry of the page whose number is in K0. */
static void entry_address(const struct program *p, struct code_buffer *k)
{
	PUT(k, slli_d, K0, K0, 3);
	code_constant(k, K1, cached(p, KERNEL_TABLE));
	PUT(k, add_d, K0, K0, K1);
}

static void mend_page(const struct program *p, struct code_buffer *k)
{
	PUT(k, csrrd, K0, CSR_BADV);
	PUT(k, bstrpick_d, K0, K0, p->page_bits + 7, p->page_bits);
	entry_address(p, k);
	PUT(k, ld_d, K1, K0, 0);
	PUT(k, ori, K1, K1, PTE_PRESENT);
	PUT(k, bstrins_d, K1, ZERO, 63, 61);
	PUT(k, st_d, K1, K0, 0);
	PUT(k, csrrd, K0, CSR_BADV);
	PUT(k, csrrd, K1, CSR_ASID);
	PUT(k, invtlb, 6, K1, K0);
	leave(k);
}

/* Takes V or D away from the page that the number of calls in K0 makes. */
static void spoil_page(const struct program *p, struct code_buffer *k)
{
	PUT(k, srli_d, K2, K0, 3);
	PUT(k, alsl_d, K0, K2, K2, 3);
	PUT(k, bstrpick_d, K0, K0, 7, 0);
	PUT(k, andi, K2, K2, 1);
	PUT(k, addi_d, K2, K2, 1);
	entry_address(p, k);
	PUT(k, ld_d, K1, K0, 0);
	PUT(k, andn, K1, K1, K2);
	PUT(k, st_d, K1, K0, 0);
	PUT(k, invtlb, 0, ZERO, ZERO);
}

/* Exchanges a page of code, by the number of calls in K0, with its twin. */
static void exchange_page(const struct program *p, struct code_buffer *k)
{
	PUT(k, bstrpick_d, K0, K0, p->page_bits == 12 ? 5 : 3, 3);
	entry_address(p, k);
	PUT(k, ld_d, K1, K0, 0);
	PUT(k, ldptr_d, K2, K0, 8 * KERNEL_PAGES);
	PUT(k, xor, K1, K1, K2);
	PUT(k, st_d, K1, K0, 0);
	PUT(k, invtlb, 0, ZERO, ZERO);
}

/* What a system call does is the next of these, by the number of calls so far. */
enum { CALL_PRIVILEGE, CALL_ENABLE, CALL_PAGE, CALL_ASID, CALL_UNITS, CALL_TWIN, CALLS };

static void one_call(const struct program *p, struct code_buffer *k, unsigned call)
{
	switch (call) {
	case CALL_PRIVILEGE:
	case CALL_ENABLE:
		PUT(k, csrrd, K2, CSR_PRMD);
		PUT(k, xori, K2, K2, call == CALL_ENABLE ? 4 : 3);
		PUT(k, csrwr, K2, CSR_PRMD);
		break;
	case CALL_PAGE:
		if (p->space == SPACE_MAPPED)
			spoil_page(p, k);
		break;
	case CALL_TWIN:
		if (p->space == SPACE_MAPPED)
			exchange_page(p, k);
		break;
	case CALL_ASID:
		PUT(k, andi, K1, K0, 0x18);
		PUT(k, csrwr, K1, CSR_ASID);
		break;
	default:
		PUT(k, bstrpick_d, K1, K0, 5, 3);
		PUT(k, csrwr, K1, CSR_EUEN);
	}
	leave(k);
}

static void system_call(const struct program *p, struct code_buffer *k)
{
	skip(k, K1);
	PUT(k, csrrd, K0, CSR_SAVE0 + 4);
	PUT(k, addi_d, K1, K0, 1);
	PUT(k, csrwr, K1, CSR_SAVE0 + 4);
	PUT(k, andi, K1, K0, 7);
	for (unsigned call = 0; call < CALLS; call++) {
		unsigned site;

		PUT(k, addi_d, K2, K1, -(int64_t)call);
		site = k->count;
		PUT(k, bnez, K2, 0);
		one_call(p, k, call);
		here(k, site);
	}
	leave(k);
}

/* ADEF goes back to the caller; ADEM skips its instruction. */
static void bad_address(struct code_buffer *k)
{
	unsigned site;

	PUT(k, bstrpick_d, K1, K0, 22, 22);
	site = k->count;
	PUT(k, beqz, K1, 0);
	skip(k, K0);
	leave(k);
	here(k, site);
	PUT(k, or, K0, LINK, ZERO);
	PUT(k, bstrins_d, K0, ZERO, 1, 0);
	PUT(k, csrwr, K0, CSR_ERA);
	leave(k);
}

static void general(const struct program *p, struct code_buffer *k)
{
	unsigned to_interrupt, to_page, to_address, to_call, to_unit;

	PUT(k, csrwr, K0, CSR_SAVE0);
	PUT(k, csrwr, K1, CSR_SAVE1);
	PUT(k, csrwr, K2, CSR_SAVE2);
	PUT(k, csrrd, K0, CSR_ESTAT);
	PUT(k, bstrpick_d, K1, K0, 21, 16);
	to_interrupt = k->count;
	PUT(k, beqz, K1, 0);
	PUT(k, sltui, K2, K1, 8);
	to_page = k->count;
	PUT(k, bnez, K2, 0);
	PUT(k, addi_d, K2, K1, -8);
	to_address = k->count;
	PUT(k, beqz, K2, 0);
	PUT(k, addi_d, K2, K1, -11);
	to_call = k->count;
	PUT(k, beqz, K2, 0);
	PUT(k, addi_d, K2, K1, -15);
	PUT(k, sltui, K2, K2, 3);
	to_unit = k->count;
	PUT(k, bnez, K2, 0);
	skip(k, K0);
	leave(k);
	here(k, to_interrupt);
	interrupt(p, k);
	here(k, to_page);
	mend_page(p, k);
	here(k, to_address);
	bad_address(k);
	here(k, to_call);
	system_call(p, k);
	here(k, to_unit);
	PUT(k, addi_d, K0, ZERO, 7);
	PUT(k, csrwr, K0, CSR_EUEN);
	leave(k);
}

static void refill(struct code_buffer *k)
{
	PUT(k, csrwr, K0, CSR_TLBRSAVE);
	PUT(k, csrrd, K0, CSR_PGD);
	PUT(k, ldpte, K0, 0);
	PUT(k, ldpte, K0, 1);
	PUT(k, tlbfill);
	PUT(k, csrrd, K0, CSR_TLBRSAVE);
	PUT(k, ertn);
}

void kernel_make(struct program *p)
{
	struct code_buffer k = { p->kernel, 0, KERNEL_WORDS };

	general(p, &k);
	p->kernel_count = k.count;
	k = (struct code_buffer){ p->refill, 0, sizeof(p->refill) / 4 };
	refill(&k);
	p->refill_count = k.count;
}

/* Most pages are as they should be; the others lack something that mend_page() gives them. */
static uint64_t page_entry(const struct program *p, unsigned page, uint64_t *state)
{
	uint64_t any = isa_random_u64(state);
	uint64_t pte = REGION + ((uint64_t)p->page[page] << p->page_bits) + PTE_PRESENT;

	if (any & 7)
		return pte;
	return (pte & ~(any >> 8 & 0x183)) | (any >> 32 & 0x40) | (any & PTE_RIGHTS);
}

/* The page table, and behind it by what the entries of pages of code differ from those of their twins. */
static void put_table(const struct program *p, struct rig *rig, uint64_t *state)
{
	const unsigned twins = TWIN_OFFSET >> p->page_bits, pages = CODE_SIZE_MAX >> p->page_bits;
	uint64_t table[2 * KERNEL_PAGES] = { 0 };

	for (unsigned page = 0; page < KERNEL_PAGES; page++)
		table[page] = page_entry(p, page, state);
	for (unsigned page = 0; page < pages; page++)
		table[KERNEL_PAGES + page] = (REGION + ((uint64_t)p->page[page] << p->page_bits)) ^
					     (REGION + ((uint64_t)p->page[twins + page] << p->page_bits));
	rig_write(rig, KERNEL_TABLE, table, sizeof(table));
}

/* Data at an offset of the region; words do not cross pages. */
static void put_region(const struct program *p, struct rig *rig, uint64_t offset, uint64_t value,
		       unsigned size)
{
	rig_write(rig, program_physical(p, offset), &value, size);
}

/* Code, and once more with other immediates at the sites that may change. */
static void put_code(const struct program *p, struct rig *rig, uint64_t *state)
{
	for (unsigned i = 0; i < p->code.count; i++) {
		put_region(p, rig, p->code_at + 4 * i, p->words[i], 4);
		put_region(p, rig, TWIN_OFFSET + p->code_at + 4 * i, p->words[i], 4);
	}
	for (unsigned i = 0; i < p->patches; i++) {
		uint64_t word = program_patch(p->words[p->patch[i]], isa_random_u64(state));

		put_region(p, rig, TWIN_OFFSET + p->code_at + 4 * p->patch[i], word, 4);
	}
}

/* One on data, another on an instruction now and then; each hit skips the instruction. */
static void start_watching(const struct program *p, struct cpu *cpu)
{
	uint64_t state = p->seed ^ WATCH_SALT, any = isa_random_u64(&state);
	const uint64_t everywhere = 0x7e; /* all privilege levels, both modes */
	const struct {
		unsigned number;
		uint64_t value;
	} csr[] = {
		{ CSR_MWP0CFG1, p->base + DATA_OFFSET + 0x1800 + any % 0x800 }, /* ROLE_BASE0 at first */
		{ CSR_MWP0CFG2, any >> 32 & 1 ? 7 : 0xff },
		{ CSR_MWP0CFG3, everywhere | (any >> 33 & 0x300) | 0x100 },
		{ CSR_MWP0CFG4, 1 << 16 },
		{ CSR_FWP0CFG1, program_address(p, any >> 40 & 511) },
		{ CSR_FWP0CFG2, 0 },
		{ CSR_FWP0CFG3, any >> 60 & 1 ? everywhere : 0 },
		{ CSR_FWP0CFG4, 1 << 16 },
		{ CSR_CRMD, cpu->root.crmd | CRMD_WE },
	};

	for (unsigned i = 0; i < sizeof(csr) / sizeof(*csr); i++)
		csr_write(cpu, &cpu->root, csr[i].number, csr[i].value, UINT64_MAX);
}

static void start_core(const struct program *p, struct rig *rig, unsigned id)
{
	const uint64_t crmd = p->plv | CRMD_IE | (p->space == SPACE_DIRECT ? CRMD_DA : CRMD_PG);
	const struct {
		unsigned number;
		uint64_t value;
	} csr[] = {
		{ CSR_EENTRY, cached(p, KERNEL_ENTRY) },
		{ CSR_TLBRENTRY, KERNEL_REFILL },
		{ CSR_DMW0, UINT64_C(9) << 60 | (p->space == SPACE_WINDOW ? 0x19 : 0x11) },
		{ CSR_DMW0 + 1, UINT64_C(8) << 60 | 0x09 },
		{ CSR_PGDL, KERNEL_TABLE },
		{ CSR_PGDH, KERNEL_TABLE },
		{ CSR_PWCL, p->page_bits | 8 << 5 },
		{ CSR_PWCH, p->walker ? PWCH_HPTW : 0 },
		{ CSR_STLBPS, p->seed & 4 ? 12 : 14 },
		{ CSR_ECFG, 0x1fff },
		{ CSR_EUEN, 7 },
		{ CSR_MISC, p->checks_alignment ? MISC_ALCL(0) | MISC_ALCL(3) : 0 },
		{ CSR_CRMD, crmd },
	};
	struct cpu *cpu = rig->cpu[id];

	for (unsigned i = 0; i < sizeof(csr) / sizeof(*csr); i++)
		csr_write(cpu, p->guest ? &cpu->guest : &cpu->root, csr[i].number, csr[i].value, UINT64_MAX);
	if (p->guest)
		host_enter(p, cpu);
	if (p->watched)
		start_watching(p, cpu);
	cpu->pc = program_address(p, 0);
}

static void start_registers(const struct program *p, struct rig *rig, unsigned id, uint64_t *state)
{
	struct cpu *cpu = rig->cpu[id];

	for (unsigned reg = 1; reg < 32; reg++)
		cpu->gpr[reg] = program_value(state);
	for (unsigned i = 0; i < 128; i++)
		cpu->vr[i / 4].ud[i % 4] = program_value(state);
	for (unsigned i = 0; i < 8; i++)
		cpu->fcc[i] = isa_random_u64(state) & 1;
	cpu->fcsr = isa_random_u64(state) & 0x300;
	cpu->gpr[LINK] = program_address(p, 0);
	cpu->gpr[role(p, ROLE_BASE0)] = p->base + DATA_OFFSET + 0x1800 * (id + 1);
	cpu->gpr[role(p, ROLE_BASE1)] = p->base + DATA_OFFSET + 0x9000;
	cpu->gpr[role(p, ROLE_DEVICE)] = uncached(p, RIG_DEVICE + RIG_DEVICE_LINE);
	cpu->gpr[role(p, ROLE_BAD)] = UINT64_C(0x0400000000001000) << (isa_random_u64(state) & 3);
	cpu->gpr[role(p, ROLE_STACK)] = p->base + STACK_OFFSET + 0x1000 * id;
	cpu->gpr[role(p, ROLE_TABLE)] = p->base + TABLE_OFFSET;
}

void kernel_start(const struct program *p, struct rig *rig)
{
	uint64_t state = p->seed ^ DATA_SALT;

	rig_write(rig, KERNEL_ENTRY, p->kernel, p->kernel_count * 4);
	rig_write(rig, KERNEL_REFILL, p->refill, p->refill_count * 4);
	if (p->guest)
		host_load(p, rig);
	put_table(p, rig, &state);
	put_code(p, rig, &state);
	for (unsigned i = 0; i < p->fixups; i++) {
		const struct fixup *fixup = &p->fixup[i];
		unsigned target = fixup->function ? p->function[fixup->target] : fixup->target;

		if (fixup->kind == FIXUP_TABLE)
			put_region(p, rig, TABLE_OFFSET + 8 * fixup->site, program_address(p, target), 8);
	}
	for (unsigned offset = 0; offset < DATA_SIZE; offset += 8)
		put_region(p, rig, DATA_OFFSET + offset, program_value(&state), 8);
	for (unsigned id = 0; id < p->cores; id++) {
		start_core(p, rig, id);
		start_registers(p, rig, id, &state);
	}
}
