/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Line editing (lineedit.h): the line is redrawn from the place of the change on, moving by \b only. */
#include "machine/control/lineedit.h"

#include <stdlib.h>
#include <string.h>

#define CTRL(key) ((key)&0x1f)
#define KEY_ESC	  0x1b
#define KEY_DEL	  0x7f

static void show(struct lineedit *edit, const char *text)
{
	edit->owner.show(edit->owner.opaque, text, strlen(text));
}

/* UTF-8. */

static bool is_continuation(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

/* Bytes of the character that @lead begins, 0 if none begins so. */
static unsigned character_size(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if ((lead & 0xf0) == 0xe0)
		return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

static size_t next_character(const struct lineedit *edit, size_t at)
{
	if (at < edit->length)
		at++;
	while (at < edit->length && is_continuation(edit->line[at]))
		at++;
	return at;
}

static size_t previous_character(const struct lineedit *edit, size_t at)
{
	if (at)
		at--;
	while (at && is_continuation(edit->line[at]))
		at--;
	return at;
}

static uint32_t decode(const char *text, unsigned size)
{
	uint32_t code = (uint8_t)text[0];

	if (size == 1)
		return code;
	code &= 0xffu >> (size + 1);
	for (unsigned i = 1; i < size; i++)
		code = code << 6 | ((uint8_t)text[i] & 0x3f);
	return code;
}

/* Columns of characters that are not one wide (Unicode's East Asian Width W and F, and marks). */
static const struct range {
	uint32_t first, last;
	unsigned columns;
} width_table[] = {
	{ 0x0300, 0x036f, 0 }, { 0x1100, 0x115f, 2 }, { 0x200b, 0x200f, 0 },   { 0x2e80, 0xa4cf, 2 },
	{ 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 }, { 0xfe00, 0xfe0f, 0 },   { 0xfe30, 0xfe6f, 2 },
	{ 0xff00, 0xff60, 2 }, { 0xffe0, 0xffe6, 2 }, { 0x1f300, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 },
};

static unsigned columns_of(const struct lineedit *edit, size_t from, size_t to)
{
	unsigned columns = 0;

	while (from < to) {
		size_t next = next_character(edit, from);
		uint32_t code = decode(edit->line + from, (unsigned)(next - from));
		unsigned width = 1;

		for (size_t i = 0; i < sizeof(width_table) / sizeof(width_table[0]); i++)
			if (code >= width_table[i].first && code <= width_table[i].last)
				width = width_table[i].columns;
		columns += width;
		from = next;
	}
	return columns;
}

/* Showing. */

static void move_left(struct lineedit *edit, unsigned columns)
{
	while (columns--)
		show(edit, "\b");
}

/* The terminal's cursor is at byte @from: shows the line from there and goes to the cursor. */
static void show_from(struct lineedit *edit, size_t from)
{
	show(edit, edit->line + from);
	show(edit, "\033[K");
	move_left(edit, columns_of(edit, edit->cursor, edit->length));
}

static void cursor_to(struct lineedit *edit, size_t to)
{
	if (to < edit->cursor)
		move_left(edit, columns_of(edit, to, edit->cursor));
	else
		edit->owner.show(edit->owner.opaque, edit->line + edit->cursor, to - edit->cursor);
	edit->cursor = to;
}

/* On a row that is empty. */
static void show_all(struct lineedit *edit)
{
	show(edit, edit->prompt);
	show(edit, edit->line);
	move_left(edit, columns_of(edit, edit->cursor, edit->length));
}

/* Changing the line. */

static void insert(struct lineedit *edit, const char *text, size_t size)
{
	size_t from = edit->cursor;

	if (edit->length + size > LINEEDIT_MAX) {
		show(edit, "\a");
		return;
	}
	memmove(edit->line + from + size, edit->line + from, edit->length - from + 1);
	memcpy(edit->line + from, text, size);
	edit->length += size;
	edit->cursor += size;
	if (edit->cursor == edit->length)
		edit->owner.show(edit->owner.opaque, text, size);
	else
		show_from(edit, from);
}

/* Takes [from, to) away; the cursor is in it or at its ends. */
static void take_away(struct lineedit *edit, size_t from, size_t to)
{
	cursor_to(edit, from);
	if (from == to)
		return;
	memmove(edit->line + from, edit->line + to, edit->length - to + 1);
	edit->length -= to - from;
	show_from(edit, from);
}

static void cut(struct lineedit *edit, size_t from, size_t to)
{
	if (from == to)
		return;
	memcpy(edit->yank, edit->line + from, to - from);
	edit->yank[to - from] = 0;
	take_away(edit, from, to);
}

static void replace(struct lineedit *edit, const char *text)
{
	size_t length = strlen(text);

	cursor_to(edit, 0);
	memmove(edit->line, text, length + 1);
	edit->length = edit->cursor = length;
	show_from(edit, 0);
}

static size_t word_begin(const struct lineedit *edit)
{
	size_t at = edit->cursor;

	while (at && edit->line[at - 1] == ' ')
		at--;
	while (at && edit->line[at - 1] != ' ')
		at--;
	return at;
}

static size_t word_end(const struct lineedit *edit)
{
	size_t at = edit->cursor;

	while (at < edit->length && edit->line[at] == ' ')
		at++;
	while (at < edit->length && edit->line[at] != ' ')
		at++;
	return at;
}

/* History. */

static void history_add(struct lineedit *edit)
{
	unsigned last = edit->history_count;
	char *copy;

	if (!edit->length || (last && strcmp(edit->history[last - 1], edit->line) == 0))
		return;
	copy = strdup(edit->line);
	if (!copy)
		return;
	if (last == LINEEDIT_HISTORY) {
		free(edit->history[0]);
		memmove(edit->history, edit->history + 1, (LINEEDIT_HISTORY - 1) * sizeof(edit->history[0]));
		last--;
	}
	edit->history[last] = copy;
	edit->history_count = last + 1;
}

static void history_show(struct lineedit *edit, unsigned at)
{
	if (edit->history_at == edit->history_count)
		strcpy(edit->kept, edit->line);
	edit->history_at = at;
	replace(edit, at == edit->history_count ? edit->kept : edit->history[at]);
}

static void history_move(struct lineedit *edit, int by)
{
	if (by < 0 ? edit->history_at > 0 : edit->history_at < edit->history_count)
		history_show(edit, edit->history_at + (unsigned)by);
	else
		show(edit, "\a");
}

/* Ctrl-R: the prompt shows what is sought, the line the last entered one that holds it. */

static void search_show(struct lineedit *edit)
{
	show(edit, "\r(search)'");
	show(edit, edit->sought);
	show(edit, "': ");
	show(edit, edit->line);
	show(edit, "\033[K");
}

/* Looks from line @at of the history towards older ones. */
static void search_from(struct lineedit *edit, unsigned at)
{
	while (at-- > 0) {
		if (!strstr(edit->history[at], edit->sought))
			continue;
		edit->history_at = at;
		strcpy(edit->line, edit->history[at]);
		edit->length = edit->cursor = strlen(edit->line);
		search_show(edit);
		return;
	}
	show(edit, "\a");
	search_show(edit);
}

static void search_begin(struct lineedit *edit)
{
	edit->searching = true;
	edit->sought[0] = 0;
	strcpy(edit->kept, edit->line);
	edit->history_at = edit->history_count;
	search_show(edit);
}

/* A key while searching; returns whether it is to be handled as any other. */
static bool search_key(struct lineedit *edit, uint8_t key)
{
	size_t length = strlen(edit->sought);

	if (key == CTRL('R')) {
		search_from(edit, edit->history_at);
		return false;
	}
	if (key == KEY_DEL || key == CTRL('H')) {
		while (length && is_continuation(edit->sought[length - 1]))
			length--;
		edit->sought[length ? length - 1 : 0] = 0;
		search_from(edit, edit->history_count);
		return false;
	}
	if (key >= ' ' && length + 1 < sizeof(edit->sought)) {
		edit->sought[length] = (char)key;
		edit->sought[length + 1] = 0;
		search_from(edit, edit->history_at < edit->history_count ? edit->history_at + 1
									 : edit->history_count);
		return false;
	}
	edit->searching = false;
	if (key == CTRL('G') || key == CTRL('C')) {
		strcpy(edit->line, edit->kept);
		edit->length = edit->cursor = strlen(edit->line);
		edit->history_at = edit->history_count;
	}
	show(edit, "\r\033[K");
	show_all(edit);
	return key != CTRL('G') && key != CTRL('C');
}

/* Completion. */

struct completion {
	unsigned count;
	char common[LINEEDIT_MAX + 1]; /* what all possible words begin with */
};

static void find_completions(struct lineedit *edit, const char *line, struct completion *found)
{
	const char *word;

	found->count = 0;
	while ((word = edit->owner.complete(edit->owner.opaque, line, found->count))) {
		size_t same = 0;

		if (found->count++ == 0) {
			strncpy(found->common, word, LINEEDIT_MAX);
			found->common[LINEEDIT_MAX] = 0;
			continue;
		}
		while (word[same] && word[same] == found->common[same])
			same++;
		found->common[same] = 0;
	}
}

/* The possible words in rows under the line, then the line again. */
static void list_completions(struct lineedit *edit, const char *line, const struct completion *found)
{
	for (unsigned i = 0; i < found->count; i++) {
		const char *word = edit->owner.complete(edit->owner.opaque, line, i);
		size_t length = word ? strlen(word) : 0;

		show(edit, i % 4 ? "" : "\r\n");
		show(edit, word ? word : "");
		while (length++ < 19 && i % 4 != 3 && i + 1 < found->count)
			show(edit, " ");
	}
	show(edit, "\r\n");
	show_all(edit);
}

static void complete(struct lineedit *edit)
{
	char line[LINEEDIT_MAX + 1];
	struct completion found;
	size_t begin = edit->cursor;

	if (!edit->owner.complete)
		return;
	memcpy(line, edit->line, edit->cursor);
	line[edit->cursor] = 0;
	find_completions(edit, line, &found);
	while (begin && edit->line[begin - 1] != ' ')
		begin--;
	if (!found.count) {
		show(edit, "\a");
	} else if (found.count == 1 || strlen(found.common) > edit->cursor - begin) {
		take_away(edit, begin, edit->cursor);
		insert(edit, found.common, strlen(found.common));
		if (found.count == 1)
			insert(edit, " ", 1);
	} else {
		list_completions(edit, line, &found);
	}
}

/* Keys. */

static void clear_line(struct lineedit *edit)
{
	edit->line[0] = 0;
	edit->length = edit->cursor = 0;
	edit->history_at = edit->history_count;
}

static void enter(struct lineedit *edit)
{
	char line[LINEEDIT_MAX + 1];

	history_add(edit);
	strcpy(line, edit->line);
	clear_line(edit);
	show(edit, "\r\n");
	edit->owner.entered(edit->owner.opaque, line);
	show_all(edit);
}

/* ESC [ PARAMETER FINAL and ESC O FINAL. */
static void function_key(struct lineedit *edit, uint8_t final, unsigned parameter)
{
	bool by_word = parameter == 5; /* with Ctrl: ESC [ 1 ; 5 C */

	switch (final) {
	case 'A':
		history_move(edit, -1);
		break;
	case 'B':
		history_move(edit, 1);
		break;
	case 'C':
		cursor_to(edit, by_word ? word_end(edit) : next_character(edit, edit->cursor));
		break;
	case 'D':
		cursor_to(edit, by_word ? word_begin(edit) : previous_character(edit, edit->cursor));
		break;
	case 'H':
		cursor_to(edit, 0);
		break;
	case 'F':
		cursor_to(edit, edit->length);
		break;
	case '~':
		if (parameter == 1 || parameter == 7)
			cursor_to(edit, 0);
		else if (parameter == 4 || parameter == 8)
			cursor_to(edit, edit->length);
		else if (parameter == 3)
			take_away(edit, edit->cursor, next_character(edit, edit->cursor));
		break;
	default:
		break;
	}
}

/* ESC and a letter. */
static void meta_key(struct lineedit *edit, uint8_t key)
{
	switch (key) {
	case 'b':
		cursor_to(edit, word_begin(edit));
		break;
	case 'f':
		cursor_to(edit, word_end(edit));
		break;
	case 'd':
		cut(edit, edit->cursor, word_end(edit));
		break;
	case KEY_DEL:
	case CTRL('H'):
		cut(edit, word_begin(edit), edit->cursor);
		break;
	default:
		break;
	}
}

static void control_key(struct lineedit *edit, uint8_t key)
{
	switch (key) {
	case CTRL('A'):
		cursor_to(edit, 0);
		break;
	case CTRL('B'):
		cursor_to(edit, previous_character(edit, edit->cursor));
		break;
	case CTRL('C'):
		show(edit, "^C\r\n");
		clear_line(edit);
		show_all(edit);
		break;
	case CTRL('D'):
		take_away(edit, edit->cursor, next_character(edit, edit->cursor));
		break;
	case CTRL('E'):
		cursor_to(edit, edit->length);
		break;
	case CTRL('F'):
		cursor_to(edit, next_character(edit, edit->cursor));
		break;
	case CTRL('H'):
	case KEY_DEL:
		take_away(edit, previous_character(edit, edit->cursor), edit->cursor);
		break;
	case '\t':
		complete(edit);
		break;
	case CTRL('K'):
		cut(edit, edit->cursor, edit->length);
		break;
	case CTRL('L'):
		show(edit, "\033[H\033[2J");
		show_all(edit);
		break;
	case CTRL('N'):
		history_move(edit, 1);
		break;
	case CTRL('P'):
		history_move(edit, -1);
		break;
	case CTRL('R'):
		search_begin(edit);
		break;
	case CTRL('U'):
		cut(edit, 0, edit->cursor);
		break;
	case CTRL('W'):
		cut(edit, word_begin(edit), edit->cursor);
		break;
	case CTRL('Y'):
		insert(edit, edit->yank, strlen(edit->yank));
		break;
	case KEY_ESC:
		edit->state = LINEEDIT_ESCAPE;
		break;
	default:
		break;
	}
}

/* A byte of a character: what does not become UTF-8 is left out. */
static void text_byte(struct lineedit *edit, uint8_t byte)
{
	if (byte < 0x80 || !is_continuation((char)byte))
		edit->partial_size = 0;
	if (!edit->partial_size && !character_size(byte))
		return;
	edit->partial[edit->partial_size++] = byte;
	if (edit->partial_size == character_size(edit->partial[0])) {
		insert(edit, (const char *)edit->partial, edit->partial_size);
		edit->partial_size = 0;
	}
}

static void plain_key(struct lineedit *edit, uint8_t key)
{
	bool after_cr = edit->after_cr;

	edit->after_cr = key == '\r';
	if (edit->searching && !search_key(edit, key))
		return;
	if (key == '\r' || (key == '\n' && !after_cr)) {
		enter(edit);
	} else if (key < ' ' || key == KEY_DEL) {
		edit->partial_size = 0;
		control_key(edit, key);
	} else {
		text_byte(edit, key);
	}
}

static void key_byte(struct lineedit *edit, uint8_t key)
{
	switch (edit->state) {
	case LINEEDIT_PLAIN:
		plain_key(edit, key);
		break;
	case LINEEDIT_ESCAPE:
		edit->parameter = 0;
		edit->state = key == '[' ? LINEEDIT_CSI : key == 'O' ? LINEEDIT_SS3 : LINEEDIT_PLAIN;
		if (edit->state == LINEEDIT_PLAIN)
			meta_key(edit, key);
		break;
	case LINEEDIT_CSI:
		if (key >= '0' && key <= '9') {
			edit->parameter = (edit->parameter * 10 + key - '0') % 1000;
		} else if (key == ';') {
			edit->parameter = 0; /* the last one counts: that with the modifiers */
		} else if (key >= '@' && key <= '~') {
			edit->state = LINEEDIT_PLAIN;
			function_key(edit, key, edit->parameter);
		} else if (key < ' ') {
			edit->state = LINEEDIT_PLAIN;
		}
		break;
	case LINEEDIT_SS3:
		edit->state = LINEEDIT_PLAIN;
		function_key(edit, key, 0);
		break;
	}
}

void lineedit_input(struct lineedit *edit, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		key_byte(edit, data[i]);
}

void lineedit_begin(struct lineedit *edit)
{
	clear_line(edit);
	edit->state = LINEEDIT_PLAIN;
	edit->partial_size = 0;
	edit->searching = edit->after_cr = false;
	show_all(edit);
}

void lineedit_init(struct lineedit *edit, const struct lineedit_owner *owner, const char *prompt)
{
	*edit = (struct lineedit){ .owner = *owner, .prompt = prompt };
}

void lineedit_free(struct lineedit *edit)
{
	for (unsigned i = 0; i < edit->history_count; i++)
		free(edit->history[i]);
	edit->history_count = 0;
}
