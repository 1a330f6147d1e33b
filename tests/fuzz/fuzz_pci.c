/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fuzzes the PCI host: configuration space, BARs anywhere, MSI, MSI-X and INTx in any order.  The input is a
 * list of eight-byte steps: what, size, where (2), value (4).
 */
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/virtio_driver.h"

#define FUNCTIONS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct pci_bar *bar = opaque;

	if (offset + size > bar->size || offset % size)
		abort();
	return offset;
}

static void bar_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	bar_read(opaque, offset, size);
}

static const struct pci_bar_ops bar_ops = { bar_read, bar_write };

static void build(struct driver *driver, struct pci_function *fn)
{
	static const struct pci_identity identity = { .vendor = 1, .device = 2, .interrupt_pin = 1 };

	driver_init(driver, true);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		if (pci_add_function(&driver->host, &fn[i], "fuzzed", PCI_DEVFN_AUTO, &identity) ||
		    pci_add_msix(&fn[i], 1, i ? 128 : 3) || pci_add_msi(&fn[i], 1u << (2 * i)))
			abort();
		pci_add_bar(&fn[i], 0, PCI_BAR_MEM32, 0x10000u << i, &bar_ops, &fn[i].bar[0]);
		pci_add_bar(&fn[i], 2, PCI_BAR_IO, 0x20u << i, &bar_ops, &fn[i].bar[2]);
		pci_add_bar(&fn[i], 4, PCI_BAR_MEM64, 0x4000u << i, &bar_ops, &fn[i].bar[4]);
	}
}

static void step(struct driver *driver, struct pci_function *fn, const uint8_t *bytes)
{
	const unsigned access = 1u << (bytes[1] & 3), where = bytes[2] | bytes[3] << 8;
	struct pci_function *chosen = &fn[(bytes[1] >> 2) % FUNCTIONS];
	uint64_t value = pci_get_le(bytes + 4, 4);

	value |= value << 32;
	switch (bytes[0] % 12) {
	case 0:
	case 1: /* anywhere in the configuration spaces of the first devices */
		driver_write(driver, DRIVER_ECAM + where, access, value);
		break;
	case 2:
		driver_read(driver, DRIVER_ECAM + where, access);
		break;
	case 3:
	case 4: /* the header and capabilities of one of ours */
		driver_write(driver, driver_config(chosen->devfn, where & 0xff), access, value);
		break;
	case 5: /* the windows, at the value's address */
		driver_read(driver, DRIVER_MEM + (value & 0x3ffffff8), access);
		break;
	case 6:
		driver_write(driver, DRIVER_MEM + where, access, value);
		break;
	case 7:
		driver_write(driver, DRIVER_IO + where % 0xbff8, access, value);
		driver_read(driver, DRIVER_IO + where % 0xbff8, access);
		break;
	case 8:
		pci_msix_notify(chosen, where);
		break;
	case 9:
		pci_msi_notify(chosen, where & 63);
		break;
	case 10:
		pci_set_intx(chosen, value & 1);
		break;
	default: /* a BAR of ours where the windows are */
		driver_write(driver, driver_config(chosen->devfn, PCI_BAR0 + 4 * (where % PCI_BARS)), 4,
			     DRIVER_MEM + (value & 0xffff));
		driver_write(driver, driver_config(chosen->devfn, PCI_COMMAND), 2, where >> 8);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct driver driver;
	static struct pci_function fn[FUNCTIONS];
	static bool built;

	if (!built)
		build(&driver, fn);
	built = true;
	for (size_t i = 0; i + 8 <= size && i < 8 * 4096; i += 8)
		step(&driver, fn, data + i);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		pci_set_intx(&fn[i], false);
	for (unsigned i = 0; i < 4; i++)
		if (driver.host.intx_count[i] || driver.line[i])
			abort(); /* a line without a function that drives it */
	pci_host_reset(&driver.host);
	return 0;
}
