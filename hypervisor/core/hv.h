/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The hypervisor's core: what its files share, and what an architecture may call.  There is no architecture
 * in here; what it asks of one is in arch.h.
 */
#ifndef BIXI_HV_H
#define BIXI_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "comm.h"
#include "config.h"
#include "hypercall.h"
#include "image.h"

#define CPUS_MAX  64
#define CELLS_MAX 16

struct lock {
	uint32_t word;
};

void lock_take(struct lock *lock);
void lock_release(struct lock *lock);

/* Pages of the hypervisor's own memory, pool.c.  Cleared; contiguous; NULL: none left. */
void *pool_alloc(unsigned pages);
void pool_free(void *memory, unsigned pages);
void pool_init(void *begin, uint64_t pages);
uint64_t pool_size(void), pool_used(void); /* pages */

/* A stage-2 table, paging.c. */
struct paging {
	uint64_t *root; /* top level */
};

/*
 * Maps guest-physical to physical memory by the largest leaves that fit (pages only with
 * CONFIG_MEM_NO_HUGEPAGES); what was mapped there before is replaced.  All are multiples of PAGE_SIZE.  0 or
 * -ENOMEM, and then what was mapped there is undefined but for @paging_unmap()'s purposes.
 */
int paging_create(struct paging *paging);
void paging_destroy(struct paging *paging);
int paging_map(struct paging *paging, uint64_t gpa, uint64_t phys, uint64_t size, uint64_t flags);
int paging_unmap(struct paging *paging, uint64_t gpa, uint64_t size); /* splits larger leaves */
/* Physical address of @gpa and flags that its leaf was made with (read, write, execute); false: none. */
bool paging_find(const struct paging *paging, uint64_t gpa, uint64_t *phys, uint64_t *flags);

/* An access that the hypervisor does for a guest, mmio.c. */
struct mmio_access {
	uint64_t gpa;
	unsigned size; /* 1, 2, 4, 8 */
	bool write;
	uint64_t value; /* to write, or what was read (zero-extended) */
};

enum mmio_result { MMIO_DONE, MMIO_FORBIDDEN, MMIO_UNKNOWN };

typedef enum mmio_result mmio_fn(struct cpu *cpu, void *opaque, struct mmio_access *access);

#define MMIO_REGIONS 32 /* of a cell */
struct mmio_region {
	uint64_t gpa, size;
	mmio_fn *fn;
	void *opaque;
};

/* What a cell prints, or is typed: console.c. */
struct console {
	struct lock lock;
	uint32_t head, tail, lost; /* bytes written, read */
	char text[2048];
};

void console_put(struct console *console, char c);
unsigned console_get(struct console *console, char *text, unsigned size, uint32_t *lost);
/* To the hypervisor's own console: %s %u %d %x %llx %p-like subset, see console.c. */
void hv_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The cell's life. */
enum cell_state { CELL_SHUT_DOWN, CELL_LOADABLE, CELL_RUNNING, CELL_FAILED };

struct cell {
	struct cell *next;
	uint32_t id; /* 0: root */
	enum cell_state state;
	struct config_cell *config; /* checked, in pool pages */
	unsigned config_pages;
	uint64_t cpus; /* bit n: CPU n is the cell's */
	unsigned first_cpu;
	struct paging stage2;
	struct comm_region *comm; /* NULL: none */
	struct mmio_region mmio[MMIO_REGIONS];
	unsigned mmio_regions;
	struct console output, input; /* of the virtual console */
	struct hv_fault fault;
	uint64_t heartbeat, heartbeat_limit; /* ticks: last one, 0: none wanted */
	unsigned restarts;
	struct arch_cell arch;
};

/* A CPU; its area has this at its beginning, and its stack at its end. */
struct cpu {
	struct arch_cpu arch; /* first: assembler knows its offsets */
	unsigned id;	      /* physical number */
	unsigned number;      /* in its cell */
	struct cell *cell;

	/* What other CPUs want of it; protected by lock. */
	struct lock lock;
	bool wanted; /* something below is set: whoever leaves a guest looks at this alone */
	bool suspend, suspended;
	bool park;    /* not to execute its cell */
	bool reset;   /* to begin at reset_entry */
	bool flush;   /* stage 2 was changed */
	bool release; /* root goes back to the bare machine */
	bool failed;
	bool root_saved; /* Linux's state is put aside */
	uint64_t reset_entry;

	struct hv_stats stats;
	struct {
		uint64_t time, pc;
		uint32_t stat, insn;
	} exits[HV_FAULT_EXITS];
	unsigned exit_next;
};

/* setup.c: from entry.S on each CPU, on its own stack. */
void setup_cpu(struct cpu *cpu) __attribute__((noreturn));
extern struct config_system *system_config;
extern struct image_header image_header; /* at the image's beginning */
struct cpu *cpu_of(unsigned id);	 /* its area; NULL: there is none */
extern struct cell root_cell;
extern struct lock management_lock; /* who creates, starts, stops, destroys cells */

/*
 * What an architecture calls when a guest was left.  hypercall(): the result for a0; may not return
 * (disable). mmio_access(): the access of the cell's CPU, by emulated devices and sub-page regions.
 */
long hypercall(struct cpu *cpu, uint64_t number, uint64_t arg1, uint64_t arg2);
enum mmio_result mmio_access(struct cpu *cpu, struct mmio_access *access);
int mmio_register(struct cell *cell, uint64_t gpa, uint64_t size, mmio_fn *fn, void *opaque);
void mmio_unregister(struct cell *cell, uint64_t gpa);

/* cpu.c: with cpu->wanted set, before the guest is entered again: returns when it may be. */
void cpu_attend(struct cpu *cpu);
/* From another CPU: waits until it is out of its guest and stays there; lets it go on. */
void cpu_suspend(unsigned id);
void cpu_resume(unsigned id);
bool cell_owns_cpu(const struct cell *cell, unsigned id);
/* CPU number @number of the cell, -1: there is none. */
int cell_cpu(const struct cell *cell, unsigned number);

/*
 * fault.c: the guest of this CPU did what it may not.  Records it; the CPU fails, and the cell by its policy.
 * The architecture has filled in what it knows of *fault (pc, gpa, insn, gpr, ...).  Then cpu->wanted is set,
 * and cpu_attend() keeps the CPU.
 */
void cell_fault(struct cpu *cpu, enum hv_fault_reason reason, const struct hv_fault *fault);
/* stats.c: the guest was left for @stat, at @begin ticks; @pc, @insn go to the record of last exits. */
void stat_count(struct cpu *cpu, enum hv_stat stat, uint64_t begin, uint64_t pc, uint32_t insn);

/* config.c.  Sizes: bytes that are there. */
int config_check_system(const struct config_system *config, uint64_t size, struct hv_error *error);
int config_check_cell(const struct config_system *system, const struct config_cell *cell, uint64_t size,
		      struct hv_error *error); /* against all cells there are */
extern struct hv_error last_error;

/* cell.c */
int cell_create(struct cpu *cpu, uint64_t config_gpa);
int cell_start(struct cpu *cpu, uint32_t id);
int cell_set_loadable(struct cpu *cpu, uint32_t id);
int cell_shutdown(struct cpu *cpu, uint32_t id);
int cell_destroy(struct cpu *cpu, uint32_t id);
struct cell *cell_find(uint32_t id);

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#endif
