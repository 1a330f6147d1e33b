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
#include "machine/control/options.h"
#include "machine/control/qemu.h"
#include "machine/control/serial.h"
#include "machine/control/stats.h"
#include "machine/control/trace.h"
#include "machine/firmware/platform.h"
#include "machine/firmware/start.h"
#include "machine/host/block.h"
#include "machine/host/chardev.h"
#include "machine/virtio/virtio.h"

#define ERROR_SIZE IMAGE_ERROR_SIZE

/* Everything a run owns beside the machine. */
struct run {
	struct run_options options;
	struct trace_writer trace;
	struct machine *machine;
	struct serial serial[OPTIONS_MAX_SERIALS];
	struct chardev *console;
	struct block *block[OPTIONS_MAX_DISKS];
	struct virtio_device *disk[OPTIONS_MAX_DISKS], *virtio_console;
	struct boot_request boot;
	char cpu_name[24]; /* "Loongson-3A5000" */
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
	machine_request(opaque, MACHINE_REQUEST_EXIT, EXIT_STATUS_OK);
}

static void key_monitor(void *opaque)
{
	fprintf(stderr, "\r\nbixi: the monitor comes in a later version; Ctrl-a x leaves\r\n");
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

	fill_seed(run);
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

static int create_machine(struct run *run)
{
	const struct run_options *options = &run->options;
	const struct machine_config config = {
		.board = options->machine,
		.cpu_model = options->cpu->name,
		.cpus = options->cpus,
		.ram_size = options->ram_size,
		.seed = 1,
		.deterministic = options->deterministic,
		.no_reboot = options->no_reboot,
		.trace = &run->trace.trace,
	};

	if (machine_create(&run->machine, &config, run->error, ERROR_SIZE))
		return run_refuse(run);
	/* The model's chip name is what IOCSR answers: up to 8 characters in a register. */
	snprintf(run->cpu_name, sizeof(run->cpu_name), "Loongson-%.8s",
		 (const char *)&options->cpu->iocsr_chip);
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
	if (load_images(run))
		return run_refuse(run);
	run->loaded = true;
	return -1;
}

static int open_character_devices(struct run *run)
{
	const struct chardev_keys keys = { .exit = key_exit, .monitor = key_monitor, .opaque = run->machine };
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
	if (virtio_console_create(&run->virtio_console, &run->machine->pci, PCI_DEVFN_AUTO, run->console,
				  &run->machine->loop, &run->machine->clock))
		return usage_error("--console %s: no memory for the device", options->console);
	return -1;
}

static int open_disks(struct run *run)
{
	const struct run_options *options = &run->options;

	for (unsigned i = 0; i < options->disk_count; i++) {
		const struct disk_option *disk = &options->disk[i];
		const struct block_options how = { .read_only = disk->read_only, .snapshot = disk->snapshot };
		char serial[21];

		if (block_open(&run->block[i], disk->file, &how, &run->machine->clock, run->error,
			       ERROR_SIZE))
			return run_refuse(run);
		snprintf(serial, sizeof(serial), "bixi-disk%u", i);
		if (virtio_blk_create(&run->disk[i], &run->machine->pci, PCI_DEVFN_AUTO, run->block[i],
				      serial, &run->machine->clock))
			return usage_error("--disk %s: no place left on the PCI bus", disk->file);
	}
	return -1;
}

static void reset_virtio(void *opaque)
{
	virtio_device_reset(opaque);
}

/* virtio devices go back to power-on with the machine. */
static int add_resets(struct run *run)
{
	for (unsigned i = 0; i <= OPTIONS_MAX_DISKS; i++) {
		struct virtio_device *device = i < OPTIONS_MAX_DISKS ? run->disk[i] : run->virtio_console;

		if (device && machine_add_reset(run->machine, reset_virtio, device))
			return usage_error("--disk: too many devices for this machine");
	}
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
	result = machine_run(run->machine);
	atomic_store(&run->trace.trace.enabled, 0);
	/* Output the guest made stands before ours. */
	for (unsigned i = 0; i < options->serial_count; i++)
		serial_close(&run->serial[i]);
	if (options->stats)
		stats_print(run->machine, stderr);
	return end_status(run, &result);
}

static void run_destroy(struct run *run)
{
	for (unsigned i = 0; i < OPTIONS_MAX_SERIALS; i++)
		serial_close(&run->serial[i]);
	if (run->virtio_console)
		virtio_device_destroy(run->virtio_console);
	for (unsigned i = 0; i < OPTIONS_MAX_DISKS; i++) {
		if (run->block[i])
			block_drain(run->block[i]);
		if (run->disk[i])
			virtio_device_destroy(run->disk[i]);
		if (run->block[i])
			block_close(run->block[i]);
	}
	if (run->console)
		chardev_close(run->console);
	if (run->machine)
		machine_destroy(run->machine);
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
		status = add_resets(run);
	if (status < 0)
		status = run_machine(run);
	error = trace_writer_close(&run->trace);
	if (error)
		usage_error("--trace: the trace could not be written whole: %s", strerror(-error));
	run_destroy(run);
	free(run);
	return status;
}
