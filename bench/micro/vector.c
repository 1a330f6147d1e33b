/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector kernels, compiled twice: for vectors of 128 bits (-DVECTOR=lsx) and of 256 (-DVECTOR=lasx).  Loops
 * that compilers make vectors of are plain C; for what C cannot say vector.h has the instructions.
 */
#include <stdlib.h>

#include "micro.h"
#include "vector.h"

enum { BYTES = 8192 };

static union {
	float f[BYTES / 4];
	double d[BYTES / 8];
	uint8_t b[BYTES];
	int16_t h[BYTES / 2];
	int32_t w[BYTES / 4];
	vector v[BYTES / VECTOR_BYTES];
} in1, in2, in3, out;

static void fill(void)
{
	uint64_t random = RANDOM_SEED;

	for (unsigned i = 0; i < BYTES; i++) {
		in1.b[i] = (uint8_t)(next_random(&random) >> 8);
		in2.b[i] = (uint8_t)(random >> 16);
		in3.b[i] = (uint8_t)(random >> 24);
	}
}

static void fill_floats(void)
{
	for (unsigned i = 0; i < BYTES / 4; i++) {
		in1.f[i] = (float)i * 0.5f;
		in2.f[i] = (float)(i % 17) - 8.0f;
	}
}

static void fill_doubles(void)
{
	for (unsigned i = 0; i < BYTES / 8; i++) {
		in1.d[i] = i * 0.5;
		in2.d[i] = i % 17 + 1.0;
	}
}

static void saxpy(unsigned times)
{
	fill_floats();
	for (unsigned round = 0; round < times * 15000; round++) {
		float a = (float)round;

		keep(&a);
		for (unsigned i = 0; i < BYTES / 4; i++)
			out.f[i] = a * in1.f[i] + in2.f[i];
		keep(&out);
	}
}

static void dot_double(unsigned times)
{
	double sum[4] = { 0 };

	fill_doubles();
	for (unsigned round = 0; round < times * 20000; round++) {
		for (unsigned i = 0; i < BYTES / 8; i += 4)
			for (unsigned k = 0; k < 4; k++)
				sum[k] += in1.d[i + k] * in2.d[i + k];
		keep(sum);
	}
}

static void divide_root(unsigned times)
{
	fill_doubles();
	for (unsigned round = 0; round < times * 10000; round++) {
		for (unsigned i = 0; i < BYTES / 8; i++)
			out.d[i] = __builtin_sqrt(in1.d[i]) / in2.d[i];
		keep(&out);
	}
}

/* Single to integer and back, with the smaller of two. */
static void convert(unsigned times)
{
	fill_floats();
	for (unsigned round = 0; round < times * 4000; round++) {
		for (unsigned i = 0; i < BYTES / 4; i++) {
			const float least = in1.f[i] < in2.f[i] ? in1.f[i] : in2.f[i];

			out.w[i] = (int32_t)least + in3.w[i] % 2;
		}
		keep(&out);
	}
}

static void blend(unsigned times)
{
	fill();
	for (unsigned round = 0; round < times * 10000; round++) {
		for (unsigned i = 0; i < BYTES; i++)
			out.b[i] = (uint8_t)((in1.b[i] * in3.b[i] + in2.b[i] * (255 - in3.b[i]) + 128) >> 8);
		keep(&out);
	}
}

static void dot16(unsigned times)
{
	int32_t sum = 0;

	fill();
	for (unsigned round = 0; round < times * 100000; round++) {
		for (unsigned i = 0; i < BYTES / 2; i++)
			sum += in1.h[i] * in2.h[i];
		keep(&sum);
	}
}

/* Sums of absolute differences, as a video encoder looks for motion. */
static void motion(unsigned times)
{
	uint32_t best = ~0u;

	fill();
	for (unsigned round = 0; round < times * 6000; round++) {
		for (unsigned place = 0; place < 64; place++) {
			uint32_t sum = 0;

			for (unsigned i = 0; i < 1024; i++)
				sum += (uint32_t)abs(in1.b[i] - in2.b[i + place]);
			if (sum < best)
				best = sum;
			keep(&best);
		}
	}
}

static void shuffle(unsigned times)
{
	vector control;

	fill();
	for (unsigned i = 0; i < VECTOR_BYTES; i++)
		((uint8_t *)&control)[i] = (uint8_t)(i * 7 % 16);
	for (unsigned round = 0; round < times * 20000; round++) {
		for (unsigned i = 0; i < BYTES / VECTOR_BYTES; i++)
			out.v[i] = vector_interleave_low(vector_shuffle(in1.v[i], control), in2.v[i]);
		keep(&out);
	}
}

static void saturate(unsigned times)
{
	fill();
	for (unsigned round = 0; round < times * 60000; round++) {
		for (unsigned i = 0; i < BYTES / VECTOR_BYTES; i++)
			out.v[i] = vector_average(vector_add_saturated(in1.v[i], in2.v[i]), in3.v[i]);
		keep(&out);
	}
}

/* Halfwords to bytes, with saturation. */
static void narrow(unsigned times)
{
	fill();
	for (unsigned round = 0; round < times * 30000; round++) {
		for (unsigned i = 0; i < BYTES / VECTOR_BYTES; i++)
			out.v[i] = vector_narrow(in1.v[i], in2.v[i]);
		keep(&out);
	}
}

/* Which bytes are alike, as a general register's bits: searching text. */
static void mask(unsigned times)
{
	uint64_t sum = 0;

	fill();
	for (unsigned round = 0; round < times * 30000; round++) {
		for (unsigned i = 0; i < BYTES / VECTOR_BYTES; i++)
			sum += vector_mask(vector_equal(in1.v[i], in2.v[i]));
		keep(&sum);
	}
}

#define PASTE(a, b) a##b
#define TABLE(v)    PASTE(v, _kernels)
#define TEXT(a)	    #a
#define NAME(a, v)  a "-" TEXT(v)

const struct kernel TABLE(VECTOR)[] = {
	{ "vector-fp", NAME("saxpy", VECTOR), saxpy },
	{ "vector-fp", NAME("dot-double", VECTOR), dot_double },
	{ "vector-fp", NAME("divide-root", VECTOR), divide_root },
	{ "vector-fp", NAME("convert", VECTOR), convert },
	{ "vector", NAME("blend", VECTOR), blend },
	{ "vector", NAME("dot16", VECTOR), dot16 },
	{ "vector", NAME("motion", VECTOR), motion },
	{ "vector", NAME("shuffle", VECTOR), shuffle },
	{ "vector", NAME("saturate", VECTOR), saturate },
	{ "vector", NAME("narrow", VECTOR), narrow },
	{ "vector", NAME("mask", VECTOR), mask },
	{ 0 },
};
