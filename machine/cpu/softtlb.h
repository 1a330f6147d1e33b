/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The software TLB: guest virtual page -> host pointer, filled by the slow path (mmu.c) and consulted
 * inline by every load, store and fetch.  One bank per translation regime ({root, guest} x {DA, PG} x
 * PLV x GID x ASID); the last SOFTTLB_BANKS regimes are kept, so an ASID or GID switch changes a pointer and
 * flushes nothing.  A guest's entries are composed of both stages: they lead from guest-virtual to host
 * addresses and go when either stage's TLB entry goes.  Entries exist only for RAM and ROM: MMIO, pages under
 * a watchpoint and pages that need a check on each access are never entered and take the slow path.
 *
 * Its pages are as large as the guest's, cpu->page_bits: they follow the STLB's page size (CSR.STLBPS), so
 * that a guest with pages of 16 KiB needs one entry for each.  A guest that maps smaller pages, too, makes
 * them smaller until STLBPS is written again.  All cores of a machine want the same size, and each takes it
 * between two instructions (ATTENTION_PAGES): then nothing is kept.  The size is a matter of speed only: an
 * entry is made where all of the page has one translation, the same rights and memory of one kind behind it,
 * and everything else takes the slow path.
 */
#ifndef BIXI_CPU_SOFTTLB_H
#define BIXI_CPU_SOFTTLB_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/cpu/csr.h"

#define SOFTTLB_BANKS  16
#define SOFTTLB_PLACES 64
/*
 * So many that pages which a kernel uses together rarely fall on one entry: of 16 KiB, 4096 are the 64 MiB in
 * which Linux has its image and the first core's own data.
 */
#define SOFTTLB_ENTRY_BITS 12
#define SOFTTLB_ENTRIES	   (1u << SOFTTLB_ENTRY_BITS)
#define SOFTTLB_BITS_MIN   12 /* of cpu->page_bits; no page of a guest is smaller */
#define SOFTTLB_BITS_MAX   16

enum softtlb_access { SOFTTLB_LOAD, SOFTTLB_STORE, SOFTTLB_FETCH };

/*
 * tag[access] is the page's virtual address if that access is allowed, so that
 * "va - tag <= cpu->page_size - size" checks page, rights and page crossing in one comparison.  A tag that
 * allows nothing is softtlb_none(), an address whose index differs.
 */
struct softtlb_entry {
	uint64_t tag[3];
	uint64_t addend; /* va is at va + addend on the host */
};

/* The entry of @va while pages have 2^@bits bytes. */
static inline unsigned softtlb_index(unsigned bits, uint64_t va)
{
	return va >> bits & (SOFTTLB_ENTRIES - 1);
}

static inline uint64_t softtlb_none(unsigned bits, unsigned index)
{
	return (uint64_t)(index ^ 1) << bits;
}

/* Where @va is, which lies in the entry's page. */
static inline uint8_t *softtlb_host(const struct softtlb_entry *e, uint64_t va)
{
	return (uint8_t *)(uintptr_t)(va + e->addend);
}

/*
 * Set in tag[STORE] beside softtlb_none(), which keeps the inline store away: the page of tag[LOAD] is
 * writable, but guarded (RAM_PAGE_GUARDED), so access_store_slow() stores through reserve.h.
 */
#define SOFTTLB_GUARDED (UINT64_C(1) << 62)

struct softtlb_bank {
	struct softtlb_entry entry[SOFTTLB_ENTRIES];
	/*
	 * What the translator calls the pair of entry[i]'s virtual page and its host page, 0: nothing.  It
	 * says something only as long as tag[SOFTTLB_FETCH] stays what it was when the translator wrote this:
	 * whoever enters, clears or flushes the entry sets it to 0.
	 */
	uint32_t exec_id[SOFTTLB_ENTRIES];
};

/*
 * The last entries that another page took the place of: two pages that a program uses in turn may fall on one
 * entry.  Whatever drops entries drops all of these.
 */
#define SOFTTLB_VICTIMS 8

struct softtlb_victim {
	struct softtlb_entry entry;
	uint32_t exec_id, gpa_page;
	unsigned bank, index; /* where it was; bank SOFTTLB_BANKS: nothing */
};

struct softtlb {
	struct softtlb_bank bank[SOFTTLB_BANKS];
	/* Of guests' entries: guest-physical address >> SOFTTLB_BITS_MIN, cut to 32 bits. */
	uint32_t gpa_page[SOFTTLB_BANKS][SOFTTLB_ENTRIES];
	/* Bit n: entry n may differ from an empty bank's, whose tags are for page_bits (0: never emptied). */
	uint64_t filled[SOFTTLB_BANKS][SOFTTLB_ENTRIES / 64];
	uint8_t page_bits[SOFTTLB_BANKS];
	uint64_t key[SOFTTLB_BANKS];   /* which regime a bank is for, softtlb.c; 0: none */
	uint64_t used[SOFTTLB_BANKS];  /* for least-recently-used replacement */
	uint8_t place[SOFTTLB_PLACES]; /* where a key's bank was last, by the key's hash */
	uint64_t clock;
	uint64_t store_flushes; /* counts softtlb_flush_stores() */
	struct softtlb_victim victim[SOFTTLB_VICTIMS];
	unsigned next_victim;
};

struct cpu;

/*
 * The guest has set its page size to 2^@bits, or (@smaller) uses pages no larger than that: all cores of the
 * group are to take what follows from it by softtlb_take_pages().
 */
void softtlb_want_pages(struct cpu *cpu, unsigned bits, bool smaller);

/* Answers ATTENTION_PAGES.  Between instructions, on the core's thread. */
void softtlb_take_pages(struct cpu *cpu);

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
 * Enters the page of @va, which is at @host, into the current bank.  @rights has bit 1 << SOFTTLB_LOAD etc.
 * for what is allowed; a @guarded page's stores keep taking the slow path.  @gpa is the address between the
 * stages.
 */
void softtlb_enter(struct cpu *cpu, uint64_t va, uint64_t gpa, void *host, unsigned rights, bool guarded);

/* Brings a victim back that allows an access of @kind to @va.  False: there is none. */
bool softtlb_recall(struct cpu *cpu, uint64_t va, enum softtlb_access kind);

/* Sets every exec_id to 0. */
void softtlb_forget_code(struct cpu *cpu);

/* Drops all store rights: before a page becomes guarded. */
void softtlb_flush_stores(struct cpu *cpu);

#endif
