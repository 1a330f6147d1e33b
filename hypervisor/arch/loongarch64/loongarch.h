/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the files of this directory share. */
#ifndef BIXI_LOONGARCH_H
#define BIXI_LOONGARCH_H

#include "csr.h"
#include "hv.h"
#include "hw.h"
#include "platform.h"

/* Not on the way that is gone most: a function of its own, as its caller would have to keep registers
 * otherwise. */
#define APART __attribute__((noinline, cold))

/* entry.S */
extern const char exit_entry[], stage2_refill[], machine_error_entry[];
void guest_enter(void) __attribute__((noreturn)); /* of the CPU in tp, at root's ERA */
void linux_return(struct cpu *cpu, long result) __attribute__((noreturn));
void root_sleep(void);
uint64_t device_read(uint64_t address, unsigned size);
void device_write(uint64_t address, unsigned size, uint64_t value);

/* launch.c */
void image_relocate(struct image_header *image);
extern bool has_messages;

/* stage2.c */
void stage2_init(void);

/* context.c: the guest that is in hardware. */
void timer_from_root(struct timer *timer);
void timer_to_root(const struct timer *timer);
void timer_from_guest(struct timer *timer);
void timer_to_guest(const struct timer *timer);
void csrs_from_root(uint64_t *csr);
void csrs_to_root(const uint64_t *csr);
void csrs_from_guest(uint64_t *csr);
void csrs_to_guest(const uint64_t *csr);
void counters_from_guest(unsigned counters, uint64_t *value);
void counters_to_guest(unsigned counters, const uint64_t *value);
void units_clear(void);
void guest_select(const struct cpu *cpu); /* GID and stage 2: those of the CPU's cell */

/* exit.c */
void exit_rest(struct cpu *cpu);
void root_panic(struct cpu *cpu) __attribute__((noreturn));
void guest_fault(struct cpu *cpu, enum hv_fault_reason reason, uint64_t gpa, uint32_t insn);

/* emulate.c: instructions that the guest may not do itself; true: done, go on behind it. */
bool cpucfg_emulate(struct cpu *cpu, uint32_t insn);
bool csr_emulate(struct cpu *cpu, uint32_t insn);
bool access_emulate(struct cpu *cpu, uint32_t insn, uint64_t gpa);
void exception_inject(unsigned ecode, uint32_t insn);

/* watch.c: watchpoints' CSRs, 0x300 to 0x3ff, by root's Linux; a hit of one of them. */
uint64_t watch_exchange(struct cpu *cpu, unsigned number, uint64_t value, uint64_t mask);
void watch_hit(struct cpu *cpu, uint64_t estat, uint32_t insn);
void watch_to_guest(struct cpu *cpu);
void watch_to_root(struct cpu *cpu);

/* iocsr.c, from entry.S: with what iocsrrd puts into its register. */
uint64_t iocsr_read(struct cpu *cpu, uint32_t offset, unsigned size);
void iocsr_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value);
bool iocsr_is_divided(uint32_t offset); /* who has what decides what an access does */

/* guard.c: what the board does not let be mapped. */
extern const struct platform *platform; /* since the system's description was checked */
int guard_find_platform(const struct config_system *system, struct hv_error *error);
int guard_root(struct cell *root); /* its accesses to such ranges come here from now on */
int guard_cell(struct cell *cell); /* one with vectors of messages may ring for them */

/* ipi.c: offsets are IOCSR's. */
#define IPI_FIRST      0x1000
#define IPI_STATUS     0x1000
#define IPI_CLEAR      0x100c
#define IPI_SEND       0x1040
#define IPI_SEND_WAITS (UINT32_C(1) << 31)
#define IPI_KICK       31  /* the vector between hypervisors */
#define NO_CPU	       255 /* of arch_cell.cpu_id */
#define IPI_LAST       0x104f
void ipi_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value);

/* CPU number @number of this one's cell; NULL: there is none. */
static inline struct cpu *cell_sibling(struct cpu *cpu, unsigned number)
{
	const struct cell *cell = cpu->cell;
	unsigned id = number < sizeof(cell->arch.cpu_id) ? cell->arch.cpu_id[number] : NO_CPU;

	if (id == NO_CPU || !(cell->cpus >> id & 1))
		return NULL;
	return (struct cpu *)((uint8_t *)cpu + ((int64_t)id - cpu->id) * PERCPU_SIZE);
}

static inline void kick(unsigned id)
{
	hw_iocsr_write(IPI_SEND, 4, IPI_SEND_WAITS | id << 16 | IPI_KICK);
}

/* The guest's interrupt follows its controller. */
static inline void ipi_update(struct cpu *cpu)
{
	uint32_t status = __atomic_load_n(&cpu->arch.ipi.status, __ATOMIC_RELAXED);

	gcsr_change(CSR_ESTAT, status & cpu->arch.ipi.enable ? IS_IPI : 0, IS_IPI);
}

static inline void ipi_clear(struct cpu *cpu, uint32_t vectors)
{
	__atomic_fetch_and(&cpu->arch.ipi.status, ~vectors, __ATOMIC_ACQ_REL);
	ipi_update(cpu);
}

/* What is written to IPI_SEND: the number of a CPU of the cell, and a vector.  No such CPU: counted. */
static inline void ipi_send(struct cpu *cpu, uint32_t value)
{
	struct cpu *to = cell_sibling(cpu, value >> 16 & 0x3ff);
	uint32_t vector = UINT32_C(1) << (value & 31);

	if (!to) {
		cpu->arch.refused++;
		return;
	}
	__atomic_fetch_or(&to->arch.ipi.status, vector, __ATOMIC_ACQ_REL);
	if (to != cpu)
		kick(to->id);
	else if (cpu->arch.ipi.enable & vector)
		gcsr_change(CSR_ESTAT, IS_IPI, IS_IPI);
}

uint64_t ipi_read(struct cpu *cpu, uint32_t offset, unsigned size);

bool ipi_collect(struct cpu *cpu); /* takes what is pending in hardware; true: a kick was among it */
void ipi_from_hardware(struct cpu *cpu);
void ipi_take_hardware(void);
void ipi_to_hardware(struct cpu *cpu);
void ipi_reset(const struct cell *cell);
bool ipi_release_pen(struct cpu *cpu, uint64_t *address);

/* messages.c: message interrupts, where the CPU has them. */
void messages_collect(void); /* from root to the guest */
void messages_to_hardware(const struct cpu *cpu);

/* extioi.c */
#define EXTIOI_FIRST	0x14a0
#define EXTIOI_ENABLE	0x1600 /* bitmaps: of 256 vectors each */
#define EXTIOI_BOUNCE	0x1680
#define EXTIOI_ISR	0x1700
#define EXTIOI_CORE_ISR 0x1800 /* of this core */
#define EXTIOI_ROUTE	0x1c00 /* a byte a vector */
#define EXTIOI_LAST	0x1cff
#define EXTIOI_SEND	0x1140
#define ANY_SEND	0x1158
#define BITMAP_BYTES	32

static inline bool extioi_has(uint32_t offset)
{
	return offset / BITMAP_BYTES - EXTIOI_FIRST / BITMAP_BYTES <=
	       (EXTIOI_LAST - EXTIOI_FIRST) / BITMAP_BYTES;
}

/* ENABLE and BOUNCE. */
static inline bool extioi_is_shared(uint32_t offset)
{
	return (offset / BITMAP_BYTES & ~(uint32_t)(EXTIOI_BOUNCE - EXTIOI_ENABLE) / BITMAP_BYTES) ==
	       EXTIOI_ENABLE / BITMAP_BYTES;
}

static inline bool extioi_is_pending(uint32_t offset)
{
	return offset / BITMAP_BYTES == EXTIOI_CORE_ISR / BITMAP_BYTES;
}

uint64_t extioi_bitmap_read(struct cpu *cpu, uint32_t offset, unsigned size);
void extioi_clear(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value);
void extioi_change(struct cpu *cpu, uint32_t offset, uint64_t mask, uint64_t value);
void extioi_route(struct cpu *cpu, uint64_t vector, unsigned size, uint64_t value);
uint64_t extioi_read(struct cpu *cpu, uint32_t offset, unsigned size);
void extioi_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value);
void extioi_send(struct cpu *cpu, uint32_t vector);
void extioi_any_send(struct cpu *cpu, uint64_t value);
void extioi_init_root(struct cell *root);
int extioi_check(const struct config_system *system, const struct config_cell *config,
		 struct hv_error *error);
void extioi_take(struct cell *cell);
void extioi_give_back(struct cell *cell);
void extioi_reset(struct cell *cell);
bool extioi_owns(const struct cell *cell, unsigned vector);
int extioi_any(const struct cell *cell);	     /* a vector of the cell's, hardware's number; -1 */
bool extioi_lists(const struct config_cell *config); /* whether there are any */

/* pch_pic.c */
/* @too: the second place where root sees it, 0: there is none. */
void pch_pic_init_root(struct cell *root, uint64_t address, uint64_t too);
int pch_pic_check(const struct config_system *system, const struct config_cell *config,
		  struct hv_error *error);
int pch_pic_take(struct cell *cell);
void pch_pic_give_back(struct cell *cell);
void pch_pic_reset(struct cell *cell);

_Static_assert(offsetof(struct cpu, arch.stack) == ARCH_CPU_STACK && HV_STATS == EXITS_REASONS, "entry.S");
_Static_assert(offsetof(struct cpu, arch.linux_crmd) == ARCH_CPU_LINUX_CRMD, "entry.S");
_Static_assert(offsetof(struct cpu, arch.begin) == ARCH_CPU_BEGIN, "entry.S");
_Static_assert(offsetof(struct cpu, cell) == CPU_CELL, "entry.S");
_Static_assert(offsetof(struct cpu, stats.count) == CPU_COUNT, "entry.S");
_Static_assert(offsetof(struct cpu, stats.ticks) == CPU_TICKS, "entry.S");
_Static_assert(offsetof(struct cpu, stats.latency) == CPU_LATENCY, "entry.S");
_Static_assert(offsetof(struct cpu, exit_next) == CPU_EXIT_NEXT, "entry.S");
_Static_assert(offsetof(struct cpu, exits) == CPU_EXITS && sizeof(struct exit) == EXIT_SIZE, "entry.S");
_Static_assert(offsetof(struct cell, calls) == CELL_CALLS && HYPERCALLS == CALLS, "entry.S");
_Static_assert(HV_STAT_HYPERCALL == EXITS_HYPERCALL && HV_STAT_IOCSR == EXITS_IOCSR, "entry.S");
_Static_assert(HV_FAULT_EXITS - 1 == EXITS_LAST && HVCL == (0x2b8000 | HYPERCALL_CODE), "entry.S");
_Static_assert(sizeof(struct cpu) <= PERCPU_CONTEXT, "a CPU's area");
_Static_assert(PERCPU_CONTEXT + sizeof(struct context) <= PERCPU_STACK, "a CPU's area");

/* Linux's state while the CPU is a cell's, or while it is on its way. */
static inline struct context *context_of(struct cpu *cpu)
{
	return (struct context *)((uint8_t *)cpu + PERCPU_CONTEXT);
}

static inline uint32_t bits(uint32_t word, unsigned high, unsigned low)
{
	return word >> low & ((2u << (high - low)) - 1);
}

static inline void gpr_set(struct cpu *cpu, unsigned n, uint64_t value)
{
	if (n)
		cpu->arch.gpr[n] = value;
}

/* A value of @size bytes in a register. */
static inline uint64_t extended(uint64_t value, unsigned size, bool sign)
{
	unsigned shift = 64 - 8 * size;

	return sign ? (uint64_t)((int64_t)(value << shift) >> shift) : value << shift >> shift;
}

/*
 * Accesses to what is kept as 64 bits.  What is beyond them, of an address that is not a multiple of the
 * size, does not exist.
 */
static inline uint64_t bytes_mask(uint32_t offset, unsigned size)
{
	return ~UINT64_C(0) >> (-8 * size & 63) << offset % 8 * 8;
}

/* As iocsrrd has it in its register. */
static inline uint64_t bytes_get(uint64_t from, uint32_t offset, unsigned size)
{
	return (uint64_t)((int64_t)(from << (-8 * (offset + size) & 63)) >> (-8 * size & 63));
}

static inline void bytes_set(uint64_t *to, uint32_t offset, unsigned size, uint64_t value)
{
	uint64_t mask = bytes_mask(offset, size);

	*to = (*to & ~mask) | (value << offset % 8 * 8 & mask);
}

static inline void guest_step(void)
{
	csr_write(CSR_ERA, csr_read(CSR_ERA) + 4);
}

#endif
