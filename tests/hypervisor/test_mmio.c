/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Accesses done for guests: hypervisor/core/mmio.c, uart.c. */
#include "test.h"

#define CONSOLE UINT64_C(0x500000)
#define PARTS	UINT64_C(0x600100)

/* Cell 1 on CPU 1: registers at PARTS (MOCK_PARTS + 0x100), a virtual UART at CONSOLE. */
static int with_cell(void **state)
{
	struct description d = mock_cell(1, 2);

	mock_power_on(1);
	if (mock_enable())
		return -1;
	d.memory[3] = (struct config_memory){ MOCK_PARTS + 0x100, PARTS, 0x100,
					      CONFIG_MEM_IO | CONFIG_MEM_IO_8 | CONFIG_MEM_IO_32 | 3 };
	d.memory[4] =
		(struct config_memory){ MOCK_PARTS + 0x200, PARTS + 0x100, 0x20,
					CONFIG_MEM_IO | CONFIG_MEM_IO_WIDTHS | CONFIG_MEM_IO_UNALIGNED | 1 };
	d.memory[5] = (struct config_memory){ MOCK_PARTS + 0x300, PARTS + 0x200, 0x20,
					      CONFIG_MEM_ROOTSHARED | CONFIG_MEM_IO | CONFIG_MEM_IO_32 | 3 };
	d.cell.num_memory_regions = 6;
	d.cell.console = (struct config_console){ .address = CONSOLE, .size = 0x100, .type = 2, .flags = 1 };
	return mock_create(0, &d) || mock_hypercall(0, HC_CELL_START, 1, 0);
}

static enum mmio_result access_at(unsigned cpu, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
	struct mmio_access access = { .gpa = gpa, .size = size, .write = write, .value = *value };
	enum mmio_result result = mmio_access(mock_cpu(cpu), &access);

	*value = access.value;
	return result;
}

static enum mmio_result load(unsigned cpu, uint64_t gpa, unsigned size)
{
	uint64_t value = 0;

	return access_at(cpu, gpa, size, false, &value);
}

static enum mmio_result store(unsigned cpu, uint64_t gpa, unsigned size)
{
	uint64_t value = 0x1122334455667788;

	return access_at(cpu, gpa, size, true, &value);
}

static void parts_of_pages_are_reached_with_the_widths_allowed(void **state)
{
	uint64_t value = 0;

	mock.device_value = 0xfedcba9876543210;
	assert_int_equal(access_at(1, PARTS + 0x10, 4, false, &value), MMIO_DONE);
	assert_int_equal(value, 0x76543210);
	assert_int_equal(mock.device.phys, MOCK_PARTS + 0x110);
	assert_int_equal(mock.device.size, 4);
	assert_int_equal(store(1, PARTS + 0xff, 1), MMIO_DONE);
	assert_int_equal(mock.device.phys, MOCK_PARTS + 0x1ff);
	assert_true(mock.device.write);
	assert_int_equal(load(1, PARTS, 2), MMIO_FORBIDDEN);
	assert_int_equal(load(1, PARTS, 8), MMIO_FORBIDDEN);
	assert_int_equal(load(1, PARTS + 2, 4), MMIO_FORBIDDEN); /* unaligned */
	assert_int_equal(load(1, PARTS - 1, 1), MMIO_UNKNOWN);
	assert_int_equal(load(1, PARTS + 0xfe, 4), MMIO_FORBIDDEN); /* across the end */
	assert_int_equal(load(1, MOCK_PARTS, 4), MMIO_UNKNOWN);
}

static void rights_and_alignment_are_the_regions(void **state)
{
	assert_int_equal(load(1, PARTS + 0x103, 8), MMIO_DONE);
	assert_int_equal(store(1, PARTS + 0x100, 8), MMIO_FORBIDDEN);
	assert_int_equal(load(1, PARTS + 0x119, 8), MMIO_FORBIDDEN);
}

static void what_a_cell_has_root_has_not(void **state)
{
	assert_int_equal(load(0, MOCK_PARTS + 0xfc, 4), MMIO_DONE);
	assert_int_equal(load(0, MOCK_PARTS + 0x100, 4), MMIO_FORBIDDEN);
	assert_int_equal(load(0, MOCK_PARTS + 0x21f, 1), MMIO_FORBIDDEN);
	assert_int_equal(load(0, MOCK_PARTS + 0x220, 1), MMIO_DONE);
	assert_int_equal(load(0, MOCK_PARTS + 0x1fc, 8), MMIO_FORBIDDEN);
	assert_int_equal(load(0, MOCK_PARTS + 0x300, 4), MMIO_DONE); /* shared */
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 1, 0), 0);
	assert_int_equal(load(0, MOCK_PARTS + 0x100, 4), MMIO_DONE);
}

static void regions_do_not_overlap(void **state)
{
	struct cell *cell = cell_find(1);

	assert_int_equal(mmio_register(cell, PARTS + 0xff, 1, uart_access, cell), -EEXIST);
	assert_int_equal(mmio_register(cell, PARTS - 8, 9, uart_access, cell), -EEXIST);
	assert_int_equal(mmio_register(cell, PARTS - 8, 8, uart_access, cell), 0);
	mmio_unregister(cell, PARTS - 8);
	assert_int_equal(load(1, PARTS - 8, 1), MMIO_UNKNOWN);
	assert_int_equal(load(1, PARTS, 1), MMIO_DONE);
	mmio_unregister(cell, 0x12345); /* nothing */
}

enum { THR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static uint8_t get(unsigned number)
{
	uint64_t value = ~UINT64_C(0);

	assert_int_equal(access_at(1, CONSOLE + number, 1, false, &value), MMIO_DONE);
	assert_true(value < 0x100);
	return (uint8_t)value;
}

static void put(unsigned number, uint64_t value)
{
	assert_int_equal(access_at(1, CONSOLE + number, 1, true, &value), MMIO_DONE);
}

static void the_uart_is_the_cells_console(void **state)
{
	struct hv_console *console = mock_memory_at(MOCK_BUFFER);

	assert_int_equal(cell_find(1)->comm->uart_base, CONSOLE);
	assert_int_equal(get(LSR), 0x60);
	put(THR, 'h');
	put(THR, 'i');
	assert_int_equal(mock_hypercall(0, HC_CONSOLE_READ, 1, MOCK_BUFFER), 0);
	assert_int_equal(console->length, 2);
	assert_memory_equal(console->text, "hi", 2);
	assert_int_equal(mock_hypercall(0, HC_CONSOLE_WRITE, 1, 'a'), 0);
	assert_int_equal(mock_hypercall(0, HC_CONSOLE_WRITE, 1, 'b'), 0);
	assert_int_equal(get(LSR), 0x61);
	assert_int_equal(get(THR), 'a');
	assert_int_equal(get(LSR), 0x61);
	assert_int_equal(get(THR), 'b');
	assert_int_equal(get(LSR), 0x60);
	assert_int_equal(get(THR), 0);
}

/* What a driver looks for before it believes in an 8250. */
static void the_uart_passes_for_an_8250(void **state)
{
	put(IER, 0);
	assert_int_equal(get(IER), 0);
	put(IER, 0xff);
	assert_int_equal(get(IER), 0xf);
	assert_int_equal(get(IIR), 2); /* transmitter empty, no FIFOs */
	assert_int_equal(mock_hypercall(0, HC_CONSOLE_WRITE, 1, 'a'), 0);
	assert_int_equal(get(IIR), 4);
	assert_int_equal(get(THR), 'a');
	put(IER, 0);
	assert_int_equal(get(IIR), 1);
	put(MCR, 0x1a); /* loop */
	assert_int_equal(get(MSR) & 0xf0, 0x90);
	put(THR, 'x');
	assert_int_equal(get(THR), 'x');
	put(MCR, 0);
	assert_int_equal(get(MSR) & 0xf0, 0xb0);
	put(LCR, 0x83);
	put(THR, 0x12);
	put(IER, 0x34);
	assert_int_equal(get(THR), 0x12);
	assert_int_equal(get(IER), 0x34);
	put(LCR, 3);
	assert_int_equal(get(LCR), 3);
	assert_int_equal(get(IER), 0);
	put(SCR, 0xa5);
	assert_int_equal(get(SCR), 0xa5);
	put(LSR, 0);
	put(MSR, 0);
	put(IIR, 7);
	assert_int_equal(get(LSR), 0x60);
	assert_int_equal(load(1, CONSOLE, 2), MMIO_FORBIDDEN);
	assert_int_equal(load(1, CONSOLE, 4), MMIO_FORBIDDEN);
	assert_int_equal(load(1, CONSOLE + 12, 1), MMIO_UNKNOWN);
}

static void registers_may_be_four_bytes_apart(void **state)
{
	struct description d = mock_cell(2, 4);

	d.cell.console = (struct config_console){ .address = CONSOLE, .size = 0x100, .type = 2, .flags = 3 };
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 2, 0), 0);
	assert_int_equal(store(2, CONSOLE + 4 * SCR, 1), MMIO_DONE);
	assert_int_equal(cell_find(2)->uart.scr, 0x88);
	assert_int_equal(load(2, CONSOLE + 4 * LSR, 4), MMIO_DONE);
	assert_int_equal(load(2, CONSOLE + 4 * LSR + 1, 1), MMIO_FORBIDDEN);
	assert_int_equal(load(2, CONSOLE + 31, 4), MMIO_FORBIDDEN);
	assert_int_equal(load(2, CONSOLE + 36, 1), MMIO_UNKNOWN);
}

static void the_uart_interrupts_once_for_what_comes_to_be(void **state)
{
	unsigned before = mock.interrupts;

	put(THR, 'x');
	assert_int_equal(mock_hypercall(0, HC_CONSOLE_WRITE, 1, 'a'), 0);
	assert_int_equal(mock.interrupts, before); /* none is enabled */
	put(IER, 1);
	assert_int_equal(mock.interrupts, before + 1); /* a is waiting */
	assert_int_equal(get(THR), 'a');
	put(THR, 'x');
	assert_int_equal(mock.interrupts, before + 1);
	assert_int_equal(mock_hypercall(0, HC_CONSOLE_WRITE, 1, 'b'), 0);
	assert_int_equal(mock.interrupts, before + 2);
	put(IER, 2);
	put(THR, 'x');
	assert_int_equal(mock.interrupts, before + 4);
}

static void a_cell_ends_by_its_register(void **state)
{
	uint64_t value = 2;

	assert_int_equal(load(1, CONSOLE + 8, 4), MMIO_DONE);
	assert_int_equal(access_at(1, CONSOLE + 8, 4, true, &value), MMIO_DONE);
	assert_int_equal(mock_hypercall(0, HC_CELL_GET_STATE, 1, 0), COMM_RUNNING);
	value = CONFIG_POWER_OFF;
	assert_int_equal(access_at(1, CONSOLE + 8, 4, true, &value), MMIO_DONE);
	assert_int_equal(mock_hypercall(0, HC_CELL_GET_STATE, 1, 0), COMM_SHUT_DOWN);
	assert_int_equal(mock_hypercall(0, HC_CELL_FAULT, 1, MOCK_BUFFER), -ENOENT);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_GET_STATE, 1, 0), COMM_RUNNING);
}

static void so_does_one_whose_uart_is_its_own(void **state)
{
	struct description d = mock_cell(2, 4);
	uint64_t value = CONFIG_POWER_OFF;

	d.memory[d.cell.num_memory_regions++] =
		(struct config_memory){ MOCK_PARTS + 0x308, CONSOLE, 8,
					CONFIG_MEM_ROOTSHARED | CONFIG_MEM_IO | CONFIG_MEM_IO_8 | 3 };
	d.cell.console = (struct config_console){ .address = CONSOLE, .size = 8, .type = 2, .flags = 1 };
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 2, 0), 0);
	assert_int_equal(store(2, CONSOLE + SCR, 1), MMIO_DONE);
	assert_int_equal(mock.device.phys, MOCK_PARTS + 0x308 + SCR);
	assert_int_equal(access_at(2, CONSOLE + 8, 4, true, &value), MMIO_DONE);
	assert_int_equal(mock_hypercall(0, HC_CELL_GET_STATE, 2, 0), COMM_SHUT_DOWN);
	assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, 2, 0), 0);
	d.memory[d.cell.num_memory_regions - 1].size = 12; /* something else is there */
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 2, 0), 0);
	assert_int_equal(access_at(2, CONSOLE + 8, 4, true, &value), MMIO_FORBIDDEN);
}

static void the_uart_is_reset_with_the_cell(void **state)
{
	put(SCR, 0xa5);
	put(LCR, 0x83);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 1, 0), 0);
	assert_int_equal(get(SCR), 0);
	assert_int_equal(get(LCR), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, with_cell)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parts_of_pages_are_reached_with_the_widths_allowed),
		TEST(rights_and_alignment_are_the_regions),
		TEST(what_a_cell_has_root_has_not),
		TEST(regions_do_not_overlap),
		TEST(the_uart_is_the_cells_console),
		TEST(the_uart_passes_for_an_8250),
		TEST(registers_may_be_four_bytes_apart),
		TEST(the_uart_is_reset_with_the_cell),
		TEST(the_uart_interrupts_once_for_what_comes_to_be),
		TEST(a_cell_ends_by_its_register),
		TEST(so_does_one_whose_uart_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
