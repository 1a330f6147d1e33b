/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the emitters of LSX and LASX rows that move data or compute floating-point numbers share: one function
 * describes an LSX row and its LASX twin, by the number of bits, 128 or 256, that host and guest have in
 * common.  A host instruction of 128 bits clears the rest of its destination, as LSX does.
 */
#ifndef BIXI_JIT_VECTOR_FRAME_H
#define BIXI_JIT_VECTOR_FRAME_H

#include "machine/jit/jit_impl.h"

/* The emitters of rows: body(e, insn, bits, ...). */
#define LSX_ROW(name, body, ...)                                                                             \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return body(e, insn, 128 __VA_OPT__(, ) __VA_ARGS__);                                        \
	}
#define LASX_ROW(name, body, ...)                                                                            \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return body(e, insn, 256 __VA_OPT__(, ) __VA_ARGS__);                                        \
	}
#define VECTOR_ROWS(name, body, ...)                                                                         \
	LSX_ROW(v##name, body, __VA_ARGS__)                                                                  \
	LASX_ROW(xv##name, body, __VA_ARGS__)

/* Scratch vector registers. */
enum { T0, T1, T2, T3, T4, T5 };

/* Fields of an instruction that are sources; FIELD_D: vd's old value. */
enum vector_field { FIELD_J = 1 << 0, FIELD_K = 1 << 1, FIELD_A = 1 << 2, FIELD_D = 1 << 3 };

/* Their host registers.  d, where the result goes, may be one of the sources': it is written last. */
struct vectors {
	uint8_t d, j, k, a, old;
};

static inline void vector_need(struct emit *e, unsigned bits)
{
	if (bits == 128)
		emit_need_lsx(e);
	else
		emit_need_lasx(e);
}

static inline struct vectors vector_operands(struct emit *e, const struct insn *insn, unsigned bits,
					     unsigned sources)
{
	const unsigned size = bits / 8;
	struct vectors v = {};

	if (sources & FIELD_J)
		v.j = (uint8_t)vr_use(e, insn->rj, size);
	if (sources & FIELD_K)
		v.k = (uint8_t)vr_use(e, insn->rk, size);
	if (sources & FIELD_A)
		v.a = (uint8_t)vr_use(e, insn->ra, size);
	if (sources & FIELD_D)
		v.old = (uint8_t)vr_use(e, insn->rd, size);
	v.d = (uint8_t)vr_def(e, insn->rd, size);
	return v;
}

/* Begins an instruction that moves data; sources: enum vector_field. */
static inline struct vectors vector_begin(struct emit *e, const struct insn *insn, unsigned bits,
					  unsigned sources)
{
	vector_need(e, bits);
	return vector_operands(e, insn, bits, sources);
}

/* Ends an instruction: the result is in d. */
static inline bool vector_end(struct emit *e, const struct insn *insn, unsigned bits)
{
	vr_done(e, insn->rd, bits / 8);
	return true;
}

/*
 * Whether a lane of @v at least is in a host register; else a single element is better taken from memory,
 * where all vectors are.
 */
static inline bool vector_is_cached(const struct emit *e, unsigned v)
{
	return e->vr_host[v] != 0xff && e->ymm_size[e->vr_host[v]] >= 16;
}

/* A constant as a memory operand, by RAX. */
static inline struct x86_mem vector_constant(struct emit *e, const void *constant)
{
	x86_mov_ri(&e->code, RAX, (uintptr_t)constant);
	return x86_at(RAX, 0);
}

#endif
