/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The instructions encoded with VEX and EVEX (Intel SDM volume 2, 2.3 and 2.7): vectors, masks, BMI. */
#include "machine/jit/x86_bytes.h"

/* What the columns of x86_vector.def become. */
enum { NP, P66, PF3, PF2 };
enum { VEX, EVEX };
enum { RVM, RM, MR, RVMR, VM0, VM1, VM2, VM3, VM4, VM5, VM6, VM7 };
enum { MAP_0F = 1, MAP_0F38, MAP_0F3A };
/* A memory operand's bytes; from MV on, a part of the operation's length. */
enum { M0 = 0, M1 = 1, M2 = 2, M4 = 4, M8 = 8, M16 = 16, MV, MH, MQ, ME, MDUP };

struct vop {
	uint8_t opcode, prefix, pp, map, w, shape, mem, imm;
};

static const struct vop vops[X86_VOP_COUNT] = {
#define VOP(name, prefix, pp, map, w, opcode, shape, d, s, mem, imm)                                         \
	[V_##name] = { opcode, prefix, pp, map, w, shape, mem, imm },
#include "machine/jit/x86_vector.def"
#undef VOP
};

/* A mask register and what becomes of the elements it leaves out. */
struct mask {
	unsigned k;
	bool zeroing;
};

static const struct mask no_mask;

/* The operands by where they stand in the encoding; ModRM.rm is a register, or memory if mem. */
struct operands {
	unsigned reg, vvvv, rm;
	const struct x86_mem *mem;
	struct mask mask;
};

/* The prefix's bits that extend ModRM.reg, SIB.index and the base, as they would stand in REX. */
static unsigned rxb_of(const struct operands *o)
{
	unsigned xb = o->mem ? x86_mem_x(*o->mem) << 1 | x86_mem_b(*o->mem) : o->rm >> 3 & 1;

	return (o->reg >> 3 & 1) << 2 | xb;
}

static void put_vex(struct code *c, const struct vop *op, unsigned bits, const struct operands *o)
{
	unsigned rxb = rxb_of(o);
	unsigned low = (~o->vvvv & 0xf) << 3 | (bits == 256) << 2 | op->pp;

	assert(o->reg < 16 && o->vvvv < 16 && (o->mem || o->rm < 16) && o->mask.k == 0);
	if (op->map == MAP_0F && !op->w && !(rxb & 3)) {
		x86_byte(c, 0xc5);
		x86_byte(c, (~rxb & 4) << 5 | low);
	} else {
		x86_byte(c, 0xc4);
		x86_byte(c, (~rxb & 7) << 5 | op->map);
		x86_byte(c, op->w << 7 | low);
	}
	x86_byte(c, op->opcode);
}

static void put_evex(struct code *c, const struct vop *op, unsigned bits, const struct operands *o)
{
	unsigned rxb = rxb_of(o);

	if (!o->mem)
		rxb |= o->rm >> 4 << 1;
	assert(!o->mask.zeroing || o->mask.k);
	x86_byte(c, 0x62);
	x86_byte(c, (~rxb & 7) << 5 | (o->reg < 16) << 4 | op->map);
	x86_byte(c, op->w << 7 | (~o->vvvv & 0xf) << 3 | 1 << 2 | op->pp);
	x86_byte(c, (unsigned)o->mask.zeroing << 7 | (bits == 256) << 5 | (o->vvvv < 16) << 3 | o->mask.k);
	x86_byte(c, op->opcode);
}

static int mem_bytes(const struct vop *op, unsigned bits)
{
	switch (op->mem) {
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
		return op->mem;
	}
}

static void put(struct code *c, const struct vop *op, unsigned bits, const struct operands *o,
		const unsigned *imm)
{
	assert(op->shape == RVMR || op->imm == (imm != NULL));
	assert(!o->mem || op->mem != M0);
	if (!x86_room(c))
		return;
	if (op->prefix == EVEX)
		put_evex(c, op, bits, o);
	else
		put_vex(c, op, bits, o);
	if (o->mem)
		x86_modrm_mem(c, o->reg, *o->mem, op->prefix == EVEX ? mem_bytes(op, bits) : 1);
	else
		x86_modrm_reg(c, o->reg, o->rm);
	if (imm)
		x86_byte(c, *imm);
}

static void put_v3(struct code *c, enum x86_vop v, unsigned bits, unsigned d, unsigned a, unsigned b,
		   const unsigned *imm, struct mask mask)
{
	assert(vops[v].shape == RVM);
	put(c, &vops[v], bits, &(struct operands){ .reg = d, .vvvv = a, .rm = b, .mask = mask }, imm);
}

static void put_v3m(struct code *c, enum x86_vop v, unsigned bits, unsigned d, unsigned a, struct x86_mem b,
		    const unsigned *imm)
{
	assert(vops[v].shape == RVM);
	put(c, &vops[v], bits, &(struct operands){ .reg = d, .vvvv = a, .mem = &b }, imm);
}

static void put_v2(struct code *c, enum x86_vop v, unsigned bits, unsigned d, unsigned s, const unsigned *imm,
		   struct mask mask)
{
	struct operands o = { .reg = d, .rm = s, .mask = mask };

	assert(vops[v].shape == RM || vops[v].shape == MR);
	if (vops[v].shape == MR) {
		o.reg = s;
		o.rm = d;
	}
	put(c, &vops[v], bits, &o, imm);
}

static void put_v2m(struct code *c, enum x86_vop v, unsigned bits, unsigned r, struct x86_mem m,
		    const unsigned *imm, struct mask mask)
{
	assert(vops[v].shape == RM || vops[v].shape == MR);
	put(c, &vops[v], bits, &(struct operands){ .reg = r, .mem = &m, .mask = mask }, imm);
}

void x86_v3(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b)
{
	put_v3(c, op, bits, d, a, b, NULL, no_mask);
}

void x86_v3i(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b, unsigned imm)
{
	put_v3(c, op, bits, d, a, b, &imm, no_mask);
}

void x86_v3k(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b, unsigned k,
	     bool zeroing)
{
	put_v3(c, op, bits, d, a, b, NULL, (struct mask){ k, zeroing });
}

void x86_vcmp_k(struct code *c, enum x86_vop op, unsigned bits, unsigned k, unsigned a, unsigned b,
		unsigned imm)
{
	put_v3(c, op, bits, k, a, b, &imm, no_mask);
}

void x86_v3m(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, struct x86_mem b)
{
	put_v3m(c, op, bits, d, a, b, NULL);
}

void x86_v3mi(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, struct x86_mem b,
	      unsigned imm)
{
	put_v3m(c, op, bits, d, a, b, &imm);
}

void x86_v2(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s)
{
	put_v2(c, op, bits, d, s, NULL, no_mask);
}

void x86_v2i(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s, unsigned imm)
{
	put_v2(c, op, bits, d, s, &imm, no_mask);
}

void x86_v2k(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s, unsigned k, bool zeroing)
{
	put_v2(c, op, bits, d, s, NULL, (struct mask){ k, zeroing });
}

void x86_v2m(struct code *c, enum x86_vop op, unsigned bits, unsigned r, struct x86_mem m)
{
	put_v2m(c, op, bits, r, m, NULL, no_mask);
}

void x86_v2mi(struct code *c, enum x86_vop op, unsigned bits, unsigned r, struct x86_mem m, unsigned imm)
{
	put_v2m(c, op, bits, r, m, &imm, no_mask);
}

void x86_v2mk(struct code *c, enum x86_vop op, unsigned bits, unsigned r, struct x86_mem m, unsigned k,
	      bool zeroing)
{
	put_v2m(c, op, bits, r, m, NULL, (struct mask){ k, zeroing });
}

void x86_v4(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b, unsigned mask)
{
	unsigned is4 = mask << 4;

	assert(vops[op].shape == RVMR && mask < 16);
	put(c, &vops[op], bits, &(struct operands){ .reg = d, .vvvv = a, .rm = b }, &is4);
}

void x86_vshift(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s, unsigned imm)
{
	assert(vops[op].shape >= VM0);
	put(c, &vops[op], bits, &(struct operands){ .reg = vops[op].shape - VM0, .vvvv = d, .rm = s }, &imm);
}

void x86_vmov_from_k(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned k)
{
	x86_v2(c, op, bits, d, k);
}

void x86_vmov_to_k(struct code *c, enum x86_vop op, unsigned bits, unsigned k, unsigned s)
{
	x86_v2(c, op, bits, k, s);
}

/* Bytes and words are told by the prefix, double and quad words with another prefix and W. */
static void put_kmov(struct code *c, unsigned size, unsigned opcode, unsigned reg, unsigned rm)
{
	struct vop op = { .opcode = opcode, .map = MAP_0F, .w = size == 8 };

	op.pp = size == 1 ? P66 : size == 2 ? NP : PF2;
	put(c, &op, 128, &(struct operands){ .reg = reg, .rm = rm }, NULL);
}

void x86_kmov(struct code *c, unsigned size, unsigned gpr, unsigned k)
{
	put_kmov(c, size, 0x93, gpr, k);
}

void x86_kmov_to_k(struct code *c, unsigned size, unsigned k, unsigned gpr)
{
	put_kmov(c, size, 0x92, k, gpr);
}

void x86_kortest(struct code *c, unsigned size, unsigned a, unsigned b)
{
	struct vop op = { .opcode = 0x98, .map = MAP_0F, .w = size >= 4 };

	op.pp = size == 1 || size == 4 ? P66 : NP;
	put(c, &op, 128, &(struct operands){ .reg = a, .rm = b }, NULL);
}

/* Loads and stores of the lengths that have an instruction that clears the rest. */
static enum x86_vop load_of(unsigned size)
{
	return size == 4 ? V_movss_l : size == 8 ? V_movq_x : V_movups;
}

static enum x86_vop store_of(unsigned size)
{
	return size == 4 ? V_movss_s : size == 8 ? V_movq_s : V_movups_s;
}

void x86_vload(struct code *c, unsigned size, unsigned v, struct x86_mem m)
{
	x86_v2m(c, load_of(size), size == 32 ? 256 : 128, v, m);
}

void x86_vstore(struct code *c, unsigned size, unsigned v, struct x86_mem m)
{
	x86_v2m(c, store_of(size), size == 32 ? 256 : 128, v, m);
}

void x86_vmov(struct code *c, unsigned bits, unsigned d, unsigned s)
{
	/* The two-byte prefix has no bit for ModRM.rm: of two registers the high one stands in ModRM.reg. */
	if (s >= 8 && d < 8)
		x86_v2(c, V_movdqa_s, bits, d, s);
	else
		x86_v2(c, V_movdqa, bits, d, s);
}

void x86_vzeroupper(struct code *c)
{
	static const uint8_t vzeroupper[] = { 0xc5, 0xf8, 0x77 };

	if (!x86_room(c))
		return;
	memcpy(c->at, vzeroupper, sizeof(vzeroupper));
	c->at += sizeof(vzeroupper);
}

/* BMI1 and BMI2: general registers with a VEX prefix. */
static void put_bmi(struct code *c, unsigned pp, unsigned map, unsigned opcode, unsigned size,
		    const struct operands *o, const unsigned *imm)
{
	struct vop op = { .opcode = opcode, .pp = pp, .map = map, .w = size == 8, .imm = imm != NULL };

	put(c, &op, 128, o, imm);
}

void x86_shiftx(struct code *c, enum x86_shift shift, unsigned size, unsigned d, unsigned s, unsigned count)
{
	unsigned pp = shift == SHIFT_SHL ? P66 : shift == SHIFT_SAR ? PF3 : PF2;

	assert(shift >= SHIFT_SHL);
	put_bmi(c, pp, MAP_0F38, 0xf7, size, &(struct operands){ .reg = d, .vvvv = count, .rm = s }, NULL);
}

void x86_rorx(struct code *c, unsigned size, unsigned d, unsigned s, unsigned n)
{
	put_bmi(c, PF2, MAP_0F3A, 0xf0, size, &(struct operands){ .reg = d, .rm = s }, &n);
}

void x86_mulx(struct code *c, unsigned size, unsigned hi, unsigned lo, unsigned s)
{
	put_bmi(c, PF2, MAP_0F38, 0xf6, size, &(struct operands){ .reg = hi, .vvvv = lo, .rm = s }, NULL);
}

void x86_andn(struct code *c, unsigned size, unsigned d, unsigned notted, unsigned other)
{
	put_bmi(c, NP, MAP_0F38, 0xf2, size, &(struct operands){ .reg = d, .vvvv = notted, .rm = other },
		NULL);
}

void x86_bextr(struct code *c, unsigned size, unsigned d, unsigned s, unsigned control)
{
	put_bmi(c, NP, MAP_0F38, 0xf7, size, &(struct operands){ .reg = d, .vvvv = control, .rm = s }, NULL);
}

void x86_bzhi(struct code *c, unsigned size, unsigned d, unsigned s, unsigned count)
{
	put_bmi(c, NP, MAP_0F38, 0xf5, size, &(struct operands){ .reg = d, .vvvv = count, .rm = s }, NULL);
}

void x86_blsr(struct code *c, unsigned size, unsigned d, unsigned s)
{
	put_bmi(c, NP, MAP_0F38, 0xf3, size, &(struct operands){ .reg = 1, .vvvv = d, .rm = s }, NULL);
}

void x86_pext(struct code *c, unsigned size, unsigned d, unsigned s, unsigned mask)
{
	put_bmi(c, PF3, MAP_0F38, 0xf5, size, &(struct operands){ .reg = d, .vvvv = s, .rm = mask }, NULL);
}

void x86_pdep(struct code *c, unsigned size, unsigned d, unsigned s, unsigned mask)
{
	put_bmi(c, PF2, MAP_0F38, 0xf5, size, &(struct operands){ .reg = d, .vvvv = s, .rm = mask }, NULL);
}
