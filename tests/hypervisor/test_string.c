/* SPDX-License-Identifier: MulanPSL-2.0 */
/* hypervisor/core/string.c under other names, as this program has a C library; and the text of console.c. */
#include "test.h"

#define memset hv_memset
#define memcpy hv_memcpy
#define memcmp hv_memcmp
#define strlen hv_strlen
void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
#include "hypervisor/core/string.c"
#undef memset
#undef memcpy
#undef memcmp
#undef strlen

static void memory_is_set_at_any_alignment(void **state)
{
	uint8_t buffer[128], expected[128];

	for (unsigned begin = 0; begin < 10; begin++)
		for (unsigned size = 0; size < 100; size++) {
			memset(buffer, 0x55, sizeof(buffer));
			memset(expected, 0x55, sizeof(expected));
			memset(expected + begin, 0xc3, size);
			assert_ptr_equal(hv_memset(buffer + begin, 0xfc3, size), buffer + begin);
			assert_memory_equal(buffer, expected, sizeof(buffer));
		}
}

static void memory_is_copied_at_any_alignment(void **state)
{
	uint8_t from[128], buffer[128], expected[128];

	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 7);
	for (unsigned shape = 0; shape < 64; shape++)
		for (unsigned size = 0; size < 100; size++) {
			memset(buffer, 0x55, sizeof(buffer));
			memset(expected, 0x55, sizeof(expected));
			memcpy(expected + shape % 8, from + shape / 8, size);
			hv_memcpy(buffer + shape % 8, from + shape / 8, size);
			assert_memory_equal(buffer, expected, sizeof(buffer));
		}
}

static void memory_is_compared_as_bytes(void **state)
{
	assert_int_equal(hv_memcmp("abc", "abd", 2), 0);
	assert_true(hv_memcmp("abc", "abd", 3) < 0);
	assert_true(hv_memcmp("\xff", "\x01", 1) > 0);
	assert_int_equal(hv_memcmp("a", "b", 0), 0);
	assert_int_equal(hv_strlen(""), 0);
	assert_int_equal(hv_strlen("four"), 4);
}

static __attribute__((format(printf, 2, 3))) void format(const char *expected, const char *text, ...)
{
	char buffer[24];
	va_list arguments;

	va_start(arguments, text);
	hv_format(buffer, sizeof(buffer), text, arguments);
	va_end(arguments);
	assert_string_equal(buffer, expected);
}

static void formats_are_those_of_printf(void **state)
{
	format("plain %", "plain %%");
	format("s=text c=x", "s=%s c=%c", "text", 'x');
	format("-5 5 4294967295", "%d %u %u", -5, 5u, ~0u);
	format("-9223372036854775808", "%ld", INT64_MIN);
	format("dead 0000beef", "%x %08x", 0xdeadu, 0xbeefu);
	format("ffffffffffffffff", "%lx", UINT64_MAX);
	format("1234567890123", "%llu", 1234567890123ull);
	format("[   7][007][-07][ -7]", "[%4u][%03u][%03d][%3d]", 7u, 7u, -7, -7);
	format("[ab   ]", "[%5s]", "ab"); /* left, unlike printf's */
	format("0", "%x", 0u);
	format("cut here, at the end, w", "%s", "cut here, at the end, without mercy");
}

static void a_console_keeps_the_newest(void **state)
{
	static struct console console;
	char text[CONSOLE_BYTES];
	uint32_t lost;

	for (unsigned i = 0; i < CONSOLE_BYTES + 10; i++)
		console_put(&console, (char)i);
	assert_false(console_put_if_room(&console, 'x'));
	assert_int_equal(console_get(&console, text, 5, &lost), 5);
	assert_int_equal(lost, 10);
	assert_int_equal(text[0], 10);
	assert_true(console_put_if_room(&console, 'x'));
	assert_int_equal(console_get(&console, text, sizeof(text), &lost), CONSOLE_BYTES - 4);
	assert_int_equal(lost, 0);
	assert_int_equal(text[CONSOLE_BYTES - 5], 'x');
	assert_false(console_has_text(&console));
	assert_int_equal(console_get(&console, text, sizeof(text), &lost), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_set_at_any_alignment),
		cmocka_unit_test(memory_is_copied_at_any_alignment),
		cmocka_unit_test(memory_is_compared_as_bytes),
		cmocka_unit_test(formats_are_those_of_printf),
		cmocka_unit_test(a_console_keeps_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
