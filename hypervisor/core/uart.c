/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A cell's virtual 8250: what it transmits is the output of its virtual console, what it receives the input.
 * It is always ready to transmit.  It interrupts by the hypervisor's vector in the cell, if there is one,
 * once for what comes to be: a character received, the transmitter empty again.  No FIFOs (IIR says so).
 */
#include "hv.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
#define IER_RECEIVER	0x01
#define IER_TRANSMITTER 0x02
#define LCR_DLAB	0x80
#define LSR_DATA	0x01
#define LSR_EMPTY	0x60 /* THRE, TEMT */
#define MCR_LOOP	0x10
#define IIR_NONE	0x01
#define IIR_TRANSMITTER 0x02
#define IIR_RECEIVER	0x04
#define MSR_READY	0xb0 /* DCD, DSR, CTS */

static uint8_t interrupt_id(struct cell *cell)
{
	if (cell->uart.ier & IER_RECEIVER && console_has_text(&cell->input))
		return IIR_RECEIVER;
	return cell->uart.ier & IER_TRANSMITTER ? IIR_TRANSMITTER : IIR_NONE;
}

/* With loop-back, the modem's outputs are its inputs. */
static uint8_t modem_status(const struct uart *uart)
{
	uint8_t mcr = uart->mcr;

	if (!(mcr & MCR_LOOP))
		return MSR_READY;
	return (uint8_t)((mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 0xc) << 4);
}

static uint8_t uart_read(struct cell *cell, unsigned number)
{
	struct uart *uart = &cell->uart;
	char c = 0;
	uint32_t lost;

	switch (number) {
	case RBR_THR:
		if (uart->lcr & LCR_DLAB)
			return uart->dll;
		console_get(&cell->input, &c, 1, &lost);
		return (uint8_t)c;
	case IER:
		return uart->lcr & LCR_DLAB ? uart->dlm : uart->ier;
	case IIR_FCR:
		return interrupt_id(cell);
	case LCR:
		return uart->lcr;
	case MCR:
		return uart->mcr;
	case LSR:
		return LSR_EMPTY | (console_has_text(&cell->input) ? LSR_DATA : 0);
	case MSR:
		return modem_status(uart);
	default:
		return uart->scr;
	}
}

static void transmit(struct cell *cell, char c)
{
	console_put(&cell->output, c);
	if (cell->uart.ier & IER_TRANSMITTER)
		arch_cell_interrupt(cell);
}

static void interrupts_enable(struct cell *cell, uint8_t ier)
{
	cell->uart.ier = ier;
	if (interrupt_id(cell) != IIR_NONE)
		arch_cell_interrupt(cell);
}

void uart_received(struct cell *cell)
{
	if (cell->uart.ier & IER_RECEIVER)
		arch_cell_interrupt(cell);
}

static void uart_write(struct cell *cell, unsigned number, uint8_t value)
{
	struct uart *uart = &cell->uart;

	switch (number) {
	case RBR_THR:
		if (uart->lcr & LCR_DLAB)
			uart->dll = value;
		else if (uart->mcr & MCR_LOOP)
			console_put_if_room(&cell->input, (char)value);
		else
			transmit(cell, (char)value);
		break;
	case IER:
		if (uart->lcr & LCR_DLAB)
			uart->dlm = value;
		else
			interrupts_enable(cell, value & 0xf);
		break;
	case LCR:
		uart->lcr = value;
		break;
	case MCR:
		uart->mcr = value & 0x1f;
		break;
	case SCR:
		uart->scr = value;
		break;
	}
}

enum mmio_result uart_access(struct cpu *cpu, void *opaque, struct mmio_access *access)
{
	struct cell *cell = opaque;
	const struct config_console *console = &cell->config->console;
	unsigned shift = console->flags & CONFIG_CONSOLE_REGDIST_4 ? 2 : 0;
	uint64_t offset = access->gpa - console->address;

	if (access->size != 1 && !(shift && access->size == 4))
		return MMIO_FORBIDDEN;
	if (offset & ((1u << shift) - 1) || offset >> shift > SCR)
		return MMIO_FORBIDDEN;
	if (access->write)
		uart_write(cell, (unsigned)(offset >> shift), (uint8_t)access->value);
	else
		access->value = uart_read(cell, (unsigned)(offset >> shift));
	return MMIO_DONE;
}
