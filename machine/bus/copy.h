/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Copies between guest RAM and the host's own memory.  Other cores and devices may access the same bytes
 * at any time; that is the guest's affair and harmless here, as nothing the machine relies on is read
 * twice from there.  ThreadSanitizer cannot know that: for it the accesses are relaxed atomics, so that
 * what it reports are the machine's own races.
 */
#ifndef BIXI_BUS_COPY_H
#define BIXI_BUS_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define COPY_ATOMIC 1
#else
#define COPY_ATOMIC 0
#endif

/* The largest unit that @host is aligned to and @size holds. */
static inline size_t copy_unit(const void *host, size_t size)
{
	size_t unit = 8;

	while ((uintptr_t)host & (unit - 1) || unit > size)
		unit /= 2;
	return unit;
}

/* From guest RAM at @host. */
static inline void copy_in(void *buf, const void *host, size_t size)
{
	uint8_t *to = buf;
	const uint8_t *from = host;

	if (!COPY_ATOMIC) {
		memcpy(buf, host, size);
		return;
	}
	while (size) {
		size_t unit = copy_unit(from, size);
		uint64_t value;

		switch (unit) {
		case 1:
			value = __atomic_load_n(from, __ATOMIC_RELAXED);
			break;
		case 2:
			value = __atomic_load_n((const uint16_t *)from, __ATOMIC_RELAXED);
			break;
		case 4:
			value = __atomic_load_n((const uint32_t *)from, __ATOMIC_RELAXED);
			break;
		default:
			value = __atomic_load_n((const uint64_t *)from, __ATOMIC_RELAXED);
		}
		memcpy(to, &value, unit);
		to += unit;
		from += unit;
		size -= unit;
	}
}

/* To guest RAM at @host. */
static inline void copy_out(void *host, const void *buf, size_t size)
{
	uint8_t *to = host;
	const uint8_t *from = buf;

	if (!COPY_ATOMIC) {
		memcpy(host, buf, size);
		return;
	}
	while (size) {
		size_t unit = copy_unit(to, size);
		uint64_t value = 0;

		memcpy(&value, from, unit);
		switch (unit) {
		case 1:
			__atomic_store_n(to, (uint8_t)value, __ATOMIC_RELAXED);
			break;
		case 2:
			__atomic_store_n((uint16_t *)to, (uint16_t)value, __ATOMIC_RELAXED);
			break;
		case 4:
			__atomic_store_n((uint32_t *)to, (uint32_t)value, __ATOMIC_RELAXED);
			break;
		default:
			__atomic_store_n((uint64_t *)to, value, __ATOMIC_RELAXED);
		}
		to += unit;
		from += unit;
		size -= unit;
	}
}

#endif
