/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LL/SC reservations between cores, Vol.1 2.2.7.3: an SC succeeds only if no other core has stored to the
 * 64-byte line since the LL, whatever the value there (no ABA).
 *
 * A store must be able to break another core's reservation, yet plain stores shall cost nothing.  So
 * each RAM page has flags (enum ram_page_flag): pages that no LL ever touched are stored to directly; in
 * those that are RESERVED, every store, AM* and SC goes through this file, which holds a lock per (hash of
 * a) page and clears the other cores' reservations of the line.  The first LL in a page makes it ARMING,
 * which guards it as well, and RESERVED when every core that executes guest code has dropped its store rights
 * (ATTENTION_SYNC, reserve_acknowledge), so that no store can slip by.  Cores that are not executing
 * guest code count as having acknowledged; they catch up in reserve_enter().
 *
 * A group may ask for less (cpu_group.llsc_compares, when its cores run in parallel): an SC then succeeds if
 * memory still holds what its LL has read, as translated code does it with one instruction of the host.  No
 * page becomes RESERVED by that, and stores stay direct.  SC.Q, which needs more than what LL.D has read,
 * fails the first time and makes its page RESERVED; in such pages all is as above.
 *
 * Root and guest mode (virtualization extension) have a reservation each, which an exit does not touch.
 *
 * With one core in the group nobody can break a reservation: no flags, no locks.  In the
 * single-threaded group (cpu_group.parallel false) there are flags but no locks and nothing to wait for.
 */
#ifndef BIXI_CPU_RESERVE_H
#define BIXI_CPU_RESERVE_H

#include "machine/cpu/cpu.h"

#define RESERVE_LINE 64 /* bytes */

/* Allocates @group->reservations; after this group->count may still grow to CPU_MAX.  0 or -ENOMEM. */
int reserve_init(struct cpu_group *group);
void reserve_destroy(struct cpu_group *group);

/* The core begins (stops) executing guest code.  On the core's own thread, around its run loop. */
void reserve_enter(struct cpu *cpu);
void reserve_leave(struct cpu *cpu);

/* Answers ATTENTION_SYNC: drops the core's store rights.  Between instructions, on the core's thread. */
void reserve_acknowledge(struct cpu *cpu);

/*
 * Makes every core drop its store rights.  When this returns no core has a right from before, and what was
 * stored by one is in memory; rights that cores get from now on heed what flags of pages said before.
 */
void reserve_sync(struct cpu *cpu);

/* Around what one core at a time may do that waits for the others. */
void reserve_sync_lock(struct cpu *cpu);
void reserve_sync_unlock(struct cpu *cpu);

/* A turn of a loop that waits for another thread; @cpu lets nobody wait for it meanwhile (NULL: a device). */
void reserve_wait(struct cpu *cpu, unsigned *spins);

/*
 * LL: reads the @size (4 or 8) bytes at @host, zero-extended, and reserves their line.  @host is RAM and
 * naturally aligned, as in the functions below.
 */
uint64_t reserve_load(struct cpu *cpu, const void *host, unsigned size);

/*
 * SC: stores @size (4, 8, 16) bytes of @value if the reservation made by an LL of the same size at the
 * same address (for 16: an LL of 8 bytes anywhere in them) still stands.  Ends the reservation.
 */
bool reserve_store_conditional(struct cpu *cpu, void *host, unsigned size, const uint64_t value[2]);

/* Ends the core's reservation of a mode (ERTN, LLBCTL.WCLLB). */
void reserve_clear(struct cpu *cpu, enum cpu_mode mode);

/* Whether an SC could succeed now: LLBCTL.ROLLB. */
bool reserve_stands(struct cpu *cpu, enum cpu_mode mode);

/* The core's reservation, to a snapshot or from one.  No core runs. */
void reserve_state(struct cpu *cpu, enum cpu_mode mode, struct state *state);

/*
 * Stores to a page that is or may be guarded; @host need not be aligned, but the bytes lie in one page of
 * 4 KiB.  For mmu.c, where the soft TLB says SOFTTLB_GUARDED, and for stores without a soft-TLB entry.
 */
void reserve_store(struct cpu *cpu, void *host, const void *buf, unsigned size);

/*
 * Around any other write of a core to the line at @host (AM*): takes the page's lock if the page is
 * reserved, so that the caller's atomic operation and the end of other cores' reservations are one.
 */
struct reserve_bucket *reserve_begin(struct cpu *cpu, const void *host);
void reserve_end(struct cpu *cpu, struct reserve_bucket *bucket, const void *host);

#endif
