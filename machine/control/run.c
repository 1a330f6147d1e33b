/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * "bixi run": puts a machine together from the options, runs it, and says how it ended.
 */
#include "machine/control/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "machine/board/machine.h"
#include "machine/control/confine.h"
#include "machine/control/disks.h"
#include "machine/control/network.h"
#include "machine/control/options.h"
#include "machine/control/qemu.h"
#include "machine/control/serial.h"
#include "machine/control/servers.h"
#include "machine/control/shares.h"
#include "machine/control/snapshot.h"
#include "machine/control/stats.h"
#include "machine/control/trace.h"
#include "machine/firmware/flash_start.h"
#include "machine/firmware/platform.h"
#include "machine/firmware/start.h"
#include "machine/host/chardev.h"
#include "machine/jit/jit.h"
#include "machine/jit/x86.h"
#include "machine/virtio/mmio.h"
#include "machine/virtio/virtio.h"

#define ERROR_SIZE IMAGE_ERROR_SIZE

/* Everything a run owns beside the machine. */
struct run {
	struct run_options options;
	struct trace_writer trace;
	struct machine *machine;
	struct serial serial[OPTIONS_MAX_SERIALS];
	struct chardev *console;
	struct disk disk[OPTIONS_MAX_DISKS];
	struct virtio_device *virtio_console, *rng;
	struct share share[OPTIONS_MAX_SHARES];
	struct network network[OPTIONS_MAX_NETS];
	struct servers servers;
	struct boot_request boot;
	struct flash_start *flash; /* NULL: direct start */
	char cpu_name[24];	   /* "Loongson-3A5000" */
	uint8_t seed[PLATFORM_SEED_SIZE];
	bool loaded; /* images are in RAM for the first start */
	char error[ERROR_SIZE];
};

/* The sentence in run->error goes to the user. */
static int run_refuse(struct run *run)
{
	return usage_error("%s", run->error);
}

static void key_exit(void *opaque)
{
	struct run *run = opaque;

	atomic_store(&run->servers.control.key_asked, true);
	machine_request(run->machine, MACHINE_REQUEST_EXIT, EXIT_STATUS_OK);
}

/* A deterministic machine's randomness is fixed; any other's comes from the host. */
static void fill_seed(struct run *run)
{
	for (size_t i = 0; i < sizeof(run->seed); i++)
		run->seed[i] = (uint8_t)(i * 37 + 11);
	if (!run->options.deterministic)
		(void)!getrandom(run->seed, sizeof(run->seed), 0);
}

/* Puts the images into RAM and the instructions that enter the kernel where every core begins. */
static int load_images(struct run *run)
{
	struct boot_layout layout;
	int error;

	if (!run->flash && !run->boot.kernel) {
		snprintf(run->error, ERROR_SIZE,
			 "the guest rebooted, but --load was given without -k KERNEL");
		return -ENOENT;
	}
	fill_seed(run);
	if (run->flash)
		return flash_start_load(run->flash, run->error);
	error = firmware_start(&run->machine->bus, &run->boot, &layout, run->error);
	if (!error)
		error = machine_set_boot_rom(run->machine, layout.boot_rom, layout.boot_rom_size);
	return error;
}

/* machine->reset_hook: a reboot starts from the files again; the first start has them in RAM already. */
static int reset_images(struct machine *machine, void *opaque)
{
	struct run *run = opaque;

	if (run->loaded) {
		run->loaded = false;
		return 0;
	}
	return load_images(run);
}

/* jit_options.differs: what is wrong has been said. */
static void end_failed(void *opaque)
{
	struct run *run = opaque;

	machine_request(run->machine, MACHINE_REQUEST_EXIT, EXIT_STATUS_FAILED);
}

/* What executes the guest's code, as --engine says. */
static int create_engine(struct run *run)
{
	const struct jit_options options = {
		.features = run->options.host_features,
		.cache_bytes = JIT_CACHE_DEFAULT,
		.strict_llsc = run->options.strict_llsc,
		.perf_map = run->options.perf_map,
		.dump = run->options.jit_dump,
		.dumps = run->options.jit_dump_count,
		.check = run->options.engine == ENGINE_CHECK,
		.differs = end_failed,
		.opaque = run,
	};

	if (run->options.engine == ENGINE_INTERP)
		return 0;
	return jit_create(&run->machine->group, &options, run->error, ERROR_SIZE);
}

static int create_machine(struct run *run)
{
	const struct run_options *options = &run->options;
	const struct machine_config config = {
		.board = options->machine,
		.cpu_model = options->cpu.name,
		.cpus = options->cpus,
		.ram_size = options->ram_size,
		.seed = 1,
		.deterministic = options->deterministic,
		.no_reboot = options->no_reboot,
		.trace = &run->trace.trace,
	};

	if (machine_create(&run->machine, &config, run->error, ERROR_SIZE))
		return run_refuse(run);
	if (create_engine(run))
		return run_refuse(run);
	/* The model's chip name is what IOCSR answers: up to 8 characters in a register. */
	snprintf(run->cpu_name, sizeof(run->cpu_name), "Loongson-%.8s",
		 (const char *)&options->cpu.iocsr_chip);
	run->boot = (struct boot_request){
		.kernel = options->kernel,
		.initrd = options->initrd,
		.cmdline = options->append,
		.cpus = options->cpus,
		.cpu_name = run->cpu_name,
		.seed = run->seed,
	};
	run->machine->reset_hook = reset_images;
	run->machine->reset_opaque = run;
	if (options->firmware && flash_start_create(&run->flash, run->machine, options->firmware,
						    options->vars, &run->boot, run->error))
		return run_refuse(run);
	return -1;
}

/* For the first start, when all devices are there that the tables describe. */
static int load_first(struct run *run)
{
	if (run->machine->virtio_mmio)
		run->boot.virtio_mmio = virtio_mmio_used(run->machine->virtio_mmio);
	if (run->options.load)
		return -1; /* RAM comes from the snapshot */
	if (load_images(run))
		return run_refuse(run);
	run->loaded = true;
	return -1;
}

/* Where the next virtio device goes. */
static struct virtio_place next_place(struct run *run, const struct place_option *option)
{
	return (struct virtio_place){
		.pci = &run->machine->pci,
		.devfn = PCI_DEVFN_AUTO,
		.mmio = option->mmio ? run->machine->virtio_mmio : NULL,
		.clock = &run->machine->clock,
		.packed = option->packed,
	};
}

static int open_character_devices(struct run *run)
{
	const struct virtio_place place = next_place(run, &run->options.console_place);
	const struct chardev_keys keys = { .exit = key_exit, .opaque = run };
	const struct run_options *options = &run->options;

	for (unsigned i = 0; i < options->serial_count; i++) {
		if (serial_open(&run->serial[i], options->serial[i], run->machine, i, &keys, run->error,
				ERROR_SIZE))
			return run_refuse(run);
	}
	if (!options->console)
		return -1;
	if (chardev_open(&run->console, options->console, &run->machine->loop, &keys, run->error, ERROR_SIZE))
		return run_refuse(run);
	if (strcmp(options->console, "pty") == 0)
		fprintf(stderr, "bixi: the virtio console is %s\n", chardev_where(run->console));
	if (virtio_console_create(&run->virtio_console, &place, run->console, &run->machine->loop))
		return usage_error("--console %s: no place left for the device", options->console);
	return -1;
}

static void disks_state(void *opaque, struct state *state)
{
	struct run *run = opaque;

	for (unsigned i = 0; i < run->options.disk_count; i++)
		disk_state(&run->disk[i], state);
}

/* The machine takes the state of the snapshot, now that all of its parts are there. */
static int load_snapshot(struct run *run)
{
	const char *file = run->options.load;
	char error[ERROR_SIZE];

	if (file && snapshot_load(run->machine, file, error, sizeof(error)))
		return usage_error("--load %s: %s", file, error);
	return -1;
}

static int open_disks(struct run *run)
{
	for (unsigned i = 0; i < run->options.disk_count; i++) {
		const struct disk_option *option = &run->options.disk[i];
		const struct virtio_place place = next_place(run, &option->place);

		if (disk_open(&run->disk[i], option, i, &place, run->error, ERROR_SIZE))
			return run_refuse(run);
	}
	if (machine_add_state(run->machine, "disks", disks_state, run))
		return usage_error("--disk: too many devices for this machine");
	return -1;
}

static int open_shares(struct run *run)
{
	for (unsigned i = 0; i < run->options.share_count; i++) {
		const struct share_option *option = &run->options.share[i];
		const struct virtio_place place = next_place(run, &option->place);

		if (share_open(&run->share[i], option, &place, run->error, ERROR_SIZE))
			return run_refuse(run);
	}
	return -1;
}

static int open_networks(struct run *run)
{
	for (unsigned i = 0; i < run->options.net_count; i++) {
		const struct net_option *option = &run->options.net[i];
		const struct virtio_place place = next_place(run, &option->place);

		if (network_open(&run->network[i], option, &place, &run->machine->loop, run->error,
				 ERROR_SIZE))
			return run_refuse(run);
	}
	return -1;
}

static int open_rng(struct run *run)
{
	const struct virtio_place place = next_place(run, &run->options.rng_place);

	if (run->options.rng && virtio_rng_create(&run->rng, &place, &run->machine->loop))
		return usage_error("--rng: no place left for the device");
	return -1;
}

static void reset_virtio(void *opaque)
{
	virtio_device_reset(opaque);
}

/* A virtio device goes back to power-on with the machine, and is part of its snapshots. */
static int add_device(struct run *run, struct virtio_device *device)
{
	struct machine *machine = run->machine;

	if (device && (machine_add_reset(machine, reset_virtio, device) ||
		       machine_add_drain(machine, virtio_device_drain, device) ||
		       machine_add_state(machine, virtio_device_name(device), virtio_device_state, device)))
		return usage_error("%s: too many devices for this machine", virtio_device_name(device));
	return -1;
}

static int add_devices(struct run *run)
{
	int status = add_device(run, run->virtio_console);

	for (unsigned i = 0; i < OPTIONS_MAX_DISKS && status < 0; i++)
		status = add_device(run, run->disk[i].device);
	for (unsigned i = 0; i < OPTIONS_MAX_SHARES && status < 0; i++)
		status = add_device(run, run->share[i].device);
	for (unsigned i = 0; i < OPTIONS_MAX_NETS && status < 0; i++)
		status = add_device(run, run->network[i].device);
	if (status < 0)
		status = add_device(run, run->rng);
	return status;
}

static int open_servers(struct run *run)
{
	const struct control_parts parts = { .options = &run->options,
					     .serial = run->serial,
					     .disk = run->disk };

	if (servers_open(&run->servers, run->machine, &parts, run->console, run->error, ERROR_SIZE))
		return run_refuse(run);
	return -1;
}

/* How the machine ended, as an exit status. */
static int end_status(const struct run *run, const struct machine_result *result)
{
	switch (result->end) {
	case MACHINE_POWEROFF:
		return EXIT_STATUS_OK;
	case MACHINE_REBOOT:
		return EXIT_STATUS_REBOOT;
	case MACHINE_EXIT:
		return result->code;
	default:
		fprintf(stderr, "bixi: the machine stopped: %s\n",
			run->error[0] ? run->error : strerror(-result->code));
		return EXIT_STATUS_FAILED;
	}
}

static int run_machine(struct run *run)
{
	const struct run_options *options = &run->options;
	struct machine_result result;

	trace_writer_start(&run->trace, options->trace_events, &run->machine->clock);
	confine(options);
	result = machine_run(run->machine);
	servers_close(&run->servers); /* they use the serial ports */
	atomic_store(&run->trace.trace.enabled, 0);
	/* Output the guest made stands before ours. */
	for (unsigned i = 0; i < options->serial_count; i++)
		serial_close(&run->serial[i]);
	if (options->stats)
		stats_print(run->machine, stderr);
	if (options->jit_stats)
		jit_print_stats(&run->machine->group, stderr,
				options->deterministic ? 0 : (double)run->machine->run_ns / 1e9);
	if (options->engine == ENGINE_CHECK)
		jit_print_check(&run->machine->group, stderr);
	if (options->jit_dump_count)
		jit_print_dump(&run->machine->group, stderr);
	return end_status(run, &result);
}

static void run_destroy(struct run *run)
{
	servers_close(&run->servers);
	for (unsigned i = 0; i < OPTIONS_MAX_SERIALS; i++)
		serial_close(&run->serial[i]);
	virtio_device_destroy(run->virtio_console);
	virtio_device_destroy(run->rng);
	for (unsigned i = 0; i < OPTIONS_MAX_DISKS; i++)
		disk_close(&run->disk[i]);
	for (unsigned i = 0; i < OPTIONS_MAX_SHARES; i++)
		share_close(&run->share[i]);
	for (unsigned i = 0; i < OPTIONS_MAX_NETS; i++)
		network_close(&run->network[i]);
	if (run->console)
		chardev_close(run->console);
	if (run->machine) {
		jit_destroy(&run->machine->group);
		machine_destroy(run->machine);
	}
	if (run->flash)
		flash_start_destroy(run->flash);
	options_free(&run->options);
}

int run_main(int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	int status, error;

	if (!run)
		return usage_error("out of memory");
	status = options_parse(&run->options, argc - 1, argv + 1);
	if (status < 0 && run->options.qemu)
		status = qemu_exec(&run->options);
	if (status >= 0) {
		options_free(&run->options);
		free(run);
		return status;
	}
	error = trace_writer_open(&run->trace, run->options.trace_events, run->options.trace_file);
	if (error) {
		status = usage_error("--trace %s: %s", run->options.trace_file, strerror(-error));
		options_free(&run->options);
		free(run);
		return status;
	}
	status = create_machine(run);
	if (status < 0)
		status = open_character_devices(run);
	if (status < 0)
		status = open_disks(run);
	if (status < 0)
		status = open_shares(run);
	if (status < 0)
		status = open_networks(run);
	if (status < 0)
		status = open_rng(run);
	if (status < 0)
		status = load_first(run);
	if (status < 0)
		status = add_devices(run);
	if (status < 0)
		status = load_snapshot(run);
	if (status < 0)
		status = open_servers(run);
	if (status < 0)
		status = run_machine(run);
	error = trace_writer_close(&run->trace);
	if (error)
		usage_error("--trace: the trace could not be written whole: %s", strerror(-error));
	run_destroy(run);
	free(run);
	return status;
}
