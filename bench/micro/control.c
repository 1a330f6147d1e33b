/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Branches, calls, calls through pointers, and programs made of little else. */
#include "micro.h"

/* Taken or not by the bits of a random number: no predictor knows. */
static void branch(unsigned times)
{
	uint64_t random = RANDOM_SEED, a = 0, b = 0;

	for (unsigned round = 0; round < times * 1500000; round++) {
		uint64_t bits = next_random(&random);

		for (unsigned i = 0; i < 16; i++, bits >>= 1) {
			if (bits & 1) {
				a += b ^ i;
				keep(&a);
			} else {
				b -= a;
				keep(&b);
			}
		}
	}
}

static __attribute__((noinline)) uint64_t leaf(uint64_t x)
{
	keep(&x);
	return x + 1;
}

static __attribute__((noinline)) uint64_t middle(uint64_t x)
{
	return leaf(leaf(x)) ^ 1;
}

static __attribute__((noinline)) uint64_t outer(uint64_t x)
{
	return middle(middle(x) + 3) + 1;
}

static void call(unsigned times)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < times * 3000000; i++)
		x = outer(x);
	keep(&x);
}

static __attribute__((noinline)) uint64_t add(uint64_t x)
{
	return x + 5;
}
static __attribute__((noinline)) uint64_t rotate(uint64_t x)
{
	return x << 13 | x >> 51;
}
static __attribute__((noinline)) uint64_t mix(uint64_t x)
{
	return x ^ x >> 7;
}
static __attribute__((noinline)) uint64_t scale(uint64_t x)
{
	return x * 31;
}

static void indirect_call(unsigned times)
{
	static uint64_t (*volatile const table[])(uint64_t) = { add, rotate, mix,   scale,
								mix, add,    scale, rotate };
	uint64_t x = 1;

	for (unsigned i = 0; i < times * 12000000; i++)
		x = table[(i ^ i >> 3) % 8](x);
	keep(&x);
}

static __attribute__((noinline)) unsigned fib(unsigned n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void recursion(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		unsigned n = 34;

		keep(&n);
		n = fib(n);
		keep(&n);
	}
}

/* An interpreter of a small stack machine that runs a sieve-like loop: a switch for each operation. */
enum operation { PUSH, LOAD, STORE, ADD, MULTIPLY, XOR, LESS, JUMP_IF, HALT };

static int64_t interpret(const int8_t *code)
{
	int64_t variables[4] = { 0 }, stack[8], *top = stack;

	for (const int8_t *pc = code;;) {
		switch (*pc++) {
		case PUSH:
			*top++ = *pc++;
			break;
		case LOAD:
			*top++ = variables[*pc++];
			break;
		case STORE:
			variables[*pc++] = *--top;
			break;
		case ADD:
			top--;
			top[-1] += *top;
			break;
		case MULTIPLY:
			top--;
			top[-1] *= *top;
			break;
		case XOR:
			top--;
			top[-1] ^= *top;
			break;
		case LESS:
			top--;
			top[-1] = top[-1] < *top;
			break;
		case JUMP_IF:
			pc++;
			if (*--top)
				pc += pc[-1];
			break;
		default:
			return variables[1];
		}
	}
}

static void bytecode(unsigned times)
{
	/* v2 = 100 * 100 * 100; do { v1 = (v1 + v0) * 3 ^ v0; v0 += 1; } while (v0 < v2); */
	static const int8_t program[] = { PUSH, 100,   PUSH, 100,  MULTIPLY, PUSH,    100, MULTIPLY, STORE, 2,
					  LOAD, 1,     LOAD, 0,	   ADD,	     PUSH,    3,   MULTIPLY, LOAD,  0,
					  XOR,	STORE, 1,    LOAD, 0,	     PUSH,    1,   ADD,	     STORE, 0,
					  LOAD, 0,     LOAD, 2,	   LESS,     JUMP_IF, -27, HALT };
	int64_t sum = 0;

	for (unsigned i = 0; i < times; i++)
		sum += interpret(program);
	keep(&sum);
}

const struct kernel control_kernels[] = {
	{ "control", "branch", branch },
	{ "control", "call", call },
	{ "control", "indirect-call", indirect_call },
	{ "control", "fib", recursion },
	{ "integer", "bytecode", bytecode },
	{ 0 },
};
