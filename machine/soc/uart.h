/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A 16550A UART (3A5000 manual ch. 15).  Output is instant; where it goes is the back end's business. */
#ifndef BIXI_SOC_UART_H
#define BIXI_SOC_UART_H

#include "machine/bus/clock.h"
#include "machine/bus/device.h"
#include "machine/bus/irq.h"

#define UART_FIFO     16
#define UART_CLOCK_HZ 100000000

/* The other end of the wire. */
struct uart_backend {
	/* The guest sends.  Takes everything; the UART's lock is held. */
	void (*write)(void *opaque, const uint8_t *data, size_t size);
	/* uart_can_receive() grew from 0; the UART's lock is held.  May be NULL. */
	void (*input_ready)(void *opaque);
	void *opaque;
};

struct uart {
	struct device dev;
	struct irq_line irq;
	struct clock *clock;
	struct uart_backend backend;	  /* write == NULL: output goes nowhere */
	struct clock_timer timeout_timer; /* characters wait in the FIFO below its trigger level */
	uint8_t ier, fcr, lcr, mcr, lsr, msr, scr, dll, dlm;
	uint8_t fifo[UART_FIFO], fifo_head, fifo_count; /* received characters */
	bool thre_pending, timeout_pending;		/* these interrupts wait for being read */
	uint64_t sent, received;			/* characters, for --stats */
};

extern const struct device_type uart_type;

/* @irq may be connected afterwards. */
int uart_init(struct uart *uart, const char *name, struct clock *clock, struct trace *trace);
void uart_destroy(struct uart *uart);

/* Connects the back end (copied).  Before the machine runs. */
void uart_attach(struct uart *uart, const struct uart_backend *backend);

/* How many characters uart_receive() would take now; and their arrival.  Any thread; take the lock. */
size_t uart_can_receive(struct uart *uart);
void uart_receive(struct uart *uart, const uint8_t *data, size_t size);

#endif
