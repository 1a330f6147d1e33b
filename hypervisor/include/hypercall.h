/* SPDX-License-Identifier: MulanPSL-2.0 OR GPL-2.0-only */
/*
 * Hypercalls: "hvcl 0x4a48" with the number in a0 and arguments in a1 and a2; the result is in a0, no other
 * register changes.  Numbers below 64 are Jailhouse's, with its semantics; the others are ours.  Errors are
 * negative errno.  Only kernels (PLV0) may make them: from elsewhere -EPERM.
 */
#ifndef BIXI_HYPERCALL_H
#define BIXI_HYPERCALL_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define HYPERCALL_CODE 0x4a48 /* of hvcl */

/* CPUCFG word by which a guest finds out that it is a cell: "Bixi", then the ABI's version in the next. */
#define HYPERCALL_CPUCFG	   0x40000000
#define HYPERCALL_CPUCFG_SIGNATURE 0x69786942

enum hypercall {
	HC_DISABLE = 0,	    /* root, on each of its CPUs: back to the bare machine */
	HC_CELL_CREATE = 1, /* guest-physical address of a struct config_cell; result: 0 (id is in it) */
	HC_CELL_START = 2,  /* id */
	HC_CELL_SET_LOADABLE = 3, /* id: parks the cell, shows its loadable memory to root */
	HC_CELL_DESTROY = 4,	  /* id */
	HC_GET_INFO = 5,	  /* enum hypercall_info */
	HC_CELL_GET_STATE = 6,	  /* id; enum comm_state */
	HC_CPU_GET_INFO = 7,	  /* CPU, enum hypercall_cpu_info */
	HC_CONSOLE_PUTC = 8,	  /* character, to the cell's virtual console; cells that may */

	HC_LAST_ERROR = 64, /* gpa: struct hv_error of the last refused configuration (root) */
	HC_CELL_FAULT = 65, /* id, gpa: struct hv_fault (root); -ENOENT: there was none */
	HC_CPU_STATS = 66,  /* CPU, gpa: struct hv_stats (root, or a cell of its own CPUs) */
	HC_CONSOLE_READ =
		67, /* id (0: the hypervisor's), gpa of struct hv_console: what was printed since (root) */
	HC_CONSOLE_WRITE = 68, /* id, character: typed into the cell's virtual console (root) */
	HC_HEARTBEAT = 69,     /* ms until the cell counts as hung if it does not call again; 0: no more */
	HC_CELL_SHUTDOWN = 70, /* id: stops the cell's CPUs; it may be started again as it was loaded */
	HC_NOP = 71,	       /* nothing; for measuring */
};

enum hypercall_info {
	HC_INFO_MEM_POOL_SIZE, /* pages */
	HC_INFO_MEM_POOL_USED,
	HC_INFO_REMAP_POOL_SIZE, /* 0: all memory is always mapped */
	HC_INFO_REMAP_POOL_USED,
	HC_INFO_CELLS,
};

enum hypercall_cpu_info {
	HC_CPU_STATE = 0,	 /* 0: running, 2: failed */
	HC_CPU_STAT_BASE = 1000, /* + enum hv_stat */
};

/* Why guests were left, counted per CPU.  The first four are the same on all architectures. */
enum hv_stat {
	HV_STAT_TOTAL,
	HV_STAT_MMIO,
	HV_STAT_MANAGEMENT, /* another CPU's wish: suspend, park, start */
	HV_STAT_HYPERCALL,
	/* LoongArch */
	HV_STAT_IOCSR,
	HV_STAT_CPUCFG,
	HV_STAT_CSR,
	HV_STAT_IDLE,
	HV_STAT_CACOP,
	HV_STAT_IPI,
	HV_STAT_OTHER,
	HV_STATS,
};
#define HV_STAT_NAMES                                                                                        \
	"total", "mmio", "management", "hypercall", "iocsr", "cpucfg", "csr", "idle", "cacop", "ipi", "other"

#define HV_LATENCY_BUCKETS 24 /* bucket n: exits that took [2^n, 2^(n+1)) ticks of the constant counter */

struct hv_stats {
	uint64_t count[16]; /* by enum hv_stat */
	uint64_t ticks[16]; /* spent in the hypervisor */
	uint64_t latency[HV_LATENCY_BUCKETS];
};

/* Why a configuration was refused: which field of which region of whom collides with whose. */
struct hv_error {
	int32_t error;		  /* -errno that the hypercall gave */
	uint32_t field;		  /* byte offset of the culprit in the description */
	int32_t index;		  /* of the culprit in its array, -1: none */
	int32_t rival_index;	  /* the same of rival[], -1: none */
	char cell[32], rival[32]; /* names; rival may be "hypervisor" */
	char sentence[160];	  /* with NUL, for people */
};

#define HV_FAULT_EXITS 8

enum hv_fault_reason {
	HV_FAULT_NONE,
	HV_FAULT_MEMORY,      /* access to what is not the cell's */
	HV_FAULT_INSTRUCTION, /* one that it may not execute */
	HV_FAULT_HYPERCALL,
	HV_FAULT_IOCSR,
	HV_FAULT_HANG, /* no heartbeat */
	HV_FAULT_MACHINE,
};

struct hv_fault {
	uint32_t reason; /* enum hv_fault_reason */
	uint32_t cpu;
	uint64_t count; /* faults of this cell so far */
	uint64_t time;	/* constant counter */
	uint64_t pc, gpa, gva, insn, estat, crmd;
	uint64_t gpr[32];
	struct {
		uint64_t time, pc;
		uint32_t stat, insn; /* enum hv_stat */
	} exits[HV_FAULT_EXITS];     /* the last ones, oldest first */
};

#define HV_CONSOLE_BYTES 2040
struct hv_console {
	uint32_t length, lost; /* bytes of text; bytes that were overwritten unread */
	char text[HV_CONSOLE_BYTES];
};

#endif
