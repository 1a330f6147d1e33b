/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The fuzzers' machine (fixture.h). */
#include "tests/fuzz/fixture.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/control/trace.h"
#include "machine/host/block.h"
#include "machine/host/chardev.h"
#include "machine/soc/uart.h"
#include "machine/virtio/virtio.h"

#define DISK_SIZE (64u << 10)

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "the fuzzer's machine: %s: %s\n", what, why);
	abort();
}

static void swallow(void *opaque, const uint8_t *data, size_t size)
{
	uint8_t *last = opaque;

	for (size_t i = 0; i < size; i++)
		*last ^= data[i]; /* so that a sanitizer sees it read */
}

static void reset_virtio(void *opaque)
{
	virtio_device_reset(opaque);
}

static int add_device(struct machine *machine, struct virtio_device *device)
{
	if (machine_add_reset(machine, reset_virtio, device) ||
	    machine_add_drain(machine, virtio_device_drain, device))
		return -1;
	return machine_add_state(machine, virtio_device_name(device), virtio_device_state, device);
}

static struct virtio_place next_place(struct machine *machine)
{
	return (struct virtio_place){ .pci = &machine->pci,
				      .devfn = PCI_DEVFN_AUTO,
				      .clock = &machine->clock };
}

static void add_disk(struct machine *machine)
{
	const struct virtio_place place = next_place(machine);
	const struct block_options options = { .snapshot = true };
	int fd = memfd_create("disk", 0);
	struct virtio_device *device;
	struct block *block;
	char path[64], error[512];

	if (fd < 0 || ftruncate(fd, DISK_SIZE))
		give_up("disk", "no memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (block_open(&block, path, &options, &machine->clock, error, sizeof(error)))
		give_up("disk", error);
	close(fd);
	if (virtio_blk_create(&device, &place, block, "fuzz") || add_device(machine, device))
		give_up("disk", "no place on the bus");
}

static void add_console(struct machine *machine)
{
	const struct virtio_place place = next_place(machine);
	struct virtio_device *device;
	struct chardev *chardev;
	char error[512];

	if (chardev_open(&chardev, "null", &machine->loop, NULL, error, sizeof(error)))
		give_up("console", error);
	if (virtio_console_create(&device, &place, chardev, &machine->loop) || add_device(machine, device))
		give_up("console", "no place on the bus");
}

void fixture_trace(struct machine *machine, bool on)
{
	trace_writer_start((struct trace_writer *)machine->trace, on ? (1u << TRACE_EVENT_COUNT) - 1 : 0,
			   &machine->clock);
}

struct machine *fixture_create(const char *cpu_model)
{
	struct trace_writer *trace = malloc(sizeof(*trace));
	const struct machine_config config = {
		.cpu_model = cpu_model,
		.cpus = FIXTURE_CORES,
		.ram_size = FIXTURE_RAM,
		.seed = 1,
		.deterministic = true,
		.trace = &trace->trace,
	};
	static uint8_t sink;
	const struct uart_backend backend = { .write = swallow, .opaque = &sink };
	struct machine *machine;
	char error[512];

	if (!trace || trace_writer_open(trace, 1, "/dev/null"))
		give_up("trace", "no memory");
	if (machine_create(&machine, &config, error, sizeof(error)))
		give_up("machine", error);
	machine->bus.rom.size = 0;
	ASAN_POISON_MEMORY_REGION(machine->bus.ram + FIXTURE_RAM, BUS_ROM_MAX);
	for (unsigned i = 0; i < MACHINE_UARTS; i++)
		uart_attach(machine->uart[i], &backend);
	add_disk(machine);
	add_console(machine);
	for (unsigned id = 0; id < machine->group.count; id++)
		machine->group.cpu[id]->reset_pc = 0;
	return machine;
}

void fixture_reset(struct machine *machine)
{
	struct bus *bus = &machine->bus;

	if (machine_reset(machine))
		give_up("machine", "it does not reset");
	if (clock_next_deadline(&machine->clock) != UINT64_MAX)
		give_up("machine", "a timer is armed after reset");
	machine->clock.virtual_now = 0;
	memset(bus->ram, 0, bus->ram_size);
	for (size_t page = 0; page < bus->ram_size / BUS_PAGE_SIZE; page++)
		atomic_store(&bus->ram_page_flags[page], RAM_PAGE_PLAIN);
}

void fixture_map_pci(struct machine *machine)
{
	struct pci_host *host = &machine->pci;
	uint32_t number = 0;

	for (unsigned devfn = 0; devfn < PCI_BUS_FUNCTIONS; devfn++) {
		const struct pci_function *fn = host->function[devfn];

		if (!fn)
			continue;
		for (uint32_t bar = 0; bar < PCI_BARS; bar++)
			if (fn->bar[bar].type != PCI_BAR_NONE)
				pci_config_write(host, devfn, PCI_BAR0 + 4 * bar, 4,
						 FIXTURE_BARS + (number << 20) + (bar << 16));
		pci_config_write(host, devfn, PCI_COMMAND, 2,
				 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		number++;
	}
}
