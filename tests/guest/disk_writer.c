/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Writes numbered records to a virtio disk on the first MMIO slot, for tests/boot/durability.py, which kills
 * the machine meanwhile: a batch of writes in flight together, then a flush, then the number of the last
 * record on the console, for ever.  Virtio 1.2, 4.2 and 5.2.
 */
#include "guest.h"

#define MMIO	    0x8000000016000000ull
#define QUEUE_SIZE  32
#define RECORD_SIZE 4096 /* bytes: 8 sectors, each with the record's number all over */
#define SECTOR_SIZE 512
#define SLOTS	    256 /* record n is at slot n % SLOTS */
#define BATCH	    8
#define DESCRIPTORS 3 /* of a request */

enum {
	MAGIC = 0x000,
	DEVICE = 0x008,
	FEATURES = 0x020,
	FEATURES_SELECT = 0x024,
	QUEUE_SELECT = 0x030,
	QUEUE_NUMBER = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	STATUS = 0x070,
	QUEUE_DESCRIPTORS = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0
};
enum { T_OUT = 1, T_FLUSH = 4, F_FLUSH = 1 << 9, DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};
struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* Everything the device sees. */
static struct {
	_Alignas(4096) struct descriptor descriptor[QUEUE_SIZE];
	_Alignas(4096) struct {
		uint16_t flags, index, entry[QUEUE_SIZE];
	} available;
	_Alignas(4096) struct {
		uint16_t flags, index;
		struct {
			uint32_t id, length;
		} entry[QUEUE_SIZE];
	} used;
	_Alignas(4096) uint64_t data[BATCH][RECORD_SIZE / 8];
	struct header header[BATCH];
	uint8_t status[BATCH];
} shared;

static void set(unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(MMIO + offset) = value;
}

static uint32_t get(unsigned offset)
{
	return *(volatile uint32_t *)(MMIO + offset);
}

static void set_address(unsigned offset, const volatile void *address)
{
	set(offset, (uint32_t)PHYSICAL(address));
	set(offset + 4, (uint32_t)(PHYSICAL(address) >> 32));
}

static void start_device(void)
{
	set(STATUS, 0);
	set(STATUS, 1 | 2);
	set(FEATURES_SELECT, 0);
	set(FEATURES, F_FLUSH);
	set(FEATURES_SELECT, 1);
	set(FEATURES, 1); /* VERSION_1 */
	set(STATUS, 1 | 2 | 8);
	set(QUEUE_SELECT, 0);
	set(QUEUE_NUMBER, QUEUE_SIZE);
	set_address(QUEUE_DESCRIPTORS, shared.descriptor);
	set_address(QUEUE_DRIVER, &shared.available);
	set_address(QUEUE_DEVICE, &shared.used);
	set(QUEUE_READY, 1);
	set(STATUS, 1 | 2 | 8 | 4);
}

/* Request @n of a batch, made available. */
static void add(unsigned n, uint32_t type, uint64_t sector, uint32_t size)
{
	struct descriptor *d = &shared.descriptor[n * DESCRIPTORS];
	volatile uint16_t *index = &shared.available.index;

	shared.header[n] = (struct header){ .type = type, .sector = sector };
	shared.status[n] = 0xff;
	d[0] = (struct descriptor){ PHYSICAL(&shared.header[n]), sizeof(struct header), DESCRIPTOR_NEXT,
				    (uint16_t)(n * DESCRIPTORS + (size ? 1 : 2)) };
	d[1] = (struct descriptor){ PHYSICAL(shared.data[n]), size, DESCRIPTOR_NEXT,
				    (uint16_t)(n * DESCRIPTORS + 2) };
	d[2] = (struct descriptor){ PHYSICAL(&shared.status[n]), 1, DESCRIPTOR_WRITE, 0 };
	shared.available.entry[*index % QUEUE_SIZE] = (uint16_t)(n * DESCRIPTORS);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*index = (uint16_t)(*index + 1);
}

/* Has the device do what was added; false if any of it failed. */
static bool run(unsigned count)
{
	bool good = true;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	set(QUEUE_NOTIFY, 0);
	while (*(volatile uint16_t *)&shared.used.index != shared.available.index)
		continue;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < count; i++)
		good = good && *(volatile uint8_t *)&shared.status[i] == 0;
	return good;
}

void suite(void)
{
	uint64_t number = 1;

	if (get(MAGIC) != 0x74726976 || get(DEVICE) != 2) {
		print("no disk at the first MMIO slot\n");
		return;
	}
	start_device();
	for (;;) {
		const unsigned count = 1 + (unsigned)(rdtime() % BATCH);

		for (unsigned i = 0; i < count; i++, number++) {
			for (unsigned word = 0; word < RECORD_SIZE / 8; word++)
				shared.data[i][word] = number;
			add(i, T_OUT, number % SLOTS * (RECORD_SIZE / SECTOR_SIZE), RECORD_SIZE);
		}
		if (!run(count))
			break;
		add(0, T_FLUSH, 0, 0);
		if (!run(1))
			break;
		print("flushed %lu\n", number - 1);
	}
	print("the disk gave an error\n");
}
