/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the program that plays Linux and its cell have in common: a page of memory, and the cell's layout. */
#ifndef HV_CELL_H
#define HV_CELL_H

#include <stdint.h>

/* Guest-physical. */
#define CELL_RAM      0x0
#define CELL_RAM_SIZE 0x400000
#define CELL_ENTRY    0x200000
#define CELL_SHARED   0x1000000
#define CELL_UART     0x1fe00000
#define CELL_UART1    0x1fe082e0 /* the machine's UART1 */
#define CELL_SECRET   0x300000	 /* where the cell leaves something */
#define NOWHERE	      0x40000000

/* Where that is for root. */
#define CELL_PHYS   0x8000000
#define SHARED_PHYS 0x9000000

#define CELL_VECTOR 0x20 /* in hardware; 0 to the cell */

enum cell_order { ORDER_NONE, ORDER_TOUCH_NOWHERE, ORDER_TOUCH_HYPERVISOR, ORDER_HYPERCALL_FROM_USER };

struct cell_shared {
	volatile uint32_t order; /* enum cell_order; root's */
	volatile uint32_t turns, second_turns;
	volatile uint32_t found; /* 1 << enum cell_finding */
};

enum cell_finding {
	FOUND_NUMBER,	 /* CPUID is 0 */
	FOUND_SIGNATURE, /* cpucfg knows the hypervisor */
	FOUND_RESET,	 /* registers are as after a reset */
	FOUND_CLEAN,	 /* memory has nothing of the last one */
	FOUND_TIMER,	 /* the timer ends idle */
	FOUND_SECOND,	 /* the other CPU comes from the pen, and is number 1 */
	FOUND_IPI,	 /* and interrupts this one */
	FOUND_VECTOR,	 /* the cell's vector 0 comes to the other CPU */
	FOUND_NO_OTHER,	 /* other vectors do not exist */
	FOUND_PIN,	 /* its pin of the bridge interrupts, others are not there */
	FOUND_UART,
	FOUND_CALLS, /* hypercalls of root's are refused */
	FINDINGS
};
#define ALL_FOUND ((1 << FINDINGS) - 1)

#endif
