/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Message-signalled interrupts: the MSI and MSI-X capabilities.  PCI Local Bus 3.0 6.8. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/pci/impl.h"

/* MSI-X: the capability's registers, and a table entry. */
#define CAP_MSIX	   0x11
#define MSIX_SIZE	   12
#define MSIX_CONTROL	   2
#define MSIX_TABLE	   4
#define MSIX_PBA	   8
#define MSIX_ENABLE	   0x8000u
#define MSIX_FUNCTION_MASK 0x4000u
#define MSIX_ENTRY	   16u /* address (8), data (4), vector control (4) */
#define MSIX_ENTRY_DATA	   8
#define MSIX_ENTRY_CONTROL 12
#define MSIX_ENTRY_MASKED  0x1u
#define MSIX_BAR_SIZE	   4096u
#define MSIX_PBA_OFFSET	   0x800u

/* MSI with 64-bit address and per-vector masking. */
#define CAP_MSI		  0x05
#define MSI_SIZE	  24
#define MSI_CONTROL	  2
#define MSI_ADDRESS	  4
#define MSI_DATA	  12
#define MSI_MASK	  16
#define MSI_PENDING	  20
#define MSI_ENABLE	  0x1u
#define MSI_CAPABLE_SHIFT 1 /* log2 of the vectors the function has */
#define MSI_GIVEN_SHIFT	  4 /* log2 of the vectors software gave it */
#define MSI_64_BIT	  0x80u
#define MSI_MASKING	  0x100u

struct pci_msix {
	unsigned offset; /* of the capability */
	unsigned vectors;
	uint8_t table[PCI_MSIX_MAX * MSIX_ENTRY]; /* protected by the function's lock, as is pending */
	uint8_t pending[PCI_MSIX_MAX / 8];
};

struct pci_msi {
	unsigned offset;
	unsigned vectors;
};

struct message {
	uint64_t address;
	uint32_t data;
};

static bool msix_is_on(const struct pci_function *fn)
{
	return fn->msix && pci_get_le(fn->config + fn->msix->offset + MSIX_CONTROL, 2) & MSIX_ENABLE;
}

static bool msi_is_on(const struct pci_function *fn)
{
	return fn->msi && fn->config[fn->msi->offset + MSI_CONTROL] & MSI_ENABLE;
}

bool pci_messages_enabled(const struct pci_function *fn)
{
	return msix_is_on(fn) || msi_is_on(fn);
}

bool pci_msix_enabled(struct pci_function *fn)
{
	bool on;

	pthread_mutex_lock(&fn->lock);
	on = msix_is_on(fn);
	pthread_mutex_unlock(&fn->lock);
	return on;
}

bool pci_msi_enabled(struct pci_function *fn)
{
	bool on;

	pthread_mutex_lock(&fn->lock);
	on = msi_is_on(fn);
	pthread_mutex_unlock(&fn->lock);
	return on;
}

/* A message is a write to memory: without bus mastering there is none. */
static bool may_send(const struct pci_function *fn)
{
	return fn->config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

/* MSI-X. */

/* Records @vector if it is new, and if nothing masks it takes it as @message.  Lock held. */
static bool msix_take(struct pci_function *fn, unsigned vector, bool is_new, struct message *message)
{
	struct pci_msix *msix = fn->msix;
	const uint8_t *entry = msix->table + vector * MSIX_ENTRY;
	const uint64_t control = pci_get_le(fn->config + msix->offset + MSIX_CONTROL, 2);
	const uint8_t bit = (uint8_t)(1u << (vector % 8));

	if (!(control & MSIX_ENABLE))
		return false;
	if (is_new)
		msix->pending[vector / 8] |= bit;
	if (!(msix->pending[vector / 8] & bit) || control & MSIX_FUNCTION_MASK ||
	    entry[MSIX_ENTRY_CONTROL] & MSIX_ENTRY_MASKED || !may_send(fn))
		return false;
	msix->pending[vector / 8] &= (uint8_t)~bit;
	message->address = pci_get_le(entry, 8);
	message->data = (uint32_t)pci_get_le(entry + MSIX_ENTRY_DATA, 4);
	return true;
}

static void msix_update(struct pci_function *fn, unsigned vector, bool is_new)
{
	struct message message;
	bool send;

	pthread_mutex_lock(&fn->lock);
	send = msix_take(fn, vector, is_new, &message);
	pthread_mutex_unlock(&fn->lock);
	if (send)
		pci_send_message(fn->host, message.address, message.data);
}

void pci_msix_notify(struct pci_function *fn, unsigned vector)
{
	if (fn->msix && vector < fn->msix->vectors)
		msix_update(fn, vector, true);
}

/* Bytes of table and PBA as software sees them; anything else of the BAR is 0. */
static uint8_t *msix_byte(struct pci_msix *msix, uint64_t offset)
{
	if (offset < msix->vectors * MSIX_ENTRY)
		return msix->table + offset;
	if (offset - MSIX_PBA_OFFSET < sizeof(msix->pending))
		return msix->pending + (offset - MSIX_PBA_OFFSET);
	return NULL;
}

static uint64_t msix_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pci_function *fn = opaque;
	uint64_t value = 0;

	pthread_mutex_lock(&fn->lock);
	for (unsigned i = 0; i < size; i++) {
		const uint8_t *byte = msix_byte(fn->msix, offset + i);

		value |= (uint64_t)(byte ? *byte : 0) << (8 * i);
	}
	pthread_mutex_unlock(&fn->lock);
	return value;
}

static void msix_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_function *fn = opaque;
	struct pci_msix *msix = fn->msix;

	if (offset >= msix->vectors * MSIX_ENTRY)
		return; /* the PBA is read-only */
	pthread_mutex_lock(&fn->lock);
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));

		if ((offset + i) % MSIX_ENTRY >= MSIX_ENTRY_CONTROL) /* but the mask bit it is reserved */
			byte &= (offset + i) % MSIX_ENTRY == MSIX_ENTRY_CONTROL ? MSIX_ENTRY_MASKED : 0;
		msix->table[offset + i] = byte;
	}
	pthread_mutex_unlock(&fn->lock);
	msix_update(fn, (unsigned)(offset / MSIX_ENTRY), false);
}

static const struct pci_bar_ops msix_ops = { msix_read, msix_write };

static void msix_reset(struct pci_msix *msix)
{
	memset(msix->table, 0, sizeof(msix->table));
	memset(msix->pending, 0, sizeof(msix->pending));
	for (unsigned i = 0; i < msix->vectors; i++)
		msix->table[i * MSIX_ENTRY + MSIX_ENTRY_CONTROL] = MSIX_ENTRY_MASKED;
}

int pci_add_msix(struct pci_function *fn, unsigned bar, unsigned vectors)
{
	struct pci_msix *msix = calloc(1, sizeof(*msix));
	uint8_t *cap;

	if (!msix)
		return -ENOMEM;
	msix->vectors = vectors;
	msix->offset = pci_add_capability(fn, CAP_MSIX, MSIX_SIZE);
	msix_reset(msix);
	cap = fn->config + msix->offset;
	pci_put_le(cap + MSIX_CONTROL, 2, vectors - 1);
	pci_put_le(cap + MSIX_TABLE, 4, bar);
	pci_put_le(cap + MSIX_PBA, 4, MSIX_PBA_OFFSET | bar);
	pci_put_le(fn->writable + msix->offset + MSIX_CONTROL, 2, MSIX_ENABLE | MSIX_FUNCTION_MASK);
	fn->msix = msix;
	pci_add_bar(fn, bar, PCI_BAR_MEM32, MSIX_BAR_SIZE, &msix_ops, fn);
	return 0;
}

/* MSI. */

/* As msix_take(). */
static bool msi_take(struct pci_function *fn, unsigned vector, bool is_new, struct message *message)
{
	uint8_t *cap = fn->config + fn->msi->offset;
	unsigned given_log2 = cap[MSI_CONTROL] >> MSI_GIVEN_SHIFT & 7;
	unsigned given = given_log2 > 5 ? fn->msi->vectors : 1u << given_log2;
	uint64_t pending = pci_get_le(cap + MSI_PENDING, 4);
	uint64_t bit;

	if (!msi_is_on(fn))
		return false;
	if (given > fn->msi->vectors)
		given = fn->msi->vectors;
	vector &= given - 1; /* given fewer, the function shares them */
	bit = UINT64_C(1) << vector;
	if (is_new)
		pending |= bit;
	pci_put_le(cap + MSI_PENDING, 4, pending);
	if (!(pending & bit) || pci_get_le(cap + MSI_MASK, 4) & bit || !may_send(fn))
		return false;
	pci_put_le(cap + MSI_PENDING, 4, pending & ~bit);
	message->address = pci_get_le(cap + MSI_ADDRESS, 8);
	message->data = ((uint32_t)pci_get_le(cap + MSI_DATA, 2) & ~(given - 1)) | vector;
	return true;
}

static void msi_update(struct pci_function *fn, unsigned vector, bool is_new)
{
	struct message message;
	bool send;

	pthread_mutex_lock(&fn->lock);
	send = msi_take(fn, vector, is_new, &message);
	pthread_mutex_unlock(&fn->lock);
	if (send)
		pci_send_message(fn->host, message.address, message.data);
}

void pci_msi_notify(struct pci_function *fn, unsigned vector)
{
	if (fn->msi && vector < fn->msi->vectors)
		msi_update(fn, vector, true);
}

int pci_add_msi(struct pci_function *fn, unsigned vectors)
{
	struct pci_msi *msi = calloc(1, sizeof(*msi));
	uint64_t all = (UINT64_C(1) << vectors) - 1;
	uint8_t *writable;

	if (!msi)
		return -ENOMEM;
	msi->vectors = vectors;
	msi->offset = pci_add_capability(fn, CAP_MSI, MSI_SIZE);
	pci_put_le(fn->config + msi->offset + MSI_CONTROL, 2,
		   MSI_64_BIT | MSI_MASKING | (unsigned)__builtin_ctz(vectors) << MSI_CAPABLE_SHIFT);
	writable = fn->writable + msi->offset;
	pci_put_le(writable + MSI_CONTROL, 2, MSI_ENABLE | 7u << MSI_GIVEN_SHIFT);
	pci_put_le(writable + MSI_ADDRESS, 8, ~UINT64_C(3));
	pci_put_le(writable + MSI_DATA, 2, 0xffff);
	pci_put_le(writable + MSI_MASK, 4, all);
	fn->msi = msi;
	return 0;
}

/* Both. */

void pci_msi_written(struct pci_function *fn, unsigned offset, unsigned size)
{
	const bool command = pci_overlap(offset, size, PCI_COMMAND, 2); /* bus mastering */

	if (fn->msix && (command || pci_overlap(offset, size, fn->msix->offset, MSIX_SIZE)))
		for (unsigned i = 0; i < fn->msix->vectors; i++)
			msix_update(fn, i, false);
	if (fn->msi && (command || pci_overlap(offset, size, fn->msi->offset, MSI_SIZE)))
		for (unsigned i = 0; i < fn->msi->vectors; i++)
			msi_update(fn, i, false);
}

void pci_msi_reset(struct pci_function *fn)
{
	if (fn->msix)
		msix_reset(fn->msix);
	if (fn->msi) {
		memset(fn->config + fn->msi->offset + MSI_PENDING, 0, 4);
		memset(fn->config + fn->msi->offset + MSI_MASK, 0, 4);
	}
}

void pci_msi_free(struct pci_function *fn)
{
	free(fn->msix);
	free(fn->msi);
	fn->msix = NULL;
	fn->msi = NULL;
}

uint8_t pci_msi_volatile(const struct pci_function *fn, unsigned offset)
{
	const uint64_t all = fn->msi ? (UINT64_C(1) << fn->msi->vectors) - 1 : 0;
	const unsigned at = fn->msi ? offset - fn->msi->offset - MSI_PENDING : 4;

	return at < 4 ? (uint8_t)(all >> (8 * at)) : 0;
}

void pci_msi_state(struct pci_function *fn, struct state *state)
{
	struct pci_msix *msix = fn->msix;

	if (!msix)
		return;
	state_bytes(state, "msix.table", msix->table, msix->vectors * MSIX_ENTRY);
	state_bytes(state, "msix.pending", msix->pending, sizeof(msix->pending));
	for (unsigned i = 0; i < msix->vectors; i++) {
		uint8_t *control = msix->table + i * MSIX_ENTRY + MSIX_ENTRY_CONTROL;

		pci_put_le(control, 4, *control & MSIX_ENTRY_MASKED);
	}
	for (unsigned i = 0; i < PCI_MSIX_MAX; i++)
		if (i >= msix->vectors)
			msix->pending[i / 8] &= (uint8_t) ~(1u << (i % 8));
}
