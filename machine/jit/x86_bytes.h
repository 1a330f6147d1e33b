/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What x86.c and x86_vector.c share: bytes, and the ModRM byte with what follows it. */
#ifndef BIXI_JIT_X86_BYTES_H
#define BIXI_JIT_X86_BYTES_H

#include <assert.h>
#include <string.h>

#include "machine/jit/x86.h"

/* No instruction is longer: asked for once before it is written. */
#define X86_LONGEST 16

#define X86_MOD_DISP8  0x40
#define X86_MOD_DISP32 0x80
#define X86_MOD_REG    0xc0
#define X86_RM_SIB     4 /* in ModRM.rm: a SIB byte follows; in SIB.index: no index */
#define X86_RM_DISP32  5 /* in SIB.base with mod 0: no base */

/* To be asked once for each instruction. */
static inline bool x86_room(struct code *c)
{
	if (c->end - c->at < X86_LONGEST)
		c->full = true;
	c->insns++;
	return !c->full;
}

static inline void x86_byte(struct code *c, unsigned byte)
{
	*c->at++ = byte;
}

/* The low `bytes` of value. */
static inline void x86_bytes(struct code *c, uint64_t value, unsigned bytes)
{
	memcpy(c->at, &value, bytes);
	c->at += bytes;
}

static inline bool x86_is_imm8(int64_t value)
{
	return value == (int8_t)value;
}

static inline void x86_modrm_reg(struct code *c, unsigned reg, unsigned rm)
{
	x86_byte(c, X86_MOD_REG | (reg & 7) << 3 | (rm & 7));
}

/* disp_unit: what a displacement of one byte counts in, 1 but for EVEX. */
static inline void x86_modrm_mem(struct code *c, unsigned reg, struct x86_mem m, int disp_unit)
{
	unsigned modrm = (reg & 7) << 3;
	unsigned base = m.base == X86_NONE ? X86_RM_DISP32 : m.base & 7;
	unsigned index = m.index == X86_NONE ? X86_RM_SIB : m.index & 7;
	unsigned disp_bytes = 4;

	assert(m.index != RSP);
	if (m.base == X86_NONE) {
		/* mod 0 with base 5 */
	} else if (m.disp == 0 && base != (RBP & 7)) {
		disp_bytes = 0;
	} else if (m.disp % disp_unit == 0 && x86_is_imm8(m.disp / disp_unit)) {
		modrm |= X86_MOD_DISP8;
		disp_bytes = 1;
	} else {
		modrm |= X86_MOD_DISP32;
	}
	if (m.index != X86_NONE || m.base == X86_NONE || base == X86_RM_SIB) {
		x86_byte(c, modrm | X86_RM_SIB);
		x86_byte(c, (unsigned)__builtin_ctz(m.scale) << 6 | index << 3 | base);
	} else {
		x86_byte(c, modrm | base);
	}
	x86_bytes(c, (uint32_t)(disp_bytes == 1 ? m.disp / disp_unit : m.disp), disp_bytes);
}

/* Whether an operand of memory needs the prefix's bits that extend index and base. */
static inline unsigned x86_mem_x(struct x86_mem m)
{
	return m.index != X86_NONE && m.index >= R8;
}

static inline unsigned x86_mem_b(struct x86_mem m)
{
	return m.base != X86_NONE && m.base >= R8;
}

#endif
