/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Who waits for a lock gets it before who had it gets it again: hypervisor/core/lock.c. */
#include "test.h"

static struct lock contended;
static unsigned rounds, got[MOCK_CPUS], most; /* most: that the greedy one had between two of another's */

/* Wants it all the time, and stands still only while it waits or has it: as a cell that storms the
 * hypervisor. */
static bool greedy(struct cpu *cpu)
{
	unsigned between = 0, others = got[2];

	while (rounds) {
		lock_take(&contended);
		between = others == got[2] ? between + 1 : 0;
		others = got[2];
		most = between > most ? between : most;
		got[1]++;
		mock_yield();
		lock_release(&contended);
	}
	return false;
}

static bool modest(struct cpu *cpu)
{
	while (rounds) {
		lock_take(&contended);
		got[2]++;
		rounds--;
		lock_release(&contended);
	}
	return false;
}

static void who_waits_gets_it_in_turn(void **state)
{
	rounds = 100;
	most = 0;
	mock_guest(1, greedy);
	mock_guest(2, modest);
	mock_idle(1000);
	assert_int_equal(got[2], 100);
	assert_in_range(most, 0, 2);
}

static void numbers_of_turns_come_round(void **state)
{
	struct lock lock = { 0 };

	for (unsigned i = 0; i < 0x20010; i++) {
		if (i & 1)
			assert_true(lock_try(&lock));
		else
			lock_take(&lock);
		assert_false(lock_try(&lock));
		lock_release(&lock);
	}
	assert_true(lock_try(&lock));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_waits_gets_it_in_turn, enabled),
		cmocka_unit_test(numbers_of_turns_come_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
