/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The PCI host bridge: ECAM, the memory and I/O windows, messages to the processor's side.  BARs move while
 * the machine runs, but regions of the bus do not: each window is one region, and looking up the BAR is ours.
 */
#include <errno.h>
#include <string.h>

#include "machine/bus/trace.h"
#include "machine/pci/impl.h"

#define ECAM_FUNCTION_BITS 12
#define ECAM_FUNCTION_SIZE (1u << ECAM_FUNCTION_BITS)
#define ECAM_BUS_SIZE	   (UINT64_C(1) << 20)

/* Identity of QEMU's generic PCIe host bridge, which kernels and firmware know. */
static const struct pci_identity bridge_identity = {
	.vendor = 0x1b36,
	.device = 0x0008,
	.subsystem_vendor = 0x1af4,
	.subsystem = 0x1100,
	.class_code = 0x060000,
};

static void trace_config(struct pci_host *host, unsigned bdf, unsigned offset, unsigned size, uint32_t value,
			 bool write)
{
	if (trace_on(host->bus->trace, TRACE_DEVICE))
		trace_emit(host->bus->trace, TRACE_DEVICE, -1, "pci.config",
			   bdf << ECAM_FUNCTION_BITS | offset, value, size | (unsigned)write << 8);
}

static struct pci_function *find_function(struct pci_host *host, unsigned bdf)
{
	return bdf < PCI_BUS_FUNCTIONS ? host->function[bdf] : NULL;
}

uint32_t pci_config_read(struct pci_host *host, unsigned bdf, unsigned offset, unsigned size)
{
	struct pci_function *fn = find_function(host, bdf);
	uint32_t value = (uint32_t)pci_ones(size);

	if (fn && offset <= PCI_CONFIG_SIZE - size)
		value = pci_function_read(fn, offset, size);
	trace_config(host, bdf, offset, size, value, false);
	return value;
}

void pci_config_write(struct pci_host *host, unsigned bdf, unsigned offset, unsigned size, uint32_t value)
{
	struct pci_function *fn = find_function(host, bdf);

	trace_config(host, bdf, offset, size, value, true);
	if (fn && offset <= PCI_CONFIG_SIZE - size)
		pci_function_write(fn, offset, size, value);
}

/* The widest naturally aligned piece, at most 4 bytes, of an access that starts at @offset. */
static unsigned config_piece(uint64_t offset, unsigned size)
{
	unsigned piece = size < 4 ? size : 4;

	while (offset & (piece - 1))
		piece /= 2;
	return piece;
}

static bool ecam_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	for (unsigned done = 0, n; done < size; done += n, offset += n) {
		n = config_piece(offset, size - done);
		*value |= (uint64_t)pci_config_read(dev, (unsigned)(offset >> ECAM_FUNCTION_BITS),
						    offset % ECAM_FUNCTION_SIZE, n)
			  << (8 * done);
	}
	return true;
}

static bool ecam_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	for (unsigned done = 0, n; done < size; done += n, offset += n) {
		n = config_piece(offset, size - done);
		pci_config_write(dev, (unsigned)(offset >> ECAM_FUNCTION_BITS), offset % ECAM_FUNCTION_SIZE,
				 n, (uint32_t)(value >> (8 * done) & pci_ones(n)));
	}
	return true;
}

/* The BAR of @list that decodes [address, address + size), or NULL. */
static struct pci_bar *find_bar(struct pci_bar *list, uint64_t address, unsigned size, uint64_t *offset)
{
	for (struct pci_bar *bar = list; bar; bar = bar->next) {
		/* Relaxed: software orders moving a BAR and using it, and the base is one word. */
		uint64_t base = atomic_load_explicit(&bar->base, memory_order_relaxed);

		if (base == PCI_BAR_UNMAPPED || address - base >= bar->size)
			continue;
		*offset = address - base;
		return size <= bar->size - *offset && !(*offset & (size - 1)) ? bar : NULL;
	}
	return NULL;
}

static bool memory_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct pci_host *host = dev;
	struct pci_bar *bar = find_bar(host->memory_bars, host->layout.mem_base + offset, size, &offset);

	*value = bar ? bar->ops->read(bar->opaque, offset, size) & pci_ones(size) : pci_ones(size);
	return true;
}

static bool memory_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_host *host = dev;
	struct pci_bar *bar = find_bar(host->memory_bars, host->layout.mem_base + offset, size, &offset);

	if (bar)
		bar->ops->write(bar->opaque, offset, size, value & pci_ones(size));
	return true;
}

static bool io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct pci_host *host = dev;
	struct pci_bar *bar =
		size <= 4 ? find_bar(host->io_bars, host->layout.io_first + offset, size, &offset) : NULL;

	*value = bar ? bar->ops->read(bar->opaque, offset, size) & pci_ones(size) : pci_ones(size);
	return true;
}

static bool io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_host *host = dev;
	struct pci_bar *bar =
		size <= 4 ? find_bar(host->io_bars, host->layout.io_first + offset, size, &offset) : NULL;

	if (bar)
		bar->ops->write(bar->opaque, offset, size, value & pci_ones(size));
	return true;
}

static const struct mmio_ops ecam_ops = { ecam_read, ecam_write };
static const struct mmio_ops memory_ops = { memory_read, memory_write };
static const struct mmio_ops io_ops = { io_read, io_write };

static bool is_in(uint64_t address, uint64_t base, uint64_t size)
{
	return address - base < size;
}

/*
 * A message that points back into a PCI window is dropped: functions do not talk to each other here, and a
 * device that wrote to its own registers while it holds its lock would wait for itself.
 */
void pci_send_message(struct pci_host *host, uint64_t address, uint32_t data)
{
	const struct pci_layout *l = &host->layout;
	uint8_t bytes[4];

	address &= ~UINT64_C(3);
	if (is_in(address, l->ecam_base, l->bus_count * ECAM_BUS_SIZE) ||
	    is_in(address, l->mem_base, l->mem_size) || is_in(address, l->io_base, l->io_size))
		return;
	atomic_fetch_add_explicit(&host->msi_count, 1, memory_order_relaxed);
	if (bus_ram(host->bus, address, sizeof(bytes))) {
		pci_put_le(bytes, sizeof(bytes), data);
		bus_dma_write(host->bus, address, bytes, sizeof(bytes));
	} else {
		bus_mmio_write(host->bus, address, sizeof(bytes), data);
	}
}

static int add_window(struct pci_host *host, const char *name, uint64_t base, uint64_t size,
		      const struct mmio_ops *ops)
{
	const struct mmio_region region = {
		.name = name, .base = base, .size = size, .ops = ops, .dev = host
	};

	return size ? bus_add_region(host->bus, &region) : 0;
}

int pci_host_init(struct pci_host *host, struct bus *bus, const struct pci_layout *layout,
		  const struct irq_line intx[4])
{
	int err;

	memset(host, 0, sizeof(*host));
	host->layout = *layout;
	host->bus = bus;
	memcpy(host->intx, intx, sizeof(host->intx));
	pthread_mutex_init(&host->irq_lock, NULL);
	err = pci_add_function(host, &host->bridge, "pci-host", PCI_DEVFN(0, 0), &bridge_identity);
	if (!err)
		err = add_window(host, "pci-config", layout->ecam_base, layout->bus_count * ECAM_BUS_SIZE,
				 &ecam_ops);
	if (!err)
		err = add_window(host, "pci-memory", layout->mem_base, layout->mem_size, &memory_ops);
	if (!err)
		err = add_window(host, "pci-io", layout->io_base, layout->io_size, &io_ops);
	if (err)
		pci_host_destroy(host);
	return err;
}

void pci_host_destroy(struct pci_host *host)
{
	for (unsigned i = 0; i < PCI_BUS_FUNCTIONS; i++)
		if (host->function[i])
			pci_remove_function(host->function[i]);
	pthread_mutex_destroy(&host->irq_lock);
}

void pci_host_reset(struct pci_host *host)
{
	for (unsigned i = 0; i < PCI_BUS_FUNCTIONS; i++)
		if (host->function[i])
			pci_function_reset(host->function[i]);
}
