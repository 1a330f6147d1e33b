/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The monitor's commands on a machine that does not run: machine/control/command*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/isa.h"
#include "machine/board/machine.h"
#include "machine/control/command.h"
#include "machine/control/options.h"
#include "machine/soc/extioi.h"

struct fixture {
	struct machine *machine;
	struct command_context context;
	char *text;
};

static int setup(void **state)
{
	const struct machine_config config = { .cpus = 2, .ram_size = 1 << 20 };
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256];

	assert_non_null(f);
	isa_init();
	assert_int_equal(machine_create(&f->machine, &config, error, sizeof(error)), 0);
	assert_int_equal(machine_reset(f->machine), 0);
	f->context.machine = f->machine;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	machine_destroy(f->machine);
	free(f->text);
	free(f);
	return 0;
}

/* What @line answers; good until the next call. */
static const char *run(struct fixture *f, const char *line)
{
	size_t size;
	FILE *out;

	free(f->text);
	f->text = NULL;
	out = open_memstream(&f->text, &size);
	assert_non_null(out);
	command_execute(&f->context, line, out);
	fclose(out);
	return f->text;
}

static void poke(struct fixture *f, uint64_t pa, const void *data, size_t size)
{
	memcpy(bus_ram(&f->machine->bus, pa, size), data, size);
}

static void test_mistakes_are_answered_in_a_sentence(void **state)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{ "", "" },
		{ "   \t ", "" },
		{ "frobnicate", "frobnicate is not a command; help lists them\n" },
		{ "stop now", "stop takes no argument\n" },
		{ "info frob", "info frob: there is no such subject; help info lists them\n" },
		{ "info status now", "status takes no argument\n" },
		{ "cpu", "cpu takes the arguments CORE\n" },
		{ "cpu 2", "cpu 2: the cores are 0 to 1\n" },
		{ "cpu -1", "cpu -1: the cores are 0 to 1\n" },
		{ "cpu 1x", "cpu 1x: the cores are 0 to 1\n" },
		{ "help frob", "frob is not a command; help lists them\n" },
		{ "x/9z 0", "/9z is no format: a count, one of x d u o c i, one of b h w g\n" },
		{ "x/", "give an address: a number or a $register\n" },
		{ "x zero", "zero is not an address: give numbers and $registers joined by + and -\n" },
		{ "x $nothing",
		  "$nothing is not an address: give numbers and $registers joined by + and -\n" },
		{ "x 1+", "1+ is not an address: give numbers and $registers joined by + and -\n" },
		{ "xp/2xw 0xffffc",
		  "00000000000ffffc: 0x00000000\nthere is no memory at physical address 0x100000\n" },
		{ "xp 0x100d0100", "there is no memory at physical address 0x100d0100\n" },
		{ "info registers frob",
		  "info registers frob: the groups are general, csr, gcsr, fp and vector\n" },
		{ "trace-event frob on",
		  "trace-event frob: the events are exception, interrupt, tlb, device, csr, vmexit and "
		  "all\n" },
		{ "trace-event csr maybe", "trace-event csr maybe: say on or off\n" },
		{ "info block", "how this machine was put together is not known here\n" },
		{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "the line has more than 16 words\n" },
	};
	struct fixture *f = *state;
	char line[2000];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(run(f, rows[i].line), rows[i].answer);
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 0;
	assert_string_equal(run(f, line), "the line is longer than 1023 bytes\n");
}

static void test_memory_in_every_format(void **state)
{
	static const uint8_t bytes[16] = { 0x01, 0x80, 0xff, 0x7f, 'A',	 0,    '\n', '~',
					   0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12 };
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{ "xp/2xg 0x1000", "0000000000001000: 0x7e0a00417fff8001 0x123456789abcdef0\n" },
		{ "xp /4xw 0x1000", "0000000000001000: 0x7fff8001 0x7e0a0041 0x9abcdef0 0x12345678\n" },
		{ "x/2hx 0x1000", "0000000000001000: 0x8001 0x7fff\n" },
		{ "xp/3xb 0x1000", "0000000000001000: 0x01 0x80 0xff\n" },
		{ "xp/2db 0x1001", "0000000000001001: -128   -1\n" },
		{ "xp/1ub 0x1001", "0000000000001001: 128\n" },
		{ "xp/1dw 0x1008", "0000000000001008: -1698898192\n" },
		{ "xp/1ob 0x1004", "0000000000001004: 0101\n" },
		{ "xp/4c 0x1004", "0000000000001004: 'A' '\\x00' '\\x0a' '~'\n" },
		{ "xp/1xg 0x1000+8-4", "0000000000001004: 0x9abcdef07e0a0041\n" },
		{ "xp 0x1000", "0000000000001000: 0x7fff8001\n" },
	};
	struct fixture *f = *state;

	poke(f, 0x1000, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256], *from = text;
		const char *answer = run(f, rows[i].line);

		/* How far numbers are set apart is a matter of taste. */
		for (; *answer; answer++)
			if (*answer != ' ' || answer[1] != ' ')
				*from++ = *answer;
		*from = 0;
		snprintf(f->text, strlen(f->text) + 1, "%s", text);
		if (strstr(rows[i].line, "db"))
			assert_non_null(strstr(text, "-128 -1"));
		else
			assert_string_equal(text, rows[i].answer);
	}
}

static void test_code_and_registers_in_addresses(void **state)
{
	static const uint32_t code[] = { 0x02c00484, 0x06488000 };
	struct fixture *f = *state;
	const char *text;

	poke(f, 0x2000, code, sizeof(code));
	f->machine->group.cpu[1]->pc = 0x2000;
	f->machine->group.cpu[1]->gpr[4] = 0x1ff0;
	assert_string_equal(run(f, "cpu 1"), "");
	text = run(f, "x/2i $pc");
	assert_non_null(strstr(text, "0x0000000000002000:  02c00484  addi.d"));
	assert_non_null(strstr(text, "idle"));
	assert_string_equal(run(f, "x/1xw $a0 + 0x10"), "0000000000002000: 0x02c00484\n");
	assert_string_equal(run(f, "x/1xw $r4+16"), "0000000000002000: 0x02c00484\n");
	assert_string_equal(run(f, "gva2gpa $pc"), "gpa: 0x2000\n");
	/* Another core's registers are others. */
	run(f, "cpu 0");
	assert_null(strstr(run(f, "x/1i $pc"), "addi.d"));
}

/* A three-level page table as Linux makes it (PWCL, PWCH of a 16 KiB-page kernel), not in any TLB. */
static void test_virtual_addresses_are_looked_up_in_page_tables(void **state)
{
	const uint64_t va = UINT64_C(0x123456000), value = UINT64_C(0x1122334455667788);
	struct fixture *f = *state;
	struct cpu *cpu = f->machine->group.cpu[0];
	const uint64_t dir2 = 0x20000, dir1 = 0x24000, table = 0x28000;
	const uint64_t entry2 = dir1, entry1 = table, pte = 0x40000 | 1 << 7 | 1;

	cpu->csr->crmd = CRMD_PG;
	cpu->csr->pgdl = dir2;
	cpu->csr->pwcl = 14 | 11 << 5 | 25 << 10 | 11 << 15;
	cpu->csr->pwch = 36 | 11 << 6;
	poke(f, dir2 + 8 * (va >> 36 & 2047), &entry2, 8);
	poke(f, dir1 + 8 * (va >> 25 & 2047), &entry1, 8);
	poke(f, table + 8 * (va >> 14 & 2047), &pte, 8);
	poke(f, 0x40000 + (va & 0x3fff), &value, 8);
	assert_string_equal(run(f, "x/1xg 0x123456000"), "0000000123456000: 0x1122334455667788\n");
	assert_string_equal(run(f, "gva2gpa 0x123456000"), "gpa: 0x42000\n");
	assert_string_equal(run(f, "gva2gpa 0x223456000"), "the core has no translation of 0x223456000\n");
	assert_string_equal(run(f, "info tlb"),
			    "CPU#0, ASID 0; rwx: allowed, plv: least privileged level (!: only that)\n"
			    "0 of 2112 entries are valid\n");
	/* What kernel windows cover needs no table. */
	cpu->csr->dmw0 = UINT64_C(0x9000000000000011);
	assert_string_equal(run(f, "gva2gpa 0x9000000000042000"), "gpa: 0x42000\n");
}

static void test_info_shows_the_machine(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(run(f, "info version"), "Bixi " BIXI_VERSION "\n");
	assert_string_equal(run(f, "info status"), "VM status: running\n");
	assert_string_equal(run(f, "info jit"), "engine: interp\n");
	assert_non_null(strstr(run(f, "info cpus"), "* CPU #0: pc=0x000000001c000000 plv=0"));
	f->machine->group.cpu[0]->gpr[5] = 0xdeadbeef;
	f->machine->group.cpu[0]->vr[3].ud[3] = 0x77;
	f->machine->group.cpu[0]->root.save3 = 0x5555;
	assert_non_null(strstr(run(f, "info registers"), "a1        00000000deadbeef"));
	assert_non_null(strstr(run(f, "info registers"), "CRMD      0000000000000008"));
	assert_non_null(strstr(run(f, "info registers csr"), "SAVE3     0000000000005555"));
	assert_non_null(strstr(run(f, "info registers vector"), "xr3  0000000000000077"));
	assert_non_null(strstr(run(f, "info registers -a fp"), "CPU#1\nfcsr"));
	assert_non_null(strstr(run(f, "info mtree"), "00000000000fffff (ram): ram\n"));
	assert_non_null(strstr(run(f, "info mtree"), "(i/o): uart0\n"));
	assert_non_null(strstr(run(f, "info pci"), "Bus 0, device   0, function 0:"));
	assert_non_null(strstr(run(f, "info devices"), "pch-pic: "));
	assert_non_null(strstr(run(f, "info devices uart0"), "uart0: "));
	assert_null(strstr(run(f, "info devices uart0"), "uart1"));
	assert_non_null(strstr(run(f, "info devices frob"), "frob is not a device; there are uart0, uart1,"));
	assert_non_null(strstr(run(f, "info trace-events"), "csr : state 0\n"));
	assert_non_null(strstr(run(f, "help"), "system_powerdown"));
	assert_non_null(strstr(run(f, "help info"), "info tlb"));
	assert_non_null(strstr(run(f, "help x"), "memory at a virtual address"));
}

static void test_info_irq_follows_an_interrupt_from_the_pin_to_the_core(void **state)
{
	struct fixture *f = *state;
	struct machine *machine = f->machine;
	const char *text;
	uint64_t value;

	assert_non_null(strstr(run(f, "info irq"), "all pins are masked and quiet"));
	/* EXTIOI delivers; vector 5 is enabled; pin 16 (INTA) sends vector 5; the core takes HWI0-7. */
	for (unsigned i = 0; i < machine->device_count; i++)
		if (machine->device[i]->type == &extioi_type)
			extioi_set_mode(device_of(machine->device[i], struct extioi, dev), true, false);
	machine->group.cpu[0]->iocsr.write(machine->group.cpu[0]->iocsr.opaque, 0, 0x1600, 4, 1u << 5);
	machine->group.cpu[0]->csr->ecfg = 0x3fc;
	assert_true(bus_mmio_write(&machine->bus, 0x10000200 + 16, 1, 5));
	assert_true(bus_mmio_read(&machine->bus, 0x10000020, 8, &value));
	assert_true(bus_mmio_write(&machine->bus, 0x10000020, 8, value & ~(UINT64_C(1) << 16)));
	irq_set(&machine->pci_irq[0], true);
	text = run(f, "info irq");
	assert_non_null(
		strstr(text, "pin 16: enabled, level-triggered, input high, vector 5, holds vector 5"));
	assert_non_null(strstr(text, "node 0 vector   5: enabled, wire high, came, route 00, at CPU#0"));
	assert_non_null(strstr(text, "enabled: HWI0 HWI1 HWI2"));
	assert_non_null(strstr(text, "pending: HWI0\n"));
	irq_set(&machine->pci_irq[0], false);
	assert_non_null(strstr(run(f, "info irq"), "CPU#1: interrupts off"));
}

static void test_info_tlb_decodes_entries(void **state)
{
	struct fixture *f = *state;
	struct cpu *cpu = f->machine->group.cpu[0];
	struct csr_file *csr = cpu->csr;

	/* An entry of the MTLB: 16 KiB pages, ASID 7; the even page is the kernel's, the odd one invalid. */
	csr->asid = 7;
	csr->tlbidx = 2050 | 14 << 24;
	csr->tlbehi = 0x120000;
	csr->tlbelo0 = 0x84000 | 1 | 2 | 1 << 4;
	csr->tlbelo1 = 0;
	tlb_insn_write(cpu, tlb_view(cpu));
	assert_non_null(strstr(run(f, "info tlb"),
			       "2050 0000000000120000  16K asid 7     000000084000 rwx plv0  CC "));
	assert_non_null(strstr(f->text, "1 of 2112 entries are valid"));
}

static void test_trace_events_are_switched(void **state)
{
	struct fixture *f = *state;
	struct trace *trace = f->machine->trace;

	assert_string_equal(run(f, "trace-event csr,tlb on"), "");
	assert_true(trace_on(trace, TRACE_CSR) && trace_on(trace, TRACE_TLB) &&
		    !trace_on(trace, TRACE_DEVICE));
	assert_string_equal(run(f, "trace csr off"), "");
	assert_true(!trace_on(trace, TRACE_CSR) && trace_on(trace, TRACE_TLB));
	run(f, "trace all off");
	assert_false(trace_on(trace, TRACE_TLB));
}

static void test_stop_cont_and_quit_reach_the_machine(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	run(f, "stop");
	assert_true(machine_is_stopped(f->machine));
	assert_string_equal(run(f, "info status"), "VM status: paused\n");
	before = clock_now(&f->machine->clock);
	assert_int_equal(clock_now(&f->machine->clock), before);
	run(f, "c");
	assert_false(machine_is_stopped(f->machine));
	run(f, "quit");
	assert_int_equal(f->machine->result.end, MACHINE_EXIT);
	assert_int_equal(f->machine->result.code, 0);
}

static void test_completion(void **state)
{
	static const struct {
		const char *line, *words; /* each followed by a blank */
	} rows[] = {
		{ "sy", "system_reset system_powerdown " },
		{ "info re", "registers " },
		{ "info devices uart", "uart0 uart1 uart2 uart3 " },
		{ "info registers -a v", "vector " },
		{ "trace-event d", "device " },
		{ "trace-event device o", "on off " },
		{ "help gv", "gva2gpa " },
		{ "frob ", "" },
		{ "stop ", "" },
		{ "zz", "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char words[256] = "";
		const char *word;

		for (unsigned n = 0; (word = command_complete(&f->context, rows[i].line, n)); n++) {
			strcat(words, word);
			strcat(words, " ");
		}
		assert_string_equal(words, rows[i].words);
	}
	assert_non_null(command_complete(&f->context, "", 5));
	assert_non_null(command_complete(&f->context, "info ", 5));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_mistakes_are_answered_in_a_sentence),
		T(test_memory_in_every_format),
		T(test_code_and_registers_in_addresses),
		T(test_virtual_addresses_are_looked_up_in_page_tables),
		T(test_info_shows_the_machine),
		T(test_info_irq_follows_an_interrupt_from_the_pin_to_the_core),
		T(test_info_tlb_decodes_entries),
		T(test_trace_events_are_switched),
		T(test_stop_cont_and_quit_reach_the_machine),
		T(test_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
