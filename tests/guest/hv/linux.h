/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A bare-metal program that plays Linux and its driver: loads the hypervisor, has it take over all cores, and
 * gives it up again.
 */
#ifndef HV_LINUX_H
#define HV_LINUX_H

#include "../irq.h"
#include "../../../hypervisor/include/config.h"
#include "../../../hypervisor/include/hypercall.h"
#include "../../../hypervisor/include/image.h"

#define CSR_GTLBC 0x15
#define CSR_GSTAT 0x50
#define CSR_GCFG  0x51

#define HV_BASE 0x4000000
#define HV_SIZE 0x800000
#define LOW_RAM 0x10000000

/* linux.c */
extern unsigned cores; /* started */
/* fn(core) on all cores at once; returns when all have. */
void on_all(void (*fn)(unsigned core));
void on_others(void (*fn)(unsigned core)); /* than core 0, without waiting */
void cores_init(void);
void hv_load(void);	      /* image and description into HV_BASE */
long hv_enter(unsigned core); /* the driver's call on each core */
struct config_system *hv_config(void);
/* The head of a cell's description that has a set of 64 CPUs and so many regions and chips behind it. */
void cell_describe(struct config_cell *cell, unsigned id, const char *name, unsigned regions, unsigned chips);

static inline long hvcl(uint64_t number, uint64_t arg1, uint64_t arg2)
{
	register uint64_t a0 __asm__("a0") = number;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;

	__asm__ volatile(".word 0x002bca48" : "+r"(a0) : "r"(a1), "r"(a2) : "memory");
	return (long)a0;
}

#endif
