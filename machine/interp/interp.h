/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The reference engine: one C function per instruction, named interp_<row of an isa table>, written to be
 * read against the manual.  Every engine falls back on these functions.
 */
#ifndef BIXI_INTERP_INTERP_H
#define BIXI_INTERP_INTERP_H

#include "isa/isa.h"
#include "machine/cpu/access.h"
#include "machine/cpu/cpu.h"
#include "machine/cpu/exception.h"

#define INTERP(name) int interp_##name(struct cpu *cpu, const struct insn *insn)

/* Declarations of all instruction functions. */
#define INSN(name, mnemonic, match, format, flags) INTERP(name);
#include "isa/isa.def"
#undef INSN

/* Operands, as the manual names them. */
#define GR(field) (cpu->gpr[insn->field])
#define FR(field) (cpu->vr[insn->field].ud[0])
#define VR(field) (cpu->vr[insn->field])

/*
 * Unit-disabled exceptions: first statement of every FP, LSX, LASX instruction.  A guest needs root's leave
 * as well as its own.
 */
#define EUEN_FPE  1u
#define EUEN_SXE  2u
#define EUEN_ASXE 4u
#define NEED_UNIT(bit, exc)                                                                                  \
	do {                                                                                                 \
		if (__builtin_expect(!(cpu->csr->euen & cpu->root.euen & (bit)), 0))                         \
			return cpu_raise_unit(cpu, bit, exc);                                                \
	} while (0)
#define NEED_FP()   NEED_UNIT(EUEN_FPE, EXC_FPD)
#define NEED_LSX()  NEED_UNIT(EUEN_SXE, EXC_SXD)
#define NEED_LASX() NEED_UNIT(EUEN_ASXE, EXC_ASXD)
#define NEED_PLV0()                                                                                          \
	do {                                                                                                 \
		if (__builtin_expect(cpu_plv(cpu) != PLV0, 0))                                               \
			return cpu_raise(cpu, EXC_IPE);                                                      \
	} while (0)

/* Extensions that a model may lack: first statement of their instructions. */
#define CPUCFG1_CRC	    (1u << 25)
#define CPUCFG2_LAM	    (1u << 22)
#define CPUCFG2_LAM_BH	    (1u << 27)
#define CPUCFG2_LAMCAS	    (1u << 28)
#define CPUCFG2_LLACQ_SCREL (1u << 29)
#define CPUCFG2_SCQ	    (1u << 30)
#define NEED_CPUCFG(index, bit)                                                                              \
	do {                                                                                                 \
		if (__builtin_expect(!(cpu->model->cpucfg[index] & (bit)), 0))                               \
			return cpu_raise(cpu, EXC_INE);                                                      \
	} while (0)

/* Takes @word apart, with the function that executes it. */
void interp_decode(struct insn *insn, uint32_t word);

/* Allocates the decode cache of one of @cores cores; 0 or -ENOMEM. */
int interp_init(struct cpu *cpu, unsigned cores);
void interp_destroy(struct cpu *cpu);

/*
 * Runs @cpu until it has retired @budget instructions, idles, or has an attention bit other than
 * ATTENTION_INTERRUPT and ATTENTION_SYNC set.  Takes interrupts.  Returns the instructions retired: at most
 * @budget, and fewer also when exceptions were raised, which count against the budget so that it ends in any
 * case. In deterministic mode clock->virtual_now has advanced by that number of ns.
 */
uint64_t interp_run(struct cpu *cpu, uint64_t budget);

#endif
