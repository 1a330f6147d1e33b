/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Pins of the bridge's interrupt controller in all modes (7A1000 manual ch. 5), with UART1 as their source;
 * the RTC's alarm; event, sleep and reset registers.
 */
#include "irq.h"

#define VECTOR	   9
#define PIN	   (1u << PIN_UART1)
#define ALL_INPUTS (HWI(0) | HWI(1) | HWI(2) | HWI(3))

/* UART1's line: its "transmitter empty" interrupt, switched on and off. */
static void line(bool up)
{
	store8(UART1 + UART_IER, up ? 2 : 0);
}

static void prepare(bool edge)
{
	line(false);
	store32(PIC_MASK, ~0u);
	store32(PIC_EDGE, edge ? PIN : 0);
	store32(PIC_CLEAR, ~0u);
	store8(PIC_VECTOR + PIN_UART1, VECTOR);
	store32(PIC_HTMSI_EN, ~0u);
	for (unsigned i = 0; i < 4; i++)
		iocsr_write64(EXTIOI_CORE_ISR + 8 * i, ~0ull);
}

static void registers(void)
{
	check_equal(load64(PIC), 0x001f000107000000, "the controller identifies itself as of 32 pins");
	check_equal(load32(PIC_MASK), ~0u, "all pins are masked after reset");
	qemu_differs();
	check_equal(load8(PIC_VECTOR + 2), 2, "and a pin's vector is its number");
	trap_clear();
	for (unsigned i = 0; i < 64; i++)
		store8(PIC + 0x2ff, 0);
	check_equal(trap.count, 0, "byte writes up to 2ff are accepted");
	load32(PIC + 0x3fc);
	check_equal(trap.count, 0, "the last register can be read");
	load32(PIC + 0x400);
	check(trapped(EXC_ADEM), "behind it nothing answers");
	store8(PIC_MASK + 1, 0x0f);
	check_equal(load32(PIC_MASK), 0xffff0fff, "a byte of the mask can be written alone");
	store32(PIC_MASK, ~0u);
	store8(PIC_VECTOR + 5, 0xff);
	qemu_differs();
	check_equal(load8(PIC_VECTOR + 5), 0xff, "a vector has 8 bits");
	store8(PIC_VECTOR + 5, 5);
}

static void level(void)
{
	prepare(false);
	store32(PIC_MASK, ~PIN);
	line(true);
	check_equal(pending(ALL_INPUTS), HWI(1), "a high level interrupts");
	line(false);
	check_equal(pending(ALL_INPUTS), 0, "until it is low");
	line(true);
	extioi_ack(VECTOR);
	line(false);
	line(true);
	check_equal(pending(ALL_INPUTS), HWI(1), "it interrupts again when it rises again");
	store32(PIC_MASK, ~0u);
	qemu_differs();
	check_equal(pending(ALL_INPUTS), 0, "masking takes it back");
	check_equal(load32(PIC_ISR), 0, "and out of service");
	store32(PIC_MASK, ~PIN);
	check_equal(pending(ALL_INPUTS), HWI(1), "unmasking raises it again");
	iocsr_write32(EXTIOI_CORE_ISR, 1 << VECTOR);
	iocsr_write32(EXTIOI_ENABLE, ~(1u << VECTOR));
	iocsr_write32(EXTIOI_ENABLE, ~0u);
	check_equal(pending(ALL_INPUTS), HWI(1), "so does enabling its vector again");
	line(false);
	check_equal(pending(ALL_INPUTS), 0, "and when it falls all is quiet");
}

static void edge(void)
{
	prepare(true);
	store32(PIC_MASK, ~PIN);
	line(true);
	line(false);
	check_equal(pending(ALL_INPUTS), HWI(1), "an edge interrupts, though the level has gone");
	check_equal(load32(PIC_ISR), PIN, "and stays in service");
	extioi_ack(VECTOR);
	check_equal(pending(ALL_INPUTS), 0, "acknowledged at the EXTIOI it is quiet");
	line(true);
	check_equal(pending(ALL_INPUTS), HWI(1), "a second edge before INTCLR interrupts again");
	store32(PIC_CLEAR, PIN);
	extioi_ack(VECTOR);
	check_equal(load32(PIC_ISR), 0, "INTCLR ends the record, though the level is high");
	check_equal(pending(ALL_INPUTS), 0, "and all is quiet");
	line(false);
	store32(PIC_MASK, ~0u);
	line(true);
	check_equal(pending(ALL_INPUTS), 0, "an edge while masked is held back");
	store32(PIC_MASK, ~PIN);
	check_equal(pending(ALL_INPUTS), HWI(1), "and comes when unmasked");
	line(false);
	store32(PIC_CLEAR, PIN);
	extioi_ack(VECTOR);
}

static void other_modes(void)
{
	prepare(false);
	if (on_qemu) {
		skip("polarity and HTMSI_EN", "QEMU only stores them");
		return;
	}
	store32(PIC_MASK, ~PIN);
	store32(PIC_POLARITY, PIN);
	check_equal(pending(ALL_INPUTS), HWI(1), "with POLARITY set a low level interrupts");
	line(true);
	check_equal(pending(ALL_INPUTS), 0, "and a high one does not");
	store32(PIC_POLARITY, 0);
	check_equal(pending(ALL_INPUTS), HWI(1), "until it is cleared");
	store32(PIC_HTMSI_EN, ~PIN);
	check_equal(pending(ALL_INPUTS), 0, "with its bit of HTMSI_EN clear a pin sends no message");
	check_equal(load32(PIC_ISR), PIN, "but is in service");
	store32(PIC_HTMSI_EN, ~0u);
	check_equal(pending(ALL_INPUTS), HWI(1), "and sends it when the bit is set");
	store8(PIC_VECTOR + PIN_UART1, 0xfe);
	check(extioi_pending(0xfe) && !extioi_pending(VECTOR),
	      "a new vector takes the place of the old at once");
	line(false);
	check_equal(pending(ALL_INPUTS), 0, "and falls with the pin");
	store32(PIC_MASK, ~0u);
}

static void clock_alarm(void)
{
	uint32_t before;

	prepare(false);
	store8(PIC_VECTOR + PIN_RTC, VECTOR);
	store8(PIC_VECTOR + PIN_UART1, 3);
	store32(PIC_MASK, ~(1u << PIN_RTC));
	check_equal(load32(RTC + 0x2c), 0, "the calendar reads 0 until it is enabled");
	store32(RTC + 0x40, 0x2900);
	check(load32(RTC + 0x30) >= 126 && load32(RTC + 0x2c) >> 26,
	      "then it has a date, in years from 1900");
	before = load32(RTC + 0x68);
	wait_ticks(1000000);
	check(load32(RTC + 0x68) - before >= 320 && load32(RTC + 0x68) - before < 32768,
	      "the counter runs at 32768 Hz");
	store32(RTC + 0x6c, load32(RTC + 0x68) + 100);
	qemu_differs();
	check_equal(pending(ALL_INPUTS), 0, "an alarm in the future waits");
	for (unsigned i = 0; i < 500 && !pending(ALL_INPUTS); i++)
		wait_ticks(10000);
	check_equal(pending(ALL_INPUTS), HWI(1), "and interrupts when its time comes");
	store32(RTC + 0x6c, 0);
	qemu_differs();
	check_equal(pending(ALL_INPUTS), 0, "until it is cleared");
	store32(PIC_MASK, ~0u);
	trap_clear();
	load8(RTC + 0x2c);
	check(trap.count == on_qemu ? trap.count : trapped(EXC_ADEM), "the clock has no byte accesses");
}

static void events(void)
{
	check_equal(load32(GED), 0, "no event is pending");
	check_equal(load8(GED + 0x1d), 0, "the sleep status reads 0");
	store8(GED + 0x1c, 0x30);
	store8(GED + 0x1e, 0x41);
	check(true, "values that mean nothing are ignored");
	check_equal(load32(GED + 0x20), 0, "there is no CPU hot-plug");
}

void suite(void)
{
	store8(UART1 + UART_FCR, 1);
	registers();
	extioi_setup(1);
	level();
	edge();
	other_modes();
	clock_alarm();
	events();
}
