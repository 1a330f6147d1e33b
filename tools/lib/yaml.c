/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Reading YAML: libcyaml does it by the schema, and says what it does not like to its log, from which the
 * first sentence and the innermost line are taken.  libyaml's document gives the lines of fields that are
 * refused later.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "tools/lib/model.h"
#include "tools/lib/number.h"

/* What libcyaml has said about a document. */
struct complaint {
	char sentence[224];
	char path[96]; /* of the field */
	unsigned line; /* the first one it named, where no document could be made */
};

static void path_prepend(struct complaint *complaint, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void path_prepend(struct complaint *complaint, const char *format, ...)
{
	char rest[sizeof(complaint->path)];
	va_list arguments;
	size_t length;

	memcpy(rest, complaint->path, sizeof(rest));
	va_start(arguments, format);
	vsnprintf(complaint->path, sizeof(complaint->path), format, arguments);
	va_end(arguments);
	length = strlen(complaint->path);
	snprintf(complaint->path + length, sizeof(complaint->path) - length, "%s%s",
		 rest[0] && rest[0] != '[' ? "." : "", rest);
}

static void path_shorten(char *path)
{
	char *dot = strrchr(path, '.');

	*(dot ? dot : path) = 0;
}

/* A line of the backtrace, which begins with the innermost part; entries are counted from 1. */
static void complaint_line(struct complaint *complaint, const char *text)
{
	const char *at = strstr(text, "line: ");
	char field[48];
	unsigned entry;

	if (at && !complaint->line)
		complaint->line = (unsigned)strtoul(at + strlen("line: "), NULL, 10);
	if (sscanf(text, " in mapping field '%47[^']", field) == 1)
		path_prepend(complaint, "%s", field);
	else if (sscanf(text, " in sequence entry '%u'", &entry) == 1)
		path_prepend(complaint, "[%u]", entry ? entry - 1 : 0);
	else if (sscanf(text, "Load: Unexpected key: %47s", field) == 1)
		path_prepend(complaint, "%s", field);
}

/* What libcyaml says of types, in the words of who writes a configuration. */
static void say(struct complaint *complaint, const char *text)
{
	static const struct {
		const char *begins, *sentence;
	} sentences[] = {
		{ "Expecting SEQUENCE", "a list is expected, [...]" },
		{ "Expecting MAPPING", "keys with values are expected, \"key: value\"" },
		{ "Expecting SCALAR", "a single value is expected" },
	};
	char value[64];

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		if (strncmp(text, sentences[i].begins, strlen(sentences[i].begins)) == 0)
			text = sentences[i].sentence;
	}
	if (sscanf(text, "Invalid %*[a-zA-Z0-9_] value: '%63[^']'", value) == 1)
		snprintf(complaint->sentence, sizeof(complaint->sentence), "%s is no value that it can have",
			 value);
	else if (strncmp(text, "STRING length", 13) == 0)
		snprintf(complaint->sentence, sizeof(complaint->sentence), "text is too long: length%s",
			 text + 13);
	else
		snprintf(complaint->sentence, sizeof(complaint->sentence), "%s", text);
	complaint->sentence[0] = (char)tolower((unsigned char)complaint->sentence[0]);
}

static void complaint_log(cyaml_log_t level, void *opaque, const char *format, va_list arguments)
{
	struct complaint *complaint = opaque;
	char text[200], *end;

	vsnprintf(text, sizeof(text), format, arguments);
	complaint_line(complaint, text);
	if (complaint->sentence[0] || strstr(text, "Backtrace"))
		return;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = 0;
	say(complaint, strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

static unsigned line_of(const struct blob *text, const struct complaint *complaint);
static int check_numbers(const struct blob *text, struct error *error);

int model_load_yaml(struct model **model, const struct blob *text, struct error *error)
{
	struct complaint complaint = { 0 };
	cyaml_config_t config = model_cyaml;
	cyaml_err_t status;

	*model = NULL;
	config.log_fn = complaint_log;
	config.log_ctx = &complaint;
	status =
		cyaml_load_data(text->data, text->size, &config, &model_schema, (cyaml_data_t **)model, NULL);
	if (status == CYAML_OK && *model) {
		if (!check_numbers(text, error))
			return 0;
		model_free(*model);
		return -1;
	}
	/* The last field that was read is not the one that is missing. */
	if (strncmp(complaint.sentence, "missing", 7) == 0)
		path_shorten(complaint.path);
	if (!complaint.sentence[0])
		snprintf(complaint.sentence, sizeof(complaint.sentence), "%s",
			 status == CYAML_OK ? "there is nothing in it" : cyaml_strerror(status));
	error_set(error, "%u: %s%s%s", line_of(text, &complaint), complaint.path,
		  complaint.path[0] ? ": " : "", complaint.sentence);
	return -1;
}

void model_free(struct model *model)
{
	cyaml_free(&model_cyaml, &model_schema, model, 0);
}

/* The value of @key in @node, a mapping; NULL: there is none. */
static yaml_node_t *child_by_key(yaml_document_t *document, const yaml_node_t *node, const char *key,
				 size_t length)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
	     pair++) {
		const yaml_node_t *name = yaml_document_get_node(document, pair->key);

		if (name->type == YAML_SCALAR_NODE && name->data.scalar.length == length &&
		    memcmp(name->data.scalar.value, key, length) == 0)
			return yaml_document_get_node(document, pair->value);
	}
	return NULL;
}

static yaml_node_t *child_by_index(yaml_document_t *document, const yaml_node_t *node, unsigned long index)
{
	if (node->type != YAML_SEQUENCE_NODE ||
	    index >= (unsigned long)(node->data.sequence.items.top - node->data.sequence.items.start))
		return NULL;
	return yaml_document_get_node(document, node->data.sequence.items.start[index]);
}

/* Goes down @path as far as it is there. */
static const yaml_node_t *node_at(yaml_document_t *document, yaml_node_t *node, const char *path)
{
	yaml_node_t *next = node;

	while (*path && next) {
		if (*path == '.') {
			path++;
		} else if (*path == '[') {
			char *end;
			unsigned long index = strtoul(path + 1, &end, 10);

			next = child_by_index(document, node, index);
			path = *end == ']' ? end + 1 : end;
		} else {
			size_t length = strcspn(path, ".[");

			next = child_by_key(document, node, path, length);
			path += length;
		}
		if (next)
			node = next;
	}
	return node;
}

/* Of a field that is a number, or a word that stands for one. */
static int check_number(const yaml_node_t *node, const cyaml_schema_value_t *value, const char *key,
			struct error *error)
{
	const char *text = (const char *)node->data.scalar.value;
	bool words = value->type != CYAML_UINT;
	uint64_t number;

	for (uint32_t i = 0; words && i < value->enumeration.count; i++) {
		if (strcmp(text, value->enumeration.strings[i].str) == 0)
			return 0;
	}
	/* Not as libcyaml, to which 4K is 4 and 010 is 8. */
	if (!isdigit((unsigned char)*text) ||
	    (parse_number(text, &number) && isxdigit((unsigned char)text[strlen(text) - 1]) &&
	     (text[0] != '0' || !isdigit((unsigned char)text[1]))))
		return 0;
	return error_set(error, "%u: %s: %s is no number: write it in decimal, or hexadecimal as 0x1000",
			 (unsigned)node->start_mark.line + 1, key, text);
}

static int check_node(yaml_document_t *document, const yaml_node_t *node, const cyaml_schema_value_t *value,
		      const char *key, struct error *error);

static int check_mapping(yaml_document_t *document, const yaml_node_t *node,
			 const cyaml_schema_field_t *fields, struct error *error)
{
	for (; fields->key; fields++) {
		const yaml_node_t *child = child_by_key(document, node, fields->key, strlen(fields->key));

		if (child && check_node(document, child, &fields->value, fields->key, error))
			return -1;
	}
	return 0;
}

/* The document is as the schema has it: libcyaml has read it. */
static int check_node(yaml_document_t *document, const yaml_node_t *node, const cyaml_schema_value_t *value,
		      const char *key, struct error *error)
{
	bool flags = value->type == CYAML_FLAGS;

	if (node->type == YAML_MAPPING_NODE && value->type == CYAML_MAPPING)
		return check_mapping(document, node, value->mapping.fields, error);
	if (node->type == YAML_SCALAR_NODE &&
	    (flags || value->type == CYAML_UINT || value->type == CYAML_ENUM))
		return check_number(node, value, key, error);
	if (node->type != YAML_SEQUENCE_NODE)
		return 0;
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		if (check_node(document, yaml_document_get_node(document, *item),
			       flags ? value : value->sequence.entry, key, error))
			return -1;
	}
	return 0;
}

static int check_numbers(const struct blob *text, struct error *error)
{
	yaml_parser_t parser;
	yaml_document_t document;
	int status = 0;

	if (!yaml_parser_initialize(&parser))
		return error_set(error, "1: there is no memory to read it");
	yaml_parser_set_input_string(&parser, text->data, text->size);
	if (yaml_parser_load(&parser, &document)) {
		status = check_node(&document, yaml_document_get_root_node(&document), &model_schema, "",
				    error);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return status;
}

/* 0: it is no YAML document. */
static unsigned find_line(const struct blob *text, const char *path)
{
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_node_t *root;
	unsigned line = 0;

	if (!yaml_parser_initialize(&parser))
		return line;
	yaml_parser_set_input_string(&parser, text->data, text->size);
	if (yaml_parser_load(&parser, &document)) {
		root = yaml_document_get_root_node(&document);
		if (root)
			line = (unsigned)node_at(&document, root, path)->start_mark.line + 1;
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return line;
}

unsigned yaml_line(const struct blob *text, const char *path)
{
	unsigned line = find_line(text, path);

	return line ? line : 1;
}

static unsigned line_of(const struct blob *text, const struct complaint *complaint)
{
	unsigned line = find_line(text, complaint->path);

	return line ? line : complaint->line ? complaint->line : 1;
}
