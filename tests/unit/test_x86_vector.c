/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The encoder's vector instructions: every row of x86_vector.def against objdump, and some executed. */
#include "tests/unit/x86_fixture.h"

#define ROUNDS 20

/* The columns of x86_vector.def, as the text needs them. */
enum { VEX, EVEX };
enum shape { RVM, RM, MR, RVMR, VM0, VM1, VM2, VM3, VM4, VM5, VM6, VM7 };
enum kind { V, H, Q, E, X, R, L, K, N };
enum memory { M0 = 0, M1 = 1, M2 = 2, M4 = 4, M8 = 8, M16 = 16, MV, MH, MQ, ME, MDUP };

struct row {
	const char *name;
	unsigned prefix;
	enum shape shape;
	enum kind d, s;
	enum memory mem;
	bool imm;
};

static const struct row rows[] = {
#define VOP(name, prefix, pp, map, w, opcode, shape, d, s, mem, imm)                                         \
	[V_##name] = { #name, prefix, shape, d, s, mem, imm },
#include "machine/jit/x86_vector.def"
#undef VOP
};

/* One instance of a row: numbers of its operands, and their text. */
struct instance {
	enum x86_vop op;
	const struct row *row;
	unsigned bits, d, a, s, imm;
	struct x86_mem m;
	char mnemonic[24], d_text[16], a_text[16], s_text[16], imm_text[8];
};

static bool is_part(enum kind k)
{
	return k <= E;
}

static unsigned random_register(struct samples *s, const struct row *row, enum kind k)
{
	return below(s, k == K ? 8 : row->prefix == EVEX && k != R && k != L ? 32 : 16);
}

static void register_text(char *text, size_t size, enum kind k, unsigned bits, unsigned r)
{
	switch (k) {
	case R:
	case L:
		snprintf(text, size, "%s", gpr(k == R ? 4 : 8, r));
		break;
	case K:
		snprintf(text, size, "k%u", r);
		break;
	default:
		snprintf(text, size, "%cmm%u", k == V && bits == 256 ? 'y' : 'x', r);
		break;
	}
}

/* The mnemonic is the name to its suffix. */
static void mnemonic(char *text, size_t size, const char *name)
{
	snprintf(text, size, "v%.*s", (int)strcspn(name, "_"), name);
}

static struct instance random_instance(struct samples *s, enum x86_vop op, unsigned bits)
{
	const struct row *row = &rows[op];
	enum kind a = row->d == K ? row->s : row->d;
	struct instance i = { .op = op, .row = row, .bits = bits, .m = random_mem(s) };

	i.d = random_register(s, row, row->d);
	i.a = random_register(s, row, a);
	i.s = random_register(s, row, row->s);
	mnemonic(i.mnemonic, sizeof(i.mnemonic), row->name);
	register_text(i.d_text, sizeof(i.d_text), row->d, bits, i.d);
	register_text(i.a_text, sizeof(i.a_text), a, bits, i.a);
	register_text(i.s_text, sizeof(i.s_text), row->s, bits, i.s);
	/* Low numbers would make a name of their own for comparisons and PCLMULQDQ. */
	if (row->imm) {
		i.imm = 0x20 + below(s, 0xe0);
		snprintf(i.imm_text, sizeof(i.imm_text), ",0x%x", i.imm);
	}
	return i;
}

/* What objdump says before the brackets, also where fewer bytes are counted in for a displacement. */
static unsigned memory_size(const struct row *row, unsigned bits)
{
	if (is_part(row->d) && is_part(row->s) &&
	    (strstr(row->name, "compress") || strstr(row->name, "expand")))
		return bits / 8;
	switch (row->mem) {
	case MV:
		return bits / 8;
	case MH:
		return bits / 16;
	case MQ:
		return bits / 32;
	case ME:
		return bits / 64;
	case MDUP:
		return bits == 128 ? 8 : 32;
	default:
		return row->mem;
	}
}

static void registers(struct samples *s, const struct instance *i)
{
	struct code *c = &s->code;
	const struct row *row = i->row;

	switch (row->shape) {
	case RVM:
		EXPECT(s,
		       row->imm ? x86_v3i(c, i->op, i->bits, i->d, i->a, i->s, i->imm)
				: x86_v3(c, i->op, i->bits, i->d, i->a, i->s),
		       "%s %s,%s,%s%s", i->mnemonic, i->d_text, i->a_text, i->s_text, i->imm_text);
		break;
	case RM:
	case MR:
		EXPECT(s,
		       row->imm ? x86_v2i(c, i->op, i->bits, i->d, i->s, i->imm)
				: x86_v2(c, i->op, i->bits, i->d, i->s),
		       "%s %s,%s%s", i->mnemonic, i->d_text, i->s_text, i->imm_text);
		break;
	case RVMR:
		EXPECT(s, x86_v4(c, i->op, i->bits, i->d, i->a, i->s, i->a), "%s %s,%s,%s,%s", i->mnemonic,
		       i->d_text, i->a_text, i->s_text, i->a_text);
		break;
	default:
		EXPECT(s, x86_vshift(c, i->op, i->bits, i->d, i->s, i->imm), "%s %s,%s%s", i->mnemonic,
		       i->d_text, i->s_text, i->imm_text);
		break;
	}
}

static void memory(struct samples *s, const struct instance *i)
{
	struct code *c = &s->code;
	const struct row *row = i->row;
	const char *m = mem_text(memory_size(row, i->bits), i->m);

	switch (row->shape) {
	case RVM:
		EXPECT(s,
		       row->imm ? x86_v3mi(c, i->op, i->bits, i->d, i->a, i->m, i->imm)
				: x86_v3m(c, i->op, i->bits, i->d, i->a, i->m),
		       "%s %s,%s,%s%s", i->mnemonic, i->d_text, i->a_text, m, i->imm_text);
		break;
	case RM:
		EXPECT(s,
		       row->imm ? x86_v2mi(c, i->op, i->bits, i->d, i->m, i->imm)
				: x86_v2m(c, i->op, i->bits, i->d, i->m),
		       "%s %s,%s%s", i->mnemonic, i->d_text, m, i->imm_text);
		break;
	case MR:
		EXPECT(s,
		       row->imm ? x86_v2mi(c, i->op, i->bits, i->s, i->m, i->imm)
				: x86_v2m(c, i->op, i->bits, i->s, i->m),
		       "%s %s,%s%s", i->mnemonic, m, i->s_text, i->imm_text);
		break;
	default:
		break;
	}
}

/* Rows without vectors of the operation's length are scalars, or have 128 bits alone; see also lanes_cross().
 */
static bool has_length_128(const struct row *row)
{
	static const char *const longer[] = { "permd",	       "permps",      "permq",	     "permpd",
					      "perm2i128",     "perm2f128",   "inserti128",  "insertf128",
					      "extracti128",   "extractf128", "broadcastsd", "broadcasti128",
					      "broadcastf128", "permq_v" };

	for (unsigned i = 0; i < sizeof(longer) / sizeof(longer[0]); i++)
		if (!strcmp(row->name, longer[i]))
			return false;
	return true;
}

static bool has_length_256(const struct row *row)
{
	return is_part(row->d) || is_part(row->s);
}

static void every_row_reads_as_its_name(void **state)
{
	struct samples *s = *state;

	for (unsigned round = 0; round < ROUNDS; round++)
		for (enum x86_vop op = 0; op < X86_VOP_COUNT; op++)
			for (unsigned bits = 128; bits <= 256; bits += 128) {
				struct instance i = random_instance(s, op, bits);

				if (!(bits == 128 ? has_length_128 : has_length_256)(i.row))
					continue;
				if (i.row->s != N && i.row->d != N)
					registers(s, &i);
				if (i.row->mem != M0)
					memory(s, &i);
			}
	samples_compare(s);
}

static void masks_read_as_meant(void **state)
{
	struct samples *s = *state;
	struct code *c = &s->code;

	for (unsigned round = 0; round < ROUNDS * 20; round++) {
		unsigned d = below(s, 32), a = below(s, 32), b = below(s, 32), k = 1 + below(s, 7),
			 imm = 8 + below(s, 99);
		unsigned bits = 128 << below(s, 2), size = 1 << below(s, 4), gp = below(s, 16);
		bool zeroing = below(s, 2);
		struct x86_mem m = random_mem(s);
		char v = bits == 256 ? 'y' : 'x';
		const char *z = zeroing ? "{z}" : "", *r = gpr(size == 8 ? 8 : 4, gp);
		char letter = "bwdq"[__builtin_ctz(size)];

		EXPECT(s, x86_v3k(c, V_pblendmw, bits, d, a, b, k, zeroing),
		       "vpblendmw %cmm%u{k%u}%s,%cmm%u,%cmm%u", v, d, k, z, v, a, v, b);
		EXPECT(s, x86_v2k(c, V_movdqu8, bits, d, b, k, zeroing), "vmovdqu8 %cmm%u{k%u}%s,%cmm%u", v,
		       d, k, z, v, b);
		EXPECT(s, x86_v2mk(c, V_movdqu64, bits, d, m, k, zeroing), "vmovdqu64 %cmm%u{k%u}%s,%s", v, d,
		       k, z, mem_text(bits / 8, m));
		EXPECT(s, x86_v2mk(c, V_movdqu32_s, bits, d, m, k, false), "vmovdqu32 %s{k%u},%cmm%u",
		       mem_text(bits / 8, m), k, v, d);
		EXPECT(s, x86_vcmp_k(c, V_pcmpub, bits, k, a, b, imm), "vpcmpub k%u,%cmm%u,%cmm%u,0x%x", k, v,
		       a, v, b, imm);
		EXPECT(s, x86_vmov_from_k(c, V_pmovm2q, bits, d, k), "vpmovm2q %cmm%u,k%u", v, d, k);
		EXPECT(s, x86_vmov_to_k(c, V_pmovb2m, bits, k, a), "vpmovb2m k%u,%cmm%u", k, v, a);
		EXPECT(s, x86_kmov(c, size, gp, k), "kmov%c %s,k%u", letter, r, k);
		EXPECT(s, x86_kmov_to_k(c, size, k, gp), "kmov%c k%u,%s", letter, k, r);
		EXPECT(s, x86_kortest(c, size, k, a % 8), "kortest%c k%u,k%u", letter, k, a % 8);
	}
	samples_compare(s);
}

static void loads_stores_and_moves_read_as_meant(void **state)
{
	static const char *const names[] = { "vmovss", "vmovq", "vmovups", "vmovups" };
	struct samples *s = *state;
	struct code *c = &s->code;

	for (unsigned round = 0; round < ROUNDS * 20; round++) {
		unsigned kind = below(s, 4), size = 4 << kind, bits = size == 32 ? 256 : 128;
		unsigned d = below(s, 16), b = below(s, 16);
		struct x86_mem m = random_mem(s);
		const char *text = mem_text(size, m), *name = names[kind];
		char v = bits == 256 ? 'y' : 'x';

		EXPECT(s, x86_vload(c, size, d, m), "%s %cmm%u,%s", name, v, d, text);
		EXPECT(s, x86_vstore(c, size, d, m), "%s %s,%cmm%u", name, text, v, d);
		EXPECT(s, x86_vmov(c, bits, d, b), "vmovdqa %cmm%u,%cmm%u", v, d, v, b);
		if (d < 8 || b < 8)
			assert_int_equal(c->at - s->bytes - s->sample[s->count - 1].offset, 4);
	}
	samples_compare(s);
}

/* Executing, with YMM0-3 loaded from four vectors at RDI: the low quad word of YMM0 in the end. */
static uint64_t vectors_run(struct program *p, uint64_t v0, uint64_t v1, uint64_t v2, uint64_t v3)
{
	uint64_t vectors[4][4] = { { v0 }, { v1 }, { v2 }, { v3 } };

	x86_v2(&p->code, V_movq_r, 128, RAX, 0);
	x86_vzeroupper(&p->code);
	return program_run(p, (uintptr_t)vectors, 0, 0, 0);
}

#define RUN(statement, v0, v1, v2, v3)                                                                       \
	({                                                                                                   \
		struct program p_ = program_new();                                                           \
		struct code *c = &p_.code;                                                                   \
                                                                                                             \
		for (unsigned i_ = 0; i_ < 4; i_++)                                                          \
			x86_vload(c, 32, i_, x86_at(RDI, i_ * 32));                                          \
		statement;                                                                                   \
		vectors_run(&p_, v0, v1, v2, v3);                                                            \
	})

static void operands_mean_what_the_header_says(void **state)
{
	assert_int_equal(RUN(x86_v4(c, V_pblendvb, 128, 0, 1, 2, 3), 0, 0x1111, 0x2222, 0x80), 0x1122);
	assert_int_equal(RUN(x86_v3(c, V_psubb, 128, 0, 1, 2), 0, 7, 2, 0), 5);
	assert_int_equal(RUN(x86_v3(c, V_pandn, 128, 0, 1, 2), 0, 0xf0, 0xff, 0), 0x0f);
	assert_int_equal(
		RUN(x86_v3(c, V_pshufb, 128, 0, 1, 2), 0, 0x0a0b0c0d, UINT64_C(0x8080808080010003), 0),
		0x0c0d0a);
	assert_int_equal(RUN(x86_vshift(c, V_psllw_i, 128, 0, 1, 4), 0, 0x1234, 0, 0), 0x2340);
	assert_int_equal(RUN(x86_v3(c, V_psrlq, 128, 0, 1, 2), 0, 0x1234, 8, 0), 0x12);
	assert_int_equal(RUN(x86_v3(c, V_psravd, 128, 0, 1, 2), 0, 0x80000000, 31, 0), 0xffffffff);
}

static void digits_of_fma_name_factors_and_addend(void **state)
{
	const uint64_t two = UINT64_C(0x4000000000000000), three = UINT64_C(0x4008000000000000),
		       seven = UINT64_C(0x401c000000000000), thirteen = UINT64_C(0x402a000000000000),
		       seventeen = UINT64_C(0x4031000000000000), one = UINT64_C(0x3ff0000000000000);

	assert_true(RUN(x86_v3(c, V_fmadd231sd, 128, 0, 1, 2), seven, two, three, 0) == thirteen);
	assert_true(RUN(x86_v3(c, V_fmadd213sd, 128, 0, 1, 2), seven, two, three, 0) == seventeen);
	assert_true(RUN(x86_v3(c, V_fnmadd231sd, 128, 0, 1, 2), seven, two, three, 0) == one);
}

static void masks_choose_what_the_header_says(void **state)
{
	uint32_t needed = X86_AVX512VL | X86_AVX512BW;

	if ((x86_host_features() & needed) != needed)
		skip();
	/* A set bit takes b. */
	assert_int_equal(RUN((x86_mov_ri(c, RAX, 2), x86_kmov_to_k(c, 4, 1, RAX),
			      x86_v3k(c, V_pblendmb, 128, 0, 1, 2, 1, false)),
			     0, 0x1111, 0x2222, 0),
			 0x2211);
	/* Less than, signed. */
	assert_int_equal(
		RUN((x86_vcmp_k(c, V_pcmpb, 128, 1, 1, 2, 1), x86_vmov_from_k(c, V_pmovm2b, 128, 0, 1)), 0,
		    0x01ff7f, 0x02007e, 0),
		0xffff00);
	/* A displacement of one byte counts in the operand's length. */
	assert_int_equal(RUN(x86_v2m(c, V_movdqu64, 256, 0, x86_at(RDI, 96)), 1, 2, 3, 4), 4);
	assert_int_equal(RUN(x86_v3i(c, V_pternlogq, 128, 0, 1, 2, 0xf0), 5, 6, 7, 8), 5);
}

static void a_load_clears_what_it_does_not_load(void **state)
{
	assert_true(RUN(x86_vload(c, 4, 0, x86_at(RDI, 32)), UINT64_MAX, UINT64_MAX, 0, 0) == UINT32_MAX);
	assert_true(RUN((x86_vload(c, 8, 1, x86_at(RDI, 32)), x86_v3(c, V_punpckhqdq, 128, 0, 1, 1)),
			UINT64_MAX, UINT64_MAX, 0, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_row_reads_as_its_name, samples_setup, samples_teardown),
		cmocka_unit_test_setup_teardown(masks_read_as_meant, samples_setup, samples_teardown),
		cmocka_unit_test_setup_teardown(loads_stores_and_moves_read_as_meant, samples_setup,
						samples_teardown),
		cmocka_unit_test(operands_mean_what_the_header_says),
		cmocka_unit_test(digits_of_fma_name_factors_and_addend),
		cmocka_unit_test(masks_choose_what_the_header_says),
		cmocka_unit_test(a_load_clears_what_it_does_not_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
