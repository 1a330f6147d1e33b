/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The PCI host bridge and configuration space: machine/pci. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/virtio_driver.h"

#define DEVFN PCI_DEVFN(3, 0)

static uint64_t last_offset, last_value;

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned size)
{
	return UINT64_C(0x8877665544332211) + offset;
}

static void bar_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	last_offset = offset;
	last_value = value;
}

static const struct pci_bar_ops bar_ops = { bar_read, bar_write };

static const struct pci_identity identity = {
	.vendor = 0x1234,
	.device = 0x5678,
	.subsystem_vendor = 0x9abc,
	.subsystem = 0xdef0,
	.class_code = 0x020000,
	.revision = 7,
	.interrupt_pin = 1,
};

struct fixture {
	struct driver driver;
	struct pci_function fn, other;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	driver_init(&f->driver, true);
	assert_int_equal(pci_add_function(&f->driver.host, &f->fn, "test", DEVFN, &identity), 0);
	pci_add_bar(&f->fn, 0, PCI_BAR_MEM32, 0x1000, &bar_ops, f);
	pci_add_bar(&f->fn, 2, PCI_BAR_IO, 0x20, &bar_ops, f);
	pci_add_bar(&f->fn, 4, PCI_BAR_MEM64_PREFETCH, 0x4000, &bar_ops, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	driver_destroy(&f->driver);
	free(f);
	return 0;
}

static uint64_t config(struct fixture *f, unsigned offset, unsigned size)
{
	return driver_read(&f->driver, driver_config(DEVFN, offset), size);
}

static void set_config(struct fixture *f, unsigned offset, unsigned size, uint64_t value)
{
	driver_write(&f->driver, driver_config(DEVFN, offset), size, value);
}

static void test_the_host_bridge_is_qemus(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_read(&f->driver, driver_config(0, 0), 4), 0x00081b36);
	assert_int_equal(driver_read(&f->driver, driver_config(0, PCI_CLASS), 1), 0);
	assert_int_equal(driver_read(&f->driver, driver_config(0, PCI_CLASS + 1), 2), 0x0600);
	driver_write(&f->driver, driver_config(0, PCI_BAR0), 4, 0xffffffff);
	assert_int_equal(driver_read(&f->driver, driver_config(0, PCI_BAR0), 4), 0);
}

static void test_absent_functions_read_all_ones_at_every_width(void **state)
{
	struct fixture *f = *state;

	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned bus = 0; bus < 128; bus += 127)
			assert_true(driver_read(&f->driver, DRIVER_ECAM + bus * 0x100000 + 0x9000, size) ==
				    pci_ones(size));
	/* Beyond what the function has, too. */
	assert_int_equal(config(f, 0x100, 4), 0xffffffff);
	driver_write(&f->driver, DRIVER_ECAM + 127 * 0x100000, 4, 0);
}

static void test_the_header_says_who_it_is_and_cannot_be_changed(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i += 4)
		set_config(f, i, 4, 0xffffffff);
	set_config(f, PCI_SUBSYSTEM_VENDOR, 4, 0);
	assert_int_equal(config(f, 0, 4), 0x56781234);
	assert_int_equal(config(f, PCI_REVISION, 4), 0x02000007);
	assert_int_equal(config(f, PCI_SUBSYSTEM_VENDOR, 4), 0xdef09abc);
	assert_int_equal(config(f, PCI_INTERRUPT_PIN, 1), 1);
	set_config(f, PCI_INTERRUPT_LINE, 1, 0x42);
	assert_int_equal(config(f, PCI_INTERRUPT_LINE, 1), 0x42);
	assert_true(config(f, 0, 8) == UINT64_C(0x0000000056781234));
}

static void test_bar_sizing_shows_size_and_type(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < PCI_BARS; i++)
		set_config(f, PCI_BAR0 + 4 * i, 4, 0xffffffff);
	assert_int_equal(config(f, PCI_BAR0, 4), 0xfffff000);
	assert_int_equal(config(f, PCI_BAR0 + 4, 4), 0);
	assert_int_equal(config(f, PCI_BAR0 + 8, 4), 0xffffffe1);
	assert_int_equal(config(f, PCI_BAR0 + 16, 4), 0xffffc00c);
	assert_int_equal(config(f, PCI_BAR0 + 20, 4), 0xffffffff);
}

static void test_a_bar_answers_only_where_and_when_it_is_mapped(void **state)
{
	struct fixture *f = *state;

	set_config(f, PCI_BAR0, 4, 0x50000000);
	assert_int_equal(driver_read(&f->driver, 0x50000010, 4), 0xffffffff); /* not enabled */
	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(driver_read(&f->driver, 0x50000010, 4), 0x44332221);
	assert_true(driver_read(&f->driver, 0x50000000, 8) == UINT64_C(0x8877665544332211));
	assert_int_equal(driver_read(&f->driver, 0x50001000, 4), 0xffffffff);
	assert_int_equal(driver_read(&f->driver, 0x50000001, 4), 0xffffffff); /* misaligned: not decoded */
	driver_write(&f->driver, 0x50000ffe, 2, 0xaabbccdd);
	assert_int_equal(last_offset, 0xffe);
	assert_int_equal(last_value, 0xccdd);
	set_config(f, PCI_BAR0, 4, 0x60000000);
	assert_int_equal(driver_read(&f->driver, 0x50000010, 4), 0xffffffff);
	assert_int_equal(driver_read(&f->driver, 0x60000010, 1), 0x21);
	set_config(f, PCI_COMMAND, 2, 0);
	assert_int_equal(driver_read(&f->driver, 0x60000010, 1), 0xff);
}

static void test_a_64_bit_bar_above_the_window_is_out_of_reach(void **state)
{
	struct fixture *f = *state;

	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set_config(f, PCI_BAR0 + 16, 4, 0x50000000);
	assert_int_equal(driver_read(&f->driver, 0x50000000, 1), 0x11);
	set_config(f, PCI_BAR0 + 20, 4, 1);
	assert_int_equal(driver_read(&f->driver, 0x50000000, 1), 0xff);
	set_config(f, PCI_BAR0 + 20, 4, 0xffffffff);
	set_config(f, PCI_BAR0 + 16, 4, 0xffffffff);
	assert_int_equal(driver_read(&f->driver, 0x7fffc000, 1), 0xff);
}

static void test_io_port_4000_is_at_the_start_of_the_io_window(void **state)
{
	struct fixture *f = *state;

	set_config(f, PCI_BAR0 + 8, 4, 0x4100);
	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_IO);
	assert_int_equal(driver_read(&f->driver, DRIVER_IO + 0x104, 4), 0x44332215);
	assert_true(driver_read(&f->driver, DRIVER_IO + 0x100, 8) == UINT64_MAX);
	assert_int_equal(driver_read(&f->driver, DRIVER_IO, 2), 0xffff);
	driver_write(&f->driver, DRIVER_IO + 0x11c, 4, 5);
	assert_int_equal(last_offset, 0x1c);
}

static void test_of_overlapping_bars_the_first_answers(void **state)
{
	struct fixture *f = *state;

	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set_config(f, PCI_BAR0, 4, 0x50001000);
	set_config(f, PCI_BAR0 + 16, 4, 0x50000000);
	assert_int_equal(driver_read(&f->driver, 0x50001000, 1), 0x11);
	assert_int_equal(driver_read(&f->driver, 0x50000004, 1), 0x15);
}

static void test_intx_lines_are_swizzled_and_shared(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pci_add_function(&f->driver.host, &f->other, "other", PCI_DEVFN(7, 0), &identity),
			 0);
	pci_set_intx(&f->fn, true);
	assert_int_equal(f->driver.line[3], 1); /* INTA + device 3 */
	assert_true(config(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pci_set_intx(&f->other, true);
	pci_set_intx(&f->fn, false);
	assert_int_equal(f->driver.line[3], 1);
	pci_set_intx(&f->other, false);
	assert_int_equal(f->driver.line[3], 0);
	assert_false(config(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

static void test_intx_disable_and_msix_enable_take_the_wire_down(void **state)
{
	struct fixture *f = *state;
	unsigned cap;

	assert_int_equal(pci_add_msix(&f->fn, 1, 4), 0);
	cap = driver_find_capability(&f->driver, DEVFN, 0x11);
	pci_set_intx(&f->fn, true);
	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(f->driver.line[3], 0);
	assert_true(config(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	set_config(f, PCI_COMMAND, 2, 0);
	assert_int_equal(f->driver.line[3], 1);
	set_config(f, cap + 2, 2, 0x8000);
	assert_int_equal(f->driver.line[3], 0);
	set_config(f, cap + 2, 2, 0);
	assert_int_equal(f->driver.line[3], 1);
}

static unsigned start_msix(struct fixture *f)
{
	assert_int_equal(pci_add_msix(&f->fn, 1, 4), 0);
	driver_map(&f->driver, DEVFN);
	driver_use_msix(&f->driver, DEVFN, 4);
	return driver_find_capability(&f->driver, DEVFN, 0x11);
}

static void test_msix_sends_address_and_data_of_the_vector(void **state)
{
	struct fixture *f = *state;
	unsigned cap = start_msix(f);

	assert_int_equal(config(f, cap + 2, 2), 0x8003);
	assert_int_equal(config(f, cap + 4, 4), 1);
	assert_int_equal(config(f, cap + 8, 4), 0x801);
	pci_msix_notify(&f->fn, 2);
	assert_int_equal(f->driver.messages, 1);
	assert_int_equal(f->driver.last_message, 0x42);
	pci_msix_notify(&f->fn, 4); /* does not exist */
	assert_int_equal(f->driver.messages, 1);
}

static void test_masked_vectors_wait_in_the_pba(void **state)
{
	struct fixture *f = *state;
	unsigned cap = start_msix(f);

	driver_write(&f->driver, DRIVER_MSIX + 16 + 12, 4, 0xffffffff);
	assert_int_equal(driver_read(&f->driver, DRIVER_MSIX + 16 + 12, 4), 1);
	pci_msix_notify(&f->fn, 1);
	pci_msix_notify(&f->fn, 1);
	assert_int_equal(f->driver.messages, 0);
	assert_true(driver_read(&f->driver, DRIVER_MSIX + 0x800, 8) == 2);
	driver_write(&f->driver, DRIVER_MSIX + 0x800, 8, 0); /* read-only */
	assert_true(driver_read(&f->driver, DRIVER_MSIX + 0x800, 8) == 2);
	driver_write(&f->driver, DRIVER_MSIX + 16 + 12, 4, 0);
	assert_int_equal(f->driver.messages, 1);
	assert_true(driver_read(&f->driver, DRIVER_MSIX + 0x800, 8) == 0);

	set_config(f, cap + 2, 2, 0xc000); /* the whole function */
	pci_msix_notify(&f->fn, 3);
	assert_int_equal(f->driver.messages, 1);
	set_config(f, cap + 2, 2, 0x8000);
	assert_int_equal(f->driver.messages, 2);
	assert_int_equal(f->driver.last_message, 0x43);
}

static void test_a_message_can_go_to_memory_but_not_back_into_pci(void **state)
{
	struct fixture *f = *state;
	uint32_t *word;

	start_msix(f);
	word = driver_ram(&f->driver, 0x1000);
	driver_write(&f->driver, DRIVER_MSIX, 4, 0x1003); /* low bits are not decoded */
	driver_write(&f->driver, DRIVER_MSIX + 8, 4, 0xcafef00d);
	pci_msix_notify(&f->fn, 0);
	assert_int_equal(*word, 0xcafef00d);
	driver_write(&f->driver, DRIVER_MSIX, 4, DRIVER_MSIX + 12);
	driver_write(&f->driver, DRIVER_MSIX + 8, 4, 1);
	pci_msix_notify(&f->fn, 0);
	assert_int_equal(driver_read(&f->driver, DRIVER_MSIX + 12, 4), 0);
	driver_write(&f->driver, DRIVER_MSIX, 4, 0x70); /* nobody there: no harm */
	driver_write(&f->driver, DRIVER_MSIX + 4, 4, 0xffff);
	pci_msix_notify(&f->fn, 0);
}

static void test_without_bus_mastering_messages_wait(void **state)
{
	struct fixture *f = *state;

	start_msix(f);
	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_msix_notify(&f->fn, 0);
	assert_int_equal(f->driver.messages, 0);
	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(f->driver.messages, 1);
}

static void test_msi_sends_its_vectors_and_masks_them(void **state)
{
	struct fixture *f = *state;
	unsigned cap;

	assert_int_equal(pci_add_msi(&f->fn, 4), 0);
	cap = driver_find_capability(&f->driver, DEVFN, 0x05);
	assert_int_equal(config(f, cap + 2, 2), 0x0184);
	set_config(f, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	set_config(f, cap + 4, 4, DRIVER_DOORBELL);
	set_config(f, cap + 12, 2, 0x50);
	pci_msi_notify(&f->fn, 3);
	assert_int_equal(f->driver.messages, 0);
	set_config(f, cap + 2, 2, 0x21); /* on, four vectors */
	assert_true(pci_msi_enabled(&f->fn));
	pci_msi_notify(&f->fn, 3);
	assert_int_equal(f->driver.last_message, 0x53);
	set_config(f, cap + 16, 4, 0xffffffff);
	assert_int_equal(config(f, cap + 16, 4), 0xf);
	pci_msi_notify(&f->fn, 2);
	assert_int_equal(f->driver.messages, 1);
	assert_int_equal(config(f, cap + 20, 4), 4);
	set_config(f, cap + 16, 4, 0);
	assert_int_equal(f->driver.messages, 2);
	assert_int_equal(f->driver.last_message, 0x52);
	set_config(f, cap + 2, 2, 0x71); /* a reserved count of vectors */
	pci_msi_notify(&f->fn, 1);
	assert_int_equal(f->driver.last_message, 0x51);
}

static void test_reset_puts_everything_back(void **state)
{
	struct fixture *f = *state;
	unsigned cap = start_msix(f);

	set_config(f, PCI_INTERRUPT_LINE, 1, 9);
	pci_host_reset(&f->driver.host);
	assert_int_equal(config(f, PCI_COMMAND, 2), 0);
	assert_int_equal(config(f, PCI_BAR0 + 16, 4), 0xc);
	assert_int_equal(config(f, PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(config(f, cap + 2, 2), 3);
	assert_int_equal(config(f, 0, 4), 0x56781234);
	assert_int_equal(driver_read(&f->driver, DRIVER_MSIX + 12, 4), 0xffffffff);
	driver_map(&f->driver, DEVFN);
	assert_int_equal(driver_read(&f->driver, DRIVER_MSIX + 12, 4), 1);
}

static void test_places_are_given_out_once(void **state)
{
	struct fixture *f = *state;
	struct pci_function *many = calloc(40, sizeof(*many));
	unsigned count = 0;

	assert_int_equal(pci_add_function(&f->driver.host, &f->other, "other", DEVFN, &identity), -EEXIST);
	assert_int_equal(pci_add_function(&f->driver.host, &f->other, "other", 256, &identity), -ENOSPC);
	while (!pci_add_function(&f->driver.host, &many[count], "auto", PCI_DEVFN_AUTO, &identity))
		count++;
	assert_int_equal(count, 30); /* 32 but the bridge and ours */
	assert_int_equal(many[0].devfn, PCI_DEVFN(1, 0));
	for (unsigned i = 0; i < count; i++)
		pci_remove_function(&many[i]);
	free(many);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_the_host_bridge_is_qemus),
		T(test_absent_functions_read_all_ones_at_every_width),
		T(test_the_header_says_who_it_is_and_cannot_be_changed),
		T(test_bar_sizing_shows_size_and_type),
		T(test_a_bar_answers_only_where_and_when_it_is_mapped),
		T(test_a_64_bit_bar_above_the_window_is_out_of_reach),
		T(test_io_port_4000_is_at_the_start_of_the_io_window),
		T(test_of_overlapping_bars_the_first_answers),
		T(test_intx_lines_are_swizzled_and_shared),
		T(test_intx_disable_and_msix_enable_take_the_wire_down),
		T(test_msix_sends_address_and_data_of_the_vector),
		T(test_masked_vectors_wait_in_the_pba),
		T(test_a_message_can_go_to_memory_but_not_back_into_pci),
		T(test_without_bus_mastering_messages_wait),
		T(test_msi_sends_its_vectors_and_masks_them),
		T(test_reset_puts_everything_back),
		T(test_places_are_given_out_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
