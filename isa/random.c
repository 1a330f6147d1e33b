/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Random instruction words.
 */
#include "isa/random.h"

uint64_t isa_random_u64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t isa_random(enum isa_op op, uint64_t *state)
{
	const struct isa_info *info = &isa_info[op];
	uint32_t word;

	do
		word = info->match | ((uint32_t)isa_random_u64(state) & ~info->mask);
	while (isa_decode(word) != op);
	return word;
}
