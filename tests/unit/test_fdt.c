/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The device tree: well formed, dtc has no warning, and it says what the machine is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/cpu/cpu.h"
#include "machine/firmware/fdt.h"

static const struct ram_range ram[] = { { 0, 0x10000000, 0 }, { 0x80000000, 0x130000000, 0x10000000 } };
static uint8_t tree[PLATFORM_FDT_SIZE];

static bool firmware;

static int build(unsigned cpus, const char *cmdline, int size)
{
	static const uint8_t seed[PLATFORM_SEED_SIZE] = { 1, 2, 3 };
	const struct platform platform = { .cpus = cpus,
					   .ram = ram,
					   .ram_count = 2,
					   .cmdline = cmdline,
					   .initrd = 0x180000000,
					   .initrd_size = 0x1234,
					   .seed = seed,
					   .firmware = firmware,
					   .virtio_mmio = 8 };

	return fdt_build(tree, size, &platform);
}

static uint64_t cell(const char *path, const char *name, unsigned index)
{
	int length;
	const uint8_t *property = fdt_getprop(tree, fdt_path_offset(tree, path), name, &length);

	assert_non_null(property);
	assert_true(length >= 4 * (int)(index + 1));
	return fdt32_ld((const fdt32_t *)(property + 4 * index));
}

static void tree_is_well_formed_for_any_number_of_cores(void **state)
{
	char cmdline[4096];

	memset(cmdline, 'x', sizeof(cmdline) - 1);
	cmdline[sizeof(cmdline) - 1] = 0;
	for (unsigned cpus = 1; cpus <= CPU_MAX; cpus += 21) {
		assert_int_equal(build(cpus, cmdline, sizeof(tree)), 0);
		assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
	}
	assert_int_equal(build(4, "", 1024), -ENOSPC);
}

static void memory_chosen_and_ports_are_right(void **state)
{
	const char *path;

	assert_int_equal(build(2, "console=ttyS0", sizeof(tree)), 0);
	assert_int_equal(cell("/memory@80000000", "reg", 1), 0x80000000);
	assert_int_equal(cell("/memory@80000000", "reg", 2), 1);
	assert_int_equal(cell("/memory@80000000", "reg", 3), 0x30000000);
	assert_int_equal(cell("/chosen", "linux,initrd-start", 0), 1);
	assert_int_equal(cell("/chosen", "linux,initrd-end", 1), 0x80001234);
	path = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL);
	assert_string_equal(path, "console=ttyS0");
	path = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "stdout-path", NULL);
	assert_string_equal(path, fdt_get_alias(tree, "serial0"));
	assert_int_equal(cell(path, "interrupts", 0), 2);
	assert_int_equal(cell("/pcie@20000000", "ranges", 2),
			 cell("/pcie@20000000", "ranges", 4) - 0x18000000);
}

static void interrupts_lead_to_the_processor(void **state)
{
	static const char *const chain[] = { "/serial@1fe001e0", "/platic@10000000", "/eiointc@1400",
					     "/cpuic" };

	assert_int_equal(build(1, "", sizeof(tree)), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(cell(chain[i], "interrupt-parent", 0), cell(chain[i + 1], "phandle", 0));
	assert_int_equal(cell("/eiointc@1400", "interrupts", 0), 3);
	assert_int_equal(cell("/virtio_mmio@16007000", "interrupt-parent", 0), cell(chain[1], "phandle", 0));
	assert_int_equal(cell("/virtio_mmio@16007000", "interrupts", 0), 31);
	assert_int_equal(fdt_path_offset(tree, "/virtio_mmio@16008000"), -FDT_ERR_NOTFOUND);
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(cell("/pcie@20000000", "interrupt-map", 7 * i), i / 4 << 11);
		assert_int_equal(cell("/pcie@20000000", "interrupt-map", 7 * i + 5),
				 16 + (i / 4 + i % 4) % 4);
	}
}

/* What EDK2's platform library for QEMU's machine looks up. */
static void flash_and_fw_cfg_are_there_for_firmware_only(void **state)
{
	assert_int_equal(build(1, "", sizeof(tree)), 0);
	assert_true(fdt_node_offset_by_compatible(tree, -1, "cfi-flash") < 0);
	assert_true(fdt_node_offset_by_compatible(tree, -1, "qemu,fw-cfg-mmio") < 0);
	firmware = true;
	assert_int_equal(build(1, "", sizeof(tree)), 0);
	firmware = false;
	assert_true(fdt_node_offset_by_compatible(tree, -1, "cfi-flash") > 0);
	assert_int_equal(cell("/flash@1c000000", "reg", 1), 0x1c000000);
	assert_int_equal(cell("/flash@1c000000", "reg", 3), 16 << 20);
	assert_int_equal(cell("/flash@1c000000", "reg", 5), 0x1d000000);
	assert_int_equal(cell("/flash@1c000000", "reg", 7), 16 << 20);
	assert_int_equal(cell("/flash@1c000000", "bank-width", 0), 4);
	assert_true(fdt_node_offset_by_compatible(tree, -1, "qemu,fw-cfg-mmio") > 0);
	assert_int_equal(cell("/fw_cfg@1e020000", "reg", 1), 0x1e020000);
	assert_int_equal(cell("/fw_cfg@1e020000", "reg", 3), 0x18);
}

static void dtc_has_no_warning(void **state)
{
	char path[] = "/tmp/bixi-fdt-XXXXXX", command[256];
	int fd = mkstemp(path);

	if (system("command -v dtc > /dev/null 2>&1"))
		skip();
	firmware = true;
	assert_int_equal(build(4, "quiet", sizeof(tree)), 0);
	firmware = false;
	assert_int_equal(write(fd, tree, fdt_totalsize(tree)), fdt_totalsize(tree));
	close(fd);
	snprintf(command, sizeof(command),
		 "w=$(dtc -I dtb -O dts -o /dev/null %s 2>&1); echo \"$w\"; [ -z \"$w\" ]", path);
	assert_int_equal(system(command), 0);
	unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_is_well_formed_for_any_number_of_cores),
		cmocka_unit_test(memory_chosen_and_ports_are_right),
		cmocka_unit_test(interrupts_lead_to_the_processor),
		cmocka_unit_test(flash_and_fw_cfg_are_there_for_firmware_only),
		cmocka_unit_test(dtc_has_no_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
