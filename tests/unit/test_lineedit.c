/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The monitor's line editor: what is typed becomes the line it should, and the terminal shows that line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/lineedit.h"

#define PROMPT "> "
#define CELLS  200

/* A terminal of one row that matters, the one the cursor is in.  A cell holds a character's bytes. */
struct fixture {
	struct lineedit edit;
	char cell[CELLS][5];
	unsigned column, bells, clears;
	char utf8[5];
	unsigned utf8_size, utf8_want;
	int escape; /* 0: none, 1: after ESC, 2: after ESC [ */
	char shown[1024];
	char entered[4][LINEEDIT_MAX + 1];
	unsigned entered_count;
};

static void put_cell(struct fixture *f, const char *character, unsigned columns)
{
	snprintf(f->cell[f->column], sizeof(f->cell[0]), "%s", character);
	for (unsigned i = 1; i < columns; i++)
		f->cell[f->column + i][0] = 0; /* the right half of a wide one */
	f->column += columns;
	assert_true(f->column < CELLS);
}

static void clear_from(struct fixture *f, unsigned column)
{
	for (unsigned i = column; i < CELLS; i++)
		strcpy(f->cell[i], " ");
}

static void terminal_byte(struct fixture *f, uint8_t c)
{
	if (f->escape == 1) {
		assert_int_equal(c, '[');
		f->escape = 2;
	} else if (f->escape == 2) {
		if (c >= '0' && c <= '9')
			return;
		f->escape = 0;
		if (c == 'K')
			clear_from(f, f->column);
		else if (c == 'J')
			f->clears++, clear_from(f, 0);
		else if (c == 'H')
			f->column = 0;
		else
			fail_msg("the terminal got ESC [ %c", c);
	} else if (c == 0x1b) {
		f->escape = 1;
	} else if (c == '\b') {
		assert_true(f->column > 0);
		f->column--;
	} else if (c == '\r') {
		f->column = 0;
	} else if (c == '\n') {
		clear_from(f, 0);
	} else if (c == '\a') {
		f->bells++;
	} else if (c < 0x80) {
		put_cell(f, (char[]){ (char)c, 0 }, 1);
	} else {
		if (c >= 0xc0) {
			f->utf8_size = 0;
			f->utf8_want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
		}
		f->utf8[f->utf8_size++] = (char)c;
		f->utf8[f->utf8_size] = 0;
		/* The tests' wide characters are those of three bytes. */
		if (f->utf8_size == f->utf8_want)
			put_cell(f, f->utf8, f->utf8_want == 3 ? 2 : 1);
	}
}

static void show(void *opaque, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		terminal_byte(opaque, (uint8_t)text[i]);
}

static void entered(void *opaque, const char *line)
{
	struct fixture *f = opaque;

	assert_true(f->entered_count < 4);
	strcpy(f->entered[f->entered_count++], line);
}

static const char *complete(void *opaque, const char *line, unsigned index)
{
	static const char *const words[] = { "status", "stop", "stone" };
	const char *last = strrchr(line, ' ');

	last = last ? last + 1 : line;
	for (unsigned i = 0; i < 3; i++)
		if (strncmp(words[i], last, strlen(last)) == 0 && index-- == 0)
			return words[i];
	return NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct lineedit_owner owner = {
		.show = show, .entered = entered, .complete = complete, .opaque = f
	};

	assert_non_null(f);
	clear_from(f, 0);
	lineedit_init(&f->edit, &owner, PROMPT);
	lineedit_begin(&f->edit);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lineedit_free(&f->edit);
	free(f);
	return 0;
}

static void type(struct fixture *f, const char *keys)
{
	/* Byte by byte: a sequence may come in pieces. */
	for (; *keys; keys++)
		lineedit_input(&f->edit, (const uint8_t *)keys, 1);
}

/* The row as it is shown, without the blanks at its end. */
static const char *shown(struct fixture *f)
{
	size_t end = 0, used = 0;

	for (unsigned i = 0; i < CELLS; i++) {
		used += (size_t)snprintf(f->shown + used, sizeof(f->shown) - used, "%s", f->cell[i]);
		if (strcmp(f->cell[i], " ") && f->cell[i][0])
			end = used;
	}
	f->shown[end] = 0;
	return f->shown;
}

struct keys_row {
	const char *keys, *line;
	unsigned column; /* of the cursor, behind the prompt */
};

#define LEFT  "\033[D"
#define RIGHT "\033[C"
#define UP    "\033[A"
#define DOWN  "\033[B"

static void test_keys_make_the_line_and_the_screen_shows_it(void **state)
{
	static const struct keys_row rows[] = {
		{ "abc", "abc", 3 },
		{ "ac" LEFT "b", "abc", 2 },
		{ "ac\033ODb", "abc", 2 },
		{ "abc\x01x", "xabc", 1 },
		{ "abc\033[Hx", "xabc", 1 },
		{ "abc\033[1~x", "xabc", 1 },
		{ "abc\033[7~x", "xabc", 1 },
		{ "abc\033OHx", "xabc", 1 },
		{ "abc\x01\x05x", "abcx", 4 },
		{ "abc\x01\033[Fx", "abcx", 4 },
		{ "abc\x01\033[4~x", "abcx", 4 },
		{ "abc\x01" RIGHT RIGHT RIGHT RIGHT "x", "abcx", 4 },
		{ "abc\x02\x02\x06x", "abxc", 3 },
		{ "abc\x7f", "ab", 2 },
		{ "abc\b", "ab", 2 },
		{ "\x7f\x7f"
		  "a",
		  "a", 1 },
		{ "abc" LEFT LEFT "\x7f", "bc", 0 },
		{ "abc" LEFT LEFT "\033[3~", "ac", 1 },
		{ "abc" LEFT LEFT "\x04", "ac", 1 },
		{ "abc\x04", "abc", 3 },
		{ "abc def" LEFT LEFT "\x0b", "abc d", 5 },
		{ "abc def" LEFT LEFT "\x15", "ef", 0 },
		{ "abc def  \x17", "abc ", 4 },
		{ "abc def\x17\x17", "", 0 },
		{ "abc def\x17\x01\x19", "defabc ", 3 },
		{ "abc def\033bx", "abc xdef", 5 },
		{ "abc def\x01\033fx", "abcx def", 4 },
		{ "abc def\033[1;5Dx", "abc xdef", 5 },
		{ "abc def\x01\033d", " def", 0 },
		{ "abc\x03xy", "xy", 2 },
		{ "abc\x0cx", "abcx", 4 },
		{ "a\033[99;99zb\033Pc\x1d", "abc", 3 }, /* unknown keys do nothing */
		{ "\xc3\xa4\xc3\xb6\xc3\xbc" LEFT "\x7fx", "\xc3\xa4x\xc3\xbc", 2 },
		{ "a\xe9\xbe\x99z" LEFT LEFT LEFT "x", "xa\xe9\xbe\x99z", 1 },
		{ "\xe9\xbe\x99\xe9\xbe\x99" LEFT "x", "\xe9\xbe\x99x\xe9\xbe\x99", 3 },
		{ "a\xff\x80\xc3"
		  "b\xe9\xbe"
		  "c",
		  "abc", 3 }, /* no UTF-8: left out */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f;
		char row[512];

		setup(state);
		f = *state;
		type(f, rows[i].keys);
		snprintf(row, sizeof(row), PROMPT "%s", rows[i].line);
		while (row[strlen(row) - 1] == ' ')
			row[strlen(row) - 1] = 0;
		assert_string_equal(f->edit.line, rows[i].line);
		assert_string_equal(shown(f), row);
		assert_int_equal(f->column, strlen(PROMPT) + rows[i].column);
		type(f, "\r");
		assert_string_equal(f->entered[f->entered_count - 1], rows[i].line);
		teardown(state);
	}
	*state = NULL;
}

static void test_each_kind_of_line_end_enters_once(void **state)
{
	struct fixture *f = *state;

	type(f, "a\rb\nc\r\n");
	assert_int_equal(f->entered_count, 3);
	assert_string_equal(f->entered[0], "a");
	assert_string_equal(f->entered[1], "b");
	assert_string_equal(f->entered[2], "c");
	assert_string_equal(shown(f), ">");
}

static void test_history_goes_back_and_forth_and_keeps_the_new_line(void **state)
{
	struct fixture *f = *state;

	type(f, "one\rtwo\rtwo\rnew");
	type(f, UP);
	assert_string_equal(shown(f), "> two");
	type(f, UP);
	assert_string_equal(shown(f), "> one");
	type(f, UP);
	assert_int_equal(f->bells, 1);
	type(f, DOWN "\x0e");
	assert_string_equal(shown(f), "> new");
	type(f, "\x10\x10!\r");
	assert_string_equal(f->entered[3], "one!");
}

static void test_history_is_bounded(void **state)
{
	struct fixture *f = *state;
	char line[16];

	f->edit.owner.entered = entered;
	for (unsigned i = 0; i < 2 * LINEEDIT_HISTORY; i++) {
		f->entered_count = 0;
		snprintf(line, sizeof(line), "line%u\r", i);
		type(f, line);
	}
	assert_int_equal(f->edit.history_count, LINEEDIT_HISTORY);
	assert_string_equal(f->edit.history[0], "line64");
}

static void test_ctrl_r_finds_older_lines(void **state)
{
	struct fixture *f = *state;

	type(f, "info cpus\rstop\rinfo tlb\r\x12inf");
	assert_string_equal(shown(f), "(search)'inf': info tlb");
	type(f, "\x12");
	assert_string_equal(shown(f), "(search)'inf': info cpus");
	type(f, "\x7f\x7f\x7fst");
	assert_string_equal(f->edit.line, "stop");
	type(f, "\x01x");
	assert_string_equal(shown(f), "> xstop");
	type(f, "\x15\x0bkept\x12tlb\x07");
	assert_string_equal(shown(f), "> kept");
	type(f, "\x12zzz" UP "\r");
	assert_int_equal(f->entered_count, 4);
}

static void test_tab_completes_lists_and_rings(void **state)
{
	struct fixture *f = *state;

	type(f, "x sta\t");
	assert_string_equal(f->edit.line, "x status ");
	type(f, "\x15s\t");
	assert_string_equal(f->edit.line, "st");
	type(f, "o\t");
	assert_string_equal(f->edit.line, "sto");
	assert_string_equal(shown(f), "> sto");
	type(f, "p" LEFT LEFT LEFT LEFT "\x06\x06\t");
	assert_string_equal(f->edit.line, "stop");
	type(f, "\x15zz\t");
	assert_int_equal(f->bells, 1);
}

static void test_a_line_longer_than_the_editor_takes_rings(void **state)
{
	struct lineedit *edit = calloc(1, sizeof(*edit));
	struct fixture *f = *state;

	/* Shown nowhere: the row of the test's terminal is shorter. */
	lineedit_init(edit, &f->edit.owner, "");
	edit->length = edit->cursor = LINEEDIT_MAX - 1;
	memset(edit->line, 'a', LINEEDIT_MAX - 1);
	lineedit_input(edit, (const uint8_t *)"bcd\xc3\xa4", 5);
	assert_int_equal(edit->length, LINEEDIT_MAX);
	assert_int_equal(edit->line[LINEEDIT_MAX - 1], 'b');
	assert_int_equal(f->bells, 3);
	free(edit);
}

/* Whatever is typed, the screen shows the line and the cursor is in it. */
static void test_random_keys_keep_line_and_screen_together(void **state)
{
	static const char *const keys[] = { "a",    "b ",   "\xc3\xa4", "\xe9\xbe\x99", LEFT,
					    RIGHT,  UP,	    DOWN,	"\x01",		"\x05",
					    "\x0b", "\x15", "\x17",	"\x7f",		"\x04",
					    "\x19", "\t",   "\033b",	"\033f",	"\033d",
					    "\x0c", "s",    "\x03" };
	struct fixture *f = *state;
	unsigned random = 1;

	for (unsigned i = 0; i < 20000; i++) {
		char row[1200];

		random = random * 1103515245 + 12345;
		type(f, keys[(random >> 16) % (sizeof(keys) / sizeof(keys[0]))]);
		if (f->edit.length > 60 || (random >> 8) % 64 == 0) {
			f->entered_count = 0;
			type(f, "\r");
		}
		snprintf(row, sizeof(row), PROMPT "%s", f->edit.line);
		while (row[strlen(row) - 1] == ' ')
			row[strlen(row) - 1] = 0;
		assert_string_equal(shown(f), row);
		assert_true(f->edit.cursor <= f->edit.length);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_make_the_line_and_the_screen_shows_it),
		T(test_each_kind_of_line_end_enters_once),
		T(test_history_goes_back_and_forth_and_keeps_the_new_line),
		T(test_history_is_bounded),
		T(test_ctrl_r_finds_older_lines),
		T(test_tab_completes_lists_and_rings),
		T(test_a_line_longer_than_the_editor_takes_rings),
		T(test_random_keys_keep_line_and_screen_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
