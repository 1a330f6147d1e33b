/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Scalar floating point; compiled without vectors. */
#include <math.h>

#include "micro.h"

/* One chain of the basic operations, in double and single. */
static void chain_double(unsigned times)
{
	double x = 1.5, y = 0.75;

	for (unsigned i = 0; i < times * 2000000; i++) {
		keep(&y);
		x = (x + y) * 0.5;
		x = sqrt(x * x + y) - x / 3.0;
	}
	keep(&x);
}

static void chain_float(unsigned times)
{
	float x = 1.5f, y = 0.75f;

	for (unsigned i = 0; i < times * 2000000; i++) {
		keep(&y);
		x = (x + y) * 0.5f;
		x = sqrtf(x * x + y) - x / 3.0f;
	}
	keep(&x);
}

/* Between integers, doubles and floats, and what depends on comparing them. */
static void convert(unsigned times)
{
	uint64_t random = RANDOM_SEED;
	int64_t sum = 0;
	float most = 0;

	for (unsigned i = 0; i < times * 2000000; i++) {
		const double d = (double)(int64_t)next_random(&random);
		const float f = (float)(d * 1e-10);

		sum += (int64_t)(f * 3) + (int)(f * 0.5f);
		if (f > most)
			most = f;
	}
	keep(&sum), keep(&most);
}

struct body {
	double x[3], v[3], mass;
};

static void nbody_step(struct body *bodies, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = i + 1; j < count; j++) {
			struct body *a = &bodies[i], *b = &bodies[j];
			double d[3], square = 0.01, force;

			for (unsigned k = 0; k < 3; k++) {
				d[k] = a->x[k] - b->x[k];
				square += d[k] * d[k];
			}
			force = 0.001 / (square * sqrt(square));
			for (unsigned k = 0; k < 3; k++) {
				a->v[k] -= d[k] * b->mass * force;
				b->v[k] += d[k] * a->mass * force;
			}
		}
	}
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < 3; k++)
			bodies[i].x[k] += 0.001 * bodies[i].v[k];
}

static void nbody(unsigned times)
{
	struct body bodies[5];

	for (unsigned i = 0; i < 5; i++)
		bodies[i] = (struct body){ { i * 1.1, i * 0.7, i * 0.3 },
					   { i * 0.01, i * 0.02, i * 0.03 },
					   1.0 / (i + 1) };
	for (unsigned i = 0; i < times * 100000; i++)
		nbody_step(bodies, 5);
	keep(bodies);
}

static unsigned escape(double cx, double cy)
{
	double x = 0, y = 0;
	unsigned n = 0;

	for (; n < 200 && x * x + y * y < 4; n++) {
		const double next = x * x - y * y + cx;

		y = 2 * x * y + cy;
		x = next;
	}
	return n;
}

static void mandelbrot(unsigned times)
{
	unsigned sum = 0;

	for (unsigned round = 0; round < times * 2; round++)
		for (unsigned y = 0; y < 160; y++)
			for (unsigned x = 0; x < 160; x++)
				sum += escape(x / 64.0 - 2, y / 64.0 - 1.25);
	keep(&sum);
}

enum { SIDE = 128 };

/* Both, of one text: product of two square matrices. */
#define MATRIX(name, type)                                                                                   \
	static void name(unsigned times)                                                                     \
	{                                                                                                    \
		static type a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];                                     \
                                                                                                             \
		for (unsigned i = 0; i < SIDE * SIDE; i++) {                                                 \
			a[i / SIDE][i % SIDE] = (type)(i % 7) / 3;                                           \
			b[i / SIDE][i % SIDE] = (type)(i % 11) / 5;                                          \
		}                                                                                            \
		for (unsigned round = 0; round < times * 5; round++) {                                       \
			for (unsigned i = 0; i < SIDE; i++) {                                                \
				for (unsigned j = 0; j < SIDE; j++) {                                        \
					type sum = 0;                                                        \
                                                                                                             \
					for (unsigned k = 0; k < SIDE; k++)                                  \
						sum += a[i][k] * b[k][j];                                    \
					c[i][j] = sum;                                                       \
				}                                                                            \
			}                                                                                    \
			keep(c);                                                                             \
		}                                                                                            \
	}

MATRIX(matrix_double, double)
MATRIX(matrix_float, float)

static void libm(unsigned times)
{
	double sum = 0;

	for (unsigned i = 0; i < times * 100000; i++) {
		const double x = i * 0.001 + 0.1;

		sum += sin(x) + exp(-x) + log(x) + pow(x, 0.3) + atan2(x, sum);
	}
	keep(&sum);
}

const struct kernel fp_kernels[] = {
	{ "fp", "chain-double", chain_double },
	{ "fp", "chain-float", chain_float },
	{ "fp", "convert", convert },
	{ "fp", "nbody", nbody },
	{ "fp", "mandelbrot", mandelbrot },
	{ "fp", "matrix-double", matrix_double },
	{ "fp", "matrix-float", matrix_float },
	{ "fp", "libm", libm },
	{ 0 },
};
