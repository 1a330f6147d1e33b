/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A machine as small as a test of an engine wants it: cores, RAM, one device, IOCSR space with an IPI, and
 * either the reference engine or the translator.  A case runs on two rigs that differ in nothing else.
 */
#ifndef BIXI_TEST_JIT_RIG_H
#define BIXI_TEST_JIT_RIG_H

#include "machine/cpu/cpu.h"

#define RIG_CORES 4

/* RAM is [0, RIG_LOW) and [RIG_HIGH, RIG_HIGH + RIG_HIGH_SIZE). */
#define RIG_LOW	      (UINT64_C(256) << 20)
#define RIG_HIGH      UINT64_C(0x80000000)
#define RIG_HIGH_SIZE UINT64_C(0x4000)

/* The device: eight registers over and over, and behind them one that drives an interrupt line. */
#define RIG_DEVICE	UINT64_C(0x60000000)
#define RIG_DEVICE_SIZE 0x2000
#define RIG_DEVICE_LINE 0x1000 /* value: bit 0 the level, bits 2:1 which of HWI0-3, bits 5:4 which core */
#define RIG_DEVICE_HOLE 0x1800 /* from here on nothing is decoded */

/* IOCSR: an IPI to core (value & 3); the end of one's own. */
#define RIG_IPI_SEND  0x1040
#define RIG_IPI_CLEAR 0x1008

struct rig_options {
	unsigned cores;
	bool translated;
	uint32_t features; /* of jit_options */
	bool weak_llsc;	   /* LL/SC by comparing values */
	bool small_cache;  /* of code: parts of it are evicted all the time */
	bool threads;	   /* a host thread a core, real time */
	bool check;	   /* the translator's own comparison, machine/jit/check.h */
};

struct rig {
	struct rig_options options;
	struct bus bus;
	struct clock clock;
	struct trace trace;
	struct cpu_group group;
	struct cpu *cpu[RIG_CORES];
	struct cpu *current; /* that executes */
	uint64_t slice_end;  /* virtual time */
	bool differed;	     /* that comparison said so */
	uint64_t device[8];
	uint64_t seen; /* digest of all accesses to device and IOCSR space, and of when they were made */
};

/* What the translators of all rigs that are gone have translated: guest instructions, and those left to
 * interp/; and how many regions of their code caches were evicted. */
struct rig_totals {
	uint64_t translated, interpreted, evictions;
};
extern struct rig_totals rig_totals;

/* 0 or a negative errno, said on stdout. */
int rig_create(struct rig *rig, const struct rig_options *options);
void rig_destroy(struct rig *rig);

/* Executes at most @budget instructions on core @id, as a machine in deterministic mode does. */
void rig_run(struct rig *rig, unsigned id, uint64_t budget);

/* Makes room in the code cache: what is to be evicted next is, whether there is need or not. */
void rig_evict(struct rig *rig);

/* Guest memory, written as a device writes it: code may have been executed there. */
void rig_write(struct rig *rig, uint64_t pa, const void *data, size_t size);

static inline void *rig_ram(const struct rig *rig, uint64_t pa)
{
	return bus_ram(&rig->bus, pa, 1);
}

#endif
