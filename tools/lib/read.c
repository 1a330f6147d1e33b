/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/read.h"

#include <stdio.h>
#include <string.h>

#include "tools/lib/model.h"

void config_locate(const struct config_file *file, struct error *error)
{
	struct error located = { 0 };

	if (file->text.size)
		error_set(&located, "%s:%u: %.255s", file->name, yaml_line(&file->text, error->path),
			  error->text);
	else
		error_set(&located, "%s: %.255s", file->name, error->text);
	*error = located;
}

/* Binaries begin with a signature of capitals; a YAML document of ours begins with no such word. */
static bool is_binary(const struct blob *file)
{
	return file->size >= 8 && (memcmp(file->data, "JH", 2) == 0 || memcmp(file->data, "RVM", 3) == 0 ||
				   memchr(file->data, 0, file->size));
}

static int read_yaml(struct config_file *file, struct error *error)
{
	struct model *model;
	int status;

	if (model_load_yaml(&model, &file->text, error)) {
		struct error located;

		error_set(&located, "%s:%.300s", file->name, error->text);
		*error = located;
		return -1;
	}
	status = model_compile(model, &file->binary, error);
	model_free(model);
	if (status)
		config_locate(file, error);
	return status;
}

int config_read(struct config_file *file, const char *name, int architecture, struct error *error)
{
	struct converted converted;
	struct blob bytes;
	int status;

	*file = (struct config_file){ .name = name };
	if (blob_read_file(&bytes, name, BLOB_FILE_MAX, error))
		return -1;
	if (!is_binary(&bytes)) {
		file->text = bytes;
		status = read_yaml(file, error);
		if (status)
			config_file_free(file);
		return status;
	}
	status = config_convert(&bytes, architecture, &converted, error);
	blob_free(&bytes);
	if (status) {
		config_locate(file, error);
		return -1;
	}
	file->binary = converted.binary;
	file->form = converted.form;
	file->trailing = converted.trailing;
	file->arch_guessed = converted.arch_guessed;
	return 0;
}

void config_file_free(struct config_file *file)
{
	blob_free(&file->text);
	blob_free(&file->binary);
}
