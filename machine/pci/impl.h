/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of the PCI framework: what host.c, function.c and msi.c share. */
#ifndef BIXI_PCI_IMPL_H
#define BIXI_PCI_IMPL_H

#include "machine/bus/state.h"
#include "machine/pci/pci.h"

/* function.c: one access of software to a function's configuration space; offset + size <= 256. */
uint32_t pci_function_read(struct pci_function *fn, unsigned offset, unsigned size);
void pci_function_write(struct pci_function *fn, unsigned offset, unsigned size, uint32_t value);
void pci_function_reset(struct pci_function *fn);
void pci_update_intx(struct pci_function *fn); /* function lock held */
void pci_update_bars(struct pci_function *fn); /* function lock held */

/* Which of INTA-INTD the function's pin is wired to, 0 to 3. */
static inline unsigned pci_intx_line(const struct pci_function *fn)
{
	return (fn->config[PCI_INTERRUPT_PIN] - 1u + (fn->devfn >> 3)) & 3;
}

/* host.c: a message on its way to memory or a doorbell; no function lock held. */
void pci_send_message(struct pci_host *host, uint64_t address, uint32_t data);

/* msi.c */
bool pci_messages_enabled(const struct pci_function *fn);		       /* lock held */
void pci_msi_written(struct pci_function *fn, unsigned offset, unsigned size); /* lock not held */
void pci_msi_reset(struct pci_function *fn);
void pci_msi_free(struct pci_function *fn);
void pci_msi_state(struct pci_function *fn, struct state *state); /* lock held */
/* Bits of byte @offset of the configuration space that change by themselves: pending messages. */
uint8_t pci_msi_volatile(const struct pci_function *fn, unsigned offset);

#endif
