/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Watchpoints (Vol.1 7.8), by which debuggers also make single steps.  The processor has them once, so they
 * are root's; fields that a guest does not see say that they are for guest mode, and there for root's guest
 * ID: neither the hypervisor nor other cells meet them.  Hits lead here, and are passed on.
 */
#include "loongarch.h"

#define WATCHPOINTS   0x3f /* of MWPC and FWPC: how many there are */
#define FETCH	      0x80 /* what registers for fetches are away from those for loads and stores */
#define FIRST	      0x10 /* the first one's registers, from MWPC or FWPC on; each has 8 numbers */
#define STATUS	      1	   /* MWPS and FWPS */
#define SKIP	      (UINT64_C(1) << 16)
#define CFG3	      2
#define CFG4	      3
#define CFG3_GMOD     0x60
#define CFG3_IN_GUEST 0x20
#define CFG3_PLV3     0x10
#define CFG4_GID      0xff0000
#define ESUBCODE      (UINT64_C(0x1ff) << 22)

uint64_t debug_csr_exchange(uint64_t value, uint64_t mask, unsigned number);

static unsigned config(unsigned first, unsigned n, unsigned field)
{
	return first + FIRST + 8 * n + field;
}

/*
 * Root's CRMD.WE is always set while a guest runs, the guest's own need not be: a hit then is none, but the
 * processor would make it at each instruction, as Linux leaves the watchpoint for single steps, which hits
 * everywhere, to a program that goes on.  Only the kernel can set WE for a program, and Linux accesses
 * registers of watchpoints before: until then those for programs are off.
 */
static void watch_off(struct watch *watch, unsigned first)
{
	unsigned count = debug_csr_exchange(0, 0, first) & WATCHPOINTS;

	for (unsigned n = 0; n < count; n++)
		if (debug_csr_exchange(0, CFG3_PLV3, config(first, n, CFG3)) & CFG3_PLV3)
			watch->off |= UINT64_C(1) << n;
}

static void watch_on(struct watch *watch, unsigned first)
{
	for (; watch->off; watch->off &= watch->off - 1)
		debug_csr_exchange(CFG3_PLV3, CFG3_PLV3,
				   config(first, (unsigned)__builtin_ctzll(watch->off), CFG3));
}

uint64_t watch_exchange(struct cpu *cpu, unsigned number, uint64_t value, uint64_t mask)
{
	unsigned first = number & ~(FETCH - 1);
	unsigned field = number - first >= FIRST ? number & 7 : 0;
	uint64_t hidden = field == CFG3 ? CFG3_GMOD : field == CFG4 ? CFG4_GID : 0, old;
	struct watch *watch = &cpu->arch.watch[first == CSR_FWPC];

	watch_on(watch, first);
	old = debug_csr_exchange(value, mask & ~hidden, number) & ~hidden;
	if (number == first + STATUS)
		watch->status = debug_csr_exchange(0, 0, number);
	return old;
}

static void watchpoints_belong(struct cpu *cpu, uint64_t mode, uint64_t gid)
{
	for (unsigned fetch = 0; fetch < 2; fetch++) {
		unsigned first = CSR_MWPC + fetch * FETCH;
		unsigned count = debug_csr_exchange(0, 0, first) & WATCHPOINTS;

		watch_on(&cpu->arch.watch[fetch], first);
		cpu->arch.watch[fetch].status = debug_csr_exchange(0, 0, first + STATUS);
		for (unsigned n = 0; n < count; n++) {
			debug_csr_exchange(mode, CFG3_GMOD, config(first, n, CFG3));
			debug_csr_exchange(gid, CFG4_GID, config(first, n, CFG4));
		}
	}
}

void watch_to_guest(struct cpu *cpu)
{
	watchpoints_belong(cpu, CFG3_IN_GUEST, UINT64_C(1) << GID_SHIFT);
}

void watch_to_root(struct cpu *cpu)
{
	watchpoints_belong(cpu, 0, 0);
}

void watch_hit(struct cpu *cpu, uint64_t estat, uint32_t insn)
{
	bool fetch = !(estat & ESUBCODE);
	unsigned first = fetch ? CSR_FWPC : CSR_MWPC;
	struct watch *watch = &cpu->arch.watch[fetch];
	uint64_t crmd = gcsr_read(CSR_CRMD), status = debug_csr_exchange(0, 0, first + STATUS);

	if (crmd & CRMD_WE) {
		watch->status = status;
		exception_inject(ECODE_WPE, insn);
		gcsr_change(CSR_ESTAT, estat & ESUBCODE, ESUBCODE);
		return;
	}
	status &= ~watch->status; /* which the guest knows */
	if ((crmd & CRMD_PLV) == 3)
		watch_off(watch, first);
	else
		status |= SKIP;
	debug_csr_exchange(status, status, first + STATUS);
}
