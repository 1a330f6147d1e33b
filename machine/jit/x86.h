/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The encoder of x86-64: one function per instruction and operand form, each writing the shortest
 * encoding.  An operand's order is Intel's, destination first; suffixes name the operands: r register,
 * m memory, i immediate, cl the count in CL.  size is the operand's in bytes.  VEX and EVEX instructions
 * are rows of x86_vector.def, encoded by their shape (x86_v2, x86_v3, ...).
 */
#ifndef BIXI_JIT_X86_H
#define BIXI_JIT_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, X86_NONE };

enum x86_cond {
	CC_O,
	CC_NO,
	CC_B,
	CC_AE,
	CC_E,
	CC_NE,
	CC_BE,
	CC_A,
	CC_S,
	CC_NS,
	CC_P,
	CC_NP,
	CC_L,
	CC_GE,
	CC_LE,
	CC_G
};

/* The values are what the encodings hold. */
enum x86_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum x86_shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };
enum x86_unary { UNARY_NOT = 2, UNARY_NEG, UNARY_MUL, UNARY_IMUL, UNARY_DIV, UNARY_IDIV };

/*
 * Where code is written.  The byte at `at` will be executed at address at + rx (a second mapping of the
 * same memory).  An instruction that may not fit before end is not written, nor any after it, and full is
 * set: who translates looks at it once, in the end.
 */
struct code {
	uint8_t *at, *end;
	ptrdiff_t rx;
	bool full;
	unsigned insns; /* written */
};

/* [base + index * scale + disp]; base, index: X86_NONE if absent; scale 1, 2, 4, 8. */
struct x86_mem {
	uint8_t base, index, scale;
	int32_t disp;
};

static inline struct x86_mem x86_at_index(unsigned base, unsigned index, unsigned scale, int32_t disp)
{
	return (struct x86_mem){ .base = base, .index = index, .scale = scale, .disp = disp };
}

static inline struct x86_mem x86_at(unsigned base, int32_t disp)
{
	return x86_at_index(base, X86_NONE, 1, disp);
}

/* Arithmetic: size 1, 2, 4, 8.  An immediate of size 8 is sign-extended. */
void x86_alu_rr(struct code *c, enum x86_alu op, unsigned size, unsigned d, unsigned s);
void x86_alu_ri(struct code *c, enum x86_alu op, unsigned size, unsigned d, int32_t imm);
void x86_alu_rm(struct code *c, enum x86_alu op, unsigned size, unsigned d, struct x86_mem s);
void x86_alu_mr(struct code *c, enum x86_alu op, unsigned size, struct x86_mem d, unsigned s);
void x86_alu_mi(struct code *c, enum x86_alu op, unsigned size, struct x86_mem d, int32_t imm);
void x86_test_rr(struct code *c, unsigned size, unsigned a, unsigned b);
void x86_test_ri(struct code *c, unsigned size, unsigned a, int32_t imm);
void x86_test_mi(struct code *c, unsigned size, struct x86_mem a, int32_t imm);
void x86_unary(struct code *c, enum x86_unary op, unsigned size, unsigned r);
void x86_imul_rr(struct code *c, unsigned size, unsigned d, unsigned s);
void x86_imul_rm(struct code *c, unsigned size, unsigned d, struct x86_mem s);
void x86_imul_rri(struct code *c, unsigned size, unsigned d, unsigned s, int32_t imm);
void x86_mulx(struct code *c, unsigned size, unsigned hi, unsigned lo, unsigned s); /* hi:lo = RDX * s */
void x86_sign_rax(struct code *c, unsigned size); /* RDX = the sign of RAX: cdq, cqo */

/* Moves.  A result of size 4 is zero-extended to 64 bits; x86_mov_rr of size 8 to itself is nothing. */
void x86_mov_rr(struct code *c, unsigned size, unsigned d, unsigned s);	      /* 4, 8 */
void x86_mov_rm(struct code *c, unsigned size, unsigned d, struct x86_mem s); /* 4, 8 */
void x86_mov_mr(struct code *c, unsigned size, struct x86_mem d, unsigned s);
void x86_mov_mi(struct code *c, unsigned size, struct x86_mem d, int32_t imm);
void x86_mov_ri(struct code *c, unsigned d, uint64_t value); /* 64 bits; leaves the flags alone */
void x86_movzx_rr(struct code *c, unsigned d, unsigned s, unsigned from_size); /* 1, 2, 4, 8 -> 64 bits */
void x86_movzx_rm(struct code *c, unsigned d, struct x86_mem s, unsigned from_size);
void x86_movsx_rr(struct code *c, unsigned d, unsigned s, unsigned from_size); /* 1, 2, 4, 8 -> 64 bits */
void x86_movsx_rm(struct code *c, unsigned d, struct x86_mem s, unsigned from_size);
void x86_movsx32_rr(struct code *c, unsigned d, unsigned s, unsigned from_size); /* 1, 2, 4 -> 32 bits */
void x86_movsx32_rm(struct code *c, unsigned d, struct x86_mem s, unsigned from_size);
void x86_movbe_rm(struct code *c, unsigned size, unsigned d, struct x86_mem s); /* 2, 4, 8 */
void x86_movbe_mr(struct code *c, unsigned size, struct x86_mem d, unsigned s);
void x86_lea(struct code *c, unsigned size, unsigned d, struct x86_mem s);		/* 4, 8 */
void x86_cmov(struct code *c, enum x86_cond cc, unsigned size, unsigned d, unsigned s); /* 2, 4, 8 */
void x86_cmov_rm(struct code *c, enum x86_cond cc, unsigned size, unsigned d, struct x86_mem s);
void x86_setcc(struct code *c, enum x86_cond cc, unsigned r); /* the low byte */
void x86_push(struct code *c, unsigned r);
void x86_pop(struct code *c, unsigned r);

/* Shifts and bits: size 4, 8 (x86_shift_* and x86_crc32 1, 2 as well). */
void x86_shift_ri(struct code *c, enum x86_shift op, unsigned size, unsigned d, unsigned n);
void x86_shift_cl(struct code *c, enum x86_shift op, unsigned size, unsigned d);
void x86_shiftx(struct code *c, enum x86_shift op, unsigned size, unsigned d, unsigned s, unsigned count);
void x86_rorx(struct code *c, unsigned size, unsigned d, unsigned s, unsigned n);
void x86_shld_ri(struct code *c, unsigned size, unsigned d, unsigned s, unsigned n); /* d = (d:s << n).high */
void x86_shrd_ri(struct code *c, unsigned size, unsigned d, unsigned s, unsigned n); /* d = (s:d >> n).low */
void x86_bswap(struct code *c, unsigned size, unsigned r);
void x86_lzcnt_rr(struct code *c, unsigned size, unsigned d, unsigned s);
void x86_tzcnt_rr(struct code *c, unsigned size, unsigned d, unsigned s);
void x86_popcnt_rr(struct code *c, unsigned size, unsigned d, unsigned s);
void x86_andn(struct code *c, unsigned size, unsigned d, unsigned notted, unsigned other);
void x86_bextr(struct code *c, unsigned size, unsigned d, unsigned s,
	       unsigned control); /* [7:0] start, [15:8] length */
void x86_bzhi(struct code *c, unsigned size, unsigned d, unsigned s, unsigned count);
void x86_blsr(struct code *c, unsigned size, unsigned d, unsigned s);
void x86_pext(struct code *c, unsigned size, unsigned d, unsigned s, unsigned mask);
void x86_pdep(struct code *c, unsigned size, unsigned d, unsigned s, unsigned mask);
void x86_bt_ri(struct code *c, unsigned size, unsigned r, unsigned bit);
void x86_bt_rr(struct code *c, unsigned size, unsigned r, unsigned bit);
void x86_crc32(struct code *c, unsigned size, unsigned d, unsigned s); /* size: the source's */

/* Jumps to an address as executed; always rel32, the last four bytes written, so that they can be patched. */
void x86_jmp(struct code *c, const void *rx_target);
void x86_jcc(struct code *c, enum x86_cond cc, const void *rx_target);
void x86_call(struct code *c, const void *rx_target);
void x86_jmp_r(struct code *c, unsigned r);
void x86_jmp_m(struct code *c, struct x86_mem m);
void x86_call_r(struct code *c, unsigned r);
void x86_call_m(struct code *c, struct x86_mem m);
void x86_ret(struct code *c);

/* Jumps to what is not written yet: the site they return is given to x86_here() where they shall lead. */
uint8_t *x86_jmp_forward(struct code *c);
uint8_t *x86_jcc_forward(struct code *c, enum x86_cond cc);
void x86_here(struct code *c, uint8_t *site);
uint8_t *x86_jmp_forward_short(struct code *c); /* over at most 127 bytes */
uint8_t *x86_jcc_forward_short(struct code *c, enum x86_cond cc);
void x86_here_short(struct code *c, uint8_t *site);

/* Atomic operations and fences. */
void x86_xchg_mr(struct code *c, unsigned size, struct x86_mem m, unsigned r);
void x86_lock_xadd(struct code *c, unsigned size, struct x86_mem m, unsigned r);
void x86_lock_alu_mr(struct code *c, enum x86_alu op, unsigned size, struct x86_mem m, unsigned r);
void x86_lock_cmpxchg(struct code *c, unsigned size, struct x86_mem m, unsigned r);
void x86_lock_cmpxchg16b(struct code *c, struct x86_mem m);
void x86_lock_or_stack(struct code *c); /* a full barrier: lock or dword [rsp], 0 */

void x86_rdtsc(struct code *c);
void x86_prefetch(struct code *c, struct x86_mem m);
void x86_ldmxcsr(struct code *c, struct x86_mem m);
void x86_stmxcsr(struct code *c, struct x86_mem m);
void x86_nop(struct code *c, unsigned bytes);
void x86_ud2(struct code *c);
void x86_vzeroupper(struct code *c);

/* V_paddb, V_addsd, ...: see x86_vector.def for names, operands and what needs which x86_feature. */
enum x86_vop {
#define VOP(name, prefix, pp, map, w, opcode, shape, d, s, mem, imm) V_##name,
#include "machine/jit/x86_vector.def"
#undef VOP
	X86_VOP_COUNT
};

/*
 * Vector instructions.  bits is the operation's length, 128 or 256; 128 for scalars.  General and mask
 * registers are plain numbers.  Rows with an immediate take the functions with an i.
 */
void x86_v3(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b);
void x86_v3i(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b,
	     unsigned imm);
void x86_v3m(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, struct x86_mem b);
void x86_v3mi(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, struct x86_mem b,
	      unsigned imm);
void x86_v2(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s);
void x86_v2i(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s, unsigned imm);
/* Of rows of shape MR (extract, stores) the memory is the destination, r the source. */
void x86_v2m(struct code *c, enum x86_vop op, unsigned bits, unsigned r, struct x86_mem m);
void x86_v2mi(struct code *c, enum x86_vop op, unsigned bits, unsigned r, struct x86_mem m, unsigned imm);
/* pblendvb, blendvps, blendvpd: d = the mask's element negative ? b : a. */
void x86_v4(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b,
	    unsigned mask);
void x86_vshift(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s, unsigned imm);

/* Masked forms of EVEX rows: elements whose bit of k is 0 keep d's value, or become 0 if zeroing. */
void x86_v3k(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned a, unsigned b, unsigned k,
	     bool zeroing);
void x86_v2k(struct code *c, enum x86_vop op, unsigned bits, unsigned d, unsigned s, unsigned k,
	     bool zeroing);
void x86_v2mk(struct code *c, enum x86_vop op, unsigned bits, unsigned r, struct x86_mem m, unsigned k,
	      bool zeroing);
void x86_vcmp_k(struct code *c, enum x86_vop op, unsigned bits, unsigned k, unsigned a, unsigned b,
		unsigned imm);
void x86_vmov_from_k(struct code *c, enum x86_vop op, unsigned bits, unsigned d,
		     unsigned k);							    /* pmovm2b, ... */
void x86_vmov_to_k(struct code *c, enum x86_vop op, unsigned bits, unsigned k, unsigned s); /* pmovb2m, ... */
void x86_kmov(struct code *c, unsigned size, unsigned gpr, unsigned k); /* 1, 2, 4, 8 bytes, zero-extended */
void x86_kmov_to_k(struct code *c, unsigned size, unsigned k, unsigned gpr);
void x86_kortest(struct code *c, unsigned size, unsigned a, unsigned b); /* ZF: all 0; CF: all 1 */

/* Moves: size 4, 8, 16, 32; what is not loaded of the destination becomes 0.  Unaligned is allowed. */
void x86_vload(struct code *c, unsigned size, unsigned v, struct x86_mem m);
void x86_vstore(struct code *c, unsigned size, unsigned v, struct x86_mem m);
void x86_vmov(struct code *c, unsigned bits, unsigned d, unsigned s);

/* What a host may have beyond x86-64-v3. */
enum x86_feature {
	X86_AVX512VL = 1 << 0, /* with F */
	X86_AVX512BW = 1 << 1,
	X86_AVX512DQ = 1 << 2,
	X86_AVX512CD = 1 << 3,
	X86_VBMI = 1 << 4,
	X86_VBMI2 = 1 << 5,
	X86_BITALG = 1 << 6,
	X86_VPOPCNTDQ = 1 << 7,
	X86_GFNI = 1 << 8,
	X86_CLMUL = 1 << 9,
};

struct x86_feature_name {
	const char *name;
	uint32_t feature;
};

extern const struct x86_feature_name x86_feature_names[]; /* ended by a NULL name */

uint32_t x86_host_features(void); /* those that the processor has and the host's kernel lets run */
bool x86_host_is_v3(void);

#endif
