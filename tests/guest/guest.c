/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The runtime of the bare-metal tests, guest.h. */
#include <stdarg.h>

#include "guest.h"

#define UART	    0x800000001fe001e0
#define EXIT_DEVICE 0x80000000100e2000
#define QEMU_SLEEP  0x80000000100e001c

volatile struct trap trap;
volatile uint64_t trap_resume;
void (*volatile interrupt_hook)(struct trap_frame *frame);
bool (*volatile refill_hook)(struct trap_frame *frame);
bool on_qemu, deterministic;
unsigned cores_given;

static unsigned checks, failures;
static bool may_differ;

void *memset(void *to, int value, unsigned long size)
{
	volatile uint8_t *p = to;

	while (size--)
		*p++ = value;
	return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
	volatile uint8_t *p = to;
	const uint8_t *q = from;

	while (size--)
		*p++ = *q++;
	return to;
}

static void print_char(char c)
{
	volatile uint8_t *uart = (volatile uint8_t *)UART;

	while (!(uart[5] & 0x20))
		;
	uart[0] = c;
}

static void print_number(uint64_t value, unsigned base)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		print_char(digits[--n]);
}

static void print_list(const char *format, va_list args)
{
	for (; *format; format++) {
		bool wide = false;

		if (*format != '%') {
			if (*format == '\n')
				print_char('\r');
			print_char(*format);
			continue;
		}
		format++;
		while (*format == 'l') {
			wide = true;
			format++;
		}
		switch (*format) {
		case 's':
			for (const char *s = va_arg(args, const char *); *s; s++)
				print_char(*s);
			break;
		case 'c':
			print_char(va_arg(args, int));
			break;
		case 'x':
			print_number(wide ? va_arg(args, uint64_t) : va_arg(args, unsigned), 16);
			break;
		default:
			print_number(wide ? va_arg(args, uint64_t) : va_arg(args, unsigned), 10);
		}
	}
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_list(format, args);
	va_end(args);
}

/* Prints the verdict; true if a failure is to be explained. */
static bool verdict(bool ok, const char *sentence)
{
	bool differs = may_differ && on_qemu;

	may_differ = false;
	checks++;
	if (!ok && !differs)
		failures++;
	print("%s %u - %s%s", ok || differs ? "ok" : "not ok", checks, sentence,
	      differs && !ok ? " # QEMU differs" : "");
	return !ok && !differs;
}

void check_at(const char *file, int line, bool ok, const char *sentence)
{
	if (verdict(ok, sentence))
		print(" (%s:%d)", file, line);
	print("\n");
}

void check_equal_at(const char *file, int line, uint64_t got, uint64_t want, const char *sentence)
{
	if (verdict(got == want, sentence))
		print(" (%s:%d: got %lx, not %lx)", file, line, got, want);
	print("\n");
}

void skip(const char *sentence, const char *why)
{
	print("# skipped: %s: %s\n", sentence, why);
}

void qemu_differs(void)
{
	may_differ = true;
}

void trap_clear(void)
{
	trap.count = 0;
	trap.code = ~0u;
	trap_resume = 0;
}

bool trapped(unsigned code)
{
	if (trap.count == 1 && trap.code == code)
		return true;
	print("# %u exceptions, last code %x at %lx, badv %lx\n", trap.count, trap.code, trap.frame.era,
	      trap.frame.badv);
	return false;
}

static void __attribute__((noreturn)) finish(unsigned code)
{
	print("%u passed, %u failed\n", checks - failures, failures);
	if (on_qemu)
		*(volatile uint8_t *)QEMU_SLEEP = 0x34;
	else
		*(volatile uint32_t *)EXIT_DEVICE = code << 1 | 1;
	for (;;)
		__asm__ volatile("idle 0");
}

#define TOO_MANY 100000

static void refill_trap(struct trap_frame *frame)
{
	uint64_t next;

	if (refill_hook && refill_hook(frame))
		return;
	trap.count++;
	trap.code = EXC_TLBR;
	trap.frame = *frame;
	next = trap_resume ? trap_resume : (frame->tlbrera & ~3ull) + 4;
	csr_write(CSR_TLBRERA, next | 1);
	if (trap_resume == ADDRESS(call_return) || trap_resume == ADDRESS(user_return))
		csr_write(CSR_TLBRPRMD, 0);
}

/* Called from crt0.S. */
void trap_handler(struct trap_frame *frame);
void trap_handler(struct trap_frame *frame)
{
	unsigned ecode = frame->estat >> 16 & 0x3f;

	if (trap.count > TOO_MANY) {
		print("not ok - exceptions without end: code %x, era %lx, badv %lx\n", trap.code, frame->era,
		      frame->badv);
		failures++;
		finish(1);
	}
	if (frame->tlbrera & 1) {
		refill_trap(frame);
		return;
	}
	if (ecode == EXC_INT) {
		trap.count++;
		trap.code = EXC_INT;
		trap.frame = *frame;
		if (interrupt_hook)
			interrupt_hook(frame);
		else
			csr_write(CSR_PRMD, frame->prmd & ~4ull);
		return;
	}
	if (ecode == EXC_SYS && (frame->era & 0xffffffffffff) == PHYSICAL(user_exit)) {
		csr_write(CSR_ERA, ADDRESS(user_return));
		csr_write(CSR_PRMD, 0);
		return;
	}
	trap.count++;
	trap.code = ecode | (unsigned)(frame->estat >> 22 & 0x1ff) << 8;
	trap.frame = *frame;
	csr_write(CSR_ERA, trap_resume ? trap_resume : frame->era + 4);
	if (ecode == EXC_WPE)
		csr_write(CSR_PRMD, frame->prmd & 7); /* one hit is enough */
	if (trap_resume == ADDRESS(call_return) || trap_resume == ADDRESS(user_return))
		csr_write(CSR_PRMD, 0);
}

void tlb_set(unsigned index, uint64_t va, unsigned ps, uint64_t elo0, uint64_t elo1)
{
	csr_write(CSR_TLBEHI, va);
	csr_write(CSR_TLBELO0, elo0);
	csr_write(CSR_TLBELO1, elo1);
	csr_write(CSR_TLBIDX, index | (uint64_t)ps << 24);
	__asm__ volatile("tlbwr" ::: "memory");
}

void tlb_flush(void)
{
	__asm__ volatile("invtlb 0, $zero, $zero" ::: "memory");
}

void __attribute__((weak)) secondary_main(unsigned core)
{
	for (;;)
		__asm__ volatile("idle 0");
}

/* What follows @word in @s, NULL if it is not there. */
static const char *find_word(const char *s, const char *word)
{
	for (; *s; s++) {
		unsigned i = 0;

		while (word[i] && s[i] == word[i])
			i++;
		if (!word[i])
			return s + i;
	}
	return 0;
}

/* Called from crt0.S with the command line's physical address. */
void guest_main(uint64_t cmdline);
void guest_main(uint64_t cmdline)
{
	const char *s = (const char *)CACHED(cmdline), *digits = find_word(s, "cores=");

	on_qemu = find_word(s, "qemu");
	deterministic = find_word(s, "deterministic");
	for (; digits && *digits >= '0' && *digits <= '9'; digits++)
		cores_given = cores_given * 10 + (unsigned)(*digits - '0');
	trap_clear();
	tlb_flush();
	suite();
	finish(failures ? 1 : 0);
}
