/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Floating-point move and branch instructions and the FCSRs, Vol.1 3.1.3, 3.2.4 and 3.2.5. */
#include "machine/interp/fp.h"
#include "machine/interp/interp.h"

INTERP(fmov_s)
{
	NEED_FP();
	FR(rd) = FR(rj) | 0xffffffffull << 32;
	return INSN_NEXT;
}

INTERP(fmov_d)
{
	NEED_FP();
	FR(rd) = FR(rj);
	return INSN_NEXT;
}

INTERP(fsel)
{
	NEED_FP();
	FR(rd) = cpu->fcc[insn->ra & 7] ? FR(rk) : FR(rj);
	return INSN_NEXT;
}

/* Vol.1 leaves bits 63:32 open; they stay. */
INTERP(movgr2fr_w)
{
	NEED_FP();
	VR(rd).uw[0] = GR(rj);
	return INSN_NEXT;
}

INTERP(movgr2frh_w)
{
	NEED_FP();
	VR(rd).uw[1] = GR(rj);
	return INSN_NEXT;
}

INTERP(movgr2fr_d)
{
	NEED_FP();
	FR(rd) = GR(rj);
	return INSN_NEXT;
}

INTERP(movfr2gr_s)
{
	NEED_FP();
	cpu_set_gpr(cpu, insn->rd, VR(rj).w[0]);
	return INSN_NEXT;
}

INTERP(movfrh2gr_s)
{
	NEED_FP();
	cpu_set_gpr(cpu, insn->rd, VR(rj).w[1]);
	return INSN_NEXT;
}

INTERP(movfr2gr_d)
{
	NEED_FP();
	cpu_set_gpr(cpu, insn->rd, FR(rj));
	return INSN_NEXT;
}

/* Setting a cause together with its enable raises nothing. */
INTERP(movgr2fcsr)
{
	uint32_t view = fp_fcsr_view(insn->rd);

	NEED_FP();
	cpu->fcsr = (cpu->fcsr & ~view) | (GR(rj) & view);
	return INSN_NEXT;
}

INTERP(movfcsr2gr)
{
	NEED_FP();
	cpu_set_gpr(cpu, insn->rd, cpu->fcsr & fp_fcsr_view(insn->rj));
	return INSN_NEXT;
}

INTERP(movfr2cf)
{
	NEED_FP();
	cpu->fcc[insn->rd & 7] = FR(rj) & 1;
	return INSN_NEXT;
}

INTERP(movcf2fr)
{
	NEED_FP();
	FR(rd) = cpu->fcc[insn->rj & 7];
	return INSN_NEXT;
}

INTERP(movgr2cf)
{
	NEED_FP();
	cpu->fcc[insn->rd & 7] = GR(rj) & 1;
	return INSN_NEXT;
}

INTERP(movcf2gr)
{
	NEED_FP();
	cpu_set_gpr(cpu, insn->rd, cpu->fcc[insn->rj & 7]);
	return INSN_NEXT;
}

INTERP(bceqz)
{
	NEED_FP();
	if (cpu->fcc[insn->rj & 7])
		return INSN_NEXT;
	cpu->pc += insn->imm;
	return INSN_JUMP;
}

INTERP(bcnez)
{
	NEED_FP();
	if (!cpu->fcc[insn->rj & 7])
		return INSN_NEXT;
	cpu->pc += insn->imm;
	return INSN_JUMP;
}
