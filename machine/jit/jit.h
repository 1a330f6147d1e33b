/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The translator: LoongArch to x86-64, first tier (docs/translator.md).  interp_run() executes translated
 * code for cores that have a translator; the state after any number of instructions is bit for bit what
 * the reference engine leaves.
 */
#ifndef BIXI_JIT_JIT_H
#define BIXI_JIT_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cpu_group;

/* Bytes of host code.  (A test builds with a smaller default.) */
#ifndef JIT_CACHE_DEFAULT
#define JIT_CACHE_DEFAULT ((size_t)64 << 20)
#endif
#define JIT_CACHE_MIN ((size_t)17 << 16)

struct jit_options {
	uint32_t features;    /* enum x86_feature: what of the host to use beyond x86-64-v3 */
	size_t cache_bytes;   /* JIT_CACHE_MIN at least */
	bool strict_llsc;     /* LL/SC by reservations; otherwise by comparing values */
	bool perf_map;	      /* write /tmp/perf-PID.map, by which perf names translated code */
	const uint64_t *dump; /* addresses whose blocks jit_print_dump() shows */
	unsigned dumps;
	bool check; /* compare with the reference engine, check.h; then when they differ: */
	void (*differs)(void *opaque);
	void *opaque;
};

/* Counts since jit_create(). */
struct jit_stats {
	uint64_t blocks, guest_insns, host_bytes; /* translated */
	uint64_t host_insns, slow_insns;	  /* on the way through, and out of line */
	uint64_t interpreted;			  /* of guest_insns: left to the reference engine */
	uint64_t translate_ns;
	uint64_t discarded; /* blocks that another core had made meanwhile, or had written */
	uint64_t links, evictions, flushes, pages_written;
	uint64_t stopped_ns; /* cores were kept outside */
};

/* Whether this host can execute translated code (x86-64-v3). */
bool jit_supported(void);

/* For all cores of @group, before they run.  0, or a negative errno with a sentence in @error. */
int jit_create(struct cpu_group *group, const struct jit_options *options, char *error, size_t error_size);
void jit_destroy(struct cpu_group *group);

void jit_get_stats(const struct cpu_group *group, struct jit_stats *stats);

/* Prints these and what the cores have counted, which do not run.  @seconds the machine ran; 0: not to be
 * told. */
void jit_print_stats(const struct cpu_group *group, FILE *file, double seconds);

/* Prints how much was checked. */
void jit_print_check(const struct cpu_group *group, FILE *file);

/* Prints the blocks of jit_options.dump. */
void jit_print_dump(const struct cpu_group *group, FILE *file);

#endif
