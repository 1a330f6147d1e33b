/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Spin locks: held for a few instructions, or by management, which nobody of another cell waits for. */
#include "hv.h"

bool lock_try(struct lock *lock)
{
	return !__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE);
}

void lock_take(struct lock *lock)
{
	while (!lock_try(lock))
		cpu_relax();
}

void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}
