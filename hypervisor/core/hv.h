/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The hypervisor's core: what its files share, and what an architecture may call.  There is no architecture
 * in here; what it asks of one is in arch.h.
 *
 * Who may change what: a cell and the list of cells change under management_lock, and only while the CPUs of
 * the cell, or for the list and root's memory those of root, are suspended.  A CPU that is in the hypervisor
 * for its guest and not suspended can therefore look at its cell, and one of root's at all cells, without a
 * lock.
 */
#ifndef BIXI_HV_H
#define BIXI_HV_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "comm.h"
#include "config.h"
#include "hypercall.h"
#include "image.h"

#define CPUS_MAX  64
#define CELLS_MAX 16 /* with root */

/* As Linux numbers them. */
#ifndef EPERM
enum {
	EPERM = 1,
	ENOENT = 2,
	E2BIG = 7,
	ENOMEM = 12,
	EFAULT = 14,
	EBUSY = 16,
	EEXIST = 17,
	ENODEV = 19,
	EINVAL = 22,
	ENOSPC = 28,
	ERANGE = 34,
	ENOSYS = 38,
	ETIMEDOUT = 110,
};
#endif

/* lock.c: spin locks, never held while a guest runs. */
struct lock {
	union {
		uint32_t word;
		struct {
			uint16_t turn,
				tickets; /* whose it is; given out: equal if it is free (little-endian) */
		};
	};
};

void lock_take(struct lock *lock);
bool lock_try(struct lock *lock);
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
 * paging_map() maps guest-physical to physical memory by the largest leaves that fit (pages only with
 * CONFIG_MEM_NO_HUGEPAGES), smaller ones that add up to a larger one are joined; what was mapped there before
 * is replaced.  Addresses and sizes are multiples of PAGE_SIZE and within PAGING_LIMIT.  0 or -ENOMEM; then
 * part of it is mapped, and paging_unmap() takes that away.
 *
 * paging_unmap() splits larger leaves at the ends.  0, or -ENOMEM and nothing has changed.  Tables stay, and
 * so mapping again what was unmapped needs no memory and cannot fail.
 */
#define PAGING_LIMIT (UINT64_C(1) << (PAGE_BITS + S2_LEVELS * S2_BITS))
int paging_create(struct paging *paging);
void paging_destroy(struct paging *paging);
int paging_map(struct paging *paging, uint64_t gpa, uint64_t phys, uint64_t size, uint64_t flags);
int paging_unmap(struct paging *paging, uint64_t gpa, uint64_t size);
/* Physical address of @gpa, and its leaf's flags as of arch_pte_flags(); false: there is nothing. */
bool paging_find(const struct paging *paging, uint64_t gpa, uint64_t *phys, uint64_t *flags);

/*
 * guest.c: memory of a cell as it sees it, through its stage 2, memory of devices excepted.  0 or -EFAULT;
 * then part of it may have been copied.  The CPU is one of the cell's and not suspended.
 */
int guest_read(const struct cpu *cpu, uint64_t gpa, void *to, uint64_t size);
int guest_write(const struct cpu *cpu, uint64_t gpa, const void *from, uint64_t size);
int guest_may_write(const struct cpu *cpu, uint64_t gpa, uint64_t size);

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
#define CONSOLE_BYTES 16384 /* what a Linux says while it boots */
struct console {
	struct lock lock;
	uint32_t head, tail, lost; /* bytes written; bytes read; bytes overwritten since the last look */
	char text[CONSOLE_BYTES];
};

void console_put(struct console *console, char c); /* overwrites the oldest */
bool console_put_if_room(struct console *console, char c);
unsigned console_get(struct console *console, char *text, unsigned size, uint32_t *lost);
bool console_has_text(struct console *console);
/* %s %c %d %u %x with l, ll, width and leading 0.  hv_format() ends with a NUL and cuts what is too long. */
void hv_format(char *to, size_t size, const char *format, va_list arguments);
/* To the hypervisor's own console, which is root's output. */
void hv_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Root has typed something: the cell's virtual 8250 has received it. */
void uart_received(struct cell *cell);
/* The registers of a cell's virtual 8250, uart.c. */
struct uart {
	uint8_t ier, lcr, mcr, scr, dll, dlm;
};

/*
 * Hypercalls by number, as root and as other cells have them; hypercall.c.  NULL: hypercall() is to be asked,
 * with all registers of the caller in memory.
 */
typedef long hypercall_fn(struct cpu *cpu, uint64_t arg1, uint64_t arg2);
#define HYPERCALLS 72
extern hypercall_fn *calls_of_root[HYPERCALLS], *calls_of_cells[HYPERCALLS];
void hypercalls_init(void);

/* The cell's life. */
enum cell_state { CELL_SHUT_DOWN, CELL_LOADABLE, CELL_RUNNING, CELL_FAILED };

struct cell {
	struct cell *next;
	hypercall_fn **calls;	    /* calls_of_root or calls_of_cells */
	uint32_t id;		    /* 0: root */
	enum cell_state state;	    /* by compare-and-exchange where its own CPUs change it */
	struct config_cell *config; /* checked, in pool pages */
	unsigned config_pages;
	uint64_t cpus; /* bit n: CPU n is the cell's */
	struct arch_cell arch;
	unsigned first_cpu;
	bool used; /* it has run since its memory was cleared */
	struct paging stage2;
	struct comm_region *comm; /* NULL: none */
	struct mmio_region mmio[MMIO_REGIONS];
	unsigned mmio_regions;
	struct console output, input; /* of the virtual console */
	struct uart uart;
	struct lock fault_lock; /* protects: fault */
	struct hv_fault fault;
	uint64_t heartbeat, heartbeat_limit; /* ticks: of the last one; 0: none wanted */
	uint64_t started, restart_at;	     /* ticks; UINT64_MAX: not to be restarted */
	unsigned restarts;		     /* since root started it, or it ran well for long */
};

/* What stat_count() writes; in the layout that takes the fewest instructions. */
struct exit {
	uint64_t time, pc;
	uint32_t stat, insn;
	uint64_t padding;
};

struct exit_stats {
	uint64_t count[HV_STATS], ticks[HV_STATS]; /* by enum hv_stat, without totals */
	uint64_t latency[65];			   /* by the number of leading zeros of the ticks */
};

/* A CPU; its area has this at its beginning, and its stack at its end. */
struct cpu {
	struct arch_cpu arch; /* first, as assembler knows offsets, and of what follows, to exits */
	struct cell *cell;
	struct exit_stats stats;
	uint64_t exit_next;		   /* bytes */
	struct exit exits[HV_FAULT_EXITS]; /* the last ones */
	unsigned id;			   /* physical number */
	unsigned number;		   /* in its cell */

	/* What other CPUs want of it. */
	struct lock lock; /* protects what follows, up to next_number */
	bool wanted;	  /* something below is set: whoever leaves a guest looks at this alone */
	bool suspend, suspended;
	bool park;  /* not to execute its cell */
	bool reset; /* to begin at reset_entry */
	bool flush; /* stage 2 was changed */
	bool hung;  /* its cell gave no sign of life: to be stopped and recorded */
	bool failed;
	uint64_t reset_entry;
	struct cell *next; /* to go to this cell */
	unsigned next_number;
};

/* setup.c: from entry.S on each CPU, on its own stack. */
void setup_cpu(struct cpu *cpu) __attribute__((noreturn));
extern struct config_system *system_config;
extern struct image_header image_header; /* at the image's beginning */
struct cpu *cpu_of(unsigned id);	 /* its area, of a CPU that has entered */
extern uint64_t cpus_present;		 /* those that have */
extern struct cell root_cell;
/* HC_DISABLE on one of root's CPUs: -errno, or Linux goes on without us. */
long setup_leave(struct cpu *cpu);

/*
 * What an architecture calls when a guest was left.  hypercall(), or what the cell's calls[] has for the
 * number: the result for a0; may not return (disable).  mmio_access(): the access of the cell's CPU, by
 * emulated devices and sub-page regions.
 */
long hypercall(struct cpu *cpu, uint64_t number, uint64_t arg1, uint64_t arg2);
enum mmio_result mmio_access(struct cpu *cpu, struct mmio_access *access);
/* 0, -EEXIST for what overlaps another, -ENOSPC.  Before the cell's first start. */
int mmio_register(struct cell *cell, uint64_t gpa, uint64_t size, mmio_fn *fn, void *opaque);
void mmio_unregister(struct cell *cell, uint64_t gpa);
mmio_fn mmio_subpage; /* of a struct config_memory */
mmio_fn uart_access;  /* of a struct cell */
mmio_fn power_access; /* fault.c */

/* cpu.c: with cpu->wanted set, before the guest is entered again: returns when it may be. */
void cpu_attend(struct cpu *cpu);
/* From another CPU: all of the set are out of their guests and stay there; go on. */
void cpus_suspend(uint64_t cpus);
void cpus_resume(uint64_t cpus, bool flush);
/* Suspended CPU @id belongs to @cell as its number @number when it goes on, and is @park'ed there. */
void cpu_hand_over(unsigned id, struct cell *cell, unsigned number, bool park);
void cpu_wait_for_hand_over(unsigned id);
/* Begins at @entry when it goes on; executes no guest any more; is to record that its cell hangs. */
void cpu_start(unsigned id, uint64_t entry);
void cpu_park(unsigned id);
void cpu_hang(unsigned id);
/* The hypervisor itself has failed on this CPU: it is nobody's from its cell's end on, and not waited for. */
extern uint64_t cpus_dead;
void cpu_die(struct cpu *cpu) __attribute__((noreturn));
bool cell_owns_cpu(const struct cell *cell, unsigned id);
/* CPU number @number of the cell, -1: there is none. */
int cell_cpu(const struct cell *cell, unsigned number);

/* Iterates over the bits of @set, a uint64_t that is used up. */
#define FOR_EACH_CPU(id, set) for (; (set) && ((id) = (unsigned)__builtin_ctzll(set), true); (set) &= (set)-1)

/*
 * fault.c: the guest of this CPU did what it may not.  Records it; the CPU fails, and the cell by its policy.
 * The architecture has filled in what it knows of *fault (pc, gpa, insn, gpr, ...).  Then cpu->wanted is set,
 * and cpu_attend() keeps the CPU.
 */
void cell_fault(struct cpu *cpu, enum hv_fault_reason reason, const struct hv_fault *fault);
/*
 * A sign of life of this CPU's cell, the next one due within @limit ticks; 0: none wanted.  The alarm of the
 * CPU that has called last sees to it, so a cell that hangs is found without an exit of anybody's.
 */
void heartbeat_set(struct cpu *cpu, uint64_t limit);
/* When arch_cpu_alarm()'s time has come, on that CPU: the time of its next one, UINT64_MAX: none. */
uint64_t heartbeat_look(const struct cpu *cpu);
/*
 * The guest was left for @stat, at @begin ticks; @pc, @insn go to the record of last exits.  Inline, as it is
 * a good part of what an exit costs.  An architecture may do the same in its own way.
 */
static inline void stat_count(struct cpu *cpu, enum hv_stat stat, uint64_t begin, uint64_t pc, uint32_t insn)
{
	struct exit *exit = (struct exit *)((uint8_t *)cpu->exits + cpu->exit_next);
	uint64_t now = arch_time(), ticks = now - begin;

	cpu->exit_next = (cpu->exit_next + sizeof(*exit)) % sizeof(cpu->exits);
	exit->time = begin;
	exit->pc = pc;
	exit->stat = stat;
	exit->insn = insn;

	cpu->stats.count[stat]++;
	cpu->stats.ticks[stat] += ticks;
	cpu->stats.latency[ticks ? __builtin_clzll(ticks) : 64]++;
}

/* config.c.  Sizes: bytes that are there. */
int config_check_system(const struct config_system *config, uint64_t size, struct hv_error *error);
int config_check_cell(const struct config_system *system, const struct config_cell *cell, uint64_t size,
		      struct hv_error *error); /* against all cells there are */
extern struct hv_error last_error;
/* config_memory.c: the regions of a description whose counts are right. */
int config_check_memory(const struct config_system *system, const struct config_cell *cell,
			struct hv_error *error);
/*
 * The description of @cell is refused: fills *error and returns -@number.  @field is the culprit, which is in
 * @cell or, if that is root, in @system; @index is of the array's entry that it is in, -1: in none.  The
 * sentence begins with the cell's name, in lower case, and without a full stop.
 */
int config_refuse(struct hv_error *error, int number, const struct config_system *system,
		  const struct config_cell *cell, const void *field, int index, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
/* Who else has it; returns -@number. */
int config_rival(struct hv_error *error, int number, const char *name, int index);
uint64_t config_cpus(const struct config_cell *cell); /* as far as they are below CPUS_MAX */

static inline bool config_is_subpage(const struct config_memory *memory)
{
	return (memory->virt_start | memory->size) & (PAGE_SIZE - 1);
}

/* Memory that root has not while the cell has it. */
static inline bool config_is_private(const struct config_memory *memory)
{
	return !(memory->flags & (CONFIG_MEM_COMM_REGION | CONFIG_MEM_ROOTSHARED));
}

/* Both are sums that do not overflow. */
static inline bool config_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/*
 * Who creates, starts, stops, destroys cells.  A CPU of root's that finds another of root's at it gets false
 * (that one may be about to suspend it); the hypervisor's own restarts are waited for.
 */
bool management_begin(struct cpu *cpu);
/* The same for cell @id, *cell: 0, or -EBUSY; -ENOENT, -EINVAL (root): it has not begun. */
int management_begin_on(struct cpu *cpu, uint32_t id, struct cell **cell);
void management_end(void);

/* cell.c */
int cell_create(struct cpu *cpu, uint64_t config_gpa);
int cell_destroy(struct cpu *cpu, uint32_t id);
struct cell *cell_find(uint32_t id);
extern unsigned cells; /* with root */
/* cell_run.c */
int cell_start(struct cpu *cpu, uint32_t id);
int cell_set_loadable(struct cpu *cpu, uint32_t id);
int cell_shutdown(struct cpu *cpu, uint32_t id);
enum comm_state cell_comm_state(const struct cell *cell);
bool cell_reconfiguration_allowed(const struct cell *except);
void cell_reconfiguration_completed(void);
bool cell_shutdown_allowed(const struct cell *cell);
bool cell_is_running(const struct cell *cell);
void cell_stop(struct cell *cell);  /* leaves its CPUs suspended, and parked thereafter */
void cell_restart(struct cpu *cpu); /* by the cell's first CPU, at cell->restart_at */
/* cell_memory.c */
int memory_map(struct cell *cell); /* its stage 2, comm region, emulated devices; 0 or -errno */
bool cell_has_virtual_uart(const struct cell *cell);
int memory_take(const struct cell *cell,
		uint64_t flags); /* regions with all of @flags, from root: all or none */
void memory_give(const struct cell *cell, uint64_t flags); /* back to root */
void memory_clear(const struct cell *cell, uint64_t but);  /* its private RAM, but regions with one of @but */
void memory_sync(const struct cell *cell);

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#endif
