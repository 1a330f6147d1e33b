/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "hypervisor/core/cell_run.c"

#include "reload.h"

void mock_reload_run(void)
{
	management_lock = (struct lock){ 0 };
	may_suspend_root = false;
}
