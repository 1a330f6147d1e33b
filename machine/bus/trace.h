/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Trace points.  The parts of the machine emit events here; who writes them out as text or as
 * Chrome/Perfetto JSON is control/trace.c.  A disabled event costs one load and a branch.
 */
#ifndef BIXI_BUS_TRACE_H
#define BIXI_BUS_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum trace_event {
	TRACE_EXCEPTION, /* name: exception;   a: pc, badv, insn word */
	TRACE_INTERRUPT, /* name: interrupt;   a: pc, number */
	TRACE_TLB,	 /* name: refill, fill, write, invtlb, ptw;   a: va, entry, extra */
	TRACE_DEVICE,	 /* name: "device.register";   a: offset, value, size | write << 8 */
	TRACE_CSR,	 /* name: CSR name;   a: number, old, new */
	TRACE_VMEXIT,	 /* name: "enter", or the exit's exception;   a: guest pc; gpa, insn or number; GID */
	TRACE_EVENT_COUNT
};

#define TRACE_VMENTER "enter" /* the name of TRACE_VMEXIT for an entry into guest mode */

struct trace_record {
	enum trace_event event;
	int cpu; /* core number, -1: not from a core */
	const char *name;
	uint64_t arg[3];
};

struct trace {
	_Atomic unsigned enabled; /* bit per enum trace_event */
	void (*emit)(struct trace *trace, const struct trace_record *record);
};

static inline bool trace_on(const struct trace *trace, enum trace_event event)
{
	return __builtin_expect((atomic_load_explicit(&trace->enabled, memory_order_relaxed) >> event) & 1,
				0);
}

static inline void trace_emit(struct trace *trace, enum trace_event event, int cpu, const char *name,
			      uint64_t a0, uint64_t a1, uint64_t a2)
{
	const struct trace_record record = { event, cpu, name, { a0, a1, a2 } };

	trace->emit(trace, &record);
}

#endif
