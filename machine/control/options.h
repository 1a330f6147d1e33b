/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The command line of "bixi run", parsed.  Strings point into argv. */
#ifndef BIXI_CONTROL_OPTIONS_H
#define BIXI_CONTROL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/cpu/cpu.h"

#define OPTIONS_MAX_DISKS   16
#define OPTIONS_MAX_SERIALS 4
#define OPTIONS_MAX_NETS    8
#define OPTIONS_MAX_SHARES  8
#define OPTIONS_MAX_DUMPS   16

/* What can be said of any virtio device: bus=pci or mmio, packed=on or off. */
struct place_option {
	bool mmio;   /* off PCI */
	bool packed; /* offers packed rings */
};

struct disk_option {
	char *file; /* owned */
	bool read_only, snapshot;
	struct place_option place;
};

struct share_option {
	char *folder;	 /* owned */
	const char *tag; /* in folder's string */
	bool read_only;
	struct place_option place;
};

struct net_option {
	char *spec; /* owned; of the back end (host/net.h) */
	uint8_t mac[6];
	struct place_option place;
};

/* What executes guest code: both of them one after the other, compared, is ENGINE_CHECK. */
enum engine { ENGINE_BEST, ENGINE_JIT, ENGINE_INTERP, ENGINE_CHECK };

struct run_options {
	const char *kernel, *initrd;
	char *firmware;	    /* owned; NULL: the kernel starts directly */
	const char *load;   /* snapshot to go on with, NULL: none */
	const char *vars;   /* in firmware's string; NULL: variables are not kept */
	const char *append; /* never NULL */
	unsigned cpus;
	uint64_t ram_size; /* bytes */
	const char *machine;
	struct cpu_model cpu;
	struct disk_option disk[OPTIONS_MAX_DISKS];
	unsigned disk_count;
	struct share_option share[OPTIONS_MAX_SHARES];
	unsigned share_count;
	struct net_option net[OPTIONS_MAX_NETS];
	unsigned net_count;
	const char *serial[OPTIONS_MAX_SERIALS]; /* back ends of UART0-3 */
	unsigned serial_count;
	char *console; /* owned; NULL: no virtio console */
	struct place_option console_place;
	bool rng;
	struct place_option rng_place;
	const char *monitor, *qmp; /* back ends of the servers, NULL: none */
	bool gdb, gdb_wait;	   /* GDB may come; the machine waits for it */
	uint16_t gdb_port;
	enum engine engine;	/* never ENGINE_BEST once parsed */
	uint32_t host_features; /* enum x86_feature: that translated code may use */
	bool strict_llsc, jit_stats, perf_map;
	uint64_t jit_dump[OPTIONS_MAX_DUMPS];
	unsigned jit_dump_count;
	const char *engine_option; /* the last one given about the engine, NULL: none */
	const char *jit_option;	   /* the last one given that is about translated code only */
	bool deterministic, no_reboot, stats;
	unsigned trace_events; /* bit per enum trace_event; 0: no tracing */
	char *trace_file;      /* owned; NULL: standard error */
	const char *qemu;      /* NULL: run here */
};

/* Exit statuses of the command; a guest's exit device adds its own. */
enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,
	EXIT_STATUS_USAGE = 2,
	EXIT_STATUS_REBOOT = 3
};

/*
 * Parses the arguments after "run".  Returns -1 to go on, else the exit status: after -h (the text is on
 * standard output) or a mistake (one sentence is on standard error).
 */
int options_parse(struct run_options *options, int argc, char **argv);
void options_free(struct run_options *options);

/* Takes one KEY=VALUE of a virtio device's place; false if it is none. */
bool place_option_take(struct place_option *place, const char *key);

/* Prints "bixi: " and one sentence on standard error; returns EXIT_STATUS_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the option table. */
void options_help(void);

#endif
