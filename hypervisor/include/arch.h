/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What core/ asks of an architecture, all of it; and what an architecture may call.  <arch_types.h> is the
 * architecture's (found by the include path) and defines
 *
 *	struct arch_cpu		state of a CPU: of the guest while it is not in hardware, and of Linux before
 *	struct arch_cell	state of a cell: interrupt controllers, guest ID
 *	PAGE_BITS		pages of stage 2
 *	S2_LEVELS, S2_BITS	levels of stage 2's table, and index bits of each (a table fits a page)
 *	S2_LEAF_MAX		leaves may be at levels 0 (pages) to this
 *	ARCH_NUMBER		enum CONFIG_ARCH_*: whose configurations are taken
 *
 * and the functions below are in arch/<architecture>/, or in the mock that unit tests are linked with.
 */
#ifndef BIXI_ARCH_H
#define BIXI_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "arch_types.h"
#include "config.h"
#include "hypercall.h"

struct cell;
struct cpu;

#define PAGE_SIZE (UINT64_C(1) << PAGE_BITS)

/* Taking Linux over, and giving the machine back. */

/* Once, on the first CPU, before the others: whether this computer has what is needed.  0 or -errno. */
int arch_init(const struct config_system *config);
/* On each CPU, one after the other.  Nothing that Linux could notice is changed yet.  0 or -errno. */
int arch_cpu_init(struct cpu *cpu);
/* Linux goes on behind its call of the image, as a guest, and gets 0 there. */
void arch_cpu_activate(struct cpu *cpu) __attribute__((noreturn));
/* Linux goes on there on the bare machine, and gets @result; the CPU was not activated. */
void arch_cpu_restore(struct cpu *cpu, long result) __attribute__((noreturn));
/* Linux, a guest until now, goes on behind its hypercall on the bare machine, with result 0. */
void arch_cpu_release(struct cpu *cpu) __attribute__((noreturn));

/* Memory. */

static inline void *phys_to_virt(uint64_t phys); /* of memory; arch_types.h */
static inline uint64_t virt_to_phys(const void *virt);

/* Entries of stage 2's tables.  An empty one makes accesses fault as accesses to nothing. */
uint64_t arch_pte_empty(unsigned level);
uint64_t arch_pte_table(uint64_t phys);
uint64_t arch_pte_leaf(uint64_t phys, uint64_t flags, unsigned level); /* flags: CONFIG_MEM_* */
bool arch_pte_is_empty(uint64_t pte, unsigned level);
bool arch_pte_is_leaf(uint64_t pte, unsigned level);
uint64_t arch_pte_phys(uint64_t pte, unsigned level); /* of the table, or of the memory */
/* CONFIG_MEM_READ, WRITE, EXECUTE and IO of a leaf, as it was made with them. */
uint64_t arch_pte_flags(uint64_t pte, unsigned level);

/* Accesses to devices, uncached; @size is 1, 2, 4 or 8. */
uint64_t arch_mmio_read(uint64_t phys, unsigned size);
void arch_mmio_write(uint64_t phys, unsigned size, uint64_t value);

/* This CPU forgets what it remembers of the stage 2 of its cell. */
void arch_flush_stage2(struct cpu *cpu);
/* @size bytes of memory that was data and may be executed now, or has another owner. */
void arch_sync_memory(const void *virt, uint64_t size);

/* CPUs. */

/* CPU number @id leaves its guest soon and calls cpu_attend(). */
void arch_cpu_kick(unsigned id);
/* Sleeps until the next kick (returns at once if one came since the last return), or arch_time() is @until;
 * may return early.  UINT64_MAX: for ever. */
void arch_cpu_wait(struct cpu *cpu, uint64_t until);
/*
 * This CPU leaves its guest when arch_time() is @at, whatever the guest does, and calls heartbeat_look(),
 * which says when next.  UINT64_MAX: not any more; so do arch_cpu_wait() and arch_cpu_reset().
 */
void arch_cpu_alarm(struct cpu *cpu, uint64_t at);
/*
 * The CPU's guest state becomes that of a CPU of cpu->cell after reset, all registers of all units, guest ID
 * and stage 2 included; the cell's first CPU begins at @entry (guest-physical), the others (@entry ~0) wait
 * in the firmware's pen.  This and the next three run on the CPU itself, out of its guest.
 */
void arch_cpu_reset(struct cpu *cpu, uint64_t entry);
/* All that root's Linux has in this CPU is put aside (the CPU goes to a cell), and brought back. */
void arch_cpu_save_root(struct cpu *cpu);
void arch_cpu_load_root(struct cpu *cpu);
/* The CPU is about to leave cpu->cell: nothing of it is left in any unit for the next. */
void arch_cpu_scrub(struct cpu *cpu);
/* What of the guest in this CPU belongs into a fault's record: pc, registers.  On the CPU itself. */
void arch_cpu_describe(struct cpu *cpu, struct hv_fault *fault);

/* Cells. */

/* What only the architecture can say of a description: its irqchips, platform block.  Fills *error. */
int arch_config_check(const struct config_system *system, const struct config_cell *cell,
		      struct hv_error *error);
/*
 * Interrupts and guest ID; takes what is the cell's from root, whose CPUs are suspended.  cell->config and
 * cell->cpus are there.  Called for the root cell, too, at setup.  0 or -errno, with nothing done.
 */
int arch_cell_create(struct cell *cell);
/* The other way round. */
void arch_cell_destroy(struct cell *cell);
/* Before it is started (again): controllers as after reset, nothing pending. */
void arch_cell_reset(struct cell *cell);
/* The comm region's part that only the architecture knows. */
void arch_comm_fill(const struct cell *cell, void *comm_region);
/* Raises the interrupt that the hypervisor has in the cell: vector vpci_irq_base of its description, 0: none.
 */
void arch_cell_interrupt(const struct cell *cell);

/* The rest. */
uint64_t arch_time(void);	    /* constant counter, ticks */
uint64_t arch_time_frequency(void); /* Hz */
struct cpu *arch_this_cpu(void);
static inline void cpu_relax(void); /* arch_types.h */

#endif
