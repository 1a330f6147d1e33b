/* SPDX-License-Identifier: MulanPSL-2.0 */
/* YAML to binary and back: tools/lib/yaml.c, compile.c, decompile.c, emit.c, number.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/tools/fixture.h"
#include "tools/lib/number.h"

static const char cell_yaml[] =
	"architecture: loongarch64\n"
	"cell:\n"
	"  name: demo\n"
	"  flags: [console-active, fault-restart]\n"
	"  cpus: [1, 4-5]\n"
	"  entry: 0x200000\n"
	"  console: { type: 8250, address: 0x1fe001e0, flags: [mmio] }\n"
	"  memory:\n"
	"    - { phys: 0x90000000, virt: 0x0, size: 4M, flags: [read, write, loadable] }\n"
	"    - { phys: 0xa0000000, size: 16K, flags: [read, dma] }\n"
	"    - { virt: 0xf000000, size: 16K, flags: [read, write, comm-region] }\n"
	"  irqchips:\n"
	"    - { kind: extioi, pins: [0x20-33, 200] }\n"
	"  stream-ids: [0]\n";

static void test_bytes_of_a_cell(void **state)
{
	struct blob binary = compiled(cell_yaml);
	const struct config_cell *cell = config_cell_of(&binary);
	const struct config_memory *memory = config_memory(cell);
	const struct config_irqchip *chips = config_irqchips(cell);

	assert_memory_equal(binary.data, "JHCLL\x4c\x0e\0demo\0", 13);
	assert_int_equal(binary.size, 132 + 8 + 3 * 32 + 2 * 32 + 4);
	assert_int_equal(binary.size, config_cell_size(cell));
	assert_int_equal(cell->flags, CONFIG_CELL_CONSOLE_ACTIVE | CONFIG_CELL_FAULT_RESTART);
	assert_int_equal(binary.data[84] | binary.data[85] << 8 | binary.data[86] << 16, 0x200000);
	assert_int_equal(cell->console.type, CONFIG_CONSOLE_8250);
	assert_int_equal(config_cpu_set(cell)[0], 0x32);
	assert_int_equal(memory[0].phys_start, 0x90000000);
	assert_int_equal(memory[0].virt_start, 0);
	assert_int_equal(memory[0].size, 4 << 20);
	assert_int_equal(memory[1].virt_start, 0xa0000000);
	assert_int_equal(memory[2].phys_start, 0);
	assert_int_equal(memory[2].flags, CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_COMM_REGION);
	/* An entry for each 128 pins that has some. */
	assert_int_equal(cell->num_irqchips, 2);
	assert_int_equal(chips[0].id, CONFIG_IRQCHIP_EXTIOI);
	assert_int_equal(chips[0].pin_bitmap[1], 3);
	assert_int_equal(chips[1].pin_base, 128);
	assert_int_equal(chips[1].pin_bitmap[2], 1 << (200 - 192));
	blob_free(&binary);
}

static void test_offsets_of_a_system(void **state)
{
	struct blob binary = compiled("architecture: loongarch64\n"
				      "system:\n"
				      "  flags: [virtual-debug-console]\n"
				      "  hypervisor-memory: { phys: 0x88000000, size: 32M }\n"
				      "  pci: { mmconfig-base: 0x20000000, end-bus: 127, domain: 0x102 }\n"
				      "  loongarch: { node-count: 2, pch-pic-base: 0x10000000, "
				      "pch-msi-doorbell: 0x2ff00000 }\n"
				      "cell:\n"
				      "  name: root\n"
				      "  cpus: [0-3]\n");

	assert_memory_equal(binary.data, "JHSYS\x4c\x0e\0\x01\0\0\0", 12);
	assert_int_equal(binary.size, 356 + 132 + 8);
	assert_memory_equal(binary.data + 12, "\0\0\0\x88\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02", 20);
	assert_memory_equal(binary.data + 76, "\0\0\0\x20\0\0\0\0\x7f\0\x02\x01", 12);
	assert_int_equal(binary.data[314], 2);
	assert_memory_equal(binary.data + 332, "\0\0\0\x10", 4);
	assert_memory_equal(binary.data + 348, "\0\0\xf0\x2f", 4);
	/* The root cell has no head of its own. */
	assert_memory_equal(binary.data + 356, "\0\0\0\0\0\0\0\0root\0", 13);
	assert_int_equal(binary.data[356 + 132], 0xf);
	blob_free(&binary);
}

/* @yaml is refused at @line, with @words in the sentence. */
static void expect_refusal(const char *yaml, unsigned line, const char *words)
{
	struct blob text = { 0 }, binary;
	struct model *model;
	struct error error;
	unsigned at;

	blob_append(&text, yaml, strlen(yaml));
	if (model_load_yaml(&model, &text, &error)) {
		at = (unsigned)strtoul(error.text, NULL, 10);
	} else {
		if (!model_compile(model, &binary, &error))
			fail_msg("it was compiled:\n%s", yaml);
		model_free(model);
		at = yaml_line(&text, error.path);
	}
	if (at != line || !strstr(error.text, words))
		fail_msg("line %u: %s: %s", at, error.path, error.text);
	blob_free(&text);
}

#define HEAD "architecture: loongarch64\ncell:\n  name: a\n"

static void test_errors_have_lines(void **state)
{
	expect_refusal("architecture: loongarch64\n", 1, "cell");
	expect_refusal(HEAD "  colour: blue\n", 4, "colour");
	expect_refusal(HEAD "  entry: soon\n", 4, "soon");
	expect_refusal(HEAD "  cpus: [1]\n  flags: [console-active, no-such]\n", 5, "no-such");
	expect_refusal(HEAD "  cpus: [1]\n  memory: [\n", 5, "");
	expect_refusal("architecture: vax\ncell:\n  name: a\n", 1, "vax");
	expect_refusal("architecture: arm64\ncell:\n  name: 12345678901234567890123456789012\n", 3, "");
	expect_refusal("", 1, "");
	expect_refusal(HEAD "  cpus: 1\n", 4, "a list is expected");
	expect_refusal("architecture: loongarch64\ncell: a\n", 2, "cell: keys with values");
	expect_refusal("architecture: loongarch64\ncell:\n  cpus: [1]\n  memory: []\n", 3,
		       "3: cell: missing");
	expect_refusal(HEAD "  cpus: [1]\n  console: { type: 8251a }\n", 5, "8251a");
	/* What libcyaml would take for 4, 8, 1 and 1. */
	expect_refusal(HEAD "  cpus: [1]\n  entry: 4K\n", 5, "entry: 4K is no number");
	expect_refusal(HEAD "  entry: 010\n", 4, "010");
	expect_refusal(HEAD "  console:\n    address: 1fe001e0\n", 5, "1fe001e0");
	expect_refusal(HEAD "  stream-ids: [2, 1x]\n", 4, "1x");
	expect_refusal(HEAD "  memory:\n    - { phys: 0x0, size: 1M, flags: [read, 1o] }\n", 5, "1o");
}

static void test_values_that_make_no_sense_have_lines(void **state)
{
	expect_refusal(HEAD "  cpus:\n    - 1\n    - 3-2\n", 6, "3-2");
	expect_refusal(HEAD "  cpus: [99999]\n", 4, "99999");
	expect_refusal(HEAD "  memory:\n    - { phys: 0x0, size: 1M }\n    - { phys: 1, size: 4X }\n", 6,
		       "4X");
	expect_refusal(HEAD "  memory:\n    - { phys: here, size: 1M }\n", 5, "here");
	expect_refusal(HEAD "  memory:\n    - phys: 0x0\n      virt: there\n", 5, "there");
	expect_refusal(HEAD "  irqchips:\n    - { kind: extioi, base: 128, pins: [3] }\n", 5, "128 to 255");
	expect_refusal(HEAD "  cpus: [9]\n  cpu-set-size: 1\n", 5, "1 bytes");
	expect_refusal("architecture: loongarch64\nsystem:\n  arm: { gic-version: 3 }\ncell:\n  name: a\n", 3,
		       "another architecture");
}

static struct blob emitted(const struct blob *binary, bool json)
{
	struct model *model = model_from_binary(binary);
	struct blob text;

	model_emit(model, json, &text);
	model_free(model);
	return text;
}

static void expect_round_trip(const char *yaml)
{
	struct blob binary = compiled(yaml);

	for (int json = 0; json < 2; json++) {
		struct blob text = emitted(&binary, json), again = compiled((const char *)text.data);

		assert_int_equal(again.size, binary.size);
		assert_memory_equal(again.data, binary.data, binary.size);
		blob_free(&again);
		blob_free(&text);
	}
	blob_free(&binary);
}

static void test_what_is_dumped_compiles_to_the_same(void **state)
{
	expect_round_trip(cell_yaml);
	expect_round_trip(
		"architecture: x86\ncell:\n  name: \"null: {\"\n  cpu-set-size: 16\n"
		"  flags: [0x8, console-permitted]\n  memory: [{ size: 0 }, { phys: auto, size: 3 }]\n"
		"  caches: [{ start: 1, size: 2, type: both, flags: [root-shared] }]\n"
		"  pio: [{ base: 0x3f8, length: 8 }]\n"
		"  pci-devices: [{ type: bridge, bdf: 9, bar-mask: [1, 2, 3, 4, 5, 0xffffffff] }]\n"
		"  pci-capabilities: [{ id: 0x8001, start: 1, length: 2, flags: [write] }]\n");
	expect_round_trip(
		"architecture: arm64\nsystem:\n  iommus: [{ type: none }, { type: pvu, base: 4096,\n"
		"    pvu: { tlb-base: 0x12345678, tlb-size: 7 } }, { type: amd, amd: { bdf: 2, features: 1 } "
		"}]\n"
		"  arm: { gic-version: 3, gicd-base: 0x8000000 }\ncell:\n  name: r\n");
}

static void test_dump_reads_well(void **state)
{
	struct blob binary = compiled(cell_yaml), text = emitted(&binary, false);

	assert_non_null(strstr((char *)text.data, "  cpus: [1, 4-5]\n"));
	assert_non_null(strstr((char *)text.data, "  entry: 0x200000\n"));
	assert_non_null(
		strstr((char *)text.data,
		       "    - { phys: 0x90000000, virt: 0x0, size: 4M, flags: [read, write, loadable] }\n"));
	assert_non_null(strstr((char *)text.data, "    - { kind: extioi, base: 0, pins: [32-33] }\n"));
	assert_null(strstr((char *)text.data, "vpci-irq-base"));
	blob_free(&text);
	blob_free(&binary);
}

static void test_numbers(void **state)
{
	uint64_t value, last;

	assert_true(parse_number("0x10", &value) && value == 16);
	assert_true(parse_number("010", &value) && value == 10);
	assert_true(parse_number("3k", &value) && value == 3072);
	assert_true(parse_number("2G", &value) && value == UINT64_C(2) << 30);
	assert_true(parse_number("0xffffffffffffffff", &value) && value == UINT64_MAX);
	assert_false(parse_number("", &value));
	assert_false(parse_number("-1", &value));
	assert_false(parse_number("1MB", &value));
	assert_false(parse_number("0x10000000000000000", &value));
	assert_false(parse_number("0xffffffffffG", &value));
	assert_true(parse_range("3-0x10", 17, &value, &last) && value == 3 && last == 16);
	assert_false(parse_range("3-17", 17, &value, &last));
	assert_false(parse_range("3-", 17, &value, &last));
	assert_false(parse_range("3,4", 17, &value, &last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_of_a_cell),
		cmocka_unit_test(test_offsets_of_a_system),
		cmocka_unit_test(test_errors_have_lines),
		cmocka_unit_test(test_values_that_make_no_sense_have_lines),
		cmocka_unit_test(test_what_is_dumped_compiles_to_the_same),
		cmocka_unit_test(test_dump_reads_well),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
