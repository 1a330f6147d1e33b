/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The least hypervisor, under random programs that run as a guest (docs/lvz.md): guest-physical memory is
 * physical memory, interrupts of devices go through, and an instruction that exits is skipped.
 */
#include "machine/cpu/csr.h"
#include "machine/cpu/softtlb.h"
#include "tests/jit/program.h"

enum { ZERO = 0, K0 = 12, K1 = 13 };

#define GID	   1
#define ENTRY_BITS 0x1f /* V, D, PLV3, cached */
#define WORDS	   32

static void exits(struct code_buffer *k)
{
	PUT(k, csrwr, K0, CSR_SAVE0);
	PUT(k, csrrd, K0, CSR_ERA);
	PUT(k, addi_d, K0, K0, 4);
	PUT(k, csrwr, K0, CSR_ERA);
	PUT(k, csrrd, K0, CSR_SAVE0);
	PUT(k, ertn);
}

/* Both halves of a stage-2 entry. */
static void refill(const struct program *p, struct code_buffer *k)
{
	PUT(k, csrwr, K0, CSR_TLBRSAVE);
	PUT(k, csrwr, K1, CSR_SAVE1);
	PUT(k, csrrd, K0, CSR_TLBRBADV);
	PUT(k, bstrins_d, K0, ZERO, p->page_bits, 0);
	PUT(k, ori, K0, K0, ENTRY_BITS);
	PUT(k, lu12i_w, K1, 1 << (p->page_bits - 12));
	PUT(k, add_d, K1, K1, K0);
	PUT(k, csrwr, K0, CSR_TLBRELO0);
	PUT(k, csrwr, K1, CSR_TLBRELO1);
	PUT(k, csrrd, K0, CSR_TLBREHI);
	PUT(k, addi_d, K1, ZERO, p->page_bits);
	PUT(k, bstrins_d, K0, K1, 5, 0);
	PUT(k, csrwr, K0, CSR_TLBREHI);
	PUT(k, tlbfill);
	PUT(k, csrrd, K1, CSR_SAVE1);
	PUT(k, csrrd, K0, CSR_TLBRSAVE);
	PUT(k, ertn);
}

static void put(struct rig *rig, uint64_t pa, const struct code_buffer *k)
{
	rig_write(rig, pa, k->word, k->count * 4);
}

void host_load(const struct program *p, struct rig *rig)
{
	uint32_t words[WORDS];
	struct code_buffer k = { words, 0, WORDS };

	exits(&k);
	put(rig, HOST_ENTRY, &k);
	k.count = 0;
	refill(p, &k);
	put(rig, HOST_REFILL, &k);
}

void host_enter(const struct program *p, struct cpu *cpu)
{
	const struct {
		unsigned number;
		uint64_t value;
	} csr[] = {
		{ CSR_EENTRY, UINT64_C(9) << 60 | HOST_ENTRY },
		{ CSR_TLBRENTRY, HOST_REFILL },
		{ CSR_DMW0, UINT64_C(9) << 60 | 0x11 },
		{ CSR_EUEN, 7 },
		{ CSR_STLBPS, p->page_bits },
		{ CSR_GTLBC, GTLBC_USETGID | GID << 16 },
		{ CSR_GSTAT, GID << 16 },
		{ CSR_GCFG, p->seed & 8 ? 1 << 4 | 2 << 20 : 0 }, /* MATC and GCI as KVM has them, or 0 */
		{ CSR_GINTC, 0xff00 },
		{ CSR_CRMD, CRMD_PG },
	};

	for (unsigned i = 0; i < sizeof(csr) / sizeof(*csr); i++)
		csr_write(cpu, &cpu->root, csr[i].number, csr[i].value, UINT64_MAX);
	cpu->guest_mode = true;
	cpu->csr = &cpu->guest;
	softtlb_select(cpu);
}
