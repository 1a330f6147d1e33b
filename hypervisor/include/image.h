/* SPDX-License-Identifier: MulanPSL-2.0 OR GPL-2.0-only */
/*
 * The image of the hypervisor, bixi-hv.bin, as the driver loads it to the beginning of the hypervisor's
 * memory: this header first.  Behind the image's core_size bytes (file and zeros) come max_cpus areas of
 * percpu_size bytes, then the system configuration, page-aligned; the rest is the hypervisor's page pool. All
 * is position-independent: the driver jumps to the image at its address in the cached direct-map window.
 */
#ifndef BIXI_IMAGE_H
#define BIXI_IMAGE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define IMAGE_SIGNATURE "BIXI-HV" /* with NUL */
#define IMAGE_ABI	1

struct image_header {
	char signature[8];
	uint64_t core_size, percpu_size; /* bytes, multiples of the page size (16 KiB) */
	uint64_t entry;			 /* offset of: long entry(unsigned cpu) */
	uint64_t abi;			 /* IMAGE_ABI */
	uint64_t error;			 /* offset of a struct hv_error: why entry() refused */
	/* The driver's to fill in: */
	uint32_t max_cpus, online_cpus; /* CPU numbers are below max_cpus; so many will enter */
	uint64_t phys_start;		/* of the image */
	uint64_t reserved2[8];
};

#endif
