/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number at the beginning of @text. */
static bool leading_number(const char *text, uint64_t *value, char **end)
{
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	/* Not by base 0: what begins with a 0 is not meant to be octal. */
	*value = strtoull(text, end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
	return errno == 0 && *end != text;
}

bool parse_number(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	unsigned shift;
	char *end;

	*value = 0;
	if (!text)
		return true;
	if (!leading_number(text, value, &end))
		return false;
	if (!*end)
		return true;
	suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (!suffix || end[1])
		return false;
	shift = 10 * (unsigned)(suffix - suffixes + 1);
	if (*value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

bool parse_range(const char *text, uint64_t limit, uint64_t *first, uint64_t *last)
{
	char *end;

	if (!leading_number(text, first, &end))
		return false;
	*last = *first;
	if (*end == '-' && !leading_number(end + 1, last, &end))
		return false;
	return !*end && *first <= *last && *last < limit;
}
