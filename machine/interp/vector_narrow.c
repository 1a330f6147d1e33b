/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector shifts right with narrowing (Vol.2): an element of twice the width is shifted, logically or
 * arithmetically, perhaps rounded, and cut or saturated to the width of the result.
 *   vsrln.b.h  vd, vj, vk   fills the low half of each lane from vj, shifted by vk, and clears the high half.
 *   vsrlni.b.h vd, vj, ui   fills the low half of each lane from vj and the high half from the old vd.
 */
#include "machine/interp/vector.h"

/* clang-format off */
#define SHIFT(x, n)       ((x) >> (n))
#define SHIFT_ROUND(x, n) ((n) ? ((x) >> (n)) + ((x) >> ((n) - 1) & 1) : (x))
#define CUT(type, x)      ((type)(x))
/* clang-format on */

/* One element: @shift is SHIFT or SHIFT_ROUND, @fit is CUT or CLAMP. */
#define NARROW(to, wide, fit, shift, x, amount)                                                              \
	({                                                                                                   \
		const unsigned n_ = (amount);                                                                \
                                                                                                             \
		fit(VECTOR_TYPE(to), (VECTOR_TYPE(wide))shift(x, n_));                                       \
	})

#define NARROW_REGISTER(name, to, wide, fit, shift)                                                          \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		const unsigned lane = LANE_BYTES / sizeof(vj->wide[0]);                                      \
                                                                                                             \
		for (unsigned i = 0; i < bytes / sizeof(vj->wide[0]); i++) {                                 \
			const unsigned low = i / lane * 2 * lane + i % lane;                                 \
                                                                                                             \
			result->to[low] = NARROW(to, wide, fit, shift, vj->wide[i],                          \
						 vk->wide[i] & (BITS(vk->wide[i]) - 1));                     \
			result->to[low + lane] = 0;                                                          \
		}                                                                                            \
	}

#define NARROW_IMMEDIATE(name, to, wide, fit, shift)                                                         \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		const unsigned lane = LANE_BYTES / sizeof(vj->wide[0]);                                      \
                                                                                                             \
		for (unsigned i = 0; i < bytes / sizeof(vj->wide[0]); i++) {                                 \
			const unsigned low = i / lane * 2 * lane + i % lane;                                 \
                                                                                                             \
			result->to[low] = NARROW(to, wide, fit, shift, vj->wide[i], insn->imm);              \
			result->to[low + lane] = NARROW(to, wide, fit, shift, vd->wide[i], insn->imm);       \
		}                                                                                            \
	}

/* @u is u for a logical shift and nothing for an arithmetic one: the sign of the elements shifted. */
#define NARROW_ROWS(op, u, fit, shift)                                                                       \
	NARROW_REGISTER(op##n_b_h, b, u##h, fit, shift)                                                      \
	NARROW_REGISTER(op##n_h_w, h, u##w, fit, shift)                                                      \
	NARROW_REGISTER(op##n_w_d, w, u##d, fit, shift)                                                      \
	NARROW_IMMEDIATE(op##ni_b_h, b, u##h, fit, shift)                                                    \
	NARROW_IMMEDIATE(op##ni_h_w, h, u##w, fit, shift)                                                    \
	NARROW_IMMEDIATE(op##ni_w_d, w, u##d, fit, shift)                                                    \
	NARROW_IMMEDIATE(op##ni_d_q, d, u##q, fit, shift)
#define NARROW_ROWS_U(op, u, fit, shift)                                                                     \
	NARROW_REGISTER(op##n_bu_h, ub, u##h, fit, shift)                                                    \
	NARROW_REGISTER(op##n_hu_w, uh, u##w, fit, shift)                                                    \
	NARROW_REGISTER(op##n_wu_d, uw, u##d, fit, shift)                                                    \
	NARROW_IMMEDIATE(op##ni_bu_h, ub, u##h, fit, shift)                                                  \
	NARROW_IMMEDIATE(op##ni_hu_w, uh, u##w, fit, shift)                                                  \
	NARROW_IMMEDIATE(op##ni_wu_d, uw, u##d, fit, shift)                                                  \
	NARROW_IMMEDIATE(op##ni_du_q, ud, u##q, fit, shift)

/* clang-format off */
NARROW_ROWS(vsrl,      u, CUT,   SHIFT)
NARROW_ROWS(vsra,       , CUT,   SHIFT)
NARROW_ROWS(vsrlr,     u, CUT,   SHIFT_ROUND)
NARROW_ROWS(vsrar,      , CUT,   SHIFT_ROUND)

NARROW_ROWS(vssrl,     u, CLAMP, SHIFT)
NARROW_ROWS(vssra,      , CLAMP, SHIFT)
NARROW_ROWS(vssrlr,    u, CLAMP, SHIFT_ROUND)
NARROW_ROWS(vssrar,     , CLAMP, SHIFT_ROUND)

NARROW_ROWS_U(vssrl,   u, CLAMP, SHIFT)
NARROW_ROWS_U(vssra,    , CLAMP, SHIFT)
NARROW_ROWS_U(vssrlr,  u, CLAMP, SHIFT_ROUND)
NARROW_ROWS_U(vssrar,   , CLAMP, SHIFT_ROUND)
/* clang-format on */
