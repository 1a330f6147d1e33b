/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The architecture that tests of the hypervisor's core run on: 4 KiB pages, and tables of few entries, so
 * that large leaves (128 KiB, 4 MiB) are seen with little memory.  mock.h has what tests see of it.
 */
#ifndef BIXI_ARCH_TYPES_H
#define BIXI_ARCH_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BITS   12
#define S2_LEVELS   4
#define S2_BITS	    5
#define S2_LEAF_MAX 2
#define ARCH_NUMBER CONFIG_ARCH_LOONGARCH

/* What the CPU's hardware would know. */
struct arch_cpu {
	uint64_t linux_state; /* as it was when the CPU entered */
};

struct arch_cell {
	uint64_t pins[4]; /* of irqchip entry 0 */
};

void *mock_memory_at(uint64_t phys);
uint64_t mock_address_of(const void *virt);
void mock_yield(void);

static inline void *phys_to_virt(uint64_t phys)
{
	return mock_memory_at(phys);
}

static inline uint64_t virt_to_phys(const void *virt)
{
	return mock_address_of(virt);
}

static inline void cpu_relax(void)
{
	mock_yield();
}

#endif
