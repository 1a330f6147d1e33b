/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The doorbell of PCI messages (7A1000 manual ch. 22): a write of a vector becomes an EXTIOI vector. */
#ifndef BIXI_BRIDGE_PCH_MSI_H
#define BIXI_BRIDGE_PCH_MSI_H

#include "machine/bus/device.h"

#define PCH_MSI_FIRST 0x20 /* lower vectors belong to the bridge's pins */

struct pch_msi {
	struct device dev;
	void (*send)(void *opaque, unsigned vector);
	void *opaque;
};

extern const struct device_type pch_msi_type;

/* @send is called with the device's lock held. */
int pch_msi_init(struct pch_msi *msi, void (*send)(void *opaque, unsigned vector), void *opaque,
		 struct trace *trace);
void pch_msi_destroy(struct pch_msi *msi);

#endif
