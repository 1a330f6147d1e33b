/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Control and status registers, Vol.1 chapter 7.  The registers themselves are the rows of csr.def;
 * here are the file that holds their values and the three accesses CSRRD, CSRWR, CSRXCHG are made of.
 */
#ifndef BIXI_CPU_CSR_H
#define BIXI_CPU_CSR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The modes of the virtualization extension, which are also the two CSR files and all else that each mode has
 * of its own.  Without the extension everything is root.
 */
enum cpu_mode { CPU_ROOT, CPU_GUEST, CPU_MODES };

/* Masks of csr.def that several rows share. */
#define CSR_ALL	     UINT64_C(0xffffffffffffffff)
#define CSR_VPN	     UINT64_C(0xfffffffffffff000)
#define CSR_VPPN     UINT64_C(0xffffffffffffe000)
#define CSR_TIMER    UINT64_C(0x0000ffffffffffff) /* PRCFG1.TimerBits: 48 */
#define CSR_ELO_MASK UINT64_C(0xe000fffffffff07f) /* RPLV NX NR PPN G MAT PLV D V */

/* What root may set in a guest's ESTAT: PMI, TI, IPI, the message interrupt, Ecode and EsubCode. */
#define CSR_ESTAT_ROOT UINT64_C(0x7fff5c00)

/*
 * What GCFG says is there: MATC 0-2, trapping of timer CSRs and of absent CSRs, CACOP policies 0-2, guest
 * performance counters.
 */
#define GCFG_CAPABILITIES UINT64_C(0x874107)

/* CSR_CRMD, ...: register numbers. */
enum csr_number {
#define CSR(number, name, field, width, reset, mask, read, write, need, guest, more) CSR_##name = (number),
#include "machine/cpu/csr.def"
#undef CSR
};

/* CSR_SLOT_CRMD, ...: places in struct csr_file; DMW0-3, PMCFG0/PMCNT0.., MWP0CFG1.. follow each other. */
enum csr_slot {
#define CSR(number, name, field, width, reset, mask, read, write, need, guest, more) CSR_SLOT_##name,
#include "machine/cpu/csr.def"
#undef CSR
	CSR_SLOT_COUNT
};

/*
 * The stored values, by name or by slot.  Registers whose read function computes something (ESTAT's
 * line bits, TVAL, PGD, PMCNT, LLBCTL.ROLLB) do not have it here: csr_read() gives the value.
 */
struct csr_file {
	union {
		struct {
#define CSR(number, name, field, width, reset, mask, read, write, need, guest, more) uint64_t field;
#include "machine/cpu/csr.def"
#undef CSR
		};
		uint64_t value[CSR_SLOT_COUNT];
	};
};

/* Fields that are named in more than one place. */
#define CRMD_PLV	  UINT64_C(3)
#define CRMD_IE		  (UINT64_C(1) << 2)
#define CRMD_DA		  (UINT64_C(1) << 3)
#define CRMD_PG		  (UINT64_C(1) << 4)
#define CRMD_DATF	  (UINT64_C(3) << 5)
#define CRMD_DATM	  (UINT64_C(3) << 7)
#define CRMD_WE		  (UINT64_C(1) << 9)
#define MISC_VA32(plv)	  (UINT64_C(1) << (plv))       /* PLV 1-3 */
#define MISC_DRDTL(plv)	  (UINT64_C(1) << (4 + (plv))) /* PLV 1-3 */
#define MISC_RPCNTL(plv)  (UINT64_C(1) << (8 + (plv))) /* PLV 1-3 */
#define MISC_ALCL(plv)	  (UINT64_C(1) << (12 + (plv)))
#define MISC_DWPL(plv)	  (UINT64_C(1) << (16 + (plv))) /* PLV 0-2 */
#define LLBCTL_ROLLB	  UINT64_C(1)
#define LLBCTL_WCLLB	  UINT64_C(2)
#define LLBCTL_KLO	  UINT64_C(4)
#define TLBRERA_ISTLBR	  UINT64_C(1)
#define MERRCTL_ISMERR	  UINT64_C(1)
#define MERRCTL_PGM	  (UINT64_C(1) << 5)
#define TLBRPRMD_PGM	  (UINT64_C(1) << 3)
#define ESTAT_TI	  (UINT64_C(1) << 11)
#define ESTAT_LINES	  UINT64_C(0x17fc) /* HWI0-7, PMI, IPI: root's follow the inputs */
#define GTLBC_USETGID	  (UINT64_C(1) << 12)
#define GTLBC_TOTI	  (UINT64_C(1) << 13)
#define GTLBC_TGID(gtlbc) ((uint8_t)((gtlbc) >> 16))
#define GSTAT_VM	  UINT64_C(1)
#define GSTAT_PVM	  UINT64_C(2)
#define GSTAT_GID(gstat)  ((uint8_t)((gstat) >> 16))
#define GCFG_TIT	  (UINT64_C(1) << 9)
#define GCFG_TORU	  (UINT64_C(1) << 15)
#define GCFG_MATC(gcfg)	  ((gcfg) >> 4 & 3)
#define GCFG_GCI(gcfg)	  ((gcfg) >> 20 & 3)
#define GCFG_GPERF(gcfg)  ((unsigned)((gcfg) >> 24 & 7))
#define GINTC_VIP(gintc)  ((gintc)&0xff)
#define GINTC_PIP(gintc)  ((gintc) >> 8 & 0xff)
#define DBG_DST		  UINT64_C(1)
#define PMCFG_PMIEN	  (UINT64_C(1) << 20)
#define TLBIDX_NE	  (UINT64_C(1) << 31)
#define TLBIDX_INDEX	  UINT64_C(0xfff)
#define TLBELO_V	  UINT64_C(1)
#define TLBELO_D	  UINT64_C(2)
#define TLBELO_G	  (UINT64_C(1) << 6)
#define TLBELO_NR	  (UINT64_C(1) << 61)
#define TLBELO_NX	  (UINT64_C(1) << 62)
#define TLBELO_RPLV	  (UINT64_C(1) << 63)
#define PWCH_HPTW	  (UINT64_C(1) << 24)
#define ECFG_MSGINT	  (UINT64_C(1) << 14)
#define ASID_MASK	  UINT64_C(0x3ff)
#define PALEN		  48
#define VALEN		  48
#define PA_MASK		  ((UINT64_C(1) << PALEN) - 1)

enum csr_need {
	CSR_NEED_NONE,
	CSR_NEED_RVA,				/* CPUCFG.3.RVA */
	CSR_NEED_MSGINT,			/* CPUCFG.1.MSG_INT */
	CSR_NEED_LVZ,				/* CPUCFG.2.LVZ */
	CSR_NEED_COUNTER0,			/* + n: at least n + 1 performance counters */
	CSR_NEED_MWP0 = CSR_NEED_COUNTER0 + 32, /* + n: at least n + 1 load/store watchpoints */
	CSR_NEED_FWP0 = CSR_NEED_MWP0 + 16,
};

/* Whether the guest CSR file has a register; a guest's access to one that it has not exits. */
enum csr_guest { CSR_GUEST_COPY, CSR_GUEST_COUNTER, CSR_GUEST_NONE };

struct cpu;

/* One row of csr.def. */
struct csr_info {
	const char *name;
	uint16_t number;
	uint8_t width; /* 32 or 64 */
	uint8_t need;  /* enum csr_need */
	uint8_t guest; /* enum csr_guest */
	uint64_t reset, mask, more;
	uint64_t (*read)(struct cpu *cpu, const struct csr_file *file); /* NULL: the stored value */
	/* NULL: stores @value, the old one with the written bits replaced; @ones are the ones written. */
	void (*write)(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value, uint64_t ones);
};

/* The row of CSR @number if @cpu's model has it, else NULL.  Its slot is the row minus csr_info. */
const struct csr_info *csr_find(const struct cpu *cpu, unsigned number);
extern const struct csr_info csr_info[CSR_SLOT_COUNT];

/* The same if @file has it: the guest's has fewer, and none without the extension. */
const struct csr_info *csr_find_in(const struct cpu *cpu, const struct csr_file *file, unsigned number);

/* What CSRRD reads: 0 for a number that is not there.  May have side effects (MSGIR). */
uint64_t csr_read(struct cpu *cpu, struct csr_file *file, unsigned number);

/*
 * Writes the bits of @mask.  True if more than the register changed (mode, translation, interrupts...):
 * the instruction then ends with INSN_STATE.
 */
bool csr_write(struct cpu *cpu, struct csr_file *file, unsigned number, uint64_t value, uint64_t mask);

/* The bits that CSRWR writes in @file, with those that are there on some models only. */
uint64_t csr_mask(const struct cpu *cpu, const struct csr_file *file, const struct csr_info *info);

/*
 * The guest file as root reads and writes it (GCSRRD, GCSRWR, GCSRXCHG): root changes some bits that are
 * read-only to the guest.  A register that the guest file has not reads 0.
 */
uint64_t csr_guest_read(struct cpu *cpu, unsigned number);
bool csr_guest_write(struct cpu *cpu, unsigned number, uint64_t value, uint64_t mask);

/* Whether an access of the guest's kernel to CSR @number exits to root. */
bool csr_exits(const struct cpu *cpu, unsigned number);

/* The registers whose values say which core of which model this is. */
void csr_set_constants(const struct cpu *cpu, struct csr_file *file);

/* Reset values of Vol.1 6.4 (undefined ones are 0, so that runs repeat). */
void csr_reset(struct cpu *cpu, struct csr_file *file);

/* A register of @file as a debugger reads it, without side effects.  False: there is none of that name. */
bool csr_peek(struct cpu *cpu, struct csr_file *file, const char *name, uint64_t *value);

#endif
