/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * virtio-blk: a disk with one request queue.  Virtio 1.2, 5.2.  Requests are taken off the queue on the
 * disk's worker thread and their data moves between the file and guest memory without a copy.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/copy.h"
#include "machine/virtio/device.h"

#define TYPE_BLOCK	 2
#define CLASS_STORAGE	 0x010000
#define QUEUE		 0
#define BATCH		 32		      /* requests taken off the queue in one go */
#define REQUEST_MAX_SIZE (UINT64_C(64) << 20) /* bytes of data; no driver comes near */
#define SERIAL_SIZE	 20
#define USED_MAX	 BATCH	   /* answers that the driver gets at once, and */
#define USED_MAX_DATA	 (1 << 18) /* bytes of data they may be about: it could go on with those */

/* Feature bits, 5.2.3. */
#define F_SEG_MAX      (UINT64_C(1) << 2)
#define F_RO	       (UINT64_C(1) << 5)
#define F_BLK_SIZE     (UINT64_C(1) << 6)
#define F_FLUSH	       (UINT64_C(1) << 9)
#define F_CONFIG_WCE   (UINT64_C(1) << 11)
#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)

/* Request types and their answers, 5.2.6. */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

#define SEGMENT_UNMAP	 0x1u
#define DISCARD_MAX	 (UINT32_C(1) << 21) /* sectors in one request: 1 GiB */
#define WRITE_ZEROES_MAX (UINT32_C(1) << 17) /* 64 MiB: it may have to be written */

/* The device-specific configuration, 5.2.4. */
struct blk_config {
	uint64_t capacity; /* sectors */
	uint32_t size_max, seg_max;
	uint8_t geometry[4];
	uint32_t blk_size;
	uint8_t topology[8];
	uint8_t writeback, unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
};

struct blk_header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct blk_segment {
	uint64_t sector;
	uint32_t sectors, flags;
};

struct blk;

struct blk_request {
	struct block_request io;
	struct blk *blk;
	struct blk_request *next; /* free list */
	uint8_t *status;	  /* in guest memory */
	uint32_t read_size;	  /* bytes the guest gets before the status */
	struct virtio_chain chain;
	struct iovec rest[VIRTIO_CHAIN_MAX]; /* of what is being read, used up by the block layer */
};

struct blk {
	struct virtio_device device;
	struct block *block;
	char serial[SERIAL_SIZE];
	struct blk_request *requests; /* VIRTIO_QUEUE_MAX of them */

	/* Protected by device.lock: */
	struct blk_request *free;
	bool gathering; /* process() is at work: what ends is told together */
	struct virtio_used used[USED_MAX];
	unsigned used_count;
	uint64_t used_data; /* bytes */
};

/* Whether the driver counts on what is written to last without a flush.  Virtio 1.2, 5.2.6.2. */
static bool writes_through(const struct blk *blk)
{
	const uint64_t features = blk->device.driver_features;

	if (features & F_CONFIG_WCE)
		return !blk->device.config[offsetof(struct blk_config, writeback)];
	return !(features & F_FLUSH);
}

/* Tells the driver what has ended.  Lock held. */
static void tell(struct blk *blk)
{
	if (blk->used_count)
		virtio_give_back_many(&blk->device, QUEUE, blk->used, blk->used_count);
	blk->used_count = 0;
	blk->used_data = 0;
}

/* Lock held. */
static void finish(struct blk_request *request, uint8_t status)
{
	struct blk *blk = request->blk;

	copy_out(request->status, &status, 1);
	bus_written(blk->device.bus, request->status, 1);
	blk->used[blk->used_count++] = (struct virtio_used){ request->chain.head, request->read_size + 1 };
	blk->used_data += request->chain.out_size + request->chain.in_size;
	if (!blk->gathering || blk->used_count == USED_MAX || blk->used_data >= USED_MAX_DATA)
		tell(blk);
	request->next = blk->free;
	blk->free = request;
}

static void io_done(struct block_request *io)
{
	struct blk_request *request = (struct blk_request *)io;
	struct blk *blk = request->blk;
	const struct virtio_chain *chain = &request->chain;
	bool was_full;

	/* Whatever became of it. */
	if (io->op == BLOCK_READ)
		virtio_iov_written(blk->device.bus, chain->iov + chain->out_count, chain->in_count,
				   chain->in_size);
	pthread_mutex_lock(&blk->device.lock);
	was_full = !blk->free;
	if (blk->device.resetting) {
		request->next = blk->free;
		blk->free = request;
	} else {
		if (io->result || io->op != BLOCK_READ)
			request->read_size = 0;
		finish(request, io->result ? S_IOERR : S_OK);
	}
	virtio_landed(&blk->device);
	pthread_mutex_unlock(&blk->device.lock);
	if (was_full)
		virtio_kick(&blk->device);
}

/* Sends the request to the file.  Lock held. */
static void submit(struct blk_request *request, enum block_op op, uint64_t sector, uint64_t size)
{
	request->io.op = op;
	request->io.offset = sector * BLOCK_SECTOR;
	request->io.size = size;
	request->io.through = writes_through(request->blk);
	request->io.done = io_done;
	request->blk->device.in_flight++;
	block_submit(request->blk->block, &request->io);
}

/* Whether the disk has these sectors. */
static bool is_on_disk(const struct blk *blk, uint64_t sector, uint64_t size)
{
	uint64_t capacity = block_size(blk->block) / BLOCK_SECTOR;

	return !(size % BLOCK_SECTOR) && sector <= capacity && size / BLOCK_SECTOR <= capacity - sector;
}

static void start_transfer(struct blk_request *request, bool write, uint64_t sector, uint64_t size)
{
	struct blk *blk = request->blk;

	if (!is_on_disk(blk, sector, size) || size > REQUEST_MAX_SIZE ||
	    (write && block_read_only(blk->block))) {
		finish(request, S_IOERR);
		return;
	}
	request->read_size = write ? 0 : (uint32_t)size;
	submit(request, write ? BLOCK_WRITE : BLOCK_READ, sector, size);
}

/* Discard and write zeroes, with one segment (max_discard_seg, max_write_zeroes_seg). */
static void start_range(struct blk_request *request, uint32_t type, struct iovec *out, unsigned out_count)
{
	struct blk *blk = request->blk;
	const bool zero = type == T_WRITE_ZEROES;
	struct blk_segment segment;

	if (!(blk->device.driver_features & (zero ? F_WRITE_ZEROES : F_DISCARD)) ||
	    virtio_iov_read(&out, &out_count, &segment, sizeof(segment)) != sizeof(segment) || out_count ||
	    segment.flags & ~(zero ? SEGMENT_UNMAP : 0)) {
		finish(request, S_UNSUPP);
		return;
	}
	if (segment.sectors > (zero ? WRITE_ZEROES_MAX : DISCARD_MAX) || block_read_only(blk->block) ||
	    !is_on_disk(blk, segment.sector, (uint64_t)segment.sectors * BLOCK_SECTOR)) {
		finish(request, S_IOERR);
		return;
	}
	request->io.may_unmap = segment.flags & SEGMENT_UNMAP;
	submit(request, zero ? BLOCK_WRITE_ZEROES : BLOCK_DISCARD, segment.sector,
	       (uint64_t)segment.sectors * BLOCK_SECTOR);
}

static void answer_id(struct blk_request *request, struct iovec *in, unsigned in_count)
{
	request->read_size = (uint32_t)virtio_iov_write(request->blk->device.bus, &in, &in_count,
							request->blk->serial, sizeof(request->blk->serial));
	finish(request, S_OK);
}

/* Takes the status byte, the last one the device writes, off the chain. */
static bool take_status(struct blk_request *request)
{
	struct virtio_chain *chain = &request->chain;
	struct iovec *last;

	if (!chain->in_count)
		return false;
	last = &chain->iov[chain->out_count + chain->in_count - 1];
	last->iov_len--;
	request->status = (uint8_t *)last->iov_base + last->iov_len;
	if (!last->iov_len)
		chain->in_count--;
	chain->in_size--;
	return true;
}

/* Reads the header and starts what it asks for.  Lock held. */
static void start(struct blk_request *request)
{
	struct blk *blk = request->blk;
	struct virtio_chain *chain = &request->chain;
	struct iovec *out = chain->iov, *in = chain->iov + chain->out_count;
	unsigned out_count = chain->out_count;
	struct blk_header header;

	if (virtio_iov_read(&out, &out_count, &header, sizeof(header)) != sizeof(header) ||
	    !take_status(request)) {
		virtio_break(&blk->device);
		request->next = blk->free;
		blk->free = request;
		return;
	}
	request->read_size = 0;
	switch (header.type) {
	case T_IN:
		memcpy(request->rest, in, chain->in_count * sizeof(*in));
		request->io.iov = request->rest;
		request->io.iov_count = chain->in_count;
		start_transfer(request, false, header.sector, chain->in_size);
		break;
	case T_OUT:
		request->io.iov = out;
		request->io.iov_count = out_count;
		start_transfer(request, true, header.sector, chain->out_size - sizeof(header));
		break;
	case T_FLUSH:
		submit(request, BLOCK_FLUSH, 0, 0);
		break;
	case T_GET_ID:
		answer_id(request, in, chain->in_count);
		break;
	case T_DISCARD:
	case T_WRITE_ZEROES:
		start_range(request, header.type, out, out_count);
		break;
	default:
		finish(request, S_UNSUPP);
		break;
	}
}

static void process(struct virtio_device *device)
{
	struct blk *blk = (struct blk *)device;
	unsigned taken = 0;

	pthread_mutex_lock(&device->lock);
	blk->gathering = true;
	/* Out of requests: the next one that ends kicks. */
	while (taken < BATCH && blk->free && virtio_take(device, QUEUE, &blk->free->chain)) {
		struct blk_request *request = blk->free;

		blk->free = request->next;
		start(request);
		taken++;
	}
	pthread_mutex_unlock(&device->lock);
	block_run(blk->block);
	pthread_mutex_lock(&device->lock);
	blk->gathering = false;
	tell(blk);
	pthread_mutex_unlock(&device->lock);
	if (taken == BATCH)
		virtio_kick(device);
}

static void post(struct virtio_device *device)
{
	block_post(((struct blk *)device)->block, &device->work);
}

static void reset(struct virtio_device *device)
{
	struct blk *blk = (struct blk *)device;

	blk->used_count = 0;
	blk->used_data = 0;
	device->config[offsetof(struct blk_config, writeback)] = 1;
}

/* The driver can only choose between writing back and writing through. */
static void config_write(struct virtio_device *device, uint64_t offset, unsigned size, uint64_t value)
{
	pthread_mutex_lock(&device->lock);
	if (offset == offsetof(struct blk_config, writeback) && device->driver_features & F_CONFIG_WCE)
		device->config[offset] = value & 1;
	pthread_mutex_unlock(&device->lock);
}

static void drain(struct virtio_device *device)
{
	block_drain(((struct blk *)device)->block);
}

/* What the driver chose; the rest of the configuration is compared. */
static void blk_state(struct virtio_device *device, struct state *state)
{
	uint8_t *writeback = &device->config[offsetof(struct blk_config, writeback)];
	bool chosen = *writeback;

	state_bool(state, "writeback", &chosen);
	*writeback = chosen;
}

static void destroy(struct virtio_device *device)
{
	struct blk *blk = (struct blk *)device;

	virtio_device_release(device);
	free(blk->requests);
	free(blk);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.type = TYPE_BLOCK,
	.class_code = CLASS_STORAGE,
	.queues = 1,
	.process = process,
	.post = post,
	.reset = reset,
	.drain = drain,
	.config_write = config_write,
	.state = blk_state,
	.destroy = destroy,
};

static void fill_config(struct blk *blk)
{
	const struct blk_config config = {
		.capacity = block_size(blk->block) / BLOCK_SECTOR,
		.seg_max = VIRTIO_CHAIN_MAX - 2, /* header and status take one each */
		.blk_size = BLOCK_SECTOR,
		.writeback = 1,
		.num_queues = 1,
		.max_discard_sectors = DISCARD_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 4096 / BLOCK_SECTOR,
		.max_write_zeroes_sectors = WRITE_ZEROES_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};

	_Static_assert(sizeof(config) <= VIRTIO_CONFIG_MAX, "the configuration fits");
	memcpy(blk->device.config, &config, sizeof(config));
}

int virtio_blk_create(struct virtio_device **device, const struct virtio_place *place, struct block *block,
		      const char *serial)
{
	const uint64_t features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH |
				  (block_read_only(block) ? F_RO : F_CONFIG_WCE | F_DISCARD | F_WRITE_ZEROES);
	struct blk *blk = calloc(1, sizeof(*blk));
	int err = -ENOMEM;

	if (!blk)
		return err;
	blk->block = block;
	blk->requests = calloc(VIRTIO_QUEUE_MAX, sizeof(*blk->requests));
	if (blk->requests)
		err = virtio_device_init(&blk->device, &blk_ops, place, features, sizeof(struct blk_config));
	if (err) {
		free(blk->requests);
		free(blk);
		return err;
	}
	for (unsigned i = 0; i < VIRTIO_QUEUE_MAX; i++) {
		blk->requests[i].blk = blk;
		blk->requests[i].next = blk->free;
		blk->free = &blk->requests[i];
	}
	if (serial)
		memcpy(blk->serial, serial, strnlen(serial, SERIAL_SIZE));
	fill_config(blk);
	*device = &blk->device;
	return 0;
}
