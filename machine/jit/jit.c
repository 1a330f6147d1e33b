/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The translator as a whole (jit.h). */
#include "machine/jit/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/jit/check.h"
#include "machine/jit/run.h"

bool jit_supported(void)
{
	return x86_host_is_v3();
}

/* A page of RAM that code was translated from is being written. */
static void code_written(void *opaque, size_t ram_page)
{
	struct jit *jit = opaque;
	const uint8_t *host = jit->group->cpu[0]->bus->ram + ram_page * BUS_PAGE_SIZE;

	pthread_mutex_lock(&jit->lock);
	cache_kill_pages(jit, host, BUS_PAGE_SIZE);
	jit->stats.pages_written++;
	pthread_mutex_unlock(&jit->lock);
}

int jit_create(struct cpu_group *group, const struct jit_options *options, char *error, size_t error_size)
{
	struct jit *jit;
	int err;

	if (!jit_supported()) {
		snprintf(error, error_size,
			 "the translator needs a processor of x86-64-v3; give --engine interp");
		return -ENOTSUP;
	}
	jit = calloc(1, sizeof(*jit));
	if (!jit) {
		snprintf(error, error_size, "no memory for the translator");
		return -ENOMEM;
	}
	jit->group = group;
	jit->options = *options;
	jit->counts = calloc(CPU_MAX, sizeof(*jit->counts));
	jit->page_bits = SOFTTLB_BITS_MIN;
	pthread_mutex_init(&jit->lock, NULL);
	lanes_create(jit);
	isa_init();
	err = jit->counts ? cache_create(jit) : -ENOMEM;
	if (!err && options->check)
		err = check_create(jit);
	group->llsc_compares = !options->strict_llsc;
	group->translator = (struct translator){ options->check ? check_run : jit_run, jit };
	if (err) {
		snprintf(error, error_size, "the translator cannot have its memory%s: %s",
			 options->perf_map ? ", or /tmp/perf-PID.map" : "", strerror(-err));
		jit_destroy(group);
		return err;
	}
	group->code_opaque = jit;
	group->code_written = code_written;
	return 0;
}

void jit_destroy(struct cpu_group *group)
{
	struct jit *jit = group->translator.jit;

	if (!jit)
		return;
	cache_destroy(jit);
	check_destroy(jit);
	free(jit->counts);
	lanes_destroy(jit);
	pthread_mutex_destroy(&jit->lock);
	free(jit);
	group->translator = (struct translator){ 0 };
	group->code_written = NULL;
}

void jit_print_dump(const struct cpu_group *group, FILE *file)
{
	dump_print(group->translator.jit, 0, UINT32_MAX, file);
}
