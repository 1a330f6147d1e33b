/* SPDX-License-Identifier: MulanPSL-2.0 */
/* System calls, breakpoints, the constant counter, CPUCFG: Vol.1 2.2.10; and words that mean nothing. */
#include "machine/interp/integer.h"
#include "machine/interp/undefined.h"

INTERP(syscall)
{
	return cpu_raise(cpu, EXC_SYS);
}

INTERP(break)
{
	return cpu_raise(cpu, EXC_BRK);
}

int interp_undefined(struct cpu *cpu, const struct insn *insn)
{
	return cpu_raise(cpu, EXC_INE);
}

/* CSR.MISC.DRDTLn forbids reading the counter at privilege level n. */
static bool counter_forbidden(struct cpu *cpu)
{
	return __builtin_expect(cpu->csr->misc & MISC_DRDTL(cpu_plv(cpu)), 0);
}

/* rd gets the counter, rj the core's counter number; both if they differ, rj's if not. */
#define RDTIME(name, value)                                                                                  \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		uint64_t counter;                                                                            \
		bool expired;                                                                                \
                                                                                                             \
		if (counter_forbidden(cpu))                                                                  \
			return cpu_raise(cpu, EXC_IPE);                                                      \
		cpu_sync(cpu);                                                                               \
		counter = cpu_rdtime(cpu, &expired);                                                         \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		cpu_set_gpr(cpu, insn->rj, sext32(cpu->csr->tid));                                           \
		return expired ? INSN_STATE : INSN_NEXT;                                                     \
	}

RDTIME(rdtimel_w, sext32(counter))
RDTIME(rdtimeh_w, sext32(counter >> 32))
RDTIME(rdtime_d, counter)

/* A guest, at any privilege level, sees what root makes of it. */
INTERP(cpucfg)
{
	if (cpu->guest_mode)
		return cpu_raise_root(cpu, EXC_GSPR);
	cpu_set_gpr(cpu, insn->rd, sext32(cpu_cpucfg(cpu, GR(rj))));
	return INSN_NEXT;
}
