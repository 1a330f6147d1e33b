/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The encoder's general instructions: against objdump, and executed where the order of operands is easy to
 * mistake. */
#include "tests/unit/x86_fixture.h"

#define ROUNDS 500

static const char *const alu_names[] = { "add", "or", "adc", "sbb", "and", "sub", "xor", "cmp" };
static const char *const cond_names[] = { "o", "no", "b", "ae", "e", "ne", "be", "a",
					  "s", "ns", "p", "np", "l", "ge", "le", "g" };
static const char *const shift_names[] = { "rol", "ror", NULL, NULL, "shl", "shr", NULL, "sar" };
static const char *const unary_names[] = { NULL, NULL, "not", "neg", "mul", "imul", "div", "idiv" };

/* Operands of one instruction, new for each. */
struct random_operands {
	unsigned size; /* 1, 2, 4, 8 */
	unsigned wide; /* 4, 8 */
	unsigned d, s, t;
	struct x86_mem m;
	int32_t imm; /* for any size */
	unsigned n;  /* a count */
	enum x86_cond cc;
	enum x86_alu alu;
	enum x86_shift shift;
};

static int32_t random_imm(struct samples *s, unsigned size)
{
	int32_t value = (int32_t)next_random(s);

	switch (size) {
	case 1:
		return (int8_t)value;
	case 2:
		return below(s, 2) ? (int8_t)value : (int16_t)value;
	default:
		return below(s, 2) ? (int8_t)value : value;
	}
}

static struct random_operands random_operands(struct samples *s)
{
	static const enum x86_shift shifts[] = { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR };
	struct random_operands o = {
		.size = 1 << below(s, 4),
		.wide = 4 << below(s, 2),
		.d = below(s, 16),
		.s = below(s, 16),
		.t = below(s, 16),
		.m = random_mem(s),
		.cc = below(s, 16),
		.alu = below(s, 8),
		.shift = shifts[below(s, 5)],
	};

	o.imm = random_imm(s, o.size);
	o.n = below(s, o.wide * 8);
	return o;
}

/* An immediate as objdump prints it: of the operation's size. */
static unsigned long long shown(unsigned size, int32_t imm)
{
	return (uint64_t)(int64_t)imm & (UINT64_MAX >> (64 - size * 8));
}

static void arithmetic(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	const char *alu = alu_names[o.alu], *d = gpr(o.size, o.d), *r = gpr(o.size, o.s);
	const char *m = mem_text(o.size, o.m);
	enum x86_unary unary = UNARY_NOT + below(s, 6);

	EXPECT(s, x86_alu_rr(c, o.alu, o.size, o.d, o.s), "%s %s,%s", alu, d, r);
	EXPECT(s, x86_alu_rm(c, o.alu, o.size, o.d, o.m), "%s %s,%s", alu, d, m);
	EXPECT(s, x86_alu_mr(c, o.alu, o.size, o.m, o.s), "%s %s,%s", alu, m, r);
	EXPECT(s, x86_alu_ri(c, o.alu, o.size, o.d, o.imm), "%s %s,0x%llx", alu, d, shown(o.size, o.imm));
	EXPECT(s, x86_alu_mi(c, o.alu, o.size, o.m, o.imm), "%s %s,0x%llx", alu, m, shown(o.size, o.imm));
	EXPECT(s, x86_test_rr(c, o.size, o.d, o.s), "test %s,%s", d, r);
	EXPECT(s, x86_unary(c, unary, o.size, o.d), "%s %s", unary_names[unary], d);
	EXPECT(s, x86_mulx(c, o.wide, o.d, o.s, o.t), "mulx %s,%s,%s", gpr(o.wide, o.d), gpr(o.wide, o.s),
	       gpr(o.wide, o.t));
	EXPECT(s, x86_sign_rax(c, o.wide), "%s", o.wide == 8 ? "cqo" : "cdq");
	if (o.size == 1)
		return;
	EXPECT(s, x86_imul_rr(c, o.size, o.d, o.s), "imul %s,%s", d, r);
	EXPECT(s, x86_imul_rm(c, o.size, o.d, o.m), "imul %s,%s", d, m);
	EXPECT(s, x86_imul_rri(c, o.size, o.d, o.s, o.imm), "imul %s,%s,0x%llx", d, r, shown(o.size, o.imm));
}

/* TEST of a small constant is done with the byte, of a positive one with 32 bits. */
static void test_with_constant(struct samples *s, struct random_operands o)
{
	unsigned size = o.imm >= 0 && o.imm < 128 ? 1 : o.imm >= 0 && o.size == 8 ? 4 : o.size;

	EXPECT(s, x86_test_ri(&s->code, o.size, o.d, o.imm), "test %s,0x%llx", gpr(size, o.d),
	       shown(size, o.imm));
	EXPECT(s, x86_test_mi(&s->code, o.size, o.m, o.imm), "test %s,0x%llx", mem_text(size, o.m),
	       shown(size, o.imm));
}

static void move_constants(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	uint64_t value = next_random(s) << 32 | 1;
	uint32_t half = next_random(s);

	EXPECT(s, x86_mov_ri(c, o.d, value), "movabs %s,0x%llx", gpr(8, o.d), (unsigned long long)value);
	EXPECT(s, x86_mov_ri(c, o.d, half), "mov %s,0x%x", gpr(4, o.d), half);
	EXPECT(s, x86_mov_ri(c, o.d, 0), "mov %s,0x0", gpr(4, o.d));
	EXPECT(s, x86_mov_ri(c, o.d, (int64_t)INT32_MIN), "mov %s,0xffffffff80000000", gpr(8, o.d));
	EXPECT(s, x86_mov_mi(c, o.size, o.m, o.imm), "mov %s,0x%llx", mem_text(o.size, o.m),
	       shown(o.size, o.imm));
}

static void moves(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	const char *d = gpr(o.wide, o.d), *r = gpr(o.wide, o.s), *m = mem_text(o.wide, o.m);

	if (o.wide == 4 || o.d != o.s)
		EXPECT(s, x86_mov_rr(c, o.wide, o.d, o.s), "mov %s,%s", d, r);
	EXPECT(s, x86_mov_rm(c, o.wide, o.d, o.m), "mov %s,%s", d, m);
	EXPECT(s, x86_lea(c, o.wide, o.d, o.m), "lea %s,%s", d, mem_text(0, o.m));
	EXPECT(s, x86_cmov(c, o.cc, o.wide, o.d, o.s), "cmov%s %s,%s", cond_names[o.cc], d, r);
	EXPECT(s, x86_cmov_rm(c, o.cc, o.wide, o.d, o.m), "cmov%s %s,%s", cond_names[o.cc], d, m);
	EXPECT(s, x86_mov_mr(c, o.size, o.m, o.s), "mov %s,%s", mem_text(o.size, o.m), gpr(o.size, o.s));
	EXPECT(s, x86_setcc(c, o.cc, o.d), "set%s %s", cond_names[o.cc], gpr(1, o.d));
	EXPECT(s, x86_push(c, o.d), "push %s", gpr(8, o.d));
	EXPECT(s, x86_pop(c, o.d), "pop %s", gpr(8, o.d));
	if (o.size > 1) {
		m = mem_text(o.size, o.m);
		EXPECT(s, x86_movbe_rm(c, o.size, o.d, o.m), "movbe %s,%s", gpr(o.size, o.d), m);
		EXPECT(s, x86_movbe_mr(c, o.size, o.m, o.s), "movbe %s,%s", m, gpr(o.size, o.s));
	}
}

static void extensions(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	unsigned from = 1 << below(s, 3);
	const char *d = gpr(8, o.d), *d32 = gpr(4, o.d), *r = gpr(from, o.s), *m = mem_text(from, o.m);
	const char *sign = from == 4 ? "movsxd" : "movsx", *zero = from == 4 ? "mov" : "movzx";
	const char *sign32 = from == 4 ? "mov" : "movsx";
	bool rax = o.d == RAX && o.s == RAX;

	EXPECT(s, x86_movzx_rr(c, o.d, o.s, from), "%s %s,%s", zero, d32, r);
	EXPECT(s, x86_movzx_rm(c, o.d, o.m, from), "%s %s,%s", zero, d32, m);
	EXPECT(s, x86_movsx_rm(c, o.d, o.m, from), "%s %s,%s", sign, d, m);
	EXPECT(s, x86_movsx32_rm(c, o.d, o.m, from), "%s %s,%s", sign32, d32, m);
	if (from == 4 && rax)
		EXPECT(s, x86_movsx_rr(c, RAX, RAX, 4), "cdqe");
	else
		EXPECT(s, x86_movsx_rr(c, o.d, o.s, from), "%s %s,%s", sign, d, r);
	if (from == 2 && rax)
		EXPECT(s, x86_movsx32_rr(c, RAX, RAX, 2), "cwde");
	else
		EXPECT(s, x86_movsx32_rr(c, o.d, o.s, from), "%s %s,%s", sign32, d32, r);
	EXPECT(s, x86_movzx_rm(c, o.d, o.m, 8), "mov %s,%s", d, mem_text(8, o.m));
	EXPECT(s, x86_movsx_rm(c, o.d, o.m, 8), "mov %s,%s", d, mem_text(8, o.m));
}

static void shifts(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	const char *d = gpr(o.wide, o.d), *r = gpr(o.wide, o.s), *t = gpr(o.wide, o.t);
	unsigned n = below(s, o.size * 8);

	if (n == 1)
		EXPECT(s, x86_shift_ri(c, o.shift, o.size, o.d, 1), "%s %s,1", shift_names[o.shift],
		       gpr(o.size, o.d));
	else
		EXPECT(s, x86_shift_ri(c, o.shift, o.size, o.d, n), "%s %s,0x%x", shift_names[o.shift],
		       gpr(o.size, o.d), n);
	EXPECT(s, x86_shift_cl(c, o.shift, o.size, o.d), "%s %s,cl", shift_names[o.shift], gpr(o.size, o.d));
	if (o.shift >= SHIFT_SHL)
		EXPECT(s, x86_shiftx(c, o.shift, o.wide, o.d, o.s, o.t), "%sx %s,%s,%s", shift_names[o.shift],
		       d, r, t);
	EXPECT(s, x86_rorx(c, o.wide, o.d, o.s, o.n), "rorx %s,%s,0x%x", d, r, o.n);
	EXPECT(s, x86_shld_ri(c, o.wide, o.d, o.s, o.n), "shld %s,%s,0x%x", d, r, o.n);
	EXPECT(s, x86_shrd_ri(c, o.wide, o.d, o.s, o.n), "shrd %s,%s,0x%x", d, r, o.n);
}

static void bits(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	const char *d = gpr(o.wide, o.d), *r = gpr(o.wide, o.s), *t = gpr(o.wide, o.t);

	EXPECT(s, x86_bswap(c, o.wide, o.d), "bswap %s", d);
	EXPECT(s, x86_lzcnt_rr(c, o.wide, o.d, o.s), "lzcnt %s,%s", d, r);
	EXPECT(s, x86_tzcnt_rr(c, o.wide, o.d, o.s), "tzcnt %s,%s", d, r);
	EXPECT(s, x86_popcnt_rr(c, o.wide, o.d, o.s), "popcnt %s,%s", d, r);
	EXPECT(s, x86_andn(c, o.wide, o.d, o.s, o.t), "andn %s,%s,%s", d, r, t);
	EXPECT(s, x86_bextr(c, o.wide, o.d, o.s, o.t), "bextr %s,%s,%s", d, r, t);
	EXPECT(s, x86_bzhi(c, o.wide, o.d, o.s, o.t), "bzhi %s,%s,%s", d, r, t);
	EXPECT(s, x86_blsr(c, o.wide, o.d, o.s), "blsr %s,%s", d, r);
	EXPECT(s, x86_pext(c, o.wide, o.d, o.s, o.t), "pext %s,%s,%s", d, r, t);
	EXPECT(s, x86_pdep(c, o.wide, o.d, o.s, o.t), "pdep %s,%s,%s", d, r, t);
	EXPECT(s, x86_bt_ri(c, o.wide, o.d, o.n), "bt %s,0x%x", gpr(o.n < 32 ? 4 : 8, o.d), o.n);
	EXPECT(s, x86_bt_rr(c, o.wide, o.d, o.s), "bt %s,%s", d, r);
	EXPECT(s, x86_crc32(c, o.size, o.d, o.s), "crc32 %s,%s", gpr(o.size == 8 ? 8 : 4, o.d),
	       gpr(o.size, o.s));
}

static void atomics(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	const char *m = mem_text(o.size, o.m), *r = gpr(o.size, o.s);

	o.alu %= ALU_CMP;
	EXPECT(s, x86_xchg_mr(c, o.size, o.m, o.s), "xchg %s,%s", m, r);
	EXPECT(s, x86_lock_xadd(c, o.size, o.m, o.s), "lock xadd %s,%s", m, r);
	EXPECT(s, x86_lock_cmpxchg(c, o.size, o.m, o.s), "lock cmpxchg %s,%s", m, r);
	EXPECT(s, x86_lock_alu_mr(c, o.alu, o.size, o.m, o.s), "lock %s %s,%s", alu_names[o.alu], m, r);
	EXPECT(s, x86_lock_cmpxchg16b(c, o.m), "lock cmpxchg16b O%s", mem_text(2, o.m));
	EXPECT(s, x86_lock_or_stack(c), "lock or DWORD PTR [rsp],0x0");
}

/* Targets are addresses as executed; the file starts at 0. */
static void jumps(struct samples *s, struct random_operands o)
{
	struct code *c = &s->code;
	uintptr_t target = next_random(s) % 1000000;
	const void *there = (const void *)target;
	uint8_t *site;

	c->rx = -(ptrdiff_t)s->bytes;
	EXPECT(s, x86_jmp(c, there), "jmp 0x%zx", target);
	EXPECT(s, x86_call(c, there), "call 0x%zx", target);
	EXPECT(s, x86_jcc(c, o.cc, there), "j%s 0x%zx", cond_names[o.cc], target);
	EXPECT(s, x86_jmp_r(c, o.d), "jmp %s", gpr(8, o.d));
	EXPECT(s, x86_call_r(c, o.d), "call %s", gpr(8, o.d));
	EXPECT(s, x86_jmp_m(c, o.m), "jmp %s", mem_text(8, o.m));
	EXPECT(s, x86_call_m(c, o.m), "call %s", mem_text(8, o.m));
	EXPECT(s, x86_ret(c), "ret");
	EXPECT(s, site = x86_jmp_forward(c), "jmp 0x%zx", c->at - s->bytes + 3);
	EXPECT(s, x86_bswap(c, 8, o.d), "bswap %s", gpr(8, o.d));
	x86_here(c, site);
	EXPECT(s, site = x86_jcc_forward(c, o.cc), "j%s 0x%zx", cond_names[o.cc], c->at - s->bytes + 3);
	EXPECT(s, x86_bswap(c, 8, o.d), "bswap %s", gpr(8, o.d));
	x86_here(c, site);
	EXPECT(s, site = x86_jmp_forward_short(c), "jmp 0x%zx", c->at - s->bytes + 3);
	EXPECT(s, x86_bswap(c, 8, o.d), "bswap %s", gpr(8, o.d));
	x86_here_short(c, site);
	EXPECT(s, site = x86_jcc_forward_short(c, o.cc), "j%s 0x%zx", cond_names[o.cc], c->at - s->bytes + 3);
	EXPECT(s, x86_bswap(c, 8, o.d), "bswap %s", gpr(8, o.d));
	x86_here_short(c, site);
}

static void rest(struct samples *s, struct random_operands o)
{
	static const char *const nops[] = { "nop",
					    "xchg ax,ax",
					    "nop DWORD PTR [rax]",
					    "nop DWORD PTR [rax+0x0]",
					    "nop DWORD PTR [rax+rax*1+0x0]",
					    "nop WORD PTR [rax+rax*1+0x0]",
					    "nop DWORD PTR [rax+0x0]",
					    "nop DWORD PTR [rax+rax*1+0x0]",
					    "nop WORD PTR [rax+rax*1+0x0]" };
	struct code *c = &s->code;

	EXPECT(s, x86_rdtsc(c), "rdtsc");
	EXPECT(s, x86_ud2(c), "ud2");
	EXPECT(s, x86_vzeroupper(c), "vzeroupper");
	EXPECT(s, x86_prefetch(c, o.m), "prefetcht0 %s", mem_text(1, o.m));
	EXPECT(s, x86_ldmxcsr(c, o.m), "ldmxcsr %s", mem_text(4, o.m));
	EXPECT(s, x86_stmxcsr(c, o.m), "stmxcsr %s", mem_text(4, o.m));
	for (unsigned bytes = 1; bytes <= 9; bytes++)
		EXPECT(s, x86_nop(c, bytes), "%s", nops[bytes - 1]);
}

static void general_instructions_read_as_meant(void **state)
{
	static void (*const groups[])(struct samples * s, struct random_operands o) = {
		arithmetic,	test_with_constant,
		move_constants, moves,
		extensions,	shifts,
		bits,		atomics,
		jumps,		rest,
	};
	struct samples *s = *state;

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
			groups[i](s, random_operands(s));
	samples_compare(s);
}

#define RUN(statements, rdi, rsi, rdx, rcx)                                                                  \
	({                                                                                                   \
		struct program p_ = program_new();                                                           \
		struct code *c = &p_.code;                                                                   \
                                                                                                             \
		statements;                                                                                  \
		program_run(&p_, rdi, rsi, rdx, rcx);                                                        \
	})

static void three_operands_stand_in_the_headers_order(void **state)
{
	assert_int_equal(RUN(x86_shiftx(c, SHIFT_SHL, 8, RAX, RDI, RSI), 5, 8, 0, 0), 5 << 8);
	assert_int_equal(RUN(x86_shiftx(c, SHIFT_SHR, 8, RAX, RDI, RSI), 0x500, 8, 0, 0), 5);
	assert_int_equal(RUN(x86_shiftx(c, SHIFT_SAR, 8, RAX, RDI, RSI), -512, 8, 0, 0), (uint64_t)-2);
	assert_int_equal(RUN(x86_andn(c, 8, RAX, RDI, RSI), 0xf0, 0xff, 0, 0), 0x0f);
	assert_int_equal(RUN(x86_bextr(c, 8, RAX, RDI, RSI), 0x12345, 8 << 8 | 4, 0, 0), 0x34);
	assert_int_equal(RUN(x86_bzhi(c, 8, RAX, RDI, RSI), 0x12345, 8, 0, 0), 0x45);
	assert_int_equal(RUN(x86_pext(c, 8, RAX, RDI, RSI), 0xabcd, 0xf0f0, 0, 0), 0xac);
	assert_int_equal(RUN(x86_pdep(c, 8, RAX, RDI, RSI), 0xac, 0xf0f0, 0, 0), 0xa0c0);
}

static void mulx_puts_the_high_half_first(void **state)
{
	uint64_t a = UINT64_C(0x123456789abcdef0), b = UINT64_C(0xfedcba9876543210);
	unsigned __int128 product = (unsigned __int128)a * b;

	assert_true(RUN(x86_mulx(c, 8, RAX, RCX, RDI), a, 0, b, 0) == (uint64_t)(product >> 64));
	assert_true(RUN(x86_mulx(c, 8, RCX, RAX, RDI), a, 0, b, 0) == (uint64_t)product);
}

static void double_shifts_fill_from_the_source(void **state)
{
	assert_int_equal(RUN((x86_shld_ri(c, 8, RDI, RSI, 8), x86_mov_rr(c, 8, RAX, RDI)), 1,
			     UINT64_C(0xab) << 56, 0, 0),
			 0x1ab);
	assert_int_equal(RUN((x86_shrd_ri(c, 8, RDI, RSI, 8), x86_mov_rr(c, 8, RAX, RDI)), 0x1ab, 0, 0, 0),
			 1);
}

static void forward_jumps_lead_to_where_they_are_told(void **state)
{
	for (unsigned is_short = 0; is_short < 2; is_short++)
		for (uint64_t value = 0; value < 2; value++) {
			struct program p = program_new();
			struct code *c = &p.code;
			uint8_t *site;

			x86_test_rr(c, 8, RDI, RDI);
			x86_mov_ri(c, RAX, 7);
			site = is_short ? x86_jcc_forward_short(c, CC_E) : x86_jcc_forward(c, CC_E);
			x86_mov_ri(c, RAX, 9);
			(is_short ? x86_here_short : x86_here)(c, site);
			assert_int_equal(program_run(&p, value, 0, 0, 0), value ? 9 : 7);
		}
}

static void constants_are_exact_and_keep_the_flags(void **state)
{
	static const uint64_t values[] = { 0,
					   1,
					   INT32_MAX,
					   UINT64_C(0x80000000),
					   UINT32_MAX,
					   UINT64_C(0x100000000),
					   UINT64_C(0xffffffff80000000),
					   UINT64_C(0xffffffff7fffffff),
					   UINT64_MAX };

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_true(RUN(x86_mov_ri(c, RAX, values[i]), 0, 0, 0, 0) == values[i]);
		assert_true(RUN((x86_alu_rr(c, ALU_CMP, 8, RDI, RDI), x86_mov_ri(c, RAX, values[i]),
				 x86_cmov(c, CC_NE, 8, RAX, RDI)),
				~values[i], 0, 0, 0) == values[i]);
	}
}

/* The flags of the byte are those of the whole where the constant has no bit beyond bit 6. */
static void a_small_test_has_the_flags_of_a_wide_one(void **state)
{
	assert_int_equal(RUN((x86_mov_ri(c, RAX, 0), x86_test_ri(c, 8, RDI, 0x7f), x86_setcc(c, CC_E, RAX)),
			     ~0x7fl, 0, 0, 0),
			 1);
	assert_int_equal(RUN((x86_mov_ri(c, RAX, 0), x86_test_ri(c, 8, RDI, 0x40), x86_setcc(c, CC_S, RAX)),
			     -1, 0, 0, 0),
			 0);
	assert_int_equal(RUN((x86_mov_ri(c, RAX, 0), x86_test_ri(c, 4, RDI, 0x80), x86_setcc(c, CC_S, RAX)),
			     -1, 0, 0, 0),
			 0);
}

static void a_full_buffer_is_not_written_past(void **state)
{
	uint8_t bytes[64];
	struct code c = { .at = bytes, .end = bytes + 40 };

	memset(bytes, 0xcc, sizeof(bytes));
	for (unsigned i = 0; i < 64; i++) {
		x86_mov_ri(&c, RAX, UINT64_MAX / 3);
		x86_v3(&c, V_paddb, 256, 15, 15, 15);
		x86_here(&c, x86_jcc_forward(&c, CC_E));
		x86_nop(&c, 20);
	}
	assert_true(c.full);
	assert_true(c.at <= c.end);
	for (unsigned i = 40; i < 64; i++)
		assert_int_equal(bytes[i], 0xcc);
}

static void features_are_those_of_cpuinfo(void **state)
{
	static const char *const names[] = { " avx512vl ",	" avx512bw ",	      " avx512dq ",
					     " avx512cd ",	" avx512vbmi ",	      " avx512_vbmi2 ",
					     " avx512_bitalg ", " avx512_vpopcntdq ", " gfni ",
					     " pclmulqdq " };
	char line[8192] = "";
	FILE *cpuinfo = fopen("/proc/cpuinfo", "r");

	assert_non_null(cpuinfo);
	while (fgets(line, sizeof(line), cpuinfo) && strncmp(line, "flags", 5))
		;
	fclose(cpuinfo);
	line[strcspn(line, "\n")] = ' ';
	for (unsigned i = 0; x86_feature_names[i].name; i++)
		assert_int_equal(!!(x86_host_features() & x86_feature_names[i].feature),
				 !!strstr(line, names[i]));
	assert_int_equal(x86_host_is_v3(), strstr(line, " avx2 ") && strstr(line, " bmi2 ") &&
						   strstr(line, " movbe ") && strstr(line, " fma "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(general_instructions_read_as_meant, samples_setup,
						samples_teardown),
		cmocka_unit_test(three_operands_stand_in_the_headers_order),
		cmocka_unit_test(mulx_puts_the_high_half_first),
		cmocka_unit_test(double_shifts_fill_from_the_source),
		cmocka_unit_test(forward_jumps_lead_to_where_they_are_told),
		cmocka_unit_test(constants_are_exact_and_keep_the_flags),
		cmocka_unit_test(a_small_test_has_the_flags_of_a_wide_one),
		cmocka_unit_test(a_full_buffer_is_not_written_past),
		cmocka_unit_test(features_are_those_of_cpuinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
