/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Saved state of a core (bus/state.h): all that is architectural.  What is derived from it (the soft TLB,
 * decoded instructions) is made anew.  CSR values are cut to the bits that software or the processor can
 * have put there, as the rest of the core relies on that.
 */
#include <stdlib.h>

#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

#define INSN_COUNT_MAX (UINT64_MAX / 4) /* some centuries of instructions */

/* A valid TLB entry as it stands in the file; 32 bytes without gaps. */
struct saved_entry {
	uint64_t vppn, elo[2];
	uint16_t index, asid;
	uint8_t ps, kind, gid, global;
};
_Static_assert(sizeof(struct saved_entry) == 32, "saved TLB entries have gaps");

static size_t tlb_pack(const struct tlb *tlb, struct saved_entry *saved)
{
	size_t count = 0;

	for (unsigned index = 0; index < TLB_ENTRIES; index++) {
		const struct tlb_entry *e = &tlb->entry[index];

		if (e->valid)
			saved[count++] = (struct saved_entry){
				.vppn = e->vppn,
				.elo = { e->elo[0], e->elo[1] },
				.index = (uint16_t)index,
				.asid = e->asid,
				.ps = e->ps,
				.kind = e->kind,
				.gid = e->gid,
				.global = e->global,
			};
	}
	return count;
}

static bool entry_is_possible(const struct saved_entry *e, int last)
{
	/* The page walker makes sizes that PRCFG2 does not have, too. */
	return e->index > last && e->index < TLB_ENTRIES && e->ps >= SOFTTLB_BITS_MIN && e->ps < VALEN &&
	       e->kind <= TLB_S2 && e->global <= 1 && !(e->asid & ~ASID_MASK) &&
	       !(e->vppn & ~(~UINT64_C(0) << (e->ps + 1))) && !((e->elo[0] | e->elo[1]) & ~CSR_ELO_MASK);
}

static bool tlb_unpack(struct cpu *cpu, const struct saved_entry *saved, size_t count)
{
	struct tlb *tlb = &cpu->tlb;
	int last = -1;

	tlb_reset(cpu);
	for (size_t i = 0; i < count; i++) {
		const struct saved_entry *e = &saved[i];

		if (!entry_is_possible(e, last))
			return false;
		last = e->index;
		tlb->entry[e->index] = (struct tlb_entry){
			.vppn = e->vppn,
			.elo = { e->elo[0], e->elo[1] },
			.asid = e->asid,
			.ps = e->ps,
			.kind = e->kind,
			.gid = e->gid,
			.global = e->global,
			.valid = true,
		};
		if (e->index < STLB_ENTRIES)
			tlb->stlb_sizes |= UINT64_C(1) << e->ps;
		else
			tlb->mtlb_used = e->index - STLB_ENTRIES + 1u;
	}
	return true;
}

static void tlb_state(struct cpu *cpu, struct state *state)
{
	struct saved_entry *saved = calloc(TLB_ENTRIES, sizeof(*saved));
	size_t size;

	if (!saved) {
		state_refuse(state, "out of memory");
		return;
	}
	size = state_loading(state) ? 0 : tlb_pack(&cpu->tlb, saved) * sizeof(*saved);
	state_blob(state, "tlb", (uint8_t **)&saved, &size, TLB_ENTRIES * sizeof(*saved));
	if (state_loading(state) && state_good(state) &&
	    (size % sizeof(*saved) || !tlb_unpack(cpu, saved, size / sizeof(*saved))))
		state_refuse(state, "a TLB entry that there cannot be");
	free(saved);
}

/* What the processor itself puts into CSRs beside the bits software can write. */
static uint64_t csr_hardware_bits(const struct csr_info *info)
{
	switch (info->number) {
	case CSR_ESTAT:
		return CSR_ESTAT_ROOT; /* Ecode, EsubCode and TI; its lines are kept elsewhere */
	case CSR_BADI:
		return UINT32_MAX;
	case CSR_MERRCTL:
	case CSR_DBG:
		return UINT32_MAX;
	default:
		return 0;
	}
}

static void csr_check(struct cpu *cpu, struct csr_file *file)
{
	const uint64_t stlbps = file->stlbps;
	uint64_t cpuid;

	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++) {
		const struct csr_info *info = &csr_info[slot];

		file->value[slot] &=
			csr_mask(cpu, file, info) | info->more | info->reset | csr_hardware_bits(info);
	}
	cpuid = file->cpuid;
	csr_set_constants(cpu, file);
	if (csr_mode(cpu, file) == CPU_GUEST) /* there it is root's to set */
		file->cpuid = cpuid;
	if (stlbps >= 32 || !(cpu->model->prcfg2 >> stlbps & 1))
		file->stlbps = csr_info[CSR_SLOT_STLBPS].reset;
}

static void csrs_state(struct cpu *cpu, struct state *state)
{
	pmu_sync(cpu);
	state_bytes(state, "csr", cpu->root.value, sizeof(cpu->root.value));
	state_bytes(state, "guest-csr", cpu->guest.value, sizeof(cpu->guest.value));
	if (!state_loading(state))
		return;
	csr_check(cpu, &cpu->root);
	csr_check(cpu, &cpu->guest);
}

static void registers_state(struct cpu *cpu, struct state *state)
{
	STATE_MEMBER(state, cpu, gpr);
	STATE_MEMBER(state, cpu, pc);
	STATE_BOOL(state, cpu, guest_mode);
	STATE_MEMBER(state, cpu, fcsr);
	STATE_MEMBER(state, cpu, fcc);
	STATE_MEMBER(state, cpu, vr);
	if (!state_loading(state))
		return;
	cpu->gpr[0] = 0;
	cpu->segment_pc = cpu->pc;
	for (unsigned i = 0; i < 8; i++)
		cpu->fcc[i] &= 1;
}

static void timer_state(struct cpu_timer *timer, struct state *state)
{
	bool fired = atomic_load(&timer->fired);

	STATE_BOOL(state, timer, running);
	state_bool(state, "fired", &fired);
	state_timer(state, "clock", &timer->clock);
	STATE_MEMBER(state, timer, expiry);
	STATE_MEMBER(state, timer, stopped);
	if (!state_loading(state))
		return;
	atomic_store(&timer->fired, fired);
	timer->stopped &= CSR_TIMER;
}

static void interrupts_state(struct cpu *cpu, struct state *state)
{
	bool halted = atomic_load(&cpu->halted);
	bool reset = atomic_load(&cpu->attention) & ATTENTION_RESET;

	STATE_MEMBER(state, cpu, lines);
	STATE_MEMBER(state, cpu, message_pending);
	state_bool(state, "halted", &halted);
	state_bool(state, "reset", &reset);
	if (!state_loading(state))
		return;
	atomic_store(&cpu->halted, halted);
	atomic_store(&cpu->attention, ATTENTION_INTERRUPT | (reset ? ATTENTION_RESET : 0));
}

/* Everything that follows from what was read. */
static void derive(struct cpu *cpu)
{
	if (!cpu_model_lvz(cpu->model))
		cpu->guest_mode = false;
	cpu->csr = cpu_csr(cpu, cpu->guest_mode);
	pmu_configure(cpu);
	watch_update(cpu);
	softtlb_want_pages(cpu, (unsigned)cpu->root.stlbps, false);
	softtlb_take_pages(cpu);
	softtlb_flush_all(cpu);
	softtlb_select(cpu);
}

void cpu_state(void *opaque, struct state *state)
{
	struct cpu *cpu = opaque;

	registers_state(cpu, state);
	csrs_state(cpu, state);
	tlb_state(cpu, state);
	interrupts_state(cpu, state);
	for (unsigned mode = 0; mode < CPU_MODES; mode++) {
		timer_state(&cpu->timer[mode], state);
		reserve_state(cpu, mode, state);
	}
	STATE_MEMBER(state, cpu, insn_count);
	STATE_MEMBER(state, cpu, random);
	if (!state_loading(state))
		return;
	if (cpu->insn_count > INSN_COUNT_MAX)
		state_refuse(state, "more instructions than can have been executed");
	derive(cpu);
}
