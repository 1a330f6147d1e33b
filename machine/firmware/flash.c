/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * NOR flash with the Intel command set: a write to it is a command, or what a command before has asked for.
 * Programming clears bits, erasing a block sets them.
 */
#include "machine/firmware/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/bus/trace.h"
#include "machine/firmware/image.h"

enum flash_mode { MODE_ARRAY, MODE_STATUS, MODE_ID, MODE_QUERY, MODE_COUNT };

enum flash_expect {
	EXPECT_COMMAND,
	EXPECT_WORD,
	EXPECT_ERASE_CONFIRM,
	EXPECT_LOCK_ACTION,
	EXPECT_BUFFER_COUNT,
	EXPECT_BUFFER_WORD,
	EXPECT_BUFFER_CONFIRM,
	EXPECT_COUNT
};

enum command {
	COMMAND_LOCK = 0x01,
	COMMAND_PROGRAM_ALTERNATE = 0x10,
	COMMAND_ERASE = 0x20,
	COMMAND_LOCK_DOWN = 0x2f,
	COMMAND_PROGRAM = 0x40,
	COMMAND_CLEAR_STATUS = 0x50,
	COMMAND_LOCK_SETUP = 0x60,
	COMMAND_READ_STATUS = 0x70,
	COMMAND_READ_ID = 0x90,
	COMMAND_QUERY = 0x98,
	COMMAND_SUSPEND = 0xb0,
	COMMAND_CONFIRM = 0xd0,
	COMMAND_BUFFERED_PROGRAM = 0xe8,
};

enum status {
	STATUS_LOCKED = 1 << 1,
	STATUS_PROGRAM_ERROR = 1 << 4,
	STATUS_ERASE_ERROR = 1 << 5,
	STATUS_SEQUENCE_ERROR = STATUS_PROGRAM_ERROR | STATUS_ERASE_ERROR,
	STATUS_READY = 1 << 7,
};

enum lock_bits { LOCKED = 1 << 0, LOCKED_DOWN = 1 << 1 };

enum { ID_MANUFACTURER, ID_DEVICE, ID_LOCK };
enum { MANUFACTURER_INTEL = 0x89, DEVICE_128_MBIT = 0x18 };

#define CHIP_BLOCK (FLASH_BLOCK_SIZE / 2)

/* What a chip answers to CFI queries, from index 0x10 on (JEP137, 2.3; the Intel table at 0x31). */
#define QUERY_FIRST 0x10
/* clang-format off */
static const uint8_t query[] = {
	'Q', 'R', 'Y',
	0x01, 0x00, 0x31, 0x00,   /* primary command set, its table */
	0x00, 0x00, 0x00, 0x00,   /* no alternate command set */
	0x45, 0x55, 0x00, 0x00,   /* supply: 4.5 V to 5.5 V, none for programming */
	7, 7, 10, 0,              /* times as powers of 2: word and buffer (us), block (ms), chip */
	4, 4, 4, 0,               /* and at most so many times that, as powers of 2 */
	23,                       /* bytes of a chip, as a power of 2 */
	0x02, 0x00,               /* 8- or 16-bit bus */
	11, 0,                    /* bytes of the write buffer, as a power of 2 */
	1,                        /* erase regions; of the one: */
	(FLASH_BLOCKS - 1) & 0xff, (FLASH_BLOCKS - 1) >> 8, /* number of blocks - 1 */
	(CHIP_BLOCK >> 8) & 0xff, CHIP_BLOCK >> 16,         /* bytes of a block / 256 */

	'P', 'R', 'I', '1', '0',  /* Intel's table, version 1.0 */
	0x20, 0x00, 0x00, 0x00,   /* features: blocks are locked one by one */
	0x00,                     /* nothing while suspended */
	0x03, 0x00,               /* block status: locked, locked down */
	0x50, 0x00,               /* best supply: 5.0 V, none for programming */
	0,                        /* no protection registers */
};
/* clang-format on */

/* The two chips' answers side by side. */
static uint32_t both(uint32_t value)
{
	return value << 16 | value;
}

static uint32_t id_word(const struct flash *flash, uint32_t offset)
{
	switch (offset % FLASH_BLOCK_SIZE / 4) {
	case ID_MANUFACTURER:
		return both(MANUFACTURER_INTEL);
	case ID_DEVICE:
		return both(DEVICE_128_MBIT);
	case ID_LOCK:
		return both(flash->locked[offset / FLASH_BLOCK_SIZE]);
	default:
		return 0;
	}
}

static uint32_t query_word(uint32_t offset)
{
	uint32_t index = offset % FLASH_BLOCK_SIZE / 4 - QUERY_FIRST;

	return index < sizeof(query) ? both(query[index]) : 0;
}

/* The aligned word at @offset as reads see it now. */
static uint32_t word_read(const struct flash *flash, uint32_t offset)
{
	uint32_t word;

	switch (flash->mode) {
	case MODE_STATUS:
		return both(flash->status);
	case MODE_ID:
		return id_word(flash, offset);
	case MODE_QUERY:
		return query_word(offset);
	default:
		memcpy(&word, flash->content + offset, sizeof(word));
		return word;
	}
}

static bool flash_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	const struct flash *flash = dev;
	unsigned shift = offset % 4 * 8;
	uint32_t at = (uint32_t)(offset - offset % 4);
	unsigned __int128 words = word_read(flash, at);

	if (at + 4 < offset + size)
		words |= (unsigned __int128)word_read(flash, at + 4) << 32;
	if (at + 8 < offset + size)
		words |= (unsigned __int128)word_read(flash, at + 8) << 64;
	*value = (uint64_t)(words >> shift);
	if (size < 8)
		*value &= (UINT64_C(1) << 8 * size) - 1;
	if (flash->mode != MODE_ARRAY && trace_on(flash->trace, TRACE_DEVICE))
		trace_emit(flash->trace, TRACE_DEVICE, -1, flash->name, offset, *value, size);
	return true;
}

static void mode_set(struct flash *flash, enum flash_mode mode)
{
	bool shown = mode == MODE_ARRAY;

	if (flash->show && shown != (flash->mode == MODE_ARRAY))
		flash->show(flash->opaque, shown);
	flash->mode = mode;
}

/* The user is told once what the guest's firmware is told each time. */
static void complain(struct flash *flash, int error)
{
	if (!flash->complained)
		fprintf(stderr,
			"bixi: %s cannot be written (%s): the guest's firmware cannot keep its variables\n",
			flash->path, strerror(-error));
	flash->complained = true;
}

static int write_all(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, data, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		size -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

/* Writes to the file behind the bank; all of the content before, if it comes from a snapshot. */
static int file_write(struct flash *flash, uint32_t offset, const uint8_t *data, uint32_t size)
{
	int error = 0;

	if (!flash->path)
		return 0;
	if (flash->stale)
		error = write_all(flash->fd, flash->content, FLASH_SIZE, 0);
	if (error)
		return error;
	flash->stale = false;
	return write_all(flash->fd, data, size, offset);
}

/* Gives the bank new content, in the file first: what the guest is told is done can be read there. */
static bool store(struct flash *flash, uint32_t offset, const uint8_t *data, uint32_t size)
{
	int error = file_write(flash, offset, data, size);

	if (error) {
		/* Perhaps a part of it was written. */
		write_all(flash->fd, flash->content + offset, size, offset);
		complain(flash, error);
		return false;
	}
	memcpy(flash->content + offset, data, size);
	return true;
}

static void program(struct flash *flash, uint32_t offset, const uint8_t *data, uint32_t size)
{
	uint8_t result[FLASH_BUFFER_SIZE];

	if (flash->locked[offset / FLASH_BLOCK_SIZE] & LOCKED) {
		flash->status |= STATUS_PROGRAM_ERROR | STATUS_LOCKED;
		return;
	}
	for (uint32_t i = 0; i < size; i++)
		result[i] = flash->content[offset + i] & data[i];
	if (!store(flash, offset, result, size))
		flash->status |= STATUS_PROGRAM_ERROR;
}

static void erase(struct flash *flash)
{
	static const uint8_t ones[4096] = { [0 ... 4095] = 0xff };

	if (flash->locked[flash->block / FLASH_BLOCK_SIZE] & LOCKED) {
		flash->status |= STATUS_ERASE_ERROR | STATUS_LOCKED;
		return;
	}
	for (uint32_t done = 0; done < FLASH_BLOCK_SIZE; done += sizeof(ones)) {
		if (!store(flash, flash->block + done, ones, sizeof(ones))) {
			flash->status |= STATUS_ERASE_ERROR;
			return;
		}
	}
}

static void lock_action(struct flash *flash, uint8_t action)
{
	uint8_t *bits = &flash->locked[flash->block / FLASH_BLOCK_SIZE];

	if (action == COMMAND_LOCK)
		*bits |= LOCKED;
	else if (action == COMMAND_LOCK_DOWN)
		*bits |= LOCKED | LOCKED_DOWN;
	else if (action != COMMAND_CONFIRM)
		flash->status |= STATUS_SEQUENCE_ERROR;
	else if (*bits & LOCKED_DOWN)
		flash->status |= STATUS_LOCKED | STATUS_ERASE_ERROR;
	else
		*bits = 0;
}

/* Begins what takes more writes; reads give the status from now on. */
static void begin(struct flash *flash, enum flash_expect expect, uint32_t offset)
{
	flash->expect = expect;
	flash->block = offset - offset % FLASH_BLOCK_SIZE;
	mode_set(flash, MODE_STATUS);
}

/* What no chip of this kind knows ends in reading the content, as does what resets chips of other kinds. */
static void command(struct flash *flash, uint32_t offset, uint8_t code)
{
	switch (code) {
	case COMMAND_PROGRAM:
	case COMMAND_PROGRAM_ALTERNATE:
		begin(flash, EXPECT_WORD, offset);
		break;
	case COMMAND_ERASE:
		begin(flash, EXPECT_ERASE_CONFIRM, offset);
		break;
	case COMMAND_LOCK_SETUP:
		begin(flash, EXPECT_LOCK_ACTION, offset);
		break;
	case COMMAND_BUFFERED_PROGRAM:
		begin(flash, EXPECT_BUFFER_COUNT, offset);
		break;
	case COMMAND_CLEAR_STATUS:
		flash->status = STATUS_READY;
		break;
	case COMMAND_READ_STATUS:
	case COMMAND_SUSPEND: /* nothing is ever under way */
	case COMMAND_CONFIRM:
		mode_set(flash, MODE_STATUS);
		break;
	case COMMAND_READ_ID:
		mode_set(flash, MODE_ID);
		break;
	case COMMAND_QUERY:
		mode_set(flash, MODE_QUERY);
		break;
	default:
		mode_set(flash, MODE_ARRAY);
	}
}

static void sequence_error(struct flash *flash)
{
	flash->status |= STATUS_SEQUENCE_ERROR;
	flash->expect = EXPECT_COMMAND;
}

static void buffer_begin(struct flash *flash, uint32_t words)
{
	if (words > FLASH_BUFFER_SIZE / 4) {
		sequence_error(flash);
		return;
	}
	flash->words = words;
	flash->length = 4 * words;
	flash->expect = EXPECT_BUFFER_WORD;
	memset(flash->buffer, 0xff, sizeof(flash->buffer));
}

/* The first word's place is that of the buffer's begin. */
static void buffer_word(struct flash *flash, uint32_t offset, uint32_t value, unsigned size)
{
	if (4 * flash->words == flash->length)
		flash->start = offset - offset % 4;
	if (offset < flash->start || offset + size > flash->start + flash->length ||
	    flash->start < flash->block || flash->start + flash->length > flash->block + FLASH_BLOCK_SIZE) {
		sequence_error(flash);
		return;
	}
	memcpy(flash->buffer + (offset - flash->start), &value, size);
	if (!--flash->words)
		flash->expect = EXPECT_BUFFER_CONFIRM;
}

/* One write of at most 4 bytes. */
static void flash_take(struct flash *flash, uint32_t offset, uint32_t value, unsigned size)
{
	enum flash_expect expect = flash->expect;

	switch (expect) {
	case EXPECT_BUFFER_COUNT:
		buffer_begin(flash, (value & 0xffff) + 1);
		return;
	case EXPECT_BUFFER_WORD:
		buffer_word(flash, offset, value, size);
		return;
	default:
		flash->expect = EXPECT_COMMAND;
	}
	if (expect == EXPECT_COMMAND)
		command(flash, offset, (uint8_t)value);
	else if (expect == EXPECT_WORD)
		program(flash, offset, (const uint8_t *)&value, size);
	else if (expect == EXPECT_LOCK_ACTION)
		lock_action(flash, (uint8_t)value);
	else if ((uint8_t)value != COMMAND_CONFIRM)
		sequence_error(flash);
	else if (expect == EXPECT_ERASE_CONFIRM)
		erase(flash);
	else
		program(flash, flash->start, flash->buffer, flash->length);
}

static bool flash_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct flash *flash = dev;

	if (trace_on(flash->trace, TRACE_DEVICE))
		trace_emit(flash->trace, TRACE_DEVICE, -1, flash->name, offset, value, size | 1 << 8);
	flash_take(flash, (uint32_t)offset, (uint32_t)value, size < 4 ? size : 4);
	if (size == 8)
		flash_take(flash, (uint32_t)offset + 4, (uint32_t)(value >> 32), 4);
	return true;
}

static const struct mmio_ops flash_ops = { flash_read, flash_write };

int flash_init(struct flash *flash, const char *name, uint8_t *content, struct trace *trace)
{
	*flash = (struct flash){
		.name = name, .trace = trace, .content = content, .read_only = content, .fd = -1
	};
	if (!content) {
		flash->content = malloc(FLASH_SIZE);
		if (!flash->content)
			return -ENOMEM;
		flash->owns_content = true;
		memset(flash->content, 0xff, FLASH_SIZE);
	}
	pthread_mutex_init(&flash->lock, NULL);
	flash_reset(flash);
	return 0;
}

void flash_destroy(struct flash *flash)
{
	if (!flash->content)
		return;
	if (flash->fd >= 0)
		close(flash->fd);
	if (flash->owns_content)
		free(flash->content);
	pthread_mutex_destroy(&flash->lock);
}

int flash_map(struct flash *flash, struct bus *bus, uint64_t base)
{
	const struct mmio_region region = { .name = flash->name,
					    .base = base,
					    .size = FLASH_SIZE,
					    .ops = &flash_ops,
					    .dev = flash,
					    .lock = &flash->lock };

	return bus_add_region(bus, &region);
}

void flash_reset(void *opaque)
{
	struct flash *flash = opaque;

	pthread_mutex_lock(&flash->lock);
	mode_set(flash, MODE_ARRAY);
	flash->expect = EXPECT_COMMAND;
	flash->status = STATUS_READY;
	memset(flash->locked, flash->read_only ? LOCKED | LOCKED_DOWN : 0, sizeof(flash->locked));
	pthread_mutex_unlock(&flash->lock);
}

/* Two machines with one file would destroy each other's variables.  File systems without locks are trusted.
 */
static int lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES) ? -EBUSY : 0;
}

/* Fills a new file with what an erased bank has, or reads one. */
static int fill(struct flash *flash, int fd, const char *path, bool *made, char *error)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return error_sentence(error, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_sentence(error, -EINVAL, "%s is no regular file, so it cannot keep variables",
				      path);
	if (lock_file(fd))
		return error_sentence(error, -EBUSY,
				      "%s is in use by another machine: give each its own copy", path);
	if (st.st_size == FLASH_SIZE)
		return file_fill(fd, path, "file of variables", flash->content, FLASH_SIZE, error);
	if (st.st_size)
		return error_sentence(error, -EINVAL,
				      "%s has %" PRIu64
				      " bytes, but a bank of flash has %u: give a copy of the "
				      "firmware's file for variables, or the name of a new file",
				      path, (uint64_t)st.st_size, FLASH_SIZE);
	*made = true;
	err = write_all(fd, flash->content, FLASH_SIZE, 0);
	if (err)
		return error_sentence(error, err, "%s cannot be made: %s", path, strerror(-err));
	return 0;
}

int flash_keep_in(struct flash *flash, const char *path, char *error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), err;
	bool made = false;

	if (fd < 0)
		return error_sentence(error, -errno, "%s cannot keep variables: %s", path, strerror(errno));
	err = fill(flash, fd, path, &made, error);
	if (err) {
		if (made && ftruncate(fd, 0) == 0)
			unlink(path);
		close(fd);
		return err;
	}
	flash->fd = fd;
	flash->path = path;
	return 0;
}

/* A snapshot must not say what no sequence of writes leads to. */
static bool plausible(const struct flash *flash)
{
	bool buffering = flash->expect == EXPECT_BUFFER_WORD || flash->expect == EXPECT_BUFFER_CONFIRM;

	if (flash->mode >= MODE_COUNT || flash->expect >= EXPECT_COUNT ||
	    flash->block > FLASH_SIZE - FLASH_BLOCK_SIZE || flash->block % FLASH_BLOCK_SIZE)
		return false;
	if (!buffering)
		return true;
	if (flash->length > FLASH_BUFFER_SIZE || flash->words > flash->length / 4 || flash->length % 4 ||
	    !flash->length || (flash->expect == EXPECT_BUFFER_WORD) != (flash->words != 0))
		return false;
	return 4 * flash->words == flash->length ||
	       (flash->start >= flash->block && flash->start % 4 == 0 &&
		flash->start <= flash->block + FLASH_BLOCK_SIZE - flash->length);
}

void flash_state(void *opaque, struct state *state)
{
	struct flash *flash = opaque;
	bool was_shown = flash->mode == MODE_ARRAY;

	STATE_MEMBER(state, flash, mode);
	STATE_MEMBER(state, flash, expect);
	STATE_MEMBER(state, flash, status);
	STATE_MEMBER(state, flash, locked);
	STATE_MEMBER(state, flash, block);
	STATE_MEMBER(state, flash, start);
	STATE_MEMBER(state, flash, length);
	STATE_MEMBER(state, flash, words);
	STATE_MEMBER(state, flash, buffer);
	if (flash->owns_content)
		state_bytes(state, "content", flash->content, FLASH_SIZE);
	if (!state_loading(state))
		return;
	flash->stale = true;
	if (flash->read_only)
		memset(flash->locked, LOCKED | LOCKED_DOWN, sizeof(flash->locked));
	if (!plausible(flash)) {
		state_refuse(state, "%s is in no state that a flash chip can be in", flash->name);
		flash->mode = MODE_ARRAY;
		flash->expect = EXPECT_COMMAND;
	}
	if (flash->show && was_shown != (flash->mode == MODE_ARRAY))
		flash->show(flash->opaque, flash->mode == MODE_ARRAY);
}
