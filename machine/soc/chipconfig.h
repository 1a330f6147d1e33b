/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Chip configuration registers, 3A5000 manual ch. 4; IOCSR 0 to 0x5ff. */
#ifndef BIXI_SOC_CHIPCONFIG_H
#define BIXI_SOC_CHIPCONFIG_H

#include "machine/bus/clock.h"
#include "machine/bus/device.h"

#define CHIPCONFIG_MISC_EXT_INT	   (UINT64_C(1) << 48) /* EXTIOI delivers */
#define CHIPCONFIG_MISC_INT_ENCODE (UINT64_C(1) << 49) /* ipmap holds pin numbers */
#define CHIPCONFIG_MISC_AVEC	   (UINT64_C(1) << 51) /* message interrupts */

struct chipconfig {
	struct device dev;
	struct clock *clock;
	uint64_t features, chip_id; /* of the processor model */
	/* Software wrote the register at 0x420 ("other functions"). */
	void (*misc_written)(void *opaque, uint64_t value);
	/* Core @core of this chip (0-3) was taken out of reset by 0x1d8. */
	void (*core_reset)(void *opaque, unsigned core);
	void *opaque;

	uint64_t function, drive, node_pll[2], memory_pll, lock[4], lock_mask[4], sc_config, routing, misc;
	uint16_t frequency;
	uint8_t reset_control;
	uint32_t sram;
};

extern const struct device_type chipconfig_type;

/* The callbacks and opaque are set by the caller afterwards. */
int chipconfig_init(struct chipconfig *config, struct clock *clock, uint64_t features, uint64_t chip_id,
		    struct trace *trace);
void chipconfig_destroy(struct chipconfig *config);

#endif
