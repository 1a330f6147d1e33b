/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The monitor's looks into memory: "x", "xp" and "gva2gpa".  RAM and ROM only (cpu/debug.h): reading a
 * device would change it; "info devices" shows those.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "isa/isa.h"
#include "machine/control/command_impl.h"
#include "machine/cpu/debug.h"

#define ITEMS_MAX 4096 /* of one command */

struct dump {
	struct command_call *call;
	bool physical;
	unsigned count, size;
	char format;
	uint64_t address;
};

static bool dump_read(const struct dump *dump, uint64_t address, void *data, size_t size)
{
	return debug_read(dump->call->cpu, address, dump->physical, data, size) == size;
}

/* "/8xg": count, format and size in any order of letters.  False: a letter that is none of them. */
static bool parse_format(struct dump *dump, const char *text)
{
	char *end = (char *)text;

	if (isdigit((unsigned char)*text)) {
		unsigned long count = strtoul(text, &end, 10);

		dump->count = count < ITEMS_MAX ? (unsigned)count : ITEMS_MAX;
	}
	for (text = end; *text; text++) {
		const char *size = strchr("bhwg", *text);

		if (size)
			dump->size = 1u << (size - "bhwg");
		else if (strchr("xduoci", *text))
			dump->format = *text;
		else
			return false;
	}
	return true;
}

/* One number or $register, from *@text on. */
static bool parse_term(struct cpu *cpu, const char **text, uint64_t *value)
{
	char name[16], *end;
	size_t length;

	if (**text == '$') {
		length = strcspn(*text + 1, "+-");
		snprintf(name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : 0), *text + 1);
		*text += 1 + length;
		return command_register_get(cpu, name, value);
	}
	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 0);
	*text = end;
	return !errno;
}

/* Terms joined by + and -, spread over the rest of the words. */
static bool parse_address(struct command_call *call, unsigned first, uint64_t *address)
{
	char joined[COMMAND_LINE_MAX] = "";
	const char *text = joined;
	uint64_t term;
	bool minus = false;

	if (first == call->argc) {
		fputs("give an address: a number or a $register\n", call->out);
		return false;
	}
	for (unsigned i = first; i < call->argc; i++)
		strncat(joined, call->argv[i], sizeof(joined) - strlen(joined) - 1);
	for (*address = 0;; minus = *text++ == '-') {
		if (!parse_term(call->cpu, &text, &term))
			break;
		*address += minus ? -term : term;
		if (!*text)
			return true;
		if (*text != '+' && *text != '-')
			break;
	}
	fprintf(call->out, "%s is not an address: give numbers and $registers joined by + and -\n", joined);
	return false;
}

/* Signed values keep their sign. */
static int64_t extend(uint64_t value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (int64_t)(value << shift) >> shift;
}

static void print_item(FILE *out, const struct dump *dump, uint64_t value)
{
	int digits = (int)dump->size * 2;

	switch (dump->format) {
	case 'd':
		fprintf(out, " %*" PRId64, digits + digits / 4 + 1, extend(value, dump->size));
		break;
	case 'u':
		fprintf(out, " %*" PRIu64, digits + digits / 4, value);
		break;
	case 'o':
		fprintf(out, " %#0*" PRIo64, (int)(dump->size * 8 + 2) / 3 + 1, value);
		break;
	case 'c':
		value &= 0xff;
		fprintf(out, isprint((int)value) ? " '%c'" : " '\\x%02x'", (unsigned)value);
		break;
	default:
		fprintf(out, " 0x%0*" PRIx64, digits, value);
	}
}

static void cannot_read(const struct dump *dump, uint64_t address)
{
	fprintf(dump->call->out, "there is no memory at %s address 0x%" PRIx64 "\n",
		dump->physical ? "physical" : "virtual", address);
}

static void print_code(const struct dump *dump)
{
	for (unsigned i = 0; i < dump->count; i++) {
		uint64_t address = dump->address + 4 * (uint64_t)i;
		char text[128];
		uint32_t word;

		if (!dump_read(dump, address, &word, sizeof(word))) {
			cannot_read(dump, address);
			return;
		}
		isa_disasm(word, address, text, sizeof(text));
		fprintf(dump->call->out, "0x%016" PRIx64 ":  %08" PRIx32 "  %s\n", address, word, text);
	}
}

static void print_data(const struct dump *dump)
{
	unsigned per_line = dump->format == 'c' ? 8 : 16 / dump->size;
	FILE *out = dump->call->out;

	for (unsigned i = 0; i < dump->count; i++) {
		uint64_t address = dump->address + (uint64_t)i * dump->size, value = 0;

		if (!dump_read(dump, address, &value, dump->size)) {
			if (i % per_line)
				fputc('\n', out);
			cannot_read(dump, address);
			return;
		}
		if (i % per_line == 0)
			fprintf(out, "%016" PRIx64 ":", address);
		print_item(out, dump, value);
		if (i % per_line == per_line - 1 || i == dump->count - 1)
			fputc('\n', out);
	}
}

static void dump_memory(struct command_call *call, bool physical)
{
	struct dump dump = { .call = call, .physical = physical, .count = 1, .size = 4, .format = 'x' };
	unsigned first = call->argv[0][0] == '/';

	if (first && !parse_format(&dump, call->argv[0] + 1)) {
		fprintf(call->out, "%s is no format: a count, one of x d u o c i, one of b h w g\n",
			call->argv[0]);
		return;
	}
	if (dump.format == 'c')
		dump.size = 1;
	if (!parse_address(call, first, &dump.address))
		return;
	if (dump.format == 'i')
		print_code(&dump);
	else
		print_data(&dump);
}

void command_x(struct command_call *call)
{
	dump_memory(call, false);
}

void command_xp(struct command_call *call)
{
	dump_memory(call, true);
}

void command_gva2gpa(struct command_call *call)
{
	uint64_t va, gpa, pa;

	if (!parse_address(call, 0, &va))
		return;
	if (!debug_guest_physical(call->cpu, va, &gpa)) {
		fprintf(call->out, "the core has no translation of 0x%" PRIx64 "\n", va);
		return;
	}
	fprintf(call->out, "gpa: 0x%" PRIx64 "\n", gpa);
	if (!call->cpu->guest_mode)
		return;
	if (debug_translate(call->cpu, va, &pa))
		fprintf(call->out, "hpa: 0x%" PRIx64 "\n", pa);
	else
		fprintf(call->out, "stage 2 has no translation of it\n");
}
