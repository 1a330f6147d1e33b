/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The monitor's "info irq": what is pending and what lets it through, along the way an interrupt takes,
 * from the core back to EXTIOI and the bridge's PCH-PIC.
 */
#include <inttypes.h>

#include "machine/bridge/pch_pic.h"
#include "machine/control/command_impl.h"
#include "machine/cpu/exception.h"
#include "machine/soc/extioi.h"
#include "machine/soc/ipi.h"

/* Inputs of a core, bits of ECFG.LIE and ESTAT.IS. */
static const char *const line_name[] = { "SWI0", "SWI1", "HWI0", "HWI1", "HWI2", "HWI3", "HWI4", "HWI5",
					 "HWI6", "HWI7", "PMI",	 "TI",	 "IPI",	 "13",	 "AVEC" };

#define LINE_COUNT (sizeof(line_name) / sizeof(line_name[0]))

/* The machine's device of @type as the framework knows it, NULL if there is none. */
static struct device *find_device(struct machine *machine, const struct device_type *type)
{
	for (unsigned i = 0; i < machine->device_count; i++)
		if (machine->device[i]->type == type)
			return machine->device[i];
	return NULL;
}

static void print_lines(FILE *out, const char *what, uint64_t lines)
{
	fprintf(out, "  %s:", what);
	for (unsigned i = 0; i < LINE_COUNT; i++)
		if (lines >> i & 1)
			fprintf(out, " %s", line_name[i]);
	fputs(lines ? "\n" : " none\n", out);
}

static void print_enables(const struct csr_file *csr, FILE *out)
{
	fprintf(out, "interrupts %s, vector spacing %u", csr->crmd & CRMD_IE ? "on" : "off",
		(unsigned)(csr->ecfg >> 16 & 7));
}

/* Of a guest that waits for interrupts or has some: whether it runs at the moment is all the same. */
static void print_guest(struct cpu *cpu, uint64_t lines, FILE *out)
{
	const uint64_t gintc = cpu->root.gintc;
	uint64_t pending = cpu_estat(cpu, CPU_GUEST) & lines, enabled = cpu->guest.ecfg & lines;

	if (!pending && !enabled)
		return;
	fprintf(out, "  guest %u: ", GSTAT_GID(cpu->root.gstat));
	print_enables(&cpu->guest, out);
	fputc('\n', out);
	print_lines(out, "  enabled", enabled);
	print_lines(out, "  pending", pending);
	print_lines(out, "  by GINTC.VIP", GINTC_VIP(gintc) << 2);
	print_lines(out, "  let through by GINTC.PIP", GINTC_PIP(gintc) << 2);
}

static void print_core(struct cpu *cpu, const struct ipi *ipi, FILE *out)
{
	const uint64_t lines = (UINT64_C(1) << LINE_COUNT) - 1;

	fprintf(out, "CPU#%u: ", cpu->id);
	print_enables(&cpu->root, out);
	fputs(atomic_load(&cpu->halted) ? ", idle\n" : "\n", out);
	print_lines(out, "enabled", cpu->root.ecfg & lines);
	print_lines(out, "pending", cpu_estat(cpu, CPU_ROOT) & lines);
	print_guest(cpu, lines, out);
	if (ipi && ipi->core[cpu->id].status)
		fprintf(out, "  IPI status %08" PRIx32 " enable %08" PRIx32 "\n", ipi->core[cpu->id].status,
			ipi->core[cpu->id].enable);
	for (unsigned word = 0; word < 4; word++)
		if (atomic_load(&cpu->message_pending[word]))
			fprintf(out, "  message vectors %u-%u: %016" PRIx64 "\n", word * 64, word * 64 + 63,
				atomic_load(&cpu->message_pending[word]));
}

static bool bit(const uint64_t *words, unsigned n)
{
	return words[n / 64] >> (n % 64) & 1;
}

static void print_extioi(struct extioi *extioi, FILE *out)
{
	fprintf(out, "EXTIOI: %s\n", extioi->enabled ? "delivers" : "does not deliver (IOCSR 0x420)");
	for (unsigned number = 0; number < extioi->nodes; number++) {
		const struct extioi_node *node = &extioi->node[number];

		for (unsigned vector = 0; vector < EXTIOI_VECTORS; vector++) {
			bool enabled = bit(node->enable, vector), came = bit(node->isr, vector),
			     level = bit(node->level, vector);

			/* Other nodes only say what is routed through them. */
			if (!came && !level && (!enabled || number))
				continue;
			if (enabled && !came && !level && !node->route[vector])
				continue;
			fprintf(out, "  node %u vector %3u: %s%s%s, route %02x", number, vector,
				enabled ? "enabled" : "disabled", level ? ", wire high" : "",
				came ? ", came" : "", node->route[vector]);
			if (node->target[vector] != EXTIOI_NO_CORE)
				fprintf(out, ", at CPU#%u", node->target[vector]);
			fputc('\n', out);
		}
	}
	for (unsigned core = 0; core < extioi->cores; core++)
		if (extioi->lines[core])
			fprintf(out, "  drives inputs %02x of CPU#%u (bit n: HWIn)\n", extioi->lines[core],
				core);
}

static void print_pic(struct pch_pic *pic, FILE *out)
{
	bool any = false;

	fputs("PCH-PIC:\n", out);
	for (unsigned pin = 0; pin < PCH_PIC_PINS; pin++) {
		const uint64_t one = UINT64_C(1) << pin;

		if (pic->mask & one && !(pic->input & one) && !(pic->recorded & one))
			continue;
		fprintf(out, "  pin %2u: %s, %s-triggered%s%s%s, vector %u", pin,
			pic->mask & one ? "masked" : "enabled", pic->edge & one ? "edge" : "level",
			pic->polarity & one ? " active low" : "", pic->input & one ? ", input high" : "",
			pic->recorded & one ? ", edge recorded" : "", pic->vector[pin]);
		if (pic->sent[pin] != PCH_PIC_NO_VECTOR)
			fprintf(out, ", holds vector %d", pic->sent[pin]);
		fputc('\n', out);
		any = true;
	}
	if (!any)
		fputs("  all pins are masked and quiet\n", out);
}

void command_info_irq(struct command_call *call)
{
	struct machine *machine = call->machine;
	struct device *ipi = find_device(machine, &ipi_type), *extioi = find_device(machine, &extioi_type),
		      *pic = find_device(machine, &pch_pic_type);

	for (unsigned id = 0; id < machine->group.count; id++)
		print_core(machine->group.cpu[id], ipi ? device_of(ipi, struct ipi, dev) : NULL, call->out);
	/* Devices' own threads go on while the cores stand. */
	if (extioi) {
		pthread_mutex_lock(extioi->lock);
		print_extioi(device_of(extioi, struct extioi, dev), call->out);
		pthread_mutex_unlock(extioi->lock);
	}
	if (pic) {
		pthread_mutex_lock(pic->lock);
		print_pic(device_of(pic, struct pch_pic, dev), call->out);
		pthread_mutex_unlock(pic->lock);
	}
}
