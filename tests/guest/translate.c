/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Direct mode, direct-map windows, reduced and 32-bit addresses, alignment: Vol.1 5.3 and CSR.MISC; and
 * device accesses of every width and alignment.
 */
#include "guest.h"

SNIPPET(do_load, "ld.d $a0, $a0, 0");
SNIPPET(do_load_h, "ld.h $a0, $a0, 0");
SNIPPET(do_store, "st.d $a1, $a0, 0");
SNIPPET(do_vector, "vld $vr0, $a0, 0");
SNIPPET(do_iocsr, "iocsrrd.w $a0, $a0");
SNIPPET(do_cacop_hit, "cacop 0x11, $a0, 0");
SNIPPET(do_cacop_index, "cacop 0x9, $a0, 0");
SNIPPET(do_return, "ori $a0, $zero, 0x3c");
/* In direct mode a load from an address, then back. */
SNIPPET(in_direct_mode, "li.w $t0, 0x18\n\tli.w $t1, 0x08\n\tcsrxchg $t1, $t0, 0\n\tld.d $a0, $a0, 0\n\t"
			"li.w $t1, 0x10\n\tcsrxchg $t1, $t0, 0");

#define VA 0xffff800000000000

static void expect(const char *snippet, uint64_t a0, unsigned code, const char *sentence)
{
	trap_clear();
	call(ADDRESS(snippet), a0, 0);
	check(trapped(code), sentence);
}

static void direct_mode(void)
{
	uint64_t pa = scratch(0);

	store64(CACHED(pa), 0x1122334455667788);
	trap_clear();
	check(call(ADDRESS(in_direct_mode), pa, 0) == 0x1122334455667788 && !trap.count,
	      "direct mode uses the address as it is");
	check(call(ADDRESS(in_direct_mode), pa | 0xf123000000000000, 0) == 0x1122334455667788 && !trap.count,
	      "direct mode ignores bits above PALEN");
}

static void windows(void)
{
	uint64_t pa = scratch(1);

	store64(CACHED(pa), 0x42);
	csr_write(CSR_DMW2, 0xa000000000000001);
	trap_clear();
	check(load64(pa | 0xa000000000000000) == 0x42 && !trap.count, "DMW2 maps loads");
	check(load64(pa | 0xa5a5000000000000) == 0x42 && !trap.count,
	      "only VSEG of an address is compared, bits 59:48 are not");
	trap_clear();
	trap_resume = ADDRESS(call_return);
	call(PHYSICAL(do_return) | 0xa000000000000000, 0, 0);
	qemu_differs();
	check(trapped(EXC_ADEF), "DMW2 does not map fetches");
	csr_write(CSR_DMW2, 0);
	qemu_differs();
	expect(do_load, pa | 0xa000000000000000, EXC_ADEM,
	       "a window is gone as soon as its register says so");
	csr_write(CSR_DMW3, 0xb000000000000002);
	expect(do_load, pa | 0xb000000000000000, EXC_ADEM, "a window for PLV1 is not for PLV0");
	csr_write(CSR_DMW3, 0xb000000000000001);
	check_equal(load64(pa | 0xb000000000000000), 0x42, "DMW3 maps loads");
	csr_write(CSR_DMW3, 0);
	trap_clear();
	check(call(PHYSICAL(do_return) | 0x8000000000000000, 0, 0) == 0x3c && !trap.count,
	      "DMW0 maps fetches");
	/* A window wins over the TLB. */
	csr_write(CSR_DMW2, 1);
	tlb_set(2048, pa & ~0x7fffull, 14, scratch(2) | PAGE_RW, scratch(2) | PAGE_RW);
	check_equal(load64(pa), 0x42, "a window comes before the TLB");
	csr_write(CSR_DMW2, 0);
	store64(CACHED(scratch(2)), 0x43);
	qemu_differs();
	check_equal(load64(pa), 0x43, "without the window the TLB entry counts");
	tlb_flush();
}

static void thirty_two_bits(void)
{
	uint64_t low = 0x40000000;

	tlb_set(2048, low, 14, scratch(3) | PAGE_RW | ELO_PLV(3), scratch(3) | PAGE_RW | ELO_PLV(3));
	tlb_set(2049, PHYSICAL(do_load) & ~0x7fffull, 14,
		(PHYSICAL(do_load) & ~0x7fffull) | PAGE_RW | ELO_PLV(3),
		((PHYSICAL(do_load) & ~0x7fffull) + 0x4000) | PAGE_RW | ELO_PLV(3));
	tlb_set(2050, PHYSICAL(user_exit) & ~0x7fffull, 14,
		(PHYSICAL(user_exit) & ~0x7fffull) | PAGE_RW | ELO_PLV(3),
		((PHYSICAL(user_exit) & ~0x7fffull) + 0x4000) | PAGE_RW | ELO_PLV(3));
	store64(CACHED(scratch(3)), 0x99);
	csr_write(CSR_MISC, 1 << 3);
	trap_clear();
	check(user_run(3, PHYSICAL(do_load), low | 0x5678000000000000, 0) == 0x99 && !trap.count,
	      "with MISC.VA32L3 the upper half of an address does not count in PLV3");
	trap_clear();
	user_run(3, PHYSICAL(do_load), 0x1234567850000000, 0);
	check(trap.code == EXC_TLBR && trap.frame.tlbrbadv == 0x50000000,
	      "and bad addresses are recorded with 32 bits");
	csr_write(CSR_MISC, 0);
	trap_clear();
	user_run(3, USER(do_load), low | 0x5678000000000000, 0);
	check(trapped(EXC_ADEM), "without it the same address is illegal");
	tlb_flush();
}

static void reduced(void)
{
	tlb_set(2048, 0x0000008000000000, 14, scratch(4) | PAGE_RW, scratch(4) | PAGE_RW);
	trap_clear();
	load64(0x0000008000000000);
	check(trap.count == 0, "bit 39 alone is a legal address");
	csr_write(CSR_RVACFG, 8);
	if (csr_read(CSR_RVACFG) == 8) {
		qemu_differs();
		expect(do_load, 0x0000008000000000, EXC_ADEM, "with RVACFG 8 bits 63:40 must equal bit 39");
		tlb_set(2049, 0xffffff8000000000, 14, scratch(4) | PAGE_RW, scratch(4) | PAGE_RW);
		trap_clear();
		load64(0xffffff8000000000);
		check(trap.count == 0, "and a legal address of that kind is mapped");
		csr_write(CSR_RVACFG, 0);
	}
	tlb_flush();
}

static void alignment(void)
{
	uint64_t at = CACHED(scratch(5));

	memset((void *)at, 0x5a, 64);
	load64(at);
	trap_clear();
	check(load64(at + 3) == 0x5a5a5a5a5a5a5a5a && !trap.count, "misaligned loads work");
	csr_write(CSR_MISC, 1 << 12);
	expect(do_load, at + 3, EXC_ALE, "MISC.ALCL0 makes them raise ALE");
	check_equal(trap.frame.badv, at + 3, "with the address in BADV");
	expect(do_load_h, at + 1, EXC_ALE, "of every width");
	expect(do_store, at + 4, EXC_ALE, "stores as well");
	expect(do_iocsr, 0x1001, EXC_ALE, "IOCSR accesses as well");
	trap_clear();
	call(ADDRESS(do_load), at + 8, 0);
	check(trap.count == 0, "aligned loads are not concerned");
	csr_write(CSR_EUEN, 3);
	trap_clear();
	call(ADDRESS(do_vector), at + 1, 0);
	check(trap.count == 0, "vector loads are not concerned");
	csr_write(CSR_EUEN, 0);
	csr_write(CSR_MISC, 1 << 15);
	trap_clear();
	load64(at + 3);
	check(trap.count == 0, "MISC.ALCL3 does not concern PLV0");
	user_run(3, USER(do_load), PHYSICAL(at + 3) | 0x8000000000000000, 0);
	check(trapped(EXC_ALE), "but PLV3");
	csr_write(CSR_MISC, 0);
	csr_write(CSR_DMW2, 0xa000000000000001);
	tlb_set(2048, VA, 14, scratch(5) | PAGE_RW, scratch(6) | ELO_V | ELO_D);
	expect(do_load, VA + 0x3ffc, EXC_ALE, "an access across pages of different memory types raises ALE");
	tlb_flush();
	csr_write(CSR_DMW2, 0);
}

static void cacop(void)
{
	trap_clear();
	call(ADDRESS(do_cacop_index), 0x1234, 0);
	check(trap.count == 0, "cacop by index translates nothing");
	qemu_differs();
	expect(do_cacop_hit, VA, EXC_TLBR, "cacop by address raises TLB exceptions");
	trap_clear();
	call(ADDRESS(do_cacop_hit), CACHED(scratch(0)) + 3, 0);
	check(trap.count == 0, "cacop by address needs no alignment");
}

static void devices(void)
{
	uint64_t uart = 0x800000001fe001e0;

	expect(do_load, 0x800000001f000000, EXC_ADEM, "a load that no device answers raises ADEM");
	check_equal(trap.frame.badv, 0x800000001f000000, "with the address in BADV");
	expect(do_store, 0x800000001f000000, EXC_ADEM, "and a store");
	trap_clear();
	trap_resume = ADDRESS(call_return);
	call(0x800000001f000000, 0, 0);
	check(trapped(EXC_ADEF), "and a fetch ADEF");
	*(volatile uint8_t *)(uart + 7) = 0x5c;
	check_equal(*(volatile uint8_t *)(uart + 7), 0x5c, "a byte register of a device is written and read");
}

void suite(void)
{
	csr_change(CSR_PWCH, 0, 1 << 24);
	csr_write(CSR_STLBPS, 14);
	direct_mode();
	windows();
	reduced();
	cacop();
	devices();
	if (on_qemu) {
		skip("32-bit addresses and alignment checks", "QEMU's MISC cannot be written");
		return;
	}
	thirty_two_bits();
	alignment();
}
