/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The general instructions of the encoder (Intel SDM volume 2); those with VEX are in x86_vector.c. */
#include "machine/jit/x86_bytes.h"

/* An opcode: the byte itself, the bytes before it, and a prefix that stands before REX. */
#define OP_0F	   0x0f00u
#define OP_0F38	   0x380f00u /* written low byte first: 0f 38 */
#define OP_LOCK	   0xf0000000u
#define OP_F3	   0xf3000000u
#define OP_F2	   0xf2000000u
#define OP_CODE(o) ((o)&0xff)

/* What follows ModRM. */
struct imm {
	int32_t value;
	unsigned bytes;
};

static const struct imm no_imm;

static struct imm imm8(int32_t value)
{
	return (struct imm){ value, 1 };
}

/* A full immediate of an operation of this size: those of size 8 have four bytes. */
static struct imm imm_of_size(unsigned size, int32_t value)
{
	return (struct imm){ value, size == 8 ? 4 : size };
}

/*
 * Prefixes and opcode.  rxb extends ModRM.reg, SIB.index and ModRM.rm or SIB.base.  A byte register 4-7 means
 * SPL, BPL, SIL, DIL only if there is a REX prefix: byte_rex asks for it.
 */
static void put_opcode(struct code *c, uint32_t op, unsigned size, unsigned rxb, bool byte_rex)
{
	unsigned rex = (size == 8) << 3 | rxb;

	if (size == 2)
		x86_byte(c, 0x66);
	if (op >> 24)
		x86_byte(c, op >> 24);
	if (rex || byte_rex)
		x86_byte(c, 0x40 | rex);
	if (op & 0xff00)
		x86_byte(c, op >> 8);
	if (op & 0xff0000)
		x86_byte(c, op >> 16);
	x86_byte(c, OP_CODE(op));
}

static bool is_new_byte_register(unsigned r)
{
	return r >= RSP && r <= RDI;
}

/* reg is a register or, if is_digit, an opcode's digit; byte_reg and byte_rm say which operands are bytes. */
struct modrm {
	unsigned reg;
	bool byte_reg, byte_rm;
};

static void put_reg(struct code *c, uint32_t op, unsigned size, struct modrm m, unsigned rm, struct imm imm)
{
	bool byte_rex =
		(m.byte_reg && is_new_byte_register(m.reg)) || (m.byte_rm && is_new_byte_register(rm));

	if (!x86_room(c))
		return;
	put_opcode(c, op, size, (m.reg >> 3) << 2 | rm >> 3, byte_rex);
	x86_modrm_reg(c, m.reg, rm);
	x86_bytes(c, imm.value, imm.bytes);
}

static void put_mem(struct code *c, uint32_t op, unsigned size, struct modrm m, struct x86_mem mem,
		    struct imm imm)
{
	if (!x86_room(c))
		return;
	put_opcode(c, op, size, (m.reg >> 3) << 2 | x86_mem_x(mem) << 1 | x86_mem_b(mem),
		   m.byte_reg && is_new_byte_register(m.reg));
	x86_modrm_mem(c, m.reg, mem, 1);
	x86_bytes(c, imm.value, imm.bytes);
}

/* An operand pair of any size whose opcode's bit 0 is "not bytes". */
static uint32_t sized(uint32_t op, unsigned size)
{
	return op | (size != 1);
}

static struct modrm both(unsigned reg, unsigned size)
{
	return (struct modrm){ .reg = reg, .byte_reg = size == 1, .byte_rm = size == 1 };
}

static struct modrm digit(unsigned n, unsigned size)
{
	return (struct modrm){ .reg = n, .byte_rm = size == 1 };
}

static struct modrm wide(unsigned reg)
{
	return (struct modrm){ .reg = reg };
}

void x86_alu_rr(struct code *c, enum x86_alu op, unsigned size, unsigned d, unsigned s)
{
	put_reg(c, sized(op << 3, size), size, both(s, size), d, no_imm);
}

void x86_alu_rm(struct code *c, enum x86_alu op, unsigned size, unsigned d, struct x86_mem s)
{
	put_mem(c, sized(op << 3 | 2, size), size, both(d, size), s, no_imm);
}

void x86_alu_mr(struct code *c, enum x86_alu op, unsigned size, struct x86_mem d, unsigned s)
{
	put_mem(c, sized(op << 3, size), size, both(s, size), d, no_imm);
}

void x86_lock_alu_mr(struct code *c, enum x86_alu op, unsigned size, struct x86_mem m, unsigned r)
{
	put_mem(c, OP_LOCK | sized(op << 3, size), size, both(r, size), m, no_imm);
}

/* The opcode of an operation with an immediate, and the immediate's length. */
static uint32_t alu_imm(unsigned size, int32_t value, struct imm *imm)
{
	if (size > 1 && x86_is_imm8(value)) {
		*imm = imm8(value);
		return 0x83;
	}
	*imm = imm_of_size(size, value);
	return sized(0x80, size);
}

/* A form that only RAX has, without ModRM. */
static void put_rax_imm(struct code *c, uint32_t op, unsigned size, int32_t value)
{
	struct imm imm = imm_of_size(size, value);

	if (!x86_room(c))
		return;
	put_opcode(c, sized(op, size), size, 0, false);
	x86_bytes(c, imm.value, imm.bytes);
}

void x86_alu_ri(struct code *c, enum x86_alu op, unsigned size, unsigned d, int32_t value)
{
	struct imm imm;
	uint32_t code = alu_imm(size, value, &imm);

	if (d == RAX && code != 0x83)
		put_rax_imm(c, op << 3 | 4, size, value);
	else
		put_reg(c, code, size, digit(op, size), d, imm);
}

void x86_alu_mi(struct code *c, enum x86_alu op, unsigned size, struct x86_mem d, int32_t value)
{
	struct imm imm;
	uint32_t code = alu_imm(size, value, &imm);

	put_mem(c, code, size, digit(op, size), d, imm);
}

void x86_test_rr(struct code *c, unsigned size, unsigned a, unsigned b)
{
	put_reg(c, sized(0x84, size), size, both(b, size), a, no_imm);
}

/* Where only the lowest seven bits are asked for, the flags of the byte are those of the whole. */
static unsigned test_size(unsigned size, int32_t imm)
{
	return imm >= 0 && imm <= INT8_MAX ? 1 : size == 8 && imm >= 0 ? 4 : size;
}

void x86_test_ri(struct code *c, unsigned size, unsigned a, int32_t imm)
{
	size = test_size(size, imm);
	if (a == RAX)
		put_rax_imm(c, 0xa8, size, imm);
	else
		put_reg(c, sized(0xf6, size), size, digit(0, size), a, imm_of_size(size, imm));
}

void x86_test_mi(struct code *c, unsigned size, struct x86_mem a, int32_t imm)
{
	size = test_size(size, imm);
	put_mem(c, sized(0xf6, size), size, digit(0, size), a, imm_of_size(size, imm));
}

void x86_unary(struct code *c, enum x86_unary op, unsigned size, unsigned r)
{
	put_reg(c, sized(0xf6, size), size, digit(op, size), r, no_imm);
}

void x86_imul_rr(struct code *c, unsigned size, unsigned d, unsigned s)
{
	put_reg(c, OP_0F | 0xaf, size, wide(d), s, no_imm);
}

void x86_imul_rm(struct code *c, unsigned size, unsigned d, struct x86_mem s)
{
	put_mem(c, OP_0F | 0xaf, size, wide(d), s, no_imm);
}

void x86_imul_rri(struct code *c, unsigned size, unsigned d, unsigned s, int32_t imm)
{
	if (x86_is_imm8(imm))
		put_reg(c, 0x6b, size, wide(d), s, imm8(imm));
	else
		put_reg(c, 0x69, size, wide(d), s, imm_of_size(size, imm));
}

void x86_mov_rr(struct code *c, unsigned size, unsigned d, unsigned s)
{
	assert(size >= 4);
	if (size == 8 && d == s)
		return;
	put_reg(c, 0x89, size, wide(s), d, no_imm);
}

void x86_mov_rm(struct code *c, unsigned size, unsigned d, struct x86_mem s)
{
	assert(size >= 4);
	put_mem(c, 0x8b, size, wide(d), s, no_imm);
}

void x86_mov_mr(struct code *c, unsigned size, struct x86_mem d, unsigned s)
{
	put_mem(c, sized(0x88, size), size, both(s, size), d, no_imm);
}

void x86_mov_mi(struct code *c, unsigned size, struct x86_mem d, int32_t imm)
{
	put_mem(c, sized(0xc6, size), size, wide(0), d, imm_of_size(size, imm));
}

/* An opcode whose low bits are a register. */
static void put_in_opcode(struct code *c, uint32_t op, unsigned size, unsigned r)
{
	if (x86_room(c))
		put_opcode(c, op | (r & 7), size, r >> 3, false);
}

void x86_mov_ri(struct code *c, unsigned d, uint64_t value)
{
	if (value > UINT32_MAX && value == (uint64_t)(int32_t)value) {
		put_reg(c, 0xc7, 8, wide(0), d, imm_of_size(8, value));
		return;
	}
	if (!x86_room(c))
		return;
	if (value <= UINT32_MAX) {
		put_opcode(c, 0xb8 | (d & 7), 4, d >> 3, false);
		x86_bytes(c, value, 4);
	} else {
		put_opcode(c, 0xb8 | (d & 7), 8, d >> 3, false);
		x86_bytes(c, value, 8);
	}
}

/* movzx and movsx of one or two bytes; a result of 4 bytes is zero-extended. */
static void extend_rr(struct code *c, uint32_t op, unsigned size, unsigned d, unsigned s, unsigned from_size)
{
	put_reg(c, OP_0F | sized(op, from_size), size, (struct modrm){ .reg = d, .byte_rm = from_size == 1 },
		s, no_imm);
}

static void extend_rm(struct code *c, uint32_t op, unsigned size, unsigned d, struct x86_mem s,
		      unsigned from_size)
{
	put_mem(c, OP_0F | sized(op, from_size), size, wide(d), s, no_imm);
}

void x86_movzx_rr(struct code *c, unsigned d, unsigned s, unsigned from_size)
{
	if (from_size >= 4)
		x86_mov_rr(c, from_size, d, s);
	else
		extend_rr(c, 0xb6, 4, d, s, from_size);
}

void x86_movzx_rm(struct code *c, unsigned d, struct x86_mem s, unsigned from_size)
{
	if (from_size >= 4)
		x86_mov_rm(c, from_size, d, s);
	else
		extend_rm(c, 0xb6, 4, d, s, from_size);
}

void x86_movsx_rr(struct code *c, unsigned d, unsigned s, unsigned from_size)
{
	if (from_size == 8)
		x86_mov_rr(c, 8, d, s);
	else if (from_size == 4 && d == RAX && s == RAX)
		put_in_opcode(c, 0x98, 8, 0); /* cdqe */
	else if (from_size == 4)
		put_reg(c, 0x63, 8, wide(d), s, no_imm);
	else
		extend_rr(c, 0xbe, 8, d, s, from_size);
}

void x86_movsx_rm(struct code *c, unsigned d, struct x86_mem s, unsigned from_size)
{
	if (from_size == 8)
		x86_mov_rm(c, 8, d, s);
	else if (from_size == 4)
		put_mem(c, 0x63, 8, wide(d), s, no_imm);
	else
		extend_rm(c, 0xbe, 8, d, s, from_size);
}

void x86_movsx32_rr(struct code *c, unsigned d, unsigned s, unsigned from_size)
{
	if (from_size == 4)
		x86_mov_rr(c, 4, d, s);
	else if (from_size == 2 && d == RAX && s == RAX)
		put_in_opcode(c, 0x98, 4, 0); /* cwde */
	else
		extend_rr(c, 0xbe, 4, d, s, from_size);
}

void x86_movsx32_rm(struct code *c, unsigned d, struct x86_mem s, unsigned from_size)
{
	if (from_size == 4)
		x86_mov_rm(c, 4, d, s);
	else
		extend_rm(c, 0xbe, 4, d, s, from_size);
}

void x86_movbe_rm(struct code *c, unsigned size, unsigned d, struct x86_mem s)
{
	put_mem(c, OP_0F38 | 0xf0, size, wide(d), s, no_imm);
}

void x86_movbe_mr(struct code *c, unsigned size, struct x86_mem d, unsigned s)
{
	put_mem(c, OP_0F38 | 0xf1, size, wide(s), d, no_imm);
}

void x86_lea(struct code *c, unsigned size, unsigned d, struct x86_mem s)
{
	put_mem(c, 0x8d, size, wide(d), s, no_imm);
}

void x86_cmov(struct code *c, enum x86_cond cc, unsigned size, unsigned d, unsigned s)
{
	put_reg(c, OP_0F | 0x40 | cc, size, wide(d), s, no_imm);
}

void x86_cmov_rm(struct code *c, enum x86_cond cc, unsigned size, unsigned d, struct x86_mem s)
{
	put_mem(c, OP_0F | 0x40 | cc, size, wide(d), s, no_imm);
}

void x86_setcc(struct code *c, enum x86_cond cc, unsigned r)
{
	put_reg(c, OP_0F | 0x90 | cc, 1, digit(0, 1), r, no_imm);
}

void x86_push(struct code *c, unsigned r)
{
	put_in_opcode(c, 0x50, 4, r);
}

void x86_pop(struct code *c, unsigned r)
{
	put_in_opcode(c, 0x58, 4, r);
}

void x86_sign_rax(struct code *c, unsigned size)
{
	put_in_opcode(c, 0x99, size, 0);
}

void x86_shift_ri(struct code *c, enum x86_shift op, unsigned size, unsigned d, unsigned n)
{
	if (n == 1)
		put_reg(c, sized(0xd0, size), size, digit(op, size), d, no_imm);
	else
		put_reg(c, sized(0xc0, size), size, digit(op, size), d, imm8(n));
}

void x86_shift_cl(struct code *c, enum x86_shift op, unsigned size, unsigned d)
{
	put_reg(c, sized(0xd2, size), size, digit(op, size), d, no_imm);
}

void x86_shld_ri(struct code *c, unsigned size, unsigned d, unsigned s, unsigned n)
{
	put_reg(c, OP_0F | 0xa4, size, wide(s), d, imm8(n));
}

void x86_shrd_ri(struct code *c, unsigned size, unsigned d, unsigned s, unsigned n)
{
	put_reg(c, OP_0F | 0xac, size, wide(s), d, imm8(n));
}

void x86_bswap(struct code *c, unsigned size, unsigned r)
{
	put_in_opcode(c, OP_0F | 0xc8, size, r);
}

void x86_lzcnt_rr(struct code *c, unsigned size, unsigned d, unsigned s)
{
	put_reg(c, OP_F3 | OP_0F | 0xbd, size, wide(d), s, no_imm);
}

void x86_tzcnt_rr(struct code *c, unsigned size, unsigned d, unsigned s)
{
	put_reg(c, OP_F3 | OP_0F | 0xbc, size, wide(d), s, no_imm);
}

void x86_popcnt_rr(struct code *c, unsigned size, unsigned d, unsigned s)
{
	put_reg(c, OP_F3 | OP_0F | 0xb8, size, wide(d), s, no_imm);
}

void x86_bt_ri(struct code *c, unsigned size, unsigned r, unsigned bit)
{
	put_reg(c, OP_0F | 0xba, bit < 32 ? 4 : size, digit(4, size), r, imm8(bit));
}

void x86_bt_rr(struct code *c, unsigned size, unsigned r, unsigned bit)
{
	put_reg(c, OP_0F | 0xa3, size, wide(bit), r, no_imm);
}

void x86_crc32(struct code *c, unsigned size, unsigned d, unsigned s)
{
	struct modrm m = { .reg = d, .byte_rm = size == 1 };

	put_reg(c, OP_F2 | OP_0F38 | sized(0xf0, size), size, m, s, no_imm);
}

/* opcode and a displacement of 4 bytes to target, the distance from the instruction's end as executed. */
static void put_relative(struct code *c, uint32_t op, const void *rx_target)
{
	int64_t distance;

	if (!x86_room(c))
		return;
	put_opcode(c, op, 4, 0, false);
	distance = (int64_t)((uintptr_t)rx_target - (uintptr_t)(c->at + 4 + c->rx));
	assert(distance == (int32_t)distance);
	x86_bytes(c, distance, 4);
}

void x86_jmp(struct code *c, const void *rx_target)
{
	put_relative(c, 0xe9, rx_target);
}

void x86_jcc(struct code *c, enum x86_cond cc, const void *rx_target)
{
	put_relative(c, OP_0F | 0x80 | cc, rx_target);
}

void x86_call(struct code *c, const void *rx_target)
{
	put_relative(c, 0xe8, rx_target);
}

/* Jumps and calls have 64 bits without being asked. */
void x86_jmp_r(struct code *c, unsigned r)
{
	put_reg(c, 0xff, 4, wide(4), r, no_imm);
}

void x86_jmp_m(struct code *c, struct x86_mem m)
{
	put_mem(c, 0xff, 4, wide(4), m, no_imm);
}

void x86_call_r(struct code *c, unsigned r)
{
	put_reg(c, 0xff, 4, wide(2), r, no_imm);
}

void x86_call_m(struct code *c, struct x86_mem m)
{
	put_mem(c, 0xff, 4, wide(2), m, no_imm);
}

/* An instruction without operands. */
static void put_alone(struct code *c, uint32_t op)
{
	put_in_opcode(c, op, 4, 0);
}

void x86_ret(struct code *c)
{
	put_alone(c, 0xc3);
}

/* NULL if the jump was not written, which x86_here() takes. */
static uint8_t *put_forward(struct code *c, uint32_t op, unsigned bytes)
{
	uint8_t *site;

	if (!x86_room(c))
		return NULL;
	put_opcode(c, op, 4, 0, false);
	site = c->at;
	x86_bytes(c, 0, bytes);
	return site;
}

uint8_t *x86_jmp_forward(struct code *c)
{
	return put_forward(c, 0xe9, 4);
}

uint8_t *x86_jcc_forward(struct code *c, enum x86_cond cc)
{
	return put_forward(c, OP_0F | 0x80 | cc, 4);
}

uint8_t *x86_jmp_forward_short(struct code *c)
{
	return put_forward(c, 0xeb, 1);
}

uint8_t *x86_jcc_forward_short(struct code *c, enum x86_cond cc)
{
	return put_forward(c, 0x70 | cc, 1);
}

void x86_here(struct code *c, uint8_t *site)
{
	int32_t distance;

	if (!site)
		return;
	distance = c->at - (site + 4);
	memcpy(site, &distance, 4);
}

void x86_here_short(struct code *c, uint8_t *site)
{
	if (!site)
		return;
	assert(c->at - (site + 1) <= INT8_MAX);
	*site = c->at - (site + 1);
}

void x86_xchg_mr(struct code *c, unsigned size, struct x86_mem m, unsigned r)
{
	put_mem(c, sized(0x86, size), size, both(r, size), m, no_imm);
}

void x86_lock_xadd(struct code *c, unsigned size, struct x86_mem m, unsigned r)
{
	put_mem(c, OP_LOCK | OP_0F | sized(0xc0, size), size, both(r, size), m, no_imm);
}

void x86_lock_cmpxchg(struct code *c, unsigned size, struct x86_mem m, unsigned r)
{
	put_mem(c, OP_LOCK | OP_0F | sized(0xb0, size), size, both(r, size), m, no_imm);
}

void x86_lock_cmpxchg16b(struct code *c, struct x86_mem m)
{
	put_mem(c, OP_LOCK | OP_0F | 0xc7, 8, wide(1), m, no_imm);
}

void x86_lock_or_stack(struct code *c)
{
	put_mem(c, OP_LOCK | 0x83, 4, wide(ALU_OR), x86_at(RSP, 0), imm8(0));
}

void x86_rdtsc(struct code *c)
{
	put_alone(c, OP_0F | 0x31);
}

void x86_prefetch(struct code *c, struct x86_mem m)
{
	put_mem(c, OP_0F | 0x18, 4, wide(1), m, no_imm);
}

void x86_ldmxcsr(struct code *c, struct x86_mem m)
{
	put_mem(c, OP_0F | 0xae, 4, wide(2), m, no_imm);
}

void x86_stmxcsr(struct code *c, struct x86_mem m)
{
	put_mem(c, OP_0F | 0xae, 4, wide(3), m, no_imm);
}

void x86_ud2(struct code *c)
{
	put_alone(c, OP_0F | 0x0b);
}

void x86_nop(struct code *c, unsigned bytes)
{
	/* The lengths that Intel recommends: SDM volume 2, NOP. */
	static const uint8_t nops[9][9] = {
		{ 0x90 },
		{ 0x66, 0x90 },
		{ 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40 },
		{ 0x0f, 0x1f, 0x44 },
		{ 0x66, 0x0f, 0x1f, 0x44 },
		{ 0x0f, 0x1f, 0x80 },
		{ 0x0f, 0x1f, 0x84 },
		{ 0x66, 0x0f, 0x1f, 0x84 },
	};

	while (bytes && x86_room(c)) {
		unsigned n = bytes < 9 ? bytes : 9;

		memcpy(c->at, nops[n - 1], n);
		c->at += n;
		bytes -= n;
	}
}
