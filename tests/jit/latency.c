/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * How long an interrupt waits while translated code runs, in guest instructions: a line rises when the
 * translator has just been entered, which is when nobody looks for the longest time, and the count is taken
 * when the interrupt is.  In any code it has to be few enough for 50 us.
 */
#include <inttypes.h>
#include <stdio.h>

#include "isa/random.h"
#include "machine/cpu/exception.h"
#include "machine/interp/interp.h"
#include "tests/jit/code.h"
#include "tests/jit/test.h"

#define CODE	   UINT64_C(0x100000)
#define DATA	   UINT64_C(0x200000)
#define ENTRY	   UINT64_C(0x300000)
#define WORDS	   8192
#define LINE	   4
#define INTERRUPTS 40
#define SLICES	   (10 * INTERRUPTS) /* after which too few came */

/* 50 us of a core that executes 200 million instructions a second: nothing but square roots of vectors. */
#define LATENCY 10000

/* T7 and T8 are the handler's. */
enum { ZERO = 0, RA = 1, SP = 3, A0 = 4, A1, A2, A3, T0 = 12, T1, T2, T7 = 19, T8 = 20 };

static struct {
	enum translated (*run)(struct cpu *cpu, uint64_t limit, struct translated_insn *insn);
	uint64_t next, since, longest, state;
	unsigned taken;
	bool risen;
} watch;

/* In the translator's place. */
static enum translated run_watched(struct cpu *cpu, uint64_t limit, struct translated_insn *insn)
{
	if (watch.risen && cpu->stats.interrupts > watch.taken) {
		const uint64_t waited = cpu->insn_count - watch.since;

		watch.longest = waited > watch.longest ? waited : watch.longest;
		watch.taken++;
		watch.risen = false;
		watch.next = cpu->insn_count + isa_random_u64(&watch.state) % LATENCY;
		cpu_set_line(cpu, LINE, false);
	} else if (!watch.risen && cpu->insn_count >= watch.next) {
		watch.risen = true;
		watch.since = cpu->insn_count;
		cpu_set_line(cpu, LINE, true);
	}
	return watch.run(cpu, limit, insn);
}

/* What the core executes over and over. */

static void again(struct code_buffer *c)
{
	PUT(c, b, -4 * (int64_t)c->count);
}

static void jump_to_itself(struct code_buffer *c)
{
	PUT(c, b, 0);
}

static void tight_loop(struct code_buffer *c)
{
	PUT(c, addi_d, T0, T0, 1);
	PUT(c, bnez, T0, -4);
	again(c);
}

static void straight_run(struct code_buffer *c)
{
	while (c->count < 4095)
		PUT(c, addi_d, T0, T0, 1);
	again(c);
}

static void branches_not_taken(struct code_buffer *c)
{
	while (c->count < 4094) {
		PUT(c, bne, ZERO, ZERO, 8);
		PUT(c, blt, T0, T0, 8);
	}
	again(c);
}

static void indirect_jumps(struct code_buffer *c)
{
	for (unsigned i = 0; i < 64; i++) {
		PUT(c, pcaddi, T0, 3 + i);
		PUT(c, jirl, RA, T0, 0);
		for (unsigned pad = 0; pad <= i; pad++)
			PUT(c, addi_d, T1, T1, 1);
	}
	again(c);
}

static void calls(struct code_buffer *c)
{
	for (unsigned i = 0; i < 100; i++) {
		PUT(c, bl, 8);
		PUT(c, b, 12);
		PUT(c, addi_d, T0, T0, 1);
		PUT(c, jirl, ZERO, RA, 0);
	}
	again(c);
}

static void vectors(struct code_buffer *c)
{
	while (c->count < 4090) {
		PUT(c, xvfdiv_d, 1, 2, 3);
		PUT(c, xvfsqrt_s, 4, 5);
		PUT(c, vshuf_b, 6, 7, 8, 9);
		PUT(c, xvdiv_d, 10, 11, 12);
	}
	again(c);
}

static void floating_point(struct code_buffer *c)
{
	while (c->count < 4090) {
		PUT(c, fdiv_d, 1, 2, 3);
		PUT(c, fmadd_s, 4, 5, 6, 7);
		PUT(c, fsqrt_d, 8, 9);
	}
	again(c);
}

/* Groups of accesses that cross pages now and then, and single ones. */
static void memory(struct code_buffer *c)
{
	code_constant(c, A0, DATA);
	for (unsigned i = 0; i < 200; i++) {
		PUT(c, ld_d, T0, A0, 0);
		PUT(c, ld_d, T1, A0, 8);
		PUT(c, st_d, T0, A0, 16);
		PUT(c, st_d, T1, A0, 24);
		PUT(c, addi_d, A0, A0, 1001);
	}
	again(c);
}

static void device(struct code_buffer *c)
{
	code_constant(c, A0, RIG_DEVICE);
	for (unsigned i = 0; i < 500; i++)
		PUT(c, ld_d, T0, A0, 8 * (i % 8));
	again(c);
}

static void own_page_written(struct code_buffer *c)
{
	code_constant(c, A0, CODE);
	for (unsigned i = 0; i < 300; i++) {
		PUT(c, ld_w, T0, A0, 256);
		PUT(c, st_w, T0, A0, 256);
	}
	again(c);
}

static void reservations(struct code_buffer *c)
{
	code_constant(c, A0, DATA);
	PUT(c, ll_d, T0, A0, 0);
	PUT(c, addi_d, T0, T0, 1);
	PUT(c, sc_d, T0, A0, 0);
	PUT(c, bnez, T0, -12);
	again(c);
}

static void system_calls(struct code_buffer *c)
{
	for (unsigned i = 0; i < 50; i++) {
		PUT(c, syscall, 0);
		PUT(c, addi_d, T0, T0, 1);
	}
	again(c);
}

/* Interrupts are off and on again, which the code does in place. */
static void enables(struct code_buffer *c)
{
	PUT(c, addi_d, T1, ZERO, 4);
	for (unsigned i = 0; i < 200; i++) {
		PUT(c, csrxchg, ZERO, T1, CSR_CRMD);
		PUT(c, addi_d, T0, T1, 0);
		PUT(c, csrxchg, T0, T1, CSR_CRMD);
		PUT(c, csrwr, T2, CSR_SAVE0);
	}
	again(c);
}

static const struct {
	const char *name;
	void (*make)(struct code_buffer *c);
} kinds[] = {
#define KIND(function)                                                                                       \
	{                                                                                                    \
#function, function                                                                          \
	}
	KIND(jump_to_itself), KIND(tight_loop), KIND(straight_run),	KIND(branches_not_taken),
	KIND(indirect_jumps), KIND(calls),	KIND(vectors),		KIND(floating_point),
	KIND(memory),	      KIND(device),	KIND(own_page_written), KIND(reservations),
	KIND(system_calls),   KIND(enables),
#undef KIND
};

/* An interrupt goes back, a system call on. */
static void load_handler(struct rig *rig)
{
	const uint32_t words[] = {
		WORD(csrrd, T7, CSR_ESTAT),
		WORD(bstrpick_d, T7, T7, 21, 16),
		WORD(beqz, T7, 16),
		WORD(csrrd, T7, CSR_ERA),
		WORD(addi_d, T7, T7, 4),
		WORD(csrwr, T7, CSR_ERA),
		WORD(ertn),
	};

	rig_write(rig, ENTRY, words, sizeof(words));
}

static void start(struct rig *rig, unsigned kind)
{
	static uint32_t words[WORDS];
	struct code_buffer c = { words, 0, WORDS };
	struct cpu *cpu = rig->cpu[0];

	kinds[kind].make(&c);
	rig_write(rig, CODE, words, c.count * 4);
	load_handler(rig);
	cpu->pc = CODE;
	cpu->root.eentry = ENTRY;
	csr_write(cpu, &cpu->root, CSR_EUEN, 7, 7);
	csr_write(cpu, &cpu->root, CSR_ECFG, 1u << LINE, UINT64_MAX);
	csr_write(cpu, &cpu->root, CSR_CRMD, CRMD_IE, CRMD_IE);
	watch.run = rig->group.translator.run;
	watch.next = watch.longest = watch.taken = watch.risen = 0;
	watch.state = kind;
	rig->group.translator.run = run_watched;
}

static bool measure(unsigned kind, const struct variant *variant)
{
	const struct rig_options options = {
		.cores = 1, .translated = true, .features = variant->features, .threads = true
	};
	static struct rig rig;
	bool good;

	if (rig_create(&rig, &options))
		return false;
	start(&rig, kind);
	/* In slices, as the reference engine keeps a loop that it has once begun. */
	for (unsigned i = 0; i < SLICES && watch.taken < INTERRUPTS; i++)
		interp_run(rig.cpu[0], 2 * LATENCY);
	good = watch.taken >= INTERRUPTS && watch.longest <= LATENCY;
	if (!good)
		printf("FAIL latency: %s: %u of %u interrupts came, the slowest after %" PRIu64
		       " instructions\n",
		       kinds[kind].name, watch.taken, INTERRUPTS, watch.longest);
	rig_destroy(&rig);
	return good;
}

bool latency_run(const struct variant *variant)
{
	bool good = true;

	for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++)
		good &= measure(kind, variant);
	return good;
}
