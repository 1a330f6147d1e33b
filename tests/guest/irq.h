/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Interrupt controllers for the irq_* suites: registers of the 3A5000 (manual ch. 10, 11) and of the 7A1000
 * (ch. 5), and the other cores.
 */
#ifndef IRQ_H
#define IRQ_H

#include "guest.h"

/* IOCSR offsets. */
#define CHIP_MISC	 0x420
#define IPI_STATUS	 0x1000
#define IPI_ENABLE	 0x1004
#define IPI_SET		 0x1008
#define IPI_CLEAR	 0x100c
#define MAILBOX(n)	 (0x1020 + 8 * (n))
#define IPI_SEND	 0x1040
#define MAIL_SEND	 0x1048
#define EXTIOI_SEND	 0x1140
#define ANY_SEND	 0x1158
#define EXTIOI_NODE_TYPE 0x14a0
#define EXTIOI_IPMAP	 0x14c0
#define EXTIOI_ENABLE	 0x1600
#define EXTIOI_BOUNCE	 0x1680
#define EXTIOI_ISR	 0x1700
#define EXTIOI_CORE_ISR	 0x1800
#define EXTIOI_ROUTE	 0x1c00

/* Uncached addresses of devices. */
#define DEVICE(pa)   (0x8000000000000000 | (pa))
#define PIC	     DEVICE(0x10000000)
#define PIC_MASK     (PIC + 0x20)
#define PIC_HTMSI_EN (PIC + 0x40)
#define PIC_EDGE     (PIC + 0x60)
#define PIC_CLEAR    (PIC + 0x80)
#define PIC_VECTOR   (PIC + 0x200)
#define PIC_IRR	     (PIC + 0x380)
#define PIC_ISR	     (PIC + 0x3a0)
#define PIC_POLARITY (PIC + 0x3e0)
#define RTC	     DEVICE(0x100d0100)
#define GED	     DEVICE(0x100e0000)
#define UART0	     DEVICE(0x1fe001e0)
#define UART1	     DEVICE(0x1fe002e0)
#define AVEC	     DEVICE(0x2fe00000)
#define MSI	     DEVICE(0x2ff00000)

enum { UART_DATA, UART_IER, UART_IIR, UART_LCR, UART_MCR, UART_LSR, UART_FCR = 2 };
enum { PIN_UART0 = 2, PIN_UART1 = 3, PIN_RTC = 6, PIN_GED = 7 };

#define HWI(n)	      (1u << (2 + (n))) /* bit of ESTAT.IS and ECFG.LIE */
#define ESTAT_IPI     (1u << 12)
#define ESTAT_MESSAGE (1u << 14)

#define iocsr_read8(offset)	     ((uint8_t)__builtin_loongarch_iocsrrd_b(offset))
#define iocsr_read16(offset)	     ((uint16_t)__builtin_loongarch_iocsrrd_h(offset))
#define iocsr_read32(offset)	     __builtin_loongarch_iocsrrd_w(offset)
#define iocsr_read64(offset)	     __builtin_loongarch_iocsrrd_d(offset)
#define iocsr_write8(offset, value)  __builtin_loongarch_iocsrwr_b(value, offset)
#define iocsr_write16(offset, value) __builtin_loongarch_iocsrwr_h(value, offset)
#define iocsr_write32(offset, value) __builtin_loongarch_iocsrwr_w(value, offset)
#define iocsr_write64(offset, value) __builtin_loongarch_iocsrwr_d(value, offset)

#define EXTIOI_VECTORS 256
#define MAX_CORES      16 /* for which crt0.S has stacks */

static inline uint8_t load8(uint64_t va)
{
	return *(volatile uint8_t *)va;
}

static inline uint32_t load32(uint64_t va)
{
	return *(volatile uint32_t *)va;
}

static inline void store8(uint64_t va, uint8_t value)
{
	*(volatile uint8_t *)va = value;
}

static inline void store32(uint64_t va, uint32_t value)
{
	*(volatile uint32_t *)va = value;
}

/* How long to wait, in ticks of 10 ns, for what is sure to come however busy the host is. */
#define SURE_TO_COME 1000000000

/* How long to wait for core @core to show up: briefly when nobody said whether it is there. */
static inline uint64_t core_patience(unsigned core)
{
	if (cores_given)
		return core < cores_given ? SURE_TO_COME : 0;
	return core == 1 ? 20000000 : 5000000;
}

/* Interrupts pending at this core, of those in @mask.  A controller may need a moment. */
static inline uint32_t pending(uint32_t mask)
{
	for (unsigned i = 0; i < 100; i++)
		csr_read(CSR_ESTAT);
	return csr_read(CSR_ESTAT) & mask;
}

/* A byte register through a 4-byte access, as QEMU's IOCSR space has no smaller ones. */
static inline void iocsr_set_byte(uint32_t offset, uint8_t value)
{
	uint32_t shift = (offset & 3) * 8, word = iocsr_read32(offset & ~3u);

	iocsr_write32(offset & ~3u, (word & ~(0xffu << shift)) | (uint32_t)value << shift);
}

/* What Linux writes: every vector enabled, to core 0, input @hwi of the core. */
static inline void extioi_setup(unsigned hwi)
{
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1ull << 48);
	for (unsigned i = 0; i < 8; i++) {
		iocsr_write32(EXTIOI_NODE_TYPE + 4 * i, 1u << (2 * i + 1) << 16 | 1u << (2 * i));
		iocsr_write32(EXTIOI_BOUNCE + 4 * i, 0);
		iocsr_write32(EXTIOI_ENABLE + 4 * i, ~0u);
	}
	for (unsigned i = 0; i < 2; i++)
		iocsr_write32(EXTIOI_IPMAP + 4 * i, 0x01010101u << hwi);
	for (unsigned i = 0; i < 64; i++)
		iocsr_write32(EXTIOI_ROUTE + 4 * i, 0x01010101);
	for (unsigned i = 0; i < 4; i++)
		iocsr_write64(EXTIOI_CORE_ISR + 8 * i, ~0ull);
}

static inline bool extioi_pending(unsigned vector)
{
	return iocsr_read32(EXTIOI_CORE_ISR + vector / 32 * 4) >> vector % 32 & 1;
}

static inline void extioi_ack(unsigned vector)
{
	iocsr_write32(EXTIOI_CORE_ISR + vector / 32 * 4, 1u << vector % 32);
}

static inline void ipi_send(unsigned core, unsigned vector)
{
	iocsr_write32(IPI_SEND, 1u << 31 | core << 16 | vector);
}

/* Half @half (0-7) of @core's mailboxes; bytes of @mask are not written. */
static inline void mail_send(unsigned core, unsigned half, unsigned mask, uint32_t data)
{
	iocsr_write64(MAIL_SEND, (uint64_t)data << 32 | 1u << 31 | mask << 27 | core << 16 | half << 2);
}

static inline void any_send(unsigned core, unsigned offset, unsigned mask, uint32_t data)
{
	iocsr_write64(ANY_SEND, (uint64_t)data << 32 | 1u << 31 | mask << 27 | core << 16 | offset);
}

/* Starts core @core in secondary_main(), as Linux does: address in mailbox 0, then an IPI. */
static inline void core_start(unsigned core)
{
	extern const char secondary_start[];

	mail_send(core, 1, 0, PHYSICAL(secondary_start) >> 32);
	mail_send(core, 0, 0, (uint32_t)PHYSICAL(secondary_start));
	ipi_send(core, 0);
}

/* Starts the other cores, each of which sets its @present; returns how many there are with this one. */
static inline unsigned irq_start_cores(volatile bool *present)
{
	unsigned core;

	for (core = 1; core < MAX_CORES; core++) {
		uint64_t start = rdtime();

		core_start(core);
		while (!present[core] && rdtime() - start < core_patience(core))
			;
		if (!present[core])
			break;
	}
	print("# %u cores\n", core);
	return core;
}

#endif
