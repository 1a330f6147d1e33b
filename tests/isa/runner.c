/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Guest side of the differential test: a static LoongArch Linux program without a C library.  For each
 * byte read from descriptor 0 it runs the batch of cases in the file at descriptor 3 and writes a byte to
 * descriptor 1.
 */
#include <stddef.h>

#include "tests/isa/case.h"

enum {
	SYS_READ = 63,
	SYS_WRITE = 64,
	SYS_EXIT = 93,
	SYS_SIGALTSTACK = 132,
	SYS_SIGACTION = 134,
	SYS_MMAP = 222
};
enum {
	PROT_READ_WRITE = 3,
	PROT_ALL = 7,
	MAP_SHARED = 1,
	MAP_PRIVATE = 2,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20
};
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000, SA_NODEFER = 0x40000000 };

/* As the kernel lays them out. */
struct sigaction {
	void *handler;
	uint64_t flags, mask;
};

struct stack {
	void *base;
	uint32_t flags;
	uint64_t size;
};

struct ucontext {
	uint64_t flags;
	void *link;
	struct stack stack;
	uint64_t mask;
	uint8_t unused[1024 / 8 - 8];
	uint64_t pc __attribute__((aligned(16)));
	uint64_t gpr[32];
};

void enter(struct test_case *test, uint64_t code);
void leave(void);
void runner_main(void);

static struct batch *const batch = (struct batch *)SHARED_BASE;
static uint32_t *const code = (uint32_t *)CODE_BASE;
static volatile uint32_t *const branch_code = (uint32_t *)BRANCH_BASE;
static uint8_t *const window = (uint8_t *)WINDOW_BASE;
static struct test_case *current;
static uint8_t signal_stack[65536] __attribute__((aligned(16)));

static long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long a7 __asm__("$a7") = number;
	register long a0 __asm__("$a0") = a;
	register long a1 __asm__("$a1") = b;
	register long a2 __asm__("$a2") = c;
	register long a3 __asm__("$a3") = d;
	register long a4 __asm__("$a4") = e;
	register long a5 __asm__("$a5") = f;

	__asm__ volatile("syscall 0"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "$t0", "$t1", "$t2", "$t3", "$t4", "$t5", "$t6", "$t7", "$t8", "memory");
	return a0;
}

static void die(long status)
{
	for (;;)
		system_call(SYS_EXIT, status, 0, 0, 0, 0, 0);
}

static void map(uint64_t address, uint64_t size, long protection, long flags, long fd)
{
	if (system_call(SYS_MMAP, address, size, protection, flags | MAP_FIXED, fd, 0) != (long)address)
		die(100);
}

/* The instruction raised a signal, or a branch landed on a break or nowhere. */
static void on_signal(int number, void *info, struct ucontext *context)
{
	(void)info;
	current->out.signal = number;
	current->out.pc = context->pc;
	context->pc = (uint64_t)leave;
}

static void copy_bytes(void *to, const void *from, size_t size)
{
	uint64_t *t = to;
	const uint64_t *f = from;

	for (size_t i = 0; i < size / 8; i++)
		t[i] = f[i];
}

static void run_case(struct test_case *test)
{
	uint64_t start = test->in.pc - 4; /* the prologue */

	current = test;
	copy_bytes(window, test->in.memory, WINDOW_SIZE);
	test->out.signal = 0;
	test->out.pc = test->in.pc + 4;
	if (test->branch) {
		branch_code[BRANCH_SITE / 4] = test->word;
		start = test->in.pc;
	}
	__asm__ volatile("ibar 0" ::: "memory");
	enter(test, start);
	copy_bytes(test->out.memory, window, WINDOW_SIZE);
}

void runner_main(void)
{
	static const uint8_t signals[] = { 4, 5, 7, 8, 11, 31 }; /* ILL TRAP BUS FPE SEGV SYS */
	struct stack stack = { .base = signal_stack, .size = sizeof(signal_stack) };
	struct sigaction action = { .handler = on_signal, .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	uint8_t token;

	map(SHARED_BASE, sizeof(struct batch), PROT_READ_WRITE, MAP_SHARED, 3);
	map(CODE_BASE, CODE_SIZE, PROT_ALL, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(BRANCH_BASE, BRANCH_SIZE, PROT_ALL, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(WINDOW_MAP, WINDOW_MAP_SIZE, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (unsigned i = 0; i < BRANCH_SIZE / 4; i++)
		branch_code[i] = WORD_BREAK;
	if (system_call(SYS_SIGALTSTACK, (long)&stack, 0, 0, 0, 0, 0))
		die(101);
	for (unsigned i = 0; i < sizeof(signals); i++)
		if (system_call(SYS_SIGACTION, signals[i], (long)&action, 0, 8, 0, 0))
			die(102);
	while (system_call(SYS_READ, 0, (long)&token, 1, 0, 0, 0) == 1) {
		copy_bytes(code, batch->code, batch->slot_count * sizeof(batch->code[0]));
		for (unsigned i = 0; i < batch->case_count; i++)
			run_case(&batch->cases[i]);
		system_call(SYS_WRITE, 1, (long)&token, 1, 0, 0, 0);
	}
	die(0);
}
