/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Enable and disable: hypervisor/core/setup.c. */
#include "test.h"

static void all_cpus_go_on_as_guests(void **state)
{
	mock_power_on(1);
	assert_int_equal(mock_enable(), 0);
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		assert_false(mock_is_bare(id));
	assert_int_equal(root_cell.cpus, (1 << MOCK_CPUS) - 1);
	mock_check();
}

static void cpus_that_are_offline_are_nobodys(void **state)
{
	mock_power_on(1);
	mock.cpus = 3;
	assert_int_equal(mock_enable(), 0);
	assert_int_equal(root_cell.cpus, 7);
	assert_null(cpu_of(3));
	mock_check();
}

static void the_hypervisors_memory_is_not_roots(void **state)
{
	uint64_t phys, flags;

	mock_power_on(1);
	assert_int_equal(mock_enable(), 0);
	assert_false(paging_find(&root_cell.stage2, MOCK_HV, &phys, &flags));
	assert_false(paging_find(&root_cell.stage2, MOCK_HV + MOCK_HV_SIZE - 1, &phys, &flags));
	assert_true(paging_find(&root_cell.stage2, MOCK_HV - 1, &phys, &flags));
	assert_true(paging_find(&root_cell.stage2, MOCK_HV + MOCK_HV_SIZE, &phys, &flags));
}

/* Whatever goes wrong: all CPUs are Linux's again, and all know why. */
static void all_cpus_go_back_with(long error)
{
	assert_int_equal(mock_enable(), error);
	for (unsigned id = 0; id < mock.cpus; id++)
		assert_true(mock_is_bare(id));
}

static void an_error_of_the_first_cpu_sends_all_back(void **state)
{
	mock_power_on(1);
	mock.fail_init = ENODEV;
	all_cpus_go_back_with(-ENODEV);
}

static void an_error_of_any_cpu_sends_all_back(void **state)
{
	for (unsigned id = 0; id < MOCK_CPUS; id++) {
		mock_power_on(id);
		mock.fail_cpu = id;
		mock.fail_cpu_init = ENODEV;
		all_cpus_go_back_with(-ENODEV);
	}
}

static void an_error_of_roots_interrupts_sends_all_back(void **state)
{
	mock_power_on(1);
	mock.fail_cell_create = EBUSY;
	all_cpus_go_back_with(-EBUSY);
}

static void a_wrong_configuration_sends_all_back_and_says_why(void **state)
{
	mock_power_on(1);
	mock.system.revision = 13;
	all_cpus_go_back_with(-EINVAL);
	assert_int_equal(last_error.error, -EINVAL);
	assert_int_equal(last_error.field, offsetof(struct config_system, revision));
	assert_string_equal(last_error.sentence, "revision 13, this hypervisor takes 14");
}

static void memory_that_is_elsewhere_than_described_is_refused(void **state)
{
	mock_power_on(1);
	mock.system.hypervisor_memory.phys_start += 0x10000;
	all_cpus_go_back_with(-EINVAL);
	assert_int_equal(last_error.field, offsetof(struct config_system, hypervisor_memory));
}

static void a_pool_that_is_too_small_sends_all_back(void **state)
{
	mock_power_on(1);
	mock.system.hypervisor_memory.size =
		0x4000 + MOCK_CPUS * ((sizeof(struct cpu) + 0x3fff) & ~0x3fffull) + 3 * PAGE_SIZE;
	all_cpus_go_back_with(-ENOMEM);
	assert_memory_equal(last_error.sentence, "the hypervisor's memory of 0x", 29);
}

static void a_cpu_that_is_not_roots_sends_all_back(void **state)
{
	mock_power_on(1);
	mock.root.cpus = 0x1f;
	all_cpus_go_back_with(-EINVAL);
	assert_int_equal(last_error.index, 5);
}

static void a_cpu_that_does_not_come_is_waited_for_in_vain(void **state)
{
	mock_power_on(1);
	mock.cpus = 4;
	mock.announced = 5;
	all_cpus_go_back_with(-ETIMEDOUT);
}

static void enable_and_disable_can_be_repeated(void **state)
{
	for (unsigned round = 0; round < 20; round++) {
		mock_power_on(round);
		assert_int_equal(mock_enable(), 0);
		for (unsigned id = 0; id < MOCK_CPUS; id++)
			mock_begin(id, HC_DISABLE, 0, 0);
		assert_true(mock_run(100000));
		for (unsigned id = 0; id < MOCK_CPUS; id++) {
			assert_true(mock_is_bare(id));
			assert_int_equal(mock_result(id), 0);
		}
	}
}

static void disable_is_given_up_if_a_cpu_does_not_ask_for_it(void **state)
{
	assert_int_equal(enabled(state), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned id = 0; id < MOCK_CPUS - 1; id++)
			mock_begin(id, HC_DISABLE, 0, 0);
		assert_true(mock_run(100000));
		for (unsigned id = 0; id < MOCK_CPUS - 1; id++) {
			assert_false(mock_is_bare(id));
			assert_int_equal(mock_result(id), -ETIMEDOUT);
		}
	}
	/* And works when all do. */
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		mock_begin(id, HC_DISABLE, 0, 0);
	assert_true(mock_run(100000));
	assert_true(mock_is_bare(0));
}

static void disable_waits_until_there_are_no_cells(void **state)
{
	struct description cell = mock_cell(1, 2);

	assert_int_equal(enabled(state), 0);
	assert_int_equal(mock_create(0, &cell), 0);
	assert_int_equal(mock_hypercall(0, HC_DISABLE, 0, 0), -EBUSY);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		mock_begin(id, HC_DISABLE, 0, 0);
	assert_true(mock_run(100000));
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		assert_true(mock_is_bare(id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_cpus_go_on_as_guests),
		cmocka_unit_test(cpus_that_are_offline_are_nobodys),
		cmocka_unit_test(the_hypervisors_memory_is_not_roots),
		cmocka_unit_test(an_error_of_the_first_cpu_sends_all_back),
		cmocka_unit_test(an_error_of_any_cpu_sends_all_back),
		cmocka_unit_test(an_error_of_roots_interrupts_sends_all_back),
		cmocka_unit_test(a_wrong_configuration_sends_all_back_and_says_why),
		cmocka_unit_test(memory_that_is_elsewhere_than_described_is_refused),
		cmocka_unit_test(a_pool_that_is_too_small_sends_all_back),
		cmocka_unit_test(a_cpu_that_is_not_roots_sends_all_back),
		cmocka_unit_test(a_cpu_that_does_not_come_is_waited_for_in_vain),
		cmocka_unit_test(enable_and_disable_can_be_repeated),
		cmocka_unit_test(disable_is_given_up_if_a_cpu_does_not_ask_for_it),
		cmocka_unit_test(disable_waits_until_there_are_no_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
