/* SPDX-License-Identifier: MulanPSL-2.0 OR GPL-2.0-only */
/*
 * The communication region: a page that the hypervisor shares with a cell, at the guest-physical address of
 * its CONFIG_MEM_COMM_REGION entry.  Jailhouse's layout (ABI revision 2) with a part for LoongArch.  The cell
 * can write all of it, so nobody else relies on what it says.
 */
#ifndef BIXI_COMM_H
#define BIXI_COMM_H

#include "config.h"

#define COMM_SIGNATURE "JHCOMM"
#define COMM_REVISION  2

enum comm_state { COMM_RUNNING, COMM_RUNNING_LOCKED, COMM_SHUT_DOWN, COMM_FAILED, COMM_FAILED_REVISION };
enum comm_message { COMM_MSG_NONE, COMM_MSG_SHUTDOWN_REQUEST, COMM_MSG_RECONFIG_COMPLETED };
enum comm_reply {
	COMM_REPLY_NONE,
	COMM_REPLY_UNKNOWN,
	COMM_REPLY_DENIED,
	COMM_REPLY_APPROVED,
	COMM_REPLY_RECEIVED
};

#define COMM_FLAG_PUTC_PERMITTED 0x1
#define COMM_FLAG_PUTC_ACTIVE	 0x2

struct comm_region {
	char signature[6];
	uint16_t revision;
	uint32_t cell_state;	  /* enum comm_state; the cell's to write */
	uint32_t msg_to_cell;	  /* enum comm_message */
	uint32_t reply_from_cell; /* enum comm_reply; the cell's */
	uint32_t flags;
	struct config_console console;
	uint64_t pci_mmconfig_base;
	/* LoongArch */
	uint64_t counter_frequency; /* of the constant counter, Hz */
	uint32_t num_cpus;	    /* of the cell: numbered from 0 */
	uint32_t uart_vector;	    /* of the virtual UART, 0: none; the cell's own number */
	uint64_t uart_base;	    /* of the virtual UART (8250), 0: none */
} __attribute__((packed));

_Static_assert(offsetof(struct comm_region, cell_state) == 8, "ABI");
_Static_assert(offsetof(struct comm_region, console) == 24, "ABI");
_Static_assert(offsetof(struct comm_region, pci_mmconfig_base) == 56, "ABI");

#endif
