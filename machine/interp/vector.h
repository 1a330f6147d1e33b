/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the files of vector instructions (Vol.2) share: the frame of an LSX row and its LASX twin, the
 * types that belong to an element, and the lists of element sizes that rows are stamped out from.
 */
#ifndef BIXI_INTERP_VECTOR_H
#define BIXI_INTERP_VECTOR_H

#include "machine/interp/interp.h"

#define LSX_BYTES  16u
#define LASX_BYTES 32u
#define LANE_BYTES 16u /* elements change places only within a lane */

/* The arguments of the function that computes an instruction's result from its operands. */
#define VECTOR_ARGS                                                                                          \
	struct cpu *cpu, const struct insn *insn, union vreg *result, const union vreg *vd,                  \
		const union vreg *vj, const union vreg *vk, const union vreg *va, const unsigned bytes

#define VECTOR_INLINE static inline __attribute__((always_inline)) void

/* One row: any source may also be the destination, so the result is complete before it is written. */
#define VECTOR_ROW(name, op, need, bytes)                                                                    \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		union vreg result;                                                                           \
                                                                                                             \
		need();                                                                                      \
		op(cpu, insn, &result, &VR(rd), &VR(rj), &VR(rk), &VR(ra), bytes);                           \
		VR(rd).uq[0] = result.uq[0];                                                                 \
		VR(rd).uq[1] = (bytes) == LASX_BYTES ? result.uq[1] : 0;                                     \
		return INSN_NEXT;                                                                            \
	}

/*
 * The heading of a function body that computes *result from *vd (its old value), *vj, *vk, *va and insn.
 * bytes is 16 or 32; only that many bytes of *result are looked at.  LSX clears bits 255:128 of vd, which
 * the manual leaves open.
 *   VECTOR_INSN(vx)   defines the LSX row vx and the LASX row xvx.
 *   LSX_INSN(vx), LASX_INSN(xvx)  define one alone.
 */
#define VECTOR_INSN(name)                                                                                    \
	VECTOR_INLINE name##_op(VECTOR_ARGS);                                                                \
	VECTOR_ROW(name, name##_op, NEED_LSX, LSX_BYTES)                                                     \
	VECTOR_ROW(x##name, name##_op, NEED_LASX, LASX_BYTES)                                                \
	VECTOR_INLINE name##_op(VECTOR_ARGS)

#define LSX_INSN(name)                                                                                       \
	VECTOR_INLINE name##_op(VECTOR_ARGS);                                                                \
	VECTOR_ROW(name, name##_op, NEED_LSX, LSX_BYTES)                                                     \
	VECTOR_INLINE name##_op(VECTOR_ARGS)

#define LASX_INSN(name)                                                                                      \
	VECTOR_INLINE name##_op(VECTOR_ARGS);                                                                \
	VECTOR_ROW(name, name##_op, NEED_LASX, LASX_BYTES)                                                   \
	VECTOR_INLINE name##_op(VECTOR_ARGS)

/*
 * An element is called by its member of union vreg: b, ub, h, ...  From that follow the members of the
 * same width without a sign, and of twice the width with the same sign.
 */
#define VECTOR_UNSIGNED_b  ub
#define VECTOR_UNSIGNED_h  uh
#define VECTOR_UNSIGNED_w  uw
#define VECTOR_UNSIGNED_d  ud
#define VECTOR_UNSIGNED_q  uq
#define VECTOR_UNSIGNED_ub ub
#define VECTOR_UNSIGNED_uh uh
#define VECTOR_UNSIGNED_uw uw
#define VECTOR_UNSIGNED_ud ud
#define VECTOR_UNSIGNED_uq uq

#define VECTOR_WIDER_b	h
#define VECTOR_WIDER_h	w
#define VECTOR_WIDER_w	d
#define VECTOR_WIDER_d	q
#define VECTOR_WIDER_ub uh
#define VECTOR_WIDER_uh uw
#define VECTOR_WIDER_uw ud
#define VECTOR_WIDER_ud uq
#define VECTOR_WIDER_q	q /* there is none: W is of no use then */
#define VECTOR_WIDER_uq uq

#define VECTOR_TYPE_(e) __typeof__(((union vreg *)0)->e[0])
#define VECTOR_TYPE(e)	VECTOR_TYPE_(e)

/* T is the type of element e, U the unsigned type of its width, W the type of twice its width. */
#define VECTOR_TYPES(e)                                                                                      \
	typedef VECTOR_TYPE(e) T __attribute__((unused));                                                    \
	typedef VECTOR_TYPE(VECTOR_UNSIGNED_##e) U __attribute__((unused));                                  \
	typedef VECTOR_TYPE(VECTOR_WIDER_##e) W __attribute__((unused))

#define BITS(type)	(sizeof(type) * 8)
#define IS_SIGNED(type) ((type)-1 < (type)1)
#define MAX_OF(type)	((type)(IS_SIGNED(type) ? (((type)1 << (BITS(type) - 2)) - 1) * 2 + 1 : (type) ~(type)0))
#define MIN_OF(type)	((type)(IS_SIGNED(type) ? -MAX_OF(type) - 1 : 0))

/* @x, of a wider type than @type, brought into the range of @type. */
#define CLAMP(type, x)                                                                                       \
	({                                                                                                   \
		const __typeof__(x) wide_ = (x);                                                             \
		const __typeof__(x) max_ = MAX_OF(type), min_ = MIN_OF(type);                                \
                                                                                                             \
		(type)(wide_ > max_ ? max_ : IS_SIGNED(__typeof__(x)) && wide_ < min_ ? min_ : wide_);       \
	})

/*
 * Rows that treat every element alike.  In the expression of the result, of type T or cut to it:
 *   a  the element of vj
 *   b  the element of vk, or the immediate
 *   d  the old element of vd
 */
#define VECTOR_EACH(name, e, operand, ...)                                                                   \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		VECTOR_TYPES(e);                                                                             \
                                                                                                             \
		for (unsigned i = 0; i < bytes / sizeof(T); i++) {                                           \
			const T a __attribute__((unused)) = vj->e[i];                                        \
			const T b __attribute__((unused)) = (operand);                                       \
			const T d __attribute__((unused)) = vd->e[i];                                        \
                                                                                                             \
			result->e[i] = (T)(__VA_ARGS__);                                                     \
		}                                                                                            \
	}
#define VECTOR_VV(name, e, ...)	 VECTOR_EACH(name, e, 0, __VA_ARGS__)
#define VECTOR_VVV(name, e, ...) VECTOR_EACH(name, e, vk->e[i], __VA_ARGS__)
#define VECTOR_VVI(name, e, ...) VECTOR_EACH(name, e, insn->imm, __VA_ARGS__)

/*
 * Lists of elements: VECTOR_BHWD(VECTOR_VVV, vmax, ...) makes vmax.{b,h,w,d} of signed elements,
 * VECTOR_BHWD_U vmax.{bu,hu,wu,du} of unsigned ones.  VECTOR_BHWD_BITS makes {b,h,w,d} of unsigned
 * elements: the rows whose result does not depend on the sign, or that see no numbers in the bits.
 */
#define VECTOR_BHWD(ROW, op, ...)                                                                            \
	ROW(op##_b, b, __VA_ARGS__)                                                                          \
	ROW(op##_h, h, __VA_ARGS__)                                                                          \
	ROW(op##_w, w, __VA_ARGS__)                                                                          \
	ROW(op##_d, d, __VA_ARGS__)
#define VECTOR_BHWD_U(ROW, op, ...)                                                                          \
	ROW(op##_bu, ub, __VA_ARGS__)                                                                        \
	ROW(op##_hu, uh, __VA_ARGS__)                                                                        \
	ROW(op##_wu, uw, __VA_ARGS__)                                                                        \
	ROW(op##_du, ud, __VA_ARGS__)
#define VECTOR_BHWD_BITS(ROW, op, ...)                                                                       \
	ROW(op##_b, ub, __VA_ARGS__)                                                                         \
	ROW(op##_h, uh, __VA_ARGS__)                                                                         \
	ROW(op##_w, uw, __VA_ARGS__)                                                                         \
	ROW(op##_d, ud, __VA_ARGS__)

/* The doubleword that VLDI repeats; false if there is no such mode. */
bool vldi_value(unsigned imm, uint64_t *value);

#endif
