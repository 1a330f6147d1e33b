/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fuzzes virtio-blk and virtio-console on PCI, virtio-blk and virtio-rng on MMIO: register accesses and
 * contents of split and packed rings in any order, with short cuts that bring a device up so that the rings
 * are reached.  The input is a list of twelve-byte steps: what, choice, where (2), value (8).
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/virtio_driver.h"

#define STEP	  12
#define DISK_SIZE 32768
#define DEVICES	  4
#define ON_PCI	  2 /* of them, the first; the others are in MMIO slots 0 and 1 */
#define REGS(n)	  (DRIVER_REGS + (n)*UINT64_C(0x20000)) /* where device n's registers are mapped */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
	struct driver driver;
	struct event_loop loop;
	struct block *block[2];
	struct chardev *chardev;
	struct virtio_device *device[DEVICES];
	unsigned position[2]; /* where the driver is in a packed ring */
};

static struct block *open_disk(struct machine *m)
{
	const struct block_options options = { .read_only = false };
	char path[64], error[256];
	struct block *block;
	int disk = memfd_create("disk", 0);

	if (disk < 0 || ftruncate(disk, DISK_SIZE))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", disk);
	if (block_open(&block, path, &options, &m->driver.clock, error, sizeof(error)))
		abort();
	close(disk);
	return block;
}

static void build(struct machine *m)
{
	struct virtio_place place;
	char error[256];

	driver_init(&m->driver, true);
	place = driver_place(&m->driver, PCI_DEVFN(1, 0));
	place.packed = true;
	m->block[0] = open_disk(m);
	m->block[1] = open_disk(m);
	if (event_loop_init(&m->loop, NULL) ||
	    chardev_open(&m->chardev, "null", &m->loop, NULL, error, sizeof(error)) ||
	    virtio_blk_create(&m->device[0], &place, m->block[0], "fuzz"))
		abort();
	place.devfn = PCI_DEVFN(2, 0);
	if (virtio_console_create(&m->device[1], &place, m->chardev, &m->loop))
		abort();
	place = driver_mmio_place(&m->driver);
	place.packed = true;
	if (virtio_blk_create(&m->device[2], &place, m->block[1], "fuzz") ||
	    virtio_rng_create(&m->device[3], &place, &m->loop))
		abort();
}

static void map_devices(struct machine *m)
{
	for (unsigned n = 0; n < ON_PCI; n++) {
		const unsigned devfn = PCI_DEVFN(n + 1, 0);

		driver_write(&m->driver, driver_config(devfn, PCI_BAR0 + 4), 4, REGS(n) - 0x10000);
		driver_write(&m->driver, driver_config(devfn, PCI_BAR0 + 16), 4, REGS(n));
		driver_write(&m->driver, driver_config(devfn, PCI_COMMAND), 2,
			     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	}
}

/* Brings PCI device @n up with queues of @queue_size in the places driver_enable_queue() uses. */
static void bring_up(struct machine *m, unsigned n, unsigned queue_size, uint64_t features)
{
	struct driver *d = &m->driver;
	const uint64_t regs = REGS(n);

	driver_write(d, regs + R_STATUS, 1, 0);
	driver_run(d);
	driver_write(d, regs + R_DRIVER_FEATURE_SELECT, 4, 1);
	driver_write(d, regs + R_DRIVER_FEATURE, 4, (uint32_t)(features >> 32));
	driver_write(d, regs + R_DRIVER_FEATURE_SELECT, 4, 0);
	driver_write(d, regs + R_DRIVER_FEATURE, 4, (uint32_t)features);
	driver_write(d, regs + R_STATUS, 1, 0xb);
	for (unsigned q = 0; q < 2; q++) {
		driver_write(d, regs + R_QUEUE_SELECT, 2, q);
		driver_write(d, regs + R_QUEUE_SIZE, 2, queue_size);
		driver_write(d, regs + R_QUEUE_DESC, 8, DRIVER_DESC(q));
		driver_write(d, regs + R_QUEUE_DRIVER, 8, DRIVER_AVAIL(q));
		driver_write(d, regs + R_QUEUE_DEVICE, 8, DRIVER_USED(q));
		driver_write(d, regs + R_QUEUE_ENABLE, 2, 1);
	}
	driver_write(d, regs + R_STATUS, 1, 0xf);
}

/* Brings a device up; @choice 8: with packed rings, the sizes of which can be any. */
static void bring_any_up(struct machine *m, unsigned choice, unsigned where, uint64_t value)
{
	const unsigned n = choice >> 1 & 1;
	const bool packed = choice & 8;
	const uint64_t features = (uint32_t)value | VERSION_1 | (packed ? RING_PACKED : 0);
	const unsigned size = packed ? 1 + (where & 31) : 1u << (where & 7);

	m->position[0] = m->position[1] = 0;
	if (packed)
		m->driver.queue_size = (uint16_t)size;
	if (choice & 4)
		driver_mmio_start(&m->driver, n, features, 2);
	else
		bring_up(m, n, size, features);
	m->driver.queue_size = packed ? (uint16_t)size : 32;
}

/* A descriptor of a packed ring at the driver's position, or (choice 32) anywhere; then a kick. */
static void offer_packed(struct machine *m, unsigned choice, unsigned where, uint64_t value)
{
	const unsigned queue = choice & 1, at = choice & 32 ? where & 63 : m->position[queue]++;
	const uint64_t address = choice & 16 ? value : DRIVER_DATA + (value & 0xffff0);
	const uint32_t length = (uint32_t)(value >> 20) & (choice & 8 ? UINT32_MAX : 0xfff);

	driver_packed_put(&m->driver, queue, at, address, length, (where >> 8) & 63,
			  (uint16_t)(value >> 56) & 7);
	if (choice & 4)
		driver_mmio_set(&m->driver, choice >> 1 & 1, M_QUEUE_NOTIFY, queue);
	else
		driver_write(&m->driver, REGS(choice >> 1 & 1) + R_NOTIFY + 4 * queue, 2, 0);
}

/* A descriptor out of few bits: mostly sane, so that chains get long, sometimes not. */
static void describe(struct machine *m, unsigned choice, unsigned where, uint64_t value)
{
	const uint64_t table = choice & 4 ? DRIVER_DATA : DRIVER_DESC(choice & 1);
	uint64_t address = DRIVER_DATA + (value & 0xffff0);
	uint32_t length = (uint32_t)(value >> 20) & 0xfff;

	if (choice & 8)
		length = (uint32_t)(value >> 32);
	if (choice & 16)
		address = value;
	if (choice & 32)
		length = (length | 1) * 16;
	driver_descriptor(&m->driver, table, where & 31, address, length, (uint16_t)(value >> 56) & 7,
			  (where >> 8) & 31);
}

static void step(struct machine *m, const uint8_t *bytes)
{
	struct driver *d = &m->driver;
	const unsigned choice = bytes[1], where = bytes[2] | bytes[3] << 8;
	const unsigned access = 1u << (choice >> 6), n = choice >> 1 & 1;
	const uint64_t value = pci_get_le(bytes + 4, 8);
	uint64_t deadline;

	switch (bytes[0] % 16) {
	case 0:
		driver_write(d, REGS(n) + (where & 0x3f), access, value);
		break;
	case 1:
		driver_write(d, REGS(n) + (where & 0x3fff), access, value);
		break;
	case 2:
		driver_read(d, REGS(n) + (where & 0x3fff), access);
		break;
	case 3:
		driver_write(d, driver_config(PCI_DEVFN(n + 1, 0), where & 0xff), access, value);
		driver_read(d, driver_config(PCI_DEVFN(n + 1, 0), where & 0xff), access);
		break;
	case 4:
		map_devices(m);
		break;
	case 5:
		bring_any_up(m, choice, where, value);
		break;
	case 6:
	case 7:
		describe(m, choice, where, value);
		break;
	case 8: /* a block request's header */
		memcpy(driver_ram(d, DRIVER_DATA + (where & 0xfff0)), (uint32_t[]){ choice & 15, 0 }, 8);
		memcpy(driver_ram(d, DRIVER_DATA + (where & 0xfff0) + 8), &value, choice & 16 ? 8 : 1);
		break;
	case 9: /* an entry of the available ring, and a kick */
		driver_offer(d, choice & 1, (uint16_t)value & 31);
		driver_write(d, REGS(n) + R_NOTIFY + 4 * (choice & 1), 2, 0);
		break;
	case 10: /* bytes into the rings or the data */
		memcpy(driver_ram(d, (choice & 4 ? DRIVER_DATA : DRIVER_DESC(choice & 1)) + (where & 0x7ff8)),
		       &value, 8);
		break;
	case 11:
		driver_write(d, DRIVER_MMIO + n * VIRTIO_MMIO_SLOT_SIZE + (where & 0x1fc), 4, value);
		break;
	case 12:
		driver_read(d, DRIVER_MMIO + n * VIRTIO_MMIO_SLOT_SIZE + (where & 0xff8), access);
		driver_write(d, DRIVER_MMIO + n * VIRTIO_MMIO_SLOT_SIZE + (where & 0xff8), access, value);
		break;
	case 13:
	case 14:
		offer_packed(m, choice, where, value);
		break;
	default: /* time passes: to the next event, or until there is none */
		deadline = clock_next_deadline(&d->clock);
		if (choice & 1) {
			driver_run(d);
		} else if (deadline != UINT64_MAX) {
			d->clock.virtual_now = deadline;
			clock_run_timers(&d->clock);
		}
		break;
	}
}

/* As freshly built, as far as a guest can tell. */
static void restore(struct machine *m)
{
	for (unsigned n = 0; n < DEVICES; n++)
		virtio_device_reset(m->device[n]);
	pci_host_reset(&m->driver.host);
	driver_run(&m->driver);
	memset(driver_ram(&m->driver, DRIVER_DESC(0)), 0, 0x20000);
	memset(driver_ram(&m->driver, DRIVER_DATA), 0, 0x20000);
	memset(m->driver.available, 0, sizeof(m->driver.available));
	for (unsigned n = 0; n < DEVICES - ON_PCI; n++)
		if (m->driver.mmio_line[n])
			abort();
	if (m->driver.host.intx_count[0] + m->driver.host.intx_count[1] + m->driver.host.intx_count[2] +
	    m->driver.host.intx_count[3])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	static bool built;

	if (!built)
		build(&machine);
	built = true;
	machine.driver.queue_size = 32;
	map_devices(&machine);
	for (size_t i = 0; i + STEP <= size && i < STEP * 512; i += STEP)
		step(&machine, data + i);
	driver_run(&machine.driver);
	restore(&machine);
	return 0;
}
