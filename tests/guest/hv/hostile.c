/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What root may not do: it costs the CPU that does it, and the others go on. */
#include "linux.h"

#define CPU_FAILED 2

static volatile unsigned unharmed;

static void enter(unsigned core)
{
	if (!hv_enter(core))
		__atomic_add_fetch(&unharmed, 1, __ATOMIC_SEQ_CST);
}

/* Core 1 reads, core 2 writes, core 3 executes what is the hypervisor's. */
static void trespass(void)
{
	unsigned core = (unsigned)csr_read(CSR_CPUID);

	if (core == 1)
		load64(CACHED(HV_BASE));
	else if (core == 2)
		store64(CACHED(HV_BASE + 0x4000), 0);
	else
		((void (*)(void))CACHED(HV_BASE + 0x8000))();
	__atomic_add_fetch(&unharmed, 1, __ATOMIC_SEQ_CST);
}

static void work(unsigned core)
{
	if (core)
		trespass();
}

void suite(void)
{
	uint64_t start;
	unsigned failed = 0;

	cores_init();
	hv_load();
	on_all(enter);
	check_equal(unharmed, cores, "the hypervisor takes all cores over");
	unharmed = 0;
	on_others(work);
	start = rdtime();
	while (failed != cores - 1 && rdtime() - start < SURE_TO_COME) {
		failed = 0;
		for (unsigned i = 1; i < cores; i++)
			failed += hvcl(HC_CPU_GET_INFO, i, HC_CPU_STATE) == CPU_FAILED;
	}
	check_equal(failed, cores - 1, "a CPU that touches the hypervisor's memory stops");
	check_equal(unharmed, 0, "and gets nothing out of it");
	check_equal(hvcl(HC_NOP, 0, 0), 0, "the hypervisor and the other CPU go on");
	check(cores > 1, "this was tried");
}
