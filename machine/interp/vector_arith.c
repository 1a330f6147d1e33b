/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector integer arithmetic whose result is as wide as its operands (Vol.2): add and subtract, with
 * saturation, averages, absolute difference, maximum and minimum, multiply, divide, saturate to a width.
 * a, b, d and the types T, U, W are those of vector.h; sums and products that may overflow are computed
 * in unsigned or wider types.
 */
#include "machine/interp/vector.h"

/* Add, subtract, negate */
VECTOR_BHWD_BITS(VECTOR_VVV, vadd, a + b)
VECTOR_BHWD_BITS(VECTOR_VVV, vsub, a - b)
VECTOR_VVV(vadd_q, uq, a + b)
VECTOR_VVV(vsub_q, uq, a - b)
VECTOR_BHWD_U(VECTOR_VVI, vaddi, a + b)
VECTOR_BHWD_U(VECTOR_VVI, vsubi, a - b)
VECTOR_BHWD_BITS(VECTOR_VV, vneg, 0 - a)

/* The same with the result saturated */
VECTOR_BHWD(VECTOR_VVV, vsadd, CLAMP(T, (W)((W)a + b)))
VECTOR_BHWD_U(VECTOR_VVV, vsadd, CLAMP(T, (W)((W)a + b)))
VECTOR_BHWD(VECTOR_VVV, vssub, CLAMP(T, (W)((W)a - b)))
VECTOR_BHWD_U(VECTOR_VVV, vssub, a > b ? a - b : 0)

/* Averages: the sum halved, rounded down; vavgr rounds up */
VECTOR_BHWD(VECTOR_VVV, vavg, ((W)a + b) >> 1)
VECTOR_BHWD_U(VECTOR_VVV, vavg, ((W)a + b) >> 1)
VECTOR_BHWD(VECTOR_VVV, vavgr, ((W)a + b + 1) >> 1)
VECTOR_BHWD_U(VECTOR_VVV, vavgr, ((W)a + b + 1) >> 1)

/* Absolute difference, sum of absolute values */
#define ABS(x) ((x) < 0 ? 0 - (U)(x) : (U)(x))
VECTOR_BHWD(VECTOR_VVV, vabsd, a > b ? (U)a - (U)b : (U)b - (U)a)
VECTOR_BHWD_U(VECTOR_VVV, vabsd, a > b ? a - b : b - a)
VECTOR_BHWD(VECTOR_VVV, vadda, ABS(a) + ABS(b))

/* Maximum, minimum */
#define MAX(x, y) ((x) > (y) ? (x) : (y))
#define MIN(x, y) ((x) < (y) ? (x) : (y))
VECTOR_BHWD(VECTOR_VVV, vmax, MAX(a, b))
VECTOR_BHWD_U(VECTOR_VVV, vmax, MAX(a, b))
VECTOR_BHWD(VECTOR_VVI, vmaxi, MAX(a, b))
VECTOR_BHWD_U(VECTOR_VVI, vmaxi, MAX(a, b))
VECTOR_BHWD(VECTOR_VVV, vmin, MIN(a, b))
VECTOR_BHWD_U(VECTOR_VVV, vmin, MIN(a, b))
VECTOR_BHWD(VECTOR_VVI, vmini, MIN(a, b))
VECTOR_BHWD_U(VECTOR_VVI, vmini, MIN(a, b))

/* Low half of the product, alone or added to or taken from vd; high half */
VECTOR_BHWD_BITS(VECTOR_VVV, vmul, ((uint64_t)a * b))
VECTOR_BHWD_BITS(VECTOR_VVV, vmadd, d + (uint64_t)a * b)
VECTOR_BHWD_BITS(VECTOR_VVV, vmsub, d - (uint64_t)a * b)
VECTOR_BHWD(VECTOR_VVV, vmuh, ((W)a * b) >> BITS(T))
VECTOR_BHWD_U(VECTOR_VVV, vmuh, ((W)a * b) >> BITS(T))

/*
 * Quotient and remainder.  The manual leaves a divisor of 0 open: both are 0 then.  The one quotient
 * that overflows wraps.
 */
#define OVERFLOWS(x, y) ((x) == MIN_OF(T) && (y) == -1)
VECTOR_BHWD(VECTOR_VVV, vdiv, b == 0 ? 0 : OVERFLOWS(a, b) ? a : a / b)
VECTOR_BHWD_U(VECTOR_VVV, vdiv, b == 0 ? 0 : a / b)
VECTOR_BHWD(VECTOR_VVV, vmod, b == 0 || OVERFLOWS(a, b) ? 0 : a % b)
VECTOR_BHWD_U(VECTOR_VVV, vmod, b == 0 ? 0 : a % b)

/* Saturation to b bits and a sign, or to b + 1 bits without one */
#define SAT_MAX (T)(MAX_OF(T) >> (BITS(T) - 1 - b))
#define SAT_MIN (T)(-SAT_MAX - 1)
VECTOR_BHWD(VECTOR_VVI, vsat, MAX(SAT_MIN, MIN(SAT_MAX, a)))
VECTOR_BHWD_U(VECTOR_VVI, vsat, MIN(SAT_MAX, a))

/* b with the sign of a: b, 0 or -b */
VECTOR_BHWD(VECTOR_VVV, vsigncov, a == 0 ? 0 : a > 0 ? (U)b : 0 - (U)b)
