/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Cells that do wrong, or nothing any more: hypervisor/core/fault.c. */
#include "test.h"

static void running(unsigned id, uint64_t cpus, uint32_t flags)
{
	struct description d = mock_cell(id, cpus);

	d.cell.flags |= flags;
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, id, 0), 0);
	mock_idle(2);
}

static long state_of(unsigned id)
{
	return mock_hypercall(0, HC_CELL_GET_STATE, id, 0);
}

static void a_fault_stops_all_of_the_cell_and_nobody_else(void **state)
{
	running(1, 0x6, 0);
	running(2, 0x8, 0);
	mock_fault(2, HV_FAULT_MEMORY);
	assert_true(mock_is_waiting(1));
	assert_true(mock_is_waiting(2));
	assert_int_equal(state_of(1), COMM_FAILED);
	assert_int_equal(cell_find(1)->comm->cell_state, COMM_FAILED);
	assert_int_equal(mock_hypercall(0, HC_CPU_GET_INFO, 2, HC_CPU_STATE), 2);
	assert_int_equal(mock_hypercall(0, HC_CPU_GET_INFO, 1, HC_CPU_STATE), 0);
	assert_int_equal(state_of(2), COMM_RUNNING);
	assert_int_equal(mock_hypercall(3, HC_NOP, 0, 0), 0);
	mock_idle(2000);
	assert_int_equal(state_of(1), COMM_FAILED);
	assert_int_equal(mock.notices, 0);
	mock_check();
	/* Root may start it again. */
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_idle(2);
	assert_int_equal(state_of(1), COMM_RUNNING);
	assert_int_equal(mock_hypercall(0, HC_CPU_GET_INFO, 2, HC_CPU_STATE), 0);
	mock_check();
}

static void the_record_says_what_happened(void **state)
{
	const struct hv_fault *fault = mock_memory_at(MOCK_BUFFER);

	running(1, 0x6, 0);
	for (unsigned i = 0; i < HV_FAULT_EXITS + 3; i++)
		stat_count(mock_cpu(2), HV_STAT_IOCSR, mock.time, 0x1000 + i, 100 + i);
	mock_fault(2, HV_FAULT_INSTRUCTION);
	assert_int_equal(mock_hypercall(0, HC_CELL_FAULT, 1, MOCK_BUFFER), 0);
	assert_int_equal(fault->reason, HV_FAULT_INSTRUCTION);
	assert_int_equal(fault->cpu, 1); /* of the cell */
	assert_int_equal(fault->count, 1);
	assert_int_equal(fault->pc, 0x8000);
	assert_int_equal(fault->gpa, 0xdead000);
	for (unsigned i = 0; i < HV_FAULT_EXITS; i++) { /* oldest first */
		assert_int_equal(fault->exits[i].pc, 0x1003 + i);
		assert_int_equal(fault->exits[i].insn, 103 + i);
		assert_int_equal(fault->exits[i].stat, HV_STAT_IOCSR);
	}
	/* It is still there when the cell runs again. */
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_FAULT, 1, MOCK_BUFFER), 0);
	mock_fault(1, HV_FAULT_MEMORY);
	assert_int_equal(mock_hypercall(0, HC_CELL_FAULT, 1, MOCK_BUFFER), 0);
	assert_int_equal(fault->count, 2);
}

static void all_cpus_may_fault_at_once(void **state)
{
	static struct hv_fault fault;

	running(1, 0x1e, CONFIG_CELL_FAULT_NOTIFY);
	/* As if each had left its guest before it learned of the others. */
	for (unsigned id = 1; id < 5; id++)
		cell_fault(mock_cpu(id), HV_FAULT_MEMORY, &fault);
	mock_idle(5);
	assert_int_equal(state_of(1), COMM_FAILED);
	assert_int_equal(cell_find(1)->fault.count, 4);
	assert_int_equal(mock.notices, 1);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		assert_int_equal(mock_hypercall(0, HC_CPU_GET_INFO, id, HC_CPU_STATE), 0);
	mock_check();
}

static void restarts_come_each_later_than_the_last(void **state)
{
	uint64_t delay = MOCK_FREQUENCY / 10;

	running(1, 0x6, CONFIG_CELL_FAULT_RESTART | CONFIG_CELL_FAULT_NOTIFY);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t at;

		memset(mock_memory_at(MOCK_GIVE), 0x66, 0x1000);
		mock_fault(1 + i % 2, HV_FAULT_MEMORY);
		assert_int_equal(state_of(1), COMM_FAILED);
		assert_int_equal(mock.notices, i + 1);
		at = cell_find(1)->restart_at;
		assert_in_range(at - mock.time, delay - delay / 4, delay);
		mock.time = at - 2;
		mock_idle(1);
		assert_int_equal(cell_find(1)->state, CELL_FAILED);
		mock_idle(10);
		assert_int_equal(state_of(1), COMM_RUNNING);
		assert_int_equal(*(uint8_t *)mock_memory_at(MOCK_GIVE), 0);
		assert_int_equal(mock_hypercall(2, HC_NOP, 0, 0), 0);
		mock_check();
		if (delay < 10 * MOCK_FREQUENCY)
			delay *= 2;
	}
	/* Root starts it, or it has no fault for a minute, and it begins anew. */
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_idle(1);
	mock_fault(1, HV_FAULT_MEMORY);
	assert_true(cell_find(1)->restart_at - mock.time <= MOCK_FREQUENCY / 10);
	mock_idle(120);
	assert_int_equal(state_of(1), COMM_RUNNING);
	mock.time += 61 * MOCK_FREQUENCY;
	mock_fault(1, HV_FAULT_MEMORY);
	assert_true(cell_find(1)->restart_at - mock.time <= MOCK_FREQUENCY / 10);
}

static void root_can_step_in_before_a_restart(void **state)
{
	running(1, 0x2, CONFIG_CELL_FAULT_RESTART);
	mock_fault(1, HV_FAULT_MEMORY);
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), 0);
	mock_idle(300);
	assert_int_equal(state_of(1), COMM_SHUT_DOWN);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_fault(1, HV_FAULT_MEMORY);
	assert_int_equal(mock_hypercall(0, HC_CELL_SET_LOADABLE, 1, 0), 0);
	mock_idle(300);
	mock_check();
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_fault(1, HV_FAULT_MEMORY);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	mock_idle(300);
	mock_check();
}

/* Root manages at the very moment when a cell restarts itself. */
static void restarts_and_management_do_not_wait_for_each_other(void **state)
{
	for (unsigned round = 0; round < 60; round++) {
		struct description d = mock_cell(2, 8);
		long result;

		running(1, 0x6, CONFIG_CELL_FAULT_RESTART);
		mock_fault(1, HV_FAULT_MEMORY);
		mock_pack(&d, mock_memory_at(MOCK_BUFFER));
		mock.time = cell_find(1)->restart_at - 4 + round % 8;
		result = mock_hypercall(4, HC_CELL_CREATE, MOCK_BUFFER, 0);
		assert_int_equal(result, 0);
		mock_idle(10);
		assert_int_equal(state_of(1), COMM_RUNNING);
		assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
		assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 2, 0), 0);
		mock_check();
	}
}

static void a_fault_of_root_stops_that_cpu_alone(void **state)
{
	mock_fault(3, HV_FAULT_MACHINE);
	assert_true(mock_is_waiting(3));
	assert_int_equal(mock_hypercall(0, HC_CPU_GET_INFO, 3, HC_CPU_STATE), 2);
	assert_int_equal(mock_hypercall(0, HC_CELL_GET_STATE, 0, 0), COMM_RUNNING);
	/* The rest can go on, and manage cells. */
	running(1, 0x2, 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	mock_check();
}

static bool die(struct cpu *cpu)
{
	cpu_die(cpu);
}

static void a_cpu_that_the_hypervisor_lost_is_not_waited_for(void **state)
{
	running(1, 0x6, 0);
	mock_guest(2, die);
	mock_idle(2);
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	assert_int_equal(root_cell.cpus, 0x3b);
	mock_check();
	running(1, 0x2, 0);
	/* One of root's. */
	mock_guest(3, die);
	mock_idle(2);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	mock_check();
}

static void cells_outlive_root(void **state)
{
	running(1, 0x2, 0);
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		if (id != 1)
			mock_fault(id, HV_FAULT_MACHINE);
	assert_int_equal(root_cell.state, CELL_FAILED);
	assert_int_equal(mock_hypercall(1, HC_NOP, 0, 0), 0);
	assert_int_equal(cell_find(1)->state, CELL_RUNNING);
}

static void a_cell_without_heartbeat_is_stopped(void **state)
{
	const struct hv_fault *fault = mock_memory_at(MOCK_BUFFER);

	running(1, 0x6, 0);
	running(2, 0x8, 0);
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 100, 0), 0);
	assert_int_equal(mock_hypercall(3, HC_HEARTBEAT, 400, 0), 0);
	for (unsigned i = 0; i < 5; i++) { /* each beat is a new term, from any of the cell's CPUs */
		mock.time += 80;
		assert_int_equal(mock_hypercall(i % 2 + 1, HC_HEARTBEAT, 100, 0), 0);
		assert_int_equal(state_of(1), COMM_RUNNING);
		assert_int_equal(mock_hypercall(3, HC_HEARTBEAT, 400, 0), 0);
	}
	/* An alarm that rings too early rings again. */
	assert_int_equal(heartbeat_look(mock_cpu(1)), cell_find(1)->heartbeat + 100);
	mock.time += 120;
	mock_idle(5); /* nobody leaves its guest */
	assert_int_equal(state_of(1), COMM_FAILED);
	assert_true(mock_is_waiting(1) && mock_is_waiting(2));
	assert_int_equal(mock_hypercall(0, HC_CELL_FAULT, 1, MOCK_BUFFER), 0);
	assert_int_equal(fault->reason, HV_FAULT_HANG);
	assert_int_equal(fault->pc, 0x4001); /* where its first CPU was */
	assert_int_equal(state_of(2), COMM_RUNNING);
	/* The other one's time comes, too. */
	mock.time += 400;
	mock_idle(5);
	assert_int_equal(state_of(2), COMM_FAILED);
	mock_check();
}

/* Also while root has died, or manages: it waits for this very cell. */
static void hangs_are_found_without_root(void **state)
{
	struct description d = mock_cell(1, 0x2);
	uint64_t before;

	d.cell.flags &= ~(uint32_t)CONFIG_CELL_PASSIVE_COMMREG;
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock_idle(2);
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 200, 0), 0);
	before = mock.time;
	assert_int_equal(mock_hypercall(0, HC_CELL_SHUTDOWN, 1, 0), 0); /* which is not answered */
	assert_in_range(mock.time - before, 200, 210);
	running(2, 0x4, CONFIG_CELL_FAULT_RESTART);
	assert_int_equal(mock_hypercall(2, HC_HEARTBEAT, 200, 0), 0);
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		if (id != 1 && id != 2)
			mock_fault(id, HV_FAULT_MACHINE);
	mock.time += 200;
	mock_idle(5);
	assert_int_equal(cell_find(2)->fault.reason, HV_FAULT_HANG);
	assert_in_range(cell_find(2)->restart_at, mock.time, mock.time + MOCK_FREQUENCY / 10);
	mock.time += MOCK_FREQUENCY;
	mock_idle(5);
	assert_int_equal(cell_find(2)->state, CELL_RUNNING);
}

static void heartbeats_end_with_the_run_or_when_told(void **state)
{
	running(1, 0x6, 0);
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 100, 0), 0);
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 0, 0), 0);
	mock.time += 1000;
	mock_idle(5);
	assert_int_equal(state_of(1), COMM_RUNNING);
	/* Of another CPU than that which has the alarm. */
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 100, 0), 0);
	assert_int_equal(mock_hypercall(2, HC_HEARTBEAT, 0, 0), 0);
	mock.time += 1000;
	mock_idle(5);
	assert_int_equal(state_of(1), COMM_RUNNING);
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 100, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	mock.time += 1000;
	mock_idle(5);
	assert_int_equal(state_of(1), COMM_RUNNING);
	/* The CPU goes back to root with none. */
	assert_int_equal(mock_hypercall(1, HC_HEARTBEAT, 100, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	mock.time += 1000;
	mock_idle(5);
	mock_check();
}

#define TEST(name) cmocka_unit_test_setup(name, enabled)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_fault_stops_all_of_the_cell_and_nobody_else),
		TEST(the_record_says_what_happened),
		TEST(all_cpus_may_fault_at_once),
		TEST(restarts_come_each_later_than_the_last),
		TEST(root_can_step_in_before_a_restart),
		TEST(restarts_and_management_do_not_wait_for_each_other),
		TEST(a_fault_of_root_stops_that_cpu_alone),
		TEST(a_cpu_that_the_hypervisor_lost_is_not_waited_for),
		TEST(cells_outlive_root),
		TEST(a_cell_without_heartbeat_is_stopped),
		TEST(hangs_are_found_without_root),
		TEST(heartbeats_end_with_the_run_or_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
