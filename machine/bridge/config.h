/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Configuration registers of the 7A1000 bridge (7A1000 manual ch. 4). */
#ifndef BIXI_BRIDGE_CONFIG_H
#define BIXI_BRIDGE_CONFIG_H

#include "machine/bus/device.h"

#define BRIDGE_PLLS 5 /* PLL0-2, PIX0, PIX1 */

struct bridge_config {
	struct device dev;
	uint32_t ht_route, dma_route, function[4], pad;
	uint64_t pll[BRIDGE_PLLS][2];
	uint32_t gmem_mask;
};

extern const struct device_type bridge_config_type;

int bridge_config_init(struct bridge_config *config, struct trace *trace);
void bridge_config_destroy(struct bridge_config *config);

#endif
