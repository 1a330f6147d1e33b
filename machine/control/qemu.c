/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Translating a run's options into QEMU's.  QEMU's direct start gives Debian's kernel no PCI, so EDK2 is
 * passed along when it is installed where Debian puts it.
 */
#include "machine/control/qemu.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/control/network.h"
#include "machine/firmware/flash.h"
#include "machine/firmware/image.h"

#define QEMU_MAX_ARGS 256

struct arg_list {
	char *arg[QEMU_MAX_ARGS + 1];
	unsigned count;
};

/* Appends one formatted argument.  The list is sized for the most options that can be given. */
static void arg_add(struct arg_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void arg_add(struct arg_list *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (list->count < QEMU_MAX_ARGS && vasprintf(&list->arg[list->count], format, args) >= 0)
		list->count++;
	va_end(args);
	list->arg[list->count] = NULL;
}

/* QEMU reads a comma in a file name as the end of it unless it is doubled. */
static char *escape_commas(const char *file)
{
	char *out = malloc(2 * strlen(file) + 1), *o = out;

	for (; out && *file; file++) {
		*o++ = *file;
		if (*file == ',')
			*o++ = ',';
	}
	if (out)
		*o = 0;
	return out;
}

/* A character back end called @id.  -1, or the exit status after one sentence. */
static int add_chardev(struct arg_list *list, const char *id, const char *backend)
{
	const char *colon = strchr(backend, ':'), *rest = colon ? colon + 1 : "";
	char *path = escape_commas(rest);

	arg_add(list, "-chardev");
	if (strcmp(backend, "null") == 0) {
		arg_add(list, "null,id=%s", id);
	} else if (strcmp(backend, "stdio") == 0) {
		arg_add(list, "stdio,id=%s,mux=on,signal=off", id);
		arg_add(list, "-mon");
		arg_add(list, "chardev=%s,mode=readline", id);
	} else if (strcmp(backend, "pty") == 0) {
		arg_add(list, "pty,id=%s", id);
	} else if (strncmp(backend, "file:", 5) == 0) {
		arg_add(list, "file,id=%s,path=%s", id, path);
	} else if (strncmp(backend, "unix:", 5) == 0) {
		arg_add(list, "socket,id=%s,path=%s,server=on,wait=off", id, path);
	} else if (strncmp(backend, "tcp:", 4) == 0) {
		arg_add(list, "socket,id=%s,host=127.0.0.1,port=%s,server=on,wait=off", id, rest);
	} else {
		free(path);
		return usage_error(
			"%s is no back end: give stdio, file:PATH, pty, unix:PATH, tcp:PORT or null",
			backend);
	}
	free(path);
	return -1;
}

/* --monitor and --qmp: a monitor of @mode, "readline" or "control"; @backend may be NULL. */
static int add_monitor(struct arg_list *list, const char *id, const char *backend, const char *mode)
{
	int status;

	if (!backend)
		return -1;
	if (strcmp(backend, "stdio") == 0) {
		arg_add(list, "-chardev");
		arg_add(list, "stdio,id=%s,signal=off", id);
	} else {
		status = add_chardev(list, id, backend);
		if (status >= 0)
			return status;
	}
	arg_add(list, "-mon");
	arg_add(list, "chardev=%s,mode=%s", id, mode);
	return -1;
}

static void add_disks(struct arg_list *list, const struct run_options *options)
{
	for (unsigned i = 0; i < options->disk_count; i++) {
		const struct disk_option *disk = &options->disk[i];
		char *file = escape_commas(disk->file);

		arg_add(list, "-drive");
		arg_add(list, "file=%s,format=raw,if=none,id=disk%u%s%s", file ? file : disk->file, i,
			disk->read_only ? ",readonly=on" : "", disk->snapshot ? ",snapshot=on" : "");
		arg_add(list, "-device");
		arg_add(list, "virtio-blk-pci,drive=disk%u%s", i, disk->place.packed ? ",packed=on" : "");
		free(file);
	}
}

static void add_shares(struct arg_list *list, const struct run_options *options)
{
	for (unsigned i = 0; i < options->share_count; i++) {
		const struct share_option *share = &options->share[i];
		char *folder = escape_commas(share->folder);

		arg_add(list, "-fsdev");
		arg_add(list, "local,id=share%u,path=%s,security_model=none,multidevs=remap%s", i,
			folder ? folder : share->folder, share->read_only ? ",readonly=on" : "");
		arg_add(list, "-device");
		arg_add(list, "virtio-9p-pci,fsdev=share%u,mount_tag=%s", i, share->tag);
		free(folder);
	}
}

static int add_networks(struct arg_list *list, const struct run_options *options)
{
	for (unsigned i = 0; i < options->net_count; i++) {
		const uint8_t *mac = options->net[i].mac;
		char netdev[1024];
		int status = network_qemu(&options->net[i], netdev, sizeof(netdev));

		if (status >= 0)
			return status;
		if (*netdev) {
			arg_add(list, "-netdev");
			arg_add(list, "%s,id=net%u", netdev, i);
		}
		arg_add(list, "-device");
		arg_add(list, "virtio-net-pci,mac=%02x:%02x:%02x:%02x:%02x:%02x%s%u", mac[0], mac[1], mac[2],
			mac[3], mac[4], mac[5], *netdev ? ",netdev=net" : ",id=card", i);
	}
	return -1;
}

/* EDK2 for LoongArch beside the binary (…/bin/qemu -> …/share) or in /usr/share; NULL if there is none. */
static const char *find_firmware(const char *qemu)
{
	static const char name[] = "share/qemu-efi-loongarch64/QEMU_EFI.fd";
	static char path[PATH_MAX + sizeof(name) + 8];
	char real[PATH_MAX], *slash;

	if (realpath(qemu, real) && (slash = strrchr(real, '/'))) {
		*slash = 0;
		snprintf(path, sizeof(path), "%s/../%s", real, name);
		if (access(path, R_OK) == 0)
			return path;
	}
	snprintf(path, sizeof(path), "/usr/%s", name);
	return access(path, R_OK) == 0 ? path : NULL;
}

/* Whether a virtio device is to be off PCI. */
static bool has_mmio(const struct run_options *options)
{
	bool found = options->console_place.mmio || options->rng_place.mmio;

	for (unsigned i = 0; i < options->disk_count; i++)
		found |= options->disk[i].place.mmio;
	for (unsigned i = 0; i < options->share_count; i++)
		found |= options->share[i].place.mmio;
	for (unsigned i = 0; i < options->net_count; i++)
		found |= options->net[i].place.mmio;
	return found;
}

/* Options that QEMU has nothing for: -1, or the status after one sentence. */
static int refuse_untranslatable(const struct run_options *options)
{
	if (strncmp(options->cpu.name, "la664", 5) == 0)
		return usage_error("--cpu la664: QEMU has no such model; use la464 or max with -q");
	if (has_mmio(options))
		return usage_error(
			"bus=mmio: QEMU's machine has no such virtio devices; leave it out with -q");
	if (options->trace_events)
		return usage_error("--trace: QEMU cannot write Bixi's trace; leave it out with -q");
	if (options->load)
		return usage_error("--load: QEMU cannot read Bixi's snapshots; leave it out with -q");
	if (options->engine_option)
		return usage_error("--%s: QEMU has an engine of its own; leave it out with -q",
				   options->engine_option);
	if (options->stats)
		return usage_error("--stats: QEMU cannot print Bixi's counts; leave it out with -q");
	return -1;
}

/* A file for variables that is not there is made here: QEMU takes only whole ones. */
static int add_flash(struct arg_list *list, const struct run_options *options)
{
	char error[IMAGE_ERROR_SIZE], *code = escape_commas(options->firmware), *vars;
	struct flash flash;
	int status;

	arg_add(list, "-drive");
	arg_add(list, "if=pflash,unit=0,format=raw,readonly=on,file=%s", code ? code : options->firmware);
	free(code);
	if (!options->vars)
		return -1;
	if (flash_init(&flash, "flash1", NULL, NULL))
		return usage_error("no memory for the flash");
	status = flash_keep_in(&flash, options->vars, error);
	flash_destroy(&flash);
	if (status)
		return usage_error("%s", error);
	vars = escape_commas(options->vars);
	arg_add(list, "-drive");
	arg_add(list, "if=pflash,unit=1,format=raw,file=%s", vars ? vars : options->vars);
	free(vars);
	return -1;
}

static void add_kernel(struct arg_list *list, const struct run_options *options)
{
	if (!options->kernel)
		return;
	arg_add(list, "-kernel");
	arg_add(list, "%s", options->kernel);
	if (options->initrd) {
		arg_add(list, "-initrd");
		arg_add(list, "%s", options->initrd);
	}
	arg_add(list, "-append");
	arg_add(list, "%s", options->append);
}

int qemu_exec(const struct run_options *options)
{
	struct arg_list list = { 0 };
	const char *firmware = options->firmware ? NULL : find_firmware(options->qemu);
	int status = refuse_untranslatable(options);

	if (status >= 0)
		return status;
	arg_add(&list, "%s", options->qemu);
	arg_add(&list, "-M");
	arg_add(&list, "%s", options->machine);
	arg_add(&list, "-cpu");
	/* QEMU's models have no LVZ that could be left out. */
	arg_add(&list, "%.*s", (int)strcspn(options->cpu.name, ","), options->cpu.name);
	arg_add(&list, "-smp");
	arg_add(&list, "%u", options->cpus);
	arg_add(&list, "-m");
	arg_add(&list, "%" PRIu64 "M", options->ram_size >> 20);
	arg_add(&list, "-nodefaults");
	arg_add(&list, "-nographic");
	if (options->firmware) {
		status = add_flash(&list, options);
		if (status >= 0)
			return status;
	} else if (firmware) {
		arg_add(&list, "-bios");
		arg_add(&list, "%s", firmware);
	} else {
		fprintf(stderr,
			"bixi: no EDK2 found beside %s: its direct start shows Debian's kernel no PCI\n",
			options->qemu);
	}
	add_kernel(&list, options);
	for (unsigned i = 0; i < options->serial_count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "uart%u", i);
		status = add_chardev(&list, id, options->serial[i]);
		if (status >= 0)
			return status;
		arg_add(&list, "-serial");
		arg_add(&list, "chardev:%s", id);
	}
	add_disks(&list, options);
	status = add_networks(&list, options);
	if (status >= 0)
		return status;
	add_shares(&list, options);
	if (options->console) {
		status = add_chardev(&list, "hvc", options->console);
		if (status >= 0)
			return status;
		arg_add(&list, "-device");
		arg_add(&list, "virtio-serial-pci%s", options->console_place.packed ? ",packed=on" : "");
		arg_add(&list, "-device");
		arg_add(&list, "virtconsole,chardev=hvc");
	}
	if (options->rng) {
		arg_add(&list, "-device");
		arg_add(&list, "virtio-rng-pci%s", options->rng_place.packed ? ",packed=on" : "");
	}
	status = add_monitor(&list, "mon", options->monitor, "readline");
	if (status < 0)
		status = add_monitor(&list, "qmp", options->qmp, "control");
	if (status >= 0)
		return status;
	if (options->gdb) {
		arg_add(&list, "-gdb");
		arg_add(&list, "tcp:127.0.0.1:%u", options->gdb_port);
	}
	if (options->gdb_wait)
		arg_add(&list, "-S");
	if (options->no_reboot)
		arg_add(&list, "-no-reboot");
	if (options->deterministic) {
		arg_add(&list, "-icount");
		arg_add(&list, "shift=0,sleep=off");
		arg_add(&list, "-rtc");
		arg_add(&list, "base=2026-01-01T00:00:00,clock=vm");
	}
	execvp(options->qemu, list.arg);
	return usage_error("-q %s: %s", options->qemu, strerror(errno));
}
