/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Privileged instructions outside PLV0: each raises IPE.  Vol.1 4.2, CSR.MISC of 7.4.4. */
#include "guest.h"

#define ROWS(ROW)                                                                                            \
	ROW(csrrd, "csrrd $a0, 0x30")                                                                        \
	ROW(csrrd_pmcnt, "csrrd $a0, 0x201")                                                                 \
	ROW(csrwr, "csrwr $a0, 0x30")                                                                        \
	ROW(csrxchg, "csrxchg $a0, $a1, 0x30")                                                               \
	ROW(cacop, "cacop 0, $a0, 0")                                                                        \
	ROW(lddir, "lddir $a0, $a0, 1")                                                                      \
	ROW(ldpte, "ldpte $a0, 0")                                                                           \
	ROW(iocsrrd_b, "iocsrrd.b $a0, $a0")                                                                 \
	ROW(iocsrrd_h, "iocsrrd.h $a0, $a0")                                                                 \
	ROW(iocsrrd_w, "iocsrrd.w $a0, $a0")                                                                 \
	ROW(iocsrrd_d, "iocsrrd.d $a0, $a0")                                                                 \
	ROW(iocsrwr_b, "iocsrwr.b $a0, $a1")                                                                 \
	ROW(iocsrwr_h, "iocsrwr.h $a0, $a1")                                                                 \
	ROW(iocsrwr_w, "iocsrwr.w $a0, $a1")                                                                 \
	ROW(iocsrwr_d, "iocsrwr.d $a0, $a1")                                                                 \
	ROW(tlbclr, "tlbclr")                                                                                \
	ROW(tlbflush, "tlbflush")                                                                            \
	ROW(tlbsrch, "tlbsrch")                                                                              \
	ROW(tlbrd, "tlbrd")                                                                                  \
	ROW(tlbwr, "tlbwr")                                                                                  \
	ROW(tlbfill, "tlbfill")                                                                              \
	ROW(invtlb, "invtlb 0, $zero, $zero")                                                                \
	ROW(ertn, "ertn")                                                                                    \
	ROW(idle, "idle 0")                                                                                  \
	ROW(dbcl, "dbcl 0")

#define DEFINE(name, text) SNIPPET(do_##name, text);
ROWS(DEFINE)

static const struct {
	const char *sentence;
	uint64_t code;
} rows[] = {
#define ENTRY(name, text) { #name " in PLV3 raises IPE", (uint64_t)do_##name },
	ROWS(ENTRY)
};

SNIPPET(do_rdtime, "rdtime.d $a0, $zero");
SNIPPET(do_rdtimel, "rdtimel.w $a0, $zero");
SNIPPET(do_cpucfg, "cpucfg $a0, $zero");
SNIPPET(do_csrrd_save, "csrrd $a0, 0x30");
SNIPPET(do_read_counter, "csrrd $a0, 0x201");
SNIPPET(do_read_config, "csrrd $a0, 0x200");

static void user(const char *snippet)
{
	trap_clear();
	user_run(3, USER(snippet), 0, 0);
}

static void counters(void)
{
	user(do_rdtime);
	check(trap.count == 0, "PLV3 may read the time");
	csr_write(CSR_MISC, 1 << 7);
	user(do_rdtime);
	qemu_differs();
	check(trapped(EXC_IPE), "MISC.DRDTL3 makes rdtime.d in PLV3 raise IPE");
	user(do_rdtimel);
	qemu_differs();
	check(trapped(EXC_IPE), "MISC.DRDTL3 makes rdtimel.w in PLV3 raise IPE");
	trap_clear();
	call(ADDRESS(do_rdtime), 0, 0);
	check(trap.count == 0, "MISC.DRDTL3 does not concern PLV0");
	csr_write(CSR_MISC, 1 << 11);
	user(do_read_counter);
	qemu_differs();
	check(trap.count == 0, "MISC.RPCNTL3 lets PLV3 read a performance counter");
	user(do_read_config);
	check(trapped(EXC_IPE), "but not its configuration");
	user(do_csrrd_save);
	check(trapped(EXC_IPE), "and no other CSR");
	csr_write(CSR_MISC, 0);
	user(do_cpucfg);
	check(trap.count == 0, "cpucfg is for every privilege level");
}

void suite(void)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		csr_write(CSR_SAVE0, 0x5555);
		trap_clear();
		user_run(3, (rows[i].code & 0xffffffffffff) | 0x8000000000000000, 0x1234, 0);
		check(trapped(EXC_IPE), rows[i].sentence);
	}
	check_equal(csr_read(CSR_SAVE0), 0x5555, "none of them did anything");
	counters();
}
