/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The LoongArch instruction set as data.  Every row of isa/<extension>.def is
 *
 *     INSN(name, "mnemonic", match, format, FLAGS)
 *
 * name is the mnemonic with '.' turned into '_' (add_w, fcmp_caf_s, xvadd_b); the mask follows from the
 * format (bits outside the format's fields are fixed).  isa/isa.def includes all extensions, each
 * wrapped as ISA_EXTENSION says, so that one #include with INSN defined visits every instruction.
 */
#ifndef BIXI_ISA_ISA_H
#define BIXI_ISA_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ISA_add_w, ISA_fadd_s, ...; ISA_INVALID is 0. */
enum isa_op {
	ISA_INVALID,
#define INSN(name, mnemonic, match, format, flags) ISA_##name,
#include "isa/isa.def"
#undef INSN
	ISA_OP_COUNT
};

/* Which table a row stands in. */
enum isa_extension {
	ISA_EXT_BASE, /* integer, branches, memory, barriers, system calls, rdtime, cpucfg */
	ISA_EXT_FP,
	ISA_EXT_ATOMIC, /* LL/SC, AM*, LAM_BH, LAMCAS, LLACQ/SCREL, SC.Q */
	ISA_EXT_CRC,
	ISA_EXT_BOUND, /* asrtle/asrtgt and bound-checked loads and stores */
	ISA_EXT_PRIV,
	ISA_EXT_LSX,
	ISA_EXT_LASX,
	ISA_EXT_LBT,
	ISA_EXT_LVZ,
	ISA_EXT_COUNT
};

/* Row flags. */
#define ISA_PRIVILEGED (1u << 0) /* IPE outside PLV0 */
#define ISA_LOAD       (1u << 1)
#define ISA_STORE      (1u << 2)
#define ISA_BRANCH     (1u << 3) /* may change the pc other than by an exception */
#define ISA_CALL       (1u << 4) /* writes a return address */
#define ISA_END	       (1u << 5) /* ends a translated block: changes state that translation depends on */
#define ISA_LA664      (1u << 6) /* an addition of LoongArch V1.1 */
#define ISA_SIZE(n)                                                                                          \
	((n) == 1    ? 1u << 8                                                                               \
	 : (n) == 2  ? 2u << 8                                                                               \
	 : (n) == 4  ? 3u << 8                                                                               \
	 : (n) == 8  ? 4u << 8                                                                               \
	 : (n) == 16 ? 5u << 8                                                                               \
		     : 6u << 8) /* bytes of a load or store */

/* Operand formats are in isa/format.h. */

struct isa_info {
	const char *mnemonic;
	uint32_t match, mask;
	uint8_t format;
	uint8_t extension;
	uint16_t flags;
};

extern const struct isa_info isa_info[ISA_OP_COUNT];

/* Which instruction @word is, ISA_INVALID if none.  Two-level table, built once by isa_init(). */
enum isa_op isa_decode(uint32_t word);
void isa_init(void);

/*
 * An instruction taken apart once and executed many times.  The four register fields are always cut out
 * at their usual places, whatever the format says of them; imm and imm2 are the format's immediates in
 * the order of the assembler, sign-extended and scaled as the manual's operation text uses them
 * (branch offsets in bytes, ldptr/stptr/ll/sc offsets in bytes, lu12i.w unscaled si20).
 */
struct cpu;
struct insn;
typedef int (*insn_fn)(struct cpu *cpu, const struct insn *insn);

struct insn {
	insn_fn fn; /* set by the engine, not by isa_fields() */
	uint32_t word;
	int32_t imm;
	uint16_t op;		/* enum isa_op */
	uint8_t rd, rj, rk, ra; /* bits 4:0, 9:5, 14:10, 19:15 */
	uint8_t imm2;		/* second immediate: msb of bstrins/bstrpick, msbw; else 0 */
	uint8_t inlined;	/* nonzero: the reference engine's loop knows it; set as fn is */
};

/* Fills all of @insn but fn and inlined. */
void isa_fields(uint32_t word, struct insn *insn);

/*
 * Prints @word as GNU objdump -d does (mnemonic, tab, operands), branch targets as 0x-addresses from
 * @pc.  @size is of @text.  Returns the length.
 */
int isa_disasm(uint32_t word, uint64_t pc, char *text, size_t size);

#endif
