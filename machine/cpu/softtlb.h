/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The software TLB: guest virtual page -> host pointer, filled by mmu_fill() (mmu.c) and consulted
 * inline by every load, store and fetch.  One bank per translation regime ({root, guest} x {DA, PG} x
 * PLV x GID x ASID); the last SOFTTLB_BANKS regimes are kept, so an ASID or GID switch changes a pointer and
 * flushes nothing.  A guest's entries are composed of both stages: they lead from guest-virtual to host
 * addresses and go when either stage's TLB entry goes.  Entries exist only for RAM and ROM: MMIO, pages under
 * a watchpoint and pages that need a check on each access are never entered and take the slow path.
 */
#ifndef BIXI_CPU_SOFTTLB_H
#define BIXI_CPU_SOFTTLB_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/cpu/csr.h"

#define SOFTTLB_BANKS	  16
#define SOFTTLB_ENTRIES	  1024
#define SOFTTLB_PAGE_BITS 12
#define SOFTTLB_PAGE_SIZE (1u << SOFTTLB_PAGE_BITS)

enum softtlb_access { SOFTTLB_LOAD, SOFTTLB_STORE, SOFTTLB_FETCH };

/*
 * tag[access] is the page's virtual address if that access is allowed, so that
 * "va - tag <= PAGE_SIZE - size" checks page, rights and page crossing in one comparison.  A tag that
 * allows nothing is SOFTTLB_NONE(index), an address whose index differs.
 */
struct softtlb_entry {
	uint64_t tag[3];
	uintptr_t addend; /* host address = va + addend */
};

#define SOFTTLB_INDEX(va)   (((va) >> SOFTTLB_PAGE_BITS) & (SOFTTLB_ENTRIES - 1))
#define SOFTTLB_NONE(index) ((uint64_t)((index) ^ 1) << SOFTTLB_PAGE_BITS)

/*
 * Set in tag[STORE] beside SOFTTLB_NONE(index), which keeps the inline store away: the page of tag[LOAD]
 * is writable, but holds LL/SC words, so access_store_slow() stores through reserve.h.
 */
#define SOFTTLB_RESERVED (UINT64_C(1) << 62)

struct softtlb_bank {
	struct softtlb_entry entry[SOFTTLB_ENTRIES];
};

struct softtlb {
	struct softtlb_bank bank[SOFTTLB_BANKS];
	/* Of guests' entries: guest-physical address >> SOFTTLB_PAGE_BITS, cut to 32 bits. */
	uint32_t gpa_page[SOFTTLB_BANKS][SOFTTLB_ENTRIES];
	uint64_t key[SOFTTLB_BANKS];  /* which regime a bank is for, softtlb.c; 0: none */
	uint64_t used[SOFTTLB_BANKS]; /* for least-recently-used replacement */
	uint64_t clock;
};

struct cpu;

/* Makes cpu->bank the bank of the current regime.  After any change of CRMD, ASID, DMW*, mode. */
void softtlb_select(struct cpu *cpu);

void softtlb_flush_all(struct cpu *cpu);

/* Drops the banks of a mode. */
void softtlb_flush_mode(struct cpu *cpu, enum cpu_mode mode);

/*
 * The mapped banks of root (enum tlb_kind TLB_ROOT) or of guest @gid (TLB_G1); of any GID or ASID if that is
 * negative.
 */
struct softtlb_scope {
	uint8_t kind;
	int gid, asid;
};

/* Drops what lies in the 2^bits bytes around @va, one TLB entry's reach. */
void softtlb_flush_page(struct cpu *cpu, struct softtlb_scope scope, uint64_t va, unsigned bits);

/* Drops these banks. */
void softtlb_flush_scope(struct cpu *cpu, struct softtlb_scope scope);

/* Drops what guest @gid reaches through the 2^bits bytes of guest-physical memory around @gpa. */
void softtlb_flush_gpa(struct cpu *cpu, uint8_t gid, uint64_t gpa, unsigned bits);

/* Drops all banks of guest @gid, mapped or direct; of all guests if that is negative. */
void softtlb_flush_guest(struct cpu *cpu, int gid);

/*
 * Enters the page of @va into the current bank.  @rights has bit 1 << SOFTTLB_LOAD etc. for what is
 * allowed; a @reserved page's stores keep taking the slow path.  @gpa is the address between the stages.
 */
void softtlb_enter(struct cpu *cpu, uint64_t va, uint64_t gpa, void *host, unsigned rights, bool reserved);

/* Drops all store rights: before a page changes its ram_page_flag. */
void softtlb_flush_stores(struct cpu *cpu);

#endif
