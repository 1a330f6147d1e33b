/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the files of machine/jit/ share: the translator's tables, and what emitters program against. */
#ifndef BIXI_JIT_JIT_IMPL_H
#define BIXI_JIT_JIT_IMPL_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "isa/isa.h"
#include "machine/cpu/cpu.h"
#include "machine/jit/jit.h"
#include "machine/jit/x86.h"

#define JIT_BLOCK_INSNS 64 /* guest instructions of a block at most */

/*
 * Registers of translated code.  The general ones that are not named here and are no scratch (RAX, RCX, RDX)
 * are the allocator's, regs.c.
 */
#define REG_CPU	 RBP /* &cpu->gpr[16], so that all of gpr is within a byte's displacement */
#define REG_LEFT RBX /* instructions left of the budget */
#define REG_BANK R14 /* cpu->bank */
#define CPU_BIAS ((int32_t)offsetof(struct cpu, gpr[16]))

#define REGS_POOL 6  /* general registers that are cached, regs.c */
#define GR_SPAN	  32 /* the allocator's number of the block's first span, as if it were a guest register */

/* Vector registers below this one are scratch; the others are the allocator's. */
#define FIRST_CACHED_YMM 6

/* A guest's page of code: its blocks go together, when the page is written. */
struct jit_page {
	uint64_t va;
	const uint8_t *host;
	_Atomic uint32_t next; /* in the page table's chain */
	uint32_t twin;	       /* another page made from the same memory */
	uint32_t blocks;       /* list by jit_block.sibling */
	_Atomic bool dead;
};

/* How often code is made from a page of memory. */
struct jit_rest {
	_Atomic uint64_t until;	 /* none is, up to then (ns) */
	uint64_t made, interval; /* last time; until is so much later */
};

struct jit_block {
	uint64_t pc;		/* + JIT_PIECEMEAL */
	const uint8_t *guarded; /* entry for who does not know that the page is still what it was */
	const uint8_t *entry;	/* past that check */
	/* of its code; uint16_t offsets from guarded follow: of each instruction's code, and of what is out
	 * of line */
	const uint8_t *end;
	uint32_t page, next;
	uint32_t sibling, before; /* in the page's list */
	uint32_t links;		  /* that lead here, list by jit_link.sibling */
	uint32_t insns;
};

/* A direct jump out of a block, to a stub until its target has been translated. */
struct jit_link {
	uint64_t target;
	uint8_t *jump; /* the jump's rel32, writable view */
	const uint8_t *stub;
	uint32_t from, to;	  /* blocks; to 0: the jump leads to the stub */
	uint32_t sibling, before; /* in the list of to */
};

/* An instruction that may leave its block, or needs a function's help. */
struct jit_site {
	struct insn insn;
	uint32_t block;
	uint16_t index; /* of the instruction in its block */
	uint16_t size;	/* of its access in bytes */
};

/* Where the next block's code goes, and its entries of the tables. */
struct jit_place {
	uint8_t *at; /* writable view */
	uint32_t block, link, site;
};

#define JIT_REGIONS   16
#define REGION_BLOCKS (1u << 16)
#define REGION_LINKS  (1u << 18)
#define REGION_SITES  (1u << 19)

/*
 * A part of the code cache's memory, with its share of the numbers of blocks, links and sites.  A lane fills
 * it; then it stays as it is until it is the one that was filled longest ago, and is evicted as a whole.
 */
struct jit_region {
	struct jit_place first, next; /* of all there is, of what is free */
	uint8_t *end;
	bool full;	/* the next block did not fit */
	bool taken;	/* by a lane */
	uint64_t given; /* to its last lane: counts such events; 0: there is nothing in it */
};

#define JIT_LANES 4

/* Cores that translate into one region take turns; those of different lanes do not wait for each other. */
struct jit_lane {
	pthread_mutex_t lock;	   /* protects: region->next, full; taken before jit->lock */
	struct jit_region *region; /* NULL: none yet; changes while all cores are outside */
};

/* Entry points that translated code jumps to and calls; made by thunk.c. */
struct jit_thunks {
	int (*enter)(struct cpu *cpu, const void *entry);		      /* returns enum jit_exit */
	const uint8_t *link, *resume, *budget, *guard, *interpret, *indirect; /* jumped to */
	const uint8_t *result, *rewritten;				      /* the same, by functions */
	const uint8_t *load, *store, *insn;				      /* called */
	const uint8_t *function; /* called: a C function whose address is in RAX, with the core */
};

/* Why translated code was left. */
enum jit_exit {
	JIT_EXIT_LINK,	    /* by core.link, whose target has no code yet; pc is to be set to it */
	JIT_EXIT_BUDGET,    /* core.site: at the entry of its block */
	JIT_EXIT_RESUME,    /* core.link: on the way to its target, inside a straight run */
	JIT_EXIT_GUARD,	    /* core.site: at the entry of its block, which is not what it was */
	JIT_EXIT_INDIRECT,  /* pc is set */
	JIT_EXIT_INTERPRET, /* core.site: the reference engine is to go on with that instruction */
	JIT_EXIT_RESULT, /* core.result: what the instruction at core.site gave; the run loop accounts for it
			  */
	JIT_EXIT_REWRITTEN, /* the instruction at core.site is done, but the block cannot go on */
	JIT_EXITS,
};

/* What a core counts, and only it writes. */
struct jit_counts {
	uint64_t exits[JIT_EXITS];     /* by enum jit_exit */
	uint64_t loads, stores;	       /* by functions */
	uint64_t called[ISA_OP_COUNT]; /* instructions by the reference engine's functions */
};

struct jit {
	struct cpu_group *group;
	struct jit_options options;
	pthread_mutex_t lock; /* protects: everything below but what is read while cores run */
	uint8_t *rw, *rx;     /* the two views of the code cache */
	size_t size;
	struct jit_region region[JIT_REGIONS];
	struct jit_lane lane[JIT_LANES];
	uint64_t given; /* regions to lanes */
	struct jit_thunks thunk;
	unsigned page_bits;    /* of the soft TLB */
	struct jit_page *page; /* [0] is none; the index is softtlb_bank.exec_id */
	struct jit_block *block;
	struct jit_link *link;
	struct jit_site *site;
	uint32_t pages; /* used */
	_Atomic uint32_t *page_hash, *block_hash;
	uint32_t *host_pages;	/* by 4 KiB page of RAM: the last jit_page made from it, then by twin */
	struct jit_rest *rests; /* by the same */
	_Atomic bool stop;	/* cores are to stay outside */
	_Atomic uint32_t epoch; /* counts times that blocks were forgotten */
	struct jit_stats stats;
	struct jit_counts *counts;   /* of each core */
	struct dumped_block *dumped; /* of jit_options.dump, dump.c */
	struct check *check;	     /* of jit_options.check, check.c */
	FILE *perf_map;		     /* NULL: none */
};

/* The host's time. */
static inline uint64_t jit_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The block being translated. */
struct emit {
	struct code code; /* of the block */
	struct jit *jit;
	struct cpu *cpu;
	const struct insn *insns; /* all of the block's */
	unsigned count, index;	  /* of insns; which one is being translated */
	uint64_t pc;		  /* of that one */
	uint32_t block, page;
	uint32_t next_link, next_site; /* numbers */
	struct jit_stats stats;	       /* what the block adds to them */
	struct dumped_block *dumped;   /* if it is to be shown */
	uint8_t tested;		       /* JIT_MISSING_* that the block has tested */
	bool cause_wanted[JIT_BLOCK_INSNS];
	bool ended; /* no code after this instruction is reached */

	/*
	 * memory.c: bytes [low, high) from the guest register base are at span[] of the core's from there on
	 * the host; live as long as the register keeps its value.
	 */
	struct span {
		bool live, store;
		uint8_t base;
		int32_t low, high;
	} span[JIT_SPANS];
	unsigned spans; /* made so far */
	bool piecemeal; /* each access is looked up for itself */

	/* regs.c */
	uint8_t gr_host[GR_SPAN + JIT_SPANS], host_gr[16]; /* cached where, what; X86_NONE, 0xff */
	uint8_t gr_locked;		       /* bit n: pool register n is in use by this instruction */
	uint8_t gr_dirty;		       /* bit n: its value is not in memory */
	uint8_t gr_width[GR_SPAN + JIT_SPANS]; /* regs.c, enum width */
	uint32_t gr_used[REGS_POOL], gr_clock; /* when each was used last */
	uint8_t vr_host[32], ymm_vr[16], ymm_size[16];
	uint16_t vr_locked;
	uint8_t vr_clock;

	struct slow {
		uint8_t kind; /* SLOW_* */
		uint8_t reg;  /* host register of the value to store */
		uint8_t size; /* of it */
		uint8_t base; /* of loads and stores: they go to this host register + offset + RDX */
		int32_t offset;
		uint8_t *from;	     /* the jump that leads here */
		const uint8_t *back; /* where it goes on */
		uint32_t site, link;
		uint64_t target; /* SLOW_LEAVE */
		int32_t give;	 /* instructions of the block that are not executed */
		uint8_t gr[REGS_POOL], ymm[16], ymm_size[16]; /* what the allocator holds at back */
	} slow[8 * JIT_BLOCK_INSNS];
	unsigned slows;
};

/* False: nothing was emitted, and the reference engine's function is called instead. */
typedef bool emit_fn(struct emit *e, const struct insn *insn);

static inline struct x86_mem cpu_mem(const struct emit *e, size_t offset)
{
	(void)e;
	return x86_at(REG_CPU, (int32_t)offset - CPU_BIAS);
}
#define CPU_MEM(e, member) cpu_mem(e, offsetof(struct cpu, member))

static inline bool host_has(const struct emit *e, uint32_t features)
{
	return (e->jit->options.features & features) == features;
}

/*
 * General registers, regs.c.  gr_use(): the host register with the value of guest register @g, not to be
 * changed; good to the end of the instruction.  gr_def(): where to put its new value (for 0: RAX), perhaps
 * the very register gr_use() gave, so all sources come first.  gr_done(): the new value is there.
 */
unsigned gr_use(struct emit *e, unsigned g);
unsigned gr_def(struct emit *e, unsigned g);
void gr_done(struct emit *e, unsigned g);

/*
 * Words: of gr_use_word() only the low 32 bits are right; after gr_done_word() so is the new value, which is
 * to be sign-extended when somebody asks for all of it, and gr_done_extended() says that it is. gr_is_word():
 * it is known to be a sign-extended word, extended already or not.
 */
unsigned gr_use_word(struct emit *e, unsigned g);
void gr_done_word(struct emit *e, unsigned g);
void gr_done_extended(struct emit *e, unsigned g);
bool gr_is_word(const struct emit *e, unsigned g);

/* The same of vector registers: @size is 4 or 8 for a scalar, 16, 32; so many low bytes are valid. */
unsigned vr_use(struct emit *e, unsigned v, unsigned size);
unsigned vr_def(struct emit *e, unsigned v, unsigned size);
void vr_done(struct emit *e, unsigned v, unsigned size);
struct x86_mem vr_mem(const struct emit *e, unsigned v);

void regs_changed(struct emit *e, unsigned g);		     /* memory.c: guest register @g has a new value */
void gr_done_moved(struct emit *e, unsigned g, int32_t by);  /* gr_done(): it is the old one + @by */
void mem_base_moved(struct emit *e, unsigned g, int32_t by); /* memory.c: the same */
void regs_begin(struct emit *e);      /* of a block, and after a function may have changed any register */
void regs_begin_insn(struct emit *e); /* nothing is in use */
void regs_flush(struct emit *e);      /* before the block may be left; leaves the flags alone */
void regs_flush_last(struct emit *e); /* the same where the block ends: spans are of no use any more */
void regs_note(const struct emit *e, struct slow *slow);   /* what is cached now */
void regs_reload(struct emit *e, const struct slow *slow); /* makes that so after a function call */
unsigned regs_pinned(unsigned i, unsigned *g); /* the i-th pinned register's host, X86_NONE at the end */

/* Guest memory, memory.c. */
struct guest_address {
	uint8_t base, index;
	bool indexed;
	int32_t offset;
};
void mem_load_gr(struct emit *e, struct guest_address a, unsigned rd, unsigned size, bool sign);
void mem_store_gr(struct emit *e, struct guest_address a, unsigned rd, unsigned size);
void mem_load_vr(struct emit *e, struct guest_address a, unsigned vd, unsigned size);
void mem_store_vr(struct emit *e, struct guest_address a, unsigned vd, unsigned size);
/* RAX: host pointer to the value. */
void mem_load_host(struct emit *e, struct guest_address a, unsigned size);
/* RAX: its host address, for a read and write; if there is none the reference engine does the instruction.
 * @a has no index. */
void mem_address(struct emit *e, struct guest_address a, unsigned size, bool store);

/* Out of line, translate.c: if @cc, the reference engine does this instruction; then on after it. */
void emit_interp_slow_jcc(struct emit *e, enum x86_cond cc);
void emit_interp_slow(struct emit *e, uint8_t *jump); /* the same of a forward jump */

/* Units must be on, tested once a block; FP arithmetic wants FCSR0.Enables to be 0, too. */
void emit_need_fp(struct emit *e);
void emit_need_lsx(struct emit *e);
void emit_need_lasx(struct emit *e);
void emit_need_fp_arith(struct emit *e);

/* Whether FCSR0.Cause could be looked at after this FP instruction and before the next one of the block. */
static inline bool emit_cause_wanted(const struct emit *e)
{
	return e->cause_wanted[e->index];
}

/* translate.c: a new slow path to which the forward jump @from leads; sites and links of this instruction. */
enum slow_kind {
	SLOW_LOAD,
	SLOW_STORE_GR,
	SLOW_STORE_VR,
	SLOW_INSN,	/* the reference engine does the instruction */
	SLOW_INTERPRET, /* it goes on from the instruction */
	SLOW_LEAVE,	/* to target, before the block's end */
	SLOW_LINK,
	SLOW_RESUME,
	SLOW_GUARD,
	SLOW_BUDGET,
};
struct slow *emit_slow(struct emit *e, enum slow_kind kind, uint8_t *from);
uint32_t emit_site(struct emit *e, unsigned size);
uint32_t emit_link(struct emit *e, uint64_t target, uint8_t *jump);

/* branch.c: jumps to a constant address, as the block's last instruction. */
void emit_goto(struct emit *e, uint64_t target);

/* translate.c: the same to the next instruction, which the reference engine would execute in the same
 * straight run. */
void emit_fall_through(struct emit *e);

/* cache.c: the tables, and the memory of host code.  The lock is held where something changes. */
int cache_create(struct jit *jit);
void cache_destroy(struct jit *jit);
bool cache_pages_full(const struct jit *jit);
void cache_flush(struct jit *jit); /* forgets everything; all cores are outside */
uint32_t cache_find_page(const struct jit *jit, uint64_t va, const void *host); /* 0: none */
uint32_t cache_add_page(struct jit *jit, uint64_t va, const void *host);	/* 0: no room */
bool cache_page_rests(const struct jit *jit,
		      const void *host); /* no code page is to be made from this memory */
void cache_kill_pages(struct jit *jit, const void *host, size_t size); /* that were made from this memory */
uint32_t cache_find_block(const struct jit *jit, uint32_t page, uint64_t pc);
/* The block there is now: another core's if that was first.  0: its page is dead. */
uint32_t cache_publish(struct jit *jit, uint32_t block);
void cache_link(struct jit *jit, uint32_t link, uint32_t block);
/* Forgets the blocks and links with numbers from @first on and below @end; all cores are outside. */
void cache_forget(struct jit *jit, const struct jit_place *first, const struct jit_place *end);
static inline bool cache_page_lives(const struct jit *jit, uint32_t page)
{
	return page && !atomic_load_explicit(&jit->page[page].dead, memory_order_acquire);
}

/* region.c: who translates where.  Regions and lanes change with the lock held and all cores outside. */
void regions_divide(struct jit *jit, uint8_t *start);  /* the code cache's memory from @start on */
void regions_empty(struct jit *jit);		       /* nothing in them is used any more */
bool region_has_room(const struct jit_region *region); /* for one more block; NULL has none */
void lanes_create(struct jit *jit);
void lanes_destroy(struct jit *jit);
struct jit_lane *lane_of(struct jit *jit, const struct cpu *cpu);
void lane_next_region(struct jit *jit, struct jit_lane *lane); /* an empty one, or another that is evicted */

/* thunk.c: at @c. */
void thunks_emit(struct jit *jit, struct code *c);

/*
 * A jump's target is an instruction's address, plus JIT_PIECEMEAL for a block without spans, where one of
 * those was not to be had.
 */
#define JIT_PIECEMEAL 1

/*
 * translate.c: the block at @pc (or + JIT_PIECEMEAL) of code page @page, made in @region, whose lane is
 * locked. 0: it did not fit, and the region is full; or the page is dead.
 */
uint32_t translate(struct jit *jit, struct cpu *cpu, struct jit_region *region, uint32_t page, uint64_t pc);

/*
 * dump.c: the block at @pc begins; has it counted if it is to be shown.  RAX and RCX are lost.  Then:
 * the block is there, or it is not.
 */
void dump_entry(struct emit *e, uint64_t pc);
void dump_keep(struct emit *e, bool there);
/* Prints the blocks from @first on and below @end, and forgets them. */
void dump_print(struct jit *jit, uint32_t first, uint32_t end, FILE *file);
/* Block @number, whose instructions are @word. */
void jit_print_block(const struct jit *jit, uint32_t number, const uint32_t *word, FILE *file);

/*
 * help.c: called by translated code.  They answer where it goes on, with pc, if not in its block (NULL); and
 * a load where its value is.
 */
struct jit_loaded {
	const void *elsewhere, *value;
};
struct jit_loaded jit_help_load(struct cpu *cpu, uint64_t va, uint32_t site);
const void *jit_help_store(struct cpu *cpu, uint64_t va, uint32_t site);
const void *jit_help_insn(struct cpu *cpu, uint32_t site);
/* The same at a block's end, settle.c; NULL: it is not as usual, and the reference engine is to do it. */
const void *jit_help_syscall(struct cpu *cpu, uint64_t pc, uint32_t word);
const void *jit_help_ertn(struct cpu *cpu, uint32_t site);
void jit_locate(struct cpu *cpu, uint32_t site); /* pc, counts: those of the instruction at @site */

#endif
