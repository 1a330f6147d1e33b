/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LSX and LASX instructions that move data and compute nothing, Vol.2: loads and stores, between general
 * and vector registers, replication, permutation, and the tests that set a condition flag.
 *
 * Elements change places only within a lane of 128 bits unless the instruction says otherwise.
 */
#include "machine/interp/vector.h"

/* Memory */

#define ROW static inline __attribute__((always_inline)) int

static void write_vector(struct cpu *cpu, const struct insn *insn, const union vreg *value)
{
	VR(rd) = *value;
}

ROW load(struct cpu *cpu, const struct insn *insn, unsigned bytes, uint64_t va)
{
	union vreg value = {};

	if (!load_block(cpu, va, &value, bytes))
		return INSN_RAISED;
	write_vector(cpu, insn, &value);
	return INSN_NEXT;
}

ROW store(struct cpu *cpu, const struct insn *insn, unsigned bytes, uint64_t va)
{
	return store_block(cpu, va, &VR(rd), bytes) ? INSN_NEXT : INSN_RAISED;
}

/* One element of @size bytes from memory to all elements. */
ROW load_replicate(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size)
{
	uint64_t va = GR(rj) + (int64_t)insn->imm;
	union vreg value = {};
	bool ok;

	switch (size) {
	case 1:
		ok = load_u8(cpu, va, &value.ub[0]);
		break;
	case 2:
		ok = load_u16(cpu, va, &value.uh[0]);
		break;
	case 4:
		ok = load_u32(cpu, va, &value.uw[0]);
		break;
	default:
		ok = load_u64(cpu, va, &value.ud[0]);
	}
	if (!ok)
		return INSN_RAISED;
	for (unsigned i = size; i < bytes; i += size)
		memcpy(&value.ub[i], &value.ub[0], size);
	write_vector(cpu, insn, &value);
	return INSN_NEXT;
}

ROW store_element(struct cpu *cpu, const struct insn *insn, unsigned size)
{
	uint64_t va = GR(rj) + (int64_t)insn->imm;
	unsigned i = insn->imm2;
	bool ok;

	switch (size) {
	case 1:
		ok = store_u8(cpu, va, VR(rd).ub[i]);
		break;
	case 2:
		ok = store_u16(cpu, va, VR(rd).uh[i]);
		break;
	case 4:
		ok = store_u32(cpu, va, VR(rd).uw[i]);
		break;
	default:
		ok = store_u64(cpu, va, VR(rd).ud[i]);
	}
	return ok ? INSN_NEXT : INSN_RAISED;
}

/* An LSX row and its LASX twin. */
#define ROWS(name, lsx, lasx)                                                                                \
	INTERP(v##name)                                                                                      \
	{                                                                                                    \
		NEED_LSX();                                                                                  \
		return lsx;                                                                                  \
	}                                                                                                    \
	INTERP(xv##name)                                                                                     \
	{                                                                                                    \
		NEED_LASX();                                                                                 \
		return lasx;                                                                                 \
	}
#define ADDRESS		(GR(rj) + (int64_t)insn->imm)
#define ADDRESS_INDEXED (GR(rj) + GR(rk))
ROWS(ld, load(cpu, insn, LSX_BYTES, ADDRESS), load(cpu, insn, LASX_BYTES, ADDRESS))
ROWS(st, store(cpu, insn, LSX_BYTES, ADDRESS), store(cpu, insn, LASX_BYTES, ADDRESS))
ROWS(ldx, load(cpu, insn, LSX_BYTES, ADDRESS_INDEXED), load(cpu, insn, LASX_BYTES, ADDRESS_INDEXED))
ROWS(stx, store(cpu, insn, LSX_BYTES, ADDRESS_INDEXED), store(cpu, insn, LASX_BYTES, ADDRESS_INDEXED))
ROWS(ldrepl_b, load_replicate(cpu, insn, LSX_BYTES, 1), load_replicate(cpu, insn, LASX_BYTES, 1))
ROWS(ldrepl_h, load_replicate(cpu, insn, LSX_BYTES, 2), load_replicate(cpu, insn, LASX_BYTES, 2))
ROWS(ldrepl_w, load_replicate(cpu, insn, LSX_BYTES, 4), load_replicate(cpu, insn, LASX_BYTES, 4))
ROWS(ldrepl_d, load_replicate(cpu, insn, LSX_BYTES, 8), load_replicate(cpu, insn, LASX_BYTES, 8))
ROWS(stelm_b, store_element(cpu, insn, 1), store_element(cpu, insn, 1))
ROWS(stelm_h, store_element(cpu, insn, 2), store_element(cpu, insn, 2))
ROWS(stelm_w, store_element(cpu, insn, 4), store_element(cpu, insn, 4))
ROWS(stelm_d, store_element(cpu, insn, 8), store_element(cpu, insn, 8))

/* Between general and vector registers */

#define PICK_TO_GPR(row, need, e)                                                                            \
	INTERP(row)                                                                                          \
	{                                                                                                    \
		need();                                                                                      \
		cpu_set_gpr(cpu, insn->rd, VR(rj).e[insn->imm]);                                             \
		return INSN_NEXT;                                                                            \
	}
PICK_TO_GPR(vpickve2gr_b, NEED_LSX, b)
PICK_TO_GPR(vpickve2gr_h, NEED_LSX, h)
PICK_TO_GPR(vpickve2gr_w, NEED_LSX, w)
PICK_TO_GPR(vpickve2gr_d, NEED_LSX, d)
PICK_TO_GPR(vpickve2gr_bu, NEED_LSX, ub)
PICK_TO_GPR(vpickve2gr_hu, NEED_LSX, uh)
PICK_TO_GPR(vpickve2gr_wu, NEED_LSX, uw)
PICK_TO_GPR(vpickve2gr_du, NEED_LSX, ud)
PICK_TO_GPR(xvpickve2gr_w, NEED_LASX, w)
PICK_TO_GPR(xvpickve2gr_d, NEED_LASX, d)
PICK_TO_GPR(xvpickve2gr_wu, NEED_LASX, uw)
PICK_TO_GPR(xvpickve2gr_du, NEED_LASX, ud)

#define INSERT_FROM_GPR(INSN_ROW, name, e)                                                                   \
	INSN_ROW(name)                                                                                       \
	{                                                                                                    \
		*result = *vd;                                                                               \
		result->e[insn->imm] = GR(rj);                                                               \
	}
INSERT_FROM_GPR(LSX_INSN, vinsgr2vr_b, ub)
INSERT_FROM_GPR(LSX_INSN, vinsgr2vr_h, uh)
INSERT_FROM_GPR(LSX_INSN, vinsgr2vr_w, uw)
INSERT_FROM_GPR(LSX_INSN, vinsgr2vr_d, ud)
INSERT_FROM_GPR(LASX_INSN, xvinsgr2vr_w, uw)
INSERT_FROM_GPR(LASX_INSN, xvinsgr2vr_d, ud)

VECTOR_BHWD_BITS(VECTOR_VV, vreplgr2vr, (T)GR(rj))

/* Replication.  LANE(i) is the first element of the lane that element i is in. */

#define PER_LANE(e) (LSX_BYTES / sizeof(((union vreg *)0)->e[0]))
#define LANE(e, i)  ((i) / PER_LANE(e) * PER_LANE(e))

/* Element @i of the result is element @from of @v. */
#define MOVE(INSN_ROW, name, e, v, from)                                                                     \
	INSN_ROW(name)                                                                                       \
	{                                                                                                    \
		for (unsigned i = 0; i < bytes / sizeof(result->e[0]); i++)                                  \
			result->e[i] = (v)->e[from];                                                         \
	}

MOVE(VECTOR_INSN, vreplve_b, ub, vj, LANE(ub, i) + GR(rk) % PER_LANE(ub))
MOVE(VECTOR_INSN, vreplve_h, uh, vj, LANE(uh, i) + GR(rk) % PER_LANE(uh))
MOVE(VECTOR_INSN, vreplve_w, uw, vj, LANE(uw, i) + GR(rk) % PER_LANE(uw))
MOVE(VECTOR_INSN, vreplve_d, ud, vj, LANE(ud, i) + GR(rk) % PER_LANE(ud))
MOVE(LSX_INSN, vreplvei_b, ub, vj, insn->imm)
MOVE(LSX_INSN, vreplvei_h, uh, vj, insn->imm)
MOVE(LSX_INSN, vreplvei_w, uw, vj, insn->imm)
MOVE(LSX_INSN, vreplvei_d, ud, vj, insn->imm)
MOVE(LASX_INSN, xvrepl128vei_b, ub, vj, LANE(ub, i) + insn->imm)
MOVE(LASX_INSN, xvrepl128vei_h, uh, vj, LANE(uh, i) + insn->imm)
MOVE(LASX_INSN, xvrepl128vei_w, uw, vj, LANE(uw, i) + insn->imm)
MOVE(LASX_INSN, xvrepl128vei_d, ud, vj, LANE(ud, i) + insn->imm)
MOVE(LASX_INSN, xvreplve0_b, ub, vj, 0)
MOVE(LASX_INSN, xvreplve0_h, uh, vj, 0)
MOVE(LASX_INSN, xvreplve0_w, uw, vj, 0)
MOVE(LASX_INSN, xvreplve0_d, ud, vj, 0)
MOVE(LASX_INSN, xvreplve0_q, uq, vj, 0)

/*
 * Floating-point numbers of 8 bits: sign, an exponent bit that stands inverted at the top of the exponent and
 * is repeated below it, and six bits of exponent and fraction; the rest of the fraction is zero.
 */
static uint64_t expand_single(unsigned bits)
{
	uint64_t sign = bits >> 7, b6 = bits >> 6 & 1;

	return sign << 31 | (b6 ^ 1) << 30 | (b6 ? 0x1full << 25 : 0) | (uint64_t)(bits & 0x3f) << 19;
}

static uint64_t expand_double(unsigned bits)
{
	uint64_t sign = bits >> 7, b6 = bits >> 6 & 1;

	return sign << 63 | (b6 ^ 1) << 62 | (b6 ? 0xffull << 54 : 0) | (uint64_t)(bits & 0x3f) << 48;
}

static uint64_t expand_bytes(unsigned bits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value |= (bits >> i & 1 ? 0xffull : 0) << (8 * i);
	return value;
}

static uint64_t every_16(uint64_t value)
{
	return (value & 0xffff) * 0x0001000100010001;
}

static uint64_t every_32(uint64_t value)
{
	return (value & 0xffffffff) * 0x0000000100000001;
}

/*
 * Bit 12 of the immediate clear: 10 bits, sign-extended to the element size in bits 11:10.  Set: mode in
 * bits 11:8, value in 7:0.
 */
bool vldi_value(unsigned imm, uint64_t *value)
{
	uint64_t s10 = (int64_t)((uint64_t)imm << 54) >> 54;
	uint64_t u8 = imm & 0xff;

	switch (imm >> 8 & 0x1f) {
	case 0x00 ... 0x03:
		*value = u8 * 0x0101010101010101;
		return true;
	case 0x04 ... 0x07:
		*value = every_16(s10);
		return true;
	case 0x08 ... 0x0b:
		*value = every_32(s10);
		return true;
	case 0x0c ... 0x0f:
		*value = s10;
		return true;
	case 0x10:
		*value = every_32(u8);
		return true;
	case 0x11:
		*value = every_32(u8 << 8);
		return true;
	case 0x12:
		*value = every_32(u8 << 16);
		return true;
	case 0x13:
		*value = every_32(u8 << 24);
		return true;
	case 0x14:
		*value = every_16(u8);
		return true;
	case 0x15:
		*value = every_16(u8 << 8);
		return true;
	case 0x16:
		*value = every_32(u8 << 8 | 0xff);
		return true;
	case 0x17:
		*value = every_32(u8 << 16 | 0xffff);
		return true;
	case 0x18:
		*value = u8 * 0x0101010101010101;
		return true;
	case 0x19:
		*value = expand_bytes(u8);
		return true;
	case 0x1a:
		*value = every_32(expand_single(u8));
		return true;
	case 0x1b:
		*value = expand_single(u8);
		return true;
	case 0x1c:
		*value = expand_double(u8);
		return true;
	default:
		return false;
	}
}

ROW load_immediate(struct cpu *cpu, const struct insn *insn, unsigned bytes)
{
	union vreg result = {};
	uint64_t value;

	if (!vldi_value(insn->imm, &value))
		return cpu_raise(cpu, EXC_INE);
	for (unsigned i = 0; i < bytes / 8; i++)
		result.ud[i] = value;
	write_vector(cpu, insn, &result);
	return INSN_NEXT;
}
ROWS(ldi, load_immediate(cpu, insn, LSX_BYTES), load_immediate(cpu, insn, LASX_BYTES))

/* One element */

#define EXTRACT_INSERT(name, e)                                                                              \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		*result = *vd;                                                                               \
		for (unsigned i = 0; i < bytes / sizeof(result->e[0]); i += PER_LANE(e))                     \
			result->e[i + (insn->imm >> 4) % PER_LANE(e)] = vj->e[i + insn->imm % PER_LANE(e)];  \
	}
EXTRACT_INSERT(vextrins_b, ub)
EXTRACT_INSERT(vextrins_h, uh)
EXTRACT_INSERT(vextrins_w, uw)
EXTRACT_INSERT(vextrins_d, ud)

LASX_INSN(xvinsve0_w)
{
	*result = *vd;
	result->uw[insn->imm] = vj->uw[0];
}

LASX_INSN(xvinsve0_d)
{
	*result = *vd;
	result->ud[insn->imm] = vj->ud[0];
}

LASX_INSN(xvpickve_w)
{
	*result = (union vreg){ .uw = { vj->uw[insn->imm] } };
}

LASX_INSN(xvpickve_d)
{
	*result = (union vreg){ .ud = { vj->ud[insn->imm] } };
}

/* Two vectors to one: even elements come from vk, odd ones from vj ... */

#define INTERLEAVE(name, e, from)                                                                            \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		for (unsigned i = 0; i < bytes / sizeof(result->e[0]); i++)                                  \
			result->e[i] = (i & 1 ? vj : vk)->e[from];                                           \
	}
VECTOR_BHWD_BITS(INTERLEAVE, vpackev, i & ~1u)
VECTOR_BHWD_BITS(INTERLEAVE, vpackod, i | 1)
#define HALF_LANE(e, i) ((i) % PER_LANE(e) / 2)
INTERLEAVE(vilvl_b, ub, LANE(ub, i) + HALF_LANE(ub, i))
INTERLEAVE(vilvl_h, uh, LANE(uh, i) + HALF_LANE(uh, i))
INTERLEAVE(vilvl_w, uw, LANE(uw, i) + HALF_LANE(uw, i))
INTERLEAVE(vilvl_d, ud, LANE(ud, i) + HALF_LANE(ud, i))
INTERLEAVE(vilvh_b, ub, LANE(ub, i) + PER_LANE(ub) / 2 + HALF_LANE(ub, i))
INTERLEAVE(vilvh_h, uh, LANE(uh, i) + PER_LANE(uh) / 2 + HALF_LANE(uh, i))
INTERLEAVE(vilvh_w, uw, LANE(uw, i) + PER_LANE(uw) / 2 + HALF_LANE(uw, i))
INTERLEAVE(vilvh_d, ud, LANE(ud, i) + PER_LANE(ud) / 2 + HALF_LANE(ud, i))

/* ... or a lane's lower half comes from vk's even (odd) elements, its upper half from vj's. */

#define PICK(name, e, odd)                                                                                   \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		for (unsigned i = 0; i < bytes / sizeof(result->e[0]); i++) {                                \
			unsigned n = i % PER_LANE(e), half = PER_LANE(e) / 2;                                \
                                                                                                             \
			result->e[i] = (n < half ? vk : vj)->e[LANE(e, i) + n % half * 2 + (odd)];           \
		}                                                                                            \
	}
VECTOR_BHWD_BITS(PICK, vpickev, 0)
VECTOR_BHWD_BITS(PICK, vpickod, 1)

/* Shuffles: element @n of the lane of vk followed by that of vj. */

#define SHUFFLE(name, e, selector)                                                                           \
	VECTOR_INSN(name)                                                                                    \
	{                                                                                                    \
		for (unsigned i = 0; i < bytes / sizeof(result->e[0]); i++) {                                \
			unsigned n = (selector)->e[i] % (2 * PER_LANE(e));                                   \
                                                                                                             \
			result->e[i] = (n < PER_LANE(e) ? vk : vj)->e[LANE(e, i) + n % PER_LANE(e)];         \
		}                                                                                            \
	}
SHUFFLE(vshuf_b, ub, va)
SHUFFLE(vshuf_h, uh, vd)
SHUFFLE(vshuf_w, uw, vd)
SHUFFLE(vshuf_d, ud, vd)

/* In each group of four elements the one that two bits of the immediate select. */
#define SELECTED(i) (insn->imm >> (2 * ((i)&3)) & 3)
MOVE(VECTOR_INSN, vshuf4i_b, ub, vj, (i & ~3u) + SELECTED(i))
MOVE(VECTOR_INSN, vshuf4i_h, uh, vj, (i & ~3u) + SELECTED(i))
MOVE(VECTOR_INSN, vshuf4i_w, uw, vj, (i & ~3u) + SELECTED(i))
/* Out of the lanes of vd and vj, four doublewords. */
MOVE(VECTOR_INSN, vshuf4i_d, ud, insn->imm >> (2 * (i & 1)) & 2 ? vj : vd,
     (i & ~1u) + (insn->imm >> (2 * (i & 1)) & 1))
MOVE(VECTOR_INSN, vpermi_w, uw, i & 2 ? vd : vj, (i & ~3u) + SELECTED(i))

/* Across lanes */
MOVE(LASX_INSN, xvpermi_d, ud, vj, SELECTED(i))
MOVE(LASX_INSN, xvpermi_q, uq, insn->imm >> (4 * i) & 2 ? vd : vj, insn->imm >> (4 * i) & 1)
MOVE(LASX_INSN, xvperm_w, uw, vj, vk->uw[i] % 8)
MOVE(LASX_INSN, xvhseli_d, ud, vj, (i & ~1u) + (insn->imm >> i & 1))

/* Lanes as numbers of 16 bytes; of the five bits of the amount four count. */

VECTOR_INSN(vbsll_v)
{
	for (unsigned i = 0; i < bytes / LSX_BYTES; i++)
		result->uq[i] = vj->uq[i] << (insn->imm % LSX_BYTES * 8);
}

VECTOR_INSN(vbsrl_v)
{
	for (unsigned i = 0; i < bytes / LSX_BYTES; i++)
		result->uq[i] = vj->uq[i] >> (insn->imm % LSX_BYTES * 8);
}

/* Tests: the condition flag says whether an element is zero. */

ROW set_if_zero(struct cpu *cpu, const struct insn *insn, unsigned bytes, bool zero)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < bytes / 8; i++)
		any |= VR(rj).ud[i];
	cpu->fcc[insn->rd & 7] = (any == 0) == zero;
	return INSN_NEXT;
}
ROWS(seteqz_v, set_if_zero(cpu, insn, LSX_BYTES, true), set_if_zero(cpu, insn, LASX_BYTES, true))
ROWS(setnez_v, set_if_zero(cpu, insn, LSX_BYTES, false), set_if_zero(cpu, insn, LASX_BYTES, false))

#define HAS_ZERO(e)                                                                                          \
	static bool has_zero_##e(const union vreg *v, unsigned bytes)                                        \
	{                                                                                                    \
		for (unsigned i = 0; i < bytes / sizeof(v->e[0]); i++) {                                     \
			if (!v->e[i])                                                                        \
				return true;                                                                 \
		}                                                                                            \
		return false;                                                                                \
	}
HAS_ZERO(ub)
HAS_ZERO(uh)
HAS_ZERO(uw)
HAS_ZERO(ud)

static int set_flag(struct cpu *cpu, const struct insn *insn, bool value)
{
	cpu->fcc[insn->rd & 7] = value;
	return INSN_NEXT;
}

#define SET_ANY_ALL(size, e)                                                                                 \
	ROWS(setanyeqz_##size, set_flag(cpu, insn, has_zero_##e(&VR(rj), LSX_BYTES)),                        \
	     set_flag(cpu, insn, has_zero_##e(&VR(rj), LASX_BYTES)))                                         \
	ROWS(setallnez_##size, set_flag(cpu, insn, !has_zero_##e(&VR(rj), LSX_BYTES)),                       \
	     set_flag(cpu, insn, !has_zero_##e(&VR(rj), LASX_BYTES)))
SET_ANY_ALL(b, ub)
SET_ANY_ALL(h, uh)
SET_ANY_ALL(w, uw)
SET_ANY_ALL(d, ud)
