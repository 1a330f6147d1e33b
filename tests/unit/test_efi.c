/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Direct start: what lies where in RAM, the EFI tables and memory map, and, on the reference engine, the
 * boot ROM and the runtime services.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "machine/cpu/reserve.h"
#include "machine/firmware/efi.h"
#include "machine/firmware/start.h"
#include "machine/interp/interp.h"

#define MIB	     (UINT64_C(1) << 20)
#define CACHED	     UINT64_C(0x9000000000000000)
#define UNCACHED     UINT64_C(0x8000000000000000)
#define KERNEL_ENTRY 0x300000u
#define IDLE	     0x06488000u

enum { RA = 1, SP = 3, A0 = 4, A1, A2, A3 };

static char error[IMAGE_ERROR_SIZE], kernel_path[64], initrd_path[64];

static void write_file(char *path, const void *data, size_t size)
{
	int fd;

	strcpy(path, "/tmp/bixi-start-XXXXXX");
	fd = mkstemp(path);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* An ELF kernel of one segment at @address; its only instruction is idle. */
static void write_kernel(uint64_t address, uint64_t memory)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr program;
		uint32_t code[2];
	} elf = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = 258,
			.e_entry = CACHED | address,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
		.program = { .p_type = PT_LOAD, .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			     .p_vaddr = CACHED | address, .p_paddr = address, .p_filesz = 8, .p_memsz = memory },
		.code = { IDLE, IDLE },
	};

	write_file(kernel_path, &elf, sizeof(elf));
}

static struct trace trace;

struct started {
	struct bus bus;
	struct boot_layout layout;
	int result;
};

static void start(struct started *s, uint64_t ram, const char *cmdline, const char *initrd)
{
	static const uint8_t seed[PLATFORM_SEED_SIZE] = { 9, 8, 7 };
	const struct boot_request request = {
		.kernel = kernel_path, .initrd = initrd, .cmdline = cmdline, .cpus = 4, .seed = seed
	};

	memset(s, 0, sizeof(*s));
	assert_int_equal(bus_init(&s->bus, ram, &trace), 0);
	error[0] = 0;
	s->result = firmware_start(&s->bus, &request, &s->layout, error);
	unlink(kernel_path);
}

static uint64_t load(const struct started *s, uint64_t address, unsigned size)
{
	uint64_t value = 0;
	const void *ram = bus_ram(&s->bus, address & PA_MASK, size);

	assert_non_null(ram);
	memcpy(&value, ram, size);
	return value;
}

static void check_crc(const struct started *s, uint64_t table)
{
	uint32_t size = (uint32_t)load(s, table + 12, 4), crc = (uint32_t)load(s, table + 16, 4);
	uint8_t copy[256];

	assert_true(size <= sizeof(copy));
	memcpy(copy, bus_ram(&s->bus, table & PA_MASK, size), size);
	memset(copy + 16, 0, 4);
	assert_int_equal(crc32(0, copy, size), crc);
}

/* The pointer that the configuration table has for the GUID beginning with @guid; 0: none. */
static uint64_t configuration(const struct started *s, uint32_t guid)
{
	uint64_t system = s->layout.system_table, count = load(s, system + 104, 8),
		 table = load(s, system + 112, 8);

	for (uint64_t i = 0; i < count; i++) {
		if (load(s, table + 24 * i, 4) == guid)
			return load(s, table + 24 * i + 16, 8);
	}
	return 0;
}

static void system_table_leads_to_everything(void **state)
{
	static const uint8_t initrd[3] = { 'a', 'b', 'c' };
	struct started s;
	uint64_t system, runtime, at;

	write_kernel(KERNEL_ENTRY, 1 * MIB);
	write_file(initrd_path, initrd, sizeof(initrd));
	start(&s, 1024 * MIB, "console=ttyS0 quiet", initrd_path);
	unlink(initrd_path);
	assert_int_equal(s.result, 0);
	system = s.layout.system_table;
	assert_int_equal(load(&s, system, 8), 0x5453595320494249);
	check_crc(&s, system);
	assert_int_equal(load(&s, load(&s, system + 24, 8), 8),
			 'B' | 'i' << 16 | (uint64_t)'x' << 32 | (uint64_t)'i' << 48);
	runtime = load(&s, system + 88, 8);
	assert_int_equal(runtime >> 48, 0x9000);
	assert_int_equal(load(&s, runtime, 8), 0x56524553544e5552);
	check_crc(&s, runtime);
	assert_string_equal((char *)bus_ram(&s.bus, s.layout.cmdline, 64), "console=ttyS0 quiet");

	at = configuration(&s, 0x5568e427); /* initrd */
	assert_int_equal(load(&s, at + 8, 8), 3);
	assert_int_equal(load(&s, load(&s, at, 8), 3), 'a' | 'b' << 8 | 'c' << 16);
	assert_int_equal(load(&s, at, 8) & 0xffff, 0);
	at = configuration(&s, 0x1ce1e5bc); /* seed */
	assert_int_equal(load(&s, at, 8), 32 | (uint64_t)9 << 32 | (uint64_t)8 << 40 | (uint64_t)7 << 48);
	assert_memory_equal(bus_ram(&s.bus, configuration(&s, 0x8868e871), 8), "RSD PTR ", 8);
	assert_memory_equal(bus_ram(&s.bus, configuration(&s, 0xf2fd1544), 5), "_SM3_", 5);
	at = configuration(&s, 0xb1b621d5);
	assert_int_equal(at, 0x100000);
	assert_int_equal(fdt_check_full(bus_ram(&s.bus, at, 0x10000), 0x10000), 0);
	bus_destroy(&s.bus);
}

/* The memory map: sorted, page by page exactly the RAM, free where nothing is. */
static void check_memmap(const struct started *s, uint64_t kernel, uint64_t kernel_size)
{
	uint64_t map = configuration(s, 0x800f683f), size = load(s, map, 8), end = 0, ram = 0;

	assert_int_equal(load(s, map + 8, 8), 40);
	assert_int_equal(load(s, map + 16, 4), 1);
	for (uint64_t at = map + 40; at < map + 40 + size; at += 40) {
		uint64_t type = load(s, at, 4), base = load(s, at + 8, 8), pages = load(s, at + 24, 8);
		bool runtime = load(s, at + 32, 8) >> 63;

		assert_true(base >= end && pages && base % 4096 == 0);
		end = base + pages * 4096;
		assert_int_equal(runtime, type == EFI_RUNTIME_SERVICES_CODE ||
						  type == EFI_RUNTIME_SERVICES_DATA ||
						  type == EFI_MEMORY_MAPPED_IO);
		if (runtime)
			assert_int_equal(load(s, at + 16, 8),
					 base | (type == EFI_MEMORY_MAPPED_IO ? UNCACHED : CACHED));
		if (type == EFI_MEMORY_MAPPED_IO)
			continue;
		ram += pages * 4096;
		assert_non_null(bus_ram(&s->bus, base, pages * 4096));
		if (type == EFI_CONVENTIONAL_MEMORY) {
			assert_true(end <= kernel || base >= kernel + kernel_size);
			assert_true(end <= s->layout.system_table || base > s->layout.system_table);
			assert_true(end <= s->layout.initrd ||
				    base >= s->layout.initrd + s->layout.initrd_size);
		}
	}
	assert_int_equal(ram, s->bus.ram_size & ~UINT64_C(4095));
}

static void memory_map_covers_ram_exactly_once(void **state)
{
	static const uint64_t rams[] = { 16 * MIB,  255 * MIB + 4096, 256 * MIB,
					 257 * MIB, 2048 * MIB,	      16384 * MIB };
	static uint8_t initrd[3 * MIB];

	for (size_t i = 0; i < sizeof(rams) / sizeof(rams[0]); i++) {
		struct started s;

		write_kernel(KERNEL_ENTRY, 3 * MIB);
		write_file(initrd_path, initrd, sizeof(initrd));
		start(&s, rams[i], NULL, initrd_path);
		unlink(initrd_path);
		assert_string_equal(error, "");
		check_memmap(&s, KERNEL_ENTRY, 3 * MIB);
		bus_destroy(&s.bus);
	}
}

static void tables_move_out_of_a_kernels_way(void **state)
{
	static const struct {
		uint64_t address, size;
	} kernels[] = { { 0, 2 * MIB },
			{ 0x10000, 4096 },
			{ 0x100000, 4096 },
			{ 0x4f000, 0x1000 },
			{ 0x80000000, MIB } };

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		struct started s;

		write_kernel(kernels[i].address, kernels[i].size);
		start(&s, 512 * MIB, NULL, NULL);
		assert_string_equal(error, "");
		assert_int_equal(s.layout.kernel_entry, kernels[i].address);
		assert_int_equal(load(&s, kernels[i].address, 8), IDLE | (uint64_t)IDLE << 32);
		check_memmap(&s, kernels[i].address, kernels[i].size);
		assert_int_equal(load(&s, s.layout.system_table, 8), 0x5453595320494249);
		assert_int_equal(fdt_check_full(bus_ram(&s.bus, s.layout.fdt, 0x10000), 0x10000), 0);
		bus_destroy(&s.bus);
	}
}

static void what_does_not_fit_is_said(void **state)
{
	static uint8_t initrd[12 * MIB];
	char cmdline[5000];
	struct started s;

	write_kernel(0x200000, 32 * MIB);
	start(&s, 32 * MIB, NULL, NULL);
	assert_int_equal(s.result, -EFBIG);
	assert_non_null(strstr(error, "wants 32768 KiB of memory at 0x200000, where the machine has no RAM"));
	bus_destroy(&s.bus);

	write_kernel(KERNEL_ENTRY, 10 * MIB);
	write_file(initrd_path, initrd, sizeof(initrd));
	start(&s, 16 * MIB, NULL, initrd_path);
	assert_int_equal(s.result, -ENOMEM);
	assert_non_null(
		strstr(error, "of 12288 KiB does not fit beside the kernel into the machine's 16 MiB"));
	bus_destroy(&s.bus);
	write_kernel(KERNEL_ENTRY, MIB);
	start(&s, 8 * MIB, NULL, initrd_path);
	assert_int_equal(s.result, -EFBIG);
	bus_destroy(&s.bus);
	truncate(initrd_path, 0);
	write_kernel(KERNEL_ENTRY, MIB);
	start(&s, 8 * MIB, NULL, initrd_path);
	assert_non_null(strstr(error, "is empty"));
	bus_destroy(&s.bus);
	unlink(initrd_path);
	write_kernel(KERNEL_ENTRY, MIB);
	start(&s, 8 * MIB, NULL, initrd_path);
	assert_int_equal(s.result, -ENOENT);
	assert_non_null(strstr(error, initrd_path));
	bus_destroy(&s.bus);

	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[4999] = 0;
	write_kernel(KERNEL_ENTRY, MIB);
	start(&s, 64 * MIB, cmdline, NULL);
	assert_int_equal(s.result, -E2BIG);
	assert_string_equal(error, "the kernel command line has 4999 characters, at most 4095 are possible");
	bus_destroy(&s.bus);
	write_kernel(0, 60 * 1024);
	start(&s, 128 * 1024, NULL, NULL);
	assert_int_equal(s.result, -ENOMEM);
	bus_destroy(&s.bus);
}

/* One core with the machine's clock and power registers, and IOCSR space with a mailbox. */
struct core {
	struct started s;
	struct cpu cpu;
	struct cpu_group group;
	struct clock clock;
	uint32_t rtc[64];
	uint8_t power[0x20];
	uint64_t mailbox;
	uint32_t ipi_enable;
};

static bool rtc_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	const struct core *core = dev;

	*value = core->rtc[offset / 4];
	if ((offset == 0x2c || offset == 0x30) && (core->rtc[0x10] & 0x900) != 0x900)
		*value = 0;
	return size == 4;
}

static bool rtc_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct core *core = dev;

	core->rtc[offset / 4] = (uint32_t)value;
	return size == 4;
}

static bool power_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	return true;
}

static bool power_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	((struct core *)dev)->power[offset] = (uint8_t)value;
	return size == 1;
}

static uint64_t iocsr_read(void *opaque, unsigned id, uint32_t offset, unsigned size)
{
	const struct core *core = opaque;

	return offset == 0x1020 ? core->mailbox : 0;
}

static void iocsr_write(void *opaque, unsigned id, uint32_t offset, unsigned size, uint64_t value)
{
	struct core *core = opaque;

	if (offset == 0x1004)
		core->ipi_enable = (uint32_t)value;
}

static const struct mmio_ops rtc_ops = { rtc_read, rtc_write }, power_ops = { power_read, power_write };
static struct core core;

static int core_setup(void **state)
{
	const struct mmio_region rtc = { "rtc", 0x100d0100, 0x100, &rtc_ops, &core, NULL };
	const struct mmio_region power = { "power", 0x100e0000, 0x20, &power_ops, &core, NULL };

	memset(&core, 0, sizeof(core));
	write_kernel(KERNEL_ENTRY, MIB);
	start(&core.s, 64 * MIB, "hello", NULL);
	assert_string_equal(error, "");
	assert_int_equal(bus_add_region(&core.s.bus, &rtc), 0);
	assert_int_equal(bus_add_region(&core.s.bus, &power), 0);
	assert_int_equal(bus_add_rom(&core.s.bus, 0x1c000000, 4096), 0);
	memcpy(bus_rom_content(&core.s.bus), core.s.layout.boot_rom, core.s.layout.boot_rom_size);
	clock_init(&core.clock, true, 1);
	assert_int_equal(reserve_init(&core.group), 0);
	return 0;
}

static void core_start(unsigned id)
{
	assert_int_equal(cpu_init(&core.cpu, id, cpu_model_find("max"), &core.group, &core.s.bus, &core.clock,
				  &trace, 1),
			 0);
	core.cpu.iocsr = (struct iocsr_ops){ iocsr_read, iocsr_write, &core };
	core.cpu.reset_pc = 0x1c000000;
	assert_int_equal(interp_init(&core.cpu, 1), 0);
	cpu_reset(&core.cpu);
}

static int core_teardown(void **state)
{
	interp_destroy(&core.cpu);
	cpu_destroy(&core.cpu);
	reserve_destroy(&core.group);
	clock_destroy(&core.clock);
	bus_destroy(&core.s.bus);
	return 0;
}

static void core_0_enters_the_kernel_as_the_efi_stub_does(void **state)
{
	core_start(0);
	interp_run(&core.cpu, 1000);
	assert_true(core.cpu.halted); /* the kernel's idle */
	assert_true(core.cpu.pc == KERNEL_ENTRY || core.cpu.pc == KERNEL_ENTRY + 4);
	assert_int_equal(core.cpu.gpr[A0], 1);
	assert_int_equal(core.cpu.gpr[A1], core.s.layout.cmdline);
	assert_int_equal(core.cpu.gpr[A2], core.s.layout.system_table);
	assert_int_equal(core.cpu.root.crmd & (CRMD_DA | CRMD_PG | CRMD_IE), CRMD_DA);
}

static void other_cores_wait_for_their_mailbox(void **state)
{
	core_start(3);
	interp_run(&core.cpu, 1000);
	assert_true(core.cpu.halted);
	assert_int_equal(core.ipi_enable, UINT32_MAX);
	assert_int_equal(core.cpu.pc >> 24, 0x1c);
	core.mailbox = CACHED | (KERNEL_ENTRY + 4);
	cpu_set_line(&core.cpu, 12, true);
	interp_run(&core.cpu, 50);
	assert_int_equal(core.cpu.root.ecfg & 0x1000, 0);
	assert_true((core.cpu.pc & PA_MASK) == KERNEL_ENTRY + 4 ||
		    (core.cpu.pc & PA_MASK) == KERNEL_ENTRY + 8);
}

/* Calls runtime service @index as a kernel would: paged mode, direct-mapped windows. */
static uint64_t call(unsigned index, uint64_t a0, uint64_t a1, uint64_t a2)
{
	uint64_t table = load(&core.s, core.s.layout.system_table + 88, 8);
	struct cpu *cpu = &core.cpu;

	csr_write(cpu, &cpu->root, CSR_DMW0, UNCACHED | 1, CSR_ALL);
	csr_write(cpu, &cpu->root, CSR_DMW0 + 1, CACHED | 0x11, CSR_ALL);
	csr_write(cpu, &cpu->root, CSR_CRMD, CRMD_PG, CRMD_PG | CRMD_DA);
	cpu->pc = load(&core.s, table + 24 + 8 * index, 8);
	cpu->gpr[A0] = a0;
	cpu->gpr[A1] = a1;
	cpu->gpr[A2] = a2;
	cpu->gpr[RA] = CACHED | KERNEL_ENTRY;
	cpu->gpr[SP] = CACHED | 0x3f00000;
	atomic_store(&cpu->halted, false);
	interp_run(cpu, 100000);
	assert_true(cpu->halted);
	return cpu->gpr[A0];
}

enum { GET_TIME = 0, SET_TIME = 1, SET_VIRTUAL_ADDRESS_MAP = 4, GET_VARIABLE = 6, RESET_SYSTEM = 10 };

#define TIME	 (CACHED | 0x3000000)
#define NOT_TIME UINT64_C(0x8000000000000002) /* EFI_INVALID_PARAMETER */

static uint64_t set_time(unsigned year, unsigned month, unsigned day, unsigned hour)
{
	const uint8_t time[16] = {
		(uint8_t)year, (uint8_t)(year >> 8), (uint8_t)month, (uint8_t)day, (uint8_t)hour, 34, 56
	};

	assert_true(bus_dma_write(&core.s.bus, TIME & PA_MASK, time, sizeof(time)));
	return call(SET_TIME, TIME, 0, 0);
}

static void runtime_services_read_and_set_the_clock(void **state)
{
	const uint32_t fields = 11u << 26 | 22 << 21 | 17 << 16 | 9 << 10 | 58 << 4 | 3;

	core_start(0);
	core.rtc[0x30 / 4] = 126;
	core.rtc[0x2c / 4] = fields;
	assert_int_equal(call(GET_TIME, TIME, 0, 0), 0);
	assert_int_equal(core.rtc[0x10], 0x900); /* had to be switched on */
	assert_int_equal(load(&core.s, TIME, 2), 2026);
	assert_int_equal(load(&core.s, TIME + 2, 5), 11 | 22 << 8 | 17 << 16 | 9 << 24 | (uint64_t)58 << 32);
	assert_int_equal(load(&core.s, TIME + 8, 4), 300000000);
	assert_int_equal(load(&core.s, TIME + 12, 2), 0x7ff);
	assert_int_equal(call(GET_TIME, 0, 0, 0), NOT_TIME);
	assert_int_equal(call(GET_TIME, TIME, TIME + 64, 0), 0);
	assert_int_equal(load(&core.s, TIME + 64, 4), 10);

	assert_int_equal(set_time(2030, 2, 28, 23), 0);
	assert_int_equal(core.rtc[0x28 / 4], 130);
	assert_int_equal(core.rtc[0x24 / 4], 2 << 26 | 28 << 21 | 23 << 16 | 34 << 10 | 56 << 4);
	assert_int_equal(set_time(2028, 2, 29, 0), 0);
	for (unsigned month = 1; month <= 12; month++) {
		static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

		assert_int_equal(set_time(2030, month, days[month - 1], 0), 0);
		assert_int_equal(set_time(2030, month, days[month - 1] + 1u, 0), NOT_TIME);
	}
	assert_int_equal(set_time(2030, 0, 1, 0), NOT_TIME);
	assert_int_equal(set_time(2030, 1, 1, 24), NOT_TIME);
	assert_int_equal(set_time(1899, 1, 1, 0), NOT_TIME);
}

static void runtime_services_reset_and_power_off(void **state)
{
	core_start(0);
	call(RESET_SYSTEM, 0, 0, 0);
	assert_int_equal(core.power[0x1e], 0x42);
	assert_int_equal(core.power[0x1c], 0);
	call(RESET_SYSTEM, 2, 0, 0);
	assert_int_equal(core.power[0x1c], 0x34);
}

static void other_runtime_services_say_that_they_are_not_there(void **state)
{
	core_start(0);
	for (unsigned i = 0; i < 14; i++) {
		uint64_t status;

		if (i == GET_TIME || i == SET_TIME || i == RESET_SYSTEM)
			continue;
		status = call(i, 0, 0, 0);
		assert_int_equal(status >> 63, 1);
		assert_int_equal(status & 0xff, i == 6 || i == 7 ? 14 : i == 8 ? 8 : 3);
	}
}

int main(void)
{
#define ON_CORE(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_table_leads_to_everything),
		cmocka_unit_test(memory_map_covers_ram_exactly_once),
		cmocka_unit_test(tables_move_out_of_a_kernels_way),
		cmocka_unit_test(what_does_not_fit_is_said),
		ON_CORE(core_0_enters_the_kernel_as_the_efi_stub_does),
		ON_CORE(other_cores_wait_for_their_mailbox),
		ON_CORE(runtime_services_read_and_set_the_clock),
		ON_CORE(runtime_services_reset_and_power_off),
		ON_CORE(other_runtime_services_say_that_they_are_not_there),
	};

	isa_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
