/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Writes a configuration by its schema: first as a tree of JSON values, then that as JSON or as YAML. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tools/lib/model.h"

/* Numbers from here on are addresses, sizes, masks: people read them in hexadecimal. */
#define HEX_FROM 1024

static json_t *emit_value(const cyaml_schema_value_t *schema, const uint8_t *data, unsigned count);

static uint64_t load(const uint8_t *data, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, data, size);
	return value;
}

static json_t *emit_number(uint64_t value)
{
	return value < HEX_FROM ? json_integer((json_int_t)value)
				: json_sprintf("0x%llx", (unsigned long long)value);
}

static json_t *emit_enum(const cyaml_schema_value_t *schema, uint64_t value)
{
	for (uint32_t i = 0; i < schema->enumeration.count; i++) {
		if ((uint64_t)schema->enumeration.strings[i].val == value)
			return json_string(schema->enumeration.strings[i].str);
	}
	return emit_number(value);
}

/* The names of the bits that have one, and a number with the others. */
static json_t *emit_flags(const cyaml_schema_value_t *schema, uint64_t value)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < schema->enumeration.count; i++) {
		uint64_t flag = (uint64_t)schema->enumeration.strings[i].val;

		if ((value & flag) == flag) {
			json_array_append_new(list, json_string(schema->enumeration.strings[i].str));
			value &= ~flag;
		}
	}
	if (value)
		json_array_append_new(list, json_sprintf("0x%llx", (unsigned long long)value));
	return list;
}

static json_t *emit_sequence(const cyaml_schema_value_t *entry, const uint8_t *data, unsigned count)
{
	json_t *list = json_array();
	size_t stride = entry->flags & CYAML_FLAG_POINTER ? sizeof(void *) : entry->data_size;

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, emit_value(entry, data + i * stride, 0));
	return list;
}

static bool is_zero(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) == 0;
}

/* Whether an optional field is as if it had been left out. */
static bool is_default(const cyaml_schema_value_t *schema, const json_t *value)
{
	json_t *entry;
	size_t i;

	if (json_is_null(value))
		return true;
	if (schema->type == CYAML_SEQUENCE || schema->type == CYAML_FLAGS)
		return json_array_size(value) == 0;
	if (schema->flags & CYAML_FLAG_POINTER)
		return false; /* what was pointed to was there, whatever its value */
	if (schema->type == CYAML_MAPPING)
		return json_object_size(value) == 0;
	if (schema->type != CYAML_SEQUENCE_FIXED)
		return is_zero(value);
	json_array_foreach(value, i, entry)
	{
		if (!is_zero(entry))
			return false;
	}
	return true;
}

static json_t *emit_mapping(const cyaml_schema_field_t *field, const uint8_t *data)
{
	json_t *object = json_object();

	for (; field->key; field++) {
		unsigned count = 0;
		json_t *value;

		if (field->value.type == CYAML_SEQUENCE)
			count = (unsigned)load(data + field->count_offset, field->count_size);
		value = emit_value(&field->value, data + field->data_offset, count);
		if ((field->value.flags & CYAML_FLAG_OPTIONAL) && is_default(&field->value, value))
			json_decref(value);
		else
			json_object_set_new(object, field->key, value);
	}
	return object;
}

static json_t *emit_value(const cyaml_schema_value_t *schema, const uint8_t *data, unsigned count)
{
	if (schema->flags & CYAML_FLAG_POINTER) {
		data = (const uint8_t *)(uintptr_t)load(data, sizeof(void *));
		if (!data)
			return json_null();
	}
	switch (schema->type) {
	case CYAML_UINT:
		return emit_number(load(data, schema->data_size));
	case CYAML_ENUM:
		/* Value 0 of an optional one is as if left out, whatever its name. */
		if (!load(data, schema->data_size) && (schema->flags & CYAML_FLAG_OPTIONAL))
			return json_null();
		return emit_enum(schema, load(data, schema->data_size));
	case CYAML_FLAGS:
		return emit_flags(schema, load(data, schema->data_size));
	case CYAML_STRING:
		return json_string((const char *)data);
	case CYAML_SEQUENCE:
		return emit_sequence(schema->sequence.entry, data, count);
	case CYAML_SEQUENCE_FIXED:
		return emit_sequence(schema->sequence.entry, data, schema->sequence.max);
	case CYAML_MAPPING:
		return emit_mapping(schema->mapping.fields, data);
	default:
		return json_null(); /* the schema has no other types */
	}
}

static void print(struct blob *text, const char *string)
{
	blob_append(text, string, strlen(string));
}

static bool is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static bool is_flat(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (json_is_object(value))
			return false;
	}
	return true;
}

/* Words that YAML takes for themselves. */
static bool is_plain(const char *string)
{
	return *string &&
	       strspn(string, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._") > 0 &&
	       strspn(string, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(string);
}

static void print_flow(struct blob *text, const json_t *value);

static void print_scalar(struct blob *text, const json_t *value)
{
	char *quoted;

	if (json_is_string(value) && is_plain(json_string_value(value))) {
		print(text, json_string_value(value));
		return;
	}
	quoted = json_dumps(value, JSON_ENCODE_ANY);
	print(text, quoted);
	free(quoted);
}

static void print_flow(struct blob *text, const json_t *value)
{
	const char *key, *separator = "";
	json_t *entry;
	size_t i;

	if (is_scalar(value)) {
		print_scalar(text, value);
	} else if (json_is_array(value)) {
		print(text, "[");
		json_array_foreach((json_t *)value, i, entry)
		{
			print(text, separator);
			print_flow(text, entry);
			separator = ", ";
		}
		print(text, "]");
	} else {
		print(text, "{");
		separator = " ";
		json_object_foreach((json_t *)value, key, entry)
		{
			print(text, separator);
			print(text, key);
			print(text, ": ");
			print_flow(text, entry);
			separator = ", ";
		}
		print(text, " }");
	}
}

static void print_indent(struct blob *text, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		print(text, "  ");
}

/* A mapping in block style; lists of mappings have one a line, other lists are in flow style. */
static void print_block(struct blob *text, const json_t *object, unsigned depth)
{
	const char *key;
	json_t *value, *entry;
	size_t i;

	json_object_foreach((json_t *)object, key, value)
	{
		print_indent(text, depth);
		print(text, key);
		print(text, ":");
		if (json_is_object(value) && !(depth > 0 && is_flat(value))) {
			print(text, "\n");
			print_block(text, value, depth + 1);
			continue;
		}
		if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
			print(text, "\n");
			json_array_foreach(value, i, entry)
			{
				print_indent(text, depth + 1);
				print(text, "- ");
				print_flow(text, entry);
				print(text, "\n");
			}
			continue;
		}
		print(text, " ");
		print_flow(text, value);
		print(text, "\n");
	}
}

void model_emit(const struct model *model, bool json, struct blob *text)
{
	json_t *tree = emit_value(&model_schema, (const uint8_t *)&model, 0);

	*text = (struct blob){ 0 };
	if (json) {
		char *string = json_dumps(tree, JSON_INDENT(2));

		print(text, string);
		print(text, "\n");
		free(string);
	} else {
		print_block(text, tree, 0);
	}
	json_decref(tree);
}
