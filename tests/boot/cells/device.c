/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A cell that has devices: it does what root orders by memory that both share (device.h), and counts the
 * interrupts that come.  Vector 0 is to be a UART's, by pin 3 of the bridge; vector 1 the RTC's, by pin 6.
 */
#include "cells/lib/cell.h"
#include "tests/boot/cells/device.h"

#define UNCACHED 0x8000000000000000
#define CACHED	 0x9000000000000000

enum { EXTIOI_ENABLE = 0x1600, EXTIOI_ISR = 0x1800, EXTIOI_ROUTE = 0x1c00 };
#define INTERRUPT_HWI1 (1u << 3)

#define PCH_PIC 0x10000000
enum { PIC_MASK = 0x20, PIC_HTMSI_EN = 0x40, PIC_HTMSI_VECTOR = 0x200 };
enum { PIN_UART = 3, PIN_RTC = 6 };
enum { VECTOR_UART, VECTOR_RTC };

#define UART 0x1fe002e0
enum { UART_DATA, UART_IER, UART_IIR_FCR, UART_LCR, UART_MCR, UART_LSR };

#define RTC_MATCH 0x100d016c

static volatile struct share *share(void)
{
	return (volatile struct share *)(CACHED + SHARE_ADDRESS);
}

static uint64_t device_read(uint64_t address, unsigned width)
{
	switch (width) {
	case 1:
		return *(volatile uint8_t *)(UNCACHED + address);
	case 2:
		return *(volatile uint16_t *)(UNCACHED + address);
	case 4:
		return *(volatile uint32_t *)(UNCACHED + address);
	default:
		return *(volatile uint64_t *)(UNCACHED + address);
	}
}

static void device_write(uint64_t address, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		*(volatile uint8_t *)(UNCACHED + address) = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)(UNCACHED + address) = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)(UNCACHED + address) = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)(UNCACHED + address) = value;
	}
}

static uint64_t iocsr_read(uint32_t offset)
{
	uint64_t value;

	__asm__ volatile("iocsrrd.d %0, %1" : "=r"(value) : "r"(offset) : "memory");
	return value;
}

static void iocsr_write(uint32_t offset, uint64_t value)
{
	__asm__ volatile("iocsrwr.d %0, %1" : : "r"(value), "r"(offset) : "memory");
}

static void uart_put(const char *text)
{
	for (; *text; text++)
		device_write(UART + UART_DATA, 1, (uint8_t)*text);
}

static void uart_interrupt(void)
{
	volatile struct share *s = share();

	device_read(UART + UART_IIR_FCR, 1); /* it has sent: once */
	while (device_read(UART + UART_LSR, 1) & 1) {
		char c = (char)device_read(UART + UART_DATA, 1);

		if (s->received < sizeof(s->text) - 1)
			s->text[s->received] = c;
		s->received++;
		if (c == '\n')
			uart_put("the cell has heard\n");
	}
}

/* The line is a level, and what was acknowledged while it is high comes again only when it is unmasked. */
static void pin_again(unsigned pin)
{
	uint32_t mask = (uint32_t)device_read(PCH_PIC + PIC_MASK, 4);

	device_write(PCH_PIC + PIC_MASK, 4, mask | 1u << pin);
	device_write(PCH_PIC + PIC_MASK, 4, mask & ~(1u << pin));
}

static void vector_handle(unsigned vector)
{
	share()->interrupts[vector]++;
	if (vector == VECTOR_UART) {
		uart_interrupt();
		pin_again(PIN_UART);
	} else if (vector == VECTOR_RTC) {
		device_write(RTC_MATCH, 4, 0);
		pin_again(PIN_RTC);
	}
}

void interrupt_handle(unsigned pending)
{
	for (unsigned word = 0; word < 4; word++) {
		uint64_t vectors = iocsr_read(EXTIOI_ISR + 8 * word);

		iocsr_write(EXTIOI_ISR + 8 * word, vectors);
		for (; vectors; vectors &= vectors - 1)
			vector_handle(64 * word + (unsigned)__builtin_ctzll(vectors));
	}
}

/* All that there is, as a driver that believes it is alone. */
static void listen(void)
{
	device_write(PCH_PIC + PIC_HTMSI_EN, 8, UINT64_MAX);
	device_write(PCH_PIC + PIC_HTMSI_VECTOR + PIN_UART, 1, VECTOR_UART);
	device_write(PCH_PIC + PIC_HTMSI_VECTOR + PIN_RTC, 1, VECTOR_RTC);
	device_write(PCH_PIC + PIC_MASK, 8, 0);
	device_write(UART + UART_LCR, 1, 3);
	device_write(UART + UART_IIR_FCR, 1, 7);
	device_write(UART + UART_MCR, 1, 0xb);
	device_write(UART + UART_IER, 1, 1);
	uart_put("listening\n");
}

static void obey(volatile struct share *s)
{
	switch (s->order) {
	case ORDER_READ:
		s->value = device_read(s->address, (unsigned)s->width);
		break;
	case ORDER_WRITE:
		device_write(s->address, (unsigned)s->width, s->value);
		break;
	case ORDER_LISTEN:
		listen();
		break;
	case ORDER_SUM:
		s->value = share_sum(s->data, SHARE_DATA);
		break;
	case ORDER_FILL:
		for (uint64_t i = 0; i < SHARE_DATA; i++)
			s->data[i] = share_byte(s->value, i);
		break;
	}
}

void secondary_main(unsigned cpu)
{
}

void cell_main(void)
{
	volatile struct share *s = share();

	for (unsigned offset = 0; offset < 32; offset += 8)
		iocsr_write(EXTIOI_ENABLE + offset, UINT64_MAX);
	for (unsigned offset = 0; offset < 256; offset += 8)
		iocsr_write(EXTIOI_ROUTE + offset, 0x0101010101010101);
	interrupts_enable(INTERRUPT_HWI1);
	s->order = ORDER_NONE;
	__atomic_store_n(&s->ready, SHARE_READY, __ATOMIC_RELEASE);
	print("device: ready\n");
	for (;;) {
		if (__atomic_load_n(&s->order, __ATOMIC_ACQUIRE) == ORDER_NONE)
			continue;
		obey(s);
		__atomic_store_n(&s->order, ORDER_NONE, __ATOMIC_RELEASE);
	}
}
