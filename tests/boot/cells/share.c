/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Root's side of device.c:
 *   share CELL read ADDRESS WIDTH | write ADDRESS WIDTH VALUE | listen    orders
 *   share CELL interrupts VECTOR | text                                   what has come
 *   share CELL memory SEED      both write memory that the other reads
 *   share CELL forget           before the cell is started again
 *   share CELL keep             stays until it is killed, with the memory mapped
 * 0, and what was read on standard output; 1: it is not so, or the cell does not answer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hypervisor/include/driver.h"
#include "tests/boot/cells/device.h"

static volatile struct share *share;

static void map(const char *cell)
{
	struct driver_share request = { .cell = { .id = -1 }, .address = SHARE_ADDRESS + SHARE_SIZE / 2 };
	int fd = open(DRIVER_DEVICE, O_RDWR);

	strncpy(request.cell.name, cell, sizeof(request.cell.name) - 1);
	if (fd < 0 || ioctl(fd, DRIVER_SHARE, &request)) {
		perror("share: " DRIVER_DEVICE);
		exit(1);
	}
	if (request.address != SHARE_ADDRESS || request.size != SHARE_SIZE ||
	    mmap(NULL, SHARE_SIZE, PROT_READ, MAP_PRIVATE, request.fd, 0) != MAP_FAILED ||
	    mmap(NULL, 2 * SHARE_SIZE, PROT_READ, MAP_SHARED, request.fd, 0) != MAP_FAILED) {
		fprintf(stderr, "share: more can be mapped than is shared\n");
		exit(1);
	}
	share = mmap(NULL, SHARE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, request.fd, 0);
	if (share == MAP_FAILED) {
		perror("share: mmap");
		exit(1);
	}
	close(request.fd);
	close(fd);
}

/* What the cell puts into the word; gives it five seconds. */
static uint64_t await(const volatile uint64_t *word, uint64_t value)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (unsigned i = 0; i < 500 && __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; i++)
		nanosleep(&pause, NULL);
	return *word;
}

static int order(unsigned what, uint64_t address, uint64_t width, uint64_t value)
{
	if (await(&share->ready, SHARE_READY) != SHARE_READY)
		return 1;
	share->address = address;
	share->width = width;
	share->value = value;
	__atomic_store_n(&share->order, what, __ATOMIC_RELEASE);
	return await(&share->order, ORDER_NONE) != ORDER_NONE;
}

static int memory(uint64_t seed)
{
	for (uint64_t i = 0; i < SHARE_DATA; i++)
		share->data[i] = share_byte(seed, i);
	if (order(ORDER_SUM, 0, 0, 0) || share->value != share_sum(share->data, SHARE_DATA))
		return 1;
	if (order(ORDER_FILL, 0, 0, seed + 1))
		return 1;
	for (uint64_t i = 0; i < SHARE_DATA; i++)
		if (share->data[i] != share_byte(seed + 1, i))
			return 1;
	printf("%u bytes\n", (unsigned)SHARE_DATA);
	return 0;
}

static uint64_t number(char **argv, unsigned index)
{
	for (unsigned i = 0; i <= index; i++)
		if (!argv[i])
			return 0;
	return strtoull(argv[index], NULL, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";

	if (argc < 3)
		return 2;
	map(argv[1]);
	if (strcmp(what, "read") == 0) {
		if (order(ORDER_READ, number(argv, 3), number(argv, 4), 0))
			return 1;
		printf("0x%llx\n", (unsigned long long)share->value);
		return 0;
	}
	if (strcmp(what, "write") == 0)
		return order(ORDER_WRITE, number(argv, 3), number(argv, 4), number(argv, 5));
	if (strcmp(what, "listen") == 0)
		return order(ORDER_LISTEN, 0, 0, 0);
	if (strcmp(what, "interrupts") == 0)
		return printf("%llu\n", (unsigned long long)share->interrupts[number(argv, 3) & 0xff]) < 0;
	if (strcmp(what, "text") == 0)
		return fwrite((const char *)share->text, 1,
			      strnlen((const char *)share->text, sizeof(share->text)), stdout) == 0;
	if (strcmp(what, "memory") == 0)
		return memory(number(argv, 3));
	if (strcmp(what, "forget") == 0) {
		memset((void *)share, 0, sizeof(*share));
		return 0;
	}
	if (strcmp(what, "keep") == 0)
		return pause();
	return 2;
}
