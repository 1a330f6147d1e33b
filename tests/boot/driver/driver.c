// SPDX-License-Identifier: MulanPSL-2.0
/*
 * What tests/boot/driver.sh runs in the guest: asks the driver for things and looks at the answers.  A line
 * "ok SENTENCE" or "FAIL SENTENCE" each.
 *   driver refusals | no-image | damaged-image | stub | kvm | no-lvz | offline | memory
 *   driver enable | disable | root
 *   driver cycle COUNT	enables and disables the hypervisor so often, Linux being busy
 *   driver cells		the hypervisor being enabled on several CPUs: the life of a cell, /cell.bin
 *   driver mistakes COUNT	cells and calls that are nearly right
 *   driver running-cell	leaves one running
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define RAM_LOW	    0x10000000
#define CONFIG_ROOM 0x4000

int device;
bool failed;

void check(bool right, const char *format, ...)
{
	va_list arguments;

	printf(right ? "ok   " : "FAIL ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	failed |= !right;
}

/* Linux's CPUs and RAM, and all that is between them: what root has before. */
struct system {
	struct config_system system;
	uint8_t cpus[8];
	struct config_memory memory[3];
	struct config_irqchip irqchips[4];
};

static uint64_t ram_end(void)
{
	char line[200];
	uint64_t begin, end, last = 0;
	FILE *file = fopen("/proc/iomem", "r");

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "System RAM") && sscanf(line, "%lx-%lx", &begin, &end) == 2 && end > last)
			last = end;
	if (file)
		fclose(file);
	/* The last bytes may be the firmware's. */
	return (last | 0xffffff) + 1;
}

static struct config_system *config_make(void)
{
	struct system *s = calloc(1, CONFIG_ROOM);
	const uint32_t all = 0xffffffff;
	const uint64_t ram = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE | CONFIG_MEM_DMA;
	const uint64_t io = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO;

	s->system = (struct config_system){
		.signature = { 'J', 'H', 'S', 'Y', 'S' },
		.architecture = CONFIG_ARCH_LOONGARCH,
		.revision = CONFIG_REVISION,
		.platform_info.loongarch = {
			.node_count = 1,
			.liointc_base = 0x1fe01400,
			.extioi_iocsr_base = 0x1400,
			.pch_pic_base = 0x10000000,
			.pch_msi_base = 0x40,
			.pch_msi_doorbell = 0x2ff00000,
		},
		.root_cell = {
			.architecture = CONFIG_ARCH_LOONGARCH,
			.revision = CONFIG_REVISION,
			.name = "root",
			.cpu_set_size = sizeof(s->cpus),
			.num_memory_regions = 3,
			.num_irqchips = 4,
		},
	};
	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++)
		s->cpus[cpu / 8] |= 1 << cpu % 8;
	s->memory[0] = (struct config_memory){ 0, 0, RAM_LOW, ram };
	s->memory[1] = (struct config_memory){ RAM_LOW, RAM_LOW, RAM_HIGH - RAM_LOW, io };
	s->memory[2] = (struct config_memory){ RAM_HIGH, RAM_HIGH, ram_end() - RAM_HIGH, ram };
	s->irqchips[0] = (struct config_irqchip){ 0, CONFIG_IRQCHIP_EXTIOI, 0, { all, all, all, all } };
	s->irqchips[1] = (struct config_irqchip){ 0, CONFIG_IRQCHIP_EXTIOI, 128, { all, all, all, all } };
	s->irqchips[2] = (struct config_irqchip){ 0x10000000, CONFIG_IRQCHIP_PCH_PIC, 0, { all, all } };
	s->irqchips[3] =
		(struct config_irqchip){ 0x2ff00000, CONFIG_IRQCHIP_MSI, 128, { all, all, all, all } };
	return &s->system;
}

void refused(const char *what, int number, const char *word, unsigned long command, void *argument)
{
	struct hv_error error = { 0 };
	int result = ioctl(device, command, argument), got = errno;

	ioctl(device, DRIVER_LAST_ERROR, &error);
	check(result == -1 && got == number && error.error == -number && strstr(error.sentence, word),
	      "%s is refused with \"%s\": %s; %s", what, strerror(number), result ? strerror(got) : "success",
	      error.sentence);
}

static void refused_config(const char *what, int number, const char *word, struct config_system *config)
{
	refused(what, number, word, DRIVER_ENABLE, config);
	free(config);
}

static void do_configurations(void)
{
	struct config_system *config = config_make();
	const size_t size = config_system_size(config);
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(pages + PAGE, PAGE);
	memcpy(pages + PAGE - size + 1, config, size - 1);
	refused("a configuration that ends too early", EFAULT, "shorter", DRIVER_ENABLE,
		pages + PAGE - size + 1);
	memcpy(pages + PAGE - 100, config, 100);
	refused("a configuration of 100 bytes", EFAULT, "memory", DRIVER_ENABLE, pages + PAGE - 100);
	refused("no configuration", EFAULT, "memory", DRIVER_ENABLE, NULL);

	config->signature[4]++;
	refused_config("a wrong signature", EINVAL, "JHSYS", config);
	config = config_make();
	config->revision = 13;
	config->architecture = 0;
	refused_config("revision 13", EINVAL, "revision 13", config);
	config = config_make();
	config->architecture = CONFIG_ARCH_ARM64;
	refused_config("a configuration for arm64", EINVAL, "architecture 2", config);
	config = config_make();
	memset(config->root_cell.name, 0, sizeof(config->root_cell.name));
	refused_config("a root cell without a name", EINVAL, "name", config);
	config = config_make();
	config->root_cell.num_memory_regions = 0xffffffff;
	refused_config("a configuration with 2^32-1 regions", E2BIG, "counts", config);
	config = config_make();
	config->root_cell.cpu_set_size = 0xfffffff0;
	refused_config("a configuration with 2^35 CPUs", E2BIG, "counts", config);
	config = config_make();
	((struct system *)config)->cpus[0] &= ~1;
	refused_config("a root cell without CPU 0", EINVAL, "CPU 0", config);
	config = config_make();
	((struct system *)config)->cpus[7] |= 0x80;
	refused_config("a root cell with CPU 63, which is not there", EINVAL, "CPU 63", config);
}

/* Who is refused something gets its own sentence, whatever others do before it asks. */
static void do_two_programs(void)
{
	struct driver_reserve reserve = { .size = 1 };
	struct hv_error error = { 0 };
	int other = open(DRIVER_DEVICE, O_RDWR);

	ioctl(device, DRIVER_RESERVE, &reserve);
	ioctl(other, DRIVER_DISABLE);
	ioctl(device, DRIVER_LAST_ERROR, &error);
	check(other >= 0 && error.error == -EINVAL && strstr(error.sentence, "multiple"),
	      "a sentence is not replaced by another program's: %s", error.sentence);
	ioctl(other, DRIVER_LAST_ERROR, &error);
	check(error.error == -ENODEV, "which has its own: %s", error.sentence);
	close(other);
	check(ioctl(device, DRIVER_LAST_ERROR, NULL) == -1 && errno == EFAULT, "no room for the sentence");
}

static void ignore(int number)
{
	(void)number;
}

/* Whoever waits for text is not disturbed by what stops it and lets it go on. */
static void do_interrupted_read(void)
{
	const struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	char text[100];
	pid_t reader;
	int status = -1;

	fcntl(device, F_SETFL, 0);
	reader = fork();
	if (!reader) {
		sigaction(SIGUSR1, &action, NULL);
		read(device, text, sizeof(text));
		_exit(1);
	}
	usleep(200000);
	kill(reader, SIGUSR1);
	kill(reader, SIGSTOP);
	kill(reader, SIGCONT);
	usleep(200000);
	check(!waitpid(reader, &status, WNOHANG), "a signal does not end the wait for the console's text");
	kill(reader, SIGKILL);
	waitpid(reader, &status, 0);
	check(WIFSIGNALED(status), "but one that ends the program does");
}

static void do_refusals(void)
{
	struct driver_cell_id id = { .id = 1 };
	struct stat status;
	char text[10];

	check(!stat(DRIVER_DEVICE, &status) && S_ISCHR(status.st_mode) && (status.st_mode & 0777) == 0600,
	      DRIVER_DEVICE " is a device of root's alone");
	do_configurations();
	refused("disabling what is not enabled", ENODEV, "not enabled", DRIVER_DISABLE, NULL);
	refused("a cell before enabling", ENODEV, "not enabled", DRIVER_CELL_CREATE, &id);
	refused("a cell's destruction before enabling", ENODEV, "not enabled", DRIVER_CELL_DESTROY, &id);
	refused("an unknown ioctl", ENODEV, "not enabled", _IO(0, 200), NULL);
	do_two_programs();
	check(read(device, text, sizeof(text)) == -1 && errno == ENODEV,
	      "the console cannot be read before enabling");
}

static long available(void)
{
	char line[200];
	long kib = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib >> 10;
}

static void do_memory(void)
{
	struct driver_chunk chunks[64] = { 0 };
	struct driver_reserve reserve = { .size = 100 << 20,
					  .chunks_address = (uint64_t)chunks,
					  .num_chunks = 64 };
	struct driver_release release = { DRIVER_RELEASE_UNUSED };
	struct driver_reserve wrong = reserve;
	uint64_t sum = 0;
	bool aligned = true, descending = true;
	int round;

	wrong.size = 0;
	refused("reserving nothing", EINVAL, "multiple", DRIVER_RESERVE, &wrong);
	wrong.size = PAGE + 1;
	refused("reserving part of a page", EINVAL, "multiple", DRIVER_RESERVE, &wrong);
	wrong.size = UINT64_C(1) << 40;
	refused("reserving 1 TiB", ENOMEM, "Linux has", DRIVER_RESERVE, &wrong);
	wrong.size = -(uint64_t)PAGE;
	refused("reserving 2^64 bytes but a page", ENOMEM, "Linux has", DRIVER_RESERVE, &wrong);
	wrong = reserve;
	wrong.chunks_address = 8;
	refused("an array that is not the program's", EFAULT, "memory", DRIVER_RESERVE, &wrong);
	wrong = reserve;
	wrong.num_chunks = 1;
	refused("an array that is too small", ENOSPC, "chunks", DRIVER_RESERVE, &wrong);
	check(wrong.num_chunks > 1, "it says that %u chunks are needed", wrong.num_chunks);
	/* More than the computer has: a free-memory count would not see what waits in lists of Linux' CPUs.
	 */
	for (round = 0; round < 20; round++) {
		struct driver_reserve small = { reserve.size, reserve.chunks_address, 1, 0 };

		if (ioctl(device, DRIVER_RESERVE, &small) != -1 || errno != ENOSPC ||
		    ioctl(device, DRIVER_RESERVE, &reserve) || ioctl(device, DRIVER_RELEASE, &release))
			break;
	}
	check(round == 20, "100 MiB are refused, reserved and released %d times", round);

	check(!ioctl(device, DRIVER_RESERVE, &reserve), "100 MiB are reserved");
	for (unsigned i = 0; i < reserve.num_chunks && i < 64; i++) {
		aligned &= chunks[i].size >= PAGE && chunks[i].phys % chunks[i].size == 0 &&
			   (chunks[i].size & (chunks[i].size - 1)) == 0;
		descending &= !i || chunks[i].size <= chunks[i - 1].size;
		sum += chunks[i].size;
	}
	check(descending, "the largest chunks come first");
	check(aligned && sum == reserve.size && chunks[0].size == 32 << 20,
	      "they come as %u chunks, the first of 32 MiB, each aligned", reserve.num_chunks);
	release.phys = chunks[0].phys + PAGE;
	refused("releasing what does not begin there", ENOENT, "reserved", DRIVER_RELEASE, &release);
	release.phys = chunks[0].phys;
	check(!ioctl(device, DRIVER_RELEASE, &release), "a chunk is released");
	refused("releasing it again", ENOENT, "reserved", DRIVER_RELEASE, &release);
	close(device);
	device = open(DRIVER_DEVICE, O_RDWR);
	release.phys = chunks[1].phys;
	check(!ioctl(device, DRIVER_RELEASE, &release),
	      "the others stayed reserved when the file was closed");
	release.phys = DRIVER_RELEASE_UNUSED;
	check(!ioctl(device, DRIVER_RELEASE, &release), "all others are released");
	ioctl(device, DRIVER_RESERVE, &reserve); /* for who removes the module */
}

static void do_stub(void)
{
	struct config_system *config = config_make();
	struct driver_chunk chunk = { 0 };
	struct driver_reserve reserve = { .size = 4 << 20,
					  .chunks_address = (uint64_t)&chunk,
					  .num_chunks = 1 };
	long before = available();

	for (int i = 0; i < 20; i++)
		if (ioctl(device, DRIVER_ENABLE, config) != -1 || errno != ENODEV)
			break;
	refused("enabling an image that does not want to", ENODEV, "test's image", DRIVER_ENABLE, config);
	check(before - available() < 16, "nothing of it is left: %ld MiB free, %ld before", available(),
	      before);

	check(!ioctl(device, DRIVER_RESERVE, &reserve), "memory for the hypervisor is reserved");
	config->hypervisor_memory.phys_start = chunk.phys;
	config->hypervisor_memory.size = chunk.size;
	refused("the same in reserved memory", ENODEV, "test's image", DRIVER_ENABLE, config);
	config->hypervisor_memory.size = 0x8000;
	refused("memory that is too small", ENOSPC, "larger", DRIVER_ENABLE, config);
	config->hypervisor_memory.size = chunk.size + 1;
	refused("memory with part of a page", EINVAL, "whole pages", DRIVER_ENABLE, config);
	config->hypervisor_memory.size = UINT64_C(1) << 40;
	refused("1 TiB of memory", E2BIG, "more than", DRIVER_ENABLE, config);
	config->hypervisor_memory.size = -(uint64_t)PAGE;
	refused("memory beyond the end of the world", EINVAL, "whole pages", DRIVER_ENABLE, config);
	config->hypervisor_memory.size = chunk.size;
	config->hypervisor_memory.phys_start = RAM_HIGH;
	refused("memory that Linux uses", EBUSY, "in use by Linux", DRIVER_ENABLE, config);
	config->hypervisor_memory.phys_start = 0x20000000;
	refused("memory that is a device's", EBUSY, "device", DRIVER_ENABLE, config);
	config->hypervisor_memory = (struct config_memory){ .size = UINT64_C(1) << 30 };
	refused("1 GiB in one piece", ENOMEM, "piece", DRIVER_ENABLE, config);
}

/* Reads of a file are right while all this happens, timers and processes go on. */
static void work(void)
{
	struct timespec pause = { 0, 2000000 };

	for (;;) {
		if (!fork())
			_exit(0);
		wait(NULL);
		nanosleep(&pause, NULL);
	}
}

bool file_is(const char *path, const char *text)
{
	char line[200] = "";
	FILE *file = fopen(path, "r");

	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = 0;
		fclose(file);
	}
	line[strcspn(line, "\n")] = 0;
	return !strcmp(line, text);
}

/* Linux is the root cell. */
static void do_root(void)
{
	struct config_system *config = config_make();
	char text[3000];
	ssize_t length;

	refused("enabling what is enabled", EBUSY, "already", DRIVER_ENABLE, config);
	check(ioctl(open("/dev/kvm", O_RDWR), KVM_CREATE_VM, 0) == -1 && errno == EBUSY,
	      "KVM cannot make a guest meanwhile: %s", strerror(errno));
	refused("an unknown ioctl", ENOTTY, "versions", _IO(0, 200), NULL);
	fcntl(device, F_SETFL, O_NONBLOCK);
	do {
		length = read(device, text, sizeof(text));
	} while (length > 0);
	check(length == -1 && errno == EAGAIN, "the hypervisor's console can be read to its end");
	do_interrupted_read();
	check(file_is("/sys/devices/bixi/enabled", "1"), "sysfs says that it is enabled");
	check(file_is("/sys/devices/bixi/cells/0/name", "root"), "and that there is a root cell");
	check(file_is("/sys/devices/bixi/cells/0/state", "running"), "which runs");
	check(!file_is("/sys/devices/bixi/mem_pool_size", "0") &&
		      !file_is("/sys/devices/bixi/mem_pool_used", "0"),
	      "it has memory");
	check(!file_is("/sys/devices/bixi/cells/0/statistics/vmexits_total", "0") &&
		      !file_is("/sys/devices/bixi/cells/0/statistics/cpu0/vmexits_total", "0"),
	      "exits are counted");
}

static void do_cycle(int count)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct config_system *config = config_make();
	struct hv_error error = { 0 };
	pid_t workers[64];
	int done = 0;

	for (long i = 0; i < cpus; i++) {
		workers[i] = fork();
		if (!workers[i])
			work();
	}
	for (; done < count; done++) {
		if (ioctl(device, DRIVER_ENABLE, config) || usleep(20000) || ioctl(device, DRIVER_DISABLE))
			break;
		usleep(5000);
	}
	ioctl(device, DRIVER_LAST_ERROR, &error);
	check(done == count,
	      "the hypervisor is enabled and disabled %d times of %d on %ld CPUs under load: %s", done, count,
	      cpus, done == count ? "" : error.sentence);
	for (long i = 0; i < cpus; i++)
		kill(workers[i], 9);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	device = open(DRIVER_DEVICE, O_RDWR);
	check(device >= 0, DRIVER_DEVICE " can be opened");
	if (!strcmp(what, "refusals"))
		do_refusals();
	else if (!strcmp(what, "memory"))
		do_memory();
	else if (!strcmp(what, "stub"))
		do_stub();
	else if (!strcmp(what, "no-image"))
		refused_config("enabling without an image", ENOENT, "install", config_make());
	else if (!strcmp(what, "damaged-image"))
		refused_config("enabling a damaged image", ENOEXEC, "install", config_make());
	else if (!strcmp(what, "kvm"))
		refused_config("enabling while KVM has LVZ", EBUSY, "kvm.enable_virt_at_load=0",
			       config_make());
	else if (!strcmp(what, "no-lvz"))
		refused_config("enabling without LVZ", ENODEV, "LVZ", config_make());
	else if (!strcmp(what, "offline"))
		refused_config("enabling while CPU 1 is offline", EBUSY, "cpu1/online", config_make());
	else if (!strcmp(what, "enable"))
		check(!ioctl(device, DRIVER_ENABLE, config_make()), "the hypervisor is enabled");
	else if (!strcmp(what, "disable"))
		check(!ioctl(device, DRIVER_DISABLE), "the hypervisor is disabled");
	else if (!strcmp(what, "root"))
		do_root();
	else if (!strcmp(what, "cells"))
		do_cells();
	else if (!strcmp(what, "running-cell"))
		do_running_cell();
	else if (!strcmp(what, "mistakes") && argc == 3)
		do_mistakes(atoi(argv[2]));
	else if (!strcmp(what, "cycle") && argc == 3)
		do_cycle(atoi(argv[2]));
	else
		check(false, "there is no such test: %s", what);
	return failed;
}
