/* SPDX-License-Identifier: MulanPSL-2.0 */
/* In place of the architecture's header: guest ESTAT is a variable, and that is all there is. */
#ifndef BIXI_CSR_H
#define BIXI_CSR_H

#include <stdint.h>

#define CSR_ERA	  0x6
#define CSR_ESTAT 0x5
#define IS_IPI	  (1 << 12)

extern uint64_t host_estat;

uint32_t host_cpucfg(unsigned word);
#define cpucfg(word) host_cpucfg(word)

#define csr_read(n)	    UINT64_C(0)
#define csr_write(n, value) ((void)(value))
#define gcsr_change(n, value, mask)                                                                          \
	((void)(host_estat = (host_estat & ~(uint64_t)(mask)) | ((uint64_t)(value) & (mask))))

#endif
