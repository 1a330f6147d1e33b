/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What tests of the hypervisor's core begin with. */
#ifndef BIXI_HYPERVISOR_TEST_H
#define BIXI_HYPERVISOR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

/* A computer with the hypervisor enabled. */
static inline int enabled(void **state)
{
	mock_power_on(1);
	return (int)mock_enable();
}

/* Of a test with random operations: $SEED, or always the same; printed, so that a failure can be repeated. */
static inline uint64_t test_seed(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	printf("SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

#endif
