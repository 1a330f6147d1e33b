/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Statements that are about more than registers and memory: see statement.h. */
#include "machine/cpu/csr.h"
#include "tests/jit/statement.h"

/* Rounding mode and flags; at times exceptions are enabled, too. */
void statement_fcsr(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0);
	uint64_t any = program_random(p);
	uint64_t value = any & (any >> 40 & 3 ? 0x300 : 0x1f1f031f);

	PUT(&p->code, lu12i_w, t0, (int32_t)value >> 12);
	PUT(&p->code, ori, t0, t0, value & 0xfff);
	PUT(&p->code, movgr2fcsr, program_one_in(p, 8) ? any >> 50 & 3 : 0, t0);
	if (program_one_in(p, 2))
		PUT(&p->code, movfcsr2gr, program_free(p), program_random(p) & 3);
}

/* An instruction that others overwrite. */
void statement_site(struct program *p)
{
	unsigned reg = program_free(p);

	if (p->patches < PROGRAM_PATCHES)
		p->patch[p->patches++] = p->code.count;
	PUT(&p->code, addi_d, reg, reg, program_random(p) & 0x7ff);
}

/* Address of a word, maybe by another name of its page. */
static uint64_t patch_address(struct program *p, unsigned site)
{
	uint64_t alias = p->space == SPACE_MAPPED ? (program_random(p) & 1) << (p->page_bits + 8) : 0;

	return program_address(p, site) + alias;
}

/* Stores the word in @from at the address in @at, in one of the ways in which guests store. */
static void store_word(struct program *p, unsigned from, unsigned at)
{
	const unsigned v = statement_any(p);

	switch (program_random(p) % 6) {
	case 0:
		PUT(&p->code, amswap_db_w, program_free(p), from, at);
		break;
	case 1:
		PUT(&p->code, movgr2fr_w, v, from);
		PUT(&p->code, fst_s, v, at, 0);
		break;
	case 2:
		PUT(&p->code, vreplgr2vr_w, v, from);
		PUT(&p->code, vstelm_w, v, at, 0, 2);
		break;
	case 3:
		PUT(&p->code, ll_w, LINK, at, 0);
		PUT(&p->code, or, LINK, from, 0);
		PUT(&p->code, sc_w, LINK, at, 0);
		break;
	default:
		PUT(&p->code, st_w, from, at, 0);
	}
}

/* Another ADDI.D, whose immediate is what a register holds, over one made before or the next to come. */
void statement_patch(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0), t1 = role(p, ROLE_T1);
	const bool next = !p->patches || program_one_in(p, 3);
	struct code_buffer address;
	unsigned reg = program_free(p);

	if (!p->modifies_code)
		return;
	code_constant(&p->code, t0, WORD(addi_d, reg, reg, 0));
	PUT(&p->code, bstrins_d, t0, statement_any(p), 21, 10);
	address = p->code;
	code_constant(&p->code, t1, 0);
	store_word(p, t0, t1);
	PUT(&p->code, ibar, 0);
	code_constant(&address, t1,
		      patch_address(p, next ? p->code.count : p->patch[program_random(p) % p->patches]));
	if (next)
		PUT(&p->code, addi_d, reg, reg, 1);
}

static void read_csr(struct program *p)
{
	static const uint16_t numbers[] = {
		CSR_CRMD,   CSR_PRMD,	 CSR_EUEN,   CSR_MISC,	 CSR_ECFG,   CSR_ESTAT, CSR_ERA,  CSR_BADV,
		CSR_BADI,   CSR_EENTRY,	 CSR_TLBIDX, CSR_TLBEHI, CSR_ASID,   CSR_PGDL,	CSR_PGD,  CSR_PWCL,
		CSR_STLBPS, CSR_CPUID,	 CSR_PRCFG1, CSR_SAVE0,	 CSR_TID,    CSR_TCFG,	CSR_TVAL, CSR_CNTC,
		CSR_LLBCTL, CSR_TLBRERA, CSR_DMW0,   CSR_PMCFG0, CSR_PMCNT0, 0x123,
	};

	PUT(&p->code, csrrd, program_free(p),
	    numbers[program_random(p) % (sizeof(numbers) / sizeof(*numbers))]);
}

static void write_csr(struct program *p)
{
	static const uint16_t numbers[] = { CSR_SAVE0 + 5, CSR_SAVE0 + 6, CSR_TID,  CSR_CNTC,
					    CSR_LLBCTL,	   CSR_TLBEHI,	  CSR_BADV, 0x3fff };
	const unsigned number = numbers[program_random(p) % (sizeof(numbers) / sizeof(*numbers))];
	unsigned mask;

	do
		mask = statement_any(p);
	while (mask < 2); /* those are CSRRD and CSRWR */
	if (program_one_in(p, 2))
		PUT(&p->code, csrwr, program_free(p), number);
	else
		PUT(&p->code, csrxchg, program_free(p), mask, number);
}

/* Expiries some hundreds of instructions away. */
static void set_timer(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0);

	PUT(&p->code, addi_d, t0, 0, (program_random(p) % 500 + 4) << 2 | (program_random(p) & 2) | 1);
	PUT(&p->code, csrwr, t0, CSR_TCFG);
}

/* Bit @bit of CSR @number becomes 0 or 1: interrupts, units, software interrupts. */
static void set_bit(struct program *p, unsigned number, unsigned bit)
{
	const unsigned t0 = role(p, ROLE_T0), t1 = role(p, ROLE_T1);

	PUT(&p->code, addi_d, t0, 0, program_one_in(p, 4) ? 0 : -1);
	PUT(&p->code, addi_d, t1, 0, 1 << bit);
	PUT(&p->code, csrxchg, t0, t1, number);
}

static void tlb_instruction(struct program *p)
{
	const unsigned base = role(p, ROLE_BASE0);

	switch (program_random(p) % 5) {
	case 0:
		PUT(&p->code, tlbsrch);
		break;
	case 1:
		PUT(&p->code, tlbrd);
		break;
	case 2:
		PUT(&p->code, cacop, 0x10 | (program_random(p) & 3), base, program_random(p) & 0x7ff);
		break;
	case 3:
		PUT(&p->code, tlbclr);
		break;
	default:
		PUT(&p->code, invtlb, program_random(p) % 8, statement_any(p),
		    program_one_in(p, 2) ? base : 0);
	}
}

/* A line of the device rises, for this core or another. */
static void raise_line(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0);

	PUT(&p->code, addi_d, t0, 0, (program_random(p) & 0x16) | 1);
	PUT(&p->code, st_w, t0, role(p, ROLE_DEVICE), 0);
}

static void send_ipi(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0), t1 = role(p, ROLE_T1);

	PUT(&p->code, addi_d, t0, 0, program_random(p) & 1);
	PUT(&p->code, lu12i_w, t1, RIG_IPI_SEND >> 12);
	PUT(&p->code, ori, t1, t1, RIG_IPI_SEND & 0xfff);
	PUT(&p->code, iocsrwr_w, t0, t1);
}

static void count(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0);

	if (!p->counts)
		return;
	/* Some event, counted in PLV0 and PLV3. */
	PUT(&p->code, lu12i_w, t0, 0x90000 >> 12);
	PUT(&p->code, ori, t0, t0, program_random(p) & 0x3);
	PUT(&p->code, csrwr, t0, CSR_PMCFG0 + 2 * (program_random(p) & 3));
}

/* A jump to where nothing can be fetched. */
static void jump_nowhere(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0);

	PUT(&p->code, pcaddi, t0, 2 + (program_random(p) & 3));
	if (program_one_in(p, 2))
		PUT(&p->code, addi_d, t0, t0, 1 + program_random(p) % 3);
	else
		PUT(&p->code, lu52i_d, t0, t0, 0x123);
	PUT(&p->code, jirl, LINK, t0, 0);
}

void statement_system(struct program *p)
{
	switch (program_random(p) % 16) {
	case 0 ... 2:
		read_csr(p);
		break;
	case 3 ... 4:
		write_csr(p);
		break;
	case 5:
		set_timer(p);
		break;
	case 6:
		set_bit(p, CSR_CRMD, 2);
		break;
	case 7:
		set_bit(p, CSR_EUEN, program_random(p) % 3);
		break;
	case 8:
		set_bit(p, CSR_ESTAT, program_random(p) & 1);
		break;
	case 9 ... 10:
		tlb_instruction(p);
		break;
	case 11:
		raise_line(p);
		break;
	case 12:
		send_ipi(p);
		break;
	case 13:
		count(p);
		break;
	case 14:
		jump_nowhere(p);
		break;
	default:
		if (program_one_in(p, 4))
			PUT(&p->code, idle, 0);
		else
			PUT(&p->code, iocsrrd_d, program_free(p), statement_any(p));
	}
}
