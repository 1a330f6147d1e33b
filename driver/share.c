// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that root shares with a cell, for programs: /dev/mem shows nothing that was Linux's own.  Each time
 * it is opened there is a file, and while there is one the memory does not go back to Linux.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bixi.h"

struct share {
	struct list_head link;
	u64 phys, size;
};

static LIST_HEAD(shares);

bool memory_is_shared(u64 phys, u64 size)
{
	struct share *share;

	list_for_each_entry(share, &shares, link)
		if (ranges_overlap(phys, size, share->phys, share->size))
			return true;
	return false;
}

/* What is mapped holds the file, so this is called when nothing is any more. */
static int share_release(struct inode *inode, struct file *file)
{
	struct share *share = file->private_data;

	mutex_lock(&bixi_mutex);
	list_del(&share->link);
	mutex_unlock(&bixi_mutex);
	kfree(share);
	return 0;
}

/* Without the mutex: who has it may be waiting for this program's memory. */
static int share_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct share *share = file->private_data;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT, size = vma->vm_end - vma->vm_start;

	if (!(vma->vm_flags & VM_SHARED) || offset >= share->size || size > share->size - offset)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, PHYS_PFN(share->phys + offset), size, vma->vm_page_prot);
}

static const struct file_operations share_operations = {
	.owner = THIS_MODULE,
	.mmap = share_mmap,
	.release = share_release,
};

/* Devices are not for this: /dev/mem has them. */
static const struct config_memory *shared_region(const struct cell *cell, u64 gpa)
{
	const u64 kind = CONFIG_MEM_ROOTSHARED | CONFIG_MEM_IO | CONFIG_MEM_COMM_REGION;
	const struct config_memory *memory = config_memory(cell->config);

	for (u32 i = 0; i < cell->config->num_memory_regions; i++)
		if (gpa - memory[i].virt_start < memory[i].size &&
		    (memory[i].flags & kind) == CONFIG_MEM_ROOTSHARED)
			return &memory[i];
	return NULL;
}

long share_open(struct driver_share __user *argument)
{
	const struct config_memory *memory;
	struct driver_share request;
	struct share *share;
	struct cell *cell;
	struct file *file;
	int fd;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	cell = cell_find(&request.cell);
	if (IS_ERR(cell))
		return PTR_ERR(cell);
	memory = cell->id ? shared_region(cell, request.address) : NULL;
	if (!memory)
		return refuse(
			-EINVAL,
			"cell \"%s\" has no memory at 0x%llx that is root's, too: give its region the flag "
			"root-shared",
			cell->name, request.address);
	fd = get_unused_fd_flags(O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fd;
	share = kzalloc(sizeof(*share), GFP_KERNEL);
	file = share ? anon_inode_getfile("bixi-share", &share_operations, share, O_RDWR) : ERR_PTR(-ENOMEM);
	if (IS_ERR(file)) {
		kfree(share);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	share->phys = memory->phys_start;
	share->size = request.size = memory->size;
	list_add(&share->link, &shares);
	request.address = memory->virt_start;
	request.fd = fd;
	if (copy_to_user(argument, &request, sizeof(request))) {
		put_unused_fd(fd);
		fput(file); /* it is released when the mutex is free */
		return -EFAULT;
	}
	fd_install(fd, file);
	return 0;
}
