// SPDX-License-Identifier: MulanPSL-2.0
/* Cells, the hypervisor being enabled: refusals, a whole life, uevents, sysfs, calls nearly right. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test.h"

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

void do_cells(void)
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

void do_mistakes(int count)
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

void do_running_cell(void)
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
