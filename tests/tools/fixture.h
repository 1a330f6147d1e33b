/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the tests of bixi-cell share; behind cmocka.h. */
#ifndef BIXI_TESTS_TOOLS_FIXTURE_H
#define BIXI_TESTS_TOOLS_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "tools/lib/convert.h"
#include "tools/lib/model.h"

/* The binary of a YAML text; to be freed. */
static inline struct blob compiled(const char *yaml)
{
	struct blob text = { 0 }, binary;
	struct model *model;
	struct error error;

	blob_append(&text, yaml, strlen(yaml));
	if (model_load_yaml(&model, &text, &error))
		fail_msg("%s", error.text);
	if (model_compile(model, &binary, &error))
		fail_msg("%s: %s", error.path, error.text);
	model_free(model);
	blob_free(&text);
	return binary;
}

#endif
