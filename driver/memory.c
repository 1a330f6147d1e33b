// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that Linux lends: chunks of its page allocator, contiguous up to its largest order.  They are kept
 * until they are released, whoever reserved them, and not while the hypervisor or a cell is in them.
 */
#include <linux/gfp.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bixi.h"

#define LEFT_TO_LINUX (64UL << 20) /* bytes: reserving may not starve it */

struct chunk {
	struct list_head link;
	struct page *page;
	unsigned int order;
};

static LIST_HEAD(chunks); /* by age */

/* Who reads all of Linux' memory, as /proc/kcore and dumps do, must leave these pages out. */
static void pages_hide(struct page *page, unsigned int order, bool hide)
{
	page_offline_begin();
	for (unsigned long i = 0; i < 1UL << order; i++)
		if (hide)
			__SetPageOffline(page + i);
		else
			__ClearPageOffline(page + i);
	page_offline_end();
}

struct page *pages_take(unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL, order);

	if (page)
		pages_hide(page, order, true);
	return page;
}

void pages_give_back(struct page *page, unsigned int order)
{
	pages_hide(page, order, false);
	__free_pages(page, order);
}

static u64 chunk_phys(const struct chunk *chunk)
{
	return page_to_phys(chunk->page);
}

static u64 chunk_size(const struct chunk *chunk)
{
	return (u64)PAGE_SIZE << chunk->order;
}

static void chunk_free(struct chunk *chunk)
{
	list_del(&chunk->link);
	pages_give_back(chunk->page, chunk->order);
	kfree(chunk);
}

/*
 * The largest chunk of at most @size bytes and the order *@max that there is, into @list; its size, 0: there
 * is none.  *@max becomes its order: to look for larger ones takes long where Linux has none left.
 */
static u64 chunk_allocate(u64 size, int *max, struct list_head *list)
{
	struct chunk *chunk = kmalloc(sizeof(*chunk), GFP_KERNEL);
	int order = min(ilog2(size >> PAGE_SHIFT), *max);

	if (!chunk)
		return 0;
	for (; order >= 0 && !fatal_signal_pending(current); order--) {
		chunk->page = pages_take(order);
		if (chunk->page) {
			chunk->order = *max = order;
			list_add_tail(&chunk->link, list);
			return chunk_size(chunk);
		}
	}
	kfree(chunk);
	return 0;
}

static int chunks_tell(struct list_head *list, struct driver_reserve *reserve)
{
	struct driver_chunk __user *to = u64_to_user_ptr(reserve->chunks_address);
	struct chunk *chunk;
	u32 count = 0;

	list_for_each_entry(chunk, list, link) {
		struct driver_chunk entry = { chunk_phys(chunk), chunk_size(chunk) };

		if (count < reserve->num_chunks && copy_to_user(&to[count], &entry, sizeof(entry)))
			return -EFAULT;
		count++;
	}
	if (count > reserve->num_chunks) {
		u32 room = reserve->num_chunks;

		reserve->num_chunks = count;
		return refuse(-ENOSPC, "the memory asked for comes in %u chunks: make the array of %u larger",
			      count, room);
	}
	reserve->num_chunks = count;
	return 0;
}

int memory_reserve(struct driver_reserve __user *argument)
{
	struct driver_reserve reserve;
	struct chunk *chunk, *next;
	int max = MAX_PAGE_ORDER, error;
	LIST_HEAD(list);
	u64 left;

	if (copy_from_user(&reserve, argument, sizeof(reserve)))
		return -EFAULT;
	if (!reserve.size || reserve.size % PAGE_SIZE)
		return refuse(-EINVAL,
			      "%llu bytes cannot be reserved: ask for a multiple of the page size, %lu",
			      reserve.size, PAGE_SIZE);
	left = (u64)si_mem_available() << PAGE_SHIFT;
	if (reserve.size > left || left - reserve.size < LEFT_TO_LINUX)
		return refuse(
			-ENOMEM,
			"%llu MiB cannot be reserved, Linux has %llu MiB left and keeps %lu: ask for less",
			reserve.size >> 20, left >> 20, LEFT_TO_LINUX >> 20);
	for (left = reserve.size; left;) {
		u64 size = chunk_allocate(left, &max, &list);

		if (!size) {
			error = refuse(-ENOMEM,
				       "Linux has no %llu MiB to reserve: end programs, or ask for less",
				       reserve.size >> 20);
			goto free;
		}
		left -= size;
	}
	error = chunks_tell(&list, &reserve);
	if (copy_to_user(argument, &reserve, sizeof(reserve)))
		error = -EFAULT;
	if (error)
		goto free;
	list_splice_tail(&list, &chunks);
	return 0;

free:
	list_for_each_entry_safe(chunk, next, &list, link)
		chunk_free(chunk);
	return error;
}

/* The cell that has some of it, NULL: none. */
static const struct cell *chunk_cell(const struct chunk *chunk)
{
	struct cell *cell;

	list_for_each_entry(cell, &cells, link) {
		const struct config_memory *memory = config_memory(cell->config);

		for (u32 i = 0; cell->id && i < cell->config->num_memory_regions; i++)
			if (ranges_overlap(chunk_phys(chunk), chunk_size(chunk), memory[i].phys_start,
					   memory[i].size))
				return cell;
	}
	return NULL;
}

/* Who is in it, NULL: nobody. */
static const char *chunk_user(const struct chunk *chunk)
{
	const struct cell *cell = hypervisor.enabled ? chunk_cell(chunk) : NULL;

	if (hypervisor.enabled &&
	    ranges_overlap(chunk_phys(chunk), chunk_size(chunk), hypervisor.phys, hypervisor.size))
		return "hypervisor";
	if (cell)
		return cell->name;
	return memory_is_shared(chunk_phys(chunk), chunk_size(chunk)) ? "shared" : NULL;
}

int memory_release(const struct driver_release __user *argument)
{
	struct driver_release release;
	struct chunk *chunk, *next;
	bool all;

	if (copy_from_user(&release, argument, sizeof(release)))
		return -EFAULT;
	all = release.phys == DRIVER_RELEASE_UNUSED;
	list_for_each_entry_safe(chunk, next, &chunks, link) {
		const char *user = chunk_user(chunk);

		if (!all && chunk_phys(chunk) != release.phys)
			continue;
		if (!user)
			chunk_free(chunk);
		else if (!all)
			return refuse(-EBUSY, "the memory at 0x%llx is %s's: destroy that first",
				      release.phys, user);
		if (!all)
			return 0;
	}
	return all ? 0
		   : refuse(-ENOENT, "no reserved memory begins at 0x%llx: see /sys/devices/bixi/reserved",
			    release.phys);
}

void memory_release_all(void)
{
	struct chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &chunks, link)
		chunk_free(chunk);
}

/* Chunks may follow each other. */
bool memory_is_reserved(u64 phys, u64 size)
{
	u64 end = phys + size;
	struct chunk *chunk;

again:
	list_for_each_entry(chunk, &chunks, link) {
		if (phys < chunk_phys(chunk) || phys - chunk_phys(chunk) >= chunk_size(chunk))
			continue;
		phys = chunk_phys(chunk) + chunk_size(chunk);
		if (phys >= end)
			return true;
		goto again;
	}
	return false;
}

bool memory_is_free(u64 phys, u64 size)
{
	return memory_is_reserved(phys, size) ||
	       region_intersects(phys, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) == REGION_DISJOINT;
}

/* For /sys/devices/bixi/reserved: lines of address, size, user. */
ssize_t memory_show(char *text)
{
	struct chunk *chunk;
	ssize_t length = 0;

	list_for_each_entry(chunk, &chunks, link)
		length += sysfs_emit_at(text, length, "0x%llx 0x%llx %s\n", chunk_phys(chunk),
					chunk_size(chunk), chunk_user(chunk) ?: "-");
	return length;
}
