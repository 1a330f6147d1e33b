/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Reading configurations of all revisions: tools/lib/convert.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tools/lib/convert.h"

#define MEMORY_SIZE  32
#define IRQCHIP_SIZE 32
#define PCI_SIZE     56

/* A file that is written field by field, at the offsets of its revision. */
struct file {
	uint8_t bytes[16384];
	size_t size;
};

static void put(struct file *file, size_t at, uint64_t value, size_t size)
{
	memcpy(file->bytes + at, &value, size);
	if (at + size > file->size)
		file->size = at + size;
}

/* A cell's description at @at, of @size bytes, with 1 CPU, 1 region, 1 irqchip, @pio, 1 PCI device; its
 * arrays follow. */
static void put_cell(struct file *file, size_t at, size_t size, uint32_t pio)
{
	memcpy(file->bytes + at + 8, "demo", 4);
	put(file, at + 44, 1, 4); /* flags */
	put(file, at + 48, 8, 4); /* cpu_set_size */
	put(file, at + 52, 1, 4);
	put(file, at + 56, 0, 4);
	put(file, at + 60, 1, 4);
	put(file, at + 64, pio, 4);
	put(file, at + 68, 1, 4);
	put(file, at + 72, 0, 4);
	put(file, at + size - 52, 108, 4);	 /* vpci_irq_base */
	put(file, at + size - 48, 0x200000, 8);	 /* cpu_reset_address */
	put(file, at + size - 40, 77, 8);	 /* msg_reply_timeout */
	put(file, at + size - 32, 0x9000000, 8); /* console.address */
	put(file, at + size - 1, 0, 1);
	put(file, file->size, 2, 8); /* CPU 1 */
	put(file, file->size, 0x7fa00000, 8);
	put(file, file->size, 0, 8);
	put(file, file->size, 0x10000, 8);
	put(file, file->size, 0x147, 8);
	put(file, file->size, 0x8000000, 8);
	put(file, file->size, 0, 4);
	put(file, file->size, 32, 4);
	put(file, file->size, 0x10, 8);
	put(file, file->size, 0, 8);
}

/* An ivshmem device of shared-memory region 3, protocol in the place and numbering of old revisions. */
static void put_old_pci(struct file *file)
{
	size_t at = file->size;

	put(file, at, 3, 1);
	put(file, at + 4, 0x78, 2);
	put(file, at + 48, 3, 4);
	put(file, at + 52, 0x100, 2);
	put(file, at + PCI_SIZE - 1, 0, 1);
}

static void put_new_pci(struct file *file)
{
	size_t at = file->size;

	put(file, at, 3, 1);
	put(file, at + 4, 0x78, 2);
	put(file, at + 48, 3, 4);
	put(file, at + 52, 1, 1);
	put(file, at + 53, 2, 1);
	put(file, at + 54, 1, 2);
}

static void put_system(struct file *file, const char *signature, unsigned revision)
{
	memcpy(file->bytes, signature, strlen(signature));
	put(file, 6, revision, 2);
	put(file, 8, 1, 4);
	put(file, 12, 0x7fc00000, 8); /* hypervisor_memory */
	put(file, 28, 0x400000, 8);
	put(file, 44, 0x9000000, 8); /* debug_console */
	put(file, 76, 0x8e00000, 8); /* pci_mmconfig_base */
	put(file, 86, 1, 2);	     /* pci_domain */
}

static struct converted convert(const struct file *file, int architecture)
{
	const struct blob blob = { (uint8_t *)(uintptr_t)file->bytes, file->size };
	struct converted to;
	struct error error;

	if (config_convert(&blob, architecture, &to, &error))
		fail_msg("%s", error.text);
	return to;
}

static const char *refusal(const struct file *file)
{
	const struct blob blob = { (uint8_t *)(uintptr_t)file->bytes, file->size };
	static struct error error;
	struct converted to;

	assert_int_equal(config_convert(&blob, -1, &to, &error), -1);
	return error.text;
}

/* What put_cell() wrote, in the layout of revision 14. */
static void expect_cell(const struct config_cell *cell, uint64_t memory_flags)
{
	assert_string_equal(cell->name, "demo");
	assert_int_equal(cell->flags, 1);
	assert_int_equal(cell->vpci_irq_base, 108);
	assert_int_equal(cell->cpu_reset_address, 0x200000);
	assert_int_equal(cell->msg_reply_timeout, 77);
	assert_int_equal(cell->console.address, 0x9000000);
	assert_int_equal(cell->num_stream_ids, 0);
	assert_int_equal(config_cpu_set(cell)[0], 2);
	assert_int_equal(config_memory(cell)->phys_start, 0x7fa00000);
	assert_int_equal(config_memory(cell)->size, 0x10000);
	assert_int_equal(config_memory(cell)->flags, memory_flags);
	assert_int_equal(config_irqchips(cell)->address, 0x8000000);
	assert_int_equal(config_irqchips(cell)->pin_base, 32);
	assert_int_equal(config_irqchips(cell)->pin_bitmap[0], 0x10);
	assert_int_equal(config_pci_devices(cell)->bdf, 0x78);
	assert_int_equal(config_pci_devices(cell)->shmem_regions_start, 3);
	assert_int_equal(config_pci_devices(cell)->shmem_peers, 2);
	assert_int_equal(config_pci_devices(cell)->shmem_protocol, 1);
}

static void expect_system(const struct converted *converted, uint8_t gic_version)
{
	const struct config_system *system = (const struct config_system *)(void *)converted->binary.data;

	assert_true(config_is_system(&converted->binary));
	assert_memory_equal(system->signature, "JHSYS", 5);
	assert_int_equal(system->revision, 14);
	assert_int_equal(system->architecture, CONFIG_ARCH_ARM64);
	assert_int_equal(system->hypervisor_memory.phys_start, 0x7fc00000);
	assert_int_equal(system->hypervisor_memory.size, 0x400000);
	assert_int_equal(system->debug_console.address, 0x9000000);
	assert_int_equal(system->platform_info.pci_mmconfig_base, 0x8e00000);
	assert_int_equal(system->platform_info.pci_domain, 1);
	assert_int_equal(system->platform_info.arm.maintenance_irq, 25);
	assert_int_equal(system->platform_info.arm.gic_version, gic_version);
	assert_int_equal(system->platform_info.arm.gicd_base, 0x8000000);
	assert_int_equal(system->platform_info.arm.gicr_base, 0x80a0000);
	assert_int_equal(config_system_size(system), converted->binary.size);
}

static void test_cell_10(void **state)
{
	struct file file = { 0 };
	struct converted to;

	memcpy(file.bytes, "JHCELL", 6);
	put(&file, 6, 10, 2);
	put_cell(&file, 0, 128, 0);
	put_old_pci(&file);
	to = convert(&file, CONFIG_ARCH_ARM64);
	assert_int_equal(to.form, FORM_10);
	assert_int_equal(to.binary.size, 132 + 8 + MEMORY_SIZE + IRQCHIP_SIZE + PCI_SIZE);
	assert_memory_equal(to.binary.data, "JHCLL\2\16\0", 8);
	/* Bit 8 meant IO_UNALIGNED. */
	expect_cell(config_cell_of(&to.binary), 0x47 | CONFIG_MEM_IO_UNALIGNED);
	blob_free(&to.binary);
}

static void test_io_ports_10(void **state)
{
	struct file file = { 0 };
	const struct config_pio *pio;
	struct converted to;
	size_t bitmap;

	memcpy(file.bytes, "JHCELL", 6);
	put(&file, 6, 10, 2);
	put_cell(&file, 0, 128, 8192);
	bitmap = file.size;
	memset(file.bytes + bitmap, 0xff, 8192);
	file.size += 8192;
	file.bytes[bitmap + 0x3f8 / 8] = 0;
	file.bytes[bitmap + 0x2f8 / 8] = 0xfe;
	file.bytes[bitmap + 8191] = 0x7f;
	put_old_pci(&file);
	to = convert(&file, -1);
	assert_true(to.arch_guessed);
	assert_int_equal(config_cell_of(&to.binary)->architecture, CONFIG_ARCH_X86);
	assert_int_equal(config_cell_of(&to.binary)->num_pio_regions, 3);
	pio = config_pio(config_cell_of(&to.binary));
	assert_int_equal(pio[0].base, 0x2f8);
	assert_int_equal(pio[0].length, 1);
	assert_int_equal(pio[1].base, 0x3f8);
	assert_int_equal(pio[1].length, 8);
	assert_int_equal(pio[2].base, 65535);
	assert_int_equal(pio[2].length, 1);
	assert_int_equal(config_pci_devices(config_cell_of(&to.binary))->bdf, 0x78);
	blob_free(&to.binary);
}

static void test_all_io_ports_10(void **state)
{
	struct file file = { 0 };
	const struct config_pio *pio;
	struct converted to;

	memcpy(file.bytes, "JHCELL", 6);
	put(&file, 6, 10, 2);
	put_cell(&file, 0, 128, 8192);
	file.size += 8192;
	put_old_pci(&file);
	to = convert(&file, -1);
	pio = config_pio(config_cell_of(&to.binary));
	assert_int_equal(config_cell_of(&to.binary)->num_pio_regions, 2);
	assert_int_equal(pio[0].length, 65535);
	assert_int_equal(pio[1].base, 65535);
	blob_free(&to.binary);
}

static void put_arm_10(struct file *file, unsigned gic_version)
{
	put(file, 88, 25, 1);
	put(file, 89, gic_version, 1);
	put(file, 90, 0x8000000, 8);
	put(file, 122, 0x80a0000, 8);
}

static void test_system_10(void **state)
{
	struct file file = { 0 };
	struct converted to;

	put_system(&file, "JHSYST", 10);
	put_arm_10(&file, 3);
	put_cell(&file, 266, 128, 0);
	put_old_pci(&file);
	to = convert(&file, -1);
	assert_int_equal(to.form, FORM_10);
	assert_true(to.arch_guessed);
	expect_system(&to, 3);
	expect_cell(config_cell_of(&to.binary), 0x47 | CONFIG_MEM_IO_UNALIGNED);
	blob_free(&to.binary);
}

static void test_rvmsys(void **state)
{
	struct file file = { 0 };
	struct converted to;

	put_system(&file, "RVMSYS", 10);
	put_arm_10(&file, 0); /* does not say which GIC it is: it knows only one */
	put_cell(&file, 266, 128, 0);
	put_old_pci(&file);
	to = convert(&file, -1);
	assert_int_equal(to.form, FORM_RVM);
	expect_system(&to, 0);
	blob_free(&to.binary);
	put(&file, 6, 12, 2);
	assert_non_null(strstr(refusal(&file), "no configuration"));
}

static void test_system_11(void **state)
{
	struct file file = { 0 };
	struct converted to;

	put_system(&file, "JHSYST", 11);
	put_arm_10(&file, 2);
	put_cell(&file, 266, 128, 0);
	put_old_pci(&file);
	to = convert(&file, -1);
	assert_int_equal(to.form, FORM_11);
	expect_system(&to, 2);
	blob_free(&to.binary);
}

static void test_system_12(void **state)
{
	struct file file = { 0 };
	const struct config_system *system;
	struct converted to;

	put_system(&file, "JHSYST", 12);
	put_arm_10(&file, 3);
	put(&file, 130, 3, 4); /* first unit: SMMUv3 */
	put(&file, 134, 0x9050000, 8);
	put_cell(&file, 354, 132, 0);
	put_new_pci(&file);
	to = convert(&file, -1);
	assert_int_equal(to.form, FORM_12);
	expect_system(&to, 3);
	/* Bit 8 has its new meaning by then. */
	expect_cell(config_cell_of(&to.binary), 0x47 | CONFIG_MEM_NO_HUGEPAGES);
	system = (const struct config_system *)(void *)to.binary.data;
	assert_int_equal(system->platform_info.iommu_units[0].type, 3);
	assert_int_equal(system->platform_info.iommu_units[0].base, 0x9050000);
	blob_free(&to.binary);
}

static void test_x86_12(void **state)
{
	struct file file = { 0 };
	const struct config_system *system;
	struct converted to;

	put_system(&file, "JHSYST", 12);
	put(&file, 88, 0x608, 2);
	put(&file, 90, 256, 4);
	put(&file, 94, 2, 1);
	put(&file, 98, 2900000, 4);
	put(&file, 102, 1000000, 4);
	put(&file, 106, 2, 4);
	put(&file, 110, 0xfed90000, 8);
	put_cell(&file, 354, 132, 0);
	put_new_pci(&file);
	to = convert(&file, CONFIG_ARCH_X86);
	system = (const struct config_system *)(void *)to.binary.data;
	assert_int_equal(system->platform_info.bytes[2], 2);
	assert_memory_equal(system->platform_info.bytes, "\x08\x06\x02\0\0\x01\0\0", 8);
	assert_int_equal(system->platform_info.iommu_units[0].base, 0xfed90000);
	blob_free(&to.binary);
}

static void put_13(struct file *file, size_t bases, size_t root_cell)
{
	put_system(file, "JHSYST", 13);
	put(file, 312, 25, 1);
	put(file, 313, 3, 1);
	put(file, bases, 0x8000000, 8);
	put(file, bases + 32, 0x80a0000, 8);
	put_cell(file, root_cell, 132, 0);
	put_new_pci(file);
}

static void test_both_13(void **state)
{
	struct file a = { 0 }, b = { 0 };
	struct converted to;

	put_13(&a, 314, 354);
	to = convert(&a, CONFIG_ARCH_ARM64);
	assert_int_equal(to.form, FORM_13A);
	expect_system(&to, 3);
	expect_cell(config_cell_of(&to.binary), 0x147);
	blob_free(&to.binary);
	put_13(&b, 316, 356);
	to = convert(&b, CONFIG_ARCH_ARM64);
	assert_int_equal(to.form, FORM_13B);
	expect_system(&to, 3);
	expect_cell(config_cell_of(&to.binary), 0x147);
	blob_free(&to.binary);
}

/* The sixth byte of an old file with a new signature is 0, which is x86's number from revision 14 on. */
static void test_revision_before_architecture(void **state)
{
	struct file file = { 0 };
	struct converted to;

	memcpy(file.bytes, "JHCLL", 6);
	put(&file, 6, 13, 2);
	put_cell(&file, 0, 132, 0);
	put_new_pci(&file);
	to = convert(&file, -1);
	assert_int_equal(config_cell_of(&to.binary)->architecture, CONFIG_ARCH_ARM64);
	blob_free(&to.binary);
	put(&file, 6, 14, 2);
	to = convert(&file, -1);
	assert_int_equal(config_cell_of(&to.binary)->architecture, CONFIG_ARCH_X86);
	assert_false(to.arch_guessed);
	blob_free(&to.binary);
}

static void test_trailing_bytes(void **state)
{
	struct file file = { 0 };
	struct converted to;

	memcpy(file.bytes, "JHCLL\x4c", 6);
	put(&file, 6, 14, 2);
	put_cell(&file, 0, 132, 0);
	put_new_pci(&file);
	put(&file, file.size, 0, 8);
	to = convert(&file, -1);
	assert_int_equal(to.trailing, 8);
	assert_int_equal(to.binary.size, file.size - 8);
	blob_free(&to.binary);
}

/* Cut anywhere, it is refused; only what is read is there (valgrind, ASan). */
static void test_truncated(void **state)
{
	struct file file = { 0 };
	size_t size;

	put_13(&file, 316, 356);
	size = file.size;
	for (file.size = 0; file.size < size; file.size++)
		assert_non_null(refusal(&file));
	file.size = size;
	put(&file, 356 + 52, UINT32_MAX, 4); /* memory regions */
	assert_non_null(strstr(refusal(&file), "memory regions"));
}

static void test_not_ours(void **state)
{
	struct file file = { 0 };

	memcpy(file.bytes, "JHCLL\x4c", 6);
	put(&file, 6, 15, 2);
	put_cell(&file, 0, 132, 0);
	assert_non_null(strstr(refusal(&file), "revision 15"));
	put(&file, 6, 9, 2);
	assert_non_null(strstr(refusal(&file), "revision 9"));
	memcpy(file.bytes, "JHCELL", 6);
	put(&file, 6, 14, 2); /* an old signature on a new file */
	assert_non_null(strstr(refusal(&file), "no configuration"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cell_10),		cmocka_unit_test(test_io_ports_10),
		cmocka_unit_test(test_all_io_ports_10), cmocka_unit_test(test_system_10),
		cmocka_unit_test(test_rvmsys),		cmocka_unit_test(test_system_11),
		cmocka_unit_test(test_system_12),	cmocka_unit_test(test_x86_12),
		cmocka_unit_test(test_both_13),		cmocka_unit_test(test_revision_before_architecture),
		cmocka_unit_test(test_trailing_bytes),	cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
