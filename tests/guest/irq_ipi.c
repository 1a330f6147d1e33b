/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Inter-processor interrupts and mailboxes (3A5000 manual ch. 10) between all cores there are, and the
 * IOCSR space's general rules.
 */
#include "irq.h"

static volatile bool present[MAX_CORES];
static volatile uint32_t received[MAX_CORES];
static volatile uint64_t mailbox[MAX_CORES][4]; /* as the core saw them at its last interrupt */
static unsigned cores = 1;

static void note(struct trap_frame *frame)
{
	unsigned core = (unsigned)csr_read(CSR_CPUID);
	uint32_t status = iocsr_read32(IPI_STATUS);

	for (unsigned box = 0; box < 4; box++)
		mailbox[core][box] = iocsr_read64(MAILBOX(box));
	iocsr_write32(IPI_CLEAR, status);
	__asm__ volatile("dbar 0" ::: "memory");
	received[core] |= status;
}

void secondary_main(unsigned core)
{
	iocsr_write32(IPI_CLEAR, ~0u);
	iocsr_write32(IPI_ENABLE, ~0u);
	csr_write(CSR_ECFG, ESTAT_IPI);
	present[core] = true;
	csr_change(CSR_CRMD, 4, 4);
	for (;;)
		__asm__ volatile("idle 0");
}

static void start_cores(void)
{
	interrupt_hook = note;
	cores = irq_start_cores(present);
}

static uint32_t await(unsigned core)
{
	uint64_t start = rdtime();

	while (!received[core] && rdtime() - start < SURE_TO_COME)
		;
	return received[core];
}

static void every_vector_to_every_core(void)
{
	for (unsigned core = 1; core < cores; core++) {
		unsigned good = 0;

		for (unsigned vector = 0; vector < 32; vector++) {
			received[core] = 0;
			ipi_send(core, vector);
			good += await(core) == 1u << vector;
		}
		check_equal(good, 32, "all 32 vectors arrive at another core, each alone");
	}
	ipi_send(cores, 1);
	ipi_send(0x3ff, 1);
	check(true, "an IPI to a core that is not there does nothing");
}

static void own_registers(void)
{
	iocsr_write32(IPI_CLEAR, ~0u);
	iocsr_write32(IPI_ENABLE, 0);
	ipi_send(0, 3);
	check_equal(iocsr_read32(IPI_STATUS), 8, "an IPI sets its bit of the status register");
	check_equal(pending(ESTAT_IPI), 0, "a vector that is not enabled does not interrupt");
	iocsr_write32(IPI_ENABLE, 8);
	qemu_differs();
	check_equal(pending(ESTAT_IPI), ESTAT_IPI, "enabling it does");
	iocsr_write32(IPI_SET, 0x80000000);
	check_equal(iocsr_read32(IPI_STATUS), 0x80000008, "the set register adds vectors");
	iocsr_write32(IPI_CLEAR, 8);
	qemu_differs();
	check_equal(pending(ESTAT_IPI), 0, "the input is the status ANDed with the enable register");
	check_equal(iocsr_read64(IPI_STATUS), 0x880000000, "status and enable read as one double-word");
	iocsr_write32(IPI_CLEAR, ~0u);
	check_equal(iocsr_read32(IPI_STATUS), 0, "the clear register clears");
}

static void mailboxes(unsigned core)
{
	unsigned good = 0;

	for (unsigned half = 2; half < 8; half++)
		mail_send(core, half, 0, 0x11110000 + half);
	received[core] = 0;
	ipi_send(core, 1);
	await(core);
	for (unsigned box = 1; box < 4; box++)
		good += mailbox[core][box] == ((0x11110001ull + 2 * box) << 32 | (0x11110000 + 2 * box));
	check_equal(good, 3, "Mail_Send writes each half of each mailbox of another core");
	good = 0;
	for (unsigned mask = 0; mask < 16; mask++) {
		uint32_t want = 0xffffffff;

		mail_send(core, 5, 0, 0xffffffff);
		mail_send(core, 5, mask, 0x04030201);
		for (unsigned byte = 0; byte < 4; byte++)
			if (!(mask >> byte & 1))
				want = (want & ~(0xffu << 8 * byte)) | (byte + 1) << 8 * byte;
		received[core] = 0;
		ipi_send(core, 2);
		await(core);
		good += mailbox[core][2] >> 32 == want;
	}
	check_equal(good, 16, "bytes whose mask bit is 1 are not written");
}

static void own_mailboxes(void)
{
	for (unsigned box = 0; box < 4; box++)
		iocsr_write64(MAILBOX(box), 0x0123456789abcdef + box);
	check_equal(iocsr_read64(MAILBOX(2)), 0x0123456789abcdf1, "mailboxes are 64 bits wide");
	check_equal(iocsr_read32(MAILBOX(3) + 4), 0x01234567, "and can be read by words");
	iocsr_write32(MAILBOX(1), 5);
	check_equal(iocsr_read64(MAILBOX(1)), 0x0123456700000005, "and written by words");
	mail_send(0, 1, 0x5, 0xaabbccdd);
	check_equal(iocsr_read64(MAILBOX(0)), 0xaa23cc6789abcdf0 - 1, "Mail_Send to oneself works too");
}

static void rules_of_the_space(void)
{
	check_equal(iocsr_read64(0x10), 0x6e6f73676e6f6f4c, "the vendor is Loongson");
	check_equal(iocsr_read32(0) & 0xff, 0x11, "version 11");
	check_equal(iocsr_read32(0x5f0) | iocsr_read32(0x9000) | iocsr_read32(0x7ffffffc), 0,
		    "an offset that nothing decodes reads 0");
	trap_clear();
	check_equal(iocsr_read64(MAILBOX(0) + 4), 0, "a misaligned read gives 0");
	check_equal(trap.count, 0, "without an exception");
	if (on_qemu) {
		skip("small accesses, send registers read",
		     "QEMU has none of the first and crashes at the others");
		return;
	}
	check_equal(iocsr_read8(0x11), 'o', "a byte can be read");
	check_equal(iocsr_read16(0x12), 'o' | 'n' << 8, "and a half-word");
	check_equal(iocsr_read32(IPI_SEND) | iocsr_read64(MAIL_SEND) | iocsr_read64(ANY_SEND), 0,
		    "send registers read 0");
	any_send(0, ANY_SEND, 0, 1);
	check(true, "Any_Send to itself does no harm");
	any_send(0, 0x1028, 0, 0x55667788);
	check_equal(iocsr_read32(MAILBOX(1)), 0x55667788, "Any_Send writes any register");
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1 << 20);
	check_equal(iocsr_read64(CHIP_MISC) >> 20 & 1, 1, "the function register keeps what is written");
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) & ~(1ull << 20));
	check(iocsr_read64(0x408) < iocsr_read64(0x408), "the node counter counts");
}

void suite(void)
{
	rules_of_the_space();
	own_registers();
	own_mailboxes();
	start_cores();
	every_vector_to_every_core();
	for (unsigned core = 1; core < cores; core++)
		mailboxes(core);
	interrupt_hook = 0;
}
