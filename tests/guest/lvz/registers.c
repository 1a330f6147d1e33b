/* SPDX-License-Identifier: MulanPSL-2.0 */
/* LVZ tests 1 to 23: discovery, root's registers for guests, the gcsr* instructions and the guest's CSR file.
 */
#include "lvz.h"

#define GSTAT_IDLE  0x80 /* GIDBIT is 8 */
#define GTLBC_SIZE  0x3f
#define ONES	    (~0ull)
#define SIGNED32(x) ((uint64_t)(int32_t)(x))
#define GCFG_FIELDS (GCFG_MATC(3) | GCFG_GCI(3) | GCFG_GPERF(7))

SNIPPET(read_gstat, "csrrd $a0, 0x50");
SNIPPET(user_gcsrrd, "gcsrrd $a0, 0x30");
SNIPPET(user_gcsrwr, "gcsrwr $a0, 0x30");
SNIPPET(user_gcsrxchg, "gcsrxchg $a0, $a1, 0x30");

/* Before anything writes them; on the first core at the start, on the second one too. */
static void untouched(void)
{
	uint64_t gcfg = csr_read(CSR_GCFG), crmd = gcsr_read(CSR_CRMD);

	check_equal(cpucfg(2) >> 10 & 1, 1, "cpucfg_lvz: CPUCFG2 says LVZ");
	check_equal(cpucfg(2) >> 11 & 7, 1, "cpucfg_lvz: its version is 1");
	check_equal(csr_read(CSR_GSTAT), GSTAT_IDLE, "gstat_reset: GIDBIT is 8, PVM, VM and GID are 0");
	check_equal(gcfg & (1 << 1 | 1 << 18), 1 << 1 | 1 << 18,
		    "gcfg_caps: MATP_ROOT and GCIP_SECURE are visible before any write");
	check_equal(gcfg, GCFG_CAPS, "gcfg_caps: the capabilities are all, every enable is 0");
	check_equal(gcfg >> 23 & 1, cpucfg(6) & 1, "gcfg_caps: GPMP is CPUCFG6.PMP");
	check_equal(csr_read(CSR_GTLBC) & (GTLBC_USETGID | GTLBC_TOTI | GTLBC_TGID), 0,
		    "gtlbc_reset: USETGID, TOTI and TGID are 0 (inferred)");
	check_equal(csr_read(CSR_GINTC), 0, "gintc_reset: nothing is injected or passed through (inferred)");
	check_equal(csr_read(CSR_GCNTC), 0, "gcntc_reset: the guest's counter is root's (inferred)");

	check_equal(crmd, CRMD_DA, "gcsr_reset_file: CRMD is 8");
	check_equal(gcsr_read(CSR_EUEN), 0, "gcsr_reset_file: EUEN is 0");
	check_equal(gcsr_read(CSR_ECFG), 0, "gcsr_reset_file: ECFG is 0");
	check_equal(gcsr_read(CSR_MISC), 0, "gcsr_reset_file: MISC is 0");
	check_equal(gcsr_read(CSR_ESTAT) & 3, 0, "gcsr_reset_file: no software interrupt is pending");
	check_equal(gcsr_read(CSR_TCFG) & 1, 0, "gcsr_reset_file: the timer is off");
	check_equal(gcsr_read(CSR_RVACFG), 0, "gcsr_reset_file: RVACFG is 0");
	check_equal(gcsr_read(CSR_TLBRERA) & 1, 0, "gcsr_reset_file: IsTLBR is 0");
	check_equal(gcsr_read(CSR_LLBCTL) & 5, 0, "gcsr_reset_file: no LL bit, KLO is 0");
	check_equal((gcsr_read(CSR_DMW0) | gcsr_read(CSR_DMW1) | gcsr_read(CSR_DMW2) | gcsr_read(CSR_DMW3)) &
			    0xf,
		    0, "gcsr_reset_file: no window is open");
	check_equal(gcsr_read(CSR_ASID), 0xa0000, "gcsr_reset_file: ASIDBITS is 10");
	check_equal(gcsr_read(CSR_PRCFG1), csr_read(CSR_PRCFG1), "gcsr_reset_file: PRCFG1 is root's");
	check_equal(gcsr_read(CSR_PRCFG2), csr_read(CSR_PRCFG2),
		    "gcsr_reset_file: PRCFG2 is root's (inferred)");
	check_equal(gcsr_read(CSR_PRCFG3), csr_read(CSR_PRCFG3),
		    "gcsr_reset_file: PRCFG3 is root's (inferred)");
}

static void gstat(void)
{
	csr_write(CSR_GSTAT, 0);
	check_equal(csr_read(CSR_GSTAT), GSTAT_IDLE, "gstat_ro: GIDBIT stays 8 when 0 is written");
	csr_write(CSR_GSTAT, ONES);
	check_equal(csr_read(CSR_GSTAT), GSTAT_IDLE | GSTAT_PVM | GSTAT_GID,
		    "gstat_ro: of all ones PVM and GID are kept, VM reads 0");
	csr_write(CSR_GSTAT, 5 << 16);
	check_equal(__builtin_loongarch_csrxchg_d(GSTAT_PVM, GSTAT_PVM, CSR_GSTAT), 5 << 16 | GSTAT_IDLE,
		    "gstat_xchg: csrxchg returns the old value");
	check_equal(csr_read(CSR_GSTAT), 5 << 16 | GSTAT_IDLE | GSTAT_PVM, "gstat_xchg: GID is unchanged");
	csr_write(CSR_GSTAT, 0);
}

static void gcfg(void)
{
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(2) | 0x8f554f);
	check_equal(csr_read(CSR_GCFG), GCFG_CAPS | GCFG_MATC(1) | GCFG_GCI(2),
		    "gcfg_rw: MATC and GCI are kept, capabilities cannot be written");
	csr_write(CSR_GCFG, 0);
	check_equal(csr_read(CSR_GCFG), GCFG_CAPS, "gcfg_rw: capabilities stay when 0 is written");
	csr_write(CSR_GCFG, ~GCFG_FIELDS);
	check_equal(csr_read(CSR_GCFG), GCFG_CAPS | GCFG_TIT | GCFG_TORU,
		    "gcfg_rw: enables without their capability and reserved bits stay 0 (inferred)");
	for (unsigned n = 0; n <= 4; n++) {
		csr_write(CSR_GCFG, GCFG_GPERF(n));
		check_equal(csr_read(CSR_GCFG), GCFG_CAPS | GCFG_GPERF(n), "gcfg_rw: GPERF takes 0 to 4");
	}
	for (unsigned n = 0; n <= 2; n++) {
		csr_write(CSR_GCFG, GCFG_MATC(n) | GCFG_GCI(n));
		check_equal(csr_read(CSR_GCFG), GCFG_CAPS | GCFG_MATC(n) | GCFG_GCI(n),
			    "gcfg_rw: MATC and GCI take 0 to 2");
	}
	csr_write(CSR_GCFG, 0);
}

static void other_root_registers(void)
{
	csr_write(CSR_GTLBC, 0xa50000 | GTLBC_USETGID | GTLBC_TOTI | GTLBC_SIZE);
	check_equal(csr_read(CSR_GTLBC), 0xa50000 | GTLBC_USETGID | GTLBC_TOTI | GTLBC_SIZE,
		    "gtlbc_rw: TGID, USETGID, TOTI and the size read back");
	csr_write(CSR_GTLBC, ONES);
	check_equal(csr_read(CSR_GTLBC), GTLBC_TGID | GTLBC_USETGID | GTLBC_TOTI | GTLBC_SIZE,
		    "gtlbc_rw: reserved bits are 0");
	csr_write(CSR_GTLBC, 0);
	csr_write(CSR_GINTC, 0xa5);
	csr_change(CSR_GINTC, 2, 2);
	check_equal(csr_read(CSR_GINTC), 0xa7, "gintc_rw: csrxchg sets one bit of VIP");
	csr_write(CSR_GINTC, 0xc35a81);
	check_equal(csr_read(CSR_GINTC), 0xc35a81, "gintc_rw: HC and PIP are stored");
	csr_write(CSR_GINTC, ONES);
	check_equal(csr_read(CSR_GINTC), 0xffffff, "gintc_rw: reserved bits are 0");
	csr_write(CSR_GINTC, 0);
	csr_write(CSR_GCNTC, 0x89abcdef01234567);
	check_equal(csr_read(CSR_GCNTC), 0x89abcdef01234567, "gcntc_rw: 64 bits read back");
	csr_write(CSR_GCNTC, 0);
	csr_write(CSR_TRGP, ONES);
	check_equal(csr_read(CSR_TRGP), 0xff0001, "trgp_rw: GTLB and RID can be written (inferred)");
	csr_write(CSR_TRGP, 0);
	csr_write(CSR_TLBRPRMD, 0x1f);
	check_equal(csr_read(CSR_TLBRPRMD), 0x1f, "tlbrprmd_pgm_rw: PGM and the others are kept");
	csr_write(CSR_TLBRPRMD, 0);
	csr_write(CSR_MERRCTL, 0x20);
	check_equal(csr_read(CSR_MERRCTL) & 0x20, 0x20, "merrctl_pgm_rw: PGM is kept");
	csr_write(CSR_MERRCTL, 0);
	trap_clear();
	trap_resume = ADDRESS(user_return);
	user_run(3, USER(read_gstat), 0, 0);
	check(trapped(EXC_IPE), "lvz_csr_plv3: csrrd of GSTAT at PLV3 is a privilege error");
}

static void trgp(void)
{
	const uint64_t gpa = 0x12348000, elo = 0x40000000 | PAGE_RW | ELO_G;

	csr_write(CSR_GTLBC, 3 << 16 | GTLBC_USETGID);
	tlb_set(2048 + 5, gpa, 14, elo, elo + 0x4000);
	csr_write(CSR_TLBEHI, 0);
	csr_write(CSR_TLBELO0, 0);
	csr_write(CSR_TLBELO1, 0);
	csr_write(CSR_TRGP, 0);
	csr_write(CSR_TLBIDX, 2048 + 5);
	__asm__ volatile("tlbrd" ::: "memory");
	check_equal(csr_read(CSR_TRGP) & 0xff0000, 3 << 16,
		    "trgp_tlbrd: RID is the GID of the entry read (inferred)");
	check_equal(csr_read(CSR_TLBEHI), gpa, "trgp_tlbrd: TLBEHI is the guest entry's");
	check_equal(csr_read(CSR_TLBELO0), elo, "trgp_tlbrd: TLBELO0 is the guest entry's");
	check_equal(csr_read(CSR_TLBELO1), elo + 0x4000, "trgp_tlbrd: TLBELO1 is the guest entry's");
	check_equal(csr_read(CSR_TLBIDX), 14 << 24 | (2048 + 5), "trgp_tlbrd: TLBIDX has its PS, NE is 0");
	csr_write(CSR_GTLBC, 0);
	tlb_set(2048 + 5, gpa, 14, elo, elo + 0x4000);
	csr_write(CSR_TLBIDX, 2048 + 5);
	__asm__ volatile("tlbrd" ::: "memory");
	check_equal(csr_read(CSR_TRGP), 0, "trgp_tlbrd: an entry of root's has RID 0 (inferred)");
	csr_write(CSR_ASID, 0);
	tlb_flush();
}

/* Name and what is left of all ones; `wide` registers have 64 bits, others read sign-extended. */
#define GUEST_FILE(REG)                                                                                      \
	REG(PRMD, 0xf, false)                                                                                \
	REG(CRMD, 0x3ff, false)                                                                              \
	REG(EUEN, 0xf, false)                                                                                \
	REG(MISC, 0x7feee, false)                                                                            \
	REG(ERA, ONES, true)                                                                                 \
	REG(BADV, ONES, true)                                                                                \
	REG(BADI, 0xffffffff, false)                                                                         \
	REG(EENTRY, ~0xfffull, true)                                                                         \
	REG(TLBIDX, 0xbf000fff, false)                                                                       \
	REG(TLBEHI, ~0x1fffull, true)                                                                        \
	REG(TLBELO0, 0xe000fffffffff07f, true)                                                               \
	REG(TLBELO1, 0xe000fffffffff07f, true)                                                               \
	REG(ASID, 0xa03ff, false)                                                                            \
	REG(PGDL, ~0xfffull, true)                                                                           \
	REG(PGDH, ~0xfffull, true)                                                                           \
	REG(PWCL, 0x3fffffff, false)                                                                         \
	REG(PWCH, has_page_walker() ? 0x1ffffff : 0xffffff, false)                                           \
	REG(RVACFG, cpucfg(3) >> 12 & 1 ? 0xf : 0, false)                                                    \
	REG(CPUID, 0x1ff, false)                                                                             \
	REG(SAVE(0), ONES, true)                                                                             \
	REG(SAVE(1), ONES, true)                                                                             \
	REG(SAVE(2), ONES, true)                                                                             \
	REG(SAVE(3), ONES, true)                                                                             \
	REG(SAVE(4), ONES, true)                                                                             \
	REG(SAVE(5), ONES, true)                                                                             \
	REG(SAVE(6), ONES, true)                                                                             \
	REG(SAVE(7), ONES, true)                                                                             \
	REG(TID, 0xffffffff, false)                                                                          \
	REG(TVAL, 0xffffffffffff, true)                                                                      \
	REG(CNTC, ONES, true)                                                                                \
	REG(TICLR, 0, false)                                                                                 \
	REG(LLBCTL, 4, false)                                                                                \
	REG(TLBRENTRY, ~0xfffull, true)                                                                      \
	REG(TLBRBADV, ONES, true)                                                                            \
	REG(TLBRERA, ~2ull, true)                                                                            \
	REG(TLBRSAVE, ONES, true)                                                                            \
	REG(TLBRELO0, 0xe000fffffffff07f, true)                                                              \
	REG(TLBRELO1, 0xe000fffffffff07f, true)                                                              \
	REG(TLBREHI, 0xffffffffffffe03f, true)                                                               \
	REG(TLBRPRMD, 0x17, false)                                                                           \
	REG(DMW0, 0xf00000000000003f, true)                                                                  \
	REG(DMW1, 0xf00000000000003f, true)                                                                  \
	REG(DMW2, 0xf00000000000003f, true)                                                                  \
	REG(DMW3, 0xf00000000000003f, true)

static void gcsr_basic(void)
{
	const uint64_t vs = 7 << 16, lie = 0x1fff | (has_message_interrupts() ? 1 << 14 : 0);

#define KEEPS_ITS_MASK(name, mask, wide)                                                                     \
	gcsr_write(CSR_##name, ONES);                                                                        \
	check_equal(gcsr_read(CSR_##name), wide ? (uint64_t)(mask) : SIGNED32(mask),                         \
		    "gcsr_basic: the bits of " #name " that root can write");                                \
	gcsr_write(CSR_##name, 0);
	GUEST_FILE(KEEPS_ITS_MASK)
	gcsr_write(CSR_ECFG, ONES);
	check_equal(gcsr_read(CSR_ECFG), vs | lie, "gcsr_basic: the bits of ECFG that root can write");
	gcsr_write(CSR_ECFG, 0);
	gcsr_write(CSR_ESTAT, ONES);
	check_equal(gcsr_read(CSR_ESTAT) & ~(1ull << 14), 0x7fff1c03,
		    "gcsr_basic: root can write ESTAT's SWI, PMI, TI, IPI and codes, not HWI");
	gcsr_write(CSR_ESTAT, 0);
	check_equal(gcsr_read(CSR_ESTAT), 0, "gcsr_basic: root can clear them again");
	gcsr_write(CSR_TCFG, ONES);
	check_equal(gcsr_read(CSR_TCFG), 0xffffffffffff, "gcsr_basic: the bits of TCFG that root can write");
	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_STLBPS, 25);
	check_equal(gcsr_read(CSR_STLBPS), 25, "gcsr_basic: root can write STLBPS");
	for (unsigned n = 0x38; n < 0x40; n++)
		gcsr_write_any(n, ONES);
	check_equal(gcsr_read_any(0x38) | gcsr_read_any(0x3f), 0,
		    "gcsr_basic: PRCFG1 promises 8 SAVE registers, the others read 0");
	csr_write(CSR_GCFG, GCFG_GPERF(4));
	for (unsigned n = 0; n < 4; n++)
		gcsr_write_any(CSR_PMCNT0 + 2 * n, 0x8000000000000000 + n);
	for (unsigned n = 0; n < 4; n++)
		check_equal(gcsr_read_any(CSR_PMCNT0 + 2 * n), 0x8000000000000000 + n,
			    "gcsr_basic: the guest's counters hold 64 bits each");
	for (unsigned n = 0; n < 4; n++)
		gcsr_write_any(CSR_PMCNT0 + 2 * n, 0);
	csr_write(CSR_GCFG, 0);
	if (!has_message_interrupts()) {
		skip("gcsr_basic: message interrupt registers hold what root writes",
		     "no message interrupts");
		return;
	}
	for (unsigned n = 0; n < 4; n++)
		gcsr_write_any(CSR_MSGIS0 + n, 0x123456789abcdef0 + n);
	for (unsigned n = 0; n < 4; n++)
		check_equal(gcsr_read_any(CSR_MSGIS0 + n), 0x123456789abcdef0 + n,
			    "gcsr_basic: MSGISn hold what root writes");
	for (unsigned n = 0; n < 4; n++)
		gcsr_write_any(CSR_MSGIS0 + n, 0);
	gcsr_write(CSR_MSGIE, ONES);
	check_equal(gcsr_read(CSR_MSGIE), 0xff, "gcsr_basic: the bits of MSGIE that root can write");
	gcsr_write(CSR_MSGIE, 0);
}

static void gcsr_old(void)
{
	gcsr_write(CSR_SAVE(0), 0x1111111111111111);
	check_equal(gcsr_swap(CSR_SAVE(0), 0x2222222222222222), 0x1111111111111111,
		    "gcsr_old: gcsrwr returns the old value");
	check_equal(gcsr_exchange(CSR_SAVE(0), ONES, 0xff00), 0x2222222222222222,
		    "gcsr_old: gcsrxchg returns the old value");
	check_equal(gcsr_read(CSR_SAVE(0)), 0x222222222222ff22,
		    "gcsr_old: gcsrxchg writes the bits of its mask");
	gcsr_write(CSR_ESTAT, 0);
	gcsr_change(CSR_ESTAT, 0x1000, 0x1000);
	check_equal(gcsr_swap(CSR_ESTAT, 0x800), 0x1000, "gcsr_old: gcsrwr of ESTAT returns the guest's");
	gcsr_change(CSR_ESTAT, 0x1000, 0x1000);
	check_equal(gcsr_exchange(CSR_ESTAT, ~0x800ull, 0x800), 0x1800,
		    "gcsr_old: gcsrxchg of ESTAT returns the guest's");
	check_equal(gcsr_read(CSR_ESTAT), 0x1000, "gcsr_old: gcsrxchg of ESTAT clears the bits of its mask");
	gcsr_write(CSR_ESTAT, 0);
	gcsr_change(CSR_ASID, 0x3ff, 0x3f0);
	check_equal(gcsr_read(CSR_ASID), 0xa03f0, "gcsr_old: gcsrxchg keeps to the writable bits");
	gcsr_write(CSR_ASID, 0);
}

/* Either file's register holds its own value. */
#define IS_OWN(name, guest_value, root_value)                                                                \
	{                                                                                                    \
		uint64_t root = csr_read(CSR_##name);                                                        \
                                                                                                             \
		gcsr_write(CSR_##name, guest_value);                                                         \
		check_equal(csr_read(CSR_##name), root,                                                      \
			    "gcsr_isolated: writing the guest's " #name " leaves root's alone");             \
		root_value;                                                                                  \
		check_equal(gcsr_read(CSR_##name), guest_value,                                              \
			    "gcsr_isolated: writing root's " #name " leaves the guest's alone");             \
		csr_write(CSR_##name, root);                                                                 \
	}

static void gcsr_isolated(void)
{
	IS_OWN(CRMD, 0x8b, csr_change(CSR_CRMD, 0, 0x80))
	IS_OWN(EENTRY, 0x1234560000, csr_write(CSR_EENTRY, ADDRESS(vectors) + 0x10000))
	IS_OWN(ASID, 0xa0123, csr_write(CSR_ASID, 0x21))
	IS_OWN(DMW3, 0x5000000000000001, csr_write(CSR_DMW3, 0x6000000000000001))
	IS_OWN(ECFG, 0x30804, csr_write(CSR_ECFG, 0x50000))
	IS_OWN(ESTAT, 0x1, csr_write(CSR_ESTAT, 0x2))
	IS_OWN(ERA, 0x1111, csr_write(CSR_ERA, 0x2222))
	IS_OWN(PGDL, 0x111000, csr_write(CSR_PGDL, 0x222000))
	IS_OWN(STLBPS, 14, csr_write(CSR_STLBPS, 12))
	IS_OWN(SAVE(2), 0x1111, csr_write(CSR_SAVE(2), 0x2222))
	IS_OWN(TID, 0x1111, csr_write(CSR_TID, 0x2222))
	IS_OWN(CNTC, 0x1111, csr_write(CSR_CNTC, 0x2222))
	IS_OWN(TCFG, 0xfffffff0, csr_write(CSR_TCFG, 0xffffff0))
	IS_OWN(LLBCTL, 4, csr_write(CSR_LLBCTL, 0))
	IS_OWN(TLBRENTRY, 0x4444000, csr_write(CSR_TLBRENTRY, 0x5555000))
	IS_OWN(TLBRPRMD, 0x3, csr_write(CSR_TLBRPRMD, 0x4))
	gcsr_write(CSR_ESTAT, 0);
	gcsr_write(CSR_LLBCTL, 0);
}

static void gcsr_ro_const(void)
{
	trap_clear();
	gcsr_write(CSR_PRCFG1, 0);
	gcsr_write(CSR_PRCFG2, 0);
	gcsr_write(CSR_PRCFG3, 0);
	gcsr_write(CSR_PGD, 0);
	gcsr_write(CSR_ASID, 0);
	check_equal(trap.count, 0, "gcsr_ro_const: writing constants raises nothing");
	check_equal(gcsr_read(CSR_PRCFG1), csr_read(CSR_PRCFG1), "gcsr_ro_const: PRCFG1 is unchanged");
	check_equal(gcsr_read(CSR_PRCFG2), csr_read(CSR_PRCFG2), "gcsr_ro_const: PRCFG2 is unchanged");
	check_equal(gcsr_read(CSR_PRCFG3), csr_read(CSR_PRCFG3), "gcsr_ro_const: PRCFG3 is unchanged");
	check_equal(gcsr_read(CSR_ASID), 0xa0000, "gcsr_ro_const: ASIDBITS is 10 after ASID was set to 0");
}

static void gcsr_absent(void)
{
	static const uint16_t absent[] = { 0x15,  0x16,	 0x50,	0x51,  0x52,  0x53,  0x80,  0x81,
					   0x90,  0x93,	 0x95,	0x98,  0x300, 0x301, 0x310, 0x313,
					   0x380, 0x390, 0x500, 0x501, 0x502, 0x7ff, 0x3fff };
	uint64_t gtlbc = csr_read(CSR_GTLBC), gstat = csr_read(CSR_GSTAT), dsave, seen = 0;

	csr_write(CSR_DSAVE, 0x1234);
	trap_clear();
	for (unsigned n = 0; n < sizeof(absent) / sizeof(absent[0]); n++) {
		uint64_t was = gcsr_read_any(absent[n]), old = gcsr_write_any(absent[n], ONES),
			 is = gcsr_read_any(absent[n]);

		if (was || old || is)
			print("# CSR %x: %lx %lx %lx\n", absent[n], was, old, is);
		seen |= was | old | is;
	}
	dsave = csr_read(CSR_DSAVE);
	check_equal(seen, 0, "gcsr_absent: what is not in the guest's file reads 0");
	check_equal(trap.count, 0, "gcsr_absent: and raises nothing");
	check_equal(csr_read(CSR_GTLBC), gtlbc, "gcsr_absent: gcsrwr of GTLBC does not reach root's");
	check_equal(csr_read(CSR_GSTAT), gstat, "gcsr_absent: gcsrwr of GSTAT does not reach root's");
	check_equal(dsave, 0x1234, "gcsr_absent: gcsrwr of DSAVE does not reach root's");
}

static void privilege(void)
{
	static const struct {
		const char *code, *sentence;
	} users[] = {
		{ user_gcsrrd, "gcsr_plv3: gcsrrd at root's PLV3 is a privilege error" },
		{ user_gcsrwr, "gcsr_plv3: gcsrwr at root's PLV3 is a privilege error" },
		{ user_gcsrxchg, "gcsr_plv3: gcsrxchg at root's PLV3 is a privilege error" },
	};

	for (unsigned n = 0; n < sizeof(users) / sizeof(users[0]); n++) {
		trap_clear();
		trap_resume = ADDRESS(user_return);
		user_run(3, USER(users[n].code), 1, 2);
		check(trapped(EXC_IPE), users[n].sentence);
	}
}

static void gcsr_in_guest(void)
{
	static const struct {
		uint32_t word;
		const char *sentence;
	} words[] = {
		{ 0x05001404, "gcsr_in_guest: gcsrrd is undefined for the guest, no exit (inferred)" },
		{ 0x0500c024, "gcsr_in_guest: gcsrwr is undefined for the guest, no exit (inferred)" },
		{ 0x0500c0a4, "gcsr_in_guest: gcsrxchg is undefined for the guest, no exit (inferred)" },
		{ 0x06482001, "gcsr_in_guest: gtlbclr is undefined for the guest, no exit (inferred)" },
		{ 0x06482401, "gcsr_in_guest: gtlbflush is undefined for the guest, no exit (inferred)" },
		{ 0x06482801, "gcsr_in_guest: gtlbsrch is undefined for the guest, no exit (inferred)" },
		{ 0x06482c01, "gcsr_in_guest: gtlbrd is undefined for the guest, no exit (inferred)" },
		{ 0x06483001, "gcsr_in_guest: gtlbwr is undefined for the guest, no exit (inferred)" },
		{ 0x06483401, "gcsr_in_guest: gtlbfill is undefined for the guest, no exit (inferred)" },
	};

	guest_reset();
	for (unsigned n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
		guest_trap_clear();
		guest.gpr[4] = 0x77;
		guest_execute(words[n].word);
		check(guest_trapped(EXC_INE) && guest_ended() && guest.gpr[4] == 0x77, words[n].sentence);
	}
}

GUEST(read_identity, "csrrd $a1, 0x8; csrrd $a2, 0x20; csrrd $a3, 0x42; move $a0, $zero");

static void gcsr_seen_by_guest(void)
{
	guest_reset();
	gcsr_write(CSR_BADI, 0x12345678);
	gcsr_write(CSR_CPUID, 0x83);
	gcsr_write(CSR_TVAL, 0x123456789abc);
	guest_run(read_identity, 0, 0);
	check(guest_ended(), "gcsr_badi_cpuid_tval: the guest reads them without an exit");
	check_equal(guest.gpr[5], 0x12345678, "gcsr_badi_cpuid_tval: it sees BADI");
	check_equal(guest.gpr[6], 0x83, "gcsr_badi_cpuid_tval: it sees CPUID");
	check_equal(guest.gpr[7], 0x123456789abc, "gcsr_badi_cpuid_tval: it sees TVAL, the timer being off");
}

static void gcsr_pgd(void)
{
	const uint64_t low = 0x1234000, high = 0xffff800000001000;

	guest_reset();
	gcsr_write(CSR_PGDL, 0x100000);
	gcsr_write(CSR_PGDH, 0x200000);
	gcsr_write(CSR_BADV, low);
	gcsr_write(CSR_TLBRBADV, high);
	check_equal(gcsr_read(CSR_PGD), 0x100000, "gcsr_pgd: PGDL by the guest's BADV");
	gcsr_write(CSR_BADV, high);
	gcsr_write(CSR_TLBRBADV, low);
	check_equal(gcsr_read(CSR_PGD), 0x200000, "gcsr_pgd: PGDH by the guest's BADV");
	gcsr_write(CSR_TLBRERA, 1);
	check_equal(gcsr_read(CSR_PGD), 0x100000, "gcsr_pgd: with IsTLBR PGDL by the guest's TLBRBADV");
	gcsr_write(CSR_BADV, low);
	gcsr_write(CSR_TLBRBADV, high);
	check_equal(gcsr_read(CSR_PGD), 0x200000, "gcsr_pgd: with IsTLBR PGDH by the guest's TLBRBADV");
	gcsr_write(CSR_TLBRERA, 0);
}

static void gcsr_prmd_mask(void)
{
	gcsr_write(CSR_PRMD, 0x3ff);
	check_equal(gcsr_read(CSR_PRMD), 0xf, "gcsr_prmd_mask: bits above 3 are dropped");
	gcsr_write(CSR_PRMD, 0x10);
	check_equal(gcsr_read(CSR_PRMD), 0, "gcsr_prmd_mask: bit 4 is dropped");
}

static void tests(void)
{
	untouched();
	gstat();
	gcfg();
	other_root_registers();
	trgp();
	gcsr_basic();
	gcsr_old();
	gcsr_isolated();
	gcsr_ro_const();
	gcsr_absent();
	privilege();
	gcsr_prmd_mask();
	lvz_setup();
	gcsr_in_guest();
	gcsr_seen_by_guest();
	gcsr_pgd();
}

void secondary_main(unsigned core)
{
	lvz_second(tests);
}

void suite(void)
{
	tests();
	lvz_both();
}
