/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Spin locks: held for a few instructions, or by management, which nobody of another cell waits for.  Who
 * comes first gets it first: a cell that calls the hypervisor as often as it can delays the others who want
 * the same lock by one turn each, not for ever.
 */
#include "hv.h"

#define TICKET UINT32_C(0x10000) /* one, in lock->word */

bool lock_try(struct lock *lock)
{
	uint32_t word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);

	return word >> 16 == (word & 0xffff) &&
	       __atomic_compare_exchange_n(&lock->word, &word, word + TICKET, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void lock_take(struct lock *lock)
{
	uint32_t mine = __atomic_fetch_add(&lock->word, TICKET, __ATOMIC_RELAXED) >> 16;

	while ((__atomic_load_n(&lock->word, __ATOMIC_ACQUIRE) & 0xffff) != mine)
		cpu_relax();
}

void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->turn, (uint16_t)(lock->turn + 1), __ATOMIC_RELEASE);
}
