/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the process may still ask of the host (sandbox.h): the table of system calls, and privileges. */
#include "machine/host/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/if_tun.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||     \
	__has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

#define ALWAYS	 0u
#define TOLD_MAX 1024 /* system calls that a sentence may name, each once */

/*
 * System calls and the features that need them (any of them; ALWAYS: every machine).  The host's libc chooses
 * among several for the same thing; names that this architecture lacks are passed over.
 */
static const struct {
	unsigned features;
	const char *names;
} calls[] = {
	/* Descriptors that are open. */
	{ ALWAYS,
	  "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range "
	  "fsync fdatasync fallocate ftruncate sync_file_range fadvise64 fcntl dup dup3 poll ppoll pselect6 "
	  "select epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2 timerfd_create "
	  "timerfd_settime timerfd_gettime pipe2 flock" },
	{ ALWAYS, "fstat newfstatat stat lstat statx fstatfs statfs access faccessat faccessat2 getcwd" },
	/* Sockets that are open. */
	{ ALWAYS,
	  "accept accept4 shutdown send recv sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg getsockopt "
	  "setsockopt getsockname getpeername" },
	/* Memory; not to execute (see add_argument_rules()). */
	{ ALWAYS, "brk munmap mremap madvise mincore membarrier memfd_create" },
	/* Threads, signals, time, the end. */
	{ ALWAYS, "futex set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity "
		  "sched_setaffinity sched_getparam sched_getscheduler sched_get_priority_max "
		  "sched_get_priority_min getcpu gettid getpid getppid getuid geteuid getgid getegid getpgrp "
		  "getpgid getsid getrlimit prlimit64 getrusage times sysinfo uname umask" },
	{ ALWAYS,
	  "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack "
	  "restart_syscall pause alarm setitimer" },
	{ ALWAYS, "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getrandom exit "
		  "exit_group" },

	{ SANDBOX_WRITE_FILES | SANDBOX_SHARE,
	  "open openat creat rename renameat renameat2 unlink unlinkat link linkat mkdir mkdirat readlink "
	  "readlinkat "
	  "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat" },
	{ SANDBOX_SHARE, "openat2 symlink symlinkat mknod mknodat rmdir truncate utimensat getdents64 "
			 "getxattr lgetxattr fgetxattr "
			 "setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr "
			 "lremovexattr fremovexattr "
			 "copy_file_range sendfile" },
	{ SANDBOX_REMOVE, "unlink unlinkat" },
	{ SANDBOX_CONNECT | SANDBOX_SERVE, "socket connect socketpair" },
	{ SANDBOX_SERVE, "bind listen" },
};

/* Requests that terminals, sockets and TAP interfaces in use are sent. */
static const unsigned long ioctls[] = { TCGETS,	  TCSETS,   TCSETSW,	   TCSETSF,	    TIOCGWINSZ,
					FIONREAD, FIONBIO,  TUNSETOFFLOAD, TUNSETVNETHDRSZ, TIOCGPGRP,
					TIOCGPTN, TIOCOUTQ, TCSBRK };

/* Capabilities that a process started as root keeps, with the features that need them. */
static const struct {
	unsigned features;
	unsigned capability;
} capabilities[] = {
	{ SANDBOX_READ_FILES, CAP_DAC_READ_SEARCH },
	{ SANDBOX_WRITE_FILES | SANDBOX_REMOVE, CAP_DAC_OVERRIDE },
	{ SANDBOX_SHARE, CAP_DAC_OVERRIDE },
	{ SANDBOX_SHARE, CAP_DAC_READ_SEARCH },
	{ SANDBOX_SHARE, CAP_CHOWN },
	{ SANDBOX_SHARE, CAP_FOWNER },
	{ SANDBOX_SHARE, CAP_FSETID },
	{ SANDBOX_SHARE, CAP_MKNOD },
};

/* A refused call. */

static _Atomic bool told[TOLD_MAX];

/* What @call returns is to be a refusal; false where it is not known how to say so. */
static bool set_result(ucontext_t *context, long result)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = result;
	return true;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (unsigned long)result;
	return true;
#elif defined(__riscv)
	context->uc_mcontext.__gregs[REG_A0] = (unsigned long)result;
	return true;
#elif defined(__loongarch__)
	context->uc_mcontext.__gregs[4] = (unsigned long)result;
	return true;
#else
	return false;
#endif
}

/* SIGSYS: the call was not made. */
static void refused(int signal, siginfo_t *info, void *context)
{
	static const char begin[] = "bixi: the sandbox refused system call ";
	static const char end[] = "; please report this with your command line\n";
	const unsigned call = (unsigned)info->si_syscall;
	char text[sizeof(begin) + sizeof(end) + 16];
	size_t length = sizeof(begin) - 1;
	int saved = errno;
	char digits[12];
	unsigned count = 0, left = call;

	set_result(context, -EPERM);
	if (call >= TOLD_MAX || atomic_exchange(&told[call], true))
		return;
	memcpy(text, begin, length);
	do
		digits[count++] = (char)('0' + left % 10);
	while (left /= 10);
	while (count)
		text[length++] = digits[--count];
	memcpy(text + length, end, sizeof(end) - 1);
	(void)!write(STDERR_FILENO, text, length + sizeof(end) - 1);
	errno = saved;
}

static int catch_refusals(void)
{
	struct sigaction action = { .sa_sigaction = refused,
				    .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };
	sigset_t set;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL))
		return -errno;
	/* A thread that blocks the signal would be killed by it. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Privileges.  Capabilities belong to a thread, so each of them gives up its own. */

static struct {
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	sem_t done;
	_Atomic int error;
} drop;

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &header, drop.data) ? -errno : 0;
}

static void drop_on_signal(int signal)
{
	int saved = errno, err = drop_capabilities();

	if (err)
		atomic_store(&drop.error, err);
	sem_post(&drop.done);
	errno = saved;
}

/* Has every other thread run drop_on_signal().  No thread is made meanwhile. */
static int drop_on_all_threads(void)
{
	const struct sigaction action = { .sa_handler = drop_on_signal, .sa_flags = SA_RESTART };
	const int signal = SIGRTMAX;
	struct sigaction before;
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;

	if (!tasks)
		return -errno;
	sem_init(&drop.done, 0, 0);
	sigaction(signal, &action, &before);
	while ((entry = readdir(tasks))) {
		const pid_t thread = (pid_t)atoi(entry->d_name);

		if (thread <= 0 || thread == (pid_t)syscall(SYS_gettid))
			continue;
		if (syscall(SYS_tgkill, getpid(), thread, signal))
			continue; /* it has ended */
		while (sem_wait(&drop.done))
			continue;
	}
	closedir(tasks);
	sigaction(signal, &before, NULL);
	sem_destroy(&drop.done);
	return atomic_load(&drop.error);
}

static int drop_privileges(unsigned features)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t keep[_LINUX_CAPABILITY_U32S_3] = { 0 };
	bool any = false;
	int err;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (features & capabilities[i].features)
			keep[CAP_TO_INDEX(capabilities[i].capability)] |=
				CAP_TO_MASK(capabilities[i].capability);
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		any |= data[i].permitted | data[i].inheritable;
		drop.data[i].effective = data[i].effective & keep[i];
		drop.data[i].permitted = data[i].permitted & keep[i];
		drop.data[i].inheritable = 0;
	}
	if (!any)
		return 0;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	err = drop_capabilities();
	return err ? err : drop_on_all_threads();
}

/* The filter. */

static int allow(scmp_filter_ctx filter, const char *name)
{
	int call = seccomp_syscall_resolve_name(name);
	int err = call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);

	return err == -EDOM || err == -EACCES ? 0 : err; /* not on this architecture; the default anyway */
}

static int allow_list(scmp_filter_ctx filter, const char *names)
{
	char *copy = strdup(names), *rest = copy;
	int err = copy ? 0 : -ENOMEM;

	for (const char *name; !err && (name = strtok_r(rest, " ", &rest));)
		err = allow(filter, name);
	free(copy);
	return err;
}

/* Calls of which it depends on the arguments. */
static int add_argument_rules(scmp_filter_ctx filter, unsigned features)
{
	const struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	const struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	const int reading = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable);

	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable);
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
	if (!err) /* its flags are in memory; libc uses clone() when it is not there */
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* Signals to itself: the end by a signal, abort(). */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, own);
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, own);
	if (!err) /* the names of threads */
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				       SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	for (size_t i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1_32(SCMP_CMP_EQ, ioctls[i], 0));
	if (!err && features & SANDBOX_READ_FILES && !(features & (SANDBOX_WRITE_FILES | SANDBOX_SHARE)))
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, (scmp_datum_t)reading, O_RDONLY));
	return err;
}

static int load_filter(unsigned features)
{
	scmp_filter_ctx filter =
		seccomp_init(set_result(&(ucontext_t){ 0 }, 0) ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM));
	int err = filter ? 0 : -ENOMEM;

	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !err; i++)
		if (calls[i].features == ALWAYS || features & calls[i].features)
			err = allow_list(filter, calls[i].names);
	if (!err)
		err = add_argument_rules(filter, features);
	if (!err)
		err = seccomp_load(filter); /* with no new privileges for all threads */
	seccomp_release(filter);
	return err;
}

int sandbox_enter(unsigned features, char *error, size_t error_size)
{
	const char *what = "the signal of refused system calls cannot be handled";
	int err;

	if (HAS_SANITIZER)
		return 0;
	err = catch_refusals();
	if (!err) {
		what = "privileges cannot be given up";
		err = drop_privileges(features);
	}
	if (!err) {
		what = "system calls cannot be restricted";
		err = load_filter(features);
	}
	if (err)
		snprintf(error, error_size, "%s: %s", what, strerror(-err));
	return err;
}
