/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The monitor's "info registers" and "info tlb": a core's registers and TLB entries by the manual's names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "machine/control/command_impl.h"
#include "machine/cpu/exception.h"

static const char *const gpr_name[32] = {
	"zero", "ra", "tp", "sp", "a0", "a1",  "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3",
	"t4",	"t5", "t6", "t7", "t8", "r21", "fp", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8",
};

/* CSRs that "info registers" shows beside the general registers. */
static const char *const main_csr[] = {
	"CRMD", "PRMD", "EUEN",	 "ECFG",      "ESTAT",	  "ERA",     "BADV", "BADI", "EENTRY", "ASID",
	"PGDL", "PGDH", "CPUID", "TLBRENTRY", "TLBRBADV", "TLBRERA", "DMW0", "DMW1", "DMW2",   "DMW3",
};

#define COLUMNS	     4	     /* registers of a line */
#define GUEST_PREFIX "gcsr_" /* of the guest's registers in addresses, as GDB has them */

static void print_register(FILE *out, unsigned *column, const char *name, uint64_t value)
{
	fprintf(out, "%-9s %016" PRIx64 "%s", name, value, ++*column % COLUMNS ? "  " : "\n");
}

static void end_line(FILE *out, unsigned column)
{
	if (column % COLUMNS)
		fputc('\n', out);
}

const char *command_guest_text(const struct cpu *cpu, char *text, size_t size)
{
	*text = 0;
	if (cpu->guest_mode)
		snprintf(text, size, "guest %u", GSTAT_GID(cpu->root.gstat));
	return text;
}

/* Those of the mode that the core is in. */
static void print_general(struct cpu *cpu, FILE *out)
{
	unsigned column = 0;
	uint64_t value;
	char guest[16];

	fprintf(out, "pc        %016" PRIx64 "  plv %u  interrupts %s  %s%s%s%s\n", cpu->pc, cpu_plv(cpu),
		cpu->csr->crmd & CRMD_IE ? "on" : "off", cpu->csr->crmd & CRMD_PG ? "paged" : "direct",
		atomic_load(&cpu->halted) ? "  idle" : "", cpu->guest_mode ? "  " : "",
		command_guest_text(cpu, guest, sizeof(guest)));
	for (unsigned i = 0; i < 32; i++)
		print_register(out, &column, gpr_name[i], cpu->gpr[i]);
	for (size_t i = 0; i < sizeof(main_csr) / sizeof(main_csr[0]); i++)
		if (csr_peek(cpu, cpu->csr, main_csr[i], &value))
			print_register(out, &column, main_csr[i], value);
	end_line(out, column);
}

static void print_file(struct cpu *cpu, struct csr_file *file, FILE *out)
{
	unsigned column = 0;
	uint64_t value;

	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++)
		if (csr_peek(cpu, file, csr_info[slot].name, &value))
			print_register(out, &column, csr_info[slot].name, value);
	end_line(out, column);
}

static void print_csrs(struct cpu *cpu, FILE *out)
{
	print_file(cpu, &cpu->root, out);
}

static void print_guest_csrs(struct cpu *cpu, FILE *out)
{
	if (cpu_model_lvz(cpu->model))
		print_file(cpu, &cpu->guest, out);
	else
		fputs("this processor has no LVZ\n", out);
}

static void print_fp(struct cpu *cpu, FILE *out)
{
	fprintf(out, "fcsr      %08" PRIx32 "  fcc", cpu->fcsr);
	for (unsigned i = 0; i < 8; i++)
		fprintf(out, " %u", cpu->fcc[i]);
	fputc('\n', out);
	for (unsigned i = 0; i < 32; i++)
		fprintf(out, "f%-2u %016" PRIx64 " %-14.8g%s", i, cpu->vr[i].ud[0], cpu->vr[i].fd[0],
			i % 3 == 2 || i == 31 ? "\n" : "  ");
}

static void print_vector(struct cpu *cpu, FILE *out)
{
	for (unsigned i = 0; i < 32; i++)
		fprintf(out, "xr%-2u %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", i,
			cpu->vr[i].ud[3], cpu->vr[i].ud[2], cpu->vr[i].ud[1], cpu->vr[i].ud[0]);
}

static const struct group {
	const char *name;
	void (*print)(struct cpu *cpu, FILE *out);
} group_table[] = {
	{ "general", print_general }, { "csr", print_csrs },	  { "gcsr", print_guest_csrs },
	{ "fp", print_fp },	      { "vector", print_vector },
};

#define GROUP_COUNT (sizeof(group_table) / sizeof(group_table[0]))

const char *command_registers_word(struct command_context *context, unsigned argument, unsigned index)
{
	return index < GROUP_COUNT ? group_table[index].name : NULL;
}

void command_info_registers(struct command_call *call)
{
	const struct group *group = &group_table[0];
	bool all = false;

	for (unsigned i = 0; i < call->argc; i++) {
		const char *word = call->argv[i];
		size_t n = 0;

		if (strcmp(word, "-a") == 0) {
			all = true;
			continue;
		}
		while (n < GROUP_COUNT && strcmp(group_table[n].name, word))
			n++;
		if (n == GROUP_COUNT) {
			fprintf(call->out,
				"info registers %s: the groups are general, csr, gcsr, fp and vector\n",
				word);
			return;
		}
		group = &group_table[n];
	}
	for (unsigned id = 0; id < call->machine->group.count; id++) {
		struct cpu *cpu = call->machine->group.cpu[id];

		if (!all && cpu != call->cpu)
			continue;
		if (all)
			fprintf(call->out, "CPU#%u\n", id);
		group->print(cpu, call->out);
	}
}

bool command_register_get(struct cpu *cpu, const char *name, uint64_t *value)
{
	char *end;

	if (strcasecmp(name, "pc") == 0) {
		*value = cpu->pc;
		return true;
	}
	for (unsigned i = 0; i < 32; i++) {
		if (strcmp(name, gpr_name[i]))
			continue;
		*value = cpu->gpr[i];
		return true;
	}
	if (name[0] == 'r' && name[1] >= '0' && name[1] <= '9') {
		unsigned long number = strtoul(name + 1, &end, 10);

		if (!*end && number < 32) {
			*value = cpu->gpr[number];
			return true;
		}
	}
	if (strncasecmp(name, GUEST_PREFIX, strlen(GUEST_PREFIX)) == 0)
		return csr_peek(cpu, &cpu->guest, name + strlen(GUEST_PREFIX), value);
	return csr_peek(cpu, &cpu->root, name, value);
}

/* TLB */

static void print_size(FILE *out, unsigned ps)
{
	static const char unit[] = { ' ', 'K', 'M', 'G', 'T', 'P', 'E' };

	fprintf(out, "%4u%c", 1u << ps % 10, unit[ps / 10 % sizeof(unit)]);
}

/* One page of the pair: where it leads and what it allows. */
static void print_half(FILE *out, const struct tlb_entry *entry, unsigned half)
{
	static const char *const mat[] = { "SUC", "CC", "WUC", "?" };
	uint64_t elo = entry->elo[half];
	uint64_t mask = (UINT64_C(1) << entry->ps) - 1;

	if (!(elo & TLBELO_V)) {
		fprintf(out, "  %-26s", "invalid");
		return;
	}
	fprintf(out, "  %012" PRIx64 " %c%c%c plv%u%c %-3s", elo & CSR_VPN & PA_MASK & ~mask,
		elo & TLBELO_NR ? '-' : 'r', elo & TLBELO_D ? 'w' : '-', elo & TLBELO_NX ? '-' : 'x',
		(unsigned)(elo >> 2 & 3), elo & TLBELO_RPLV ? '!' : ' ', mat[elo >> 4 & 3]);
}

void command_info_tlb(struct command_call *call)
{
	static const unsigned stage[] = { [TLB_G1] = 1, [TLB_S2] = 2 };
	const struct tlb *tlb = &call->cpu->tlb;
	unsigned count = 0;
	char guest[16];

	command_guest_text(call->cpu, guest, sizeof(guest));
	fprintf(call->out, "CPU#%u, %s%sASID %u; rwx: allowed, plv: least privileged level (!: only that)\n",
		call->cpu->id, guest, *guest ? ", " : "", (unsigned)(call->cpu->csr->asid & ASID_MASK));
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		const struct tlb_entry *entry = &tlb->entry[i];

		if (!entry->valid)
			continue;
		count++;
		fprintf(call->out, "%4u %016" PRIx64, i, entry->vppn);
		print_size(call->out, entry->ps);
		if (entry->global)
			fputs(" global   ", call->out);
		else
			fprintf(call->out, " asid %-4u", entry->asid);
		print_half(call->out, entry, 0);
		print_half(call->out, entry, 1);
		if (entry->kind != TLB_ROOT)
			fprintf(call->out, "  stage %u of guest %u", stage[entry->kind], entry->gid);
		fputc('\n', call->out);
	}
	fprintf(call->out, "%u of %u entries are valid\n", count, TLB_ENTRIES);
}
