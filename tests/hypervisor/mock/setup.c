/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "hypervisor/core/setup.c"

#include "reload.h"

void mock_reload_setup(void)
{
	memset(&entering, 0, sizeof(entering));
	memset(&leaving, 0, sizeof(leaving));
}
