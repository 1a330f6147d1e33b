/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A qemu-loongarch64 that runs tests/isa/runner: batches go through shared memory, turns through pipes. */
#include "tests/isa/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: descriptors 0, 1 and 3 as the runner wants them. */
static void child_exec(int file, int in, int out, const char *command, const char *program)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* First out of the way of the numbers they shall have. */
	in = fcntl(in, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	file = fcntl(file, F_DUPFD, 10);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(file, 3) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", "exec $0 \"$1\"", command, program, (char *)NULL);
	_exit(127);
}

int qemu_start(struct qemu *qemu, const char *command, const char *program)
{
	int file = memfd_create("isa-test", MFD_CLOEXEC), to[2], from[2];

	if (file < 0 || ftruncate(file, sizeof(struct batch)) < 0 || pipe2(to, O_CLOEXEC) < 0 ||
	    pipe2(from, O_CLOEXEC) < 0)
		return -errno;
	qemu->batch = mmap(NULL, sizeof(struct batch), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (qemu->batch == MAP_FAILED)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	qemu->pid = fork();
	if (qemu->pid < 0)
		return -errno;
	if (qemu->pid == 0)
		child_exec(file, to[0], from[1], command, program);
	close(to[0]);
	close(from[1]);
	close(file);
	qemu->to = to[1];
	qemu->from = from[0];
	return 0;
}

void qemu_stop(struct qemu *qemu)
{
	close(qemu->to);
	close(qemu->from);
	kill(qemu->pid, SIGKILL);
	waitpid(qemu->pid, NULL, 0);
	munmap(qemu->batch, sizeof(struct batch));
}

bool qemu_run(struct qemu *qemu)
{
	char token = 0;

	return write(qemu->to, &token, 1) == 1 && read(qemu->from, &token, 1) == 1;
}
