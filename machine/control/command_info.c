/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The monitor's "info": the table of its subjects, and those about the machine as a whole. */
#include <inttypes.h>
#include <string.h>

#include "machine/control/command_impl.h"
#include "machine/control/control.h"
#include "machine/control/options.h"
#include "machine/control/serial.h"
#include "machine/control/trace.h"
#include "machine/jit/jit.h"

static void info_version(struct command_call *call)
{
	fprintf(call->out, "Bixi %s\n", BIXI_VERSION);
}

static void info_status(struct command_call *call)
{
	fprintf(call->out, "VM status: %s\n", machine_is_stopped(call->machine) ? "paused" : "running");
}

static void info_cpus(struct command_call *call)
{
	for (unsigned id = 0; id < call->machine->group.count; id++) {
		const struct cpu *cpu = call->machine->group.cpu[id];
		char guest[16];

		command_guest_text(cpu, guest, sizeof(guest));
		fprintf(call->out, "%c CPU #%u: pc=0x%016" PRIx64 " plv=%u%s%s%s%s thread_id=%d\n",
			cpu == call->cpu ? '*' : ' ', id, cpu->pc, cpu_plv(cpu), *guest ? " (" : "", guest,
			*guest ? ")" : "", atomic_load(&cpu->halted) ? " (idle)" : "",
			atomic_load(&call->machine->thread_id[id]));
	}
}

static void info_devices(struct command_call *call)
{
	bool found = false;

	if (!call->argc) {
		machine_print_devices(call->machine, call->out);
		return;
	}
	for (unsigned i = 0; i < call->machine->device_count; i++) {
		struct device *dev = call->machine->device[i];

		if (strcmp(dev->name, call->argv[0]))
			continue;
		device_print(dev, call->out);
		found = true;
	}
	if (found)
		return;
	fprintf(call->out, "%s is not a device; there are", call->argv[0]);
	for (unsigned i = 0; i < call->machine->device_count; i++)
		fprintf(call->out, "%s %s", i ? "," : "", call->machine->device[i]->name);
	fputc('\n', call->out);
}

static const char *devices_word(struct command_context *context, unsigned argument, unsigned index)
{
	const struct machine *machine = context->machine;

	return argument == 0 && index < machine->device_count ? machine->device[index]->name : NULL;
}

static void print_range(FILE *out, const char *name, const char *kind, uint64_t base, uint64_t size)
{
	fprintf(out, "  %016" PRIx64 "-%016" PRIx64 " (%s): %s\n", base, base + size - 1, kind, name);
}

static void info_mtree(struct command_call *call)
{
	const struct bus *bus = &call->machine->bus;

	fputs("physical address space:\n", call->out);
	for (unsigned i = 0; i < bus->range_count; i++)
		print_range(call->out, i ? "ram high" : "ram", "ram", bus->range[i].base, bus->range[i].size);
	if (bus->rom.size)
		print_range(call->out, "boot rom", "rom", bus->rom.base, bus->rom.size);
	for (unsigned i = 0; i < bus->region_count; i++)
		print_range(call->out, bus->region[i].name, "i/o", bus->region[i].base, bus->region[i].size);
}

static void print_bar(FILE *out, unsigned index, struct pci_bar *bar)
{
	static const char *const kind[] = { [PCI_BAR_IO] = "I/O",
					    [PCI_BAR_MEM32] = "32 bit memory",
					    [PCI_BAR_MEM64] = "64 bit memory",
					    [PCI_BAR_MEM64_PREFETCH] = "64 bit prefetchable memory" };
	uint64_t base = atomic_load(&bar->base);

	fprintf(out, "      BAR%u: %s", index, kind[bar->type]);
	if (base == PCI_BAR_UNMAPPED)
		fprintf(out, ", 0x%" PRIx64 " bytes, not decoded\n", bar->size);
	else
		fprintf(out, " at 0x%08" PRIx64 " [0x%08" PRIx64 "].\n", base, base + bar->size - 1);
}

static void info_pci(struct command_call *call)
{
	struct pci_host *host = &call->machine->pci;

	for (unsigned devfn = 0; devfn < PCI_BUS_FUNCTIONS; devfn++) {
		struct pci_function *fn = host->function[devfn];

		if (!fn)
			continue;
		fprintf(call->out, "  Bus 0, device %3u, function %u:\n", devfn >> 3, devfn & 7);
		fprintf(call->out, "    class %06" PRIx64 ": PCI device %04" PRIx64 ":%04" PRIx64 " %s\n",
			pci_config_get(fn, PCI_CLASS, 3), pci_config_get(fn, PCI_VENDOR_ID, 2),
			pci_config_get(fn, PCI_DEVICE_ID, 2), fn->name);
		if (pci_config_get(fn, PCI_INTERRUPT_PIN, 1))
			fprintf(call->out, "      IRQ %" PRIu64 ", pin %c\n",
				pci_config_get(fn, PCI_INTERRUPT_LINE, 1),
				(char)('A' + pci_config_get(fn, PCI_INTERRUPT_PIN, 1) - 1));
		for (unsigned bar = 0; bar < PCI_BARS; bar++)
			if (fn->bar[bar].type != PCI_BAR_NONE)
				print_bar(call->out, bar, &fn->bar[bar]);
	}
}

static const struct run_options *options_of(struct command_call *call)
{
	const struct control *control = call->context->control;

	if (control && control->parts.options)
		return control->parts.options;
	fputs("how this machine was put together is not known here\n", call->out);
	return NULL;
}

static void info_block(struct command_call *call)
{
	const struct run_options *options = options_of(call);

	for (unsigned i = 0; options && i < options->disk_count; i++)
		fprintf(call->out, "disk%u: %s (raw%s%s)\n", i, options->disk[i].file,
			options->disk[i].read_only ? ", read-only" : "",
			options->disk[i].snapshot ? ", snapshot" : "");
}

static void info_network(struct command_call *call)
{
	const struct run_options *options = options_of(call);

	for (unsigned i = 0; options && i < options->net_count; i++) {
		const uint8_t *mac = options->net[i].mac;

		fprintf(call->out, "net%u: %s, macaddr=%02x:%02x:%02x:%02x:%02x:%02x\n", i,
			options->net[i].spec, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	}
}

static void info_chardev(struct command_call *call)
{
	const struct run_options *options = options_of(call);
	char where[COMMAND_LINE_MAX];

	for (unsigned i = 0; options && i < options->serial_count; i++) {
		control_serial_where(call->context->control, i, where, sizeof(where));
		fprintf(call->out, "serial%u: filename=%s\n", i, where);
	}
	if (options && options->console)
		fprintf(call->out, "console: filename=%s\n", options->console);
}

static void info_trace_events(struct command_call *call)
{
	for (unsigned event = 0; event < TRACE_EVENT_COUNT; event++)
		fprintf(call->out, "%s : state %d\n", trace_event_name(event),
			trace_on(call->machine->trace, event));
}

/* QEMU's name for it. */
static void info_jit(struct command_call *call)
{
	const struct cpu_group *group = &call->machine->group;
	const struct run_options *options = call->context->control ? options_of(call) : NULL;
	struct jit_stats stats;

	if (!group->translator.run) {
		fputs("engine: interp\n", call->out);
		return;
	}
	jit_get_stats(group, &stats);
	fprintf(call->out,
		"engine: %s\n%" PRIu64 " blocks of %" PRIu64 " instructions translated to %" PRIu64
		" bytes, %" PRIu64 " regions of the cache evicted, cache emptied %" PRIu64 " times\n",
		options && options->engine == ENGINE_CHECK ? "check" : "jit", stats.blocks, stats.guest_insns,
		stats.host_bytes, stats.evictions, stats.flushes);
}

static const struct command info_table[] = {
	{ "version", NULL, "", 0, 0, "the version of Bixi", .fn = info_version },
	{ "status", NULL, "", 0, 0, "whether the machine runs", .fn = info_status },
	{ "cpus", NULL, "", 0, 0, "the cores and where they are", .fn = info_cpus, .standing = true },
	{ "registers", NULL, "[-a] [csr|gcsr|fp|vector]", 0, 2, "registers of the core, -a: of all cores",
	  .fn = command_info_registers, .standing = true, .word = command_registers_word },
	{ "tlb", NULL, "", 0, 0, "the valid TLB entries of the core", .fn = command_info_tlb,
	  .standing = true },
	{ "irq", "pic", "", 0, 0, "interrupts on their way: cores, EXTIOI, PCH-PIC", .fn = command_info_irq,
	  .standing = true },
	{ "devices", NULL, "[NAME]", 0, 1, "the devices' registers by name", .fn = info_devices,
	  .standing = true, .word = devices_word },
	{ "mtree", "mem", "", 0, 0, "the physical address space", .fn = info_mtree },
	{ "pci", NULL, "", 0, 0, "the PCI functions", .fn = info_pci },
	{ "block", NULL, "", 0, 0, "the disks", .fn = info_block },
	{ "network", NULL, "", 0, 0, "the network cards", .fn = info_network },
	{ "chardev", NULL, "", 0, 0, "where the serial ports go", .fn = info_chardev },
	{ "jit", NULL, "", 0, 0, "what executes the guest's code", .fn = info_jit },
	{ "trace-events", NULL, "", 0, 0, "which trace events are written", .fn = info_trace_events },
};

#define INFO_COUNT (sizeof(info_table) / sizeof(info_table[0]))

const struct command *command_info_find(const char *name)
{
	return command_find(info_table, INFO_COUNT, name);
}

const char *command_info_word(struct command_context *context, unsigned argument, unsigned index)
{
	return argument == 0 && index < INFO_COUNT ? info_table[index].name : NULL;
}

void command_info(struct command_call *call)
{
	const struct command *row;

	if (!call->argc) {
		for (size_t i = 0; i < INFO_COUNT; i++)
			command_help(&info_table[i], "info ", call->out);
		return;
	}
	row = command_info_find(call->argv[0]);
	if (!row) {
		fprintf(call->out, "info %s: there is no such subject; help info lists them\n",
			call->argv[0]);
		return;
	}
	call->argc--;
	call->argv++;
	command_call(row, call);
}
