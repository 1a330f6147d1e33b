/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The extended I/O interrupt controller: machine/soc/extioi.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "machine/soc/extioi.h"

#define CORES 12

/* IOCSR offsets. */
enum {
	SEND = 0x1140,
	NODE_TYPE = 0x14a0,
	IPMAP = 0x14c0,
	ENABLE = 0x1600,
	BOUNCE = 0x1680,
	ISR = 0x1700,
	CORE_ISR = 0x1800,
	ROUTE = 0x1c00,
	ANY_SEND = 0x1158,
	VIRT = 0x40000000,
};

struct fixture {
	struct trace trace;
	struct iocsr iocsr;
	struct extioi extioi;
	uint8_t lines[CORES]; /* inputs of each core */
};

struct sink {
	struct fixture *f;
	unsigned core;
} sinks[CORES];

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static void line_set(void *opaque, unsigned pin, bool level)
{
	struct sink *sink = opaque;
	uint8_t bit = (uint8_t)(1u << pin), *lines = &sink->f->lines[sink->core];

	assert_int_not_equal(!!(*lines & bit), level); /* only changes are driven */
	*lines = level ? *lines | bit : *lines & (uint8_t)~bit;
}

static uint64_t rd(struct fixture *f, unsigned core, uint32_t offset, unsigned size)
{
	return iocsr_read(&f->iocsr, core, offset, size);
}

static void wr(struct fixture *f, unsigned core, uint32_t offset, unsigned size, uint64_t value)
{
	iocsr_write(&f->iocsr, core, offset, size, value);
}

/* What Linux writes on the first core of each node; one input for all. */
static void enable_as_linux(struct fixture *f)
{
	for (unsigned core = 0; core < CORES; core += 4) {
		for (unsigned i = 0; i < 8; i++) {
			wr(f, core, NODE_TYPE + 4 * i, 4, (1u << (2 * i + 1)) << 16 | 1u << (2 * i));
			wr(f, core, ENABLE + 4 * i, 4, UINT32_MAX);
			wr(f, core, BOUNCE + 4 * i, 4, UINT32_MAX);
		}
		for (unsigned i = 0; i < 2; i++)
			wr(f, core, IPMAP + 4 * i, 4, 0x02020202);
		for (unsigned i = 0; i < 64; i++)
			wr(f, core, ROUTE + 4 * i, 4, 0x01010101);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->trace.emit = emit_nothing;
	assert_int_equal(iocsr_init(&f->iocsr, CORES, &f->trace), 0);
	assert_int_equal(extioi_init(&f->extioi, CORES, &f->trace), 0);
	assert_int_equal(extioi_attach(&f->extioi, &f->iocsr), 0);
	for (unsigned core = 0; core < CORES; core++) {
		sinks[core] = (struct sink){ f, core };
		for (unsigned pin = 0; pin < EXTIOI_PINS; pin++)
			f->extioi.out[core][pin] = (struct irq_line){ line_set, &sinks[core], pin };
	}
	device_reset(&f->extioi.dev);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	extioi_destroy(&f->extioi);
	iocsr_destroy(&f->iocsr);
	free(f);
	return 0;
}

/* The only core that has an input up, CORES if none, CORES + 1 if several. */
static unsigned target(struct fixture *f)
{
	unsigned found = CORES;

	for (unsigned core = 0; core < CORES; core++)
		if (f->lines[core])
			found = found == CORES ? core : CORES + 1;
	return found;
}

static void ack(struct fixture *f, unsigned core, unsigned vector)
{
	wr(f, core, CORE_ISR + vector / 32 * 4, 4, UINT32_C(1) << vector % 32);
}

static bool pending(struct fixture *f, unsigned core, unsigned vector)
{
	return rd(f, core, CORE_ISR + vector / 64 * 8, 8) >> vector % 64 & 1;
}

static void every_vector_is_delivered_once(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	for (unsigned vector = 0; vector < EXTIOI_VECTORS; vector++) {
		wr(f, 0, SEND, 4, vector);
		assert_int_equal(f->lines[0], 2);
		assert_int_equal(target(f), 0);
		for (unsigned word = 0; word < 4; word++) {
			uint64_t want = word == vector / 64 ? UINT64_C(1) << vector % 64 : 0;

			assert_int_equal(rd(f, 0, CORE_ISR + 8 * word, 8), want);
			assert_int_equal(rd(f, 0, ISR + 8 * word, 8), want);
		}
		ack(f, 0, vector);
		assert_int_equal(target(f), CORES);
		assert_int_equal(rd(f, 0, ISR + vector / 64 * 8, 8), 0);
		/* Disabling and enabling it again does not bring a message back. */
		wr(f, 0, ENABLE + vector / 32 * 4, 4, ~(UINT32_C(1) << vector % 32));
		wr(f, 0, ENABLE + vector / 32 * 4, 4, UINT32_MAX);
		assert_int_equal(target(f), CORES);
	}
}

static void a_disabled_vector_waits(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	wr(f, 0, ENABLE, 4, ~UINT32_C(0x20));
	extioi_message(&f->extioi, 5);
	assert_int_equal(target(f), CORES);
	assert_int_equal(rd(f, 0, ISR, 8), 0x20);
	assert_false(pending(f, 0, 5));
	wr(f, 0, ENABLE, 4, UINT32_MAX);
	assert_int_equal(target(f), 0);
	/* Disabling takes a delivered one back. */
	wr(f, 0, ENABLE, 4, ~UINT32_C(0x20));
	assert_int_equal(target(f), CORES);
	assert_false(pending(f, 0, 5));
	wr(f, 0, ENABLE, 1, 0xff);
	assert_true(pending(f, 0, 5));
}

static void a_wire_falls_with_its_level(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	extioi_set_wire(&f->extioi, 9, true);
	assert_true(pending(f, 0, 9));
	extioi_set_wire(&f->extioi, 9, false);
	assert_int_equal(target(f), CORES);
	assert_int_equal(rd(f, 0, ISR, 8), 0);
	/* Acknowledged while high: nothing until the level comes again or the vector is enabled again. */
	extioi_set_wire(&f->extioi, 9, true);
	ack(f, 0, 9);
	assert_int_equal(target(f), CORES);
	wr(f, 0, ENABLE, 4, ~UINT32_C(0x200));
	wr(f, 0, ENABLE, 4, UINT32_MAX);
	assert_true(pending(f, 0, 9));
	ack(f, 0, 9);
	extioi_set_wire(&f->extioi, 9, true);
	assert_true(pending(f, 0, 9));
}

static void ipmap_chooses_the_input_and_moves_what_is_pending(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	extioi_message(&f->extioi, 40);
	assert_int_equal(f->lines[0], 1 << 1);
	for (unsigned pin = 0; pin < 4; pin++) {
		wr(f, 0, IPMAP + 1, 1, 1u << pin);
		assert_int_equal(f->lines[0], 1 << pin);
	}
	wr(f, 0, IPMAP + 1, 1, 0x0c); /* the lowest bit counts */
	assert_int_equal(f->lines[0], 1 << 2);
	wr(f, 0, IPMAP + 1, 1, 0x10); /* and above 3 it is input 0 */
	assert_int_equal(f->lines[0], 1 << 0);
	wr(f, 0, IPMAP + 1, 1, 0);
	assert_int_equal(f->lines[0], 1 << 0);
	extioi_message(&f->extioi, 1);
	assert_int_equal(f->lines[0], 3);
	ack(f, 0, 40);
	assert_int_equal(f->lines[0], 2);
	/* Encoded: the byte is the input's number. */
	extioi_set_mode(&f->extioi, true, true);
	for (unsigned pin = 0; pin < 8; pin++) {
		wr(f, 0, IPMAP, 1, pin);
		assert_int_equal(f->lines[0], 1 << pin);
	}
}

static void a_route_change_moves_what_is_pending(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	extioi_message(&f->extioi, 77);
	for (unsigned core = 0; core < 4; core++) {
		wr(f, 0, ROUTE + 77, 1, 1u << core);
		assert_int_equal(target(f), core);
		assert_true(pending(f, core, 77));
	}
	ack(f, 0, 77); /* not the target any more */
	assert_int_equal(target(f), 3);
	ack(f, 3, 77);
	assert_int_equal(target(f), CORES);
}

static void a_route_names_a_core_of_another_node(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	for (unsigned core = 0; core < CORES; core++) {
		/* As Linux's affinity change: mask, route in every node, unmask, through Any_Send. */
		wr(f, 1, ANY_SEND, 8, UINT64_C(0xffffffef) << 32 | ENABLE);
		for (unsigned node = 0; node < CORES / 4; node++) {
			uint64_t byte = (node ? node : core / 4) << 4 | 1u << core % 4;

			wr(f, 1, ANY_SEND, 8,
			   byte << 32 | UINT64_C(0xe) << 27 | (node * 4) << 16 | (ROUTE + 4));
		}
		wr(f, 1, ANY_SEND, 8, UINT64_C(0xffffffff) << 32 | ENABLE);
		extioi_set_wire(&f->extioi, 4, true);
		assert_int_equal(target(f), core);
		assert_int_equal(f->lines[core], 2);
		ack(f, core, 4);
		extioi_set_wire(&f->extioi, 4, false);
		assert_int_equal(target(f), CORES);
	}
}

static void a_nodes_own_send_stays_in_the_node(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	for (unsigned node = 0; node < 3; node++)
		wr(f, node * 4, ROUTE + 200, 1, node << 4 | 2);
	wr(f, 6, SEND, 4, 200);
	assert_int_equal(target(f), 5);
	ack(f, 5, 200);
	assert_int_equal(target(f), CORES);
}

static void bounce_rotates_over_all_cores_of_the_node_type(void **state)
{
	static const unsigned want[] = { 0, 1, 2, 4, 5, 6, 0 };
	struct fixture *f = *state;

	enable_as_linux(f);
	/* The manual's example: byte 27, node type 2 = nodes 0, 1 and (here absent) 4. */
	wr(f, 0, NODE_TYPE + 4, 2, 0x13);
	wr(f, 0, ROUTE + 30, 1, 0x27);
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		wr(f, 0, SEND, 4, 30);
		assert_int_equal(target(f), want[i]);
		wr(f, 0, SEND, 4, 30); /* pending: it stays */
		assert_int_equal(target(f), want[i]);
		ack(f, want[i], 30);
	}
	wr(f, 0, BOUNCE, 4, 0);
	for (unsigned i = 0; i < 3; i++) {
		wr(f, 0, SEND, 4, 30);
		assert_int_equal(target(f), 0);
		ack(f, 0, 30);
	}
}

static void without_node_types_the_own_node_is_meant(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, ENABLE, 8, UINT64_MAX);
	extioi_message(&f->extioi, 3);
	assert_int_equal(target(f), 0); /* route 0: local */
	assert_int_equal(f->lines[0], 1);
	wr(f, 0, ROUTE + 3, 1, 4);
	assert_int_equal(target(f), 2);
	wr(f, 0, ROUTE + 3, 1, 0x18);
	assert_int_equal(target(f), 3);
}

static void a_route_to_no_core_waits(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	wr(f, 0, ROUTE + 3, 1, 0x81); /* node 8 does not exist */
	extioi_message(&f->extioi, 3);
	assert_int_equal(target(f), CORES);
	wr(f, 0, ROUTE + 3, 1, 0x18);
	assert_int_equal(target(f), 7);
}

static void the_enable_bit_of_the_chip_holds_vectors(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	extioi_message(&f->extioi, 3);
	extioi_set_mode(&f->extioi, false, false);
	assert_int_equal(target(f), CORES);
	extioi_message(&f->extioi, 4);
	extioi_set_mode(&f->extioi, true, false);
	assert_true(pending(f, 0, 3) && pending(f, 0, 4));
}

static void the_virtual_extension_numbers_cores(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, 0, VIRT, 4), 0xb);
	assert_int_equal(rd(f, 0, VIRT + 4, 4), 0);
	wr(f, 0, VIRT + 4, 4, 8);
	extioi_lock_virt_config(&f->extioi);
	wr(f, 0, VIRT + 4, 4, 2);
	assert_int_equal(rd(f, 7, VIRT + 4, 4), 0xa);
	/* One set of registers for all cores, a route byte is a core. */
	wr(f, 9, ENABLE, 8, UINT64_MAX);
	for (unsigned core = 0; core < CORES; core++) {
		wr(f, 5, ROUTE + 6, 1, core);
		extioi_message(&f->extioi, 6);
		assert_int_equal(target(f), core);
		ack(f, core, 6);
	}
	wr(f, 5, ROUTE + 6, 1, 200);
	extioi_message(&f->extioi, 6);
	assert_int_equal(target(f), CORES);
}

static void reset_drops_everything(void **state)
{
	struct fixture *f = *state;

	enable_as_linux(f);
	extioi_message(&f->extioi, 6);
	extioi_set_wire(&f->extioi, 7, true);
	device_reset(&f->extioi.dev);
	assert_int_equal(target(f), CORES);
	assert_int_equal(rd(f, 0, ISR, 8), 0);
	wr(f, 0, ENABLE, 8, UINT64_MAX);
	assert_int_equal(target(f), CORES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_vector_is_delivered_once),
		TEST(a_disabled_vector_waits),
		TEST(a_wire_falls_with_its_level),
		TEST(ipmap_chooses_the_input_and_moves_what_is_pending),
		TEST(a_route_change_moves_what_is_pending),
		TEST(a_route_names_a_core_of_another_node),
		TEST(a_nodes_own_send_stays_in_the_node),
		TEST(bounce_rotates_over_all_cores_of_the_node_type),
		TEST(without_node_types_the_own_node_is_meant),
		TEST(a_route_to_no_core_waits),
		TEST(the_enable_bit_of_the_chip_holds_vectors),
		TEST(the_virtual_extension_numbers_cores),
		TEST(reset_drops_everything),
	};

	return cmocka_run_group_tests_name("extioi", tests, NULL, NULL);
}
