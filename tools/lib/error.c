/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *error, const char *format, ...)
{
	va_list arguments;

	error->path[0] = 0;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -1;
}

int error_at(struct error *error, const char *path, unsigned index, const char *format, ...)
{
	va_list arguments;

	snprintf(error->path, sizeof(error->path), path, index);
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -1;
}
