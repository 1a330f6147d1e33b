/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Parsing the command line of "bixi run" by the table in options.def. */
#include "machine/control/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/gdb.h"
#include "machine/control/disks.h"
#include "machine/control/network.h"
#include "machine/control/shares.h"
#include "machine/control/trace.h"
#include "machine/jit/jit.h"
#include "machine/jit/x86.h"

enum option_id {
#define OPTION(id, letter, word, argument, help) OPTION_##id,
#include "machine/control/options.def"
#undef OPTION
};

static const struct option_row {
	char letter;
	const char *word, *argument, *help;
} option_table[] = {
#define OPTION(id, letter, word, argument, help) [OPTION_##id] = { letter, word, argument, help },
#include "machine/control/options.def"
#undef OPTION
};

#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

int usage_error(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "bixi: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	return EXIT_STATUS_USAGE;
}

void options_help(void)
{
	printf("usage: bixi run -k KERNEL|-b FIRMWARE [OPTION]...\n\n");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_table[i];
		char name[64];

		snprintf(name, sizeof(name), "%s%c%s%s%s%s%s", row->letter ? "-" : "",
			 row->letter ? row->letter : ' ', row->letter && row->word ? ", " : "",
			 row->word ? "--" : "", row->word ? row->word : "",
			 row->argument && row->argument[0] != '[' ? " " : "",
			 row->argument ? row->argument : "");
		printf("  %-30s %s\n", row->letter ? name : name + 1, row->help);
	}
	printf("\nThe guest's power-off leaves with status 0, a reboot under --no-reboot with 3, a mistake "
	       "on the\n"
	       "command line or in a file with 2.  Ctrl-a h lists the escape keys of a terminal.\n");
}

/* A decimal number that is all of @text; false if it is none or above @max. */
static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value <= max;
}

static int parse_cpus(struct run_options *options, const char *text)
{
	uint64_t n;

	if (!parse_number(text, CPU_MAX, &n) || !n)
		return usage_error("-c %s: give a number of cores from 1 to %d", text, CPU_MAX);
	options->cpus = (unsigned)n;
	return -1;
}

#define RAM_MIN (UINT64_C(64) << 20)
#define RAM_MAX (UINT64_C(1) << 40)

static int parse_memory(struct run_options *options, const char *text)
{
	size_t length = strlen(text);
	char suffix = length ? text[length - 1] : 0;
	unsigned shift = 20;
	char digits[24];
	uint64_t n;

	if (suffix == 'G' || suffix == 'g')
		shift = 30;
	if (suffix == 'G' || suffix == 'g' || suffix == 'M' || suffix == 'm')
		length--;
	if (length < sizeof(digits)) {
		memcpy(digits, text, length);
		digits[length] = 0;
		if (parse_number(digits, RAM_MAX >> shift, &n) && n << shift >= RAM_MIN) {
			options->ram_size = n << shift;
			return -1;
		}
	}
	return usage_error("-m %s: give the RAM in MiB or with suffix M or G, from 64M to 1024G", text);
}

static int parse_cpu_model(struct run_options *options, const char *text)
{
	if (cpu_model_parse(&options->cpu, text))
		return -1;
	return usage_error("--cpu %s: the models are la464, la664 and max, the keys lvz=on and lvz=off",
			   text);
}

static int parse_machine(struct run_options *options, const char *text)
{
	options->machine = text;
	return strcmp(text, "virt") == 0 ? -1 : usage_error("-M %s: the only machine type is virt", text);
}

bool place_option_take(struct place_option *place, const char *key)
{
	if (strcmp(key, "bus=mmio") == 0 || strcmp(key, "bus=pci") == 0)
		place->mmio = key[4] == 'm';
	else if (strcmp(key, "packed=on") == 0 || strcmp(key, "packed=off") == 0)
		place->packed = key[8] == 'n';
	else
		return false;
	return true;
}

static int parse_firmware(struct run_options *options, const char *text)
{
	static const char key[] = ",vars=";
	char *vars;

	free(options->firmware);
	options->vars = NULL;
	options->firmware = strdup(text);
	if (!options->firmware)
		return usage_error("-b %s: out of memory", text);
	vars = strstr(options->firmware, key);
	if (vars) {
		*vars = 0;
		options->vars = vars + strlen(key);
	}
	if (!*options->firmware || (vars && !*options->vars))
		return usage_error("-b %s: the file name is missing", text);
	return -1;
}

static int parse_serial(struct run_options *options, const char *text)
{
	if (options->serial_count == OPTIONS_MAX_SERIALS)
		return usage_error("--serial %s: the machine has %d UARTs", text, OPTIONS_MAX_SERIALS);
	options->serial[options->serial_count++] = text;
	return -1;
}

static int parse_console(struct run_options *options, const char *text)
{
	char *comma;

	free(options->console);
	options->console = strdup(text);
	options->console_place = (struct place_option){ 0 };
	if (!options->console)
		return usage_error("--console %s: out of memory", text);
	while ((comma = strrchr(options->console, ',')) &&
	       place_option_take(&options->console_place, comma + 1))
		*comma = 0;
	return -1;
}

static int parse_rng(struct run_options *options, const char *text)
{
	char keys[64], *rest = keys, *key;

	options->rng = true;
	options->rng_place = (struct place_option){ 0 };
	snprintf(keys, sizeof(keys), "%s", text ? text : "");
	while ((key = strsep(&rest, ",")) && *key)
		if (!place_option_take(&options->rng_place, key))
			return usage_error(
				"--rng=%s: the keys are bus=pci, bus=mmio, packed=on and packed=off", text);
	return -1;
}

/* EVENTS[,FILE]: comma-separated event names; what is none of them must come last and is the file. */
static int parse_trace(struct run_options *options, const char *text)
{
	const char *item = text;

	while (*item) {
		size_t length = strcspn(item, ",");
		unsigned events = trace_events_by_name(item, length);

		if (!events)
			break;
		options->trace_events |= events;
		item += length;
		item += *item == ',';
	}
	if (!options->trace_events)
		return usage_error(
			"--trace %s: name exception, interrupt, tlb, device, csr, vmexit or all first", text);
	free(options->trace_file);
	options->trace_file = *item ? strdup(item) : NULL;
	return -1;
}

static int parse_gdb(struct run_options *options, const char *text)
{
	uint64_t port;

	if (!parse_number(text, UINT16_MAX, &port))
		return usage_error("--gdb %s: give a port from 0 to 65535", text);
	options->gdb = true;
	options->gdb_port = (uint16_t)port;
	return -1;
}

/* @source is what named the engine. */
static int parse_engine(struct run_options *options, const char *source, const char *text)
{
	if (strcmp(text, "jit") == 0)
		options->engine = ENGINE_JIT;
	else if (strcmp(text, "interp") == 0)
		options->engine = ENGINE_INTERP;
	else if (strcmp(text, "check") == 0)
		options->engine = ENGINE_CHECK;
	else
		return usage_error("%s %s: the engines are jit, interp and check", source, text);
	return -1;
}

/* Says which names there are. */
static int refuse_host_feature(const char *text)
{
	char names[256] = "";

	for (const struct x86_feature_name *row = x86_feature_names; row->name; row++) {
		strcat(names, row == x86_feature_names ? "" : ", ");
		strcat(names, row->name);
	}
	return usage_error("--host-features %s: all, none, or some of %s are meant", text, names);
}

static int parse_host_features(struct run_options *options, const char *text)
{
	const uint32_t host = x86_host_features();
	const char *item = text;
	size_t length;

	options->host_features = strcmp(text, "all") == 0 ? host : 0;
	if (strcmp(text, "all") == 0 || strcmp(text, "none") == 0)
		return -1;
	do {
		const struct x86_feature_name *row = x86_feature_names;

		length = strcspn(item, ",");
		while (row->name && (strlen(row->name) != length || strncmp(row->name, item, length)))
			row++;
		if (!row->name)
			return refuse_host_feature(text);
		if (!(host & row->feature))
			return usage_error("--host-features %s: this host has no %s", text, row->name);
		options->host_features |= row->feature;
		item += length + 1;
	} while (item[-1]);
	return -1;
}

static int parse_llsc(struct run_options *options, const char *text)
{
	options->strict_llsc = strcmp(text, "strict") == 0;
	if (!options->strict_llsc && strcmp(text, "compare"))
		return usage_error("--llsc %s: strict or compare is meant", text);
	return -1;
}

/* Hexadecimal addresses, 0x or not. */
static int parse_jit_dump(struct run_options *options, const char *text)
{
	const char *item = text;
	char *end;

	do {
		if (options->jit_dump_count == OPTIONS_MAX_DUMPS)
			return usage_error("--jit-dump %s: %d addresses at most", text, OPTIONS_MAX_DUMPS);
		errno = 0;
		options->jit_dump[options->jit_dump_count++] = strtoull(item, &end, 16);
		if (errno || end == item || *item == '-' || (*end && *end != ','))
			return usage_error("--jit-dump %s: give hexadecimal addresses of guest code", text);
		item = end + 1;
	} while (*end);
	return -1;
}

/* Options about translated code.  -1: go on, else exit status. */
static int jit_option_apply(struct run_options *options, enum option_id id, const char *argument)
{
	options->jit_option = options->engine_option = option_table[id].word;
	switch (id) {
	case OPTION_HOST_FEATURES:
		return parse_host_features(options, argument);
	case OPTION_LLSC:
		return parse_llsc(options, argument);
	case OPTION_JIT_DUMP:
		return parse_jit_dump(options, argument);
	case OPTION_JIT_STATS:
		options->jit_stats = true;
		return -1;
	default:
		options->perf_map = true;
		return -1;
	}
}

/* Acts on one option.  -1: go on, else exit status. */
static int option_apply(struct run_options *options, enum option_id id, const char *argument)
{
	switch (id) {
	case OPTION_KERNEL:
		options->kernel = argument;
		return -1;
	case OPTION_INITRD:
		options->initrd = argument;
		return -1;
	case OPTION_FIRMWARE:
		return parse_firmware(options, argument);
	case OPTION_APPEND:
		options->append = argument;
		return -1;
	case OPTION_CPUS:
		return parse_cpus(options, argument);
	case OPTION_MEMORY:
		return parse_memory(options, argument);
	case OPTION_MACHINE:
		return parse_machine(options, argument);
	case OPTION_CPU:
		return parse_cpu_model(options, argument);
	case OPTION_DISK:
		return disk_parse(options, argument);
	case OPTION_SHARE:
		return share_parse(options, argument);
	case OPTION_NET:
		return network_parse(options, argument);
	case OPTION_SERIAL:
		return parse_serial(options, argument);
	case OPTION_CONSOLE:
		return parse_console(options, argument);
	case OPTION_RNG:
		return parse_rng(options, argument);
	case OPTION_MONITOR:
		options->monitor = argument;
		return -1;
	case OPTION_QMP:
		options->qmp = argument;
		return -1;
	case OPTION_GRAPHICS:
		return usage_error(
			"-g: graphics come in a later version; use the serial console, which is this "
			"terminal without -g");
	case OPTION_LOAD:
		options->load = argument;
		return -1;
	case OPTION_GDB_WAIT:
		options->gdb = options->gdb_wait = true;
		return -1;
	case OPTION_GDB_OPEN:
		options->gdb = true;
		return -1;
	case OPTION_GDB:
		return parse_gdb(options, argument);
	case OPTION_ENGINE:
		options->engine_option = option_table[id].word;
		return parse_engine(options, "--engine", argument);
	case OPTION_HOST_FEATURES:
	case OPTION_LLSC:
	case OPTION_JIT_STATS:
	case OPTION_JIT_DUMP:
	case OPTION_PERF_MAP:
		return jit_option_apply(options, id, argument);
	case OPTION_DETERMINISTIC:
		options->deterministic = true;
		return -1;
	case OPTION_NO_REBOOT:
		options->no_reboot = true;
		return -1;
	case OPTION_TRACE:
		return parse_trace(options, argument);
	case OPTION_STATS:
		options->stats = true;
		return -1;
	case OPTION_QEMU:
		options->qemu = argument;
		return -1;
	case OPTION_HELP:
		options_help();
		return EXIT_STATUS_OK;
	}
	return -1;
}

/* The row that @arg names, or NULL; *inline_argument is what follows "-kFILE" or "--cpu=NAME". */
static const struct option_row *option_find(const char *arg, const char **inline_argument)
{
	*inline_argument = NULL;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_table[i];
		size_t length = row->word ? strlen(row->word) : 0;

		if (row->letter && arg[0] == '-' && arg[1] == row->letter) {
			if (arg[2] && !row->argument)
				continue;
			*inline_argument = arg[2] ? arg + 2 : NULL;
			return row;
		}
		if (length && strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, row->word, length) == 0 &&
		    (!arg[2 + length] || (arg[2 + length] == '=' && row->argument))) {
			*inline_argument = arg[2 + length] ? arg + 3 + length : NULL;
			return row;
		}
	}
	return NULL;
}

/* The engine is known now: -1 if it goes with the other options, else exit status. */
static int settle_engine(struct run_options *options)
{
	const char *wanted = getenv("BIXI_ENGINE");

	if (options->engine == ENGINE_BEST && wanted && parse_engine(options, "BIXI_ENGINE", wanted) >= 0)
		return EXIT_STATUS_USAGE;
	if (options->engine == ENGINE_BEST)
		options->engine = jit_supported() ? ENGINE_JIT : ENGINE_INTERP;
	if (options->engine == ENGINE_INTERP && options->jit_option && !options->qemu)
		return usage_error("--%s: the reference engine translates nothing; give --engine jit",
				   options->jit_option);
	if (options->engine == ENGINE_CHECK)
		options->deterministic = true;
	return -1;
}

int options_parse(struct run_options *options, int argc, char **argv)
{
	*options = (struct run_options){
		.append = "",
		.cpus = 1,
		.ram_size = UINT64_C(1) << 30,
		.machine = "virt",
		.cpu = *cpu_model_find("max"),
		.gdb_port = GDB_PORT,
		.host_features = x86_host_features(),
	};
	for (int i = 0; i < argc; i++) {
		const char *argument;
		const struct option_row *row = option_find(argv[i], &argument);
		int status;

		if (!row)
			return usage_error("%s is not an option of bixi run; see bixi run -h", argv[i]);
		if (row->argument && !argument && row->argument[0] != '[') {
			if (i + 1 == argc)
				return usage_error("%s needs its argument %s", argv[i], row->argument);
			argument = argv[++i];
		}
		status = option_apply(options, (enum option_id)(row - option_table), argument);
		if (status >= 0)
			return status;
	}
	if (!options->kernel && !options->firmware && !options->load)
		return usage_error(
			"no kernel: give one with -k FILE, or firmware with -b FILE; see bixi run -h");
	if (!options->kernel && options->initrd)
		return usage_error("-i %s: an initrd needs a kernel, -k FILE", options->initrd);
	if (!options->kernel && *options->append)
		return usage_error("-a %s: a command line needs a kernel, -k FILE", options->append);
	if (!options->serial_count)
		options->serial[options->serial_count++] = "stdio";
	return settle_engine(options);
}

void options_free(struct run_options *options)
{
	for (unsigned i = 0; i < options->disk_count; i++)
		free(options->disk[i].file);
	for (unsigned i = 0; i < options->share_count; i++)
		free(options->share[i].folder);
	for (unsigned i = 0; i < options->net_count; i++)
		free(options->net[i].spec);
	free(options->firmware);
	free(options->console);
	free(options->trace_file);
}
