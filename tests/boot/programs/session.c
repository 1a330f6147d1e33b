/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Compiled and run by session.sh: integers, floating point, strings, a table on the heap. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double horner(const double *c, int n, double x)
{
	double sum = 0;

	while (n--)
		sum = sum * x + c[n];
	return sum;
}

static int by_value(const void *a, const void *b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const double c[] = { 1, -0.5, 0.25, -0.125 };
	unsigned state = 12345, count = 20000, *table = malloc(count * sizeof(*table));
	float single = 1.5f;
	char text[64];

	for (unsigned i = 0; i < count; i++)
		table[i] = (state = state * 1103515245 + 12345) >> 8;
	qsort(table, count, sizeof(*table), by_value);
	for (unsigned i = 1; i < count; i++)
		if (table[i - 1] > table[i])
			return 1;
	for (int i = 0; i < 100; i++)
		single = single * 1.0001f + sqrtf((float)i) / 1000;
	snprintf(text, sizeof(text), "%s %u %u %.17g %.9g", argc > 1 ? argv[1] : "nobody", table[0],
		 table[count / 2], horner(c, 4, sqrt(2)), (double)single);
	puts(text);
	return strlen(text) < 20;
}
