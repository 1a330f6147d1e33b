/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Snapshot files (docs/snapshots.md has the format): reading.  Nothing in a file is trusted: lengths are
 * compared with what can be, memory is taken as data comes, and parts check what they read.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "machine/board/state.h"
#include "machine/control/snapshot.h"
#include "machine/control/snapshot_format.h"

#define STATE_MAX   (UINT64_C(1) << 30) /* bytes of the parts' state: far more than any machine has */
#define STATE_CHUNK (UINT64_C(1) << 20)
#define NAMES_MAX   65536

int snapshot_refuse(int err, char *error, size_t error_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return err;
}

/* The description. */

struct names {
	char *text; /* a part's name a line */
	size_t size;
};

static void names_of(struct machine *machine, struct names *names)
{
	FILE *file = open_memstream(&names->text, &names->size);

	if (!file)
		return;
	for (unsigned i = 0;; i++) {
		struct machine_part part = machine_part(machine, i);

		if (!part.fn)
			break;
		fprintf(file, "%s\n", part.name);
	}
	fclose(file);
}

/* Whether a line of @names says @name. */
static bool names_have(const char *names, const char *name, size_t length)
{
	for (const char *line = names; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strcspn(line, "\n") == length && memcmp(line, name, length) == 0)
			return true;
	return false;
}

/* The first name of @names that @others has not got; its length, 0 if there is none. */
static size_t names_missing(const char *names, const char *others, const char **name)
{
	for (*name = names; **name; *name += strcspn(*name, "\n"), *name += **name == '\n') {
		size_t length = strcspn(*name, "\n");

		if (length && !names_have(others, *name, length))
			return length;
	}
	return 0;
}

/* What a file says is printed as far as it can be. */
static void make_printable(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
			text[i] = '?';
}

static void compare_names(struct state *state, char *saved, size_t size, const char *own)
{
	const char *name;
	size_t length;

	make_printable(saved, size);
	length = names_missing(saved, own, &name);
	if (length) {
		state_refuse(state, "the saved machine has the part \"%.*s\", which this one has not",
			     (int)(length < 64 ? length : 64), name);
		return;
	}
	length = names_missing(own, saved, &name);
	if (length)
		state_refuse(state, "this machine has the part \"%.*s\", which the saved one has not",
			     (int)length, name);
	else if (strcmp(saved, own) != 0)
		state_refuse(state, "its parts come in another order");
}

static void names_state(struct machine *machine, struct state *state)
{
	struct names own = { 0 };
	uint8_t *saved = NULL;
	char *copy;
	size_t size = 0;

	names_of(machine, &own);
	if (!own.text) {
		state_refuse(state, "out of memory");
		return;
	}
	if (!state_loading(state)) {
		state_blob(state, "parts", (uint8_t **)&own.text, &own.size, NAMES_MAX);
		free(own.text);
		return;
	}
	state_blob(state, "parts", &saved, &size, NAMES_MAX);
	copy = state_good(state) ? calloc(1, size + 1) : NULL;
	if (copy) {
		if (size)
			memcpy(copy, saved, size);
		compare_names(state, copy, size, own.text);
	}
	free(copy);
	free(saved);
	free(own.text);
}

/* A text of the description; on reading it must be the same. */
static void text_state(struct state *state, const char *name, const char *own)
{
	char text[32];

	memset(text, 0, sizeof(text));
	memcpy(text, own, strnlen(own, sizeof(text) - 1));
	state_bytes(state, name, text, sizeof(text));
	text[sizeof(text) - 1] = 0;
	make_printable(text, strlen(text));
	if (state_loading(state) && strcmp(text, own) != 0)
		state_refuse(state, "its %s is %s, this machine's %s", name, text, own);
}

static void description_pieces(void *opaque, struct state *state)
{
	struct machine *machine = opaque;
	const struct machine_config *config = &machine->config;
	uint64_t ram_size = config->ram_size;
	uint32_t cpus = config->cpus;
	bool deterministic = config->deterministic;

	text_state(state, "machine type", config->board);
	text_state(state, "processor", config->cpu_model);
	state_bytes(state, "cores", &cpus, sizeof(cpus));
	if (cpus != config->cpus)
		state_refuse(state, "it has %u core%s, this machine %u: give -c %u", cpus,
			     cpus == 1 ? "" : "s", config->cpus, cpus);
	state_bytes(state, "ram", &ram_size, sizeof(ram_size));
	if (ram_size != config->ram_size)
		state_refuse(state,
			     "it has %" PRIu64 " MiB of RAM, this machine %" PRIu64 ": give -m %" PRIu64 "M",
			     ram_size >> 20, config->ram_size >> 20, ram_size >> 20);
	state_bool(state, "deterministic", &deterministic);
	if (deterministic != config->deterministic)
		state_refuse(state, "it ran %s --deterministic, this machine does %s",
			     deterministic ? "with" : "without", deterministic ? "not" : "run so");
	names_state(machine, state);
}

void snapshot_describe(struct machine *machine, struct state *state)
{
	state_section(state, "", 1, description_pieces, machine);
}

/* The file. */

struct reader {
	int fd;
	ZSTD_DStream *zstd;
	uint8_t *in; /* ZSTD_DStreamInSize() bytes */
	ZSTD_inBuffer buffer;
	bool frame_ended, file_ended;
	int err;
	char *error;
	size_t error_size;
};

static void reader_refuse(struct reader *reader, int err, const char *what)
{
	if (reader->err)
		return;
	reader->err = err;
	snapshot_refuse(err, reader->error, reader->error_size, "%s", what);
}

static void refill(struct reader *reader)
{
	ssize_t n;

	do
		n = read(reader->fd, reader->in, ZSTD_DStreamInSize());
	while (n < 0 && errno == EINTR);
	if (n < 0)
		reader_refuse(reader, -errno, strerror(errno));
	reader->file_ended = n <= 0;
	reader->buffer = (ZSTD_inBuffer){ reader->in, n > 0 ? (size_t)n : 0, 0 };
}

/* Up to @size bytes of the frame; returns how many there were. */
static size_t get_some(struct reader *reader, void *data, size_t size)
{
	ZSTD_outBuffer out = { data, size, 0 };

	while (out.pos < size && !reader->err && !reader->frame_ended) {
		size_t before = out.pos, left;

		if (reader->buffer.pos == reader->buffer.size && !reader->file_ended)
			refill(reader);
		left = ZSTD_decompressStream(reader->zstd, &out, &reader->buffer);
		if (ZSTD_isError(left))
			reader_refuse(reader, -EINVAL, "it is damaged");
		else if (left == 0)
			reader->frame_ended = true;
		else if (reader->file_ended && reader->buffer.pos == reader->buffer.size && out.pos == before)
			reader_refuse(reader, -EINVAL, "it is truncated");
	}
	return out.pos;
}

static bool get(struct reader *reader, void *data, size_t size)
{
	if (get_some(reader, data, size) == size && !reader->err)
		return true;
	reader_refuse(reader, -EINVAL, "it is damaged");
	return false;
}

static uint64_t get_u64(struct reader *reader)
{
	uint64_t value = 0;

	return get(reader, &value, sizeof(value)) ? value : 0;
}

/* A state stream; malloc()ed. */
static uint8_t *get_block(struct reader *reader, size_t *size)
{
	uint64_t left = get_u64(reader);
	uint8_t *block = NULL;

	*size = 0;
	if (left > STATE_MAX)
		reader_refuse(reader, -EINVAL, "it is damaged");
	while (left && !reader->err) {
		size_t chunk = left < STATE_CHUNK ? left : STATE_CHUNK;
		uint8_t *grown = realloc(block, *size + chunk);

		if (!grown) {
			reader_refuse(reader, -ENOMEM, "out of memory");
			break;
		}
		block = grown;
		if (!get(reader, block + *size, chunk))
			break;
		*size += chunk;
		left -= chunk;
	}
	return block;
}

static void read_state(struct reader *reader, struct machine *machine,
		       void (*fn)(struct machine *machine, struct state *state))
{
	size_t size;
	uint8_t *block = get_block(reader, &size);
	struct state *state = reader->err ? NULL : state_reader(block, size, &machine->clock);

	if (state) {
		fn(machine, state);
		if (!state_good(state))
			reader_refuse(reader, -EINVAL, state_reason(state));
	} else {
		reader_refuse(reader, -ENOMEM, "out of memory");
	}
	state_free(state);
	free(block);
}

/* Images that the options put into RAM are not the saved machine's. */
static void empty_ram(struct reader *reader, struct bus *bus)
{
	if (fallocate(bus->ram_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)(snapshot_pages(bus) * BUS_PAGE_SIZE)) < 0)
		reader_refuse(reader, -errno, strerror(errno));
}

/* Runs of pages, each behind the one before. */
static void read_ram(struct reader *reader, struct bus *bus)
{
	const uint64_t pages = snapshot_pages(bus);
	uint64_t next = 0;

	empty_ram(reader, bus);
	while (!reader->err) {
		uint64_t first = get_u64(reader), count = get_u64(reader);

		if (reader->err || first == SNAPSHOT_RAM_END)
			return;
		if (first < next || first >= pages || !count || count > pages - first) {
			reader_refuse(reader, -EINVAL, "it is damaged");
			return;
		}
		get(reader, bus->ram + first * BUS_PAGE_SIZE, count * BUS_PAGE_SIZE);
		next = first + count;
	}
}

/*
 * The checksum is compared when the frame's end has been read.  Nothing follows: it would be the checksum
 * of a frame whose header says that it has none.
 */
static void read_end(struct reader *reader)
{
	uint8_t byte;

	if (reader->err)
		return;
	if (get_some(reader, &byte, 1) || (!reader->err && !reader->frame_ended))
		reader_refuse(reader, -EINVAL, "it is damaged");
	if (reader->buffer.pos == reader->buffer.size)
		refill(reader);
	if (reader->buffer.pos < reader->buffer.size)
		reader_refuse(reader, -EINVAL, "it is damaged");
}

static void read_header(struct reader *reader)
{
	static const uint8_t magic[8] = SNAPSHOT_MAGIC;
	struct snapshot_header header;
	char what[128];
	ssize_t n = read(reader->fd, &header, sizeof(header));

	if (n < 0) {
		reader_refuse(reader, -errno, strerror(errno));
	} else if ((size_t)n < sizeof(magic) || memcmp(header.magic, magic, sizeof(magic)) != 0) {
		reader_refuse(reader, -EINVAL, "it is not a snapshot of bixi");
	} else if ((size_t)n < sizeof(header)) {
		reader_refuse(reader, -EINVAL, "it is truncated");
	} else if (header.version != SNAPSHOT_VERSION) {
		snprintf(what, sizeof(what),
			 "its format has version %" PRIu64 ", this is bixi " BIXI_VERSION
			 " which reads version %d",
			 header.version, SNAPSHOT_VERSION);
		reader_refuse(reader, -EINVAL, what);
	}
}

/* Everything as after switching on, for the parts that a snapshot of another version may not know. */
static int reset_without_images(struct machine *machine)
{
	int (*hook)(struct machine * machine, void *opaque) = machine->reset_hook;
	int err;

	machine->reset_hook = NULL;
	err = machine_reset(machine);
	machine->reset_hook = hook;
	return err;
}

static void read_machine(struct reader *reader, struct machine *machine)
{
	bool was_stopped = machine_is_stopped(machine);

	read_header(reader);
	if (!reader->err)
		read_state(reader, machine, snapshot_describe);
	if (reader->err)
		return;
	machine_stop(machine); /* the clock goes on from the saved time when it continues */
	if (reset_without_images(machine))
		reader_refuse(reader, -EIO, "the machine cannot be reset");
	if (!reader->err)
		read_state(reader, machine, machine_state);
	if (!reader->err)
		read_ram(reader, &machine->bus);
	bus_written(&machine->bus, machine->bus.ram, snapshot_pages(&machine->bus) * BUS_PAGE_SIZE);
	read_end(reader);
	if (reader->err)
		return;
	machine->restored = true;
	if (!was_stopped)
		machine_cont(machine);
}

int snapshot_load(struct machine *machine, const char *path, char *error, size_t error_size)
{
	struct reader reader = { .error = error, .error_size = error_size };

	reader.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (reader.fd < 0)
		return snapshot_refuse(-errno, error, error_size, "%s", strerror(errno));
	reader.zstd = ZSTD_createDStream();
	reader.in = malloc(ZSTD_DStreamInSize());
	if (!reader.zstd || !reader.in)
		reader_refuse(&reader, -ENOMEM, "out of memory");
	else
		read_machine(&reader, machine);
	ZSTD_freeDStream(reader.zstd);
	free(reader.in);
	close(reader.fd);
	return reader.err;
}
