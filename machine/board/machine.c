/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Birth, reset and listing of a machine (machine.h); how it runs is in run.c. */
#include "machine/board/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "machine/board/run.h"
#include "machine/board/virt.h"
#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"

#define BOOT_ROM_BASE UINT64_C(0x1c000000)
#define DEFAULT_RAM   (UINT64_C(1) << 30)

static const struct board *const board_table[] = { &board_virt };

#define BOARD_COUNT (sizeof(board_table) / sizeof(board_table[0]))

const struct board *machine_board(unsigned index)
{
	return index < BOARD_COUNT ? board_table[index] : NULL;
}

const struct board *machine_board_find(const char *name)
{
	for (unsigned i = 0; i < BOARD_COUNT; i++)
		if (strcmp(board_table[i]->name, name) == 0)
			return board_table[i];
	return NULL;
}

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

/* Of machines without tracing: no event is ever enabled in it. */
static struct trace no_trace = { .emit = emit_nothing };

__attribute__((format(printf, 4, 5))) static int refuse(int err, char *error, size_t error_size,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return err;
}

static int check_config(struct machine *machine, const struct machine_config *given, char *error,
			size_t error_size)
{
	struct machine_config *config = &machine->config;

	*config = *given;
	config->board = config->board ? config->board : "virt";
	config->cpu_model = config->cpu_model ? config->cpu_model : "max";
	config->cpus = config->cpus ? config->cpus : 1;
	config->ram_size = config->ram_size ? config->ram_size : DEFAULT_RAM;
	config->entry = config->entry ? config->entry : BOOT_ROM_BASE;
	machine->trace = config->trace ? config->trace : &no_trace;
	machine->board = machine_board_find(config->board);
	if (!machine->board)
		return refuse(-EINVAL, error, error_size, "there is no machine type \"%s\"", config->board);
	if (!cpu_model_parse(&machine->model, config->cpu_model))
		return refuse(-EINVAL, error, error_size, "there is no processor model \"%s\"",
			      config->cpu_model);
	config->cpu_model = machine->model.name;
	if (config->cpus > CPU_MAX)
		return refuse(-EINVAL, error, error_size, "%u cores are too many: at most %u are possible",
			      config->cpus, CPU_MAX);
	return 0;
}

static int create_cpu(struct machine *machine, unsigned id)
{
	/* The soft TLB wants whole cache lines. */
	struct cpu *cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~(size_t)63);
	int err;

	if (!cpu)
		return -ENOMEM;
	err = cpu_init(cpu, id, &machine->model, &machine->group, &machine->bus, &machine->clock,
		       machine->trace, machine->config.seed);
	if (err) {
		free(cpu);
		return err;
	}
	cpu->reset_pc = machine->config.entry;
	return interp_init(cpu, machine->config.cpus);
}

static int create_cpus(struct machine *machine)
{
	int err = reserve_init(&machine->group);

	machine->group.parallel = !machine->config.deterministic;
	for (unsigned id = 0; id < machine->config.cpus && !err; id++)
		err = create_cpu(machine, id);
	return err;
}

static void destroy_cpus(struct machine *machine)
{
	for (unsigned id = 0; id < machine->group.count; id++) {
		interp_destroy(machine->group.cpu[id]);
		cpu_destroy(machine->group.cpu[id]);
		free(machine->group.cpu[id]);
	}
	reserve_destroy(&machine->group);
}

/* Everything but the board's devices. */
static int create_core(struct machine *machine, char *error, size_t error_size)
{
	int err;

	err = bus_init(&machine->bus, machine->config.ram_size, machine->trace);
	if (err)
		return refuse(err, error, error_size, "no %" PRIu64 " MiB of guest memory to be had: %s",
			      machine->config.ram_size >> 20, strerror(-err));
	clock_init(&machine->clock, machine->config.deterministic, machine->config.seed);
	err = event_loop_init(&machine->loop, &machine->clock);
	if (err) {
		clock_destroy(&machine->clock);
		bus_destroy(&machine->bus);
		return refuse(err, error, error_size, "the host gives no event loop: %s", strerror(-err));
	}
	pthread_mutex_init(&machine->lock, NULL);
	pthread_mutex_init(&machine->stop_lock, NULL);
	pthread_cond_init(&machine->changed, NULL);
	return 0;
}

static void destroy_core(struct machine *machine)
{
	destroy_cpus(machine);
	free(machine->boot_rom);
	event_loop_destroy(&machine->loop);
	clock_destroy(&machine->clock);
	bus_destroy(&machine->bus);
	pthread_cond_destroy(&machine->changed);
	pthread_mutex_destroy(&machine->stop_lock);
	pthread_mutex_destroy(&machine->lock);
}

int machine_create(struct machine **result, const struct machine_config *config, char *error,
		   size_t error_size)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int err;

	*result = NULL;
	if (!machine)
		return refuse(-ENOMEM, error, error_size, "out of memory");
	err = check_config(machine, config, error, error_size);
	if (!err)
		err = create_core(machine, error, error_size);
	if (err) {
		free(machine);
		return err;
	}
	err = create_cpus(machine);
	if (err)
		refuse(err, error, error_size, "no memory for %u cores", machine->config.cpus);
	else
		err = machine->board->create(machine, error, error_size);
	if (err) {
		destroy_core(machine);
		free(machine);
		return err;
	}
	*result = machine;
	return 0;
}

void machine_destroy(struct machine *machine)
{
	machine->board->destroy(machine);
	destroy_core(machine);
	free(machine);
}

static void restore_boot_rom(struct machine *machine)
{
	if (machine->boot_rom)
		memcpy(bus_rom_content(&machine->bus), machine->boot_rom, machine->boot_rom_size);
}

int machine_set_boot_rom(struct machine *machine, const void *image, size_t size)
{
	uint8_t *copy;

	if (!size || size > machine->bus.rom.size)
		return -EFBIG;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, image, size);
	free(machine->boot_rom);
	machine->boot_rom = copy;
	machine->boot_rom_size = size;
	restore_boot_rom(machine);
	return 0;
}

int machine_add_reset(struct machine *machine, void (*fn)(void *opaque), void *opaque)
{
	if (machine->reset_count == MACHINE_MAX_RESETS)
		return -ENOSPC;
	machine->reset_entry[machine->reset_count++] = (struct machine_reset_entry){ fn, opaque };
	return 0;
}

int machine_add_device(struct machine *machine, struct device *device)
{
	if (machine->device_count == MACHINE_MAX_DEVICES)
		return -ENOSPC;
	machine->device[machine->device_count++] = device;
	return 0;
}

int machine_add_state(struct machine *machine, const char *name,
		      void (*fn)(void *opaque, struct state *state), void *opaque)
{
	if (machine->state_count == MACHINE_MAX_STATES)
		return -ENOSPC;
	machine->state_entry[machine->state_count++] = (struct machine_state_entry){ name, fn, opaque };
	return 0;
}

int machine_add_drain(struct machine *machine, void (*drain)(void *opaque), void *opaque)
{
	if (machine->drain_count == MACHINE_MAX_STATES)
		return -ENOSPC;
	machine->drain_entry[machine->drain_count++] = (struct machine_drain_entry){ drain, opaque };
	return 0;
}

void machine_listen(struct machine *machine, struct machine_listener *listener)
{
	struct machine_listener **link = &machine->listeners;

	while (*link)
		link = &(*link)->next;
	listener->next = NULL;
	*link = listener;
}

void machine_tell(struct machine *machine, enum machine_event event)
{
	for (struct machine_listener *l = machine->listeners; l; l = l->next)
		l->fn(l->opaque, event);
}

/* Cores last: devices' resets drop the lines into them. */
int machine_reset(struct machine *machine)
{
	int err;

	for (unsigned i = 0; i < machine->reset_count; i++)
		machine->reset_entry[i].fn(machine->reset_entry[i].opaque);
	for (unsigned i = 0; i < machine->device_count; i++)
		device_reset(machine->device[i]);
	restore_boot_rom(machine);
	for (unsigned id = 0; id < machine->group.count; id++)
		cpu_reset(machine->group.cpu[id]);
	err = machine->reset_hook ? machine->reset_hook(machine, machine->reset_opaque) : 0;
	/* Kernel and ROM are there anew. */
	bus_written(&machine->bus, machine->bus.ram, machine->bus.ram_size + machine->bus.rom.size);
	return err;
}

void machine_print_devices(struct machine *machine, FILE *file)
{
	for (unsigned i = 0; i < machine->device_count; i++)
		device_print(machine->device[i], file);
}

void machine_print_stats(struct machine *machine, FILE *file)
{
	uint64_t reads = atomic_load(&machine->bus.mmio_reads),
		 writes = atomic_load(&machine->bus.mmio_writes);
	double seconds = (double)machine->run_ns / 1e9;

	fprintf(file, "bixi: MMIO reads       %15" PRIu64 "\nbixi: MMIO writes      %15" PRIu64 "\n", reads,
		writes);
	if (!machine->config.deterministic && seconds > 0)
		fprintf(file, "bixi: MMIO accesses   %15.0f /s\n", (double)(reads + writes) / seconds);
	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device *dev = machine->device[i];

		if (dev->reads || dev->writes)
			fprintf(file, "bixi: %-16s %15" PRIu64 " reads, %" PRIu64 " writes\n", dev->name,
				dev->reads, dev->writes);
	}
}
