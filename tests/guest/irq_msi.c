/* SPDX-License-Identifier: MulanPSL-2.0 */
/* PCI messages: the PCH-MSI doorbell to EXTIOI vectors, and the AVEC doorbell to message interrupts. */
#include "irq.h"

#define ALL_INPUTS (HWI(0) | HWI(1) | HWI(2) | HWI(3))

static void msi_vectors(void)
{
	unsigned good = 0, repeated = 0;

	for (unsigned vector = 0x40; vector < 0x100; vector++) {
		bool ok;

		store32(MSI, vector);
		ok = pending(ALL_INPUTS) == HWI(1) && extioi_pending(vector);
		for (unsigned word = 0; word < 8; word++)
			if (word != vector / 32)
				ok = ok && iocsr_read32(EXTIOI_CORE_ISR + 4 * word) == 0;
		extioi_ack(vector);
		good += ok;
		repeated += pending(ALL_INPUTS) != 0;
	}
	check_equal(good, 0xc0, "messages 40 to ff make their vector pending");
	check_equal(repeated, 0, "and are gone once acknowledged");
	store32(MSI, 0x80);
	store32(MSI, 0x80);
	extioi_ack(0x80);
	check_equal(pending(ALL_INPUTS), 0, "two of the same before the acknowledgement are one");
	store32(MSI, 0x80);
	check_equal(pending(ALL_INPUTS), HWI(1), "one behind it is another");
	extioi_ack(0x80);
	if (on_qemu) {
		skip("messages of the pins' vectors", "QEMU ends at an assertion");
		return;
	}
	store32(MSI, 0x1f);
	store32(MSI, 0);
	check_equal(pending(ALL_INPUTS), 0, "messages with vectors of the bridge's pins are refused");
	store32(MSI, 0x3a0);
	check_equal(extioi_pending(0xa0), 1, "only the low byte of the data counts");
	extioi_ack(0xa0);
}

/* Waits for message @vector at this core; MSGIR's answer. */
static uint64_t message(unsigned vector)
{
	store32(AVEC | vector << 4, 0);
	if (pending(ESTAT_MESSAGE) != ESTAT_MESSAGE)
		return ~0ull;
	return csr_read(CSR_MSGIR);
}

static void avec(void)
{
	unsigned good = 0, left = 0;

	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1ull << 51);
	csr_write(CSR_MSGIE, 0);
	for (unsigned vector = 0; vector < 256; vector++) {
		good += message(vector) == vector;
		left += pending(ESTAT_MESSAGE) != 0;
	}
	check_equal(good, 256, "each of the 256 messages of the AVEC doorbell arrives");
	check_equal(left, 0, "and is gone when MSGIR was read");
	store32(AVEC | 63 << 12 | 40 << 4, 0);
	check_equal(pending(ESTAT_MESSAGE), 0, "one to a core that is not there does nothing");
	store32(AVEC | 40 << 4, 0x12345678);
	store32(AVEC | 40 << 4, 0);
	check_equal(csr_read(CSR_MSGIR), 40, "the data does not matter");
	check_equal(csr_read(CSR_MSGIR) >> 31 & 1, 1, "two of the same before it is read are one");
	if (on_qemu)
		return;
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) & ~(1ull << 51));
	store32(AVEC | 40 << 4, 0);
	check_equal(pending(ESTAT_MESSAGE), 0, "with AVEC switched off in the chip nothing arrives");
}

static void no_avec(void)
{
	trap_clear();
	store32(AVEC | 40 << 4, 0);
	check(trapped(EXC_ADEM), "a processor without message interrupts has no AVEC doorbell");
}

void suite(void)
{
	extioi_setup(1);
	msi_vectors();
	if (has_message_interrupts())
		avec();
	else
		no_avec();
}
