/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The firmware configuration device of QEMU (docs/specs/fw_cfg of QEMU): numbered items of bytes, some of
 * them with names, that firmware reads through a data register or by DMA.  No item can be written.
 *
 * Use: fw_cfg_init(), fw_cfg_map(); items may be set anew whenever no core runs.
 */
#ifndef BIXI_FIRMWARE_FW_CFG_H
#define BIXI_FIRMWARE_FW_CFG_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/bus/bus.h"
#include "machine/bus/state.h"

/* Numbers of items. */
enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01, /* features */
	FW_CFG_RAM_SIZE = 0x03,
	FW_CFG_NOGRAPHIC = 0x04,
	FW_CFG_NB_CPUS = 0x05,
	FW_CFG_KERNEL_ADDR = 0x07,
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_ADDR = 0x0a,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_MAX_CPUS = 0x0f,
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_SIZE = 0x14,
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_FILE_DIR = 0x19,
	FW_CFG_FILE_FIRST = 0x20, /* items with names, by their order of addition */
	FW_CFG_ITEMS = 0x40,
};

#define FW_CFG_NAME_SIZE 56 /* with the terminator */
#define FW_CFG_SIZE	 0x18u
#define FW_CFG_ITEM_MAX	 UINT32_MAX /* bytes: lengths are 32 bits wide */

struct fw_cfg_item {
	uint8_t *data; /* owned; NULL: empty */
	size_t size;
	char name[FW_CFG_NAME_SIZE]; /* of a file, else empty */
};

struct fw_cfg {
	struct bus *bus;
	pthread_mutex_t lock; /* protects: the registers and items */
	struct fw_cfg_item item[FW_CFG_ITEMS];
	unsigned file_count;
	uint16_t key;	   /* the selected item; FW_CFG_ITEMS and above: none */
	uint32_t offset;   /* in it, of the next byte */
	uint32_t dma_high; /* upper half of the DMA address */
};

/* The fixed items (signature, features, directory) are there then. */
void fw_cfg_init(struct fw_cfg *fw_cfg, struct bus *bus);
void fw_cfg_destroy(struct fw_cfg *fw_cfg);

/* Adds the registers at @base.  As bus_add_region(). */
int fw_cfg_map(struct fw_cfg *fw_cfg, uint64_t base);

/* Registers to their values after power-on; items stay. */
void fw_cfg_reset(void *fw_cfg);

/* Sets an item's content: a copy of @data, a number of @size bytes, or @data itself (from malloc) taken over.
 */
int fw_cfg_set(struct fw_cfg *fw_cfg, unsigned key, const void *data, size_t size);
int fw_cfg_set_number(struct fw_cfg *fw_cfg, unsigned key, uint64_t value, size_t size);
void fw_cfg_take(struct fw_cfg *fw_cfg, unsigned key, uint8_t *data, size_t size);

/* Sets the content of the file @name, which is added if need be.  0, -ENOMEM, -ENOSPC. */
int fw_cfg_set_file(struct fw_cfg *fw_cfg, const char *name, const void *data, size_t size);

/* For machine_add_state(): registers and items. */
void fw_cfg_state(void *fw_cfg, struct state *state);

#endif
