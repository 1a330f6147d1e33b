/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Floating-point instructions that raise nothing: signs, moves, selection, classes, FCSR, condition flags. */
#include "machine/interp/fp.h"
#include "machine/jit/fp_emit.h"

/* Writes @op of the sign's mask and rj; to a single's bits 63:32 what results have there. */
static bool sign(struct emit *e, const struct insn *insn, unsigned size, enum x86_vop op)
{
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, size);
	d = vr_def(e, insn->rd, 8);
	x86_v3(&e->code, op, 128, d, emit_sign_mask(e, size), a);
	if (size == 4)
		emit_box_single(e, d);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_fabs_s(struct emit *e, const struct insn *insn)
{
	return sign(e, insn, 4, V_andnps);
}

bool emit_fabs_d(struct emit *e, const struct insn *insn)
{
	return sign(e, insn, 8, V_andnps);
}

bool emit_fneg_s(struct emit *e, const struct insn *insn)
{
	return sign(e, insn, 4, V_xorps);
}

bool emit_fneg_d(struct emit *e, const struct insn *insn)
{
	return sign(e, insn, 8, V_xorps);
}

/* Everything but rj's magnitude is rk's; so are bits 63:32 of a single. */
static bool copy_sign(struct emit *e, const struct insn *insn, unsigned size)
{
	struct code *c = &e->code;
	unsigned a, b, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, size);
	b = vr_use(e, insn->rk, size);
	d = vr_def(e, insn->rd, 8);
	x86_vshift(c, V_psllq_i, 128, X0, emit_ones(e), size * 8 - 1);
	x86_v3(c, V_andps, 128, X1, X0, b);
	x86_v3(c, V_andnps, 128, X0, X0, a);
	x86_v3(c, V_orps, 128, d, X0, X1);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_fcopysign_s(struct emit *e, const struct insn *insn)
{
	return copy_sign(e, insn, 4);
}

bool emit_fcopysign_d(struct emit *e, const struct insn *insn)
{
	return copy_sign(e, insn, 8);
}

bool emit_fmov_s(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, 4);
	d = vr_def(e, insn->rd, 8);
	x86_v3i(&e->code, V_blendps, 128, d, emit_ones(e), a, 1);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_fmov_d(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, 8);
	d = vr_def(e, insn->rd, 8);
	x86_vmov(&e->code, 128, d, a);
	vr_done(e, insn->rd, 8);
	return true;
}

/* By a mask in the sign: what is selected is rarely predictable. */
bool emit_fsel(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	unsigned a, b, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, 8);
	b = vr_use(e, insn->rk, 8);
	d = vr_def(e, insn->rd, 8);
	x86_movzx_rm(c, RAX, fcc_mem(e, insn->ra), 1);
	x86_v2(c, V_movd, 128, X0, RAX);
	x86_vshift(c, V_psllq_i, 128, X0, X0, 63);
	x86_v4(c, V_blendvpd, 128, d, a, b, X0);
	vr_done(e, insn->rd, 8);
	return true;
}

/* Normal numbers here, by their sign: bits 3 and 7.  The rest takes the slow path. */
static bool class(struct emit *e, const struct insn *insn, unsigned size, unsigned fraction_bits,
		  unsigned exponent_bits)
{
	struct code *c = &e->code;
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, size);
	d = vr_def(e, insn->rd, 8);
	x86_v2(c, size == 4 ? V_movd_r : V_movq_r, 128, RCX, a);
	x86_shift_ri(c, SHIFT_SHR, size, RCX, fraction_bits);
	/* an exponent of all ones or all zeros */
	x86_lea(c, 4, RAX, x86_at(RCX, 1));
	x86_test_ri(c, 4, RAX, (1 << exponent_bits) - 2);
	emit_interp_slow_jcc(e, CC_E);
	x86_shift_ri(c, SHIFT_SHR, 4, RCX, exponent_bits);
	x86_alu_ri(c, ALU_XOR, 4, RCX, 1);
	x86_shift_ri(c, SHIFT_SHL, 4, RCX, 2);
	x86_mov_ri(c, RAX, 1 << 3);
	x86_shiftx(c, SHIFT_SHL, 4, RAX, RAX, RCX);
	x86_v2(c, V_movd, 128, d, RAX);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_fclass_s(struct emit *e, const struct insn *insn)
{
	return class(e, insn, 4, 23, 8);
}

bool emit_fclass_d(struct emit *e, const struct insn *insn)
{
	return class(e, insn, 8, 52, 11);
}

/* A word to bits 31:0 or 63:32; the others stay. */
static bool insert_word(struct emit *e, const struct insn *insn, unsigned word)
{
	unsigned value, old, d;

	emit_need_fp(e);
	value = gr_use(e, insn->rj);
	old = vr_use(e, insn->rd, 8);
	d = vr_def(e, insn->rd, 8);
	x86_v3i(&e->code, V_pinsrd, 128, d, old, value, word);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_movgr2fr_w(struct emit *e, const struct insn *insn)
{
	return insert_word(e, insn, 0);
}

bool emit_movgr2frh_w(struct emit *e, const struct insn *insn)
{
	return insert_word(e, insn, 1);
}

bool emit_movgr2fr_d(struct emit *e, const struct insn *insn)
{
	unsigned value, d;

	emit_need_fp(e);
	value = gr_use(e, insn->rj);
	d = vr_def(e, insn->rd, 8);
	x86_v2(&e->code, V_movq, 128, d, value);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_movfr2gr_s(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, 4);
	d = gr_def(e, insn->rd);
	x86_v2(&e->code, V_movd_r, 128, d, a);
	x86_movsx_rr(&e->code, d, d, 4);
	gr_done(e, insn->rd);
	return true;
}

bool emit_movfr2gr_d(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, 8);
	d = gr_def(e, insn->rd);
	x86_v2(&e->code, V_movq_r, 128, d, a);
	gr_done(e, insn->rd);
	return true;
}

bool emit_movfrh2gr_s(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp(e);
	a = vr_use(e, insn->rj, 8);
	d = gr_def(e, insn->rd);
	x86_v2(&e->code, V_movq_r, 128, d, a);
	x86_shift_ri(&e->code, SHIFT_SAR, 8, d, 32);
	gr_done(e, insn->rd);
	return true;
}

/* Its arguments are in RSI and RDX, and registers in memory. */
static void call_function(struct emit *e, uintptr_t function)
{
	x86_mov_ri(&e->code, RAX, function);
	x86_call(&e->code, e->jit->thunk.function);
	regs_begin(e);
}

/* Enables and RM are there.  What else is shown of FCSR0 has to be worked out first. */
bool emit_movfcsr2gr(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	const uint32_t view = fp_fcsr_view(insn->rj);
	unsigned d;

	emit_need_fp(e);
	if (view & FCSR_CAUSE) {
		regs_flush(e);
		x86_mov_ri(c, RSI, view);
		call_function(e, (uintptr_t)jit_fp_read);
		d = gr_def(e, insn->rd);
		x86_mov_rr(c, 4, d, RAX);
	} else {
		d = gr_def(e, insn->rd);
		x86_mov_rm(c, 4, d, CPU_MEM(e, fcsr));
		x86_alu_ri(c, ALU_AND, 4, d, (int32_t)view);
	}
	gr_done_extended(e, insn->rd);
	return true;
}

/* Instructions behind it test again whether the Enables are 0. */
bool emit_movgr2fcsr(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	unsigned value;

	emit_need_fp(e);
	value = gr_use_word(e, insn->rj);
	regs_flush(e);
	x86_mov_rr(c, 4, RSI, value);
	x86_mov_ri(c, RDX, fp_fcsr_view(insn->rd));
	call_function(e, (uintptr_t)jit_fp_write);
	e->tested &= (uint8_t)~JIT_MISSING_QUIET_FP;
	return true;
}

bool emit_movfr2cf(struct emit *e, const struct insn *insn)
{
	emit_need_fp(e);
	x86_v2(&e->code, V_movd_r, 128, RAX, vr_use(e, insn->rj, 4));
	x86_alu_ri(&e->code, ALU_AND, 4, RAX, 1);
	x86_mov_mr(&e->code, 1, fcc_mem(e, insn->rd), RAX);
	return true;
}

bool emit_movgr2cf(struct emit *e, const struct insn *insn)
{
	emit_need_fp(e);
	x86_mov_rr(&e->code, 4, RAX, gr_use(e, insn->rj));
	x86_alu_ri(&e->code, ALU_AND, 4, RAX, 1);
	x86_mov_mr(&e->code, 1, fcc_mem(e, insn->rd), RAX);
	return true;
}

bool emit_movcf2fr(struct emit *e, const struct insn *insn)
{
	unsigned d;

	emit_need_fp(e);
	d = vr_def(e, insn->rd, 8);
	x86_movzx_rm(&e->code, RAX, fcc_mem(e, insn->rj), 1);
	x86_v2(&e->code, V_movd, 128, d, RAX);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_movcf2gr(struct emit *e, const struct insn *insn)
{
	unsigned d;

	emit_need_fp(e);
	d = gr_def(e, insn->rd);
	x86_movzx_rm(&e->code, d, fcc_mem(e, insn->rj), 1);
	gr_done(e, insn->rd);
	return true;
}
