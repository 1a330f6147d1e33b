/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Any bytes as a configuration of a cell or system, of any revision, or as YAML: read, checked, written as
 * YAML. What is compiled, written as YAML and compiled again must be the same: only padding is lost, and at
 * once.
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
	struct blob text = written(binary), first, second;

	check_config(&check, binary);
	if (config_is_system(binary))
		check_against_system(&check, binary, binary);
	check_two_cells(&check, binary, binary);
	/* Sets of CPUs that are too large are dumped, but not compiled. */
	if (compile(&text, &first)) {
		struct blob again = written(&first);

		if (!compile(&again, &second) || first.size != second.size ||
		    memcmp(first.data, second.data, first.size) != 0) {
			fprintf(stderr, "it changed, or does not compile:\n%s", again.data);
			abort();
		}
		blob_free(&again);
		blob_free(&first);
		blob_free(&second);
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
