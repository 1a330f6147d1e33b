/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A computer for the hypervisor's core: some RAM, CPUs that are coroutines (so that a run is the same each
 * time, and a deadlock is seen), and guests that do what a test tells them.  A TLB that is not flushed when
 * it has to be, and a CPU that is used by two, are found out here.
 */
#ifndef BIXI_MOCK_H
#define BIXI_MOCK_H

#include "hypervisor/core/hv.h"

#define MOCK_CPUS	  6
#define MOCK_RAM	  UINT64_C(0x10000000)
#define MOCK_RAM_SIZE	  UINT64_C(0x1400000) /* 20 MiB */
#define MOCK_HV		  UINT64_C(0x10b00000)
#define MOCK_HV_SIZE	  UINT64_C(0x100000)
#define MOCK_GIVE	  UINT64_C(0x10c00000) /* 8 MiB that Linux does not use: cells' */
#define MOCK_DEVICES	  UINT64_C(0x40000000)
#define MOCK_DEVICES_SIZE UINT64_C(0x10000)
#define MOCK_PARTS	  UINT64_C(0x40020000) /* devices that are smaller than a page */
#define MOCK_FREQUENCY	  1000
#define MOCK_BUFFER	  (MOCK_RAM + 0x4000) /* of Linux, for hypercalls' structures */

/* A description, before it is packed. */
struct description {
	struct config_cell cell;
	uint64_t cpus;
	struct config_memory memory[12];
	struct config_irqchip irqchips[3];
};

struct mock {
	uint64_t time;
	uint64_t random;	  /* state of mock_random() */
	unsigned cpus, announced; /* that call the image; that are said to (0: the same) */
	struct config_system system;
	struct description root; /* its cell.cell is the system's */
	/* Errors to be had. */
	int fail_init, fail_cpu_init, fail_cell_create; /* errno */
	unsigned fail_cpu;
	/* What happened. */
	unsigned notices, interrupts /* of other cells than root */, resets, scrubs, syncs;
	struct {
		uint64_t phys, value;
		unsigned size;
		bool write;
	} device; /* last access */
	uint64_t device_value;
};
extern struct mock mock;

/* The computer with Linux on bare CPUs, and a configuration that is right; memory is filled with rubbish. */
void mock_power_on(uint64_t seed);
/* All CPUs call the image; what they got, which is the same for all. */
long mock_enable(void);
/* A cell of which all is right: id, one CPU, 256 KiB at MOCK_GIVE + id * 1 MiB, loadable 64 KiB, comm region.
 */
struct description mock_cell(unsigned id, uint64_t cpus);
/* Packed; bytes. */
uint64_t mock_pack(const struct description *description, void *to);
uint64_t mock_pack_system(void *to);

/* The guest of CPU @id makes a hypercall, and all others do what they do until it is answered. */
long mock_hypercall(unsigned id, uint64_t number, uint64_t arg1, uint64_t arg2);
/* Several at the same time: begin, run until all are answered, result. */
void mock_begin(unsigned id, uint64_t number, uint64_t arg1, uint64_t arg2);
bool mock_run(unsigned turns);	/* at most; false: not all are answered */
void mock_idle(unsigned turns); /* time passes: that many turns of each CPU */
long mock_result(unsigned id);
/* A guest that does @fn whenever it runs, until @fn returns false. */
typedef bool mock_guest_fn(struct cpu *cpu);
void mock_guest(unsigned id, mock_guest_fn *fn);
/* The guest of CPU @id does what is forbidden. */
void mock_fault(unsigned id, enum hv_fault_reason reason);
long mock_create(unsigned id, const struct description *description);

bool mock_is_bare(unsigned id);	   /* Linux runs there without us */
bool mock_is_waiting(unsigned id); /* parked */
bool mock_is_busy(unsigned id);	   /* with a hypercall */
struct cpu *mock_cpu(unsigned id);
/* Guest @id's load or store at @gpa, through the TLB; false: none there.  Wrong ones end the test. */
bool mock_access(unsigned id, uint64_t gpa, bool write);
uint64_t mock_entry(unsigned id); /* where the CPU's guest began */
uint64_t mock_random(uint64_t below);

/* Everything is as the descriptions and states say: root's map, cells' maps, CPUs. */
void mock_check(void);
/* Of root's map, to be compared. */
uint64_t mock_root_map(void);

#endif
