/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Watchpoints (Vol.1 7.8), by which debuggers also make single steps.  The processor has them once, so they
 * are root's; fields that a guest does not see say that they are for guest mode, and there for root's guest
 * ID: neither the hypervisor nor other cells meet them.  Hits lead here, and are passed on.
 */
#include "loongarch.h"

#define WATCHPOINTS   0x3f /* of MWPC and FWPC: how many there are */
#define FETCH	      0x80 /* what registers for fetches are away from those for loads and stores */
#define FIRST	      0x10 /* the first one's registers, from MWPC or FWPC on; each has 8 numbers */
#define STATUS	      1	   /* MWPS and FWPS */
#define SKIP	      (UINT64_C(1) << 16)
#define CFG3	      2
#define CFG4	      3
#define CFG3_GMOD     0x60
#define CFG3_IN_GUEST 0x20
#define CFG4_GID      0xff0000
#define ESUBCODE      (UINT64_C(0x1ff) << 22)

uint64_t debug_csr_exchange(uint64_t value, uint64_t mask, unsigned number);

uint64_t watch_exchange(unsigned number, uint64_t value, uint64_t mask)
{
	unsigned field = (number & (FETCH - 1)) >= FIRST ? number & 7 : 0;
	uint64_t hidden = field == CFG3 ? CFG3_GMOD : field == CFG4 ? CFG4_GID : 0;

	return debug_csr_exchange(value, mask & ~hidden, number) & ~hidden;
}

static void watchpoints_belong(uint64_t mode, uint64_t gid)
{
	for (unsigned first = CSR_MWPC; first <= CSR_MWPC + FETCH; first += FETCH) {
		unsigned count = debug_csr_exchange(0, 0, first) & WATCHPOINTS;

		for (unsigned n = 0; n < count; n++) {
			debug_csr_exchange(mode, CFG3_GMOD, first + FIRST + 8 * n + CFG3);
			debug_csr_exchange(gid, CFG4_GID, first + FIRST + 8 * n + CFG4);
		}
	}
}

void watch_to_guest(void)
{
	watchpoints_belong(CFG3_IN_GUEST, UINT64_C(1) << GID_SHIFT);
}

void watch_to_root(void)
{
	watchpoints_belong(0, 0);
}

/* Root's CRMD.WE is always set while a guest runs; a guest that has its own not set goes on behind the hit.
 */
void watch_hit(uint64_t estat, uint32_t insn)
{
	if (!(gcsr_read(CSR_CRMD) & CRMD_WE)) {
		debug_csr_exchange(SKIP, SKIP, (estat & ESUBCODE ? CSR_MWPC : CSR_FWPC) + STATUS);
		return;
	}
	exception_inject(ECODE_WPE, insn);
	gcsr_change(CSR_ESTAT, estat & ESUBCODE, ESUBCODE);
	gcsr_write(CSR_BADV, csr_read(CSR_BADV));
}
