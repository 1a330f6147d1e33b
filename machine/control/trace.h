/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Writing trace events (bus/trace.h) as text or as Chrome/Perfetto JSON. */
#ifndef BIXI_CONTROL_TRACE_H
#define BIXI_CONTROL_TRACE_H

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "machine/bus/clock.h"
#include "machine/bus/trace.h"
#include "machine/cpu/cpu.h"

/* A stretch of a core's time in guest or in root mode. */
struct trace_slice {
	uint64_t since;	    /* ns */
	bool known, guest;  /* known: an entry or an exit has been seen */
	uint64_t gid;	    /* guest: which one */
	const char *reason; /* root: what led out of the guest */
};

struct trace_writer {
	struct trace trace;	   /* what the machine is given */
	const struct clock *clock; /* time stamps; set before events are enabled */
	FILE *file;
	bool json;
	uint64_t count;
	struct trace_slice slice[CPU_MAX]; /* what each core does, JSON */
	pthread_mutex_t lock;		   /* protects: file, count, slice */
};

/* The name of an event as users give it. */
const char *trace_event_name(enum trace_event event);

/* The events that the @length characters at @name stand for, 0 if they are no event's name. */
unsigned trace_events_by_name(const char *name, size_t length);

/*
 * Opens the writer for @events (bits); a @path ending in .json gets JSON, NULL means standard error.
 * Returns 0 or a negative errno.
 */
int trace_writer_open(struct trace_writer *writer, unsigned events, const char *path);

/* From now on events are written. */
void trace_writer_start(struct trace_writer *writer, unsigned events, const struct clock *clock);

/* Completes and closes the file; returns 0 or a negative errno if anything could not be written. */
int trace_writer_close(struct trace_writer *writer);

#endif
