/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The computer that a guest finds itself in, as the hypervisor makes it and as the guests' kernel knows it:
 * two processors, 4 MiB of RAM, a UART, and a few hypercalls.
 */
#ifndef MACHINE_H
#define MACHINE_H

/* Guest-physical addresses. */
#define RAM_SIZE   0x400000
#define KERNEL_GPA 0x200000   /* where the kernel is loaded, and where every processor begins */
#define UART_GPA   0x1fe001e0 /* as on the board; its interrupt is hardware interrupt 0 of processor 0 */

#define VCPUS 2

/* The interrupts of ESTAT.IS and ECFG.LIE. */
#define IS_UART 0x4
#define IS_TI	0x800
#define IS_IPI	0x1000

/* IOCSRs, those of the chip (3A5000 manual, ch. 10); every other one reads 0. */
#define IOCSR_FEATURES	0x8
#define IOCSR_IPI_STATE 0x1000
#define IOCSR_IPI_EN	0x1004
#define IOCSR_IPI_SET	0x1008
#define IOCSR_IPI_CLEAR 0x100c
#define IOCSR_MAIL	0x1020 /* four mailboxes of 8 bytes */
#define IOCSR_IPI_SEND	0x1040
#define IOCSR_MAIL_SEND 0x1048

/* The UART's registers. */
#define UART_THR  0
#define UART_IER  1 /* bit 1: interrupt when the transmitter is empty */
#define UART_IIR  2 /* reads 2 for that interrupt, which this ends, and 1 for none */
#define UART_LSR  5
#define IER_THRE  2
#define LSR_EMPTY 0x60

/* cpucfg SIGNATURE_WORD tells a guest whose guest it is. */
#define SIGNATURE_WORD 0x40000000
#define SIGNATURE      0x49584942 /* "BIXI" */

/* hvcl NUMBER, arguments in a0 and a1, result in a0. */
#define HVCL_PUT_CHAR 1 /* a0: a character for the console */
#define HVCL_REPORT   2 /* a0: GPA of a sentence, a1: whether it holds */
#define HVCL_OFF      3 /* this processor stops for good */

/* Guest n's clock begins at n * 1000 s: rdtime shows whose clock it is. */
#define CLOCK_HZ	   100000000ull
#define CLOCK_START(guest) (1000 * CLOCK_HZ * (guest))

#endif
