/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The vector instructions that vector.c names, for the vectors that the compiler's options allow: LASX, LSX,
 * AVX2 or SSE4.  On LASX and AVX2 all of them work on each half by itself.
 */
#ifndef BENCH_MICRO_VECTOR_H
#define BENCH_MICRO_VECTOR_H

#include <stdint.h>

#if defined(__loongarch_asx) || defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#if defined(__loongarch__)

#if VECTOR_BYTES == 32
#include <lasxintrin.h>
typedef __m256i vector;
#define INSN(name) __lasx_xv##name
#else
#include <lsxintrin.h>
typedef __m128i vector;
#define INSN(name) __lsx_v##name
#endif

#define vector_add_saturated(a, b)  INSN(sadd_bu)(a, b)
#define vector_average(a, b)	    INSN(avgr_bu)(a, b)
#define vector_shuffle(a, control)  INSN(shuf_b)(a, a, control)
#define vector_interleave_low(a, b) INSN(ilvl_b)(b, a)
#define vector_equal(a, b)	    INSN(seq_b)(a, b)
#define vector_narrow(a, b)	    INSN(ssrani_bu_h)(b, a, 0)

static inline uint32_t vector_mask(vector a)
{
	const vector signs = INSN(mskltz_b)(a);

#if VECTOR_BYTES == 32
	return __lasx_xvpickve2gr_wu(signs, 0) | __lasx_xvpickve2gr_wu(signs, 4) << 16;
#else
	return __lsx_vpickve2gr_hu(signs, 0);
#endif
}

#else

#include <immintrin.h>
#if VECTOR_BYTES == 32
typedef __m256i vector;
#define INSN(name) _mm256_##name
#else
typedef __m128i vector;
#define INSN(name) _mm_##name
#endif

#define vector_add_saturated(a, b)  INSN(adds_epu8)(a, b)
#define vector_average(a, b)	    INSN(avg_epu8)(a, b)
#define vector_shuffle(a, control)  INSN(shuffle_epi8)(a, control)
#define vector_interleave_low(a, b) INSN(unpacklo_epi8)(a, b)
#define vector_equal(a, b)	    INSN(cmpeq_epi8)(a, b)
#define vector_narrow(a, b)	    INSN(packus_epi16)(a, b)
#define vector_mask(a)		    ((uint32_t)INSN(movemask_epi8)(a))

#endif

#endif
