/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The code cache: memory for host code, mapped once to write and once to execute, and the tables of code
 * pages, blocks, direct jumps and sites (jit_impl.h).  While cores are inside the tables only grow, so that
 * they look things up without a lock.  Things are forgotten while all are outside: a region's blocks, or
 * everything.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/jit/jit_impl.h"

#define PAGE_HASH_BITS	16
#define BLOCK_HASH_BITS 18
#define FIRST_PAGE	256 /* so that all numbers are encoded alike, see kill_block() */
#define PAGES_MAX	(1u << 18)
#define BLOCKS_MAX	(JIT_REGIONS * REGION_BLOCKS + 1)
#define LINKS_MAX	(JIT_REGIONS * REGION_LINKS + 1)
#define SITES_MAX	(JIT_REGIONS * REGION_SITES + 1)

/* Memory that costs nothing until it is used. */
static void *reserve(size_t size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void release(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

static size_t ram_pages(const struct jit *jit)
{
	const struct bus *bus = jit->group->cpu[0]->bus;

	return (bus->ram_size + BUS_ROM_MAX) / BUS_PAGE_SIZE;
}

/* Two views of the same memory: nothing is ever writable and executable at one address. */
static int map_code(struct jit *jit)
{
	void *memory = mmap(NULL, jit->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	jit->rw = memory;
	memory = mremap(jit->rw, 0, jit->size, MREMAP_MAYMOVE); /* of size 0: one more mapping */
	if (memory == MAP_FAILED)
		return -errno;
	jit->rx = memory;
	return mprotect(jit->rx, jit->size, PROT_READ | PROT_EXEC) ? -errno : 0;
}

static int open_perf_map(struct jit *jit)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/perf-%d.map", getpid());
	jit->perf_map = fopen(name, "we");
	if (!jit->perf_map)
		return -errno;
	setvbuf(jit->perf_map, NULL, _IOLBF, 0); /* perf may look while the machine runs */
	return 0;
}

int cache_create(struct jit *jit)
{
	struct code code;
	int err;

	assert(jit->options.cache_bytes >= JIT_CACHE_MIN);
	jit->size = jit->options.cache_bytes;
	jit->page = reserve(PAGES_MAX * sizeof(*jit->page));
	jit->block = reserve(BLOCKS_MAX * sizeof(*jit->block));
	jit->link = reserve(LINKS_MAX * sizeof(*jit->link));
	jit->site = reserve(SITES_MAX * sizeof(*jit->site));
	jit->page_hash = reserve(sizeof(*jit->page_hash) << PAGE_HASH_BITS);
	jit->block_hash = reserve(sizeof(*jit->block_hash) << BLOCK_HASH_BITS);
	jit->host_pages = reserve(ram_pages(jit) * sizeof(*jit->host_pages));
	jit->rests = reserve(ram_pages(jit) * sizeof(*jit->rests));
	if (!jit->page || !jit->block || !jit->link || !jit->site || !jit->page_hash || !jit->block_hash ||
	    !jit->host_pages || !jit->rests)
		return -ENOMEM;
	err = map_code(jit);
	if (!err && jit->options.perf_map)
		err = open_perf_map(jit);
	if (err)
		return err;
	code = (struct code){ .at = jit->rw, .end = jit->rw + jit->size, .rx = jit->rx - jit->rw };
	thunks_emit(jit, &code);
	regions_divide(jit, code.at);
	jit->pages = FIRST_PAGE;
	jit->epoch = 1; /* unlike the cores', which have nothing yet */
	return 0;
}

void cache_destroy(struct jit *jit)
{
	release(jit->page, PAGES_MAX * sizeof(*jit->page));
	release(jit->block, BLOCKS_MAX * sizeof(*jit->block));
	release(jit->link, LINKS_MAX * sizeof(*jit->link));
	release(jit->site, SITES_MAX * sizeof(*jit->site));
	release((void *)jit->page_hash, sizeof(*jit->page_hash) << PAGE_HASH_BITS);
	release((void *)jit->block_hash, sizeof(*jit->block_hash) << BLOCK_HASH_BITS);
	release(jit->host_pages, ram_pages(jit) * sizeof(*jit->host_pages));
	release(jit->rests, ram_pages(jit) * sizeof(*jit->rests));
	release(jit->rw, jit->size);
	release(jit->rx, jit->size);
	if (jit->perf_map)
		fclose(jit->perf_map);
}

bool cache_pages_full(const struct jit *jit)
{
	return jit->pages == PAGES_MAX;
}

void cache_flush(struct jit *jit)
{
	dump_print(jit, 0, UINT32_MAX, stderr);
	memset((void *)jit->page_hash, 0, sizeof(*jit->page_hash) << PAGE_HASH_BITS);
	memset((void *)jit->block_hash, 0, sizeof(*jit->block_hash) << BLOCK_HASH_BITS);
	memset(jit->host_pages, 0, ram_pages(jit) * sizeof(*jit->host_pages));
	regions_empty(jit);
	jit->pages = FIRST_PAGE;
	jit->stats.flushes++;
	atomic_fetch_add(&jit->epoch, 1);
}

static unsigned page_hash(uint64_t va, const void *host)
{
	const uint64_t key = (va >> 12) * UINT64_C(0x9e3779b97f4a7c15) ^
			     ((uintptr_t)host >> 12) * UINT64_C(0xc2b2ae3d27d4eb4f);

	return (unsigned)(key >> (64 - PAGE_HASH_BITS));
}

static unsigned block_hash(uint32_t page, uint64_t pc)
{
	const uint64_t key = ((uint64_t)page << 16 ^ (pc & 0xffff)) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(key >> (64 - BLOCK_HASH_BITS));
}

uint32_t cache_find_page(const struct jit *jit, uint64_t va, const void *host)
{
	uint32_t id = atomic_load_explicit(&jit->page_hash[page_hash(va, host)], memory_order_acquire);

	for (; id; id = jit->page[id].next)
		if (jit->page[id].va == va && jit->page[id].host == host && cache_page_lives(jit, id))
			return id;
	return 0;
}

/* Index in host_pages: of the soft TLB's page that @host is in. */
static size_t host_page(const struct jit *jit, const void *host)
{
	return bus_ram_page(jit->group->cpu[0]->bus, host) >> (jit->page_bits - BUS_PAGE_BITS);
}

/*
 * Where data lies beside code, or code is written all the time, a page may be written soon after each time
 * that it was translated.  All cores are stopped and blocks made for nothing then: such a page is left to the
 * reference engine for a while, longer each time.
 */
#define SOON	   UINT64_C(1000000) /* ns */
#define FIRST_REST UINT64_C(10000)
#define REST_MAX   UINT64_C(8000000)

/* ns; where cores take turns instructions, so that each run of a deterministic machine is like the other. */
static uint64_t now_of(const struct jit *jit)
{
	const struct cpu_group *group = jit->group;
	uint64_t count = 0;

	if (group->parallel)
		return jit_now_ns();
	for (unsigned i = 0; i < group->count; i++)
		count += group->cpu[i]->insn_count;
	return count;
}

bool cache_page_rests(const struct jit *jit, const void *host)
{
	const uint64_t until =
		atomic_load_explicit(&jit->rests[host_page(jit, host)].until, memory_order_relaxed);

	return until && now_of(jit) < until;
}

/* A code page is made from the memory at @host. */
static void note_made(struct jit *jit, const void *host)
{
	struct jit_rest *rest = &jit->rests[host_page(jit, host)];
	const uint64_t now = now_of(jit);

	if (now - rest->made > 2 * rest->interval + SOON)
		rest->interval /= 2;
	else if (rest->interval < REST_MAX)
		rest->interval = 2 * rest->interval + FIRST_REST;
	rest->made = now;
	atomic_store_explicit(&rest->until, now + rest->interval, memory_order_relaxed);
}

uint32_t cache_add_page(struct jit *jit, uint64_t va, const void *host)
{
	_Atomic uint32_t *head = &jit->page_hash[page_hash(va, host)];
	uint32_t *twins = &jit->host_pages[host_page(jit, host)];
	const uint32_t id = jit->pages;
	struct jit_page *page = &jit->page[id];

	if (cache_pages_full(jit))
		return 0;
	*page = (struct jit_page){ .va = va, .host = host, .next = *head, .twin = *twins };
	if (!*twins)
		note_made(jit, host);
	*twins = id;
	jit->pages++;
	atomic_store_explicit(head, id, memory_order_release);
	return id;
}

uint32_t cache_find_block(const struct jit *jit, uint32_t page, uint64_t pc)
{
	uint32_t number = atomic_load_explicit(&jit->block_hash[block_hash(page, pc)], memory_order_acquire);

	for (; number; number = jit->block[number].next)
		if (jit->block[number].page == page && jit->block[number].pc == pc)
			return number;
	return 0;
}

/*
 * The block was made from words that were read without the lock.  Whoever writes such a word has the page
 * killed before (machine/cpu/code.h), with the lock held.  If the page lives here, that is yet to come for
 * all writes there will be: this section of the lock comes before that one, so what was read comes before
 * what will be written, and the block dies with its page.  (A device has its pages killed after it has
 * written, before the guest learns of that.  Until then the guest may meet either, with any engine.)
 */
uint32_t cache_publish(struct jit *jit, uint32_t number)
{
	struct jit_block *block = &jit->block[number];
	_Atomic uint32_t *head = &jit->block_hash[block_hash(block->page, block->pc)];
	uint32_t other;

	if (!cache_page_lives(jit, block->page))
		return 0;
	other = cache_find_block(jit, block->page, block->pc);
	if (other)
		return other;
	block->next = *head;
	block->sibling = jit->page[block->page].blocks;
	if (block->sibling)
		jit->block[block->sibling].before = number;
	jit->page[block->page].blocks = number;
	atomic_store_explicit(head, number, memory_order_release);
	if (jit->perf_map)
		fprintf(jit->perf_map, "%" PRIxPTR " %tx guest_%" PRIx64 "_%u\n", (uintptr_t)block->guarded,
			block->end - block->guarded, block->pc, block->insns);
	return number;
}

/* In one piece, after all stores before.  For x86 it need not be aligned; C's atomic functions want that. */
static void store_code(uint8_t *at, uint32_t value)
{
	typedef volatile uint32_t unaligned __attribute__((aligned(1)));

	atomic_thread_fence(memory_order_release);
	*(unaligned *)at = value;
}

/* The rel32 at @site in the writable view of a jump to @target in the executable one. */
static int32_t distance_to(const struct jit *jit, const uint8_t *site, const uint8_t *target)
{
	return (int32_t)(target - (site + 4 + (jit->rx - jit->rw)));
}

static void patch(const struct jit *jit, uint8_t *site, const uint8_t *target)
{
	store_code(site, (uint32_t)distance_to(jit, site, target));
}

void cache_link(struct jit *jit, uint32_t number, uint32_t target)
{
	struct jit_link *link = &jit->link[number];
	struct jit_block *block = &jit->block[target];
	const uint32_t from = jit->block[link->from].page;

	if (!cache_page_lives(jit, block->page) || !cache_page_lives(jit, from))
		return;
	/* Another core came out of the same jump, and was first. */
	if (link->to)
		return;
	patch(jit, link->jump, block->page == from ? block->entry : block->guarded);
	link->to = target;
	link->before = 0;
	link->sibling = block->links;
	if (link->sibling)
		jit->link[link->sibling].before = number;
	block->links = number;
	jit->stats.links++;
}

/* The jumps that lead to the block lead to their stubs again. */
static void unlink_block(struct jit *jit, struct jit_block *block)
{
	for (uint32_t number = block->links; number; number = jit->link[number].sibling) {
		struct jit_link *link = &jit->link[number];

		patch(jit, link->jump, link->stub);
		link->to = 0;
	}
	block->links = 0;
}

/* Number of a page that there is not: no core has it in its bank. */
#define NO_PAGE UINT32_MAX

/* Nobody comes into the block any more but by indirect jumps, which will find that its page is none. */
static void kill_block(struct jit *jit, struct jit_block *block)
{
	/* the 32-bit immediate of cmp [r14 + disp32], in 16 aligned bytes: translate.c, entries() */
	uint8_t *imm = (uint8_t *)(uintptr_t)block->guarded - (jit->rx - jit->rw) + 7;

	store_code(imm, NO_PAGE);
	unlink_block(jit, block);
}

/* Who is looking at it meanwhile still finds the rest of the chain. */
static void unlink_page(struct jit *jit, uint32_t id)
{
	const struct jit_page *page = &jit->page[id];
	_Atomic uint32_t *from = &jit->page_hash[page_hash(page->va, page->host)];

	while (*from != id)
		from = &jit->page[*from].next;
	atomic_store_explicit(from, page->next, memory_order_release);
}

static void kill_page(struct jit *jit, uint32_t id)
{
	struct jit_page *page = &jit->page[id];

	atomic_store_explicit(&page->dead, true, memory_order_release);
	unlink_page(jit, id);
	for (uint32_t number = page->blocks; number; number = jit->block[number].sibling)
		kill_block(jit, &jit->block[number]);
}

void cache_kill_pages(struct jit *jit, const void *host, size_t size)
{
	const size_t first = host_page(jit, host), last = host_page(jit, (const uint8_t *)host + size - 1);

	for (size_t i = first; i <= last; i++) {
		for (uint32_t id = jit->host_pages[i]; id; id = jit->page[id].twin)
			kill_page(jit, id);
		jit->host_pages[i] = 0;
	}
}

static void unhash_block(struct jit *jit, uint32_t number)
{
	const struct jit_block *block = &jit->block[number];
	_Atomic uint32_t *head = &jit->block_hash[block_hash(block->page, block->pc)];
	uint32_t before = *head;

	if (before == number) {
		*head = block->next;
		return;
	}
	while (jit->block[before].next != number)
		before = jit->block[before].next;
	jit->block[before].next = block->next;
}

/* Off its page's list, and thereby from its page. */
static void leave_page(struct jit *jit, struct jit_block *block)
{
	uint32_t *from = block->before ? &jit->block[block->before].sibling : &jit->page[block->page].blocks;

	*from = block->sibling;
	if (block->sibling)
		jit->block[block->sibling].before = block->before;
	block->page = 0;
}

/* Off the list of the jumps that lead to its target. */
static void leave_target(struct jit *jit, struct jit_link *link)
{
	uint32_t *from = link->before ? &jit->link[link->before].sibling : &jit->block[link->to].links;

	*from = link->sibling;
	if (link->sibling)
		jit->link[link->sibling].before = link->before;
	link->to = 0;
}

void cache_forget(struct jit *jit, const struct jit_place *first, const struct jit_place *end)
{
	dump_print(jit, first->block, end->block, stderr);
	for (uint32_t number = first->block; number < end->block; number++) {
		unhash_block(jit, number);
		unlink_block(jit, &jit->block[number]);
		leave_page(jit, &jit->block[number]);
	}
	for (uint32_t number = first->link; number < end->link; number++)
		if (jit->link[number].to)
			leave_target(jit, &jit->link[number]);
	atomic_fetch_add(&jit->epoch, 1);
}
