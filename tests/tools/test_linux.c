/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What is put into a cell's memory before its Linux starts: tools/lib/linux.c, linux_tree.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tools/fixture.h"
#include "tools/lib/linux.h"

#define CELL(entry, memory)                                                                                  \
	"architecture: loongarch64\ncell:\n  name: two\n  entry: " entry "\n  cpus: [1-2]\n"                 \
	"  vpci-irq-base: 1\n  console: { type: 8250, address: 0x1fe001e0, size: 8, flags: [mmio] }\n"       \
	"  memory:\n" memory "  irqchips:\n    - { kind: extioi, pins: [32-47] }\n"
#define RAM(phys, virt, size)                                                                                \
	"    - { phys: " phys ", virt: " virt ", size: " size ", flags: [read, write, execute, loadable] "   \
	"}\n"
#define TWO_PIECES RAM("0x90000000", "0x0", "32M") RAM("0x98000000", "0x2000000", "32M")

static char kernel_name[] = "/tmp/bixi-test-kernel-XXXXXX";
static struct linux_images images;
static struct blob binary;
static struct error error;

/* A kernel of one segment at @address. */
static void write_kernel(uint64_t address)
{
	struct {
		Elf64_Ehdr elf;
		Elf64_Phdr segment;
	} file = {
		.elf = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_EXEC,
			 .e_machine = 258,
			 .e_entry = address + 0x40,
			 .e_phnum = 1,
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phoff = sizeof(Elf64_Ehdr) },
		.segment = { .p_type = PT_LOAD,
			     .p_paddr = address,
			     .p_vaddr = address,
			     .p_filesz = 120,
			     .p_memsz = 0x100000 },
	};
	FILE *out = fopen(kernel_name, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(&file, sizeof(file), 1, out), 1);
	fclose(out);
}

/* The sentence of a refusal is in error.text. */
static int prepare(const char *yaml, const char *initrd)
{
	struct linux_request request = { .kernel = kernel_name, .initrd = initrd, .cpu_clock = 2500000000 };

	linux_images_free(&images);
	blob_free(&binary);
	binary = compiled(yaml);
	request.cell = config_cell_of(&binary);
	return linux_prepare(&images, &request, &error);
}

static const struct driver_image *image_at(uint64_t target)
{
	for (unsigned i = 0; i < images.count; i++)
		if (images.image[i].target_address == target)
			return &images.image[i];
	fail_msg("nothing is loaded at 0x%lx", (unsigned long)target);
	return NULL;
}

static const void *tree_node(const char *path, int *node)
{
	const void *tree = image_at(0x100000) ? images.tree.data : NULL;

	assert_int_equal(fdt_check_header(tree), 0);
	*node = fdt_path_offset(tree, path);
	return tree;
}

static uint32_t tree_cell(const char *path, const char *name, unsigned index)
{
	int node, size;
	const void *tree = tree_node(path, &node);
	const fdt32_t *value = fdt_getprop(tree, node, name, &size);

	if (!value || (unsigned)size < 4 * (index + 1))
		fail_msg("%s has no %s[%u]", path, name, index);
	return fdt32_ld(value + index);
}

static void the_tree_describes_the_cell(void **state)
{
	int node;
	const void *tree;

	write_kernel(0x200000);
	assert_int_equal(prepare(CELL("0x1000", TWO_PIECES), kernel_name), 0);
	tree = tree_node("/cpus/cpu@1", &node);
	assert_true(node > 0);
	assert_int_equal(fdt_path_offset(tree, "/cpus/cpu@2"), -FDT_ERR_NOTFOUND);
	assert_int_equal(tree_cell("/cpu-clock", "clock-frequency", 0), 2500000000);
	assert_int_equal(tree_cell("/memory@0", "reg", 3), 64 << 20); /* both pieces */
	assert_int_equal(tree_cell("/serial@1fe001e0", "interrupts", 0), 1);
	assert_int_equal(tree_cell("/syscon@1fe001e8", "reg", 1), 0x1fe001e8);
	assert_int_equal(tree_cell("/poweroff", "value", 0), CONFIG_POWER_OFF);
	assert_int_equal(tree_cell("/chosen", "linux,initrd-start", 1), 32 << 20);
	assert_string_equal(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL),
			    "console=ttyS0");
	assert_non_null(image_at(32 << 20));
}

static void without_vectors_the_uart_is_looked_at(void **state)
{
	int node;
	const void *tree;

	assert_int_equal(
		prepare("architecture: loongarch64\ncell:\n  name: two\n  entry: 0x1000\n  cpus: [1]\n"
			"  vpci-irq-base: 1\n"
			"  console: { type: 8250, address: 0x1fe001e0, size: 8, flags: [mmio] }\n"
			"  memory:\n" TWO_PIECES,
			NULL),
		0);
	tree = tree_node("/serial@1fe001e0", &node);
	assert_null(fdt_getprop(tree, node, "interrupts", NULL));
	assert_int_equal(fdt_path_offset(tree, "/eiointc@1400"), -FDT_ERR_NOTFOUND);
	tree = tree_node("/chosen", &node);
	assert_null(fdt_getprop(tree, node, "linux,initrd-start", NULL));
}

static void a_uart_of_its_own_interrupts_by_the_cells_pin(void **state)
{
	int node;
	const void *tree;

	assert_int_equal(
		prepare("architecture: loongarch64\ncell:\n  name: two\n  entry: 0x1000\n  cpus: [1]\n"
			"  console: { type: 8250, address: 0x1fe003e0, size: 8, flags: [mmio] }\n"
			"  memory:\n" TWO_PIECES
			"    - { phys: 0x1fe003e0, size: 8, flags: [read, write, io, io-8] }\n"
			"  irqchips:\n    - { kind: extioi, pins: [44] }\n"
			"    - { kind: pch-pic, address: 0x10000000, pins: [4-5] }\n",
			NULL),
		0);
	assert_int_equal(tree_cell("/serial@1fe003e0", "interrupts", 0), 4);
	assert_int_equal(tree_cell("/serial@1fe003e0", "interrupt-parent", 0),
			 tree_cell("/platic@10000000", "phandle", 0));
	assert_int_equal(tree_cell("/platic@10000000", "interrupt-parent", 0),
			 tree_cell("/eiointc@1400", "phandle", 0));
	assert_int_equal(tree_cell("/platic@10000000", "loongson,pic-base-vec", 0), 0);
	assert_int_equal(tree_cell("/syscon@1fe003e8", "reg", 1), 0x1fe003e8);
	tree = tree_node("/platic@10000000", &node);
	assert_non_null(fdt_getprop(tree, node, "interrupt-controller", NULL));
}

/* Adds up what lu12i.w and ori put into a register. */
static uint64_t value_of(const uint32_t *code)
{
	return (uint64_t)(code[0] >> 5 & 0xfffff) << 12 | (code[1] >> 10 & 0xfff);
}

static void the_entry_sets_the_kernels_arguments(void **state)
{
	const uint32_t *code;
	uint64_t system_table;

	assert_int_equal(prepare(CELL("0x1000", TWO_PIECES), NULL), 0);
	image_at(0x1000);
	code = (const uint32_t *)(const void *)images.entry.data;
	assert_int_equal(code[0], 0x03800404); /* ori a0, zero, 1 */
	assert_int_equal(value_of(code + 1), 0x10000);
	assert_string_equal((const char *)images.parameters.data, "console=ttyS0");
	system_table = value_of(code + 3) - 0x10000;
	assert_memory_equal(images.parameters.data + system_table, "IBI SYST", 8);
	assert_int_equal(value_of(code + 5), 0x200040);
	assert_int_equal(code[7], 0x4c000180); /* jr t0 */
}

static void what_cannot_start_is_refused(void **state)
{
	assert_int_equal(prepare(CELL("0x200000", TWO_PIECES), NULL), -1);
	assert_non_null(strstr(error.text, "entry: 0x1000"));
	assert_int_equal(prepare(CELL("0x1000", RAM("0x90000000", "0x1000000", "32M")), NULL), -1);
	assert_non_null(strstr(error.text, "begin at address 0"));
	assert_int_equal(prepare(CELL("0x1000", RAM("0x90000000", "0x0", "2M")), NULL), -1);
	assert_int_equal(prepare(CELL("0x1000", RAM("0x90000000", "0x0", "16M")), kernel_name), -1);
	assert_non_null(strstr(error.text, "does not fit"));
	assert_int_equal(prepare(CELL("0x1000", TWO_PIECES), "/nowhere"), -1);
	assert_int_equal(prepare(CELL("0x1000", TWO_PIECES), "/dev/null"), -1);
	assert_non_null(strstr(error.text, "is empty"));
	write_kernel(0x100000);
	assert_int_equal(prepare(CELL("0x1000", TWO_PIECES), NULL), -1);
	assert_non_null(strstr(error.text, "below 2 MiB"));
	write_kernel(0x4000000);
	assert_int_equal(prepare(CELL("0x1000", TWO_PIECES), NULL), -1);
	assert_non_null(strstr(error.text, "the cell has 64"));
	write_kernel(0x200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_describes_the_cell),
		cmocka_unit_test(without_vectors_the_uart_is_looked_at),
		cmocka_unit_test(a_uart_of_its_own_interrupts_by_the_cells_pin),
		cmocka_unit_test(the_entry_sets_the_kernels_arguments),
		cmocka_unit_test(what_cannot_start_is_refused),
	};
	int failures;

	close(mkstemp(kernel_name));
	failures = cmocka_run_group_tests(tests, NULL, NULL);
	linux_images_free(&images);
	blob_free(&binary);
	unlink(kernel_name);
	return failures;
}
