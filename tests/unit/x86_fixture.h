/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Tests of the encoder.  Encodings against an independent disassembler: instructions with random operands
 * are written one after another, each with the text that GNU objdump must give for it at its address, so
 * that lengths are checked, too.  And small programs that are executed.
 */
#ifndef BIXI_TESTS_X86_FIXTURE_H
#define BIXI_TESTS_X86_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "machine/jit/x86.h"

#define SAMPLES_MAX  100000
#define SAMPLE_BYTES 16

struct sample {
	size_t offset;
	char text[80];
};

struct samples {
	struct code code;
	uint8_t *bytes;
	struct sample *sample;
	size_t count;
	uint64_t seed;
};

static inline uint64_t next_random(struct samples *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return s->seed * UINT64_C(0x2545f4914f6cdd1d) >> 11;
}

static inline unsigned below(struct samples *s, unsigned n)
{
	return next_random(s) % n;
}

/* BIXI_TEST_SEED repeats a run. */
static inline int samples_setup(void **state)
{
	struct samples *s = calloc(1, sizeof(*s));
	const char *given = getenv("BIXI_TEST_SEED");

	s->seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) << 20 | getpid();
	print_message("seed: BIXI_TEST_SEED=%#llx\n", (unsigned long long)s->seed);
	s->bytes = malloc(SAMPLES_MAX * SAMPLE_BYTES);
	s->sample = malloc(SAMPLES_MAX * sizeof(*s->sample));
	s->code = (struct code){ .at = s->bytes, .end = s->bytes + SAMPLES_MAX * SAMPLE_BYTES };
	*state = s;
	return 0;
}

static inline int samples_teardown(void **state)
{
	struct samples *s = *state;

	free(s->bytes);
	free(s->sample);
	free(s);
	return 0;
}

static inline void sample_text(struct samples *s, const uint8_t *start, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline void sample_text(struct samples *s, const uint8_t *start, const char *format, ...)
{
	struct sample *sample = &s->sample[s->count++];
	va_list args;

	assert_true(s->count <= SAMPLES_MAX);
	assert_false(s->code.full);
	sample->offset = start - s->bytes;
	va_start(args, format);
	vsnprintf(sample->text, sizeof(sample->text), format, args);
	va_end(args);
}

/* Encodes with `call` and remembers what objdump must say. */
#define EXPECT(s, call, ...)                                                                                 \
	do {                                                                                                 \
		const uint8_t *start_ = (s)->code.at;                                                        \
                                                                                                             \
		call;                                                                                        \
		sample_text(s, start_, __VA_ARGS__);                                                         \
	} while (0)

/* Names as GNU objdump prints them. */
static inline const char *gpr(unsigned size, unsigned r)
{
	static const char *const names[4][16] = {
		{ "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
		  "r13b", "r14b", "r15b" },
		{ "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w",
		  "r13w", "r14w", "r15w" },
		{ "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
		  "r12d", "r13d", "r14d", "r15d" },
		{ "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
		  "r13", "r14", "r15" },
	};

	return names[__builtin_ctz(size)][r];
}

static inline int32_t random_disp(struct samples *s)
{
	switch (below(s, 4)) {
	case 0:
		return 0;
	case 1:
		return (int8_t)next_random(s);
	case 2:
		return (int8_t)next_random(s) * 16;
	default:
		return (int32_t)next_random(s);
	}
}

static inline struct x86_mem random_mem(struct samples *s)
{
	struct x86_mem m = { .base = below(s, 16), .index = X86_NONE, .scale = 1, .disp = random_disp(s) };
	unsigned index = below(s, 16);

	if (below(s, 2) && index != RSP) {
		m.index = index;
		m.scale = 1 << below(s, 4);
	}
	if (below(s, 16) == 0)
		m.base = X86_NONE;
	return m;
}

/* "QWORD PTR [base+index*scale+disp]"; the text lives until four more were made.  size 0: the address alone.
 */
static inline const char *mem_text(unsigned size, struct x86_mem m)
{
	static const char *const sizes[] = { "BYTE", "WORD", "DWORD", "QWORD", "XMMWORD", "YMMWORD" };
	static char ring[4][64];
	static unsigned next;
	char *text = ring[next++ % 4], *end = text + sizeof(ring[0]), *at = text;
	int64_t disp = m.disp;

	if (size)
		at += snprintf(at, end - at, "%s PTR ", sizes[__builtin_ctz(size)]);
	if (m.base == X86_NONE && m.index == X86_NONE) {
		snprintf(at, end - at, "ds:0x%llx", (unsigned long long)disp);
		return text;
	}
	*at++ = '[';
	if (m.base != X86_NONE)
		at += snprintf(at, end - at, "%s", gpr(8, m.base));
	if (m.index != X86_NONE)
		at += snprintf(at, end - at, "%s%s*%u", m.base == X86_NONE ? "" : "+", gpr(8, m.index),
			       m.scale);
	if (m.disp || m.base == X86_NONE || (m.base & 7) == RBP)
		at += snprintf(at, end - at, "%c0x%llx", disp < 0 ? '-' : '+',
			       (unsigned long long)(disp < 0 ? -disp : disp));
	snprintf(at, end - at, "]");
	return text;
}

/* A blank or more becomes one; none at the end. */
static inline void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (!isspace((unsigned char)*from))
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	while (to > text && to[-1] == ' ')
		to--;
	*to = 0;
}

static inline FILE *open_objdump(const struct samples *s, const char *path)
{
	char command[200];
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(s->bytes, 1, s->code.at - s->bytes, file), s->code.at - s->bytes);
	fclose(file);
	snprintf(command, sizeof(command),
		 "objdump -D -z -w -b binary -m i386:x86-64 -M intel --no-show-raw-insn %s", path);
	return popen(command, "r");
}

/* Everything emitted since samples_setup() reads as expected, instruction by instruction. */
static inline void samples_compare(struct samples *s)
{
	char path[] = "/tmp/bixi-test-x86-XXXXXX", line[256];
	size_t seen = 0, wrong = 0;
	FILE *objdump;

	close(mkstemp(path));
	objdump = open_objdump(s, path);
	assert_non_null(objdump);
	while (fgets(line, sizeof(line), objdump)) {
		char *text;
		size_t offset = strtoull(line, &text, 16);

		if (line[0] != ' ' || *text != ':')
			continue;
		squeeze(++text);
		if (seen >= s->count) {
			wrong++;
			break;
		}
		if ((s->sample[seen].offset != offset || strcmp(s->sample[seen].text, text)) && wrong++ < 20)
			print_message("%#zx: \"%s\", expected at %#zx: \"%s\"\n", offset, text,
				      s->sample[seen].offset, s->sample[seen].text);
		seen++;
	}
	assert_int_equal(pclose(objdump), 0);
	unlink(path);
	print_message("%zu instructions compared\n", seen);
	assert_int_equal(wrong, 0);
	assert_int_equal(seen, s->count);
}

/* A function that is written, called once and gone: arguments in RDI, RSI, RDX, RCX, the result in RAX. */
struct program {
	struct code code;
	uint64_t (*run)(uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t rcx);
};

static inline struct program program_new(void)
{
	void *bytes =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(bytes, MAP_FAILED);
	return (struct program){ .code = { .at = bytes, .end = (uint8_t *)bytes + 4096 }, .run = bytes };
}

static inline uint64_t program_run(struct program *p, uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t rcx)
{
	uint64_t result;

	x86_ret(&p->code);
	assert_false(p->code.full);
	result = p->run(rdi, rsi, rdx, rcx);
	munmap(p->run, 4096);
	return result;
}

#endif
