/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The guest's side of bench/disk.sh, a static program without a library: a fixed amount of direct I/O on
 * /dev/vda in each of several ways, each between "@@ NAME begin" and "@@ NAME end".  What is read has been
 * read before, so that the host has it in memory.
 */
#include <stdbool.h>
#include <stdint.h>

#define KIB		 UINT64_C(1024)
#define MIB		 (1024 * KIB)
#define DISK_SIZE	 (256 * MIB)
#define DEPTH_MAX	 16
#define BLOCK_MAX	 MIB
#define O_RDWR_DIRECT	 (02 | 040000)
#define AT_FDCWD	 (-100)
#define PROT_RW		 3
#define MAP_PRIVATE_ANON 0x22

enum {
	SYS_io_setup = 0,
	SYS_io_submit = 2,
	SYS_io_getevents = 4,
	SYS_openat = 56,
	SYS_write = 64,
	SYS_pread64 = 67,
	SYS_pwrite64 = 68,
	SYS_fdatasync = 83,
	SYS_exit = 93,
	SYS_mmap = 222
};
enum { IOCB_READ = 0, IOCB_WRITE = 1 };

/* struct iocb and struct io_event of the kernel's asynchronous I/O. */
struct iocb {
	uint64_t data;
	uint32_t key, rw_flags;
	uint16_t opcode;
	int16_t priority;
	uint32_t fd;
	uint64_t buffer, size, offset, reserved;
	uint32_t flags, event_fd;
};
struct io_event {
	uint64_t data, object;
	int64_t result, result2;
};

struct workload {
	const char *name;
	uint64_t block, count;
	unsigned depth;
	bool write, random, flush; /* flush: after every write */
};

/* Not measured. */
static const struct workload warm_up = { "warm-up", MIB, DISK_SIZE / MIB, 4, false, false, false };

static const struct workload workloads[] = {
	{ "seq-read", MIB, 1536, 4, false, false, false },
	{ "seq-write", MIB, 1024, 4, true, false, false },
	{ "random-read", 4 * KIB, 12000, 1, false, true, false },
	{ "random-read-16", 4 * KIB, 30000, 16, false, true, false },
	{ "write-flush", 4 * KIB, 1500, 1, true, true, true },
};

static long call(long number, long a, long b, long c, long d, long e, long f)
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
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
			 : "memory", "$t0", "$t1", "$t2", "$t3", "$t4", "$t5", "$t6", "$t7", "$t8");
	return a0;
}

static void say(const char *name, const char *what)
{
	char line[64];
	unsigned n = 0;

	for (const char *part = "@@ "; *part; part++)
		line[n++] = *part;
	for (; *name; name++)
		line[n++] = *name;
	for (; *what; what++)
		line[n++] = *what;
	line[n++] = '\n';
	call(SYS_write, 1, (long)line, n, 0, 0, 0);
}

static __attribute__((noreturn)) void quit(int status)
{
	call(SYS_exit, status, 0, 0, 0, 0, 0);
	for (;;)
		continue;
}

static void need(bool good, const char *name)
{
	if (good)
		return;
	say(name, " FAILED");
	quit(1);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_offset(const struct workload *work, uint64_t index)
{
	if (!work->random)
		return index * work->block % DISK_SIZE;
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % (DISK_SIZE / work->block) * work->block;
}

/* One request at a time, by plain calls. */
static void run_single(const struct workload *work, int fd, uint64_t buffer)
{
	for (uint64_t i = 0; i < work->count; i++) {
		const long offset = (long)next_offset(work, i);

		need(call(work->write ? SYS_pwrite64 : SYS_pread64, fd, (long)buffer, (long)work->block,
			  offset, 0, 0) == (long)work->block,
		     work->name);
		need(!work->flush || call(SYS_fdatasync, fd, 0, 0, 0, 0, 0) == 0, work->name);
	}
}

/* work->depth requests at a time. */
static void run_deep(const struct workload *work, int fd, uint64_t context, uint64_t buffer)
{
	static struct iocb blocks[DEPTH_MAX];
	struct io_event events[DEPTH_MAX];
	uint64_t submitted = 0, done = 0;
	struct iocb *list[DEPTH_MAX];
	unsigned ready = work->depth;

	for (unsigned i = 0; i < ready; i++)
		list[i] = &blocks[i];
	while (done < work->count) {
		unsigned count = 0;
		long got;

		for (; count < ready && submitted < work->count; count++, submitted++) {
			struct iocb *block = list[count];

			*block = (struct iocb){ .opcode = work->write ? IOCB_WRITE : IOCB_READ,
						.fd = (uint32_t)fd,
						.data = (uint64_t)(block - blocks),
						.buffer = buffer + (uint64_t)(block - blocks) * BLOCK_MAX,
						.size = work->block,
						.offset = next_offset(work, submitted) };
		}
		if (count)
			need(call(SYS_io_submit, (long)context, count, (long)list, 0, 0, 0) == count,
			     work->name);
		got = call(SYS_io_getevents, (long)context, 1, DEPTH_MAX, (long)events, 0, 0);
		need(got > 0, work->name);
		for (long i = 0; i < got; i++) {
			need(events[i].result == (int64_t)work->block, work->name);
			list[i] = &blocks[events[i].data];
		}
		ready = (unsigned)got;
		done += (uint64_t)got;
	}
}

__attribute__((noreturn, used)) void disk_main(void)
{
	uint64_t context = 0;
	const int fd = (int)call(SYS_openat, AT_FDCWD, (long)"/dev/vda", O_RDWR_DIRECT, 0, 0, 0);
	const long buffer = call(SYS_mmap, 0, DEPTH_MAX * BLOCK_MAX, PROT_RW, MAP_PRIVATE_ANON, -1, 0);

	need(fd >= 0 && buffer > 0, "disk");
	need(call(SYS_io_setup, DEPTH_MAX, (long)&context, 0, 0, 0, 0) == 0, "disk");
	for (uint64_t i = 0; i < DEPTH_MAX * BLOCK_MAX; i += 4 * KIB)
		*(volatile uint64_t *)(uintptr_t)((uint64_t)buffer + i) = i;
	run_deep(&warm_up, fd, context, (uint64_t)buffer);
	for (unsigned i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		const struct workload *work = &workloads[i];

		say(work->name, " begin");
		if (work->depth > 1)
			run_deep(work, fd, context, (uint64_t)buffer);
		else
			run_single(work, fd, (uint64_t)buffer);
		need(!work->write || call(SYS_fdatasync, fd, 0, 0, 0, 0, 0) == 0, work->name);
		say(work->name, " end");
	}
	quit(0);
}

/* The kernel enters with an aligned stack. */
__asm__(".globl _start\n_start:\n\tb disk_main\n");
