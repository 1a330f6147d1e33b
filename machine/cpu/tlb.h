/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The TLB of a core, Vol.1 5.4: an STLB of 8 ways x 256 sets with one page size, and an MTLB of 64
 * entries of any size.  Root and guests share it: entries carry the kind and GID that two-stage translation
 * needs; without LVZ all are TLB_ROOT with GID 0.  Indexes as software sees them: way * 256 + set, then the
 * MTLB from 2048 on.
 */
#ifndef BIXI_CPU_TLB_H
#define BIXI_CPU_TLB_H

#include <stdbool.h>
#include <stdint.h>

#define STLB_WAYS    8
#define STLB_SETS    256
#define STLB_ENTRIES (STLB_WAYS * STLB_SETS)
#define MTLB_ENTRIES 64
#define TLB_ENTRIES  (STLB_ENTRIES + MTLB_ENTRIES)

enum tlb_kind {
	TLB_ROOT, /* root's virtual to physical */
	TLB_G1,	  /* guest-virtual to guest-physical */
	TLB_S2,	  /* guest-physical to physical; ASID is not compared */
	TLB_KINDS
};

struct tlb_entry {
	uint64_t vppn;	 /* address of the page pair, sign-extended, below bit PS + 1 zero */
	uint64_t elo[2]; /* even and odd page, layout of TLBELO; G of both halves is TLB_ENTRY.global */
	uint16_t asid;
	uint8_t ps;   /* log2 of the size of one page of the pair */
	uint8_t kind; /* enum tlb_kind */
	uint8_t gid;
	bool global;
	bool valid; /* E */
};

struct tlb {
	struct tlb_entry entry[TLB_ENTRIES];
	uint64_t stlb_sizes; /* bit n: the STLB may hold entries of page size 2^n */
	unsigned mtlb_used;  /* no valid MTLB entry lies at or above this place */
};

struct cpu;
struct csr_file;

/* Which entries a search may find. */
struct tlb_key {
	uint64_t address;
	uint16_t asid;
	uint8_t kind, gid;
};

/* The entry that translates @key, NULL on a miss.  Of several hits the lowest index. */
struct tlb_entry *tlb_search(struct tlb *tlb, const struct tlb_key *key);

/* Makes an entry for @key's address space at a place of the hardware's choice (TLBFILL, page walker). */
struct tlb_entry *tlb_fill(struct cpu *cpu, const struct csr_file *csr, const struct tlb_key *key,
			   unsigned ps, const uint64_t elo[2]);

/* What a TLB instruction works on: the registers that are its operands, and the entries that it sees. */
struct tlb_view {
	struct csr_file *csr;
	uint8_t kind, gid;
};

/*
 * Of TLB* and INVTLB in the current mode: the guest's own entries; in root mode root's, or those of stage 2
 * of the guest that GTLBC.TGID names.
 */
struct tlb_view tlb_view(struct cpu *cpu);

/* Of GTLB* in root mode: stage 1 of the guest that GTLBC.TGID names, with the guest's registers. */
struct tlb_view tlb_view_guest(struct cpu *cpu);

/* The instructions. */
void tlb_insn_search(struct cpu *cpu, struct tlb_view view);
void tlb_insn_read(struct cpu *cpu, struct tlb_view view);
void tlb_insn_write(struct cpu *cpu, struct tlb_view view);
void tlb_insn_fill(struct cpu *cpu, struct tlb_view view);
void tlb_insn_clear(struct cpu *cpu, struct tlb_view view);
void tlb_insn_flush(struct cpu *cpu, struct tlb_view view);

/* INVTLB @op with rj and rk in the current mode; false if there is no such operation (INE). */
bool tlb_invalidate(struct cpu *cpu, unsigned op, uint64_t rj, uint64_t rk);

/* Empties the TLB (reset). */
void tlb_reset(struct cpu *cpu);

#endif
