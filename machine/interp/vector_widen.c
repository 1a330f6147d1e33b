/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector integer instructions whose result elements are wider than their operands (Vol.2): widening
 * add, subtract, multiply and multiply-add of even or odd elements, horizontal add and subtract,
 * extension of the low or high half of a lane, vsllwil, vext2xv.
 */
#include "machine/interp/vector.h"

enum { EVEN, ODD };

/*
 * Element i of the result, a member @wide, from element 2i + @pj of vj, a member @ej, and 2i + @pk of vk,
 * a member @ek.  In the expression a and b are these, extended to the type W of the result; d is the
 * old element of vd, without a sign so that a sum with it wraps.
 */
#define WIDEN(name, wide, ej, pj, ek, pk, ...)                                                               \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		typedef VECTOR_TYPE(wide) W;                                                                 \
                                                                                                             \
		for (unsigned i = 0; i < bytes / sizeof(W); i++) {                                           \
			const W a = vj->ej[2 * i + (pj)], b = vk->ek[2 * i + (pk)];                          \
			const VECTOR_TYPE(VECTOR_UNSIGNED_##wide) d __attribute__((unused)) =                \
				vd->VECTOR_UNSIGNED_##wide[i];                                               \
                                                                                                             \
			result->wide[i] = (W)(__VA_ARGS__);                                                  \
		}                                                                                            \
	}

/* Signed elements; unsigned ones; unsigned ones of vj with signed ones of vk.  Both of even or odd number. */
#define WIDEN_SIGNED(op, p, ...)                                                                             \
	WIDEN(op##_h_b, h, b, p, b, p, __VA_ARGS__)                                                          \
	WIDEN(op##_w_h, w, h, p, h, p, __VA_ARGS__)                                                          \
	WIDEN(op##_d_w, d, w, p, w, p, __VA_ARGS__)                                                          \
	WIDEN(op##_q_d, q, d, p, d, p, __VA_ARGS__)
#define WIDEN_UNSIGNED(op, p, ...)                                                                           \
	WIDEN(op##_h_bu, uh, ub, p, ub, p, __VA_ARGS__)                                                      \
	WIDEN(op##_w_hu, uw, uh, p, uh, p, __VA_ARGS__)                                                      \
	WIDEN(op##_d_wu, ud, uw, p, uw, p, __VA_ARGS__)                                                      \
	WIDEN(op##_q_du, uq, ud, p, ud, p, __VA_ARGS__)
#define WIDEN_MIXED(op, p, ...)                                                                              \
	WIDEN(op##_h_bu_b, h, ub, p, b, p, __VA_ARGS__)                                                      \
	WIDEN(op##_w_hu_h, w, uh, p, h, p, __VA_ARGS__)                                                      \
	WIDEN(op##_d_wu_w, d, uw, p, w, p, __VA_ARGS__)                                                      \
	WIDEN(op##_q_du_d, q, ud, p, d, p, __VA_ARGS__)
#define WIDEN_ROWS(ROWS, op, ...)                                                                            \
	ROWS(op##ev, EVEN, __VA_ARGS__)                                                                      \
	ROWS(op##od, ODD, __VA_ARGS__)

/* clang-format off */
WIDEN_ROWS(WIDEN_SIGNED, vaddw, a + b)
WIDEN_ROWS(WIDEN_UNSIGNED, vaddw, a + b)
WIDEN_ROWS(WIDEN_MIXED, vaddw, a + b)
WIDEN_ROWS(WIDEN_SIGNED, vsubw, a - b)
WIDEN_ROWS(WIDEN_UNSIGNED, vsubw, a - b)
WIDEN_ROWS(WIDEN_SIGNED, vmulw, a * b)
WIDEN_ROWS(WIDEN_UNSIGNED, vmulw, a * b)
WIDEN_ROWS(WIDEN_MIXED, vmulw, a * b)
WIDEN_ROWS(WIDEN_SIGNED, vmaddw, d + a * b)
WIDEN_ROWS(WIDEN_UNSIGNED, vmaddw, d + a * b)
WIDEN_ROWS(WIDEN_MIXED, vmaddw, d + a * b)
/* clang-format on */

/* Horizontal: odd elements of vj with even ones of vk */
#define HORIZONTAL(op, ...)                                                                                  \
	WIDEN(op##_h_b, h, b, ODD, b, EVEN, __VA_ARGS__)                                                     \
	WIDEN(op##_w_h, w, h, ODD, h, EVEN, __VA_ARGS__)                                                     \
	WIDEN(op##_d_w, d, w, ODD, w, EVEN, __VA_ARGS__)                                                     \
	WIDEN(op##_q_d, q, d, ODD, d, EVEN, __VA_ARGS__)                                                     \
	WIDEN(op##_hu_bu, uh, ub, ODD, ub, EVEN, __VA_ARGS__)                                                \
	WIDEN(op##_wu_hu, uw, uh, ODD, uh, EVEN, __VA_ARGS__)                                                \
	WIDEN(op##_du_wu, ud, uw, ODD, uw, EVEN, __VA_ARGS__)                                                \
	WIDEN(op##_qu_du, uq, ud, ODD, ud, EVEN, __VA_ARGS__)

HORIZONTAL(vhaddw, a + b)
HORIZONTAL(vhsubw, a - b)

/*
 * Extension of half a lane: the elements of each lane from number @first of that lane on.  a is the
 * element of vj, extended; n the immediate.
 */
#define EXTEND(name, wide, narrow, first, ...)                                                               \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		typedef VECTOR_TYPE(wide) W;                                                                 \
		const unsigned lane = LANE_BYTES / sizeof(W);                                                \
		const unsigned n __attribute__((unused)) = insn->imm;                                        \
                                                                                                             \
		for (unsigned i = 0; i < bytes / sizeof(W); i++) {                                           \
			const W a = vj->narrow[i / lane * 2 * lane + i % lane + (first)];                    \
                                                                                                             \
			result->wide[i] = (W)(__VA_ARGS__);                                                  \
		}                                                                                            \
	}

EXTEND(vexth_h_b, h, b, 8, a)
EXTEND(vexth_w_h, w, h, 4, a)
EXTEND(vexth_d_w, d, w, 2, a)
EXTEND(vexth_q_d, q, d, 1, a)
EXTEND(vexth_hu_bu, uh, ub, 8, a)
EXTEND(vexth_wu_hu, uw, uh, 4, a)
EXTEND(vexth_du_wu, ud, uw, 2, a)
EXTEND(vexth_qu_du, uq, ud, 1, a)

EXTEND(vextl_q_d, q, d, 0, a)
EXTEND(vextl_qu_du, uq, ud, 0, a)

EXTEND(vsllwil_h_b, h, b, 0, (uint64_t)a << n)
EXTEND(vsllwil_w_h, w, h, 0, (uint64_t)a << n)
EXTEND(vsllwil_d_w, d, w, 0, (uint64_t)a << n)
EXTEND(vsllwil_hu_bu, uh, ub, 0, a << n)
EXTEND(vsllwil_wu_hu, uw, uh, 0, a << n)
EXTEND(vsllwil_du_wu, ud, uw, 0, a << n)

/* vext2xv extends the low elements of vj, across the lanes.  LASX only. */
#define EXTEND_LOW(name, wide, narrow)                                                                       \
	LASX_INSN(name)                                                                                      \
	{                                                                                                    \
		for (unsigned i = 0; i < bytes / sizeof(result->wide[0]); i++)                               \
			result->wide[i] = vj->narrow[i];                                                     \
	}

EXTEND_LOW(vext2xv_h_b, h, b)
EXTEND_LOW(vext2xv_w_b, w, b)
EXTEND_LOW(vext2xv_d_b, d, b)
EXTEND_LOW(vext2xv_w_h, w, h)
EXTEND_LOW(vext2xv_d_h, d, h)
EXTEND_LOW(vext2xv_d_w, d, w)
EXTEND_LOW(vext2xv_hu_bu, uh, ub)
EXTEND_LOW(vext2xv_wu_bu, uw, ub)
EXTEND_LOW(vext2xv_du_bu, ud, ub)
EXTEND_LOW(vext2xv_wu_hu, uw, uh)
EXTEND_LOW(vext2xv_du_hu, ud, uh)
EXTEND_LOW(vext2xv_du_wu, ud, uw)
