/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector instructions on bits (Vol.2): logic, bitwise select, single bits, counts, masks of a byte's
 * sign or value, and the search for the first negative element.
 */
#include "machine/interp/vector.h"

/* Logic */
VECTOR_VVV(vand_v, ud, (a & b))
VECTOR_VVV(vor_v, ud, a | b)
VECTOR_VVV(vxor_v, ud, a ^ b)
VECTOR_VVV(vnor_v, ud, ~(a | b))
VECTOR_VVV(vandn_v, ud, (~a & b))
VECTOR_VVV(vorn_v, ud, a | ~b)
VECTOR_VVI(vandi_b, ub, (a & b))
VECTOR_VVI(vori_b, ub, a | b)
VECTOR_VVI(vxori_b, ub, a ^ b)
VECTOR_VVI(vnori_b, ub, ~(a | b))

/* Bitwise select: of the second operand where the mask, va or the old vd, has ones */
#define SELECT(first, second, mask) (((first) & ~(mask)) | ((second) & (mask)))
VECTOR_VVV(vbitsel_v, ud, SELECT(a, b, va->ud[i]))
VECTOR_VVI(vbitseli_b, ub, SELECT(a, b, d))

/* Single bits, numbered by vk or an immediate modulo the width */
#define BIT_B ((T)1 << b % BITS(T))
VECTOR_BHWD_BITS(VECTOR_VVV, vbitclr, a & ~BIT_B)
VECTOR_BHWD_BITS(VECTOR_VVI, vbitclri, a & ~BIT_B)
VECTOR_BHWD_BITS(VECTOR_VVV, vbitset, a | BIT_B)
VECTOR_BHWD_BITS(VECTOR_VVI, vbitseti, a | BIT_B)
VECTOR_BHWD_BITS(VECTOR_VVV, vbitrev, a ^ BIT_B)
VECTOR_BHWD_BITS(VECTOR_VVI, vbitrevi, a ^ BIT_B)

/* Counts */
static inline unsigned leading_zeros(uint64_t x, unsigned bits)
{
	return x ? __builtin_clzll(x) - (64 - bits) : bits;
}

VECTOR_BHWD_BITS(VECTOR_VV, vclz, leading_zeros(a, BITS(T)))
VECTOR_BHWD_BITS(VECTOR_VV, vclo, leading_zeros((T)~a, BITS(T)))
VECTOR_BHWD_BITS(VECTOR_VV, vpcnt, __builtin_popcountll(a))

/* Masks: bit i of the low half-word of a lane says whether the relation holds for element i of the lane. */
#define MASK(name, e, relation)                                                                              \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		const unsigned elements = LANE_BYTES / sizeof(vj->e[0]);                                     \
                                                                                                             \
		for (unsigned lane = 0; lane < bytes / LANE_BYTES; lane++) {                                 \
			unsigned mask = 0;                                                                   \
                                                                                                             \
			for (unsigned i = 0; i < elements; i++)                                              \
				mask |= (unsigned)(vj->e[lane * elements + i] relation) << i;                \
			result->uq[lane] = mask;                                                             \
		}                                                                                            \
	}
MASK(vmskltz_b, b, < 0)
MASK(vmskltz_h, h, < 0)
MASK(vmskltz_w, w, < 0)
MASK(vmskltz_d, d, < 0)
MASK(vmskgez_b, b, >= 0)
MASK(vmsknz_b, b, != 0)

/*
 * In each lane, the number of the first negative element of vj, or the count of elements if there is
 * none, replaces that element of vd which the lane's element 0 of vk, or an immediate, names.
 */
#define FIRST_NEGATIVE(name, e, where)                                                                       \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		const unsigned elements = LANE_BYTES / sizeof(vj->e[0]);                                     \
                                                                                                             \
		*result = *vd;                                                                               \
		for (unsigned base = 0; base < bytes / sizeof(vj->e[0]); base += elements) {                 \
			unsigned i = 0;                                                                      \
                                                                                                             \
			while (i < elements && vj->e[base + i] >= 0)                                         \
				i++;                                                                         \
			result->e[base + (unsigned)(where) % elements] = i;                                  \
		}                                                                                            \
	}
FIRST_NEGATIVE(vfrstp_b, b, vk->ub[base])
FIRST_NEGATIVE(vfrstp_h, h, vk->uh[base])
FIRST_NEGATIVE(vfrstpi_b, b, insn->imm)
FIRST_NEGATIVE(vfrstpi_h, h, insn->imm)
