/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Vector integer comparisons (Vol.2): an element of the result is all ones where the relation holds. */
#include "machine/interp/vector.h"

VECTOR_BHWD_BITS(VECTOR_VVV, vseq, a == b ? -1 : 0)
VECTOR_BHWD(VECTOR_VVI, vseqi, a == b ? -1 : 0)

VECTOR_BHWD(VECTOR_VVV, vsle, a <= b ? -1 : 0)
VECTOR_BHWD_U(VECTOR_VVV, vsle, a <= b ? -1 : 0)
VECTOR_BHWD(VECTOR_VVI, vslei, a <= b ? -1 : 0)
VECTOR_BHWD_U(VECTOR_VVI, vslei, a <= b ? -1 : 0)

VECTOR_BHWD(VECTOR_VVV, vslt, a < b ? -1 : 0)
VECTOR_BHWD_U(VECTOR_VVV, vslt, a < b ? -1 : 0)
VECTOR_BHWD(VECTOR_VVI, vslti, a < b ? -1 : 0)
VECTOR_BHWD_U(VECTOR_VVI, vslti, a < b ? -1 : 0)
