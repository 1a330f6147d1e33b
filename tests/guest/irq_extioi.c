/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The extended I/O interrupt controller (3A5000 manual 11.2): all vectors, inputs, routing to all cores,
 * rotation, and changes while a vector is pending.  Runs with any number of cores; more than four make a
 * second node.  QEMU has no EXT_IOI_send: there the MSI doorbell raises vectors, and those below 40 are left
 * out.
 */
#include "irq.h"

#define ALL_INPUTS (HWI(0) | HWI(1) | HWI(2) | HWI(3))

static volatile bool present[MAX_CORES];
static volatile unsigned last_core, last_vector, deliveries;
static unsigned cores = 1;

static unsigned first_vector(void)
{
	return on_qemu ? 0x40 : 0;
}

static void raise(unsigned vector)
{
	if (on_qemu)
		store32(MSI, vector);
	else
		iocsr_write32(EXTIOI_SEND, vector);
}

/* Any core: notes and acknowledges what it got. */
static void note(struct trap_frame *frame)
{
	for (unsigned word = 0; word < 4; word++) {
		uint64_t isr = iocsr_read64(EXTIOI_CORE_ISR + 8 * word);

		iocsr_write64(EXTIOI_CORE_ISR + 8 * word, isr);
		for (; isr; isr &= isr - 1) {
			last_core = (unsigned)csr_read(CSR_CPUID);
			last_vector = word * 64 + (unsigned)__builtin_ctzll(isr);
			__asm__ volatile("amadd_db.w $zero, %0, %1" ::"r"(1), "r"(&deliveries) : "memory");
		}
	}
}

void secondary_main(unsigned core)
{
	/* The first core of a node writes its node's registers. */
	if (core % 4 == 0)
		extioi_setup(1);
	iocsr_write32(IPI_CLEAR, ~0u);
	csr_write(CSR_ECFG, HWI(1));
	csr_change(CSR_CRMD, 4, 4);
	present[core] = true;
	for (;;)
		__asm__ volatile("idle 0");
}

static void start_cores(void)
{
	cores = irq_start_cores(present);
}

static void every_vector(void)
{
	unsigned good = 0, back = 0, count = EXTIOI_VECTORS - first_vector();

	for (unsigned vector = first_vector(); vector < EXTIOI_VECTORS; vector++) {
		bool ok;

		raise(vector);
		ok = pending(ALL_INPUTS) == HWI(1);
		for (unsigned word = 0; word < 8; word++)
			ok = ok && iocsr_read32(EXTIOI_CORE_ISR + 4 * word) ==
					   (word == vector / 32 ? 1u << vector % 32 : 0);
		extioi_ack(vector);
		good += ok && pending(ALL_INPUTS) == 0;
	}
	qemu_differs(); /* there one in each word fails */
	check_equal(good, count, "each vector sets its own bit of the core's ISR, and writing 1 clears it");
	if (on_qemu) {
		skip("enabling acknowledged vectors again", "QEMU replays them");
		return;
	}
	for (unsigned word = 0; word < 8; word++) {
		iocsr_write32(EXTIOI_ENABLE + 4 * word, 0);
		iocsr_write32(EXTIOI_ENABLE + 4 * word, ~0u);
		back += pending(ALL_INPUTS) != 0;
	}
	check_equal(back, 0, "an acknowledged message does not come back when its vector is enabled again");
}

static void enabling(void)
{
	unsigned vector = 0x47, word = vector / 32 * 4;

	iocsr_write32(EXTIOI_ENABLE + word, ~(1u << vector % 32));
	raise(vector);
	check_equal(pending(ALL_INPUTS), 0, "a disabled vector is not delivered");
	qemu_differs();
	check_equal(iocsr_read32(EXTIOI_ISR + word), 1u << vector % 32, "but the ISR of all vectors has it");
	iocsr_write32(EXTIOI_ENABLE + word, ~0u);
	check_equal(pending(ALL_INPUTS), HWI(1), "enabling delivers it");
	iocsr_write32(EXTIOI_ENABLE + word, ~(1u << vector % 32));
	check_equal(pending(ALL_INPUTS), 0, "disabling a delivered vector takes it back");
	iocsr_write32(EXTIOI_ENABLE + word, ~0u);
	check_equal(pending(ALL_INPUTS), HWI(1), "and enabling delivers it again");
	extioi_ack(vector);
	check_equal(pending(ALL_INPUTS), 0, "acknowledging ends it");
}

static void inputs(void)
{
	unsigned vector = 0x48, group = EXTIOI_IPMAP + vector / 32;
	bool moves = true;

	for (unsigned pin = 0; pin < 4; pin++) {
		iocsr_set_byte(group, (uint8_t)(1u << pin));
		raise(vector);
		check_equal(pending(ALL_INPUTS), HWI(pin), "IPMAP's bit chooses the core's input");
		extioi_ack(vector);
		check_equal(pending(ALL_INPUTS), 0, "which falls with the acknowledgement");
	}
	if (on_qemu) {
		skip("IPMAP changes while a vector is pending", "QEMU leaves the old input high for ever");
		iocsr_set_byte(group, 2);
		return;
	}
	raise(vector);
	for (unsigned pin = 0; pin < 4; pin++) {
		iocsr_set_byte(group, (uint8_t)(1u << pin));
		moves = moves && pending(ALL_INPUTS) == HWI(pin);
	}
	check(moves, "a pending vector moves with IPMAP, and leaves the old input");
	iocsr_set_byte(group, 0x10);
	check_equal(pending(ALL_INPUTS), HWI(0), "an IPMAP bitmap without inputs 0-3 is input 0");
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1ull << 49);
	iocsr_set_byte(group, 2);
	check_equal(pending(0x3fc), HWI(2), "with INT_encode set IPMAP holds the input's number");
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) & ~(1ull << 49));
	check_equal(pending(0x3fc), HWI(1), "and a bitmap again when it is cleared");
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) & ~(1ull << 48));
	check_equal(pending(ALL_INPUTS), 0, "EXT_INT_en cleared holds everything back");
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1ull << 48);
	check_equal(pending(ALL_INPUTS), HWI(1), "and set lets it go");
	extioi_ack(vector);
}

static void sizes(void)
{
	unsigned vector = 0x4b;

	if (on_qemu) {
		skip("byte and half-word accesses", "QEMU's IOCSR space has none");
		return;
	}
	raise(vector);
	check_equal(iocsr_read8(EXTIOI_CORE_ISR + vector / 8), 1u << vector % 8,
		    "the core's ISR can be read by bytes");
	check_equal(iocsr_read16(EXTIOI_CORE_ISR + vector / 16 * 2), 1u << vector % 16, "and by half-words");
	iocsr_write8(EXTIOI_CORE_ISR + vector / 8, 1u << vector % 8);
	check_equal(pending(ALL_INPUTS), 0, "and acknowledged by bytes");
	iocsr_write16(EXTIOI_ROUTE + 0x60, 0x0403);
	check_equal(iocsr_read32(EXTIOI_ROUTE + 0x60), 0x01010403,
		    "a half-word of the route changes two bytes");
	iocsr_write16(EXTIOI_ROUTE + 0x60, 0x0101);
}

/* Raises @vector and waits for some core to have taken it. */
static unsigned taker(unsigned vector)
{
	unsigned before = deliveries;
	uint64_t start;

	last_core = last_vector = ~0u;
	raise(vector);
	for (start = rdtime(); deliveries == before && rdtime() - start < SURE_TO_COME;)
		;
	return deliveries == before + 1 && last_vector == vector ? last_core : ~0u;
}

/* Linux's way to move vector @vector to @core; QEMU has one controller for all nodes. */
static void set_affinity(unsigned vector, unsigned core)
{
	unsigned enable = EXTIOI_ENABLE + vector / 32 * 4;

	any_send(0, enable, 0, ~(1u << vector % 32));
	for (unsigned node = 0; node * 4 < (on_qemu ? 1 : cores); node++) {
		uint32_t byte = (node ? node : core / 4) << 4 | 1u << core % 4;

		any_send(node * 4, EXTIOI_ROUTE + (vector & ~3u), ~(1u << vector % 4) & 0xf,
			 byte << vector % 4 * 8);
	}
	any_send(0, enable, 0, ~0u);
}

static void routing(void)
{
	unsigned vector = 0x51, reached = 0, limit = on_qemu && cores > 4 ? 4 : cores;

	interrupt_hook = note;
	csr_write(CSR_ECFG, HWI(1));
	csr_change(CSR_CRMD, 4, 4);
	for (unsigned core = 0; core < limit; core++) {
		set_affinity(vector, core);
		reached += taker(vector) == core;
	}
	qemu_differs();
	check_equal(reached, limit, "a vector can be sent to every core, also of another node");
	set_affinity(vector, 0);
	check_equal(iocsr_read32(EXTIOI_ENABLE + vector / 32 * 4), ~0u,
		    "Any_Send with mask 0 writes the whole word");
	check_equal(iocsr_read32(EXTIOI_ROUTE + (vector & ~3u)), 0x01010101,
		    "and with a mask only the bytes it allows");
	csr_change(CSR_CRMD, 0, 4);
	if (cores > 1 && !on_qemu) {
		unsigned before = deliveries;
		uint64_t start = rdtime();

		raise(vector);
		check_equal(pending(ALL_INPUTS), HWI(1), "a vector waits at core 0");
		iocsr_set_byte(EXTIOI_ROUTE + vector, 2);
		while (deliveries == before && rdtime() - start < SURE_TO_COME)
			;
		check(deliveries == before + 1 && last_core == 1,
		      "and goes to core 1 when its route changes");
		check_equal(pending(ALL_INPUTS), 0, "leaving core 0");
		iocsr_set_byte(EXTIOI_ROUTE + vector, 1);
	}
	interrupt_hook = 0;
}

static void rotation(void)
{
	unsigned vector = 0x52, good = 0;
	uint8_t all = cores >= 4 ? 0xf : (uint8_t)((1u << cores) - 1);

	if (on_qemu) {
		skip("rotation", "QEMU stores BOUNCE and does nothing with it");
		return;
	}
	interrupt_hook = note;
	csr_change(CSR_CRMD, 4, 4);
	/* Type 15: all nodes there are. */
	iocsr_write16(EXTIOI_NODE_TYPE + 30, 0xffff);
	iocsr_set_byte(EXTIOI_ROUTE + vector, 0xf0 | all);
	iocsr_write32(EXTIOI_BOUNCE + vector / 32 * 4, 1u << vector % 32);
	for (unsigned i = 0; i < 2 * cores; i++)
		good += taker(vector) == i % cores;
	check_equal(good, 2 * cores, "with BOUNCE set a vector goes round all cores of its route");
	iocsr_write32(EXTIOI_BOUNCE + vector / 32 * 4, 0);
	good = 0;
	for (unsigned i = 0; i < 4; i++)
		good += taker(vector) == 0;
	check_equal(good, 4, "without it always to the lowest");
	iocsr_set_byte(EXTIOI_ROUTE + vector, 1);
	iocsr_write16(EXTIOI_NODE_TYPE + 30, 0x8000);
	csr_change(CSR_CRMD, 0, 4);
	interrupt_hook = 0;
}

void suite(void)
{
	extioi_setup(1);
	every_vector();
	enabling();
	inputs();
	sizes();
	start_cores();
	routing();
	rotation();
	csr_write(CSR_ECFG, 0);
}
