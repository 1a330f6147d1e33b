/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * User-level instructions where the oracle of tests/isa, QEMU's user mode, departs from the manual or has
 * no answer: FP bound checks, signed assertions, FP traps, the reserved bits of FCSR0, xvhseli.d;
 * and those it cannot compare: the halves of rdtime, the widths of IOCSR accesses.
 */
#include "guest.h"

SNIPPET(do_asrtle, "asrtle.d $a0, $a1");
SNIPPET(do_asrtgt, "asrtgt.d $a0, $a1");
SNIPPET(do_sc_q, "sc.q $a1, $zero, $a0");
SNIPPET(do_fldgt_s, "fldgt.s $fa0, $a0, $a1\n\tmovfr2gr.s $a0, $fa0");
SNIPPET(do_fldgt_d, "fldgt.d $fa0, $a0, $a1\n\tmovfr2gr.d $a0, $fa0");
SNIPPET(do_fldle_s, "fldle.s $fa0, $a0, $a1\n\tmovfr2gr.s $a0, $fa0");
SNIPPET(do_fldle_d, "fldle.d $fa0, $a0, $a1\n\tmovfr2gr.d $a0, $fa0");
SNIPPET(do_fstgt_s, "movgr2fr.d $fa0, $a1\n\tfstgt.s $fa0, $a0, $a1");
SNIPPET(do_fstgt_d, "movgr2fr.d $fa0, $a1\n\tfstgt.d $fa0, $a0, $a1");
SNIPPET(do_fstle_s, "movgr2fr.d $fa0, $a1\n\tfstle.s $fa0, $a0, $a1");
SNIPPET(do_fstle_d, "movgr2fr.d $fa0, $a1\n\tfstle.d $fa0, $a0, $a1");
/* The result over a marker that a trap must leave alone. */
SNIPPET(do_fadd_d,
	"movgr2fr.d $fa0, $a0\n\tmovgr2fr.d $fa1, $a1\n\tli.d $t0, 0x1234\n\tmovgr2fr.d $fa2, $t0\n\t"
	"fadd.d $fa2, $fa0, $fa1\n\tmovfr2gr.d $a0, $fa2");
SNIPPET(do_vfdiv_d, "vreplgr2vr.d $vr0, $a0\n\tvreplgr2vr.d $vr1, $a1\n\tvinsgr2vr.d $vr1, $zero, 1\n\t"
		    "li.d $t0, 0x1234\n\tvreplgr2vr.d $vr2, $t0\n\tvfdiv.d $vr2, $vr0, $vr1\n\t"
		    "vpickve2gr.d $a0, $vr2, 0");
SNIPPET(do_xvhseli, "xvld $xr1, $a0, 0\n\txvhseli.d $xr0, $xr1, 2\n\txvst $xr0, $a0, 32\n\t"
		    "xvhseli.d $xr0, $xr1, 9\n\txvst $xr0, $a0, 64");

#define IOCSR_MAILBOX 0x1020 /* a doubleword that keeps what is written */

#define FCSR_MASK     0x1f1f031f
#define FCSR_ENABLE_U 2
#define FCSR_ENABLE_Z 8
#define FCSR_FLAG_I   0x10000
#define FCSR_CAUSE_U  0x2000000
#define FCSR_CAUSE_Z  0x8000000

static void fcsr_write(uint32_t value)
{
	__asm__ volatile("movgr2fcsr $fcsr0, %0" ::"r"(value));
}

static uint32_t fcsr_read(void)
{
	uint32_t value;

	__asm__ volatile("movfcsr2gr %0, $fcsr0" : "=r"(value));
	return value;
}

static void expect(const char *snippet, uint64_t a0, uint64_t a1, unsigned code, const char *sentence)
{
	trap_clear();
	call(ADDRESS(snippet), a0, a1);
	if (on_qemu)
		qemu_differs();
	check(trapped(code), sentence);
}

static void passes(const char *snippet, uint64_t a0, uint64_t a1, uint64_t result, const char *sentence)
{
	uint64_t got;

	trap_clear();
	got = call(ADDRESS(snippet), a0, a1);
	if (on_qemu)
		qemu_differs();
	check(trap.count == 0 && got == result, sentence);
}

static void assertions(void)
{
	passes(do_asrtle, -1ull, 1, -1ull, "asrtle.d compares signed numbers: -1 is not greater than 1");
	expect(do_asrtle, 1, -1ull, EXC_BCE, "asrtle.d compares signed numbers: 1 is greater than -1");
	passes(do_asrtle, 1, 1, 1, "asrtle.d accepts equal numbers");
	passes(do_asrtgt, 1, -1ull, 1, "asrtgt.d compares signed numbers: 1 is greater than -1");
	expect(do_asrtgt, -1ull, 1, EXC_BCE, "asrtgt.d compares signed numbers: -1 is not greater than 1");
	expect(do_asrtgt, 1, 1, EXC_BCE, "asrtgt.d refuses equal numbers");
}

static void bounded_loads(uint64_t data)
{
	store64(data, 0x3ff123456789abcd);
	passes(do_fldgt_s, data, data - 1, 0x6789abcd, "fldgt.s loads a word above its bound");
	passes(do_fldgt_d, data, data - 1, 0x3ff123456789abcd, "fldgt.d loads a doubleword above its bound");
	passes(do_fldle_s, data, data, 0x6789abcd, "fldle.s loads a word at its bound");
	passes(do_fldle_d, data, data, 0x3ff123456789abcd, "fldle.d loads a doubleword at its bound");
	expect(do_fldgt_s, data, data, EXC_BCE, "fldgt.s at its bound raises BCE");
	expect(do_fldgt_d, data, data, EXC_BCE, "fldgt.d at its bound raises BCE");
	check_equal(trap.frame.badv, data, "BADV of fldgt.d's BCE is the address");
	expect(do_fldle_s, data, data - 1, EXC_BCE, "fldle.s above its bound raises BCE");
	expect(do_fldle_d, data, data - 1, EXC_BCE, "fldle.d above its bound raises BCE");
	expect(do_fldgt_s, data + 2, 0, EXC_ALE, "a misaligned fldgt.s raises ALE");
	expect(do_fldle_d, data + 4, 0, EXC_ALE, "a misaligned fldle.d raises ALE");
}

static void bounded_stores(uint64_t data)
{
	store64(data, 0);
	passes(do_fstgt_s, data, data - 1, data, "fstgt.s stores above its bound");
	check_equal(load64(data), (data - 1) & 0xffffffff, "fstgt.s stores a word");
	passes(do_fstgt_d, data, data - 1, data, "fstgt.d stores above its bound");
	check_equal(load64(data), data - 1, "fstgt.d stores a doubleword");
	store64(data, 0);
	passes(do_fstle_s, data, data, data, "fstle.s stores at its bound");
	check_equal(load64(data), data & 0xffffffff, "fstle.s stores a word");
	passes(do_fstle_d, data, data + 1, data, "fstle.d stores below its bound");
	check_equal(load64(data), data + 1, "fstle.d stores a doubleword");
	store64(data, 0x55);
	expect(do_fstgt_s, data, data, EXC_BCE, "fstgt.s at its bound raises BCE");
	expect(do_fstgt_d, data, data, EXC_BCE, "fstgt.d at its bound raises BCE");
	expect(do_fstle_s, data, data - 1, EXC_BCE, "fstle.s above its bound raises BCE");
	expect(do_fstle_d, data, data - 1, EXC_BCE, "fstle.d above its bound raises BCE");
	check_equal(load64(data), 0x55, "a store that raises BCE stores nothing");
	expect(do_fstgt_d, data + 4, 0, EXC_ALE, "a misaligned fstgt.d raises ALE");
}

static void fp_traps(void)
{
	const uint64_t least_normal = 0x0010000000000000, minus_half = 0x8008000000000000,
		       one = 0x3ff0000000000000;

	fcsr_write(FCSR_ENABLE_U);
	expect(do_fadd_d, least_normal, minus_half, EXC_FPE,
	       "an exact tiny result raises an enabled underflow");
	check_equal(fcsr_read(), FCSR_ENABLE_U | FCSR_CAUSE_U,
		    "an exact underflow's cause is U alone, and no flag is set");
	fcsr_write(0);
	passes(do_fadd_d, least_normal, minus_half, 0x0008000000000000,
	       "an exact tiny result is no underflow unless enabled");
	check_equal(fcsr_read(), 0, "an exact tiny result sets neither cause nor flag");
	fcsr_write(FCSR_ENABLE_Z);
	trap_clear();
	check_equal(call(ADDRESS(do_vfdiv_d), one, 0x4008000000000000), 0x1234,
		    "a vector instruction that traps leaves its destination alone");
	check(trapped(0x112),
	      "a vector division by zero raises FPE with EsubCode 1 (VFPE) when FCSR enables it");
	check_equal(fcsr_read() & 0x1f0000, 0, "a vector instruction that traps sets no flag");
	check_equal(fcsr_read() & FCSR_CAUSE_Z, FCSR_CAUSE_Z,
		    "a vector instruction that traps says why in the cause");
	fcsr_write(0xffffffff & ~0x1f);
	if (on_qemu)
		qemu_differs();
	check_equal(fcsr_read(), FCSR_MASK & ~0x1f, "the reserved bits of FCSR0 read 0");
	fcsr_write(0);
}

static void half_selection(uint64_t data)
{
	uint64_t result;

	for (unsigned i = 0; i < 4; i++)
		store64(data + 8 * i, 0x100 + i);
	trap_clear();
	call(ADDRESS(do_xvhseli), data, 0);
	check(trap.count == 0, "xvhseli.d raises nothing");
	result = load64(data + 32) << 48 | load64(data + 40) << 32 | load64(data + 48) << 16 |
		 load64(data + 56);
	check_equal(result, 0x0100010101020102, "xvhseli.d with 2 selects doublewords 0 1 2 2");
	result = load64(data + 64) << 48 | load64(data + 72) << 32 | load64(data + 80) << 16 |
		 load64(data + 88);
	check_equal(result, 0x0101010001020103, "xvhseli.d with 9 selects doublewords 1 0 2 3");
}

/* rdtimel.w and rdtimeh.w between two readings of the whole counter. */
static void time_halves(void)
{
	uint64_t before = rdtime(), after, low, high;

	__asm__ volatile("rdtimel.w %0, $zero\n\trdtimeh.w %1, $zero" : "=r"(low), "=r"(high));
	after = rdtime();
	check_equal(low, (int32_t)low, "rdtimel.w gives a sign-extended word");
	check((uint32_t)(low - before) <= (uint32_t)(after - before),
	      "rdtimel.w gives the counter's low word");
	check(high == before >> 32 || high == after >> 32, "rdtimeh.w gives the counter's high word");
}

static void iocsr_widths(void)
{
	uint64_t value;

	__asm__ volatile("iocsrwr.d %0, %1" ::"r"(0x8877665584838281), "r"(IOCSR_MAILBOX));
	__asm__ volatile("iocsrrd.d %0, %1" : "=r"(value) : "r"(IOCSR_MAILBOX));
	check_equal(value, 0x8877665584838281, "iocsrrd.d reads what iocsrwr.d wrote");
	__asm__ volatile("iocsrrd.w %0, %1" : "=r"(value) : "r"(IOCSR_MAILBOX));
	check_equal(value, 0xffffffff84838281, "iocsrrd.w reads a word and sign-extends it");
	__asm__ volatile("iocsrrd.h %0, %1" : "=r"(value) : "r"(IOCSR_MAILBOX));
	check_equal(value, 0xffffffffffff8281, "iocsrrd.h reads a halfword and sign-extends it");
	__asm__ volatile("iocsrrd.b %0, %1" : "=r"(value) : "r"(IOCSR_MAILBOX));
	check_equal(value, 0xffffffffffffff81, "iocsrrd.b reads a byte and sign-extends it");
	__asm__ volatile("iocsrwr.w %0, %1" ::"r"(0x11111111), "r"(IOCSR_MAILBOX + 4));
	__asm__ volatile("iocsrwr.h %0, %1" ::"r"(0x2222), "r"(IOCSR_MAILBOX + 2));
	__asm__ volatile("iocsrwr.b %0, %1" ::"r"(0x33), "r"(IOCSR_MAILBOX));
	__asm__ volatile("iocsrrd.d %0, %1" : "=r"(value) : "r"(IOCSR_MAILBOX));
	check_equal(value, 0x1111111122228233, "iocsrwr.w, iocsrwr.h and iocsrwr.b write their width alone");
	__asm__ volatile("iocsrwr.d $zero, %0" ::"r"(IOCSR_MAILBOX));
}

void suite(void)
{
	uint64_t data = CACHED(scratch(0));

	csr_write(CSR_EUEN, 7);
	assertions();
	bounded_loads(data);
	bounded_stores(data);
	if (!on_qemu) {
		if (cpucfg(2) >> 30 & 1)
			expect(do_sc_q, data + 8, 0, EXC_ALE, "a misaligned sc.q raises ALE");
		half_selection(data);
	}
	fp_traps();
	time_halves();
	iocsr_widths();
	csr_write(CSR_EUEN, 0);
}
