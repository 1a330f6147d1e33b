/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 16550A UART (3A5000 manual ch. 15; NS16550A data sheet): both FIFOs, all interrupts with their priorities,
 * character time-out, loop-back.  The transmitter is always empty.  The manual's fraction divisor is not
 * here: software would take the UART for another type.
 */
#include "machine/soc/uart.h"

enum { IER_RX = 1, IER_THRE = 2, IER_LINE = 4, IER_MODEM = 8 };
enum {
	IIR_NONE = 1,
	IIR_MODEM = 0,
	IIR_THRE = 2,
	IIR_RX = 4,
	IIR_LINE = 6,
	IIR_TIMEOUT = 0xc,
	IIR_FIFO = 0xc0
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2 };
enum { LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10 };
enum { LSR_READY = 1, LSR_OVERRUN = 2, LSR_ERRORS = 0x1e, LSR_IDLE = 0x60 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };
enum { MSR_DELTA_CTS = 1, MSR_DELTA_DSR = 2, MSR_RI_END = 4, MSR_DELTA_DCD = 8 };

static unsigned fifo_depth(const struct uart *uart)
{
	return uart->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static unsigned rx_trigger(const struct uart *uart)
{
	static const uint8_t level[4] = { 1, 4, 8, 14 };

	return uart->fcr & FCR_ENABLE ? level[uart->fcr >> 6] : 1;
}

/* The interrupt of highest priority that is pending and enabled. */
static unsigned interrupt_id(const struct uart *uart)
{
	if (uart->ier & IER_LINE && uart->lsr & LSR_ERRORS)
		return IIR_LINE;
	if (uart->ier & IER_RX && uart->fifo_count >= rx_trigger(uart))
		return IIR_RX;
	if (uart->ier & IER_RX && uart->timeout_pending)
		return IIR_TIMEOUT;
	if (uart->ier & IER_THRE && uart->thre_pending)
		return IIR_THRE;
	if (uart->ier & IER_MODEM && uart->msr & 0xf)
		return IIR_MODEM;
	return IIR_NONE;
}

static void uart_update(struct uart *uart)
{
	irq_set(&uart->irq, interrupt_id(uart) != IIR_NONE);
}

/* Four character times of ten bits after the last character came or was read. */
static void timeout_restart(struct uart *uart)
{
	uint64_t divisor = (unsigned)uart->dlm << 8 | uart->dll;
	uint64_t bit_ns = (divisor ? divisor : 1) * 16 * (1000000000 / UART_CLOCK_HZ);

	uart->timeout_pending = false;
	if (uart->fcr & FCR_ENABLE && uart->fifo_count)
		clock_timer_set(uart->clock, &uart->timeout_timer, clock_now(uart->clock) + bit_ns * 10 * 4);
	else
		clock_timer_cancel(uart->clock, &uart->timeout_timer);
}

static void timeout_fire(void *opaque)
{
	struct uart *uart = opaque;

	pthread_mutex_lock(uart->dev.lock);
	if (uart->fifo_count) {
		uart->timeout_pending = true;
		uart_update(uart);
	}
	pthread_mutex_unlock(uart->dev.lock);
}

static void rx_push(struct uart *uart, uint8_t byte)
{
	if (uart->fifo_count >= fifo_depth(uart)) {
		uart->lsr |= LSR_OVERRUN;
		return;
	}
	uart->fifo[(uart->fifo_head + uart->fifo_count++) % UART_FIFO] = byte;
	uart->lsr |= LSR_READY;
}

/* There is room (again): tells the back end. */
static void rx_ready(struct uart *uart)
{
	if (uart->backend.input_ready && !(uart->mcr & MCR_LOOP))
		uart->backend.input_ready(uart->backend.opaque);
}

static void rx_clear(struct uart *uart)
{
	uart->fifo_count = 0;
	uart->lsr &= (uint8_t)~LSR_READY;
	timeout_restart(uart);
}

static uint64_t data_read(struct device *dev, const struct reg_access *at)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	uint8_t byte = 0;

	if (uart->lcr & LCR_DLAB)
		return uart->dll;
	if (uart->fifo_count) {
		byte = uart->fifo[uart->fifo_head];
		uart->fifo_head = (uart->fifo_head + 1) % UART_FIFO;
		if (!--uart->fifo_count)
			uart->lsr &= (uint8_t)~LSR_READY;
		if (uart->fifo_count == 0 || uart->fifo_count == UART_FIFO - 1)
			rx_ready(uart);
	}
	timeout_restart(uart);
	uart_update(uart);
	return byte;
}

static void data_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	uint8_t byte = (uint8_t)value;

	if (uart->lcr & LCR_DLAB) {
		uart->dll = byte;
		return;
	}
	uart->sent++;
	if (uart->mcr & MCR_LOOP) {
		rx_push(uart, byte);
		timeout_restart(uart);
	} else if (uart->backend.write) {
		uart->backend.write(uart->backend.opaque, &byte, 1);
	}
	uart->thre_pending = true; /* it was full for no time */
	uart_update(uart);
}

static uint64_t ier_read(struct device *dev, const struct reg_access *at)
{
	struct uart *uart = device_of(dev, struct uart, dev);

	return uart->lcr & LCR_DLAB ? uart->dlm : uart->ier;
}

static void ier_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	uint8_t old = uart->ier;

	if (uart->lcr & LCR_DLAB) {
		uart->dlm = (uint8_t)value;
		return;
	}
	uart->ier = value & 0xf;
	/* Switching the interrupt on with an empty transmitter makes it pending. */
	if (uart->ier & ~old & IER_THRE)
		uart->thre_pending = true;
	uart_update(uart);
}

static uint64_t iir_read(struct device *dev, const struct reg_access *at)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	unsigned id = interrupt_id(uart);

	if (id == IIR_THRE) {
		uart->thre_pending = false;
		uart_update(uart);
	}
	return id | (uart->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static void fcr_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	uint8_t old = uart->fcr;

	uart->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
	if ((uart->fcr ^ old) & FCR_ENABLE || value & FCR_CLEAR_RX) {
		rx_clear(uart);
		rx_ready(uart);
	}
	uart_update(uart);
}

/* The modem's inputs: a peer that is always ready, or our own outputs in loop-back. */
static void modem_update(struct uart *uart)
{
	uint8_t now = MSR_CTS | MSR_DSR | MSR_DCD, changed;

	if (uart->mcr & MCR_LOOP)
		now = (uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
		      (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0);
	changed = (now ^ uart->msr) & 0xf0;
	uart->msr = (uart->msr & 0xf) | now;
	uart->msr |= (changed & MSR_CTS ? MSR_DELTA_CTS : 0) | (changed & MSR_DSR ? MSR_DELTA_DSR : 0) |
		     (changed & ~now & MSR_RI ? MSR_RI_END : 0) | (changed & MSR_DCD ? MSR_DELTA_DCD : 0);
}

static void mcr_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct uart *uart = device_of(dev, struct uart, dev);

	modem_update(uart);
	if (old & MCR_LOOP && !(uart->mcr & MCR_LOOP))
		rx_ready(uart);
	uart_update(uart);
}

static uint64_t lsr_read(struct device *dev, const struct reg_access *at)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	uint8_t value = uart->lsr;

	uart->lsr &= (uint8_t)~LSR_ERRORS;
	uart_update(uart);
	return value;
}

static uint64_t msr_read(struct device *dev, const struct reg_access *at)
{
	struct uart *uart = device_of(dev, struct uart, dev);
	uint8_t value = uart->msr;

	uart->msr &= 0xf0;
	uart_update(uart);
	return value;
}

#define FIELD(name) offsetof(struct uart, name)

/* clang-format off */
static const struct reg uart_regs[] = {
	{ .offset = 0, .width = 1, .name = "data", .field = REG_NO_FIELD, .read = data_read, .write = data_write },
	{ .offset = 1, .width = 1, .name = "ier", .field = FIELD(ier), .read = ier_read, .write = ier_write },
	{ .offset = 2, .width = 1, .name = "iir_fcr", .field = FIELD(fcr), .read = iir_read, .write = fcr_write },
	{ .offset = 3, .width = 1, .name = "lcr", .field = FIELD(lcr), .writable = 0xff },
	{ .offset = 4, .width = 1, .name = "mcr", .field = FIELD(mcr), .writable = 0x1f, .written = mcr_written },
	{ .offset = 5, .width = 1, .name = "lsr", .field = FIELD(lsr), .reset = LSR_IDLE, .read = lsr_read },
	{ .offset = 6, .width = 1, .name = "msr", .field = FIELD(msr),
	  .reset = MSR_CTS | MSR_DSR | MSR_DCD, .read = msr_read },
	{ .offset = 7, .width = 1, .name = "scr", .field = FIELD(scr), .writable = 0xff },
};

static const struct device_field uart_fields[] = {
	DEVICE_FIELD(struct uart, dll),
	DEVICE_FIELD(struct uart, dlm),
	DEVICE_FIELD(struct uart, fifo),
	DEVICE_FIELD(struct uart, fifo_head),
	DEVICE_FIELD(struct uart, fifo_count),
	DEVICE_BOOL(struct uart, thre_pending),
	DEVICE_BOOL(struct uart, timeout_pending),
};
/* clang-format on */

static void uart_reset(struct device *dev)
{
	struct uart *uart = device_of(dev, struct uart, dev);

	uart->dll = 0xc; /* 9600 baud of a PC's clock */
	uart->dlm = 0;
	uart->fifo_head = uart->fifo_count = 0;
	uart->thre_pending = uart->timeout_pending = false;
	clock_timer_cancel(uart->clock, &uart->timeout_timer);
	uart_update(uart);
}

static void uart_state(struct device *dev, struct state *state)
{
	struct uart *uart = device_of(dev, struct uart, dev);

	state_timer(state, "timeout", &uart->timeout_timer);
	if (!state_loading(state))
		return;
	if (uart->fifo_head >= UART_FIFO || uart->fifo_count > UART_FIFO)
		state_refuse(state, "more characters than the FIFO holds");
	else
		rx_ready(uart);
}

const struct device_type uart_type = {
	.name = "uart",
	DEVICE_REGS(uart_regs),
	.size = 8,
	.widths = 1 | 2 | 4 | 8,
	.flags = DEVICE_SINGLE,
	.reset = uart_reset,
	DEVICE_FIELDS(uart_fields),
	.state = uart_state,
};

int uart_init(struct uart *uart, const char *name, struct clock *clock, struct trace *trace)
{
	uart->clock = clock;
	clock_timer_init(&uart->timeout_timer, timeout_fire, uart);
	return device_init(&uart->dev, &uart_type, name, 1, trace);
}

void uart_destroy(struct uart *uart)
{
	if (uart->clock)
		clock_timer_cancel(uart->clock, &uart->timeout_timer);
	device_destroy(&uart->dev);
}

void uart_attach(struct uart *uart, const struct uart_backend *backend)
{
	uart->backend = *backend;
}

size_t uart_can_receive(struct uart *uart)
{
	size_t room;

	pthread_mutex_lock(uart->dev.lock);
	room = uart->mcr & MCR_LOOP ? 0 : fifo_depth(uart) - uart->fifo_count;
	pthread_mutex_unlock(uart->dev.lock);
	return room;
}

void uart_receive(struct uart *uart, const uint8_t *data, size_t size)
{
	pthread_mutex_lock(uart->dev.lock);
	for (size_t i = 0; i < size; i++)
		rx_push(uart, data[i]);
	uart->received += size;
	timeout_restart(uart);
	uart_update(uart);
	pthread_mutex_unlock(uart->dev.lock);
}
