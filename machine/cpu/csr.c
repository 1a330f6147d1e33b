/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Access to the control and status registers, Vol.1 7.2: csr.def with the functions of those rows that
 * do more than hold a value.
 */
#include <string.h>
#include <strings.h>

#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

/* Reading. */

#define csr_read_plain NULL

/* What software has seen pending is pending. */
static uint64_t csr_read_estat(struct cpu *cpu, const struct csr_file *file)
{
	timer_look(cpu, csr_mode(cpu, file));
	return cpu_estat_noticed(cpu, csr_mode(cpu, file));
}

/* The directory for the bad address of the exception at hand. */
static uint64_t csr_read_pgd(struct cpu *cpu, const struct csr_file *file)
{
	return mmu_directory(file, file->tlbrera & TLBRERA_ISTLBR ? file->tlbrbadv : file->badv);
}

static uint64_t csr_read_tval(struct cpu *cpu, const struct csr_file *file)
{
	const uint64_t value = timer_value(cpu, csr_mode(cpu, file));

	/* Afterwards, so that an expiry that the value shows has been noticed. */
	timer_poll(cpu, csr_mode(cpu, file));
	return value;
}

static uint64_t csr_read_llbctl(struct cpu *cpu, const struct csr_file *file)
{
	return file->llbctl | (reserve_stands(cpu, csr_mode(cpu, file)) ? LLBCTL_ROLLB : 0);
}

#define CSR_READ_MSGIS(n)                                                                                    \
	static uint64_t csr_read_msgis##n(struct cpu *cpu, const struct csr_file *file)                      \
	{                                                                                                    \
		return message_pending(cpu, csr_mode(cpu, file), n);                                         \
	}
CSR_READ_MSGIS(0)
CSR_READ_MSGIS(1)
CSR_READ_MSGIS(2)
CSR_READ_MSGIS(3)

#define MSGIR_NULL (UINT64_C(1) << 31)

/* Reading takes the message: its pending bit is cleared. */
static uint64_t csr_read_msgir(struct cpu *cpu, const struct csr_file *file)
{
	int vector = message_take(cpu, csr_mode(cpu, file));

	return vector < 0 ? MSGIR_NULL : (uint64_t)vector;
}

#define CSR_READ_PMCNT(n)                                                                                    \
	static uint64_t csr_read_pmcnt##n(struct cpu *cpu, const struct csr_file *file)                      \
	{                                                                                                    \
		return pmu_count(cpu, csr_mode(cpu, file), n);                                               \
	}
CSR_READ_PMCNT(0)
CSR_READ_PMCNT(1)
CSR_READ_PMCNT(2)
CSR_READ_PMCNT(3)

/* Writing. */

#define csr_write_plain NULL

/* The value is all, but interrupts or units enabled may have changed: the instruction ends with STATE. */
static void csr_write_state(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			    uint64_t ones)
{
	*reg = value;
}

static void csr_write_crmd(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			   uint64_t ones)
{
	pmu_sync(cpu);
	*reg = value;
	pmu_select(cpu);
	softtlb_select(cpu);
}

static void csr_write_asid(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			   uint64_t ones)
{
	*reg = value;
	softtlb_select(cpu);
}

/* How many counters are the guest's decides what counts. */
static void csr_write_gcfg(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			   uint64_t ones)
{
	pmu_sync(cpu);
	*reg = value;
	pmu_select(cpu);
}

/* Registers that translation depends on and that hardly ever change. */
static void csr_write_mode(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			   uint64_t ones)
{
	if (*reg == value)
		return;
	*reg = value;
	softtlb_flush_mode(cpu, csr_mode(cpu, file));
	softtlb_select(cpu);
}

/* [63:VALEN] read as a sign extension of VPPN. */
static void csr_write_tlbehi(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			     uint64_t ones)
{
	*reg = (uint64_t)((int64_t)(value << (64 - VALEN)) >> (64 - VALEN));
}

static void csr_write_stlbps(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			     uint64_t ones)
{
	if (!(cpu->model->prcfg2 >> (value & 31) & 1) || value >= 32)
		return;
	*reg = value;
	/* A guest's pages are cut into root's in any case. */
	if (csr_mode(cpu, file) == CPU_ROOT)
		softtlb_want_pages(cpu, (unsigned)value, false);
}

static void csr_write_tcfg(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			   uint64_t ones)
{
	timer_stop(cpu, csr_mode(cpu, file));
	*reg = value;
	timer_configure(cpu, csr_mode(cpu, file));
}

/* Only root can, in the guest's file. */
static void csr_write_tval(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			   uint64_t ones)
{
	timer_poll(cpu, csr_mode(cpu, file));
	timer_set_value(cpu, csr_mode(cpu, file), value);
}

static void csr_write_ticlr(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			    uint64_t ones)
{
	timer_poll(cpu, csr_mode(cpu, file));
	if (ones)
		file->estat &= ~ESTAT_TI;
}

static void csr_write_llbctl(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			     uint64_t ones)
{
	*reg = value & LLBCTL_KLO;
	if (ones & LLBCTL_WCLLB)
		reserve_clear(cpu, csr_mode(cpu, file));
}

static void csr_write_pmcfg(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			    uint64_t ones)
{
	pmu_sync(cpu);
	*reg = value;
	pmu_configure(cpu);
}

static void csr_write_pmcnt(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			    uint64_t ones)
{
	pmu_sync(cpu);
	*reg = value;
}

#define WPS_SKIP (UINT64_C(1) << 16)

/* Hit bits are cleared by writing ones, Skip is an ordinary bit. */
static void csr_write_wps(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			  uint64_t ones)
{
	*reg = (*reg & ~ones & ~WPS_SKIP) | (value & WPS_SKIP);
}

#define WPCFG3_DMONLY UINT64_C(1)

/*
 * MWPnCFGm and FWPnCFGm: m = 1-4 at the numbers 8k to 8k + 3.  What debug mode has reserved (DMOnly) only
 * debug mode changes.
 */
static void csr_write_watch(struct cpu *cpu, struct csr_file *file, uint64_t *reg, uint64_t value,
			    uint64_t ones)
{
	unsigned m = csr_info[reg - file->value].number & 7;
	const uint64_t *cfg3 = reg - m + 2;

	if (!(file->dbg & DBG_DST)) {
		if (*cfg3 & WPCFG3_DMONLY)
			return;
		if (reg == cfg3)
			value &= ~WPCFG3_DMONLY;
	}
	*reg = value;
	watch_update(cpu);
	softtlb_flush_all(cpu);
	softtlb_select(cpu);
}

const struct csr_info csr_info[CSR_SLOT_COUNT] = {
#define CSR(number, name, field, width, reset, mask, read, write, need, guest, more)                         \
	{ #name, number, width, CSR_NEED_##need, CSR_GUEST_##guest,                                          \
	  reset, mask,	 more,	csr_read_##read, csr_write_##write },
#include "machine/cpu/csr.def"
#undef CSR
};

#define CSR_NUMBERS 0x503

/* Slot + 1 of each number, 0 for a number without a row. */
static const uint8_t csr_slot_of[CSR_NUMBERS] = {
#define CSR(number, name, field, width, reset, mask, read, write, need, guest, more)                         \
	[number] = CSR_SLOT_##name + 1,
#include "machine/cpu/csr.def"
#undef CSR
};
_Static_assert(CSR_SLOT_COUNT < 256, "csr_slot_of is too narrow");

#define CPUCFG1_MSGINT (UINT32_C(1) << 26)
#define CPUCFG2_HPTW   (UINT32_C(1) << 24)
#define CPUCFG3_RVA    (UINT32_C(1) << 12)
#define PMCFG_GMOD     UINT64_C(0x600000)
#define WPCFG3_GMOD    UINT64_C(0x60)
#define WPCFG4_GID     UINT64_C(0xff0000)

static bool csr_present(const struct cpu_model *model, unsigned need)
{
	if (need >= CSR_NEED_FWP0)
		return need - CSR_NEED_FWP0 < model->fetch_watchpoints;
	if (need >= CSR_NEED_MWP0)
		return need - CSR_NEED_MWP0 < model->memory_watchpoints;
	if (need >= CSR_NEED_COUNTER0)
		return need - CSR_NEED_COUNTER0 < model->counters;
	if (need == CSR_NEED_MSGINT)
		return model->cpucfg[1] & CPUCFG1_MSGINT;
	if (need == CSR_NEED_LVZ)
		return cpu_model_lvz(model);
	if (need == CSR_NEED_RVA)
		return model->cpucfg[3] & CPUCFG3_RVA;
	return true;
}

const struct csr_info *csr_find(const struct cpu *cpu, unsigned number)
{
	const struct csr_info *info;

	if (number >= CSR_NUMBERS || !csr_slot_of[number])
		return NULL;
	info = &csr_info[csr_slot_of[number] - 1];
	if (info->need != CSR_NEED_NONE && !csr_present(cpu->model, info->need))
		return NULL;
	return info;
}

/* The fields that the virtualization extension adds to root's registers. */
static uint64_t csr_mask_lvz(const struct csr_info *info)
{
	if (info->number == CSR_TLBRPRMD)
		return TLBRPRMD_PGM;
	if (info->number == CSR_MERRCTL)
		return MERRCTL_PGM;
	if (info->need >= CSR_NEED_MWP0 && (info->number & 7) == 2)
		return WPCFG3_GMOD;
	if (info->need >= CSR_NEED_MWP0 && (info->number & 7) == 3)
		return WPCFG4_GID;
	if (info->guest == CSR_GUEST_COUNTER && !(info->number & 1))
		return PMCFG_GMOD;
	return 0;
}

uint64_t csr_mask(const struct cpu *cpu, const struct csr_file *file, const struct csr_info *info)
{
	uint64_t mask = info->mask;

	if (info->number == CSR_PWCH && cpu->model->cpucfg[2] & CPUCFG2_HPTW)
		mask |= PWCH_HPTW;
	if (info->number == CSR_ECFG && cpu->model->cpucfg[1] & CPUCFG1_MSGINT)
		mask |= ECFG_MSGINT;
	if (cpu_model_lvz(cpu->model) && csr_mode(cpu, file) == CPU_ROOT)
		mask |= csr_mask_lvz(info);
	return mask;
}

/* Registers of 32 bits are sign-extended when read (Vol.1 7.2.3). */
static uint64_t csr_extend(const struct csr_info *info, uint64_t value)
{
	return info->width == 32 ? (uint64_t)(int64_t)(int32_t)value : value;
}

const struct csr_info *csr_find_in(const struct cpu *cpu, const struct csr_file *file, unsigned number)
{
	const struct csr_info *info = csr_find(cpu, number);

	if (info && csr_mode(cpu, file) == CPU_GUEST &&
	    (info->guest == CSR_GUEST_NONE || !cpu_model_lvz(cpu->model)))
		return NULL;
	return info;
}

uint64_t csr_read(struct cpu *cpu, struct csr_file *file, unsigned number)
{
	const struct csr_info *info = csr_find_in(cpu, file, number);

	if (!info)
		return 0;
	return csr_extend(info, info->read ? info->read(cpu, file) : file->value[info - csr_info]);
}

/* Writes those bits of @mask that are in @writable. */
static bool csr_store(struct cpu *cpu, struct csr_file *file, const struct csr_info *info, uint64_t value,
		      uint64_t mask, uint64_t writable)
{
	uint64_t *reg = &file->value[info - csr_info];

	if (!writable)
		return false;
	mask &= writable;
	value &= mask;
	if (!info->write) {
		*reg = (*reg & ~mask) | value;
		return false;
	}
	info->write(cpu, file, reg, (*reg & ~mask) | value, value);
	return true;
}

bool csr_write(struct cpu *cpu, struct csr_file *file, unsigned number, uint64_t value, uint64_t mask)
{
	const struct csr_info *info = csr_find_in(cpu, file, number);

	return info && csr_store(cpu, file, info, value, mask, csr_mask(cpu, file, info));
}

uint64_t csr_guest_read(struct cpu *cpu, unsigned number)
{
	return csr_read(cpu, &cpu->guest, number);
}

bool csr_guest_write(struct cpu *cpu, unsigned number, uint64_t value, uint64_t mask)
{
	const struct csr_info *info = csr_find_in(cpu, &cpu->guest, number);

	if (!info)
		return false;
	/* An expiry up to now comes before what root makes of TI. */
	if (number == CSR_ESTAT)
		timer_poll(cpu, CPU_GUEST);
	return csr_store(cpu, &cpu->guest, info, value, mask, csr_mask(cpu, &cpu->guest, info) | info->more);
}

/* TID, TCFG, TVAL, CNTC, TICLR: what GCFG.TIT makes exits of. */
static bool csr_of_timer(unsigned number)
{
	return number >= CSR_TID && number <= CSR_TICLR;
}

bool csr_exits(const struct cpu *cpu, unsigned number)
{
	const uint64_t gcfg = cpu->root.gcfg;
	const struct csr_info *info;

	if (number >= CSR_NUMBERS || !csr_slot_of[number])
		return gcfg & GCFG_TORU;
	info = &csr_info[csr_slot_of[number] - 1];
	if (info->guest == CSR_GUEST_NONE)
		return true;
	if (info->guest == CSR_GUEST_COUNTER)
		return (number - CSR_PMCFG0) / 2 >= GCFG_GPERF(gcfg);
	if (!csr_find(cpu, number))
		return gcfg & GCFG_TORU;
	return gcfg & GCFG_TIT && csr_of_timer(number);
}

void csr_set_constants(const struct cpu *cpu, struct csr_file *file)
{
	file->cpuid = cpu->id;
	file->prcfg1 = cpu->model->prcfg1;
	file->prcfg2 = cpu->model->prcfg2;
	file->prcfg3 = cpu->model->prcfg3;
	file->mwpc = cpu->model->memory_watchpoints;
	file->fwpc = cpu->model->fetch_watchpoints;
}

void csr_reset(struct cpu *cpu, struct csr_file *file)
{
	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++)
		file->value[slot] = csr_info[slot].reset;
	file->tid = cpu->id;
	csr_set_constants(cpu, file);
}

bool csr_peek(struct cpu *cpu, struct csr_file *file, const char *name, uint64_t *value)
{
	const enum cpu_mode mode = csr_mode(cpu, file);

	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++) {
		const struct csr_info *info = &csr_info[slot];

		if (strcasecmp(info->name, name) || !csr_find_in(cpu, file, info->number))
			continue;
		if (info->number == CSR_MSGIR) {
			int vector = message_highest(cpu, mode);

			*value = csr_extend(info, vector < 0 ? MSGIR_NULL : (uint64_t)vector);
		} else if (info->number == CSR_ESTAT) {
			*value = csr_extend(info, cpu_estat(cpu, mode));
		} else if (info->number == CSR_TVAL) {
			*value = timer_value(cpu, mode);
		} else {
			*value = csr_read(cpu, file, info->number);
		}
		/* Software reads VM as 0, as it runs in root mode then. */
		if (info->number == CSR_GSTAT && cpu->guest_mode)
			*value |= GSTAT_VM;
		return true;
	}
	return false;
}
