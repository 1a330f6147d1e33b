/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A cell's life: hypervisor/core/cell.c, cell_run.c, cell_memory.c, cpu.c. */
#include "test.h"

#define RAM_OF(id)	MOCK_GIVE + ((id)-1) * UINT64_C(0x100000)
#define LOADABLE_OF(id) RAM_OF(id) + 0x40000

static bool all_bytes_are(uint64_t phys, uint64_t size, uint8_t value)
{
	const uint8_t *memory = mock_memory_at(phys);

	for (uint64_t i = 0; i < size; i++)
		if (memory[i] != value)
			return false;
	return true;
}

static void created(unsigned id, uint64_t cpus)
{
	struct description d = mock_cell(id, cpus);

	assert_int_equal(mock_create(0, &d), 0);
	mock_check();
}

static void started(unsigned id, uint64_t cpus)
{
	created(id, cpus);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, id, 0), 0);
	mock_idle(3);
	mock_check();
}

static long state_of(unsigned id)
{
	return mock_hypercall(0, HC_CELL_GET_STATE, id, 0);
}

static void a_new_cell_has_its_memory_and_cpus_and_stands(void **state)
{
	memset(mock_memory_at(RAM_OF(1)), 0x5a, 0x50000);
	created(1, 6);
	assert_int_equal(root_cell.cpus, 0x39);
	assert_true(mock_is_waiting(1));
	assert_true(mock_is_waiting(2));
	assert_int_equal(state_of(1), COMM_SHUT_DOWN);
	assert_int_equal(mock.resets, 0);
	/* What root left there is nobody's any more. */
	assert_true(all_bytes_are(RAM_OF(1), 0x50000, 0));
	assert_false(mock_access(0, RAM_OF(1), false));
	assert_false(mock_access(0, LOADABLE_OF(1), false));
}

static void a_started_cell_begins_at_its_entry_on_its_first_cpu(void **state)
{
	const struct comm_region *comm;

	started(1, 0x2a);
	assert_int_equal(mock_entry(1), 0x80000);
	assert_int_equal(mock_entry(3), ~UINT64_C(0));
	assert_int_equal(mock_entry(5), ~UINT64_C(0));
	assert_int_equal(state_of(1), COMM_RUNNING);
	assert_true(mock_access(1, 0, true));
	comm = cell_find(1)->comm;
	assert_memory_equal(comm->signature, "JHCOMM", 6);
	assert_int_equal(comm->revision, 2);
	assert_int_equal(comm->num_cpus, 3);
	assert_int_equal(comm->flags, COMM_FLAG_PUTC_PERMITTED);
	assert_int_equal(comm->counter_frequency, MOCK_FREQUENCY);
	assert_int_equal(mock_cpu(5)->number, 2);
	assert_int_equal(cell_cpu(cell_find(1), 1), 3);
	assert_int_equal(cell_cpu(cell_find(1), 3), -1);
}

static void loadable_memory_is_roots_until_the_cell_starts(void **state)
{
	created(1, 2);
	assert_int_equal(mock_hypercall(0, HC_CELL_SET_LOADABLE, 1, 0), 0);
	mock_check();
	assert_true(mock_access(0, LOADABLE_OF(1), true));
	assert_false(mock_access(0, RAM_OF(1), false));
	memset(mock_memory_at(LOADABLE_OF(1)), 0x77, 0x10000);
	assert_int_equal(mock_hypercall(0, HC_CELL_SET_LOADABLE, 1, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_check();
	assert_false(mock_access(0, LOADABLE_OF(1), false));
	assert_true(all_bytes_are(LOADABLE_OF(1), 0x10000, 0x77));
	assert_true(mock.syncs > 0);
}

static void a_destroyed_cell_leaves_everything_as_it_was(void **state)
{
	uint64_t used = pool_used(), map = mock_root_map();

	started(1, 6);
	memset(mock_memory_at(RAM_OF(1)), 0x99, 0x50000);
	assert_int_equal(mock_hypercall(3, HC_CELL_DESTROY, 1, 0), 0);
	mock_check();
	assert_int_equal(pool_used(), used);
	assert_int_equal(mock_root_map(), map);
	assert_int_equal(root_cell.cpus, 0x3f);
	assert_int_equal(mock.scrubs, 2);
	assert_int_equal(state_of(1), -ENOENT);
	assert_true(all_bytes_are(RAM_OF(1), 0x50000, 0));
	assert_true(mock_access(1, RAM_OF(1), true));
	assert_int_equal(mock_hypercall(1, HC_NOP, 0, 0), 0); /* Linux is there again */
}

static void a_cell_that_starts_again_finds_its_image_only(void **state)
{
	started(1, 2);
	memset(mock_memory_at(RAM_OF(1)), 0x99, 0x40000);
	memset(mock_memory_at(LOADABLE_OF(1)), 0x98, 0x10000);
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), 0);
	mock_idle(2);
	assert_true(mock_is_waiting(1));
	assert_int_equal(state_of(1), COMM_SHUT_DOWN);
	assert_true(all_bytes_are(RAM_OF(1), 0x40000, 0x99)); /* to be looked at, if anybody could */
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_check();
	assert_true(all_bytes_are(RAM_OF(1), 0x40000, 0));
	assert_true(all_bytes_are(LOADABLE_OF(1), 0x10000, 0x98));
	assert_int_equal(mock.resets, 2);
}

static void start_of_a_running_cell_starts_it_anew(void **state)
{
	started(1, 6);
	memset(mock_memory_at(RAM_OF(1)), 0x99, 0x1000);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_idle(2);
	assert_int_equal(mock.resets, 4);
	assert_true(all_bytes_are(RAM_OF(1), 0x1000, 0));
}

static void cells_are_named_by_their_ids(void **state)
{
	static const unsigned calls[] = { HC_CELL_START, HC_CELL_SET_LOADABLE, HC_CELL_DESTROY,
					  HC_CELL_SHUTDOWN };

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(mock_hypercall(0, calls[i], 5, 0), -ENOENT);
		assert_int_equal(mock_hypercall(0, calls[i], UINT64_C(0x100000000), 0), -ENOENT);
		assert_int_equal(mock_hypercall(0, calls[i], 0, 0), -EINVAL);
	}
}

/* With any number of pages left: what fails has changed nothing, and some number is enough. */
static void creation_without_memory_changes_nothing(void **state)
{
	struct description d = mock_cell(1, 6);
	uint64_t used = pool_used(), map = mock_root_map();
	void *taken[512];
	bool done = false;
	unsigned left = 0;

	/* Regions that need tables, in the cell and in root, and that split leaves of root's. */
	d.memory[0].phys_start += 0x1000;
	d.memory[0].size = 0x3f000;
	d.memory[3] = (struct config_memory){ MOCK_GIVE + 0x455000, 0x400000, 0x2000, 7 };
	d.memory[4] = (struct config_memory){ MOCK_GIVE + 0x457000, 0x8000000, 0x21000, 3 };
	d.cell.num_memory_regions = 5;
	for (; !done && left < 60; left++) {
		unsigned count = 0;

		while (pool_size() - pool_used() > left)
			taken[count++] = pool_alloc(1);
		done = !mock_create(0, &d);
		if (!done)
			assert_int_equal(mock_root_map(), map);
		while (count)
			pool_free(taken[--count], 1);
		if (!done)
			assert_int_equal(pool_used(), used);
		mock_check();
	}
	assert_in_range(left, 10, 59);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	assert_int_equal(pool_used(), used);
	assert_int_equal(mock_root_map(), map);
}

/* Destroying needs no memory, and a start that needs some says so and leaves the cell loadable. */
static void ends_need_no_memory(void **state)
{
	uint64_t used = pool_used(), map = mock_root_map();
	void *taken[512];
	unsigned count = 0;
	long error;

	created(1, 2);
	created(2, 4);
	assert_int_equal(mock_hypercall(0, HC_CELL_SET_LOADABLE, 1, 0), 0);
	while (pool_size() - pool_used())
		taken[count++] = pool_alloc(1);
	error = mock_hypercall(0, HC_CELL_START, 1, 0);
	assert_true(!error || error == -ENOMEM);
	assert_int_equal(state_of(1), error ? COMM_SHUT_DOWN : COMM_RUNNING);
	mock_check();
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 2, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	while (count)
		pool_free(taken[--count], 1);
	mock_check();
	assert_int_equal(pool_used(), used);
	assert_int_equal(mock_root_map(), map);
}

static void creation_that_the_architecture_refuses_changes_nothing(void **state)
{
	struct description d = mock_cell(1, 6);
	uint64_t used = pool_used(), map = mock_root_map();

	mock.fail_cell_create = EBUSY;
	assert_int_equal(mock_create(0, &d), -EBUSY);
	assert_int_equal(pool_used(), used);
	assert_int_equal(mock_root_map(), map);
	assert_int_equal(root_cell.cpus, 0x3f);
	mock_check();
	mock.fail_cell_create = 0;
	assert_int_equal(mock_create(0, &d), 0);
}

static void too_many_emulated_regions_change_nothing(void **state)
{
	struct description d = mock_cell(1, 2);
	uint64_t used = pool_used(), map = mock_root_map();

	for (unsigned i = 0; i < MMIO_REGIONS - 1; i++)
		assert_int_equal(mmio_register(&root_cell, 0x80000000 + i * 16, 16, uart_access, &root_cell),
				 0);
	assert_int_equal(mmio_register(&root_cell, 0x90000000, 16, uart_access, &root_cell), -ENOSPC);
	/* And a description that lies outside of root's memory, or in the hypervisor's, is not read. */
	assert_int_equal(mock_hypercall(0, HC_CELL_CREATE, MOCK_HV, 0), -EFAULT);
	assert_int_equal(mock_hypercall(0, HC_CELL_CREATE, MOCK_DEVICES, 0), -EFAULT);
	assert_int_equal(mock_hypercall(0, HC_CELL_CREATE, UINT64_MAX - 64, 0), -EFAULT);
	mock_pack(&d, mock_memory_at(MOCK_HV - 140));
	assert_int_equal(mock_hypercall(0, HC_CELL_CREATE, MOCK_HV - 140, 0), -EFAULT);
	assert_int_equal(pool_used(), used);
	assert_int_equal(mock_root_map(), map);
}

/* Two of root's CPUs at the same time: one is told to come again, and nobody waits for the other for ever. */
static void management_is_one_at_a_time(void **state)
{
	struct description a = mock_cell(1, 2), b = mock_cell(2, 4);
	unsigned both = 0;

	for (unsigned round = 0; round < 50; round++) {
		mock_pack(&a, mock_memory_at(MOCK_BUFFER));
		mock_pack(&b, mock_memory_at(MOCK_BUFFER + 0x1000));
		mock_begin(0, HC_CELL_CREATE, MOCK_BUFFER, 0);
		mock_begin(3, HC_CELL_CREATE, MOCK_BUFFER + 0x1000, 0);
		assert_true(mock_run(10000));
		mock_check();
		assert_true(!mock_result(0) || mock_result(0) == -EBUSY);
		assert_true(!mock_result(3) || mock_result(3) == -EBUSY);
		assert_true(!mock_result(0) || !mock_result(3));
		both += !mock_result(0) && !mock_result(3);
		if (!mock_result(0))
			assert_int_equal(mock_hypercall(4, HC_CELL_DESTROY, 1, 0), 0);
		if (!mock_result(3))
			assert_int_equal(mock_hypercall(5, HC_CELL_DESTROY, 2, 0), 0);
		mock_check();
	}
	assert_true(both < 50);
}

/* Guests that use what they have all the time: mock_access() finds TLB entries that should be gone. */
static bool use_memory(struct cpu *cpu)
{
	uint64_t base = cpu->cell == &root_cell ? MOCK_GIVE : 0;

	for (unsigned i = 0; i < 4; i++)
		mock_access(cpu->id, base + mock_random(3) * 0x100000 + mock_random(4) * PAGE_SIZE,
			    mock_random(2));
	return true;
}

static void nobody_keeps_what_is_anothers_now(void **state)
{
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		mock_guest(id, use_memory);
	for (unsigned round = 0; round < 40; round++) {
		started(1, 2);
		started(2, 0xc);
		mock_idle(20);
		assert_int_equal(mock_hypercall(0, HC_CELL_SET_LOADABLE, 1, 0), 0);
		mock_idle(20);
		assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
		mock_idle(20);
		assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
		mock_idle(20);
		assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 2, 0), 0);
		mock_idle(20);
		mock_check();
	}
}

/* What cells say. */

static uint32_t answer;

static bool reply(struct cpu *cpu)
{
	struct comm_region *comm = cpu->cell->comm;

	if (!comm) /* root's again */
		return false;
	if (comm->msg_to_cell == COMM_MSG_SHUTDOWN_REQUEST)
		comm->reply_from_cell = answer;
	else if (comm->msg_to_cell == COMM_MSG_RECONFIG_COMPLETED)
		comm->reply_from_cell = COMM_REPLY_RECEIVED;
	comm->msg_to_cell = COMM_MSG_NONE;
	return true;
}

static void talking(unsigned id, uint64_t cpus, uint64_t timeout)
{
	struct description d = mock_cell(id, cpus);

	d.cell.flags &= ~(uint32_t)CONFIG_CELL_PASSIVE_COMMREG;
	d.cell.msg_reply_timeout = timeout;
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, id, 0), 0);
	mock_idle(2);
}

static void a_cell_may_deny_its_shutdown(void **state)
{
	talking(1, 2, 0);
	mock_guest(1, reply);
	answer = COMM_REPLY_DENIED;
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), -EPERM);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), -EPERM);
	assert_int_equal(mock_hypercall(0, HC_CELL_SET_LOADABLE, 1, 0), -EPERM);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), -EPERM);
	assert_int_equal(state_of(1), COMM_RUNNING);
	answer = COMM_REPLY_UNKNOWN;
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), -EPERM);
	answer = COMM_REPLY_APPROVED;
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), 0);
	mock_check();
}

static void a_cell_that_does_not_answer_has_no_say(void **state)
{
	uint64_t before;

	talking(1, 2, 50);
	before = mock.time;
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), 0);
	assert_in_range(mock.time - before, 45, 200);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);

	talking(1, 2, 0);
	before = mock.time;
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	assert_in_range(mock.time - before, 3 * MOCK_FREQUENCY, 5 * MOCK_FREQUENCY);
	mock_check();
}

static void several_silent_cells_keep_root_no_longer_than_one(void **state)
{
	uint64_t before;

	talking(1, 2, 0);
	talking(2, 4, 0);
	talking(3, 8, 0);
	before = mock.time;
	created(4, 16);
	assert_in_range(mock.time - before, 3 * MOCK_FREQUENCY, 6 * MOCK_FREQUENCY);
	assert_int_equal(cell_find(3)->comm->msg_to_cell, COMM_MSG_RECONFIG_COMPLETED);
	mock_check();
}

static void a_cell_that_says_it_is_down_is_not_asked(void **state)
{
	talking(1, 2, 0);
	cell_find(1)->comm->cell_state = COMM_SHUT_DOWN;
	assert_int_equal(state_of(1), COMM_SHUT_DOWN);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	assert_int_equal(state_of(1), COMM_RUNNING);
	cell_find(1)->comm->cell_state = 12345; /* nonsense */
	assert_int_equal(state_of(1), COMM_RUNNING);
	cell_find(1)->comm->cell_state = COMM_FAILED_REVISION;
	assert_int_equal(state_of(1), COMM_FAILED_REVISION);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
}

static void a_locked_cell_forbids_reconfiguration(void **state)
{
	struct description other = mock_cell(2, 4);

	talking(1, 2, 10);
	assert_int_equal(mock_create(0, &other), 0);
	cell_find(1)->comm->cell_state = COMM_RUNNING_LOCKED;
	assert_int_equal(state_of(1), COMM_RUNNING_LOCKED);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 2, 0), -EPERM);
	other = mock_cell(3, 8);
	assert_int_equal(mock_create(0, &other), -EPERM);
	assert_string_equal(last_error.sentence, "a running cell is locked and forbids reconfiguration");
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 2, 0), 0); /* changes nothing of others */
	mock_guest(1, reply);
	answer = COMM_REPLY_APPROVED;
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0); /* its own lock does not keep it */
	assert_int_equal(mock_create(0, &other), 0);
	mock_check();
}

static unsigned told;

static bool listen(struct cpu *cpu)
{
	told += cpu->cell->comm->msg_to_cell == COMM_MSG_RECONFIG_COMPLETED;
	return reply(cpu);
}

static void cells_are_told_of_reconfiguration(void **state)
{
	talking(1, 2, 0);
	mock_guest(1, listen);
	told = 0;
	created(2, 4);
	assert_int_equal(told, 1);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 2, 0), 0);
	assert_int_equal(told, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, enabled)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_cell_has_its_memory_and_cpus_and_stands),
		TEST(a_started_cell_begins_at_its_entry_on_its_first_cpu),
		TEST(loadable_memory_is_roots_until_the_cell_starts),
		TEST(a_destroyed_cell_leaves_everything_as_it_was),
		TEST(a_cell_that_starts_again_finds_its_image_only),
		TEST(start_of_a_running_cell_starts_it_anew),
		TEST(cells_are_named_by_their_ids),
		TEST(creation_without_memory_changes_nothing),
		TEST(ends_need_no_memory),
		TEST(creation_that_the_architecture_refuses_changes_nothing),
		TEST(too_many_emulated_regions_change_nothing),
		TEST(management_is_one_at_a_time),
		TEST(nobody_keeps_what_is_anothers_now),
		TEST(a_cell_may_deny_its_shutdown),
		TEST(a_cell_that_does_not_answer_has_no_say),
		TEST(several_silent_cells_keep_root_no_longer_than_one),
		TEST(a_cell_that_says_it_is_down_is_not_asked),
		TEST(a_locked_cell_forbids_reconfiguration),
		TEST(cells_are_told_of_reconfiguration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
