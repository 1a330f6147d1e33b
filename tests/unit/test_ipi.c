/* SPDX-License-Identifier: MulanPSL-2.0 */
/* IPI, mailboxes, the IOCSR space and Any_Send: machine/soc/ipi.c, iocsr.c, chipconfig.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "machine/soc/chipconfig.h"
#include "machine/soc/iocsr.h"
#include "machine/soc/ipi.h"

#define CORES 64

struct fixture {
	struct trace trace;
	struct clock clock;
	struct iocsr iocsr;
	struct ipi ipi;
	struct chipconfig chip;
	bool line[CORES];
	uint64_t misc;
	unsigned cores_reset;
};

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static void line_set(void *sink, unsigned pin, bool level)
{
	((struct fixture *)sink)->line[pin] = level;
}

static void misc_written(void *opaque, uint64_t value)
{
	((struct fixture *)opaque)->misc = value;
}

static void core_reset(void *opaque, unsigned core)
{
	((struct fixture *)opaque)->cores_reset |= 1u << core;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct iocsr_block ipi = {
		.first = 0x1000, .size = 0x50, .base = 0x1000, .dev = &f->ipi.dev, .bank = iocsr_bank_core
	};
	const struct iocsr_block chip = { .first = 0, .size = 0x480, .dev = &f->chip.dev };

	f->trace.emit = emit_nothing;
	clock_init(&f->clock, true, 1);
	assert_int_equal(iocsr_init(&f->iocsr, CORES, &f->trace), 0);
	assert_int_equal(ipi_init(&f->ipi, CORES, &f->trace), 0);
	assert_int_equal(chipconfig_init(&f->chip, &f->clock, 0x1c, 0x303030354133, &f->trace), 0);
	for (unsigned i = 0; i < CORES; i++)
		f->ipi.out[i] = (struct irq_line){ line_set, f, i };
	f->chip.misc_written = misc_written;
	f->chip.core_reset = core_reset;
	f->chip.opaque = f;
	assert_int_equal(iocsr_add_block(&f->iocsr, &ipi), 0);
	assert_int_equal(iocsr_add_block(&f->iocsr, &chip), 0);
	device_reset(&f->ipi.dev);
	device_reset(&f->chip.dev);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	chipconfig_destroy(&f->chip);
	ipi_destroy(&f->ipi);
	iocsr_destroy(&f->iocsr);
	clock_destroy(&f->clock);
	free(f);
	return 0;
}

static uint64_t rd(struct fixture *f, unsigned core, uint32_t offset, unsigned size)
{
	return iocsr_read(&f->iocsr, core, offset, size);
}

static void wr(struct fixture *f, unsigned core, uint32_t offset, unsigned size, uint64_t value)
{
	iocsr_write(&f->iocsr, core, offset, size, value);
}

static void every_vector_reaches_every_core(void **state)
{
	struct fixture *f = *state;

	for (unsigned core = 0; core < CORES; core++) {
		wr(f, core, 0x1004, 4, UINT32_MAX);
		for (unsigned vector = 0; vector < 32; vector++) {
			wr(f, (core + 7) % CORES, 0x1040, 4, UINT32_C(1) << 31 | core << 16 | vector);
			assert_int_equal(rd(f, core, 0x1000, 4), UINT32_C(1) << vector);
			for (unsigned other = 0; other < CORES; other++)
				assert_int_equal(f->line[other], other == core);
			wr(f, core, 0x100c, 4, UINT32_C(1) << vector);
			assert_false(f->line[core]);
		}
	}
	wr(f, 0, 0x1040, 4, 64 << 16 | 1);
	wr(f, 0, 0x1040, 4, 0x3ff << 16 | 1);
}

static void the_line_is_status_and_enable(void **state)
{
	struct fixture *f = *state;

	wr(f, 3, 0x1008, 4, 0x30);
	assert_false(f->line[3]);
	assert_int_equal(rd(f, 3, 0x1000, 8), 0x30);
	wr(f, 3, 0x1004, 4, 0x10);
	assert_true(f->line[3]);
	assert_int_equal(rd(f, 3, 0x1000, 8), 0x1000000030);
	wr(f, 3, 0x100c, 4, 0x10);
	assert_false(f->line[3]);
	wr(f, 3, 0x1004, 4, 0xf0);
	assert_true(f->line[3]);
	/* Byte lanes of enable and set. */
	wr(f, 3, 0x1005, 1, 0x01);
	assert_int_equal(rd(f, 3, 0x1004, 4), 0x1f0);
	wr(f, 3, 0x1009, 1, 0x01);
	assert_int_equal(rd(f, 3, 0x1000, 4), 0x120);
	wr(f, 3, 0x1000, 4, 0);
	assert_int_equal(rd(f, 3, 0x1000, 4), 0x120);
}

static void mail_send_writes_the_bytes_its_mask_allows(void **state)
{
	struct fixture *f = *state;

	for (unsigned box = 0; box < 8; box++)
		wr(f, 1, 0x1048, 8, (UINT64_C(0x11223300) + box) << 32 | 5 << 16 | box << 2);
	assert_int_equal(rd(f, 5, 0x1020, 8), 0x1122330111223300);
	assert_int_equal(rd(f, 5, 0x103c, 4), 0x11223307);
	assert_int_equal(rd(f, 1, 0x1020, 8), 0);
	for (unsigned mask = 0; mask < 16; mask++) {
		uint32_t want = 0;

		wr(f, 5, 0x1020, 8, 0);
		wr(f, 1, 0x1048, 8, UINT64_C(0xaabbccdd) << 32 | (uint64_t)mask << 27 | 5 << 16);
		for (unsigned byte = 0; byte < 4; byte++)
			if (!(mask >> byte & 1))
				want |= 0xaabbccdd & UINT32_C(0xff) << byte * 8;
		assert_int_equal(rd(f, 5, 0x1020, 8), want);
	}
	wr(f, 1, 0x1048, 8, UINT64_C(0xaabbccdd) << 32 | 64 << 16);
}

static void any_send_writes_another_cores_registers(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, 0x1158, 8, UINT64_C(0x87654321) << 32 | 9 << 16 | 0x1004);
	assert_int_equal(rd(f, 9, 0x1004, 4), 0x87654321);
	assert_int_equal(rd(f, 0, 0x1004, 4), 0);
	wr(f, 0, 0x1158, 8, UINT64_C(0xffffffff) << 32 | UINT64_C(0xd) << 27 | 9 << 16 | 0x1004);
	assert_int_equal(rd(f, 9, 0x1004, 4), 0x8765ff21);
	/* To itself, to nobody, to nothing: no harm. */
	wr(f, 0, 0x1158, 8, UINT64_C(1) << 32 | 9 << 16 | 0x1158);
	wr(f, 0, 0x1158, 8, UINT64_C(1) << 32 | 9 << 16 | 0x115c);
	wr(f, 0, 0x1158, 8, UINT64_C(1) << 32 | 64 << 16 | 0x1004);
	wr(f, 0, 0x1158, 8, UINT64_C(1) << 32 | 9 << 16 | 0xfffc);
	wr(f, 0, 0x1158, 2, 0x1004);
}

static void send_registers_read_0(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, 0x1040, 4, 1);
	for (uint32_t offset = 0x1040; offset < 0x1160; offset += 4)
		assert_int_equal(rd(f, 0, offset, 4), 0);
	assert_int_equal(rd(f, 0, 0x1048, 8), 0);
	assert_int_equal(rd(f, 0, 0x1158, 8), 0);
}

static void unknown_and_misaligned_offsets_read_0(void **state)
{
	struct fixture *f = *state;

	wr(f, 2, 0x1020, 8, UINT64_MAX);
	assert_int_equal(rd(f, 2, 0x1021, 2), 0);
	assert_int_equal(rd(f, 2, 0x1024, 8), 0);
	wr(f, 2, 0x1021, 2, 0);
	assert_int_equal(rd(f, 2, 0x1020, 8), UINT64_MAX);
	assert_int_equal(rd(f, 2, 0x1021, 1), 0xff);
	assert_int_equal(rd(f, 2, 0x1022, 2), 0xffff);
	assert_int_equal(rd(f, 2, 0x9000, 8), 0);
	assert_int_equal(rd(f, 2, UINT32_MAX, 1), 0);
	wr(f, 2, 0xfffffff8, 8, 1);
}

static void the_chip_says_what_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, 0, 0, 4), 0x11);
	assert_int_equal(rd(f, 0, 8, 8), 0x1c);
	assert_int_equal(rd(f, 0, 0x10, 8), 0x6e6f73676e6f6f4c);
	assert_int_equal(rd(f, 0, 0x20, 8), 0x303030354133);
	assert_int_equal(rd(f, 0, 0x22, 1), '5');
	assert_int_equal(rd(f, 0, 0x428, 8) & 0xff, 40);
	f->clock.virtual_now = 1000;
	assert_int_equal(rd(f, 0, 0x408, 8), 2000);
	/* The sensors and the temperature register agree. */
	assert_int_equal((rd(f, 0, 0x198, 8) >> 32 & 0xffff) * 731 / 16384 - 273, 39);
}

static void the_misc_register_keeps_what_is_written(void **state)
{
	struct fixture *f = *state;
	uint64_t bits = UINT64_C(1) << 48 | UINT64_C(1) << 49 | UINT64_C(1) << 51;

	assert_int_equal(rd(f, 0, 0x420, 8), 0x38000000);
	wr(f, 5, 0x420, 8, bits | 0x38000000);
	assert_int_equal(rd(f, 9, 0x420, 8), bits | 0x38000000);
	assert_int_equal(f->misc, bits | 0x38000000);
	wr(f, 0, 0x424, 4, 1 << 16);
	assert_int_equal(f->misc, UINT64_C(1) << 48 | 0x38000000);
}

static void a_pll_locks_when_it_is_set(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, 0, 0x1b0, 8) >> 16 & 1, 0);
	wr(f, 0, 0x1b0, 4, 1 << 26 | 4);
	assert_int_equal(rd(f, 0, 0x1b0, 8) >> 16 & 1, 1);
	wr(f, 0, 0x1b0, 4, 1 << 26 | 4 | 1 << 19);
	assert_int_equal(rd(f, 0, 0x1b0, 8) >> 16 & 1, 0);
	wr(f, 0, 0x1c0, 4, 2);
	assert_int_equal(rd(f, 0, 0x1c0, 8), 2 | 1 << 6);
}

static void a_core_restarts_when_its_reset_is_released(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, 0x1d8, 1, 0xff & ~0xc);
	assert_int_equal(f->cores_reset, 0);
	wr(f, 0, 0x1d8, 1, 0xff & ~8);
	assert_int_equal(f->cores_reset, 0);
	wr(f, 0, 0x1d8, 1, 0xff);
	assert_int_equal(f->cores_reset, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_vector_reaches_every_core),
		TEST(the_line_is_status_and_enable),
		TEST(mail_send_writes_the_bytes_its_mask_allows),
		TEST(any_send_writes_another_cores_registers),
		TEST(send_registers_read_0),
		TEST(unknown_and_misaligned_offsets_read_0),
		TEST(the_chip_says_what_it_is),
		TEST(the_misc_register_keeps_what_is_written),
		TEST(a_pll_locks_when_it_is_set),
		TEST(a_core_restarts_when_its_reset_is_released),
	};

	return cmocka_run_group_tests_name("ipi", tests, NULL, NULL);
}
