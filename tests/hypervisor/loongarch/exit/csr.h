/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * In place of the architecture's header, where all that handles an exit is compiled for the host: its
 * numbers, and registers that are arrays.
 */
#ifndef BIXI_HOST_CSR_H
#define BIXI_HOST_CSR_H

#include <stdint.h>

#define __ASSEMBLER__ /* the numbers alone */
#include "hypervisor/arch/loongarch64/include/csr.h"
#undef __ASSEMBLER__

#define CSRS 0x600
extern uint64_t host_csr[CSRS], host_gcsr[CSRS];

static inline uint64_t host_exchange(uint64_t *csr, uint64_t value, uint64_t mask)
{
	uint64_t old = *csr;

	*csr = (old & ~mask) | (value & mask);
	return old;
}

#define csr_read(n)		    host_csr[n]
#define csr_write(n, value)	    ((void)host_exchange(&host_csr[n], value, ~UINT64_C(0)))
#define csr_change(n, value, mask)  ((void)host_exchange(&host_csr[n], value, mask))
#define gcsr_read(n)		    host_gcsr[n]
#define gcsr_write(n, value)	    ((void)host_exchange(&host_gcsr[n], value, ~UINT64_C(0)))
#define gcsr_change(n, value, mask) ((void)host_exchange(&host_gcsr[n], value, mask))

/* The counter stands still; 0 would mean that there is nothing more to do. */
__asm__(".macro rdtime.d to, none\n\tmovq $1, \\to\n.endm");

#endif
