/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Writes random instruction words to standard output for disasm-oracle.sh: "words SEED COUNT".  Most are
 * words of the tables' rows, some of these with a bit flipped, some are anything.
 */
#include <stdio.h>
#include <stdlib.h>

#include "isa/random.h"

int main(int argc, char **argv)
{
	uint64_t state, count;

	if (argc != 3) {
		fputs("usage: words SEED COUNT\n", stderr);
		return 2;
	}
	state = strtoull(argv[1], NULL, 0);
	count = strtoull(argv[2], NULL, 0);
	isa_init();
	for (uint64_t i = 0; i < count; i++) {
		uint32_t word = isa_random(1 + i / 8 % (ISA_OP_COUNT - 1), &state);

		if (i % 8 == 6)
			word ^= 1u << (isa_random_u64(&state) & 31);
		else if (i % 8 == 7)
			word = isa_random_u64(&state) >> (isa_random_u64(&state) & 3);
		if (fwrite(&word, sizeof(word), 1, stdout) != 1)
			return 1;
	}
	return fflush(stdout) != 0;
}
