/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the compiler expects to be there.  memset() and memcpy() by words, as cells' memory is cleared with
 * it. */
#include "hv.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns") /* the loops are not to become calls of themselves  \
							  */
#endif

typedef uint64_t __attribute__((may_alias)) word;

void *memset(void *to, int c, size_t n)
{
	uint64_t all = UINT64_C(0x0101010101010101) * (uint8_t)c;
	uint8_t *at = to;

	for (; n && (uintptr_t)at % 8; n--)
		*at++ = (uint8_t)c;
	for (; n >= 32; n -= 32, at += 32) {
		((word *)at)[0] = all;
		((word *)at)[1] = all;
		((word *)at)[2] = all;
		((word *)at)[3] = all;
	}
	for (; n; n--)
		*at++ = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	const uint8_t *source = from;
	uint8_t *at = to;

	if (!(((uintptr_t)at | (uintptr_t)source) % 8))
		for (; n >= 8; n -= 8, at += 8, source += 8)
			*(word *)at = *(const word *)source;
	for (; n; n--)
		*at++ = *source++;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *left = a, *right = b;

	for (; n; n--, left++, right++)
		if (*left != *right)
			return *left - *right;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int __popcountdi2(uint64_t value); /* GCC's for processors without an instruction */

int __popcountdi2(uint64_t value)
{
	int n = 0;

	for (; value; value &= value - 1)
		n++;
	return n;
}
