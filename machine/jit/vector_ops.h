/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Operations on all elements of a vector as the host does them, of which the emitters of LSX and LASX
 * integer rows are composed: one instruction where the host has it, a short sequence else, a better one
 * with AVX-512 or GFNI.  A 128-bit operation clears the upper half of its destination.
 */
#ifndef BIXI_JIT_VECTOR_OPS_H
#define BIXI_JIT_VECTOR_OPS_H

#include <assert.h>

#include "machine/jit/jit_impl.h"

/* An element: log2 of its bytes, whether it has a sign, and flags whose meaning each file of rows has. */
enum vec_element {
	VEC_B,
	VEC_H,
	VEC_W,
	VEC_D,
	VEC_Q,
	VEC_SIZE = 7,
	VEC_UNSIGNED = 8,
	VEC_BU = VEC_UNSIGNED,
	VEC_HU,
	VEC_WU,
	VEC_DU,
	VEC_QU,
	VEC_FLAG0 = 16,
	VEC_FLAG1 = 32,
	VEC_FLAG2 = 64,
};

static inline unsigned vec_size(unsigned el)
{
	return el & VEC_SIZE;
}

static inline unsigned vec_bits(unsigned el)
{
	return 8u << vec_size(el);
}

static inline unsigned vec_wider(unsigned el)
{
	return el + 1;
}

/*
 * The vector instruction being translated.  It is passed by value, so that the scratch registers which a
 * function takes are free again when it returns.
 */
struct vec {
	struct emit *e;
	uint16_t bits; /* 128: LSX, 256: LASX */
	uint8_t temps; /* scratch registers in use: those below this number */
	uint8_t third; /* host register of the third source: va, or vd's old value */
};

static inline unsigned vec_temp(struct vec *v)
{
	assert(v->temps < FIRST_CACHED_YMM);
	return v->temps++;
}

/* Single host instructions. */
static inline void v3(struct vec v, enum x86_vop op, unsigned d, unsigned a, unsigned b)
{
	x86_v3(&v.e->code, op, v.bits, d, a, b);
}

static inline void v3i(struct vec v, enum x86_vop op, unsigned d, unsigned a, unsigned b, unsigned imm)
{
	x86_v3i(&v.e->code, op, v.bits, d, a, b, imm);
}

static inline void v2(struct vec v, enum x86_vop op, unsigned d, unsigned a)
{
	x86_v2(&v.e->code, op, v.bits, d, a);
}

static inline void v2i(struct vec v, enum x86_vop op, unsigned d, unsigned a, unsigned imm)
{
	x86_v2i(&v.e->code, op, v.bits, d, a, imm);
}

static inline void vn(struct vec v, enum x86_vop op, unsigned d, unsigned a, unsigned n)
{
	x86_vshift(&v.e->code, op, v.bits, d, a, n);
}

/*
 * In what follows d is a host register, a and b are those of the sources.  d may be a source: it is written
 * after sources have been read for the last time.  RAX is scratch.
 */

/* A move, also to itself: that clears the upper half. */
static inline void vec_move(struct vec v, unsigned d, unsigned a)
{
	x86_vmov(&v.e->code, v.bits, d, a);
}

/* Constants: 0, all ones, each element @value, each lane the two quadwords. */
void vec_zero(struct vec v, unsigned d);
void vec_ones(struct vec v, unsigned d);
void vec_splat(struct vec v, unsigned el, unsigned d, uint64_t value);
void vec_lanes(struct vec v, unsigned d, uint64_t low, uint64_t high);

void vec_not(struct vec v, unsigned d, unsigned a);
/* Bit 4x + 2y + z of @table is the result where the sources' bits are x, y, z.  Needs AVX-512VL. */
void vec_ternary(struct vec v, unsigned table, unsigned d, unsigned x, unsigned y, unsigned z);
/* The bytes of b where those of @mask are negative, else of a. */
void vec_blend(struct vec v, unsigned d, unsigned a, unsigned b, unsigned mask);

/* Arithmetic. */
void vec_add(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_sub(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_max(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_min(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_abs(struct vec v, unsigned el, unsigned d, unsigned a);

/* Comparisons: all ones where a = b, a < b, a <= b, a < 0. */
void vec_eq(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_lt(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_le(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
void vec_sign(struct vec v, unsigned el, unsigned d, unsigned a);

/* Shifts by @n, or by the element of @count, less than the width of an element in any case. */
enum vec_shift { VEC_SLL, VEC_SRL, VEC_SRA, VEC_ROTR };
void vec_shift(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a, unsigned n);
void vec_shift_by(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a, unsigned count);
/* Right, rounded: plus the last bit shifted out. */
void vec_shift_round(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n);
void vec_shift_round_by(struct vec v, unsigned el, unsigned d, unsigned a, unsigned count);

static inline enum vec_shift vec_right(unsigned el)
{
	return el & VEC_UNSIGNED ? VEC_SRL : VEC_SRA;
}

/* @count modulo the width of an element. */
static inline void vec_modulo(struct vec v, unsigned el, unsigned d, unsigned count)
{
	const unsigned mask = vec_temp(&v);

	vec_splat(v, el, mask, vec_bits(el) - 1);
	v3(v, V_pand, d, count, mask);
}

/* Elements of even or odd number, extended to twice the width. */
void vec_even(struct vec v, unsigned el, unsigned d, unsigned a);
void vec_odd(struct vec v, unsigned el, unsigned d, unsigned a);

/*
 * Their products, of twice the width: with VEC_ODD of odd elements, else even ones; with VEC_MIXED those of
 * a without a sign and those of b with one.  Changes RAX, RCX, RDX.
 */
#define VEC_ODD	  VEC_FLAG0
#define VEC_MIXED VEC_FLAG1
void vec_mul_wide(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);

/*
 * The frame of an emitter: gets the sources, and calls @fn with their host registers.  What b is follows from
 * the form:
 *   VEC_VV       nothing
 *   VEC_VVV      vk
 *   VEC_VVI      the immediate itself
 *   VEC_VVS      a register each element of which is the immediate
 *   VEC_DVV ...  as VEC_VVV ..., and v.third is the old vd
 *   VEC_VVVV     vk, and v.third is va
 */
enum vec_form {
	VEC_VK = 1,
	VEC_SPLAT = 2,
	VEC_OLD = 4,
	VEC_VA = 8,
	VEC_VV = 0,
	VEC_VVI = 0,
	VEC_VVV = VEC_VK,
	VEC_VVS = VEC_SPLAT,
	VEC_DVI = VEC_OLD,
	VEC_DVV = VEC_OLD | VEC_VK,
	VEC_DVS = VEC_OLD | VEC_SPLAT,
	VEC_VVVV = VEC_VA | VEC_VK,
};

typedef void vec_fn(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b);
bool vec_emit(struct emit *e, const struct insn *insn, unsigned bits, vec_fn *fn, unsigned el, unsigned form);

/* The unit's test, before anything else of the instruction is emitted. */
void vec_need(struct emit *e, unsigned bits);

#endif
