/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector shifts and rotates whose result is as wide as its operands (Vol.2).  The amount is the element
 * of vk, or an immediate, modulo the width of an element.
 */
#include "machine/interp/vector.h"

/* Where b is an immediate it is less than the width already. */
#define AMOUNT	    (b % BITS(T))
#define ROTATE(x)   ((x) >> AMOUNT | (x) << -AMOUNT % BITS(T))
#define LAST_OUT(x) (AMOUNT ? (x) >> (AMOUNT - 1) & 1 : 0) /* the last bit shifted out: rounds up */

VECTOR_BHWD_BITS(VECTOR_VVV, vsll, a << AMOUNT)
VECTOR_BHWD_BITS(VECTOR_VVI, vslli, a << AMOUNT)
VECTOR_BHWD_BITS(VECTOR_VVV, vsrl, a >> AMOUNT)
VECTOR_BHWD_BITS(VECTOR_VVI, vsrli, a >> AMOUNT)
VECTOR_BHWD(VECTOR_VVV, vsra, a >> AMOUNT)
VECTOR_BHWD(VECTOR_VVI, vsrai, a >> AMOUNT)
VECTOR_BHWD_BITS(VECTOR_VVV, vrotr, ROTATE(a))
VECTOR_BHWD_BITS(VECTOR_VVI, vrotri, ROTATE(a))

VECTOR_BHWD_BITS(VECTOR_VVV, vsrlr, (a >> AMOUNT) + LAST_OUT(a))
VECTOR_BHWD_BITS(VECTOR_VVI, vsrlri, (a >> AMOUNT) + LAST_OUT(a))
VECTOR_BHWD(VECTOR_VVV, vsrar, (a >> AMOUNT) + LAST_OUT(a))
VECTOR_BHWD(VECTOR_VVI, vsrari, (a >> AMOUNT) + LAST_OUT(a))
