/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the hypervisor must know of a board, and what no configuration is believed about: a table for each.
 * A configuration says what a cell gets; a table says which addresses are not to be given, as whoever has
 * them has other cells' CPUs, interrupts or memory, too.
 */
#ifndef BIXI_PLATFORM_H
#define BIXI_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "hypercall.h"

/* What may be done with a range of physical addresses.  None of them is for other cells than root. */
enum platform_guard {
	/* The chip's registers, which IOCSR instructions reach as well.  Root's accesses are done for it, and
	 * filtered as those instructions are. */
	GUARD_CHIP,
	/* A part of these that is a device's: a cell may have it as a sub-page region. */
	GUARD_CHIP_DEVICE,
	/* Where messages become interrupts.  Root's writes are done if they raise an interrupt of root's: by
	 * the vector that is written, or by the CPU that the address names. */
	GUARD_VECTOR_DOORBELL,
	GUARD_CPU_DOORBELL,
	/* The bridge's interrupt controller: pch_pic.c divides it. */
	GUARD_PIC,
	/* Root's as it is: by it one reaches all memory, moves devices, or switches the computer off. */
	GUARD_ROOT,
	/* Not even root's. */
	GUARD_NOBODY,
};

struct platform_range {
	uint64_t base, size;
	enum platform_guard guard;
	char name[32];
};

/* IOCSR registers that root may not write. */
struct platform_registers {
	uint32_t base, size;
};

/* What the processor and its bridge say of themselves. */
struct platform_id {
	uint32_t prid;	 /* CPUCFG 0 */
	uint64_t vendor; /* IOCSR 0x10 */
	char chip[8];	 /* IOCSR 0x20 */
	unsigned pins;	 /* of the bridge's interrupt controller */
};

struct platform {
	char name[24];
	char chip[7];	      /* the chip's name begins so; "": any chip's does */
	unsigned series;      /* of the processor: PRID 15:12; 0: any */
	unsigned pins;	      /* of the bridge's interrupt controller */
	unsigned nodes, cpus; /* nodes that are known to work, CPUs of each */
	unsigned node_shift;  /* a node's addresses have its number from this bit on; 0: there is one space */
	unsigned vectors;     /* of the extended I/O interrupt controller */
	uint64_t pic, pic_too; /* where the bridge's interrupt controller is seen; 0: at no second place */
	uint64_t doorbell;     /* for messages that name a vector */
	uint64_t cpu_doorbell; /* for messages that name a CPU and a vector of its own */
	const struct platform_range *ranges;
	const struct platform_registers *refused;
	unsigned range_count, refused_count;
};

extern const struct platform platform_virt, platform_3a5000, platform_3a6000;

#define PLATFORMS 3
extern const struct platform *const platforms[PLATFORMS];

/* The board with that processor and bridge; NULL: none is known. */
const struct platform *platform_find(const struct platform_id *id);
/* Where to ask the bridge's controller that a description has at @address, on whichever board; 0: on none. */
uint64_t platform_pic(uint64_t address);
/* The system's description fits the board.  0, or -EINVAL with *error filled in. */
int platform_check_system(const struct platform *platform, const struct config_system *system,
			  struct hv_error *error);
/* None of the cell's regions of memory is what the board does not let it have. */
int platform_check_memory(const struct platform *platform, const struct config_system *system,
			  const struct config_cell *cell, struct hv_error *error);
/* Root's accesses to the range come to the hypervisor. */
bool platform_is_done_for_root(const struct platform_range *range);
/* Root may write this IOCSR register. */
bool platform_allows_write(const struct platform *platform, uint32_t offset, unsigned size);

#define LENGTH_OF(array) ((unsigned)(sizeof(array) / sizeof(*(array))))

#endif
