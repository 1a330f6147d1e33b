/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Message interrupts of CPUs that have them (Vol.1 7.6.5): they arrive in root's registers, and are put into
 * the guest's at an exit each.  The address that devices send them to names the CPU, and is physical.
 */
#include "loongarch.h"

#define NONE (UINT32_C(1) << 31)

static void message_put(unsigned vector)
{
	uint64_t bit = UINT64_C(1) << vector % 64;

	switch (vector / 64) {
	case 0:
		gcsr_change(CSR_MSGIS0, bit, bit);
		break;
	case 1:
		gcsr_change(CSR_MSGIS1, bit, bit);
		break;
	case 2:
		gcsr_change(CSR_MSGIS2, bit, bit);
		break;
	default:
		gcsr_change(CSR_MSGIS3, bit, bit);
	}
}

void messages_collect(void)
{
	uint32_t vector;

	while (!((vector = (uint32_t)csr_read(CSR_MSGIR)) & NONE))
		message_put(vector & 0xff);
	gcsr_change(CSR_ESTAT, IS_MSG, IS_MSG);
}

/* The guest's pending ones come once more, from memory so to speak. */
void messages_to_hardware(const struct cpu *cpu)
{
	uint64_t pending[] = { gcsr_swap(CSR_MSGIS0, 0), gcsr_swap(CSR_MSGIS1, 0), gcsr_swap(CSR_MSGIS2, 0),
			       gcsr_swap(CSR_MSGIS3, 0) };

	csr_write(CSR_MSGIE, gcsr_read(CSR_MSGIE));
	for (unsigned vector = 0; vector < 256; vector++)
		if (pending[vector / 64] >> vector % 64 & 1)
			hw_write(platform->cpu_doorbell | cpu->id << 12 | vector << 4, 4, 0);
}
