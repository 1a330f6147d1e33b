/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A cell of two CPUs: finds out what it has been given, then counts, and does what it is told to. */
#include "linux.h"
#include "cell.h"

#define SHARED ((struct cell_shared *)CACHED(CELL_SHARED))
#define SECRET 0x5ec2e7
#define EPERM  1
#undef UART1
#define UART1	      DEVICE(CELL_UART1)
#define UART	      DEVICE(CELL_UART)
#define SHORT_WHILE   20000
#define IS_TI	      (1 << 11)
#define SECOND_VECTOR 6

void cell_main(unsigned number, uint64_t registers);

static volatile bool second_is_there, second_has_vector;

static void found(enum cell_finding finding, bool ok)
{
	if (ok)
		__atomic_fetch_or((uint32_t *)&SHARED->found, 1u << finding, __ATOMIC_SEQ_CST);
}

/* idle until the timer. */
static void rest(void)
{
	csr_write(CSR_ECFG, IS_TI);
	csr_write(CSR_TCFG, SHORT_WHILE | 1);
	while (!(csr_read(CSR_ESTAT) & IS_TI))
		__asm__ volatile("idle 0");
	csr_write(CSR_TICLR, 1);
}

static bool wait_for(volatile bool *flag)
{
	uint64_t start = rdtime();

	while (!*flag)
		if (rdtime() - start > SURE_TO_COME / 4)
			return false;
	return true;
}

static void second(unsigned number)
{
	uint64_t start = rdtime();

	second_is_there = number == 1;
	csr_write(CSR_ECFG, HWI(1));
	while (!(csr_read(CSR_ESTAT) & HWI(1)) && rdtime() - start < SURE_TO_COME / 4)
		;
	if (iocsr_read32(EXTIOI_CORE_ISR) == 1) {
		extioi_ack(0);
		second_has_vector = !(csr_read(CSR_ESTAT) & HWI(1));
	}
	ipi_send(0, SECOND_VECTOR);
	for (;;) {
		rest();
		SHARED->second_turns++;
	}
}

static void start_second(void)
{
	extern const char start[];
	uint64_t begin = rdtime();

	second_is_there = second_has_vector = false; /* when started again, memory is as it was */
	mail_send(1, 1, 0, PHYSICAL(start) >> 32);
	mail_send(1, 0, 0, (uint32_t)PHYSICAL(start));
	ipi_send(1, 0);
	found(FOUND_SECOND, wait_for(&second_is_there));

	iocsr_write32(IPI_ENABLE, ~0u);
	iocsr_write32(EXTIOI_ENABLE, ~0u);
	iocsr_write32(EXTIOI_ROUTE, 2); /* CPU 1 */
	iocsr_write32(EXTIOI_SEND, 0);
	found(FOUND_NO_OTHER, iocsr_read32(EXTIOI_ENABLE) == 1 && iocsr_read32(EXTIOI_ENABLE + 4) == 0);
	while (!(csr_read(CSR_ESTAT) & ESTAT_IPI) && rdtime() - begin < SURE_TO_COME / 4)
		;
	found(FOUND_IPI, iocsr_read32(IPI_STATUS) == 1 << SECOND_VECTOR);
	iocsr_write32(IPI_CLEAR, ~0u);
	found(FOUND_VECTOR, second_has_vector && !(csr_read(CSR_ESTAT) & ESTAT_IPI));
}

/* The cell has one pin, here with UART1's request for more to send. */
static void pin(void)
{
	bool ok;

	store32(PIC_MASK, 0);
	store8(PIC_VECTOR + PIN_UART1, 0);
	ok = load32(PIC_MASK) == 0 && load8(PIC_VECTOR + PIN_UART1) == 0 && load32(PIC_ISR) == 0;
	iocsr_write32(EXTIOI_ROUTE, 1);
	store32(PIC_HTMSI_EN, ~0u);
	store8(UART1 + UART_IER, 2);
	ok = ok && pending(HWI(1)) && load32(PIC_ISR) == 1 << PIN_UART1 && iocsr_read32(EXTIOI_CORE_ISR) == 1;
	store8(UART1 + UART_IER, 0);
	extioi_ack(0);
	store8(PIC_VECTOR + PIN_UART0, 0x77); /* is not the cell's */
	found(FOUND_PIN, ok && !load8(PIC_VECTOR + PIN_UART0) && !pending(HWI(1)));
}

static void say(const char *s)
{
	for (; *s; s++) {
		while (!(load8(UART + UART_LSR) & 0x20))
			;
		store8(UART, (uint8_t)*s);
	}
}

static void obey(void)
{
	switch (SHARED->order) {
	case ORDER_TOUCH_NOWHERE:
		load32(CACHED(NOWHERE));
		break;
	case ORDER_TOUCH_HYPERVISOR:
		store32(CACHED(HV_BASE), 0);
	}
}

void cell_main(unsigned number, uint64_t registers)
{
	if (number)
		second(number);
	SHARED->found = 0;
	found(FOUND_NUMBER, number == 0 && csr_read(CSR_TID) == 0);
	found(FOUND_SIGNATURE, cpucfg(HYPERCALL_CPUCFG) == HYPERCALL_CPUCFG_SIGNATURE && !has_lvz());
	found(FOUND_RESET, !registers && !csr_read(CSR_SAVE0) && !csr_read(CSR_PGDL) && !csr_read(CSR_TCFG));
	found(FOUND_CLEAN, load64(CACHED(CELL_SECRET)) != SECRET);
	store64(CACHED(CELL_SECRET), SECRET);
	csr_write(CSR_SAVE0, SECRET);
	rest();
	found(FOUND_TIMER, true);
	start_second();
	pin();
	say("a cell speaks\n");
	found(FOUND_UART, load8(UART + UART_LSR) & 0x40);
	found(FOUND_CALLS, hvcl(HC_CELL_START, 1, 0) == -EPERM && hvcl(HC_DISABLE, 0, 0) == -EPERM);
	ipi_send(2, 1); /* there is no such CPU in this cell */
	for (;;) {
		rest();
		SHARED->turns++;
		obey();
	}
}
