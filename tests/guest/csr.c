/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What CSRs hold after reset and which of their bits can be written (Vol.1 chapter 7); CPUCFG. */
#include "guest.h"

/* Number, name, bits that writing all ones and then zeros changes; on QEMU a difference is known. */
#define REGISTERS(REG)                                                                                       \
	REG(0x1, PRMD, 0xf, 1)                                                                               \
	REG(0x2, EUEN, 0xf, 1)                                                                               \
	REG(0x6, ERA, ~0ull, 0)                                                                              \
	REG(0x7, BADV, ~0ull, 0)                                                                             \
	REG(0x8, BADI, 0, 1)                                                                                 \
	REG(0xc, EENTRY, ~0xfffull, 1)                                                                       \
	REG(0x12, TLBELO0, 0xe000fffffffff07f, 1)                                                            \
	REG(0x13, TLBELO1, 0xe000fffffffff07f, 1)                                                            \
	REG(0x11, TLBEHI, 0xffffffffffffe000, 1)                                                             \
	REG(0x18, ASID, 0x3ff, 0)                                                                            \
	REG(0x19, PGDL, ~0xfffull, 1)                                                                        \
	REG(0x1a, PGDH, ~0xfffull, 1)                                                                        \
	REG(0x1b, PGD, 0, 1)                                                                                 \
	REG(0x1c, PWCL, 0x3fffffff, 1)                                                                       \
	REG(0x20, CPUID, 0, 1)                                                                               \
	REG(0x21, PRCFG1, 0, 1)                                                                              \
	REG(0x22, PRCFG2, 0, 1)                                                                              \
	REG(0x23, PRCFG3, 0, 1)                                                                              \
	REG(0x30, SAVE0, ~0ull, 0)                                                                           \
	REG(0x31, SAVE1, ~0ull, 0)                                                                           \
	REG(0x32, SAVE2, ~0ull, 0)                                                                           \
	REG(0x33, SAVE3, ~0ull, 0)                                                                           \
	REG(0x38, SAVE8, 0, 1)                                                                               \
	REG(0x3f, SAVE15, 0, 1)                                                                              \
	REG(0x42, TVAL, 0, 1)                                                                                \
	REG(0x43, CNTC, ~0ull, 0)                                                                            \
	REG(0x60, LLBCTL, 4, 1)                                                                              \
	REG(0x80, IMPCTL1, ~0ull, 0)                                                                         \
	REG(0x89, TLBRBADV, ~0ull, 0)                                                                        \
	REG(0x8b, TLBRSAVE, ~0ull, 0)                                                                        \
	REG(0x8c, TLBRELO0, 0xe000fffffffff07f, 1)                                                           \
	REG(0x8d, TLBRELO1, 0xe000fffffffff07f, 1)                                                           \
	REG(0x8e, TLBREHI, 0xffffffffffffe03f, 1)                                                            \
	REG(0x8f, TLBRPRMD, has_lvz() ? 0x1f : 0x17, 1)                                                      \
	REG(0x90, MERRCTL, has_lvz() ? 0x1fee : 0x1fce, 1)                                                   \
	REG(0x93, MERRENTRY, ~0xfffull, 1)                                                                   \
	REG(0x94, MERRERA, ~0ull, 0)                                                                         \
	REG(0x95, MERRSAVE, ~0ull, 0)                                                                        \
	REG(0x182, DMW2, 0xf00000000000003f, 1)                                                              \
	REG(0x183, DMW3, 0xf00000000000003f, 1)                                                              \
	REG(0x201, PMCNT0, ~0ull, 0)                                                                         \
	REG(0x207, PMCNT3, ~0ull, 0)                                                                         \
	REG(0x209, PMCNT4, 0, 1)                                                                             \
	REG(0x300, MWPC, 0, 0)                                                                               \
	REG(0x310, MWP0CFG1, ~0ull, 1)                                                                       \
	REG(0x311, MWP0CFG2, ~0ull, 1)                                                                       \
	REG(0x312, MWP0CFG3, has_lvz() ? 0xffe : 0xf9e, 1)                                                   \
	REG(0x313, MWP0CFG4, has_lvz() ? 0xff03ff : 0x3ff, 1)                                                \
	REG(0x380, FWPC, 0, 0)                                                                               \
	REG(0x3c8, FWP7CFG1, ~0ull, 1)                                                                       \
	REG(0x3ca, FWP7CFG3, has_lvz() ? 0xfe : 0x9e, 1)                                                     \
	REG(0x3d0, FWP8CFG1, 0, 0)                                                                           \
	REG(0x500, DBG, 0, 1)                                                                                \
	REG(0x501, DERA, ~0ull, 0)                                                                           \
	REG(0x502, DSAVE, ~0ull, 0)                                                                          \
	REG(0x50, GSTAT, has_lvz() ? 0xff0002 : 0, 1)                                                        \
	REG(0x1000, at_0x1000, 0, 0)                                                                         \
	REG(0x3fff, at_0x3fff, 0, 0)

static void masks(void)
{
#define MASK(number, name, mask, quirk)                                                                      \
	{                                                                                                    \
		uint64_t old = csr_read(number), ones, zeros;                                                \
                                                                                                             \
		trap_clear();                                                                                \
		csr_write(number, ~0ull);                                                                    \
		ones = csr_read(number);                                                                     \
		csr_write(number, 0);                                                                        \
		zeros = csr_read(number);                                                                    \
		csr_write(number, old);                                                                      \
		if (quirk)                                                                                   \
			qemu_differs();                                                                      \
		check_equal(ones ^ zeros, mask, "the writable bits of " #name " are as the manual says");    \
	}
	REGISTERS(MASK)
	csr_write(CSR_MISC, ~0ull);
	qemu_differs();
	check_equal(csr_read(CSR_MISC), 0x7feee, "MISC has its 16 bits");
	csr_write(CSR_MISC, 0);
	csr_write(CSR_TCFG, 0xffffffffffff & ~1ull);
	qemu_differs();
	check_equal(csr_read(CSR_TCFG), 0xfffffffffffe, "TCFG has 48 bits");
	csr_write(CSR_TCFG, 0);
	csr_write(CSR_TICLR, 0);
	check_equal(csr_read(CSR_TICLR), 0, "TICLR reads 0");
	csr_write(CSR_ECFG, ~0ull);
	qemu_differs();
	check_equal(csr_read(CSR_ECFG) & ~0x4000ull, 0x71fff, "ECFG has LIE and VS");
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_ESTAT, ~0ull);
	check_equal(csr_read(CSR_ESTAT) & 0x1fff, 3, "of ESTAT only the software interrupts can be written");
	csr_write(CSR_ESTAT, 0);
	csr_write(CSR_TLBIDX, 0x3fffffff);
	qemu_differs();
	check_equal(csr_read(CSR_TLBIDX), 0x3f000fff, "TLBIDX has an index of 12 bits and PS");
}

static void exchange(void)
{
	csr_write(CSR_SAVE0, 0x1111111111111111);
	check_equal(csr_swap(CSR_SAVE0, 0x2222222222222222), 0x1111111111111111,
		    "csrwr returns the old value");
	csr_change(CSR_SAVE0, ~0ull, 0xff00);
	check_equal(csr_read(CSR_SAVE0), 0x222222222222ff22, "csrxchg writes the bits of its mask");
	csr_change(CSR_ASID, 0x3ff, 0x3f0);
	check_equal(csr_read(CSR_ASID), 0xa03f0, "csrxchg keeps to the writable bits");
	csr_write(CSR_ASID, 0);
}

static void values(void)
{
	check_equal(csr_read(CSR_CPUID), 0, "the first core's CPUID is 0");
	check_equal(csr_read(CSR_TID), 0, "TID is the core number after reset");
	check_equal(csr_read(CSR_ASID), 0xa0000, "ASIDBITS is 10");
	check_equal(csr_read(CSR_PRCFG1), 0x72f8, "PRCFG1: 8 SAVE registers, 48 timer bits, VS up to 7");
	check_equal(csr_read(CSR_PRCFG2), 0x3ffff000, "PRCFG2: page sizes of 2^12 to 2^29");
	check_equal(csr_read(CSR_PRCFG3), 0x8073f2, "PRCFG3: MTLB of 64, STLB of 8 x 256");
	check_equal(csr_read(CSR_MISC), 0, "MISC is 0 after reset");
	check_equal(csr_read(CSR_DBG) & 1, 0, "DBG.DST is 0 after reset");
	check_equal(csr_read(CSR_LLBCTL) & 4, 0, "LLBCTL.KLO is 0 after reset");
	csr_write(CSR_TLBEHI, 0x0000800000000000);
	qemu_differs();
	check_equal(csr_read(CSR_TLBEHI), 0xffff800000000000, "TLBEHI reads its top bit as sign");
}

/* ROLLB shows the LL bit; WCLLB clears it; KLO keeps it over one ERTN. */
static void ll_bit(void)
{
	uint64_t word = CACHED(scratch(0)), sc;

	store64(word, 0);
	__asm__ volatile("ll.d $t0, %1, 0; csrrd %0, 0x60" : "=r"(sc) : "r"(word) : "$t0");
	qemu_differs();
	check_equal(sc & 1, 1, "LLBCTL.ROLLB is 1 after an LL");
	__asm__ volatile(
		"ll.d $t0, %1, 0; ori $t1, $zero, 2; csrwr $t1, 0x60; ori %0, $zero, 7; sc.d %0, %1, 0"
		: "=&r"(sc)
		: "r"(word)
		: "$t0", "$t1", "memory");
	qemu_differs();
	check(sc == 0 && load64(word) == 0, "LLBCTL.WCLLB makes the SC fail");
	qemu_differs();
	check_equal(csr_read(CSR_LLBCTL), 0, "WCLLB reads 0");
	__asm__ volatile("ll.d $t0, %1, 0; ori %0, $zero, 7; syscall 1; sc.d %0, %1, 0"
			 : "=&r"(sc)
			 : "r"(word)
			 : "$t0", "memory");
	qemu_differs();
	check(sc == 0 && load64(word) == 0, "ERTN clears the LL bit");
	csr_write(CSR_LLBCTL, 4);
	__asm__ volatile("ll.d $t0, %1, 0; ori %0, $zero, 7; syscall 1; sc.d %0, %1, 0"
			 : "=&r"(sc)
			 : "r"(word)
			 : "$t0", "memory");
	qemu_differs();
	check(sc == 1 && load64(word) == 7, "LLBCTL.KLO keeps the LL bit over one ERTN");
	qemu_differs();
	check_equal(csr_read(CSR_LLBCTL) & 4, 0, "and is then 0");
}

static void identity(void)
{
	uint32_t prid = cpucfg(0);

	check(prid == 0x14c010 || prid == 0x14d000, "CPUCFG 0 is a 3A5000's or a 3A6000's PRID");
	check_equal(cpucfg(1) & ~(1u << 26), 0x03f2f2fe,
		    "CPUCFG 1: LA64, 48-bit addresses, UAL, RI, EP, RPLV, HP, CRC");
	check_equal(cpucfg(2) & 0x7f0300, 0x600000, "CPUCFG 2: LSPW and LAM, no LBT, COMPLEX, CRYPTO");
	check_equal(cpucfg(2) >> 10 & 0xf, has_lvz() ? 3 : 0, "CPUCFG 2: LVZ has version 1, or is not there");
	check_equal(cpucfg(2) & 0xff, 0xcf, "CPUCFG 2: FP, LSX, LASX");
	check(prid == 0x14d000 ? has_page_walker() : 1, "a 3A6000 has the page walker");
	check_equal(cpucfg(4), 100000000, "CPUCFG 4: the crystal has 100 MHz");
	check_equal(cpucfg(5), 0x10001, "CPUCFG 5: the timer runs at the crystal's frequency");
	qemu_differs();
	check_equal(cpucfg(6), 0x7f33, "CPUCFG 6: four 64-bit performance counters");
	check_equal(cpucfg(0x10), 0x2c3d, "CPUCFG 10: the caches there are");
	check_equal(cpucfg(0x14), 0x060e000f, "CPUCFG 14: 16 MiB of L3");
	check(!cpucfg(7) && !cpucfg(0xf) && !cpucfg(0x15) && !cpucfg(0x40000000),
	      "other CPUCFG words read 0");
	check(cpucfg(3) & 0x80, "CPUCFG 3: instruction fetch is coherent");
}

void suite(void)
{
	csr_change(CSR_PWCH, 0, 1 << 24);
	values();
	masks();
	exchange();
	ll_bit();
	identity();
}
