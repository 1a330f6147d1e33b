/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Consoles as rings of text, and a small printf(). */
#include "hv.h"

void console_put(struct console *console, char c)
{
	lock_take(&console->lock);
	if (console->head - console->tail == CONSOLE_BYTES) {
		console->tail++;
		console->lost++;
	}
	console->text[console->head++ % CONSOLE_BYTES] = c;
	lock_release(&console->lock);
}

bool console_put_if_room(struct console *console, char c)
{
	bool room;

	lock_take(&console->lock);
	room = console->head - console->tail < CONSOLE_BYTES;
	if (room)
		console->text[console->head++ % CONSOLE_BYTES] = c;
	lock_release(&console->lock);
	return room;
}

unsigned console_get(struct console *console, char *text, unsigned size, uint32_t *lost)
{
	unsigned n = 0;

	lock_take(&console->lock);
	*lost = console->lost;
	console->lost = 0;
	while (n < size && console->tail != console->head)
		text[n++] = console->text[console->tail++ % CONSOLE_BYTES];
	lock_release(&console->lock);
	return n;
}

bool console_has_text(struct console *console)
{
	bool has;

	lock_take(&console->lock);
	has = console->tail != console->head;
	lock_release(&console->lock);
	return has;
}

/* Where printed characters go: up to end, what is more is counted only. */
struct output {
	char *at, *end;
};

static void put(struct output *output, char c)
{
	if (output->at < output->end)
		*output->at++ = c;
}

struct conversion {
	unsigned width, longs;
	bool zero;
};

static void put_number(struct output *output, uint64_t value, unsigned base, bool negative,
		       const struct conversion *conversion)
{
	char digits[24];
	unsigned n = 0, width = conversion->width;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative && conversion->zero)
		put(output, '-');
	else if (negative)
		digits[n++] = '-';
	for (unsigned filled = n + (negative && conversion->zero); filled < width; filled++)
		put(output, conversion->zero ? '0' : ' ');
	while (n)
		put(output, digits[--n]);
}

static void put_string(struct output *output, const char *text, unsigned width)
{
	size_t length = strlen(text);

	while (*text)
		put(output, *text++);
	for (; length < width; length++)
		put(output, ' ');
}

static const char *parse_conversion(const char *format, struct conversion *conversion)
{
	*conversion = (struct conversion){ .zero = *format == '0' };
	for (; *format >= '0' && *format <= '9'; format++)
		conversion->width = conversion->width * 10 + (unsigned)(*format - '0');
	for (; *format == 'l'; format++)
		conversion->longs++;
	return format;
}

void hv_format(char *to, size_t size, const char *format, va_list arguments)
{
	struct output output = { to, to + size - 1 };
	struct conversion conversion;
	int64_t number;

	for (; *format; format++) {
		if (*format != '%') {
			put(&output, *format);
			continue;
		}
		format = parse_conversion(format + 1, &conversion);
		switch (*format) {
		case 's':
			put_string(&output, va_arg(arguments, const char *), conversion.width);
			break;
		case 'c':
			put(&output, (char)va_arg(arguments, int));
			break;
		case 'd':
			number = conversion.longs ? va_arg(arguments, int64_t) : va_arg(arguments, int);
			put_number(&output, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0,
				   &conversion);
			break;
		case 'u':
		case 'x':
			put_number(&output,
				   conversion.longs ? va_arg(arguments, uint64_t)
						    : va_arg(arguments, unsigned),
				   *format == 'x' ? 16 : 10, false, &conversion);
			break;
		case '%':
			put(&output, '%');
			break;
		default: /* also an end in the middle of a conversion */
			format--;
		}
	}
	*output.at = 0;
}

void hv_printf(const char *format, ...)
{
	char line[200];
	va_list arguments;

	va_start(arguments, format);
	hv_format(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (const char *c = line; *c; c++)
		console_put(&root_cell.output, *c);
}
