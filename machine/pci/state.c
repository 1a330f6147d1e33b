/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Saved state of PCI functions (bus/state.h): configuration space, MSI-X table, INTx.  Where BARs answer and
 * what lines carry follows from it.
 */
#include <string.h>

#include "machine/pci/impl.h"

/* Takes @loaded if software could have made it out of what the function has now.  Lock held. */
static void take_config(struct pci_function *fn, const uint8_t loaded[PCI_CONFIG_SIZE], struct state *state)
{
	for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++) {
		uint8_t changes = fn->writable[i] | fn->clear_on_one[i] | pci_msi_volatile(fn, i);

		if (i == PCI_STATUS)
			changes |= PCI_STATUS_INTERRUPT;
		if ((loaded[i] ^ fn->config[i]) & ~changes) {
			state_refuse(state, "the %s at %02x.%x is not what this machine has there", fn->name,
				     fn->devfn >> 3, fn->devfn & 7);
			return;
		}
	}
	memcpy(fn->config, loaded, PCI_CONFIG_SIZE);
}

/* Lock held. */
static void set_intx(struct pci_function *fn)
{
	const uint64_t command = pci_get_le(fn->config + PCI_COMMAND, 2);

	fn->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	if (fn->intx_level)
		fn->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	fn->intx_driven = fn->intx_level && fn->config[PCI_INTERRUPT_PIN] &&
			  !(command & PCI_COMMAND_INTX_DISABLE) && !pci_messages_enabled(fn);
}

static void function_state(struct pci_function *fn, struct state *state)
{
	uint8_t config[PCI_CONFIG_SIZE];

	pthread_mutex_lock(&fn->lock);
	memcpy(config, fn->config, sizeof(config));
	state_bytes(state, "config", config, sizeof(config));
	state_bool(state, "intx_level", &fn->intx_level);
	pci_msi_state(fn, state);
	if (state_loading(state) && state_good(state)) {
		take_config(fn, config, state);
		set_intx(fn);
		pci_update_bars(fn);
	}
	pthread_mutex_unlock(&fn->lock);
}

static void count_intx(struct pci_host *host)
{
	pthread_mutex_lock(&host->irq_lock);
	memset(host->intx_count, 0, sizeof(host->intx_count));
	for (unsigned i = 0; i < PCI_BUS_FUNCTIONS; i++)
		if (host->function[i] && host->function[i]->intx_driven)
			host->intx_count[pci_intx_line(host->function[i])]++;
	pthread_mutex_unlock(&host->irq_lock);
}

void pci_host_state(void *opaque, struct state *state)
{
	struct pci_host *host = opaque;

	for (unsigned i = 0; i < PCI_BUS_FUNCTIONS; i++) {
		uint8_t place = (uint8_t)i;

		if (!host->function[i])
			continue;
		state_bytes(state, "devfn", &place, 1);
		if (place != i)
			state_refuse(state,
				     "it has a function at %02x.%x where this machine has one at %02x.%x",
				     place >> 3, place & 7, i >> 3, i & 7);
		function_state(host->function[i], state);
	}
	if (state_loading(state))
		count_intx(host);
}
