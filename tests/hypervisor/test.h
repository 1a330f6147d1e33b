/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What tests of the hypervisor's core begin with. */
#ifndef BIXI_HYPERVISOR_TEST_H
#define BIXI_HYPERVISOR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mock.h"

/* A computer with the hypervisor enabled. */
static inline int enabled(void **state)
{
	mock_power_on(1);
	return (int)mock_enable();
}

#endif
