/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What --engine check says when the engines differ. */
#include <inttypes.h>
#include <string.h>

#include "machine/jit/check.h"
#include "machine/jit/run.h"

/* One value before the block, as it should be and as it is. */
static void line(const char *name, uint64_t before, uint64_t expected, uint64_t actual)
{
	fprintf(stderr, "%c %-10s %016" PRIx64 "  %016" PRIx64 "  %016" PRIx64 "\n",
		expected == actual ? ' ' : '*', name, before, expected, actual);
}

static void print_general(const struct cpu *cpu, const struct check_difference *d)
{
	char name[24];

	line("pc", d->before.pc, d->end.pc, d->actual.pc);
	line("executed", 0, d->end.executed, d->actual.executed);
	line("raised", 0, d->end.raised, d->actual.raised);
	for (unsigned i = 1; i < 32; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		line(name, d->before.gpr[i], d->expected.gpr[i], cpu->gpr[i]);
	}
	line("fcsr", d->before.fcsr, d->expected.fcsr, cpu->fcsr);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "fcc%u", i);
		line(name, d->before.fcc[i], d->expected.fcc[i], cpu->fcc[i]);
	}
}

/* All of a vector register that changed or should have. */
static void print_vectors(const struct cpu *cpu, const struct check_difference *d)
{
	char name[24];

	for (unsigned i = 0; i < 32; i++) {
		const union vreg *before = &d->before.vr[i], *expected = &d->expected.vr[i];

		if (!memcmp(before, expected, sizeof(*before)) &&
		    !memcmp(before, &cpu->vr[i], sizeof(*before)))
			continue;
		for (unsigned word = 0; word < 4; word++) {
			snprintf(name, sizeof(name), "xr%u.d[%u]", i, word);
			line(name, before->ud[word], expected->ud[word], cpu->vr[i].ud[word]);
		}
	}
}

static void print_csrs(const char *prefix, const struct csr_file *before, const struct csr_file *expected,
		       const struct csr_file *actual)
{
	char name[32];

	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++) {
		const uint64_t value = before->value[slot];

		if (value == expected->value[slot] && value == actual->value[slot])
			continue;
		snprintf(name, sizeof(name), "%s%s", prefix, csr_info[slot].name);
		line(name, value, expected->value[slot], actual->value[slot]);
	}
}

void check_report(const struct jit *jit, const struct cpu *cpu, const struct check_difference *d,
		  const uint32_t *code)
{
	fprintf(stderr,
		"bixi: core %u: translated code and the reference engine differ in the block at %" PRIx64
		", after %" PRIu64 " instructions\n",
		cpu->id, d->before.pc, d->before.insn_count);
	jit_print_block(jit, d->block, code, stderr);
	fprintf(stderr, "  %-10s %-16s  %-16s  %s\n", "", "before", "reference", "translated");
	print_general(cpu, d);
	if (d->expected.units)
		print_vectors(cpu, d);
	line("guest mode", d->before.guest_mode, d->expected.guest_mode, cpu->guest_mode);
	if (d->expected.system) {
		print_csrs("", &d->before.root, &d->expected.root, &cpu->root);
		print_csrs("gcsr_", &d->before.guest, &d->expected.guest, &cpu->guest);
	}
	if (d->memory)
		fprintf(stderr, "* RAM at offset %tx: %02x, translated %02x\n", d->memory - cpu->bus->ram,
			d->memory_expected, *d->memory);
}
