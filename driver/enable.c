// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enabling and disabling: the hypervisor's image and the system's configuration go to contiguous memory, and
 * all CPUs call it at once, there to go on as the root cell; or they leave it again.
 */
#define pr_fmt(format) "bixi: " format

#include <linux/cpu.h>
#include <linux/firmware.h>
#include <linux/gfp.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/uaccess.h>
#include <asm/addrspace.h>
#include <asm/loongarch.h>

#include "bixi.h"
#include "image.h"

#define POOL_SIZE  (4UL << 20) /* bytes of the hypervisor's own memory beyond what it must have */
#define CORE_MAX   (16UL << 20)
#define MEMORY_MAX (1UL << 30) /* of the hypervisor's memory: it needs some MiB */

struct hypervisor hypervisor;

static char *firmware = "bixi-hv.bin";
module_param(firmware, charp, 0444);
MODULE_PARM_DESC(firmware, "the hypervisor's image in /lib/firmware (bixi-hv.bin)");
MODULE_FIRMWARE("bixi-hv.bin");

int cpu_of_number(unsigned int number)
{
	return number < NR_CPUS ? cpu_number_map(number) : -1;
}

static void look_for_user(void *found)
{
	if (csr_read64(LOONGARCH_CSR_GTLBC) & (CSR_GTLBC_USETGID | CSR_GTLBC_TGID))
		WRITE_ONCE(*(bool *)found, true);
}

/*
 * The extension has one user at a time.  KVM, which is built into distributions' kernels, takes it when it
 * starts or when it makes its first guest, and by the same step of CPU hotplug.  While we hold that step KVM
 * gets EBUSY; otherwise its first guest would stop root, where what it executes then does not exist.
 */
static int lvz_take(void)
{
	int error = cpuhp_setup_state_nocalls(CPUHP_AP_KVM_ONLINE, "bixi:lvz", NULL, NULL);
	bool used = false;

	if (error)
		return refuse(error, "Linux's KVM holds the virtualization extension: start Linux with "
				     "\"kvm.enable_virt_at_load=0\", and end KVM guests");
	on_each_cpu(look_for_user, &used, 1);
	if (!used)
		return 0;
	cpuhp_remove_state_nocalls(CPUHP_AP_KVM_ONLINE);
	return refuse(-EBUSY,
		      "somebody holds the virtualization extension who is not KVM: restart Linux without it");
}

static void lvz_release(void)
{
	cpuhp_remove_state_nocalls(CPUHP_AP_KVM_ONLINE);
}

static int check_processor(void)
{
	if (read_cpucfg(LOONGARCH_CPUCFG2) & CPUCFG2_LVZP)
		return 0;
	return refuse(-ENODEV,
		      "this processor has no virtualization extension (LVZ), or its firmware or hypervisor "
		      "hides it: use another computer");
}

/* A copy of what the user points to, whose counts have been checked. */
static struct config_system *config_read(const struct config_system __user *user)
{
	struct config_system head, *config;
	u64 size;

	if (copy_from_user(&head, user, sizeof(head)))
		return ERR_PTR(-EFAULT);
	if (memcmp(head.signature, CONFIG_SYSTEM_SIGNATURE, CONFIG_SIGNATURE_LENGTH))
		return ERR_PTR(
			refuse(-EINVAL, "that is no system's configuration: it must begin with \"JHSYS\""));
	if (head.revision != CONFIG_REVISION)
		return ERR_PTR(refuse(-EINVAL,
				      "the configuration is of revision %u, not %u: compile it again",
				      head.revision, CONFIG_REVISION));
	if (head.architecture != CONFIG_ARCH_LOONGARCH)
		return ERR_PTR(refuse(-EINVAL,
				      "the configuration is for architecture %u: for LoongArch it must be %u",
				      head.architecture, CONFIG_ARCH_LOONGARCH));
	if (!name_is_good(head.root_cell.name))
		return ERR_PTR(refuse(-EINVAL,
				      "the root cell's name must have 1 to %u characters, none of them a "
				      "control character",
				      CONFIG_NAME_LENGTH - 1));
	size = config_system_size(&head);
	if (size > CONFIG_SIZE_MAX)
		return ERR_PTR(refuse(-E2BIG,
				      "the configuration's counts make %llu bytes of it, more than %u: "
				      "correct them",
				      size, CONFIG_SIZE_MAX));
	config = kzalloc(size, GFP_KERNEL);
	if (!config)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(config, user, size)) {
		kfree(config);
		return ERR_PTR(refuse(-EFAULT,
				      "the configuration is shorter than its counts say, %llu bytes: "
				      "compile it again",
				      size));
	}
	/* It may be another one by now; these counts have been looked at. */
	memcpy(config, &head, sizeof(head));
	config->root_cell.id = 0;
	return config;
}

/* Which CPUs the configuration gives to root must be those that run Linux, all of them now. */
static int check_cpus(const struct config_cell *root, unsigned int *max)
{
	const u8 *set = config_cpu_set(root);
	unsigned int cpu;

	*max = 0;
	for_each_present_cpu(cpu) {
		unsigned int number = cpu_logical_map(cpu);

		if (!cpu_online(cpu))
			return refuse(-EBUSY,
				      "CPU %u is offline: echo 1 > /sys/devices/system/cpu/cpu%u/online", cpu,
				      cpu);
		if (number / 8 >= root->cpu_set_size || !(set[number / 8] & 1 << number % 8))
			return refuse(-EINVAL,
				      "CPU %u is not among the root cell's in the configuration: add it, "
				      "or start Linux without it",
				      number);
		*max = max(*max, number + 1);
	}
	for (unsigned int number = 0; number / 8 < root->cpu_set_size; number++)
		if (set[number / 8] & 1 << number % 8 && cpu_of_number(number) < 0)
			return refuse(-EINVAL, "CPU %u of the configuration is none of Linux's: take it out",
				      number);
	return 0;
}

static int check_image(const struct firmware *image)
{
	const struct image_header *header = (const void *)image->data;

	if (image->size < sizeof(*header) ||
	    memcmp(header->signature, IMAGE_SIGNATURE, sizeof(header->signature)))
		return refuse(-ENOEXEC, "/lib/firmware/%s is no image of the hypervisor: install bixi-hv.bin",
			      firmware);
	if (header->abi != IMAGE_ABI)
		return refuse(-ENOEXEC,
			      "/lib/firmware/%s is of interface %llu, the driver of %u: install both of one "
			      "version",
			      firmware, header->abi, IMAGE_ABI);
	if (header->core_size % PAGE_SIZE || header->percpu_size % PAGE_SIZE || !header->percpu_size ||
	    header->core_size > CORE_MAX || header->percpu_size > CORE_MAX ||
	    header->core_size < image->size || header->entry % 4 || header->entry >= image->size ||
	    header->error > header->core_size - sizeof(struct hv_error))
		return refuse(-ENOEXEC, "/lib/firmware/%s is damaged: install it again", firmware);
	return 0;
}

static void memory_drop(void)
{
	if (hypervisor.resource)
		release_mem_region(hypervisor.phys, hypervisor.size);
	if (hypervisor.allocated)
		pages_give_back(phys_to_page(hypervisor.phys), get_order(hypervisor.size));
	hypervisor.resource = NULL;
	hypervisor.allocated = false;
	hypervisor.phys = hypervisor.size = 0;
}

/* The configuration's memory for the hypervisor, or, where it names none, some of Linux's; cleared. */
static int memory_get(struct config_memory *memory, u64 needed)
{
	u64 size = memory->size ?: PAGE_SIZE << get_order(needed + POOL_SIZE);
	struct page *page;

	if (size < needed)
		return refuse(-ENOSPC,
			      "the hypervisor's memory has 0x%llx bytes and it needs 0x%llx: make it larger",
			      size, needed);
	if ((memory->phys_start | size) % PAGE_SIZE || memory->phys_start + size < size)
		return refuse(-EINVAL,
			      "the hypervisor's memory at 0x%llx, 0x%llx bytes, is not made of whole pages",
			      memory->phys_start, size);
	if (size > MEMORY_MAX || memory->phys_start > TO_PHYS_MASK - size)
		return refuse(-E2BIG,
			      "the hypervisor's memory at 0x%llx, 0x%llx bytes, is more than %lu MiB or "
			      "beyond all addresses",
			      memory->phys_start, size, MEMORY_MAX >> 20);
	if (memory->phys_start) {
		if (!memory_is_free(memory->phys_start, size))
			return refuse(
				-EBUSY,
				"the hypervisor's memory at 0x%llx is in use by Linux: leave its address "
				"0, or reserve it",
				memory->phys_start);
		if (!memory_is_reserved(memory->phys_start, size)) {
			hypervisor.resource = request_mem_region(memory->phys_start, size, "bixi-hv");
			if (!hypervisor.resource)
				return refuse(
					-EBUSY,
					"the hypervisor's memory at 0x%llx is a device's: see /proc/iomem",
					memory->phys_start);
		}
	} else {
		size = PAGE_SIZE << get_order(size);
		page = get_order(size) > MAX_PAGE_ORDER ? NULL : pages_take(get_order(size));
		if (!page)
			return refuse(
				-ENOMEM,
				"Linux has no %llu MiB in one piece for the hypervisor: end programs, or "
				"restart it",
				size >> 20);
		memory->phys_start = page_to_phys(page);
		hypervisor.allocated = true;
	}
	memory->size = size;
	hypervisor.phys = memory->phys_start;
	hypervisor.size = size;
	memset((void *)TO_CACHE(hypervisor.phys), 0, size);
	return 0;
}

struct crossing {
	long (*entry)(unsigned int cpu); /* NULL: to leave */
	long result[NR_CPUS];
};

/*
 * On all CPUs at once, interrupts off.  They meet inside, so none may be waiting for another here: that is
 * what stop_machine() is for.
 */
static int cross(void *data)
{
	struct crossing *crossing = data;
	unsigned int cpu = smp_processor_id();
	long result;

	if (!cpumask_equal(cpu_online_mask, &hypervisor.cpus)) {
		result = -EAGAIN;
	} else if (crossing->entry) {
		asm volatile("dbar 0\n\tibar 0" : : : "memory");
		result = crossing->entry(cpu_logical_map(cpu));
	} else {
		result = hypercall(HC_DISABLE, 0, 0);
	}
	crossing->result[cpu] = result;
	return result;
}

/* 0 or -errno: the hypervisor sees to it that all CPUs get the same. */
static int cross_all(long (*entry)(unsigned int cpu))
{
	struct crossing *crossing = kzalloc(sizeof(*crossing), GFP_KERNEL);
	unsigned int cpu;
	int error;

	if (!crossing)
		return -ENOMEM;
	crossing->entry = entry;
	error = stop_machine(cross, crossing, cpu_online_mask);
	for_each_cpu(cpu, &hypervisor.cpus)
		if (error != -EAGAIN && crossing->result[cpu] != error)
			pr_err("CPU %u got %ld where another got %d, report that\n", cpu,
			       crossing->result[cpu], error);
	kfree(crossing);
	return error;
}

static int hypervisor_enter(const struct firmware *image, struct config_system *config, unsigned int max_cpus)
{
	const struct image_header *file = (const void *)image->data;
	u64 config_at = file->core_size + max_cpus * file->percpu_size;
	u64 config_size = config_system_size(config);
	struct image_header *header;
	int error;

	error = memory_get(&config->hypervisor_memory, config_at + PAGE_ALIGN(config_size) + PAGE_SIZE);
	if (error)
		return error;
	header = (void *)TO_CACHE(hypervisor.phys);
	memcpy(header, image->data, image->size);
	memcpy((void *)header + config_at, config, config_size);
	header->max_cpus = max_cpus;
	header->online_cpus = cpumask_weight(&hypervisor.cpus);
	header->phys_start = hypervisor.phys;
	error = cross_all((void *)header + header->entry);
	if (error == -EAGAIN)
		refuse(error, "CPUs went offline or came online meanwhile: try again");
	else if (error)
		refuse_for_reason(error, (void *)header + file->error, "take over");
	if (error)
		memory_drop();
	return error;
}

int hypervisor_enable(const struct config_system __user *user)
{
	const struct firmware *image = NULL;
	struct config_system *config;
	struct config_cell *root;
	unsigned int max_cpus;
	int error;

	if (hypervisor.enabled)
		return refuse(-EBUSY, "the hypervisor is enabled already: disable it first");
	config = config_read(user);
	if (IS_ERR(config))
		return PTR_ERR(config);
	root = kmemdup(&config->root_cell, config_cell_size(&config->root_cell), GFP_KERNEL);
	error = root ? check_processor() ?: check_cpus(root, &max_cpus) : -ENOMEM;
	if (error)
		goto free;
	error = request_firmware(&image, firmware, sysfs_device);
	if (error) {
		refuse(error, "there is no /lib/firmware/%s, the hypervisor's image: install it", firmware);
		goto free;
	}
	error = check_image(image);
	if (error)
		goto release;
	error = lvz_take();
	if (error)
		goto release;
	cpumask_copy(&hypervisor.cpus, cpu_present_mask);
	error = hypervisor_enter(image, config, max_cpus);
	if (error) {
		lvz_release();
		goto release;
	}

	WRITE_ONCE(hypervisor.enabled, true);
	__module_get(THIS_MODULE);
	if (IS_ERR(cell_register(root, &hypervisor.cpus)))
		pr_warn("Linux is short of memory: sysfs does not show the root cell\n");
	else
		root = NULL;
	pr_info("the hypervisor is enabled on CPUs %*pbl, in 0x%llx bytes at 0x%llx\n",
		cpumask_pr_args(&hypervisor.cpus), hypervisor.size, hypervisor.phys);
release:
	release_firmware(image);
free:
	kfree(root);
	kfree(config);
	return error;
}

/* Each CPU has to leave by itself: those that Linux has put to sleep since are woken for it. */
static int wake_cpus(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &hypervisor.cpus)
		if (!cpu_online(cpu) && add_cpu(cpu) < 0)
			return refuse(-EBUSY,
				      "CPU %u does not come online, which it has to for disabling: try again",
				      cpu);
	return 0;
}

int hypervisor_disable(void)
{
	int error;

	error = cells_destroy() ?: wake_cpus();
	if (error)
		return error;
	error = cross_all(NULL);
	if (error == -EAGAIN)
		return refuse(error, "CPUs went offline or came online meanwhile: try again");
	if (error)
		return refuse_for_hypervisor(error, "leave");
	WRITE_ONCE(hypervisor.enabled, false);
	if (!list_empty(&cells))
		cell_unregister(list_first_entry(&cells, struct cell, link));
	memory_drop();
	lvz_release();
	module_put(THIS_MODULE);
	pr_info("the hypervisor is disabled\n");
	return 0;
}
