/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Inter-processor interrupts and mailboxes (3A5000 manual ch. 10).  Each guest CPU has a controller in its
 * struct cpu; hardware's carries one bit between CPUs, IPI_KICK, by which one makes another look at its own
 * struct.  The other bits of hardware's are collected all the same: CPUs that are not guests yet send them.
 */
#include "loongarch.h"

#define IPI_ENABLE  0x1004
#define IPI_SET	    0x1008
#define MAILBOXES   0x1020
#define MAIL_SEND   0x1048
#define ALL_VECTORS UINT32_C(0xffffffff)

/* What the other is to find is written before. */
void arch_cpu_kick(unsigned id)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	kick(id);
}

bool ipi_collect(struct cpu *cpu)
{
	uint32_t status = (uint32_t)hw_iocsr_read(IPI_STATUS, 4);

	if (!status)
		return false;
	hw_iocsr_write(IPI_CLEAR, 4, status);
	__atomic_fetch_or(&cpu->arch.ipi.status, status & ~(UINT32_C(1) << IPI_KICK), __ATOMIC_ACQ_REL);
	ipi_update(cpu);
	return status >> IPI_KICK;
}

/* Data in 63:32; bytes whose bit of the mask, 30:27, is set stay as they are. */
static void mail_send(struct cpu *cpu, uint64_t value)
{
	struct cpu *target = cell_sibling(cpu, value >> 16 & 0x3ff);
	unsigned written = ~(unsigned)(value >> 27) & 0xf;
	uint32_t *to;

	if (!target) {
		cpu->arch.refused++;
		return;
	}
	to = (uint32_t *)target->arch.ipi.mailbox + (value >> 2 & 7);
	if (written == 0xf)
		__atomic_store_n(to, (uint32_t)(value >> 32), __ATOMIC_RELAXED);
	else
		for (; written; written &= written - 1) {
			unsigned byte = (unsigned)__builtin_ctz(written);

			((volatile uint8_t *)to)[byte] = (uint8_t)(value >> (32 + 8 * byte));
		}
}

uint64_t ipi_read(struct cpu *cpu, uint32_t offset, unsigned size)
{
	struct ipi *ipi = &cpu->arch.ipi;
	uint64_t value = 0;

	if ((offset & ~UINT32_C(7)) == IPI_STATUS)
		value = __atomic_load_n(&ipi->status, __ATOMIC_ACQUIRE) | (uint64_t)ipi->enable << 32;
	else if (offset >= MAILBOXES && offset < MAILBOXES + sizeof(ipi->mailbox))
		value = ((volatile uint64_t *)ipi->mailbox)[(offset - MAILBOXES) / 8];
	return bytes_get(value, offset, size);
}

void ipi_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	struct ipi *ipi = &cpu->arch.ipi;

	if (offset == MAIL_SEND) {
		if (size == 8)
			mail_send(cpu, value);
		return;
	}
	if (offset - MAILBOXES < sizeof(ipi->mailbox)) {
		bytes_set(&ipi->mailbox[(offset - MAILBOXES) / 8], offset, size, value);
		return;
	}
	value = extended(value, size, false);
	switch (offset) {
	case IPI_ENABLE:
		ipi->enable = (uint32_t)value;
		break;
	case IPI_SET:
		__atomic_fetch_or(&ipi->status, (uint32_t)value, __ATOMIC_ACQ_REL);
		break;
	}
	ipi_update(cpu);
}

/* Before any of the cell's CPUs goes on: one that is quick may send to one that is not. */
void ipi_reset(const struct cell *cell)
{
	uint64_t cpus = cell->cpus;
	unsigned id;

	FOR_EACH_CPU(id, cpus)
		cpu_of(id)->arch.ipi = (struct ipi){ .enable = ALL_VECTORS };
}

/* Firmware's pen: an interrupt, and an address in mailbox 0. */
bool ipi_release_pen(struct cpu *cpu, uint64_t *address)
{
	struct ipi *ipi = &cpu->arch.ipi;

	if (!__atomic_load_n(&ipi->status, __ATOMIC_ACQUIRE) || !ipi->mailbox[0])
		return false;
	*address = ipi->mailbox[0];
	__atomic_store_n(&ipi->status, 0, __ATOMIC_RELEASE);
	ipi_update(cpu);
	return true;
}

/* Late launch, and back.  What is pending stays so in hardware until the first exit, or is made so again. */

void ipi_from_hardware(struct cpu *cpu)
{
	struct ipi *ipi = &cpu->arch.ipi;

	ipi->enable = (uint32_t)hw_iocsr_read(IPI_ENABLE, 4);
	for (unsigned i = 0; i < 4; i++)
		ipi->mailbox[i] = hw_iocsr_read(MAILBOXES + 8 * i, 8);
}

void ipi_take_hardware(void)
{
	hw_iocsr_write(IPI_ENABLE, 4, ALL_VECTORS);
}

void ipi_to_hardware(struct cpu *cpu)
{
	struct ipi *ipi = &cpu->arch.ipi;

	for (unsigned i = 0; i < 4; i++)
		hw_iocsr_write(MAILBOXES + 8 * i, 8, ipi->mailbox[i]);
	hw_iocsr_write(IPI_ENABLE, 4, ipi->enable);
	hw_iocsr_write(IPI_CLEAR, 4, UINT32_C(1) << IPI_KICK);
	hw_iocsr_write(IPI_SET, 4, __atomic_exchange_n(&ipi->status, 0, __ATOMIC_ACQ_REL));
}
