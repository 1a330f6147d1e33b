/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A PCI function's configuration space: header type 0, BARs, capability list, INTx.  PCI Local Bus 3.0 6.1,
 * 6.2.  Each bit is read-only, writable or write-one-to-clear by two masks; what a change means follows.
 */
#include <errno.h>
#include <string.h>

#include "machine/pci/impl.h"

#define BAR_IO		0x1u /* low bits of a BAR */
#define BAR_64		0x4u
#define BAR_PREFETCH	0x8u
#define BAR_MEMORY_BITS 0xfu
#define BAR_IO_BITS	0x3u

/* Status bits a master or target error sets; software clears them by writing one. */
#define STATUS_ERRORS 0xf900

static void set_masks(struct pci_function *fn)
{
	pci_put_le(fn->writable + PCI_COMMAND, 2,
		   PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	pci_put_le(fn->clear_on_one + PCI_STATUS, 2, STATUS_ERRORS);
	fn->writable[PCI_CACHE_LINE] = 0xff;
	fn->writable[PCI_INTERRUPT_LINE] = 0xff;
}

static int find_place(struct pci_host *host, int devfn)
{
	if (devfn != PCI_DEVFN_AUTO)
		return devfn < 0 || devfn >= PCI_BUS_FUNCTIONS ? -ENOSPC
		       : host->function[devfn]		       ? -EEXIST
							       : devfn;
	for (int i = 0; i < PCI_BUS_FUNCTIONS; i += 8)
		if (!host->function[i])
			return i;
	return -ENOSPC;
}

int pci_add_function(struct pci_host *host, struct pci_function *fn, const char *name, int devfn,
		     const struct pci_identity *identity)
{
	int place = find_place(host, devfn);

	if (place < 0)
		return place;
	memset(fn, 0, sizeof(*fn));
	fn->name = name;
	fn->host = host;
	fn->devfn = (uint8_t)place;
	pthread_mutex_init(&fn->lock, NULL);
	pci_put_le(fn->config + PCI_VENDOR_ID, 2, identity->vendor);
	pci_put_le(fn->config + PCI_DEVICE_ID, 2, identity->device);
	fn->config[PCI_REVISION] = identity->revision;
	pci_put_le(fn->config + PCI_CLASS, 3, identity->class_code);
	pci_put_le(fn->config + PCI_SUBSYSTEM_VENDOR, 2, identity->subsystem_vendor);
	pci_put_le(fn->config + PCI_SUBSYSTEM_ID, 2, identity->subsystem);
	fn->config[PCI_INTERRUPT_PIN] = identity->interrupt_pin;
	fn->next_capability = PCI_CAPABILITY_FIRST;
	fn->last_capability = PCI_CAPABILITY_LIST;
	for (unsigned i = 0; i < PCI_BARS; i++)
		atomic_init(&fn->bar[i].base, PCI_BAR_UNMAPPED);
	set_masks(fn);
	host->function[place] = fn;
	return 0;
}

static void unlink_bar(struct pci_bar **list, const struct pci_bar *bar)
{
	for (; *list; list = &(*list)->next)
		if (*list == bar) {
			*list = bar->next;
			return;
		}
}

void pci_remove_function(struct pci_function *fn)
{
	pci_set_intx(fn, false);
	for (unsigned i = 0; i < PCI_BARS; i++) {
		unlink_bar(&fn->host->memory_bars, &fn->bar[i]);
		unlink_bar(&fn->host->io_bars, &fn->bar[i]);
	}
	fn->host->function[fn->devfn] = NULL;
	pci_msi_free(fn);
	pthread_mutex_destroy(&fn->lock);
}

static bool is_64_bit(const struct pci_bar *bar)
{
	return bar->type == PCI_BAR_MEM64 || bar->type == PCI_BAR_MEM64_PREFETCH;
}

void pci_add_bar(struct pci_function *fn, unsigned index, enum pci_bar_type type, uint64_t size,
		 const struct pci_bar_ops *ops, void *opaque)
{
	static const uint8_t type_bits[] = {
		[PCI_BAR_IO] = BAR_IO,
		[PCI_BAR_MEM32] = 0,
		[PCI_BAR_MEM64] = BAR_64,
		[PCI_BAR_MEM64_PREFETCH] = BAR_64 | BAR_PREFETCH,
	};
	struct pci_bar *bar = &fn->bar[index];
	struct pci_bar **list = type == PCI_BAR_IO ? &fn->host->io_bars : &fn->host->memory_bars;
	unsigned offset = PCI_BAR0 + 4 * index;
	uint64_t mask = ~(size - 1) & ~(uint64_t)(type == PCI_BAR_IO ? BAR_IO_BITS : BAR_MEMORY_BITS);

	bar->type = type;
	bar->size = size;
	bar->ops = ops;
	bar->opaque = opaque;
	pci_put_le(fn->config + offset, 4, type_bits[type]);
	pci_put_le(fn->writable + offset, is_64_bit(bar) ? 8 : 4, mask);
	while (*list)
		list = &(*list)->next;
	*list = bar;
}

unsigned pci_add_capability(struct pci_function *fn, uint8_t id, unsigned size)
{
	unsigned offset = fn->next_capability;

	fn->config[offset] = id;
	fn->config[fn->last_capability] = (uint8_t)offset;
	fn->last_capability = (uint8_t)(offset + 1);
	fn->next_capability = (uint8_t)(offset + (size + 3) / 4 * 4);
	fn->config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
	return offset;
}

/* Where each BAR answers, from the command register and the BAR's own bits.  Lock held. */
void pci_update_bars(struct pci_function *fn)
{
	const uint64_t command = pci_get_le(fn->config + PCI_COMMAND, 2);

	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &fn->bar[i];
		const uint8_t *bytes = fn->config + PCI_BAR0 + 4 * i;
		uint64_t base = PCI_BAR_UNMAPPED;

		if (bar->type == PCI_BAR_IO && command & PCI_COMMAND_IO)
			base = pci_get_le(bytes, 4) & ~(uint64_t)BAR_IO_BITS;
		else if (bar->type != PCI_BAR_IO && bar->type != PCI_BAR_NONE && command & PCI_COMMAND_MEMORY)
			base = pci_get_le(bytes, is_64_bit(bar) ? 8 : 4) & ~(uint64_t)BAR_MEMORY_BITS;
		if (base + bar->size < base)
			base = PCI_BAR_UNMAPPED;
		/* Relaxed: see find_bar(). */
		atomic_store_explicit(&bar->base, base, memory_order_relaxed);
	}
}

void pci_update_intx(struct pci_function *fn)
{
	struct pci_host *host = fn->host;
	const uint64_t command = pci_get_le(fn->config + PCI_COMMAND, 2);
	bool drive = fn->intx_level && !(command & PCI_COMMAND_INTX_DISABLE) && !pci_messages_enabled(fn);
	unsigned line = pci_intx_line(fn);

	if (drive == fn->intx_driven || !fn->config[PCI_INTERRUPT_PIN])
		return;
	fn->intx_driven = drive;
	pthread_mutex_lock(&host->irq_lock);
	host->intx_count[line] += drive ? 1 : -1u;
	if (host->intx_count[line] == (drive ? 1 : 0))
		irq_set(&host->intx[line], drive);
	pthread_mutex_unlock(&host->irq_lock);
}

void pci_set_intx(struct pci_function *fn, bool level)
{
	pthread_mutex_lock(&fn->lock);
	fn->intx_level = level;
	fn->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	if (level)
		fn->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	pci_update_intx(fn);
	pthread_mutex_unlock(&fn->lock);
}

uint32_t pci_function_read(struct pci_function *fn, unsigned offset, unsigned size)
{
	if (fn->before_read)
		fn->before_read(fn, offset, size);
	return (uint32_t)pci_config_get(fn, offset, size);
}

void pci_function_write(struct pci_function *fn, unsigned offset, unsigned size, uint32_t value)
{
	pthread_mutex_lock(&fn->lock);
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint8_t mask = fn->writable[offset + i];

		fn->config[offset + i] = (uint8_t)((fn->config[offset + i] & ~mask) | (byte & mask));
		fn->config[offset + i] &= (uint8_t) ~(byte & fn->clear_on_one[offset + i]);
	}
	if (pci_overlap(offset, size, PCI_COMMAND, 2) || pci_overlap(offset, size, PCI_BAR0, 4 * PCI_BARS))
		pci_update_bars(fn);
	pci_update_intx(fn); /* the command register or enabling messages can change it */
	pthread_mutex_unlock(&fn->lock);
	pci_msi_written(fn, offset, size);
	if (fn->after_write)
		fn->after_write(fn, offset, size);
}

void pci_function_reset(struct pci_function *fn)
{
	pthread_mutex_lock(&fn->lock);
	for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
		fn->config[i] &= (uint8_t) ~(fn->writable[i] | fn->clear_on_one[i]);
	pci_msi_reset(fn);
	pci_update_bars(fn);
	pci_update_intx(fn);
	pthread_mutex_unlock(&fn->lock);
}

void pci_config_set(struct pci_function *fn, unsigned offset, unsigned size, uint64_t value)
{
	pthread_mutex_lock(&fn->lock);
	pci_put_le(fn->config + offset, size, value);
	pthread_mutex_unlock(&fn->lock);
}

uint64_t pci_config_get(struct pci_function *fn, unsigned offset, unsigned size)
{
	uint64_t value;

	pthread_mutex_lock(&fn->lock);
	value = pci_get_le(fn->config + offset, size);
	pthread_mutex_unlock(&fn->lock);
	return value;
}

bool pci_bus_master(struct pci_function *fn)
{
	return pci_config_get(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}
