/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Both engines in lock step: check.h. */
#include "machine/jit/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/cpu/internal.h"
#include "machine/interp/interp.h"
#include "machine/jit/run.h"

#define ACCESS_MAX   32			       /* bytes */
#define WRITES_MAX   (2 * JIT_BLOCK_INSNS + 2) /* an access has two parts at most */
#define DECODED_BITS 14

/* Bytes of RAM that the rehearsal writes. */
struct written {
	uint8_t *host;
	unsigned size;
	uint8_t before[ACCESS_MAX], expected[ACCESS_MAX], actual[ACCESS_MAX];
};

struct check {
	struct softtlb_bank
		empty; /* the core's while it rehearses, so that all accesses come to rehearse_access() */
	struct softtlb_bank *known; /* what the core's was */
	unsigned bits;		    /* of empty's pages */
	bool stopped;		    /* the instruction has effects that cannot be undone */
	struct written written[WRITES_MAX];
	unsigned writes;
	struct trace silent; /* the core's trace while it rehearses */
	struct insn decoded[1u << DECODED_BITS];
	struct check_difference difference;
	bool done; /* something differed: no more is checked */
	uint64_t blocks, insns;
};

int check_create(struct jit *jit)
{
	jit->check = calloc(1, sizeof(*jit->check));
	return jit->check ? 0 : -ENOMEM;
}

void check_destroy(struct jit *jit)
{
	free(jit->check);
}

/* Whether all that @insn, CSRRD, CSRWR or CSRXCHG, does is in the CSR files. */
static bool csr_alone(const struct cpu *cpu, const struct insn *insn)
{
	const struct csr_info *info = csr_find(cpu, (unsigned)insn->imm);

	if (!info || (insn->op == ISA_csrxchg && insn->imm == CSR_CRMD))
		return false;
	return info->read || (insn->op != ISA_csrrd && info->write);
}

bool check_alone(const struct cpu *cpu, const struct insn *insn)
{
	switch (insn->op) {
	case ISA_csrrd:
	case ISA_csrwr:
	case ISA_csrxchg:
		return csr_alone(cpu, insn);
	case ISA_ll_w:
	case ISA_ll_d:
	case ISA_sc_w:
	case ISA_sc_d:
	case ISA_sc_q:
	case ISA_llacq_w:
	case ISA_llacq_d:
	case ISA_screl_w:
	case ISA_screl_d:
		/* Reservations concern the other cores; translated code calls the reference engine there. */
		return cpu->group->count > 1;
	case ISA_dbcl:
		return true;
	default:
		return isa_info[insn->op].flags & ISA_PRIVILEGED ||
		       isa_info[insn->op].extension == ISA_EXT_LVZ;
	}
}

#define TAKE(name) memcpy(&state->name, &cpu->name, sizeof(state->name));
static void state_take_system(struct check_state *state, const struct cpu *cpu)
{
	state->system = true;
	CHECK_SYSTEM(TAKE)
}

static void state_take(struct check_state *state, const struct cpu *cpu, bool system)
{
	CHECK_STATE(TAKE)
	state->now = cpu->clock->virtual_now;
	state->units = cpu->csr->euen & cpu->root.euen;
	state->system = false;
	if (state->units)
		TAKE(vr)
	if (system)
		state_take_system(state, cpu);
}
#undef TAKE

static void state_put(const struct check_state *state, struct cpu *cpu)
{
#define PUT(name) memcpy(&cpu->name, &state->name, sizeof(state->name));
	CHECK_STATE(PUT)
	cpu->clock->virtual_now = state->now;
	if (state->units)
		PUT(vr)
	if (state->system) {
		CHECK_SYSTEM(PUT)
	}
#undef PUT
}

/* Accesses of the rehearsal. */

static bool stop(struct check *check)
{
	check->stopped = true;
	return false;
}

/* The page walker changes page tables and the TLB. */
static bool page_walker_on(const struct cpu *cpu)
{
	return (cpu->root.pwch | cpu->guest.pwch) & PWCH_HPTW;
}

/* Where the access goes in RAM (or ROM), changing nothing. */
static bool find(struct check *check, struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind,
		 struct mmu_page *page, void **host)
{
	const struct softtlb_entry *entry = &check->known->entry[softtlb_index(cpu->page_bits, va)];
	const uint64_t offset = va - entry->tag[kind], in_page = va % BUS_PAGE_SIZE;
	const uint64_t misses = cpu->stats.stage2_misses;
	struct mmu_fault fault;
	uint8_t *base;
	bool translated;

	/* The parts of an access to two pages need their memory type, too. */
	if (offset <= cpu->page_size - size && in_page >= ACCESS_MAX && in_page + size < BUS_PAGE_SIZE) {
		*host = softtlb_host(entry, va);
		return true;
	}
	if (cpu->watch_memory || cpu->debug.points || page_walker_on(cpu))
		return stop(check);
	translated = mmu_translate(cpu, va, kind, page, &fault);
	cpu->stats.stage2_misses = misses;
	if (!translated) {
		cpu_raise_fault(cpu, &fault);
		return false;
	}
	base = bus_ram(cpu->bus, page->pa - in_page, BUS_PAGE_SIZE);
	if (!base && kind != SOFTTLB_STORE)
		base = (uint8_t *)bus_rom(cpu->bus, page->pa - in_page, BUS_PAGE_SIZE);
	if (!base)
		return stop(check);
	*host = base + in_page;
	return true;
}

/* Takes note of bytes that are going to be written.  Code is not written on trial. */
static bool note_write(struct check *check, struct cpu *cpu, uint8_t *host, unsigned size)
{
	struct written *written = &check->written[check->writes];

	if (check->writes == WRITES_MAX ||
	    atomic_load(&cpu->bus->ram_page_flags[bus_ram_page(cpu->bus, host)]) & RAM_PAGE_WATCHED)
		return stop(check);
	written->host = host;
	written->size = size;
	memcpy(written->before, host, size);
	check->writes++;
	return true;
}

/* CHECK_SYSTEM is going to change. */
static void keep_system(struct check *check, const struct cpu *cpu)
{
	if (!check->difference.before.system)
		state_take_system(&check->difference.before, cpu);
}

/* struct cpu_rehearsal's */
static void rehearse_exception(struct cpu *cpu)
{
	keep_system(cpu->group->translator.jit->check, cpu);
}

static bool rehearse_access(struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind,
			    struct mmu_page *page, void **host)
{
	struct check *check = cpu->group->translator.jit->check;

	*page = (struct mmu_page){ 0 };
	return find(check, cpu, va, size, kind, page, host) &&
	       (kind != SOFTTLB_STORE || note_write(check, cpu, *host, size));
}

static const struct cpu_rehearsal rehearsal = { rehearse_access, rehearse_exception };

/* The rehearsal. */

static void begin(struct check *check, struct cpu *cpu)
{
	check->known = cpu->bank;
	check->writes = 0;
	check->stopped = false;
	if (check->bits != cpu->page_bits) {
		check->bits = cpu->page_bits;
		for (unsigned i = 0; i < SOFTTLB_ENTRIES; i++)
			for (unsigned kind = 0; kind < 3; kind++)
				check->empty.entry[i].tag[kind] = softtlb_none(check->bits, i);
	}
	cpu->bank = &check->empty;
	cpu->rehearsal = &rehearsal;
}

static const struct insn *decode(struct check *check, uint64_t pc, uint32_t word)
{
	struct insn *insn = &check->decoded[pc / 4 % (1u << DECODED_BITS)];

	if (insn->word != word || !insn->fn)
		interp_decode(insn, word);
	return insn;
}

/* RDTIME behind a timer's expiry has that noticed. */
static bool timer_expires(struct cpu *cpu)
{
	cpu_sync(cpu);
	return timer_due(cpu, CPU_ROOT) || timer_due(cpu, CPU_GUEST);
}

/* One instruction.  What it answers, if it was not stopped. */
static int rehearse_insn(struct check *check, struct cpu *cpu, const struct insn *insn)
{
	if (check_alone(cpu, insn)) {
		stop(check);
		return INSN_NEXT;
	}
	switch (insn->op) {
	case ISA_rdtimel_w:
	case ISA_rdtimeh_w:
	case ISA_rdtime_d:
		if (timer_expires(cpu))
			stop(check);
		break;
	case ISA_csrwr:
	case ISA_csrxchg:
		keep_system(check, cpu);
		break;
	}
	return check->stopped ? INSN_NEXT : insn->fn(cpu, insn);
}

/*
 * Whether the run loop would just go on after an instruction that answered STATE; then the translator may
 * have done so in place.
 */
static bool goes_on(struct check *check, struct cpu *cpu)
{
	if (cpu->bank != check->known || cpu->guest_mode || cpu_interrupt_due(cpu))
		return false;
	cpu->bank = &check->empty;
	return true;
}

/* Executes the @count instructions from pc on, whose words are at @code, or up to the first jump. */
static struct check_end execute(struct check *check, struct cpu *cpu, const uint32_t *code, unsigned count)
{
	struct check_end end = { .pc = cpu->pc };
	int result = INSN_NEXT;

	cpu->code_base = cpu->pc & -(uint64_t)BUS_PAGE_SIZE;
	cpu->code = code - (cpu->pc - cpu->code_base) / 4;
	while (end.executed < count && result == INSN_NEXT) {
		const struct insn *insn = decode(check, end.pc, code[end.executed]);

		result = rehearse_insn(check, cpu, insn);
		if (check->stopped)
			break;
		end.executed++;
		if (result == INSN_NEXT || result == INSN_STATE)
			cpu->pc += 4;
		end.pc = cpu->pc;
		if (result == INSN_STATE && goes_on(check, cpu))
			result = INSN_NEXT;
	}
	end.raised = result == INSN_RAISED;
	return end;
}

/* The same on trial: what it would leave is in difference.expected and written[].expected. */
static struct check_end rehearse(struct check *check, struct cpu *cpu, const uint32_t *code, unsigned count)
{
	struct trace *trace = cpu->trace;
	struct check_end end;

	begin(check, cpu);
	cpu->trace = &check->silent;
	end = execute(check, cpu, code, count);
	cpu->trace = trace;
	cpu->rehearsal = NULL;
	state_take(&check->difference.expected, cpu, check->difference.before.system);
	for (unsigned i = 0; i < check->writes; i++)
		memcpy(check->written[i].expected, check->written[i].host, check->written[i].size);
	for (unsigned i = check->writes; i-- > 0;)
		memcpy(check->written[i].host, check->written[i].before, check->written[i].size);
	state_put(&check->difference.before, cpu);
	return end;
}

/* Translated code has executed fewer instructions than the rehearsal: again, with as many. */
static struct check_end rehearse_again(struct check *check, struct cpu *cpu, const uint32_t *code,
				       unsigned count)
{
	struct written *written = check->written;
	const unsigned writes = check->writes;
	struct check_state actual;
	struct check_end end;

	state_take(&actual, cpu, true);
	for (unsigned i = 0; i < writes; i++)
		memcpy(written[i].actual, written[i].host, written[i].size);
	for (unsigned i = writes; i-- > 0;)
		memcpy(written[i].host, written[i].before, written[i].size);
	state_put(&check->difference.before, cpu);
	end = rehearse(check, cpu, code, count);
	for (unsigned i = 0; i < writes; i++)
		memcpy(written[i].host, written[i].actual, written[i].size);
	state_put(&actual, cpu);
	return end;
}

/* The comparison. */

static bool memory_differs(const struct check *check, struct check_difference *difference)
{
	for (unsigned i = 0; i < check->writes; i++)
		for (unsigned byte = 0; byte < check->written[i].size; byte++)
			if (check->written[i].host[byte] != check->written[i].expected[byte]) {
				difference->memory = &check->written[i].host[byte];
				difference->memory_expected = check->written[i].expected[byte];
				return true;
			}
	return false;
}

/* @counters: performance counters were brought up to date at the same instruction. */
static bool file_differs(const struct csr_file *a, const struct csr_file *b, bool counters)
{
	if (!memcmp(a, b, sizeof(*a)))
		return false;
	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++) {
		const bool counter = csr_info[slot].guest == CSR_GUEST_COUNTER && csr_info[slot].number & 1;

		if (a->value[slot] != b->value[slot] && (counters || !counter))
			return true;
	}
	return false;
}

static bool csrs_differ(const struct check_state *expected, const struct cpu *cpu)
{
	const bool counters = expected->pmu_mark == cpu->pmu_mark;

	return file_differs(&expected->root, &cpu->root, counters) ||
	       file_differs(&expected->guest, &cpu->guest, counters);
}

static bool reservation_differs(const struct check_state *expected, const struct cpu *cpu)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++) {
		const struct cpu_ll *a = &expected->ll[mode], *b = &cpu->ll[mode];

		if (a->bit != b->bit || a->size != b->size || a->offset != b->offset)
			return true;
	}
	return false;
}

static bool differs(const struct check *check, const struct cpu *cpu, struct check_difference *d)
{
	const struct check_state *expected = &d->expected;

	return d->end.pc != d->actual.pc || d->end.executed != d->actual.executed ||
	       d->end.raised != d->actual.raised || memcmp(expected->gpr, cpu->gpr, sizeof(cpu->gpr)) ||
	       memcmp(expected->fcc, cpu->fcc, sizeof(cpu->fcc)) ||
	       (expected->units && memcmp(expected->vr, cpu->vr, sizeof(cpu->vr))) ||
	       expected->fcsr != cpu->fcsr || expected->guest_mode != cpu->guest_mode ||
	       (expected->system && csrs_differ(expected, cpu)) || reservation_differs(expected, cpu) ||
	       memory_differs(check, d);
}

static void compare(struct check *check, struct cpu *cpu, const uint32_t *code)
{
	const struct jit *jit = cpu->group->translator.jit;
	struct check_difference *difference = &check->difference;

	if (difference->actual.executed < difference->end.executed && !difference->actual.raised)
		difference->end = rehearse_again(check, cpu, code, difference->actual.executed);
	check->blocks++;
	check->insns += difference->actual.executed;
	if (!differs(check, cpu, difference))
		return;
	check->done = true;
	check_report(jit, cpu, difference, code);
	jit->options.differs(jit->options.opaque);
}

/* What translated code has done of the block, whose beginning was at @start. */
static struct check_end actual_end(const struct cpu *cpu, uint64_t start, enum translated how,
				   const struct translated_insn *insn)
{
	struct check_end end = { cpu->pc, (unsigned)(cpu->insn_count - start), false };

	if (how != TRANSLATED_INSN)
		return end;
	end.executed += (unsigned)((insn->pc - cpu->segment_pc) / 4) + 1;
	end.raised = insn->result == INSN_RAISED;
	if (insn->result == INSN_NEXT || insn->result == INSN_STATE)
		end.pc = insn->pc + 4;
	return end;
}

enum translated check_run(struct cpu *cpu, uint64_t limit, struct translated_insn *insn)
{
	struct jit *jit = cpu->group->translator.jit;
	struct check *check = jit->check;
	struct check_difference *difference = &check->difference;
	const uint64_t start = cpu->insn_count;
	const uint32_t *code;
	unsigned count;
	enum translated how;

	difference->block = jit_block_at(cpu);
	count = jit->block[difference->block].insns;
	if (!difference->block || limit - start < count)
		return TRANSLATED_INTERPRET;
	code = jit_block_code(jit, difference->block);
	if (check_alone(cpu, decode(check, cpu->pc, code[0])))
		return jit_run(cpu, limit, insn);
	state_take(&difference->before, cpu, false);
	difference->end = rehearse(check, cpu, code, count);
	if (check->stopped)
		return TRANSLATED_INTERPRET;
	how = jit_run(cpu, limit, insn);
	difference->actual = actual_end(cpu, start, how, insn);
	if (!check->done)
		compare(check, cpu, code);
	return how;
}

void jit_print_check(const struct cpu_group *group, FILE *file)
{
	const struct check *check = group->translator.jit->check;
	uint64_t insns = 0;

	for (unsigned i = 0; i < group->count; i++)
		insns += group->cpu[i]->stats.instructions;
	fprintf(file,
		"bixi: check: %" PRIu64 " blocks with %" PRIu64 " of %" PRIu64 " instructions compared\n",
		check->blocks, check->insns, insns);
}
