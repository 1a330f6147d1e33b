/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Our side of the differential test: the interpreter's functions on a core of our own, in direct address
 * mode and PLV3, whose RAM holds the window where QEMU's program has it.
 */
#include "tests/isa/test.h"

#include <signal.h>
#include <string.h>

#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"
#include "machine/interp/undefined.h"

/* As the engine has it: a processor without LBT. */
#define FUNCTION(extension, name) ((extension) == ISA_EXT_LBT ? interp_undefined : interp_##name)

static const insn_fn functions[ISA_OP_COUNT] = {
#define INSN(name, mnemonic, match, format, flags) [ISA_##name] = FUNCTION(ISA_EXTENSION, name),
#include "isa/isa.def"
#undef INSN
};

static struct trace trace;
static struct clock machine_clock;
static struct bus bus;
static struct cpu_group group;
static struct cpu cpu;
static uint8_t *window;

int interpreter_init(void)
{
	int error;

	clock_init(&machine_clock, true, 1);
	error = bus_init(&bus, (256 << 20) + WINDOW_MAP_SIZE, &trace);
	if (!error)
		error = reserve_init(&group);
	if (!error)
		error = cpu_init(&cpu, 0, cpu_model_find("max"), &group, &bus, &machine_clock, &trace, 1);
	if (error)
		return error;
	window = bus_ram(&bus, WINDOW_BASE, WINDOW_SIZE);
	reserve_enter(&cpu);
	return 0;
}

/* The signal by which Linux tells a program of the exception that @word just raised. */
static uint64_t exception_signal(uint32_t word)
{
	switch (cpu.csr->estat >> 16 & 0x3f) {
	case EXC_ALE:
	case EXC_ADEF:
		return SIGBUS;
	case EXC_BCE:
		return SIGSYS; /* QEMU's choice; Linux' is SIGSEGV */
	case EXC_BRK:
		/* Codes 6 and 7 are what compilers emit on integer overflow and division by zero. */
		return (word & 0x7ffe) == 6 ? SIGFPE : SIGTRAP;
	case EXC_INE:
	case EXC_IPE:
	case EXC_FPD:
	case EXC_SXD:
	case EXC_ASXD:
		return SIGILL;
	case EXC_FPE & 0x3f:
		return SIGFPE;
	default:
		return SIGSEGV;
	}
}

static enum insn_result execute(uint32_t word)
{
	struct insn insn;

	isa_fields(word, &insn);
	if (insn.op == ISA_INVALID)
		return cpu_raise(&cpu, EXC_INE);
	return functions[insn.op](&cpu, &insn);
}

/* A step of the program; false if it raised an exception. */
static bool step(uint32_t word, struct case_state *out)
{
	switch (execute(word)) {
	case INSN_NEXT:
	case INSN_STATE:
		cpu.pc += 4;
		return true;
	case INSN_JUMP:
	case INSN_STATE_JUMP:
		return true;
	default:
		out->signal = exception_signal(word);
		cpu.pc = cpu.csr->era;
		return false;
	}
}

void interpreter_run(const struct test_case *test, struct case_state *out)
{
	memcpy(cpu.gpr, test->in.gpr, sizeof(cpu.gpr));
	memcpy(cpu.vr, test->in.vr, sizeof(cpu.vr));
	memcpy(cpu.fcc, test->in.fcc, sizeof(cpu.fcc));
	cpu.fcsr = test->in.fcsr;
	cpu.ll[CPU_ROOT].bit = false;
	cpu.csr->crmd = CRMD_DA | PLV3;
	softtlb_select(&cpu); /* an exception was taken to PLV0 */
	cpu.root.euen = EUEN_FPE | EUEN_SXE | EUEN_ASXE;
	memcpy(window, test->in.memory, WINDOW_SIZE);
	memset(out, 0, sizeof(*out));
	cpu.pc = test->in.pc;
	if (!test->branch) {
		cpu.pc -= 4;
		if (step(test->prologue, out))
			step(test->word, out);
	} else {
		step(test->word, out);
	}
	out->pc = cpu.pc;
	memcpy(out->gpr, cpu.gpr, sizeof(cpu.gpr));
	memcpy(out->vr, cpu.vr, sizeof(cpu.vr));
	memcpy(out->fcc, cpu.fcc, sizeof(cpu.fcc));
	out->fcsr = cpu.fcsr;
	memcpy(out->memory, window, WINDOW_SIZE);
}
