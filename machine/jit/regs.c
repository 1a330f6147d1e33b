/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Which host registers hold guest registers in translated code (jit_impl.h).
 *
 * A few guest registers are pinned: always in the same host register, in all blocks, and in memory only while
 * a function is called.  Others are cached within a block: loaded when first used, and written to memory
 * before the block can be left (regs_flush), so that nothing is to be done there; vector registers at once.
 */
#include <string.h>

#include "machine/jit/jit_impl.h"

/* The stack pointer and two arguments: what compilers' code uses most. */
static const struct {
	uint8_t guest, host;
} pinned[] = { { 3, R12 }, { 4, R13 }, { 5, R15 } };

static const uint8_t pool[REGS_POOL] = { RSI, RDI, R8, R9, R10, R11 };

#define PINNED (sizeof(pinned) / sizeof(pinned[0]))
#define POOL   REGS_POOL
#define YMMS   16

/* What is known of a guest register's value. */
enum width {
	WIDE,	  /* nothing */
	EXTENDED, /* a sign-extended word */
	NARROW,	  /* the same, but its host register has only the word */
};

unsigned regs_pinned(unsigned i, unsigned *g)
{
	if (i >= PINNED)
		return X86_NONE;
	*g = pinned[i].guest;
	return pinned[i].host;
}

static struct x86_mem gr_mem(const struct emit *e, unsigned g)
{
	if (g >= GR_SPAN)
		return cpu_mem(e, offsetof(struct cpu, jit.span) + 8 * (g - GR_SPAN));
	return cpu_mem(e, offsetof(struct cpu, gpr) + 8 * g);
}

struct x86_mem vr_mem(const struct emit *e, unsigned v)
{
	return cpu_mem(e, offsetof(struct cpu, vr) + sizeof(union vreg) * v);
}

void regs_begin(struct emit *e)
{
	memset(e->gr_host, X86_NONE, sizeof(e->gr_host));
	memset(e->host_gr, 0xff, sizeof(e->host_gr));
	memset(e->vr_host, 0xff, sizeof(e->vr_host));
	memset(e->ymm_vr, 0xff, sizeof(e->ymm_vr));
	for (unsigned i = 0; i < PINNED; i++)
		e->gr_host[pinned[i].guest] = pinned[i].host;
	memset(e->span, 0, sizeof(e->span));
	memset(e->gr_used, 0, sizeof(e->gr_used));
	memset(e->gr_width, WIDE, sizeof(e->gr_width));
	e->gr_width[0] = EXTENDED;
	e->gr_dirty = 0;
	e->gr_clock = 0;
	regs_begin_insn(e);
}

void regs_begin_insn(struct emit *e)
{
	e->gr_locked = 0;
	e->vr_locked = 0;
}

/* The pool register that @host is, POOL if none. */
static unsigned pool_index(unsigned host)
{
	unsigned i = 0;

	while (i < POOL && pool[i] != host)
		i++;
	return i;
}

static void widen(struct emit *e, unsigned g)
{
	if (e->gr_width[g] != NARROW)
		return;
	x86_movsx_rr(&e->code, e->gr_host[g], e->gr_host[g], 4);
	e->gr_width[g] = EXTENDED;
}

/* Writes pool register @i to memory, if it has a value that is not there. */
static void pool_write(struct emit *e, unsigned i)
{
	if (!(e->gr_dirty & 1u << i))
		return;
	widen(e, e->host_gr[pool[i]]);
	x86_mov_mr(&e->code, 8, gr_mem(e, e->host_gr[pool[i]]), pool[i]);
	e->gr_dirty &= (uint8_t) ~(1u << i);
}

void regs_flush(struct emit *e)
{
	for (unsigned i = 0; i < POOL; i++)
		pool_write(e, i);
	for (unsigned i = 0; i < PINNED; i++)
		widen(e, pinned[i].guest);
}

void regs_flush_last(struct emit *e)
{
	for (unsigned i = 0; i < POOL; i++)
		if (e->host_gr[pool[i]] != 0xff && e->host_gr[pool[i]] >= GR_SPAN)
			e->gr_dirty &= (uint8_t) ~(1u << i);
	regs_flush(e);
}

/* A pool register for guest register @g: the one used last the longest time ago, not by this instruction. */
static unsigned pool_take(struct emit *e, unsigned g)
{
	unsigned oldest = POOL, host;

	for (unsigned i = 0; i < POOL; i++)
		if (!(e->gr_locked & 1u << i) && (oldest == POOL || e->gr_used[i] < e->gr_used[oldest]))
			oldest = i;
	pool_write(e, oldest);
	host = pool[oldest];
	if (e->host_gr[host] != 0xff)
		e->gr_host[e->host_gr[host]] = X86_NONE;
	e->host_gr[host] = (uint8_t)g;
	e->gr_host[g] = (uint8_t)host;
	return host;
}

static unsigned gr_lock(struct emit *e, unsigned host)
{
	const unsigned i = pool_index(host);

	if (i < POOL) {
		e->gr_locked |= (uint8_t)(1u << i);
		e->gr_used[i] = ++e->gr_clock;
	}
	return host;
}

unsigned gr_use_word(struct emit *e, unsigned g)
{
	unsigned host = e->gr_host[g];

	if (host != X86_NONE)
		return gr_lock(e, host);
	host = pool_take(e, g);
	if (g)
		x86_mov_rm(&e->code, 8, host, gr_mem(e, g));
	else
		x86_mov_ri(&e->code, host, 0);
	return gr_lock(e, host);
}

unsigned gr_use(struct emit *e, unsigned g)
{
	const unsigned host = gr_use_word(e, g);

	widen(e, g);
	return host;
}

bool gr_is_word(const struct emit *e, unsigned g)
{
	return e->gr_width[g] != WIDE;
}

unsigned gr_def(struct emit *e, unsigned g)
{
	if (!g)
		return RAX;
	if (e->gr_host[g] != X86_NONE)
		return gr_lock(e, e->gr_host[g]);
	return gr_lock(e, pool_take(e, g));
}

static void written(struct emit *e, unsigned g, enum width width)
{
	e->gr_width[g] = (uint8_t)width;
	if (pool_index(e->gr_host[g]) < POOL)
		e->gr_dirty |= (uint8_t)(1u << pool_index(e->gr_host[g]));
}

static void done(struct emit *e, unsigned g, enum width width)
{
	if (!g)
		return;
	written(e, g, width);
	regs_changed(e, g);
}

void gr_done(struct emit *e, unsigned g)
{
	done(e, g, WIDE);
}

void gr_done_word(struct emit *e, unsigned g)
{
	done(e, g, NARROW);
}

void gr_done_extended(struct emit *e, unsigned g)
{
	done(e, g, EXTENDED);
}

void gr_done_moved(struct emit *e, unsigned g, int32_t by)
{
	written(e, g, WIDE);
	mem_base_moved(e, g, by);
}

static unsigned ymm_take(struct emit *e, unsigned v)
{
	unsigned host;

	do {
		if (++e->vr_clock >= YMMS || e->vr_clock < FIRST_CACHED_YMM)
			e->vr_clock = FIRST_CACHED_YMM;
	} while (e->vr_locked & 1u << e->vr_clock);
	host = e->vr_clock;
	if (e->ymm_vr[host] != 0xff)
		e->vr_host[e->ymm_vr[host]] = 0xff;
	e->ymm_vr[host] = (uint8_t)v;
	e->vr_host[v] = (uint8_t)host;
	e->vr_locked |= (uint16_t)(1u << host);
	return host;
}

unsigned vr_use(struct emit *e, unsigned v, unsigned size)
{
	unsigned host = e->vr_host[v];

	if (size < 8)
		size = 8;
	if (host == 0xff)
		host = ymm_take(e, v);
	else if (e->ymm_size[host] >= size)
		size = 0;
	e->vr_locked |= (uint16_t)(1u << host);
	if (size) {
		x86_vload(&e->code, size, host, vr_mem(e, v));
		e->ymm_size[host] = (uint8_t)size;
	}
	return host;
}

unsigned vr_def(struct emit *e, unsigned v, unsigned size)
{
	unsigned host = e->vr_host[v];

	(void)size;
	if (host == 0xff) {
		host = ymm_take(e, v);
		e->ymm_size[host] = 0;
	}
	e->vr_locked |= (uint16_t)(1u << host);
	return host;
}

void vr_done(struct emit *e, unsigned v, unsigned size)
{
	const unsigned host = e->vr_host[v], bytes = size <= 8 ? 8 : 32;

	x86_vstore(&e->code, bytes, host, vr_mem(e, v));
	e->ymm_size[host] = (uint8_t)bytes;
}

void regs_note(const struct emit *e, struct slow *slow)
{
	for (unsigned i = 0; i < POOL; i++)
		slow->gr[i] = e->host_gr[pool[i]];
	for (unsigned i = FIRST_CACHED_YMM; i < YMMS; i++) {
		slow->ymm[i] = e->ymm_vr[i];
		slow->ymm_size[i] = e->ymm_size[i];
	}
}

void regs_reload(struct emit *e, const struct slow *slow)
{
	for (unsigned i = 0; i < POOL; i++)
		if (slow->gr[i] && slow->gr[i] != 0xff)
			x86_mov_rm(&e->code, 8, pool[i], gr_mem(e, slow->gr[i]));
		else if (!slow->gr[i])
			x86_mov_ri(&e->code, pool[i], 0);
	for (unsigned i = FIRST_CACHED_YMM; i < YMMS; i++)
		if (slow->ymm[i] != 0xff && slow->ymm_size[i])
			x86_vload(&e->code, slow->ymm_size[i], i, vr_mem(e, slow->ymm[i]));
}
