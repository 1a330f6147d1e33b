/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The "virt" board: which chips are where and wired to what.  Addresses and pins are those of QEMU 11.1's
 * virt machine, so that kernels and firmware built for it start unmodified; registers of the chips that QEMU
 * leaves out are there besides.
 */
#include "machine/board/virt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/board/exit.h"
#include "machine/bridge/config.h"
#include "machine/bridge/ged.h"
#include "machine/bridge/pch_msi.h"
#include "machine/bridge/pch_pic.h"
#include "machine/bridge/rtc.h"
#include "machine/soc/avec.h"
#include "machine/soc/chipconfig.h"
#include "machine/soc/extioi.h"
#include "machine/soc/iocsr.h"
#include "machine/soc/ipi.h"
#include "machine/soc/uart.h"
#include "machine/virtio/mmio.h"

/* Physical addresses. */
#define PCH_PIC_BASE  0x10000000
#define BRIDGE_BASE   0x10010000
#define RTC_BASE      0x100d0100
#define GED_BASE      0x100e0000
#define EXIT_BASE     0x100e2000
#define MMIO_BASE     0x16000000 /* QEMU's platform bus, to which it adds devices of the user's */
#define BOOT_ROM_BASE 0x1c000000
#define AVEC_BASE     0x2fe00000
#define PCH_MSI_BASE  0x2ff00000

#define CPUCFG1_MSG_INT (UINT32_C(1) << 26)

/* IOCSR offsets. */
#define IPI_OFFSET 0x1000

/* PCH-PIC pins. */
enum { PIN_UART0 = 2, PIN_RTC = 6, PIN_GED = 7, PIN_PCI = 16, PIN_MMIO = 24 };

/* Inputs of a core, bits of ESTAT.IS. */
enum { LINE_HWI0 = 2, LINE_IPI = 12 };

static const uint64_t uart_base[MACHINE_UARTS] = { 0x1fe001e0, 0x1fe002e0, 0x1fe003e0, 0x1fe004e0 };
static const char *const uart_name[MACHINE_UARTS] = { "uart0", "uart1", "uart2", "uart3" };

static const struct pci_layout virt_pci = {
	.ecam_base = 0x20000000,
	.bus_count = 128,
	.mem_base = 0x40000000,
	.mem_size = 0x40000000,
	.io_base = 0x18004000,
	.io_size = 0xc000,
	.io_first = 0x4000,
};

struct virt {
	struct machine *machine;
	struct iocsr iocsr;
	struct ipi ipi;
	struct extioi extioi;
	struct chipconfig chip;
	struct avec avec;
	struct uart uart[MACHINE_UARTS];
	struct pch_pic pic;
	struct pch_msi msi;
	struct bridge_config bridge;
	struct rtc rtc;
	struct ged ged;
	struct exit_device exit;
	struct virtio_mmio mmio;
	bool has_pci;
	struct machine_listener listener;
};

static void virt_poweroff(void *opaque)
{
	machine_request(opaque, MACHINE_REQUEST_POWEROFF, 0);
}

static void virt_reset(void *opaque)
{
	machine_request(opaque, MACHINE_REQUEST_RESET, 0);
}

static void virt_exit(void *opaque, int code)
{
	machine_request(opaque, MACHINE_REQUEST_EXIT, code);
}

static void virt_power_button(struct machine *machine)
{
	struct virt *virt = machine->board_state;

	ged_raise(&virt->ged, GED_POWER_BUTTON);
	machine_tell(machine, MACHINE_EVENT_POWERDOWN);
}

static void virt_event(void *opaque, enum machine_event event)
{
	struct virt *virt = opaque;

	if (event == MACHINE_EVENT_RESUME && !virt->machine->config.deterministic)
		rtc_follow_date(&virt->rtc);
}

static void avec_state(void *opaque, struct state *state)
{
	struct avec *avec = opaque;
	bool enabled = atomic_load(&avec->enabled);

	state_bool(state, "enabled", &enabled);
	atomic_store(&avec->enabled, enabled);
}

/* IOCSR 0x420: which interrupt controllers deliver, and how. */
static void virt_misc_written(void *opaque, uint64_t value)
{
	struct virt *virt = opaque;

	extioi_set_mode(&virt->extioi, value & CHIPCONFIG_MISC_EXT_INT, value & CHIPCONFIG_MISC_INT_ENCODE);
	if (value & CHIPCONFIG_MISC_EXT_INT)
		extioi_lock_virt_config(&virt->extioi);
	atomic_store(&virt->avec.enabled, (value & CHIPCONFIG_MISC_AVEC) != 0);
}

static void virt_core_reset(void *opaque, unsigned core)
{
	struct virt *virt = opaque;

	if (core < virt->machine->group.count)
		cpu_notify(virt->machine->group.cpu[core], ATTENTION_RESET);
}

static void avec_reset_entry(void *opaque)
{
	avec_reset(opaque);
}

static void pci_reset_entry(void *opaque)
{
	pci_host_reset(opaque);
}

static int create_chip(struct virt *virt)
{
	struct machine *machine = virt->machine;
	const struct cpu_model *model = &machine->model;
	unsigned cores = machine->group.count;
	int err;

	err = iocsr_init(&virt->iocsr, cores, machine->trace);
	if (!err)
		err = ipi_init(&virt->ipi, cores, machine->trace);
	if (!err)
		err = extioi_init(&virt->extioi, cores, machine->trace);
	if (!err)
		err = chipconfig_init(&virt->chip, &machine->clock, model->iocsr_features, model->iocsr_chip,
				      machine->trace);
	for (unsigned i = 0; i < MACHINE_UARTS && !err; i++)
		err = uart_init(&virt->uart[i], uart_name[i], &machine->clock, machine->trace);
	virt->chip.misc_written = virt_misc_written;
	virt->chip.core_reset = virt_core_reset;
	virt->chip.opaque = virt;
	avec_init(&virt->avec, &machine->group, machine->trace);
	return err;
}

static int create_bridge(struct virt *virt)
{
	struct machine *machine = virt->machine;
	const struct irq_line to_extioi = { extioi_set_wire, &virt->extioi, 0 };
	int err;

	err = pch_pic_init(&virt->pic, &to_extioi, machine->trace);
	if (!err)
		err = pch_msi_init(&virt->msi, extioi_message, &virt->extioi, machine->trace);
	if (!err)
		err = bridge_config_init(&virt->bridge, machine->trace);
	if (!err)
		err = rtc_init(&virt->rtc, &machine->clock, machine->trace);
	if (!err)
		err = ged_init(&virt->ged, machine->trace);
	if (!err)
		err = exit_init(&virt->exit, virt_exit, machine, machine->trace);
	virt->ged.poweroff = virt_poweroff;
	virt->ged.reset = virt_reset;
	virt->ged.opaque = machine;
	return err;
}

static void wire(struct virt *virt)
{
	struct machine *machine = virt->machine;

	for (unsigned id = 0; id < machine->group.count; id++) {
		struct cpu *cpu = machine->group.cpu[id];

		virt->ipi.out[id] = (struct irq_line){ cpu_set_line, cpu, LINE_IPI };
		for (unsigned pin = 0; pin < EXTIOI_PINS; pin++)
			virt->extioi.out[id][pin] = (struct irq_line){ cpu_set_line, cpu, LINE_HWI0 + pin };
		cpu->iocsr = (struct iocsr_ops){ iocsr_read, iocsr_write, &virt->iocsr };
	}
	for (unsigned i = 0; i < MACHINE_UARTS; i++)
		virt->uart[i].irq = pch_pic_line(&virt->pic, PIN_UART0 + i);
	virt->rtc.irq = pch_pic_line(&virt->pic, PIN_RTC);
	virt->ged.irq = pch_pic_line(&virt->pic, PIN_GED);
	for (unsigned i = 0; i < 4; i++)
		machine->pci_irq[i] = pch_pic_line(&virt->pic, PIN_PCI + i);
}

static int map_iocsr(struct virt *virt)
{
	const struct iocsr_block ipi = { .first = IPI_OFFSET,
					 .size = 0x50,
					 .base = IPI_OFFSET,
					 .dev = &virt->ipi.dev,
					 .bank = iocsr_bank_core };
	const struct iocsr_block chip = { .first = 0, .size = 0x480, .base = 0, .dev = &virt->chip.dev };
	int err = extioi_attach(&virt->extioi, &virt->iocsr);

	if (!err)
		err = iocsr_add_block(&virt->iocsr, &ipi);
	if (!err)
		err = iocsr_add_block(&virt->iocsr, &chip);
	return err;
}

static int map_mmio(struct virt *virt)
{
	struct bus *bus = &virt->machine->bus;
	const struct {
		struct device *dev;
		uint64_t base;
	} map[] = {
		{ &virt->pic.dev, PCH_PIC_BASE },     { &virt->bridge.dev, BRIDGE_BASE },
		{ &virt->rtc.dev, RTC_BASE },	      { &virt->ged.dev, GED_BASE },
		{ &virt->exit.dev, EXIT_BASE },	      { &virt->msi.dev, PCH_MSI_BASE },
		{ &virt->uart[0].dev, uart_base[0] }, { &virt->uart[1].dev, uart_base[1] },
		{ &virt->uart[2].dev, uart_base[2] }, { &virt->uart[3].dev, uart_base[3] },
	};
	int err = bus_add_rom(bus, BOOT_ROM_BASE, BUS_ROM_MAX);

	for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]) && !err; i++)
		err = device_map(map[i].dev, bus, map[i].base);
	if (!err && virt->machine->model.cpucfg[1] & CPUCFG1_MSG_INT)
		err = avec_map(&virt->avec, bus, AVEC_BASE);
	return err;
}

/* The order of reset: sources of interrupts before those they drive. */
static int list_devices(struct virt *virt)
{
	struct machine *machine = virt->machine;
	struct device *const list[] = {
		&virt->uart[0].dev,	&virt->uart[1].dev, &virt->uart[2].dev, &virt->uart[3].dev,
		&virt->rtc.dev,		&virt->ged.dev,	    &virt->bridge.dev,	&virt->msi.dev,
		&virt->pic.dev,		&virt->chip.dev,    &virt->extioi.dev,	&virt->extioi.core_dev,
		&virt->extioi.virt_dev, &virt->ipi.dev,	    &virt->iocsr.dev,	&virt->exit.dev,
	};
	int err = machine_add_reset(machine, avec_reset_entry, &virt->avec);

	if (!err)
		err = machine_add_state(machine, "avec", avec_state, &virt->avec);
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]) && !err; i++)
		err = machine_add_device(machine, list[i]);
	return err;
}

static int create_pci(struct virt *virt)
{
	struct machine *machine = virt->machine;
	int err = pci_host_init(&machine->pci, &machine->bus, &virt_pci, machine->pci_irq);

	virt->has_pci = !err;
	if (!err)
		err = machine_add_reset(machine, pci_reset_entry, &machine->pci);
	return err ? err : machine_add_state(machine, "pci", pci_host_state, &machine->pci);
}

static int create_mmio(struct virt *virt)
{
	struct irq_line irq[VIRTIO_MMIO_SLOTS];

	for (unsigned i = 0; i < VIRTIO_MMIO_SLOTS; i++)
		irq[i] = pch_pic_line(&virt->pic, PIN_MMIO + i);
	virt->machine->virtio_mmio = &virt->mmio;
	return virtio_mmio_init(&virt->mmio, &virt->machine->bus, MMIO_BASE, irq);
}

static void virt_destroy(struct machine *machine)
{
	struct virt *virt = machine->board_state;

	if (virt->has_pci)
		pci_host_destroy(&machine->pci);
	exit_destroy(&virt->exit);
	ged_destroy(&virt->ged);
	rtc_destroy(&virt->rtc);
	bridge_config_destroy(&virt->bridge);
	pch_msi_destroy(&virt->msi);
	pch_pic_destroy(&virt->pic);
	for (unsigned i = 0; i < MACHINE_UARTS; i++)
		uart_destroy(&virt->uart[i]);
	chipconfig_destroy(&virt->chip);
	extioi_destroy(&virt->extioi);
	ipi_destroy(&virt->ipi);
	iocsr_destroy(&virt->iocsr);
	free(virt);
}

static int virt_create(struct machine *machine, char *error, size_t error_size)
{
	struct virt *virt = calloc(1, sizeof(*virt));
	int err;

	if (!virt) {
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	machine->board_state = virt;
	virt->machine = machine;
	err = create_chip(virt);
	if (!err)
		err = create_bridge(virt);
	wire(virt);
	if (!err)
		err = map_iocsr(virt);
	if (!err)
		err = map_mmio(virt);
	if (!err)
		err = list_devices(virt);
	if (!err)
		err = create_pci(virt);
	if (!err)
		err = create_mmio(virt);
	if (err) {
		snprintf(error, error_size, "the virt machine's devices: %s", strerror(-err));
		virt_destroy(machine);
		return err;
	}
	machine->press_power_button = virt_power_button;
	virt->listener = (struct machine_listener){ .fn = virt_event, .opaque = virt };
	machine_listen(machine, &virt->listener);
	for (unsigned i = 0; i < MACHINE_UARTS; i++)
		machine->uart[i] = &virt->uart[i];
	return 0;
}

const struct board board_virt = {
	.name = "virt",
	.description = "3A5000 and 7A1000 at the addresses of QEMU's virt machine",
	.create = virt_create,
	.destroy = virt_destroy,
};
