/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The device tree, after the Devicetree Specification 0.4 and Linux's Documentation/devicetree/bindings.
 * Same nodes and names as QEMU's virt machine has for what both have; the processors' clock besides.
 */
#include "machine/firmware/fdt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/firmware/fdt_writer.h"
#include "machine/firmware/flash.h"
#include "machine/firmware/fw_cfg.h"

enum phandle {
	PHANDLE_CPUIC = 1,
	PHANDLE_EIOINTC,
	PHANDLE_PLATIC,
	PHANDLE_MSI,
	PHANDLE_CLOCK,
	PHANDLE_GED,
	PHANDLE_CPU = 0x100, /* and up */
};

enum { IRQ_LEVEL_HIGH = 4 };
enum { CPU_PIN_HWI1 = 3 }; /* as the processor's interrupt controller numbers them: bit of ESTAT.IS */

static void put_cpu_map(struct writer *w, const struct platform *platform)
{
	plain_node_begin(w, "cpu-map");
	plain_node_begin(w, "socket0");
	for (unsigned i = 0; i < platform->cpus; i++) {
		char name[16];

		snprintf(name, sizeof(name), "core%u", i);
		plain_node_begin(w, name);
		PUT_CELLS(w, "cpu", PHANDLE_CPU + i);
		node_end(w);
	}
	node_end(w);
	node_end(w);
}

static void put_cpus(struct writer *w, const struct platform *platform)
{
	plain_node_begin(w, "cpus");
	PUT_CELLS(w, "#address-cells", 1);
	PUT_CELLS(w, "#size-cells", 0);
	for (unsigned i = 0; i < platform->cpus; i++) {
		node_begin(w, "cpu", i);
		put_string(w, "device_type", "cpu");
		put_string(w, "compatible", "loongarch,Loongson-3A5000");
		PUT_CELLS(w, "reg", i);
		PUT_CELLS(w, "clocks", PHANDLE_CLOCK);
		PUT_CELLS(w, "phandle", PHANDLE_CPU + i);
		node_end(w);
	}
	put_cpu_map(w, platform);
	node_end(w);

	plain_node_begin(w, "cpu-clock");
	put_string(w, "compatible", "fixed-clock");
	PUT_CELLS(w, "#clock-cells", 0);
	PUT_CELLS(w, "clock-frequency", PLATFORM_CPU_MHZ * 1000000u);
	PUT_CELLS(w, "phandle", PHANDLE_CLOCK);
	node_end(w);
}

static void put_memory(struct writer *w, const struct platform *platform)
{
	for (unsigned i = 0; i < platform->ram_count; i++) {
		node_begin(w, "memory", platform->ram[i].base);
		put_string(w, "device_type", "memory");
		put_reg(w, platform->ram[i].base, platform->ram[i].size);
		node_end(w);
	}
}

static void put_interrupt_controllers(struct writer *w)
{
	plain_node_begin(w, "cpuic");
	put_string(w, "compatible", "loongson,cpu-interrupt-controller");
	PUT_CELLS(w, "#address-cells", 0);
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 1);
	PUT_CELLS(w, "phandle", PHANDLE_CPUIC);
	node_end(w);

	node_begin(w, "eiointc", 0x1400);
	put_string(w, "compatible", "loongson,ls2k2000-eiointc");
	PUT_CELLS(w, "#address-cells", 0);
	put_reg(w, 0x1400, 0x800); /* in IOCSR space */
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 1);
	PUT_CELLS(w, "interrupt-parent", PHANDLE_CPUIC);
	PUT_CELLS(w, "interrupts", CPU_PIN_HWI1);
	PUT_CELLS(w, "phandle", PHANDLE_EIOINTC);
	node_end(w);

	node_begin(w, "platic", PLATFORM_PCH_PIC);
	put_string(w, "compatible", "loongson,pch-pic-1.0");
	PUT_CELLS(w, "#address-cells", 0);
	put_reg(w, PLATFORM_PCH_PIC, 0x400);
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 2);
	PUT_CELLS(w, "interrupt-parent", PHANDLE_EIOINTC);
	PUT_CELLS(w, "loongson,pic-base-vec", 0);
	PUT_CELLS(w, "phandle", PHANDLE_PLATIC);
	node_end(w);

	node_begin(w, "msi", PLATFORM_PCH_MSI);
	put_string(w, "compatible", "loongson,pch-msi-1.0");
	put_reg(w, PLATFORM_PCH_MSI, 8);
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 1);
	PUT_CELLS(w, "#address-cells", 0);
	put_flag(w, "msi-controller");
	PUT_CELLS(w, "interrupt-parent", PHANDLE_EIOINTC);
	PUT_CELLS(w, "loongson,msi-base-vec", 64); /* above the 64 pins of the PCH-PIC, as in the MADT */
	PUT_CELLS(w, "loongson,msi-num-vecs", 192);
	PUT_CELLS(w, "phandle", PHANDLE_MSI);
	node_end(w);
}

/* INTx: pin p (from 0) of device d comes in at PCH-PIC pin 16 + (d + p) & 3. */
static void put_interrupt_map(struct writer *w)
{
	uint32_t map[16][7];

	for (unsigned i = 0; i < 16; i++) {
		unsigned device = i / 4, pin = i % 4;
		const uint32_t entry[7] = {
			device << 11,
			0,
			0,
			pin + 1,
			PHANDLE_PLATIC,
			PLATFORM_PIN_PCI + ((device + pin) & 3),
			IRQ_LEVEL_HIGH,
		};

		memcpy(map[i], entry, sizeof(entry));
	}
	put_cells(w, "interrupt-map", map[0], 16 * 7);
	PUT_CELLS(w, "interrupt-map-mask", 3 << 11, 0, 0, 7);
}

static void put_pci(struct writer *w)
{
	enum { SPACE_IO = 0x01000000, SPACE_MEMORY_32 = 0x02000000 };

	node_begin(w, "pcie", PLATFORM_ECAM);
	put_string(w, "compatible", "pci-host-ecam-generic");
	put_string(w, "device_type", "pci");
	put_reg(w, PLATFORM_ECAM, PLATFORM_ECAM_SIZE);
	PUT_CELLS(w, "#address-cells", 3);
	PUT_CELLS(w, "#size-cells", 2);
	PUT_CELLS(w, "#interrupt-cells", 1);
	PUT_CELLS(w, "linux,pci-domain", 0);
	PUT_CELLS(w, "bus-range", 0, PLATFORM_PCI_BUS_LAST);
	put_flag(w, "dma-coherent");
	PUT_CELLS(w, "ranges", SPACE_IO, CELLS64(PLATFORM_PCI_IO_FIRST),
		  CELLS64(PLATFORM_PCI_IO + PLATFORM_PCI_IO_FIRST), CELLS64(PLATFORM_PCI_IO_SIZE),
		  SPACE_MEMORY_32, CELLS64(PLATFORM_PCI_MEM), CELLS64(PLATFORM_PCI_MEM),
		  CELLS64(PLATFORM_PCI_MEM_SIZE));
	PUT_CELLS(w, "msi-map", 0, PHANDLE_MSI, 0, 0x10000);
	put_interrupt_map(w);
	node_end(w);
}

static void put_uarts(struct writer *w)
{
	static const uint32_t uart[PLATFORM_UARTS] = PLATFORM_UART_ADDRESSES;

	for (unsigned i = 0; i < PLATFORM_UARTS; i++) {
		node_begin(w, "serial", uart[i]);
		put_string(w, "compatible", "ns16550a");
		put_reg(w, uart[i], PLATFORM_UART_SIZE);
		PUT_CELLS(w, "clock-frequency", PLATFORM_UART_CLOCK);
		PUT_CELLS(w, "interrupt-parent", PHANDLE_PLATIC);
		PUT_CELLS(w, "interrupts", PLATFORM_PIN_UART + i, IRQ_LEVEL_HIGH);
		node_end(w);
	}
}

static void put_virtio_mmio(struct writer *w, const struct platform *platform)
{
	for (unsigned i = 0; i < platform->virtio_mmio; i++) {
		const uint64_t base = PLATFORM_MMIO + (uint64_t)i * PLATFORM_MMIO_SLOT_SIZE;

		node_begin(w, "virtio_mmio", base);
		put_string(w, "compatible", "virtio,mmio");
		put_reg(w, base, PLATFORM_MMIO_SLOT_SIZE);
		PUT_CELLS(w, "interrupt-parent", PHANDLE_PLATIC);
		PUT_CELLS(w, "interrupts", PLATFORM_PIN_MMIO + i, IRQ_LEVEL_HIGH);
		put_flag(w, "dma-coherent");
		node_end(w);
	}
}

static void put_rtc(struct writer *w)
{
	node_begin(w, "rtc", PLATFORM_RTC);
	put_string(w, "compatible", "loongson,ls7a-rtc");
	put_reg(w, PLATFORM_RTC, 0x100);
	PUT_CELLS(w, "interrupt-parent", PHANDLE_PLATIC);
	PUT_CELLS(w, "interrupts", PLATFORM_PIN_RTC, IRQ_LEVEL_HIGH);
	node_end(w);
}

static void put_power_switch(struct writer *w, const char *name, const char *compatible, uint64_t address,
			     uint32_t value)
{
	plain_node_begin(w, name);
	put_string(w, "compatible", compatible);
	PUT_CELLS(w, "regmap", PHANDLE_GED);
	PUT_CELLS(w, "offset", (uint32_t)(address - PLATFORM_GED_SLEEP_CONTROL));
	PUT_CELLS(w, "value", value);
	node_end(w);
}

static void put_power(struct writer *w)
{
	node_begin(w, "ged", PLATFORM_GED_SLEEP_CONTROL);
	put_string(w, "compatible", "syscon");
	put_reg(w, PLATFORM_GED_SLEEP_CONTROL, 3);
	PUT_CELLS(w, "reg-shift", 0);
	PUT_CELLS(w, "reg-io-width", 1);
	PUT_CELLS(w, "phandle", PHANDLE_GED);
	node_end(w);
	put_power_switch(w, "poweroff", "syscon-poweroff", PLATFORM_GED_SLEEP_CONTROL,
			 PLATFORM_POWEROFF_VALUE);
	put_power_switch(w, "reboot", "syscon-reboot", PLATFORM_GED_RESET, PLATFORM_RESET_VALUE);
}

/* What firmware starts from and with. */
static void put_firmware(struct writer *w)
{
	node_begin(w, "flash", PLATFORM_FLASH0);
	put_string(w, "compatible", "cfi-flash");
	PUT_CELLS(w, "reg", CELLS64(PLATFORM_FLASH0), CELLS64(FLASH_SIZE), CELLS64(PLATFORM_FLASH1),
		  CELLS64(FLASH_SIZE));
	PUT_CELLS(w, "bank-width", 4);
	node_end(w);

	node_begin(w, "fw_cfg", PLATFORM_FW_CFG);
	put_string(w, "compatible", "qemu,fw-cfg-mmio");
	put_reg(w, PLATFORM_FW_CFG, FW_CFG_SIZE);
	put_flag(w, "dma-coherent");
	node_end(w);
}

/* So that ports keep their numbers whatever order they are found in. */
static void put_aliases(struct writer *w)
{
	static const uint32_t uart[PLATFORM_UARTS] = PLATFORM_UART_ADDRESSES;

	plain_node_begin(w, "aliases");
	for (unsigned i = 0; i < PLATFORM_UARTS; i++) {
		char name[16], path[32];

		snprintf(name, sizeof(name), "serial%u", i);
		snprintf(path, sizeof(path), "/serial@%" PRIx32, uart[i]);
		put_string(w, name, path);
	}
	node_end(w);
}

static void put_chosen(struct writer *w, const struct platform *platform)
{
	static const uint32_t uart[PLATFORM_UARTS] = PLATFORM_UART_ADDRESSES;
	char path[32];

	snprintf(path, sizeof(path), "/serial@%" PRIx32, uart[0]);
	plain_node_begin(w, "chosen");
	put_string(w, "stdout-path", path);
	if (!platform->firmware)
		put_string(w, "bootargs", platform->cmdline);
	if (platform->initrd_size) {
		PUT_CELLS(w, "linux,initrd-start", CELLS64(platform->initrd));
		PUT_CELLS(w, "linux,initrd-end", CELLS64(platform->initrd + platform->initrd_size));
	}
	if (platform->seed)
		check(w, fdt_property(w->fdt, "rng-seed", platform->seed, PLATFORM_SEED_SIZE));
	node_end(w);
}

int fdt_build(void *buffer, int size, const struct platform *platform)
{
	struct writer w = { .fdt = buffer };

	memset(buffer, 0, (size_t)size);
	check(&w, fdt_create(buffer, size));
	check(&w, fdt_finish_reservemap(buffer));
	plain_node_begin(&w, "");
	PUT_CELLS(&w, "#address-cells", 2);
	PUT_CELLS(&w, "#size-cells", 2);
	put_string(&w, "compatible", "linux,dummy-loongson3");
	put_string(&w, "model", PLATFORM_PRODUCT);
	put_aliases(&w);
	put_chosen(&w, platform);
	put_cpus(&w, platform);
	put_memory(&w, platform);
	put_interrupt_controllers(&w);
	put_pci(&w);
	put_uarts(&w);
	put_virtio_mmio(&w, platform);
	put_rtc(&w);
	put_power(&w);
	if (platform->firmware)
		put_firmware(&w);
	node_end(&w);
	check(&w, fdt_finish(buffer));
	if (w.error)
		return w.error == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
	return 0;
}
