/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * One UART interrupt, step by step along its path: UART, PCH-PIC (unmask pin 2, trigger mode, HT vector),
 * EXTIOI (route, input, enable), core; then the acknowledgements in order.  Then the ways it can get lost.
 */
#include "irq.h"

#define VECTOR 5
#define PIN    (1u << PIN_UART0)

static volatile unsigned taken;
static volatile uint8_t iir, received;

/* What an operating system does: mask, acknowledge, handle, unmask. */
static void handler(struct trap_frame *frame)
{
	taken++;
	store32(PIC_MASK, load32(PIC_MASK) | PIN);
	extioi_ack(VECTOR);
	iir = load8(UART0 + UART_IIR);
	if ((iir & 0xe) == 4 || (iir & 0xe) == 0xc)
		received = load8(UART0 + UART_DATA);
	store32(PIC_CLEAR, PIN);
	store32(PIC_MASK, load32(PIC_MASK) & ~PIN);
}

static void step_by_step(void)
{
	uint32_t iir_before, in_service, input, core_isr, iir_after;

	store32(PIC_MASK, ~0u);
	store8(UART0 + UART_FCR, 1);
	store8(UART0 + UART_IER, 2);
	check_equal(load32(PIC_ISR) & PIN, 0, "1. with its pin masked the UART's request goes no further");
	check_equal(extioi_pending(VECTOR), 0, "   nothing is at the EXTIOI");
	qemu_differs();
	check_equal(load32(PIC_IRR) & PIN, PIN, "   but INTIRR shows the request");

	store32(PIC_EDGE, load32(PIC_EDGE) & ~PIN);
	check_equal(load32(PIC_EDGE) & PIN, 0, "2. the pin is level triggered");
	store8(PIC_VECTOR + PIN_UART0, VECTOR);
	check_equal(load8(PIC_VECTOR + PIN_UART0), VECTOR, "3. the pin's HT vector is written as a byte");
	store32(PIC_HTMSI_EN, load32(PIC_HTMSI_EN) | PIN);
	for (unsigned i = 0; i < 8; i++)
		iocsr_write32(EXTIOI_ENABLE + 4 * i, 0);
	store32(PIC_MASK, ~PIN);
	check_equal(load32(PIC_ISR), PIN, "4. unmasked, the pin is in service at the PCH-PIC");
	check_equal(pending(HWI(0) | HWI(1) | HWI(2) | HWI(3)), 0,
		    "   with the vector disabled no core input rises");
	check_equal(extioi_pending(VECTOR), 0, "   and no core has it");

	iocsr_set_byte(EXTIOI_ROUTE + VECTOR, 1);
	iocsr_set_byte(EXTIOI_IPMAP, 2);
	iocsr_write32(EXTIOI_ENABLE, 1u << VECTOR);
	check_equal(iocsr_read32(EXTIOI_CORE_ISR), 1u << VECTOR, "5. enabled at the EXTIOI it is core 0's");
	check_equal(pending(HWI(0) | HWI(1) | HWI(2) | HWI(3)), HWI(1),
		    "   and raises input HWI1, which ESTAT shows");

	trap_clear();
	csr_write(CSR_ECFG, HWI(1));
	check_equal(trap.count, 0, "6. with CRMD.IE clear the core does not take it");
	csr_change(CSR_CRMD, 4, 4);
	__asm__ volatile("nop; nop; nop");
	csr_change(CSR_CRMD, 0, 4);
	check(trapped(EXC_INT), "   with IE set it does, once the handler returns with IE clear");
	check_equal(trap.frame.estat & 0x7fff1fff, HWI(1), "   ESTAT names the input");

	iocsr_write32(EXTIOI_CORE_ISR, 1u << VECTOR);
	check_equal(pending(HWI(1)), 0,
		    "7. writing 1 to the core's ISR lowers the input although the UART still asks");
	check_equal(load32(PIC_ISR), PIN, "   the PCH-PIC still has it in service");
	store32(PIC_CLEAR, PIN);
	check_equal(load32(PIC_ISR), PIN, "   INTCLR means nothing to a level");
	store32(PIC_MASK, ~0u);
	store32(PIC_MASK, ~PIN);
	check_equal(pending(HWI(1)), HWI(1),
		    "8. masking and unmasking the pin raises a level that is still high again");
	/* All at once: the sentences go out through this UART and make it interrupt again. */
	iir_before = load8(UART0 + UART_IIR);
	in_service = load32(PIC_ISR);
	input = pending(HWI(1));
	core_isr = iocsr_read32(EXTIOI_CORE_ISR);
	iir_after = load8(UART0 + UART_IIR);
	store8(UART0 + UART_IER, 0);
	check_equal(iir_before, 0xc2, "9. reading IIR says transmitter empty and ends it");
	check_equal(in_service, 0, "   the pin is low");
	check_equal(input, 0, "   the core's input is low");
	check_equal(core_isr, 0, "   the EXTIOI has nothing left");
	check_equal(iir_after, 0xc1, "   no interrupt is left at the UART");
}

/* Characters sent to itself, each one an interrupt.  No output meanwhile: it would come back too. */
static void through_a_handler(void)
{
	unsigned good = 0;

	interrupt_hook = handler;
	csr_change(CSR_CRMD, 4, 4);
	store8(UART0 + UART_FCR, 7);
	store8(UART0 + UART_MCR, 0x10);
	store8(UART0 + UART_IER, 1);
	taken = 0;
	for (unsigned i = 0; i < 100; i++) {
		unsigned before = taken;

		store8(UART0 + UART_DATA, (uint8_t)i);
		for (unsigned wait = 0; wait < 100000 && taken == before; wait++)
			__asm__ volatile("nop");
		good += taken == before + 1 && received == (uint8_t)i;
	}
	store8(UART0 + UART_IER, 0);
	store8(UART0 + UART_MCR, 0);
	csr_change(CSR_CRMD, 0, 4);
	interrupt_hook = 0;
	check_equal(good, 100,
		    "a hundred characters looped back make a hundred interrupts with their characters");
	check_equal(pending(HWI(1)), 0, "and leave none pending");
}

static void while_the_handler_runs(void)
{
	uint32_t first, second, last;

	store8(UART0 + UART_MCR, 0x10);
	store8(UART0 + UART_IER, 1);
	store8(UART0 + UART_DATA, 1);
	first = pending(HWI(1));
	store32(PIC_MASK, ~0u);
	extioi_ack(VECTOR);
	store8(UART0 + UART_DATA, 2); /* while it is masked and acknowledged */
	load8(UART0 + UART_DATA);
	store32(PIC_MASK, ~PIN);
	second = pending(HWI(1));
	load8(UART0 + UART_DATA);
	last = pending(HWI(1));
	store8(UART0 + UART_IER, 0);
	store8(UART0 + UART_MCR, 0);
	store32(PIC_MASK, ~0u);
	check_equal(first, HWI(1), "a character is pending");
	check_equal(second, HWI(1), "one that comes between acknowledgement and unmasking is not lost");
	check_equal(last, 0, "reading it lowers the input without an acknowledgement");
}

void suite(void)
{
	extioi_setup(1);
	step_by_step();
	through_a_handler();
	while_the_handler_runs();
	csr_write(CSR_ECFG, 0);
}
