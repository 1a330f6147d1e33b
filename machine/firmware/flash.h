/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A bank of NOR flash: two 16-bit chips side by side on a 32-bit bus, with the Intel command set (CFI
 * primary command set 0001, JEDEC JEP137; commands as of Intel's StrataFlash data sheets).  Its geometry is
 * that of QEMU's virt machine.  Operations are over as soon as they have begun, and both chips always do
 * the same: a write that reaches only one of them is a command to both.
 */
#ifndef BIXI_FIRMWARE_FLASH_H
#define BIXI_FIRMWARE_FLASH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/bus/bus.h"
#include "machine/bus/state.h"

#define FLASH_SIZE	  (16u << 20)  /* bytes of a bank */
#define FLASH_BLOCK_SIZE  (256u << 10) /* what is erased at once: 128 KiB a chip */
#define FLASH_BLOCKS	  (FLASH_SIZE / FLASH_BLOCK_SIZE)
#define FLASH_BUFFER_SIZE (4u << 10) /* of buffered programming: 2 KiB a chip */

struct flash {
	const char *name; /* "flash0": as in traces */
	struct trace *trace;
	uint8_t *content; /* FLASH_SIZE bytes: the ROM's, or owned */
	bool owns_content;
	/* Tells whether reads show the content (so that they may bypass the device); NULL: nobody asks. */
	void (*show)(void *opaque, bool shown);
	void *opaque;
	bool read_only;	  /* all blocks are locked for good */
	const char *path; /* of the file behind the bank, for messages; NULL: none */
	int fd;
	bool stale;	 /* the file does not have the content: a snapshot was loaded */
	bool complained; /* the user knows that the file cannot be written */

	pthread_mutex_t lock; /* protects: the content of a bank that is not read-only, and the rest */
	uint8_t mode;	      /* what reads give: enum flash_mode */
	uint8_t expect;	      /* what the next write is: enum flash_expect */
	uint8_t status;
	uint8_t locked[FLASH_BLOCKS];
	uint32_t block;		       /* of the operation that has begun: its first byte */
	uint32_t start, length, words; /* buffered: first byte and number of bytes, words that are to come */
	uint8_t buffer[FLASH_BUFFER_SIZE];
};

/*
 * A bank whose content is at @content (kept by the caller), read-only; or, if @content is NULL, one of its
 * own, erased.  0 or -ENOMEM.
 */
int flash_init(struct flash *flash, const char *name, uint8_t *content, struct trace *trace);
void flash_destroy(struct flash *flash);

/*
 * Keeps the bank in the file @path from now on: takes its content, or makes it if it is missing or empty.
 * What the guest programs is in the file before the guest is told so.  0, or a negative errno and a
 * sentence in @error (IMAGE_ERROR_SIZE bytes).
 */
int flash_keep_in(struct flash *flash, const char *path, char *error);

int flash_map(struct flash *flash, struct bus *bus, uint64_t base);

/* To the state after power-on: the content is shown, no block but those of a read-only bank is locked. */
void flash_reset(void *flash);

/*
 * For machine_add_state(); a content that is the caller's is not in it.  The file takes over what a snapshot
 * had when the guest writes for the first time after loading it.
 */
void flash_state(void *flash, struct state *state);

#endif
