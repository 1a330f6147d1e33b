/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Any bytes as a configuration of a cell or system, of any revision, or as YAML: read, checked, written as YAML,
 * read again.  What was read twice must be the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lib/check.h"
#include "tools/lib/convert.h"
#include "tools/lib/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *opaque, int severity, const struct error *finding)
{
}

static struct blob written(const struct blob *binary)
{
	struct model *model = model_from_binary(binary);
	struct blob text;

	model_emit(model, false, &text);
	model_free(model);
	return text;
}

/* The binary that @text is compiled to; false: it is refused, at a line that it has. */
static bool compile(const struct blob *text, struct blob *binary)
{
	struct model *model;
	struct error error;
	int status;

	if (model_load_yaml(&model, text, &error))
		return false;
	status = model_compile(model, binary, &error);
	if (status && yaml_line(text, error.path) < 1)
		abort();
	model_free(model);
	return status == 0;
}

static void look_at(const struct blob *binary)
{
	struct check check = { .report = ignore };
	struct blob text = written(binary), again, text_again;

	check_config(&check, binary);
	check_against_system(&check, binary, binary);
	check_two_cells(&check, binary, binary);
	/* Sets of CPUs that are too large are dumped, but not compiled. */
	if (compile(&text, &again)) {
		text_again = written(&again);
		if (text.size != text_again.size || memcmp(text.data, text_again.data, text.size) != 0) {
			fprintf(stderr, "%s\nbecame\n%s\n", text.data, text_again.data);
			abort();
		}
		blob_free(&text_again);
		blob_free(&again);
	}
	blob_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob file = { 0 }, binary;
	struct converted converted;
	struct error error;

	blob_append(&file, data, size);
	if (!config_convert(&file, -1, &converted, &error)) {
		look_at(&converted.binary);
		blob_free(&converted.binary);
	} else if (compile(&file, &binary)) {
		look_at(&binary);
		blob_free(&binary);
	}
	blob_free(&file);
	return 0;
}
