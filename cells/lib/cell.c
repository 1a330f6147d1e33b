/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "cells/lib/cell.h"

#include <stdarg.h>

#define CACHED	 0x9000000000000000
#define UNCACHED 0x8000000000000000

/* Guest-physical: where cells/'s configurations have it.  A machine of its own has zeros there. */
#define COMM_REGION 0xf000000
#define UART	    0x1fe001e0
#define UART_LSR    5
#define LSR_THRE    0x20

enum { CSR_CRMD = 0x0, CSR_ECFG = 0x4, CSR_CPUID = 0x20, CSR_TCFG = 0x41, CSR_TVAL = 0x42, CSR_TICLR = 0x44 };
enum {
	IOCSR_IPI_STATUS = 0x1000,
	IOCSR_IPI_ENABLE = 0x1004,
	IOCSR_IPI_CLEAR = 0x100c,
	IOCSR_IPI_SEND = 0x1040,
	IOCSR_MAIL_SEND = 0x1048
};
#define SEND_BLOCKING 0x80000000
#define CRMD_IE	      0x4

#define csr_read(number)                                                                                     \
	({                                                                                                   \
		uint64_t value_;                                                                             \
		__asm__ volatile("csrrd %0, %1" : "=r"(value_) : "i"(number) : "memory");                    \
		value_;                                                                                      \
	})
#define csr_write(number, new)                                                                               \
	({                                                                                                   \
		uint64_t value_ = (new);                                                                     \
		__asm__ volatile("csrwr %0, %1" : "+r"(value_) : "i"(number) : "memory");                    \
	})

static uint32_t iocsr_read(uint32_t offset)
{
	uint32_t value;

	__asm__ volatile("iocsrrd.w %0, %1" : "=r"(value) : "r"(offset) : "memory");
	return value;
}

static void iocsr_write(uint32_t offset, uint32_t value)
{
	__asm__ volatile("iocsrwr.w %0, %1" : : "r"(value), "r"(offset) : "memory");
}

static void iocsr_write64(uint32_t offset, uint64_t value)
{
	__asm__ volatile("iocsrwr.d %0, %1" : : "r"(value), "r"(offset) : "memory");
}

volatile struct comm_region *comm_region(void)
{
	volatile struct comm_region *comm = (volatile struct comm_region *)(CACHED + COMM_REGION);
	static const char signature[] = COMM_SIGNATURE;

	for (unsigned i = 0; i < sizeof(comm->signature); i++) {
		if (comm->signature[i] != signature[i])
			return 0;
	}
	return comm->revision == COMM_REVISION ? comm : 0;
}

/* CPUCFG 4 and 5: the crystal, and what it is multiplied and divided by. */
uint64_t counter_frequency(void)
{
	volatile struct comm_region *comm = comm_region();
	uint64_t crystal, factors;

	if (comm && comm->counter_frequency)
		return comm->counter_frequency;
	__asm__("cpucfg %0, %1" : "=r"(crystal) : "r"(4));
	__asm__("cpucfg %0, %1" : "=r"(factors) : "r"(5));
	return crystal * (factors & 0xffff) / (factors >> 16 & 0xffff);
}

long hypercall(unsigned number, uint64_t arg1, uint64_t arg2)
{
	register long a0 __asm__("a0") = number;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;

	/* hvcl HYPERCALL_CODE */
	__asm__ volatile(".word 0x002b8000 | %3"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "i"(HYPERCALL_CODE)
			 : "memory");
	return a0;
}

void obey_messages(void)
{
	volatile struct comm_region *comm = comm_region();

	if (!comm || comm->msg_to_cell != COMM_MSG_SHUTDOWN_REQUEST)
		return;
	print("asked to end\n");
	comm->reply_from_cell = COMM_REPLY_APPROVED;
	comm->cell_state = COMM_SHUT_DOWN;
	csr_write(CSR_CRMD, csr_read(CSR_CRMD) & ~(uint64_t)CRMD_IE);
	for (;;)
		__asm__ volatile("idle 0");
}

static void put(char c)
{
	volatile uint8_t *uart = (volatile uint8_t *)(UNCACHED + UART);
	volatile struct comm_region *comm = comm_region();

	if (comm && (comm->flags & (COMM_FLAG_PUTC_ACTIVE | COMM_FLAG_PUTC_PERMITTED))) {
		hypercall(HC_CONSOLE_PUTC, (uint8_t)c, 0);
		return;
	}
	while (!(uart[UART_LSR] & LSR_THRE))
		;
	uart[0] = (uint8_t)c;
}

static void put_text(const char *text)
{
	for (; *text; text++)
		put(*text);
}

static void put_number(uint64_t value, unsigned base, unsigned width)
{
	char digits[24];
	unsigned n = sizeof(digits);

	digits[--n] = 0;
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (unsigned length = sizeof(digits) - 1 - n; length < width; length++)
		put(' ');
	put_text(digits + n);
}

static void print_one(const char **format, va_list *arguments)
{
	unsigned width = 0;
	bool is_long = false;

	for (; **format >= '0' && **format <= '9'; (*format)++)
		width = width * 10 + (unsigned)(**format - '0');
	for (; **format == 'l'; (*format)++)
		is_long = true;
	switch (*(*format)++) {
	case 's':
		put_text(va_arg(*arguments, const char *));
		break;
	case 'c':
		put((char)va_arg(*arguments, int));
		break;
	case 'x':
		put_number(is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned), 16, width);
		break;
	default:
		put_number(is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned), 10, width);
		break;
	}
}

void print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	while (*format) {
		if (*format != '%') {
			put(*format++);
			continue;
		}
		format++;
		print_one(&format, &arguments);
	}
	va_end(arguments);
}

unsigned cpu_number(void)
{
	return (unsigned)csr_read(CSR_CPUID) & 0x1ff;
}

/* As Linux starts CPUs: an address in mailbox 0, low half first, then IPI 0. */
void cpu_start(unsigned cpu)
{
	extern const char secondary_start[];
	uint64_t entry = (uint64_t)(uintptr_t)secondary_start & 0xffffffffffff;

	iocsr_write64(IOCSR_MAIL_SEND, entry << 32 | SEND_BLOCKING | cpu << 16);
	iocsr_write64(IOCSR_MAIL_SEND, (entry & 0xffffffff00000000) | SEND_BLOCKING | cpu << 16 | 1 << 2);
	iocsr_write(IOCSR_IPI_SEND, SEND_BLOCKING | cpu << 16);
}

void ipi_enable(void)
{
	iocsr_write(IOCSR_IPI_CLEAR, UINT32_MAX);
	iocsr_write(IOCSR_IPI_ENABLE, UINT32_MAX);
}

void ipi_send(unsigned cpu, unsigned vector)
{
	__asm__ volatile("dbar 0" : : : "memory");
	iocsr_write(IOCSR_IPI_SEND, SEND_BLOCKING | cpu << 16 | vector);
}

uint32_t ipi_take(void)
{
	uint32_t pending = iocsr_read(IOCSR_IPI_STATUS);

	iocsr_write(IOCSR_IPI_CLEAR, pending);
	__asm__ volatile("dbar 0" : : : "memory");
	return pending;
}

void timer_start(uint64_t ticks)
{
	csr_write(CSR_TCFG, (ticks & ~UINT64_C(3)) | 3); /* enabled, periodic */
}

void timer_clear(void)
{
	csr_write(CSR_TICLR, 1);
}

uint64_t timer_value(void)
{
	return csr_read(CSR_TVAL);
}

void interrupts_enable(unsigned lines)
{
	csr_write(CSR_ECFG, lines);
	csr_write(CSR_CRMD, csr_read(CSR_CRMD) | CRMD_IE);
}

void wait_for_interrupt(void)
{
	__asm__ volatile("idle 0" : : : "memory");
}

void exception_handle(uint64_t estat, uint64_t era);
void exception_handle(uint64_t estat, uint64_t era)
{
	unsigned code = (unsigned)(estat >> 16) & 0x3f;

	if (!code) {
		interrupt_handle((unsigned)(estat & csr_read(CSR_ECFG) & 0x1fff));
		return;
	}
	print("CPU %u: exception %u at 0x%lx\n", cpu_number(), code, era);
	for (;;)
		__asm__ volatile("idle 0");
}
