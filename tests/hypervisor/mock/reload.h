/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The image is loaded anew: what is known in one file alone becomes what it was. */
#ifndef BIXI_RELOAD_H
#define BIXI_RELOAD_H

void mock_reload_setup(void);
void mock_reload_run(void);

#endif
