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
#include <elf.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "driver.h"

#define PAGE	    0x4000
#define RAM_LOW	    0x10000000
#define RAM_HIGH    0x80000000
#define CONFIG_ROOM 0x4000

static int device;
static bool failed;

static void check(bool right, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void check(bool right, const char *format, ...)
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

/* The ioctl fails with @number, and the driver's sentence about it has @word. */
static void refused(const char *what, int number, const char *word, unsigned long command, void *argument)
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

static bool file_is(const char *path, const char *text)
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

/* A cell with CPU 1 and 1 MiB. */
struct cell {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[1];
};

static struct driver_chunk cell_memory;

static struct cell *cell_make(void)
{
	struct cell *c = calloc(1, sizeof(*c));

	c->cell = (struct config_cell){
		.signature = { 'J', 'H', 'C', 'L', 'L' },
		.architecture = CONFIG_ARCH_LOONGARCH,
		.revision = CONFIG_REVISION,
		.name = "test",
		.flags = CONFIG_CELL_CONSOLE_PERMITTED,
		.cpu_set_size = sizeof(c->cpus),
		.num_memory_regions = 1,
	};
	c->cpus[0] = 1 << 1;
	c->memory[0] = (struct config_memory){ cell_memory.phys, 0, cell_memory.size,
					       CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE |
						       CONFIG_MEM_LOADABLE };
	return c;
}

static void refused_cell(const char *what, int number, const char *word, struct cell *cell)
{
	struct driver_cell_create create = { (uint64_t)cell, sizeof(*cell), 0 };

	refused(what, number, word, DRIVER_CELL_CREATE, &create);
	free(cell);
}

static void do_refused_cells(void)
{
	struct driver_cell_create create = { 8, sizeof(struct cell), 0 };
	struct driver_chunk linux_memory = { RAM_HIGH, 1 << 20 };
	struct cell *cell;

	refused("a cell's configuration that is not there", EFAULT, "memory", DRIVER_CELL_CREATE, &create);
	create.config_size = 10;
	refused("a cell's configuration of 10 bytes", EINVAL, "bytes", DRIVER_CELL_CREATE, &create);
	create.config_size = 1 << 30;
	refused("a cell's configuration of 1 GiB", EINVAL, "bytes", DRIVER_CELL_CREATE, &create);
	cell = cell_make();
	cell->cell.signature[0] = 'X';
	refused_cell("a cell with a wrong signature", EINVAL, "JHCLL", cell);
	cell = cell_make();
	cell->cell.revision = 10;
	refused_cell("a cell of revision 10", EINVAL, "revision 10", cell);
	cell = cell_make();
	cell->cell.architecture = CONFIG_ARCH_X86;
	refused_cell("a cell for x86", EINVAL, "architecture 0", cell);
	cell = cell_make();
	cell->cell.num_pci_caps = 0xffffffff;
	refused_cell("a cell with too large counts", EINVAL, "counts", cell);
	cell = cell_make();
	memset(cell->cell.name, 'a', sizeof(cell->cell.name));
	refused_cell("a cell with an endless name", EINVAL, "name", cell);
	cell = cell_make();
	strcpy(cell->cell.name, "a\nbixi: b");
	refused_cell("a cell whose name is two lines", EINVAL, "name", cell);
	cell = cell_make();
	strcpy(cell->cell.name, "root");
	refused_cell("a cell with root's name", EEXIST, "root", cell);
	cell = cell_make();
	cell->cpus[0] = 1;
	refused_cell("a cell with CPU 0", EINVAL, "CPU 0", cell);
	cell = cell_make();
	cell->cpus[7] = 0x80;
	refused_cell("a cell with CPU 63", EINVAL, "CPU 63", cell);
	cell = cell_make();
	cell->cpus[0] = 0;
	refused_cell("a cell without a CPU", EINVAL, "no CPU", cell);
	cell = cell_make();
	cell->memory[0].phys_start = linux_memory.phys;
	refused_cell("a cell in Linux's memory", EBUSY, "is Linux's", cell);
	cell = cell_make();
	cell->memory[0].size = -(uint64_t)PAGE;
	refused_cell("a cell with endless memory", EINVAL, "too large", cell);
	cell = cell_make();
	cell->memory[0].flags |= CONFIG_MEM_IO;
	refused_cell("a cell that the hypervisor does not like", EINVAL, "region 0", cell);
	check(sysconf(_SC_NPROCESSORS_ONLN) > 1, "Linux has all CPUs again: %ld",
	      sysconf(_SC_NPROCESSORS_ONLN));
}

/* All that the cell prints until it has printed so much, or two seconds are over. */
static bool cell_says(struct driver_cell_id id, const char *text)
{
	struct driver_console_read request = { .cell = id };
	char said[3000] = "";

	for (int i = 0; i < 200 && strlen(said) < strlen(text); i++) {
		if (ioctl(device, DRIVER_CONSOLE_READ, &request) || request.console.length > HV_CONSOLE_BYTES)
			return false;
		strncat(said, request.console.text, request.console.length);
		usleep(10000);
	}
	if (strcmp(said, text))
		printf("(it said \"%s\")\n", said);
	return !strcmp(said, text);
}

static void load(struct driver_cell_id id, uint32_t wrong)
{
	static char image[2 * PAGE];
	struct {
		struct driver_cell_load load;
		struct driver_image images[2];
	} request = { .load = { .cell = id, .num_images = 2 },
		      .images = { { (uint64_t)image, sizeof(image), 0, 0 },
				  { (uint64_t)&wrong, 4, 0x100, 0 } } };
	int file = open("/cell.bin", O_RDONLY);

	check(file >= 0 && read(file, image, sizeof(image)) > 0x100, "the cell's image is there");
	close(file);
	check(!ioctl(device, DRIVER_CELL_LOAD, &request), "the cell is loaded");
	request.images[1].target_address = cell_memory.size - 2;
	refused("an image that is too large", EINVAL, "loadable", DRIVER_CELL_LOAD, &request);
	request.images[1].target_address = -4;
	refused("an image at the end of the world", EINVAL, "loadable", DRIVER_CELL_LOAD, &request);
	request.images[1].target_address = 0x100;
	request.images[0].source_address = 8;
	refused("an image that is not there", EFAULT, "memory", DRIVER_CELL_LOAD, &request);
	request.load.num_images = 1000000;
	refused("a million images", EINVAL, "images", DRIVER_CELL_LOAD, &request);
	request.load.num_images = 2;
	request.images[0].source_address = (uint64_t)image;
	check(!ioctl(device, DRIVER_CELL_LOAD, &request), "it is loaded again");
}

static void do_cell_life(struct driver_cell_id id)
{
	struct driver_fault fault = { .cell = id };
	struct {
		struct driver_cell_load load;
		struct driver_image image;
	} far = { { id, 1, 0 }, { (uint64_t)&fault, 4, cell_memory.size, 0 } };

	check(file_is("/sys/devices/bixi/cells/1/name", "test"), "sysfs has the cell");
	check(file_is("/sys/devices/bixi/cells/1/state", "shut down"), "it is shut down");
	check(file_is("/sys/devices/bixi/cells/1/cpus_assigned_list", "1"), "it has CPU 1");
	check(file_is("/sys/devices/system/cpu/cpu1/online", "0"), "and Linux does not");
	refused("the fault of a cell without one", ENODATA, "no fault", DRIVER_CELL_FAULT, &fault);
	load(id, 0);
	check(!ioctl(device, DRIVER_CELL_START, &id), "the cell is started");
	check(cell_says(id, "the cell is there\n"), "it runs");
	check(file_is("/sys/devices/bixi/cells/1/state", "running"), "sysfs says so, too");
	refused("an image for memory that is not the cell's", EINVAL, "loadable", DRIVER_CELL_LOAD, &far);
	check(file_is("/sys/devices/bixi/cells/1/state", "running"), "which does not stop it");
	check(!ioctl(device, DRIVER_CELL_SHUTDOWN, &id), "it is shut down");
	check(file_is("/sys/devices/bixi/cells/1/state", "shut down"), "sysfs says so");
	check(!ioctl(device, DRIVER_CELL_START, &id), "it is started again");
	check(cell_says(id, "the cell is there\n"), "it runs again");
	load(id, 1);
	check(!ioctl(device, DRIVER_CELL_START, &id), "it is started to do what it may not");
	check(cell_says(id, "the cell is there\n"), "it runs until then");
	for (int i = 0; i < 200 && ioctl(device, DRIVER_CELL_FAULT, &fault); i++)
		usleep(10000);
	check(fault.fault.reason == HV_FAULT_MEMORY && fault.fault.gpa == RAM_HIGH,
	      "the record of its fault says that it read 0x%lx", fault.fault.gpa);
	check(file_is("/sys/devices/bixi/cells/1/state", "failed"), "it is known to have failed");
	check(file_is("/sys/devices/bixi/cells/1/cpus_failed_list", "1"), "with CPU 1");
}

/* The kernel tells of changes in sysfs as "ACTION@PATH", and strings "KEY=VALUE". */
static int listen_to_kernel(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	/* The driver looks at its cells twice a second, if there is a processor for it. */
	const struct timeval patience = { .tv_sec = 10 };
	int events = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);

	setsockopt(events, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return bind(events, (struct sockaddr *)&address, sizeof(address)) ? -1 : events;
}

static bool kernel_told(int events, const char *action, const char *value)
{
	char text[4096];
	ssize_t length;

	while ((length = recv(events, text, sizeof(text) - 1, 0)) > 0) {
		text[length] = 0;
		if (strncmp(text, action, strlen(action)) || !strstr(text, "/devices/bixi/cells/1"))
			continue;
		for (char *word = text; word < text + length; word += strlen(word) + 1)
			if (!strcmp(word, value))
				return true;
	}
	return false;
}

/* Linux' image of its memory leaves out what is not Linux' for the time being: there would be nothing to
 * read. */
static bool kcore_reads(uint64_t phys)
{
	const uint64_t address = 0x9000000000000000 | phys;
	int kcore = open("/proc/kcore", O_RDONLY);
	Elf64_Ehdr head;
	Elf64_Phdr segment;
	uint64_t word = 1;
	bool found = false;

	if (read(kcore, &head, sizeof(head)) != sizeof(head))
		return false;
	for (int i = 0; i < head.e_phnum && !found; i++)
		found = pread(kcore, &segment, sizeof(segment), head.e_phoff + i * sizeof(segment)) > 0 &&
			segment.p_type == PT_LOAD && address - segment.p_vaddr < segment.p_memsz;
	found = found && pread(kcore, &word, sizeof(word), segment.p_offset + address - segment.p_vaddr) > 0;
	close(kcore);
	return found && word == 0;
}

static void do_cells(void)
{
	const int events = listen_to_kernel();
	struct driver_reserve reserve = { .size = 1 << 20,
					  .chunks_address = (uint64_t)&cell_memory,
					  .num_chunks = 1 };
	struct driver_cell_id id = { .id = -1, .name = "test" }, root = { .id = 0 }, other = { .id = 7 };
	struct driver_stats stats = { .cpu = 0 };
	struct driver_cell_create create;
	struct cell *cell;
	FILE *file;

	check(!ioctl(device, DRIVER_RESERVE, &reserve), "the cell's memory is reserved");
	do_refused_cells();
	refused("destroying root", EINVAL, "root", DRIVER_CELL_DESTROY, &root);
	refused("starting a cell that is not there", ENOENT, "no cell 7", DRIVER_CELL_START, &other);
	refused("destroying a cell that is not there", ENOENT, "no cell \"test\"", DRIVER_CELL_DESTROY, &id);
	check(!ioctl(device, DRIVER_CPU_STATS, &stats) && stats.stats.count[HV_STAT_TOTAL] > 0,
	      "CPU 0 was left %lu times", stats.stats.count[HV_STAT_TOTAL]);
	stats.cpu = 63;
	refused("the statistics of CPU 63", EINVAL, "CPU 63", DRIVER_CPU_STATS, &stats);
	cell = cell_make();
	create = (struct driver_cell_create){ (uint64_t)cell, sizeof(*cell), 0 };
	for (int i = 0; i < 3; i++) {
		struct driver_release release = { cell_memory.phys };

		check(!ioctl(device, DRIVER_CELL_CREATE, &create), "a cell is created");
		refused("a second one of this name", EEXIST, "already", DRIVER_CELL_CREATE, &create);
		strcpy(cell->cell.name, "second");
		refused("a second one with this CPU", EBUSY, "cell \"test\"", DRIVER_CELL_CREATE, &create);
		strcpy(cell->cell.name, "test");
		refused("releasing its memory", EBUSY, "test", DRIVER_RELEASE, &release);
		file = fopen("/sys/devices/system/cpu/cpu1/online", "w");
		check(file && (fputs("1", file), fclose(file)) && errno == EPERM,
		      "Linux cannot take CPU 1 back by itself");
		check(kcore_reads(cell_memory.phys), "/proc/kcore shows nothing of its memory");
		check(kernel_told(events, "add@", "ACTION=add"), "an uevent tells of the cell");
		check(kernel_told(events, "change@", "STATE=shut down"), "and of its state");
		do_cell_life(id);
		check(kernel_told(events, "change@", "STATE=running"), "an uevent tells that it runs");
		check(kernel_told(events, "change@", "STATE=failed"), "and one that it failed");
		check(!ioctl(device, DRIVER_CELL_DESTROY, &id), "the cell is destroyed");
		check(file_is("/sys/devices/system/cpu/cpu1/online", "1"), "Linux has CPU 1 again");
		check(kernel_told(events, "remove@", "ACTION=remove"),
		      "an uevent tells that the cell is gone");
		check(access("/sys/devices/bixi/cells/1", F_OK), "sysfs has the cell no more");
	}
	free(cell);
}

/* Calls with mistakes in them: a right structure some of whose bytes are not. */
static void spoil(void *structure, size_t size)
{
	uint8_t *bytes = structure;

	for (int count = rand() % 4; count > 0; count--) {
		size_t at = rand() % size;

		bytes[at] = rand() % 3 ? bytes[at] ^ 1 << rand() % 8 : rand() % 2 ? 0xff : 0;
	}
}

static void spoiled_call(void)
{
	static const unsigned long commands[] = {
		DRIVER_CELL_LOAD,  DRIVER_CELL_START, DRIVER_CELL_DESTROY, DRIVER_CELL_SHUTDOWN,
		DRIVER_CELL_FAULT, DRIVER_CPU_STATS,  DRIVER_CONSOLE_READ, DRIVER_CONSOLE_WRITE,
		DRIVER_LAST_ERROR, DRIVER_ENABLE,
	};
	static char room[0x4000];
	unsigned long command = commands[rand() % (sizeof(commands) / sizeof(*commands))];
	struct driver_cell_id id = { .id = rand() % 2 ? 1 : -1, .name = "test" };

	memset(room, 0, sizeof(room));
	memcpy(room, &id, sizeof(id));
	if (command == DRIVER_CELL_LOAD)
		((struct driver_cell_load *)room)->num_images = rand() % 4;
	for (size_t i = sizeof(struct driver_cell_load); i < 200; i++)
		room[i] = rand() % 4 ? 0 : rand();
	spoil(room, 64);
	ioctl(device, command, room);
}

static void do_mistakes(int count)
{
	struct driver_reserve reserve = { .size = 1 << 20,
					  .chunks_address = (uint64_t)&cell_memory,
					  .num_chunks = 1 };
	struct driver_cell_id id = { .id = 1 };
	struct cell *cell;
	int created = 0;

	check(!ioctl(device, DRIVER_RESERVE, &reserve), "the cell's memory is reserved");
	for (int i = 0; i < count; i++) {
		struct driver_cell_create create = { 0, sizeof(*cell), 0 };

		srand(i);
		cell = cell_make();
		spoil(cell, sizeof(*cell));
		create.config_address = (uint64_t)cell;
		created += !ioctl(device, DRIVER_CELL_CREATE, &create);
		for (int call = 0; call < 10; call++)
			spoiled_call();
		ioctl(device, DRIVER_CELL_DESTROY, &id);
		free(cell);
	}
	check(created > 0,
	      "%d cells with mistakes in their descriptions, %d were created, with wrong calls for each",
	      count, created);
	check(access("/sys/devices/bixi/cells/1", F_OK), "no cell is left");
}

static void do_running_cell(void)
{
	struct driver_reserve reserve = { .size = 1 << 20,
					  .chunks_address = (uint64_t)&cell_memory,
					  .num_chunks = 1 };
	struct driver_cell_id id = { .id = -1, .name = "test" };
	struct driver_cell_create create = { 0, sizeof(struct cell), 0 };

	check(!ioctl(device, DRIVER_RESERVE, &reserve), "the cell's memory is reserved");
	create.config_address = (uint64_t)cell_make();
	check(!ioctl(device, DRIVER_CELL_CREATE, &create), "a cell is created");
	load(id, 0);
	check(!ioctl(device, DRIVER_CELL_START, &id), "the cell is started");
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
