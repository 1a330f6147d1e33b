/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Reads and writes of any size anywhere in the devices of a whole machine, while time goes on: MMIO,
 * IOCSR space, PCI configuration space, BARs.  No core runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "machine/soc/uart.h"
#include "tests/fuzz/fixture.h"
#include "tests/fuzz/input.h"

/* One step of an input. */
struct step {
	uint8_t kind;
	bool write;
	unsigned size; /* 1, 2, 4, 8 */
	uint8_t which; /* region, core, function... */
	uint16_t offset;
	uint64_t value;
};

#define STEP_BYTES 12

static struct machine *machine;
static FILE *nowhere;

static struct step step_take(struct input *input)
{
	uint8_t head = (uint8_t)input_take(input, 1);
	struct step step = { .kind = head & 0x1f, .write = head >> 5 & 1, .size = 1u << (head >> 6) };

	step.which = (uint8_t)input_take(input, 1);
	step.offset = (uint16_t)input_take(input, 2);
	step.value = input_take(input, 8);
	return step;
}

static void access_bus(const struct step *step, uint64_t pa)
{
	uint64_t value;

	if (bus_ram(&machine->bus, pa, step->size))
		return;
	if (step->write)
		bus_mmio_write(&machine->bus, pa, step->size, step->value);
	else
		bus_mmio_read(&machine->bus, pa, step->size, &value);
}

/* In a region, or a few bytes before or behind it. */
static void access_region(const struct step *step)
{
	const struct mmio_region *region = &machine->bus.region[step->which % machine->bus.region_count];
	uint64_t span = region->size < 0xfff0 ? region->size + 16 : 0x10000;

	access_bus(step, region->base - 8 + step->offset % span);
}

static void access_iocsr(const struct step *step)
{
	const struct cpu *cpu = machine->group.cpu[step->which % machine->group.count];

	if (step->write)
		cpu->iocsr.write(cpu->iocsr.opaque, cpu->id, step->offset, step->size, step->value);
	else
		cpu->iocsr.read(cpu->iocsr.opaque, cpu->id, step->offset, step->size);
}

static void access_config(const struct step *step)
{
	uint64_t offset = step->offset & 0xfff;

	access_bus(step, machine->pci.layout.ecam_base + ((uint64_t)(step->which & 0x3f) << 12) + offset);
}

static void access_bars(const struct step *step)
{
	access_bus(step, FIXTURE_BARS + ((step->which & 3u) << 20) + ((step->which >> 2 & 7u) << 16) +
				 (step->offset & 0x3fff));
}

/* Time goes on by nothing, a little, or years, and what is due happens. */
static void pass_time(const struct step *step)
{
	uint64_t deadline = clock_next_deadline(&machine->clock);

	machine->clock.virtual_now += step->value >> (step->which & 63);
	if (step->write && deadline != UINT64_MAX && deadline > machine->clock.virtual_now)
		machine->clock.virtual_now = deadline;
	for (unsigned i = 0; i < 4; i++)
		clock_run_timers(&machine->clock);
}

static void receive(const struct step *step)
{
	uart_receive(machine->uart[step->which % MACHINE_UARTS], (const uint8_t *)&step->value, step->size);
}

static void write_ram(const struct step *step)
{
	memcpy(machine->bus.ram + step->offset % (FIXTURE_RAM - 8), &step->value, step->size);
}

static void step_do(const struct step *step)
{
	switch (step->kind) {
	case 0 ... 9:
		access_region(step);
		break;
	case 10 ... 14:
		access_iocsr(step);
		break;
	case 15 ... 18:
		access_config(step);
		break;
	case 19 ... 23:
		access_bars(step);
		break;
	case 24:
		access_bus(step, (uint64_t)step->which << 40 | (uint64_t)step->offset << 16 |
					 (step->value & 0xffff));
		break;
	case 25 ... 26:
		pass_time(step);
		break;
	case 27:
		receive(step);
		break;
	case 28:
		machine->press_power_button(machine);
		break;
	case 29:
		machine_print_devices(machine, nowhere);
		break;
	case 30:
		cpu_message_interrupt(machine->group.cpu[step->which % machine->group.count],
				      step->offset & 0xff);
		break;
	default:
		write_ram(step);
		break;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	machine = fixture_create("max");
	nowhere = fopen("/dev/null", "w");
	return nowhere ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	fixture_reset(machine);
	fixture_trace(machine, input_take(&input, 1) >> 7);
	fixture_map_pci(machine);
	while (input.size >= STEP_BYTES) {
		struct step step = step_take(&input);

		step_do(&step);
	}
	machine_print_stats(machine, nowhere);
	return 0;
}
