/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The device tree of a cell's Linux: CPUs, memory, the interrupt controllers of its vectors and of its pins,
 * the UART, virtual or its own, and the register by which it says that it has ended.
 */
#include <string.h>
#include <sys/random.h>

#include "machine/firmware/fdt_writer.h"
#include "tools/lib/linux.h"

#define TREE_SIZE     0x10000 /* Linux maps that much */
#define SEED_SIZE     32
#define VIRTUAL_CLOCK 1843200	/* any: nothing is transmitted over a wire */
#define UART_CLOCK    100000000 /* the processor's UARTs', the virt machine's */
#define EXTIOI_IOCSR  0x1400
#define PCH_PIC_SIZE  0x400
#define LEVEL_HIGH    4 /* of an interrupt, as device trees say it */
#define CPU_LINE_HWI1 3 /* bit of ESTAT.IS where the hypervisor has the cell's vectors come in */

enum { PHANDLE_CPUIC = 1, PHANDLE_EXTIOI, PHANDLE_PCH_PIC, PHANDLE_CLOCK, PHANDLE_POWER };

static bool is_ram(const struct config_memory *memory)
{
	uint64_t wanted = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE;

	return (memory->flags & wanted) == wanted &&
	       !(memory->flags & (CONFIG_MEM_IO | CONFIG_MEM_COMM_REGION | CONFIG_MEM_ROOTSHARED));
}

bool linux_ram(const struct config_cell *cell, unsigned index, uint64_t *base, uint64_t *size)
{
	const struct config_memory *memory = config_memory(cell), *end = memory + cell->num_memory_regions;
	bool found = false;

	for (; memory < end; memory++) {
		if (!is_ram(memory))
			continue;
		if (found && memory->virt_start == *base + *size) {
			*size += memory->size;
			continue;
		}
		if (found && !index--)
			return true;
		found = true;
		*base = memory->virt_start;
		*size = memory->size;
	}
	return found && !index;
}

static unsigned count_cpus(const struct config_cell *cell)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < cell->cpu_set_size; i++)
		count += (unsigned)__builtin_popcount(config_cpu_set(cell)[i]);
	return count;
}

static const struct config_irqchip *irqchip(const struct config_cell *cell, enum config_irqchip_kind kind)
{
	for (uint32_t i = 0; i < cell->num_irqchips; i++) {
		if (config_irqchips(cell)[i].id == kind)
			return &config_irqchips(cell)[i];
	}
	return NULL;
}

static bool has_vectors(const struct config_cell *cell)
{
	return irqchip(cell, CONFIG_IRQCHIP_EXTIOI);
}

/* The bridge's controller, of a cell that has pins of it; they need vectors. */
static const struct config_irqchip *pch_pic(const struct config_cell *cell)
{
	return has_vectors(cell) ? irqchip(cell, CONFIG_IRQCHIP_PCH_PIC) : NULL;
}

/* The lowest: of the UART, as that is the only device that Linux is told of. */
static unsigned first_pin(const struct config_irqchip *chip)
{
	unsigned pin = 0;

	while (pin < CONFIG_PINS - 1 && !(chip->pin_bitmap[pin / 32] >> pin % 32 & 1))
		pin++;
	return chip->pin_base + pin;
}

static bool has_uart(const struct config_cell *cell)
{
	return cell->console.type == CONFIG_CONSOLE_8250 && cell->console.flags & CONFIG_CONSOLE_MMIO;
}

static void put_chosen(struct writer *w, const struct linux_tree *tree)
{
	uint8_t seed[SEED_SIZE];
	char path[32];

	plain_node_begin(w, "chosen");
	put_string(w, "bootargs", tree->cmdline);
	if (has_uart(tree->cell)) {
		snprintf(path, sizeof(path), "/serial@%" PRIx64, (uint64_t)tree->cell->console.address);
		put_string(w, "stdout-path", path);
	}
	if (tree->initrd_size) {
		PUT_CELLS(w, "linux,initrd-start", CELLS64(tree->initrd));
		PUT_CELLS(w, "linux,initrd-end", CELLS64(tree->initrd + tree->initrd_size));
	}
	if (getrandom(seed, sizeof(seed), 0) == sizeof(seed))
		check(w, fdt_property(w->fdt, "rng-seed", seed, sizeof(seed)));
	node_end(w);
}

static void put_cpus(struct writer *w, const struct linux_tree *tree)
{
	unsigned count = count_cpus(tree->cell);

	plain_node_begin(w, "cpus");
	PUT_CELLS(w, "#address-cells", 1);
	PUT_CELLS(w, "#size-cells", 0);
	for (unsigned i = 0; i < count; i++) {
		node_begin(w, "cpu", i);
		put_string(w, "device_type", "cpu");
		put_string(w, "compatible", "loongson,la464");
		PUT_CELLS(w, "reg", i);
		if (tree->cpu_clock)
			PUT_CELLS(w, "clocks", PHANDLE_CLOCK);
		node_end(w);
	}
	node_end(w);
	if (!tree->cpu_clock)
		return;
	plain_node_begin(w, "cpu-clock");
	put_string(w, "compatible", "fixed-clock");
	PUT_CELLS(w, "#clock-cells", 0);
	PUT_CELLS(w, "clock-frequency", (uint32_t)tree->cpu_clock);
	PUT_CELLS(w, "phandle", PHANDLE_CLOCK);
	node_end(w);
}

static void put_memory(struct writer *w, const struct config_cell *cell)
{
	uint64_t base, size;

	for (unsigned i = 0; linux_ram(cell, i, &base, &size); i++) {
		node_begin(w, "memory", base);
		put_string(w, "device_type", "memory");
		put_reg(w, base, size);
		node_end(w);
	}
}

/* Linux gives pins vectors from the base on, as it comes to use them. */
static void put_pch_pic(struct writer *w, const struct config_cell *cell)
{
	uint64_t address = pch_pic(cell)->address;

	node_begin(w, "platic", address);
	put_string(w, "compatible", "loongson,pch-pic-1.0");
	PUT_CELLS(w, "#address-cells", 0);
	put_reg(w, address, PCH_PIC_SIZE);
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 2);
	PUT_CELLS(w, "interrupt-parent", PHANDLE_EXTIOI);
	PUT_CELLS(w, "loongson,pic-base-vec", cell->vpci_irq_base ? cell->vpci_irq_base + 1 : 0);
	PUT_CELLS(w, "phandle", PHANDLE_PCH_PIC);
	node_end(w);
}

static void put_interrupt_controllers(struct writer *w, const struct config_cell *cell)
{
	plain_node_begin(w, "cpuic");
	put_string(w, "compatible", "loongson,cpu-interrupt-controller");
	PUT_CELLS(w, "#address-cells", 0);
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 1);
	PUT_CELLS(w, "phandle", PHANDLE_CPUIC);
	node_end(w);
	if (!has_vectors(cell))
		return;
	node_begin(w, "eiointc", EXTIOI_IOCSR);
	put_string(w, "compatible", "loongson,ls2k2000-eiointc");
	PUT_CELLS(w, "#address-cells", 0);
	put_reg(w, EXTIOI_IOCSR, 0x800); /* in IOCSR space */
	put_flag(w, "interrupt-controller");
	PUT_CELLS(w, "#interrupt-cells", 1);
	PUT_CELLS(w, "interrupt-parent", PHANDLE_CPUIC);
	PUT_CELLS(w, "interrupts", CPU_LINE_HWI1);
	PUT_CELLS(w, "phandle", PHANDLE_EXTIOI);
	node_end(w);
	if (pch_pic(cell))
		put_pch_pic(w, cell);
}

/* Without an interrupt Linux looks at it from time to time. */
static void put_uart(struct writer *w, const struct config_cell *cell)
{
	bool wide = cell->console.flags & CONFIG_CONSOLE_REGDIST_4;
	bool own = config_has_memory(cell, cell->console.address);

	if (!has_uart(cell))
		return;
	node_begin(w, "serial", cell->console.address);
	put_string(w, "compatible", "ns16550a");
	put_reg(w, cell->console.address, config_uart_size(&cell->console));
	if (wide)
		PUT_CELLS(w, "reg-shift", 2);
	PUT_CELLS(w, "clock-frequency", own ? UART_CLOCK : VIRTUAL_CLOCK);
	if (own && pch_pic(cell)) {
		PUT_CELLS(w, "interrupt-parent", PHANDLE_PCH_PIC);
		PUT_CELLS(w, "interrupts", first_pin(pch_pic(cell)), LEVEL_HIGH);
	} else if (!own && has_vectors(cell) && cell->vpci_irq_base) {
		PUT_CELLS(w, "interrupt-parent", PHANDLE_EXTIOI);
		PUT_CELLS(w, "interrupts", cell->vpci_irq_base);
	}
	node_end(w);
}

/* An ISA bus without devices: some drivers look for theirs whether or not there is one, and would find no
 * bus. */
static void put_isa(struct writer *w, const struct linux_tree *tree)
{
	node_begin(w, "isa", tree->ports);
	put_string(w, "compatible", "isa");
	PUT_CELLS(w, "#address-cells", 2);
	PUT_CELLS(w, "#size-cells", 1);
	PUT_CELLS(w, "ranges", 1 /* ports */, 0, CELLS64(tree->ports), LINUX_PORTS);
	node_end(w);
}

/* The hypervisor cannot load a kernel anew, so a restart ends the cell, too: it is its owner's to do. */
static void put_end(struct writer *w, const char *name, const char *compatible)
{
	plain_node_begin(w, name);
	put_string(w, "compatible", compatible);
	PUT_CELLS(w, "regmap", PHANDLE_POWER);
	PUT_CELLS(w, "offset", 0);
	PUT_CELLS(w, "value", CONFIG_POWER_OFF);
	node_end(w);
}

static void put_power(struct writer *w, const struct config_cell *cell)
{
	if (!config_has_power(cell))
		return;
	node_begin(w, "syscon", config_power_address(&cell->console));
	put_string(w, "compatible", "syscon");
	put_reg(w, config_power_address(&cell->console), CONFIG_POWER_SIZE);
	PUT_CELLS(w, "reg-io-width", CONFIG_POWER_SIZE);
	PUT_CELLS(w, "phandle", PHANDLE_POWER);
	node_end(w);
	put_end(w, "poweroff", "syscon-poweroff");
	put_end(w, "reboot", "syscon-reboot");
}

int linux_tree_build(struct blob *blob, const struct linux_tree *tree, struct error *error)
{
	struct writer w = { .fdt = blob_extend(blob, TREE_SIZE) };
	char model[64];

	snprintf(model, sizeof(model), "Bixi cell %.*s", CONFIG_NAME_LENGTH - 1, tree->cell->name);
	check(&w, fdt_create(w.fdt, TREE_SIZE));
	check(&w, fdt_finish_reservemap(w.fdt));
	plain_node_begin(&w, "");
	PUT_CELLS(&w, "#address-cells", 2);
	PUT_CELLS(&w, "#size-cells", 2);
	put_string(&w, "compatible", "linux,dummy-loongson3");
	put_string(&w, "model", model);
	put_chosen(&w, tree);
	put_cpus(&w, tree);
	put_memory(&w, tree->cell);
	put_interrupt_controllers(&w, tree->cell);
	put_isa(&w, tree);
	put_uart(&w, tree->cell);
	put_power(&w, tree->cell);
	node_end(&w);
	check(&w, fdt_finish(w.fdt));
	return w.error ? error_set(error, "the cell's device tree cannot be made: %s", fdt_strerror(w.error))
		       : 0;
}
