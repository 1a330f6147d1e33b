/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The extended I/O interrupt controller, 3A5000 manual 11.2: 256 vectors, routed to any core and any of its
 * interrupt inputs.
 *
 * There is a set of registers for every node of four cores, as on the chip; a core's IOCSR accesses reach
 * its own node's.  The bridge's interrupts and messages enter at node 0.  A vector goes where the byte of
 * the node it entered at says, whatever other nodes hold: its core bits in each node of its node type.
 */
#ifndef BIXI_SOC_EXTIOI_H
#define BIXI_SOC_EXTIOI_H

#include "machine/bus/device.h"
#include "machine/bus/irq.h"
#include "machine/cpu/cpu.h"
#include "machine/soc/iocsr.h"

#define EXTIOI_VECTORS	  256
#define EXTIOI_WORDS	  (EXTIOI_VECTORS / 64)
#define EXTIOI_NODE_CORES 4
#define EXTIOI_NODES	  (CPU_MAX / EXTIOI_NODE_CORES)
#define EXTIOI_NODE_TYPES 16
#define EXTIOI_PINS	  8 /* core inputs HWI0-HWI7 */

struct extioi_node {
	uint16_t node_type[EXTIOI_NODE_TYPES]; /* nodes of each type, bit n: node n */
	uint8_t ipmap[8];		       /* input of each group of 32 vectors */
	uint64_t enable[EXTIOI_WORDS], bounce[EXTIOI_WORDS];
	uint64_t isr[EXTIOI_WORDS];   /* vectors that came and were not acknowledged */
	uint64_t level[EXTIOI_WORDS]; /* of the wires; node 0 */
	uint8_t route[EXTIOI_VECTORS];
	uint8_t target[EXTIOI_VECTORS]; /* core whose isr has the vector, or EXTIOI_NO_CORE */
	uint8_t turn[EXTIOI_VECTORS];	/* rotation: first core to consider next */
};

#define EXTIOI_NO_CORE 0xff

struct extioi {
	struct device dev;	/* bank: node */
	struct device core_dev; /* bank: core; a view under dev's lock */
	struct device virt_dev; /* the virtual machine extension; a view under dev's lock */
	unsigned cores, nodes;
	bool enabled, encode; /* IOCSR 0x420 bits 48 and 49 */
	uint32_t virt_config;
	struct irq_line out[CPU_MAX][EXTIOI_PINS];
	uint8_t lines[CPU_MAX]; /* what out[] carries */
	uint64_t core_isr[CPU_MAX][EXTIOI_WORDS];
	struct extioi_node node[EXTIOI_NODES];
};

extern const struct device_type extioi_type, extioi_core_type, extioi_virt_type;

int extioi_init(struct extioi *extioi, unsigned cores, struct trace *trace);
void extioi_destroy(struct extioi *extioi);

/* Adds its registers to the IOCSR space. */
int extioi_attach(struct extioi *extioi, struct iocsr *iocsr);

/* Input of a wire (irq_line sink): pin is the vector.  Takes the lock. */
void extioi_set_wire(void *extioi, unsigned vector, bool level);

/* A message: records @vector once.  Takes the lock. */
void extioi_message(void *extioi, unsigned vector);

/* IOCSR 0x420 changed: whether vectors are delivered, whether ipmap holds pin numbers.  Takes the lock. */
void extioi_set_mode(struct extioi *extioi, bool enabled, bool encode);

/* Software wrote IOCSR 0x420 with EXT_INT_en set: the virtual extension's configuration is now fixed. */
void extioi_lock_virt_config(struct extioi *extioi);

#endif
