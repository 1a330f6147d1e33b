/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A small hypervisor for LVZ: the registers that LVZ adds, and what the hypervisor knows of a core, of a
 * virtual machine and of its processors.
 */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include "machine.h"

/* Root's own LVZ registers. */
#define CSR_GTLBC 0x15
#define CSR_GSTAT 0x50
#define CSR_GCFG  0x51
#define CSR_GINTC 0x52
#define CSR_GCNTC 0x53

#define GTLBC_USETGID 0x1000   /* root's TLB instructions work on entries of guest TGID */
#define GTLBC_TOTI    0x2000   /* the guest's TLB instructions exit */
#define GTLBC_TGID    0xff0000 /* 23:16 */
#define GSTAT_PVM     0x2      /* ertn goes to the guest; after an exception: it came from the guest */
#define GSTAT_GID     0xff0000 /* 23:16 */
#define GCFG_MATP1    0x2      /* capability: MATC = 1 */
#define GCFG_MATC1    0x10     /* memory types of stage 2 count */
#define GCFG_GCIP2    0x40000  /* capability: GCI = 2 */
#define GCFG_GCI2     0x200000 /* of CACOP, only what endangers others exits */
#define GID_SHIFT     16

/* Exception codes of exits only. */
#define EXC_GSPR 0x16 /* an instruction or a register that the guest may not have for itself */
#define EXC_HVC	 0x17 /* hvcl */

/* Offsets in struct vcpu, for switch.S. */
#define VCPU_PC	     256
#define VCPU_ESTAT   264
#define VCPU_BADV    272
#define VCPU_BADI    280
#define VCPU_HOST_SP 288
#define FPU_FCC	     1024
#define FPU_FCSR     1032

#ifndef __ASSEMBLER__
#include "guest.h"

#define VMS   2
#define CORES 2

/* Read, write and change bits of the guest file from root. */
#define gcsr_read(number)                                                                                    \
	({                                                                                                   \
		uint64_t value_;                                                                             \
		__asm__ volatile("gcsrrd %0, %1" : "=r"(value_) : "i"(number));                              \
		value_;                                                                                      \
	})
#define gcsr_write(number, value)                                                                            \
	({                                                                                                   \
		uint64_t value_ = (value);                                                                   \
		__asm__ volatile("gcsrwr %0, %1" : "+r"(value_) : "i"(number) : "memory");                   \
	})
#define gcsr_change(number, value, mask)                                                                     \
	({                                                                                                   \
		uint64_t value_ = (value);                                                                   \
		__asm__ volatile("gcsrxchg %0, %2, %1"                                                       \
				 : "+r"(value_)                                                              \
				 : "i"(number), "r"((uint64_t)(mask))                                        \
				 : "memory");                                                                \
	})

/* All vector registers: FP and LSX are their lower parts. */
struct fpu {
	uint64_t vector[32][4] __attribute__((aligned(32)));
	uint8_t fcc[8];
	uint32_t fcsr;
};

enum vcpu_state { VCPU_RUNS, VCPU_IDLE, VCPU_OFF };

struct vcpu {
	uint64_t gpr[32];
	uint64_t pc;
	uint64_t exit_estat, exit_badv, exit_badi; /* root's registers, read at the last exit */
	uint64_t host_sp;

	/* While another vCPU has the core. */
	struct {
#define GCSR(name, number) uint64_t name;
#include "guest_csrs.def"
#undef GCSR
	} csr;
	struct {
		uint64_t tcfg, tval, estat, saved_at;
	} timer;
	struct fpu fpu;

	struct vm *vm;
	unsigned index, core;
	enum vcpu_state state;
	uint32_t ipi_state, ipi_enable; /* protected by vm->lock */
	uint8_t mail[32];		/* protected by vm->lock */
	unsigned exits[64];		/* by Ecode */
	unsigned loads, preemptions, fpu_loads;
};

struct report {
	const struct vcpu *vcpu;
	uint64_t sentence; /* GPA */
	bool holds;
};

/* What a guest has printed: whole, and in lines on the real console. */
struct transcript {
	char text[256];
	unsigned length, line;
};

struct vm {
	unsigned gid; /* 1, 2: tags its TLB entries */
	uint32_t lock;
	uint64_t stage2; /* physical address of the top-level table */
	uint64_t clock;	 /* GCNTC: what to add to root's counter */
	struct {
		uint8_t enable;
		bool empty_pending;
	} uart; /* protected by lock */
	struct transcript console, uart_text;
	struct report reports[64];
	unsigned report_count, pages;
	struct vcpu vcpus[VCPUS];
};

struct core {
	unsigned number;
	struct vcpu *vcpus[VMS * VCPUS];
	unsigned count, turn;
	struct vcpu *loaded;	    /* whose CSRs are in the guest file */
	struct vcpu *last[VMS + 1]; /* by GID: who has stage-1 entries in the TLB */
	bool slice_over;
	unsigned sleeps, kicks;
	bool done;
};

static inline void lock(uint32_t *word)
{
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void unlock(uint32_t *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/* hypervisor.c */
extern uint64_t give_up; /* when every core leaves its guests, finished or not */
void core_enable(struct core *core);
void vm_create(struct vm *vm, unsigned gid, const void *kernel, uint64_t size);
void vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned index, struct core *core);
void core_run(struct core *core);
void *guest_memory(struct vm *vm, uint64_t gpa);
void vcpu_kick(const struct vcpu *vcpu);
void exception_inject(struct vcpu *vcpu, unsigned code, uint64_t badv);

/* emulate.c */
void sensitive_emulate(struct vcpu *vcpu);
void hypercall(struct vcpu *vcpu);
bool mmio_emulate(struct vcpu *vcpu, uint64_t gpa);

/* switch.S */
void vcpu_enter(struct vcpu *vcpu);
void root_idle(void);
void fpu_save(struct fpu *fpu);
void fpu_load(const struct fpu *fpu);
extern const char exit_entry[], stage2_refill[];

_Static_assert(__builtin_offsetof(struct vcpu, pc) == VCPU_PC, "switch.S");
_Static_assert(__builtin_offsetof(struct vcpu, exit_estat) == VCPU_ESTAT, "switch.S");
_Static_assert(__builtin_offsetof(struct vcpu, exit_badv) == VCPU_BADV, "switch.S");
_Static_assert(__builtin_offsetof(struct vcpu, exit_badi) == VCPU_BADI, "switch.S");
_Static_assert(__builtin_offsetof(struct vcpu, host_sp) == VCPU_HOST_SP, "switch.S");
_Static_assert(__builtin_offsetof(struct fpu, fcc) == FPU_FCC, "switch.S");
_Static_assert(__builtin_offsetof(struct fpu, fcsr) == FPU_FCSR, "switch.S");

#endif
#endif
