/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Memory (m, M, x, X), and the break- and watchpoints set on it (Z, z). */
#include <errno.h>

#include "machine/control/gdb_impl.h"

/* Two digits a byte, and escapes, leave room in a packet for so many. */
#define READ_MAX (GDB_PACKET_MAX / 2 - 16)

/* ADDRESS,LENGTH */
static bool take_range(const char **args, uint64_t *address, uint64_t *length)
{
	return gdb_take_hex(args, address) && gdb_take_char(args, ',') && gdb_take_hex(args, length);
}

static bool read_memory(struct gdb_session *session, const char *args, uint8_t *data, size_t *size)
{
	uint64_t address, length;

	if (!take_range(&args, &address, &length) || *args) {
		gdb_error(session, EINVAL);
		return false;
	}
	if (length > READ_MAX)
		length = READ_MAX; /* an answer may be shorter than what was asked for */
	*size = debug_read(gdb_cpu(session), address, session->physical, data, length);
	if (*size || !length)
		return true;
	gdb_error(session, EFAULT);
	return false;
}

void gdb_read_memory(struct gdb_session *session, const char *args, size_t size)
{
	uint8_t data[READ_MAX];

	if (read_memory(session, args, data, &size))
		gdb_bytes_hex(&session->reply, data, size);
}

/* x: "b" and the bytes as they are. */
void gdb_read_binary(struct gdb_session *session, const char *args, size_t size)
{
	uint8_t data[READ_MAX];

	if (!read_memory(session, args, data, &size))
		return;
	gdb_bytes_text(&session->reply, "b");
	gdb_bytes_append(&session->reply, data, size);
}

static void write_memory(struct gdb_session *session, uint64_t address, const void *data, size_t size)
{
	if (debug_write(gdb_cpu(session), address, session->physical, data, size) == size)
		gdb_ok(session);
	else
		gdb_error(session, EFAULT);
}

/* M ADDRESS,LENGTH:HEX */
void gdb_write_memory(struct gdb_session *session, const char *args, size_t size)
{
	uint8_t data[GDB_PACKET_MAX / 2];
	uint64_t address, length;

	if (take_range(&args, &address, &length) && gdb_take_char(&args, ':') && length <= sizeof(data) &&
	    gdb_take_bytes(&args, data, length) && !*args)
		write_memory(session, address, data, length);
	else
		gdb_error(session, EINVAL);
}

/* X ADDRESS,LENGTH:BYTES; without bytes it asks whether the packet is known. */
void gdb_write_binary(struct gdb_session *session, const char *args, size_t size)
{
	const char *begin = args;
	uint64_t address, length;

	if (take_range(&args, &address, &length) && gdb_take_char(&args, ':') &&
	    length == size - (size_t)(args - begin))
		write_memory(session, address, args, length);
	else
		gdb_error(session, EINVAL);
}

/* TYPE,ADDRESS,KIND: 0 software, 1 hardware breakpoint, 2 write, 3 read, 4 access watchpoint of KIND bytes.
 */
static int take_point(const char *args, struct debug_point *point)
{
	static const enum debug_kind kinds[] = { DEBUG_BREAK, DEBUG_HARDWARE_BREAK, DEBUG_WATCH_WRITE,
						 DEBUG_WATCH_READ, DEBUG_WATCH_ACCESS };
	uint64_t type, address, size;

	if (!gdb_take_hex(&args, &type) || !gdb_take_char(&args, ',') ||
	    !take_range(&args, &address, &size) || *args)
		return -EINVAL;
	if (type >= sizeof(kinds) / sizeof(kinds[0]))
		return -ENOTSUP;
	*point = (struct debug_point){ .kind = kinds[type], .address = address, .size = size };
	return 0;
}

static void change_point(struct gdb_session *session, const char *args,
			 int (*change)(struct machine *machine, const struct debug_point *point))
{
	struct debug_point point;
	int err = take_point(args, &point);

	if (err == -ENOTSUP)
		return; /* an empty answer: no such packet */
	if (!err)
		err = change(session->machine, &point);
	if (err)
		gdb_error(session, err);
	else
		gdb_ok(session);
}

void gdb_insert(struct gdb_session *session, const char *args, size_t size)
{
	change_point(session, args, machine_debug_add);
}

void gdb_remove(struct gdb_session *session, const char *args, size_t size)
{
	change_point(session, args, machine_debug_remove);
}
