// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cells: Linux gives CPUs and memory away for them, and gets the CPUs back.  What a description may say the
 * hypervisor checks; here is checked what only Linux knows, that is which CPUs and memory it uses.
 */
#define pr_fmt(format) "bixi: " format

#include <linux/cpu.h>
#include <linux/ctype.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "bixi.h"
#include "comm.h"

#define IMAGES_MAX     64
#define STATE_INTERVAL (HZ / 2) /* between looks for changes of state that nobody here asked for */

LIST_HEAD(cells);
cpumask_t cpus_of_cells;

struct cell *cell_find(const struct driver_cell_id *id)
{
	struct cell *cell;

	list_for_each_entry(cell, &cells, link)
		if (id->id >= 0 ? cell->id == id->id : !strncmp(cell->name, id->name, sizeof(cell->name)))
			return cell;
	if (id->id >= 0)
		return ERR_PTR(refuse(-ENOENT, "there is no cell %d: see bixi-cell list", id->id));
	return ERR_PTR(refuse(-ENOENT, "there is no cell \"%*pE\": see bixi-cell list",
			      (int)strnlen(id->name, sizeof(id->name)), id->name));
}

static void state_look(struct cell *cell)
{
	long state = hypercall(HC_CELL_GET_STATE, cell->id, 0);

	if (state == cell->state)
		return;
	cell->state = state;
	sysfs_state_changed(cell);
}

static void cells_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, cells_look);

/* A cell stops or fails by itself; nothing interrupts Linux then. */
static void cells_look(struct work_struct *work)
{
	struct cell *cell;

	/* Whoever waits for this work to end may have the mutex. */
	if (mutex_trylock(&bixi_mutex)) {
		list_for_each_entry(cell, &cells, link)
			if (cell->id)
				state_look(cell);
		mutex_unlock(&bixi_mutex);
	}
	schedule_delayed_work(&look_work, STATE_INTERVAL);
}

struct cell *cell_register(struct config_cell *config, const struct cpumask *cpus)
{
	struct cell *cell = kzalloc(sizeof(*cell), GFP_KERNEL);
	int error;

	if (!cell)
		return ERR_PTR(-ENOMEM);
	cell->id = config->id;
	cell->state = -1;
	strscpy(cell->name, config->name, sizeof(cell->name));
	cpumask_copy(&cell->cpus, cpus);
	error = sysfs_add_cell(cell);
	if (error)
		return ERR_PTR(error);
	cell->config = config;
	list_add_tail(&cell->link, &cells);
	if (cell->id)
		schedule_delayed_work(&look_work, STATE_INTERVAL);
	return cell;
}

void cell_unregister(struct cell *cell)
{
	list_del(&cell->link);
	if (list_empty(&cells) || list_is_singular(&cells))
		cancel_delayed_work_sync(&look_work);
	sysfs_remove_cell(cell);
}

bool name_is_good(const char *name)
{
	size_t length = strnlen(name, CONFIG_NAME_LENGTH);

	for (size_t i = 0; i < length; i++)
		if (iscntrl(name[i]))
			return false;
	return length && length < CONFIG_NAME_LENGTH;
}

static struct config_cell *config_read(const struct driver_cell_create *create)
{
	struct config_cell *config;

	if (create->config_size < sizeof(*config) || create->config_size > CONFIG_SIZE_MAX)
		return ERR_PTR(refuse(-EINVAL,
				      "a cell's configuration has %zu to %u bytes, not %u: compile it again",
				      sizeof(*config), CONFIG_SIZE_MAX, create->config_size));
	config = memdup_user(u64_to_user_ptr(create->config_address), create->config_size);
	if (IS_ERR(config))
		return config;
	if (memcmp(config->signature, CONFIG_CELL_SIGNATURE, CONFIG_SIGNATURE_LENGTH))
		refuse(-EINVAL, "that is no cell's configuration: it must begin with \"JHCLL\"");
	else if (config->revision != CONFIG_REVISION)
		refuse(-EINVAL, "the configuration is of revision %u, not %u: compile it again",
		       config->revision, CONFIG_REVISION);
	else if (config->architecture != CONFIG_ARCH_LOONGARCH)
		refuse(-EINVAL, "the configuration is for architecture %u: for LoongArch it must be %u",
		       config->architecture, CONFIG_ARCH_LOONGARCH);
	else if (config_cell_size(config) > create->config_size)
		refuse(-EINVAL, "the configuration has %u bytes and its counts make %llu: compile it again",
		       create->config_size, config_cell_size(config));
	else if (!name_is_good(config->name))
		refuse(-EINVAL,
		       "the cell's name must have 1 to %u characters, none of them a control character",
		       CONFIG_NAME_LENGTH - 1);
	else
		return config;
	kfree(config);
	return ERR_PTR(-EINVAL);
}

/* The lowest number that is free, or the holder of the name is there. */
static int config_number(struct config_cell *config)
{
	struct cell *cell;
	u32 id = 1;

again:
	list_for_each_entry(cell, &cells, link) {
		if (!strcmp(cell->name, config->name))
			return refuse(
				-EEXIST,
				"there is a cell \"%s\" already: destroy it, or name this one otherwise",
				cell->name);
		if (cell->id == id) {
			id++;
			goto again;
		}
	}
	config->id = id;
	/* What a cell does without asking it may also ask for. */
	if (config->flags & CONFIG_CELL_CONSOLE_ACTIVE)
		config->flags |= CONFIG_CELL_CONSOLE_PERMITTED;
	return 0;
}

static int config_cpus(const struct config_cell *config, struct cpumask *cpus)
{
	const u8 *set = config_cpu_set(config);
	struct cell *cell;

	cpumask_clear(cpus);
	for (unsigned int number = 0; number / 8 < config->cpu_set_size; number++) {
		int cpu = cpu_of_number(number);

		if (!(set[number / 8] & 1 << number % 8))
			continue;
		if (cpu < 0 || !cpumask_test_cpu(cpu, &hypervisor.cpus))
			return refuse(-EINVAL, "CPU %u of cell \"%s\" is not the hypervisor's: it has %*pbl",
				      number, config->name, cpumask_pr_args(&hypervisor.cpus));
		if (cpu == 0)
			return refuse(-EINVAL, "CPU %u cannot be cell \"%s\"'s: Linux needs it itself",
				      number, config->name);
		list_for_each_entry(cell, &cells, link)
			if (cell->id && cpumask_test_cpu(cpu, &cell->cpus))
				return refuse(-EBUSY,
					      "CPU %u of cell \"%s\" is cell "
					      "\"%s\"'s: destroy that first",
					      number, config->name, cell->name);
		cpumask_set_cpu(cpu, cpus);
	}
	if (cpumask_empty(cpus))
		return refuse(-EINVAL, "cell \"%s\" has no CPU: give it one", config->name);
	return 0;
}

/* Memory that is a cell's must not be in use by Linux, or both would break. */
static int config_memory_check(const struct config_cell *config)
{
	const struct config_memory *memory = config_memory(config);

	for (u32 i = 0; i < config->num_memory_regions; i++) {
		u64 phys = memory[i].phys_start, size = memory[i].size;

		if (memory[i].flags & CONFIG_MEM_COMM_REGION || !size)
			continue;
		if (phys + size < size)
			return refuse(-EINVAL, "memory region %u of cell \"%s\" at 0x%llx is too large", i,
				      config->name, phys);
		if (!memory_is_free(phys, size))
			return refuse(
				-EBUSY,
				"memory region %u of cell \"%s\", 0x%llx at 0x%llx, is Linux's: reserve "
				"it (bixi-cell config create)",
				i, config->name, size, phys);
		if (!(memory[i].flags & CONFIG_MEM_ROOTSHARED) && memory_is_shared(phys, size))
			return refuse(
				-EBUSY,
				"memory region %u of cell \"%s\", 0x%llx at 0x%llx, is still mapped by a "
				"program that shared it with a cell: end that",
				i, config->name, size, phys);
	}
	return 0;
}

static void cpus_give_back(struct cpumask *offlined, const struct cpumask *cpus)
{
	unsigned int cpu;

	cpumask_andnot(&cpus_of_cells, &cpus_of_cells, cpus);
	for_each_cpu(cpu, offlined)
		if (add_cpu(cpu) < 0)
			pr_err("CPU %u does not come back: echo 1 > /sys/devices/system/cpu/cpu%u/online\n",
			       cpu, cpu);
}

/* @offlined: those that Linux used. */
static int cpus_take(const struct cpumask *cpus, struct cpumask *offlined)
{
	unsigned int cpu;
	int error;

	cpumask_clear(offlined);
	cpumask_or(&cpus_of_cells, &cpus_of_cells, cpus);
	for_each_cpu(cpu, cpus) {
		error = remove_cpu(cpu); /* 1: it was offline */
		if (error < 0) {
			cpus_give_back(offlined, cpus);
			return refuse(error, "Linux does not let go of CPU %u (error %d): see its log", cpu,
				      error);
		}
		if (!error)
			cpumask_set_cpu(cpu, offlined);
	}
	return 0;
}

/* Root has other CPUs than before. */
static void root_update(void)
{
	struct cell *root = list_first_entry_or_null(&cells, struct cell, link);

	if (!root || root->id)
		return;
	cpumask_andnot(&root->cpus, &hypervisor.cpus, &cpus_of_cells);
	sysfs_update_cpus(root);
}

int cell_create(const struct driver_cell_create __user *argument)
{
	struct driver_cell_create create;
	struct cpumask cpus, offlined;
	struct config_cell *config;
	struct cell *cell;
	long error;

	if (copy_from_user(&create, argument, sizeof(create)))
		return -EFAULT;
	config = config_read(&create);
	if (IS_ERR(config))
		return PTR_ERR(config);
	error = config_number(config) ?: config_cpus(config, &cpus) ?: config_memory_check(config);
	if (error)
		goto free;
	error = cpus_take(&cpus, &offlined);
	if (error)
		goto free;
	error = hypercall(HC_CELL_CREATE, virt_to_phys(config), 0);
	if (error) {
		memset(exchange, 0, sizeof(struct hv_error));
		hypercall(HC_LAST_ERROR, virt_to_phys(exchange), 0);
		refuse_for_reason(error, exchange, "create the cell");
		goto give_back;
	}
	cell = cell_register(config, &cpus);
	if (IS_ERR(cell)) {
		error = PTR_ERR(cell);
		hypercall(HC_CELL_DESTROY, config->id, 0);
		goto give_back;
	}
	cpumask_copy(&cell->offlined, &offlined);
	root_update();
	state_look(cell);
	pr_info("cell %u, \"%s\", has CPUs %*pbl\n", cell->id, cell->name, cpumask_pr_args(&cell->cpus));
	return 0;

give_back:
	cpus_give_back(&offlined, &cpus);
free:
	kfree(config);
	return error;
}

/* The region of what is at @gpa, if images may go there. */
static const struct config_memory *loadable_region(const struct cell *cell, u64 gpa)
{
	const u64 needed = CONFIG_MEM_LOADABLE | CONFIG_MEM_WRITE;
	const struct config_memory *memory = config_memory(cell->config);

	for (u32 i = 0; i < cell->config->num_memory_regions; i++)
		if (gpa >= memory[i].virt_start && gpa - memory[i].virt_start < memory[i].size &&
		    (memory[i].flags & needed) == needed)
			return &memory[i];
	return NULL;
}

/* Memory of cells is chunks, so an image may reach over several regions. */
static int image_check(const struct cell *cell, const struct driver_image *image)
{
	u64 gpa = image->target_address, left = image->size, size;

	for (; left; gpa += size, left -= size) {
		const struct config_memory *memory = loadable_region(cell, gpa);

		if (!memory)
			return refuse(
				-EINVAL,
				"cell \"%s\" has no loadable memory at 0x%llx, where an image of 0x%llx "
				"bytes for 0x%llx would go",
				cell->name, gpa, image->size, image->target_address);
		size = min(left, memory->size - (gpa - memory->virt_start));
	}
	return 0;
}

static int image_load(const struct cell *cell, const struct driver_image *image)
{
	u64 gpa = image->target_address, from = image->source_address, left = image->size;

	while (left) {
		const struct config_memory *memory = loadable_region(cell, gpa);
		u64 offset = gpa - memory->virt_start, size = min(left, memory->size - offset);
		void *to = memremap(memory->phys_start + offset, size, MEMREMAP_WB);

		if (!to)
			return refuse(-ENOMEM, "Linux cannot map cell \"%s\"'s memory at 0x%llx", cell->name,
				      gpa);
		size -= copy_from_user(to, u64_to_user_ptr(from), size);
		memunmap(to);
		if (!size)
			return -EFAULT;
		gpa += size;
		from += size;
		left -= size;
	}
	return 0;
}

/* A cell that runs is stopped for it, but not for what cannot be loaded. */
static int images_load(struct cell *cell, const struct driver_image *images, u32 count)
{
	int error = 0;

	for (u32 i = 0; i < count && !error; i++)
		error = image_check(cell, &images[i]);
	if (error)
		return error;
	error = hypercall(HC_CELL_SET_LOADABLE, cell->id, 0);
	if (error)
		return refuse_for_hypervisor(error, "make the cell loadable");
	state_look(cell);
	for (u32 i = 0; i < count && !error; i++)
		error = image_load(cell, &images[i]);
	return error;
}

int cell_load(const struct driver_cell_load __user *argument)
{
	struct driver_cell_load load;
	struct driver_image *images;
	struct cell *cell;
	int error;

	if (copy_from_user(&load, argument, sizeof(load)))
		return -EFAULT;
	cell = cell_find(&load.cell);
	if (IS_ERR(cell))
		return PTR_ERR(cell);
	if (!cell->id)
		return refuse(-EINVAL, "nothing is loaded into root, Linux itself");
	if (load.num_images > IMAGES_MAX)
		return refuse(-EINVAL, "%u images at a time can be loaded, not %u", IMAGES_MAX,
			      load.num_images);
	images = memdup_array_user(argument->images, load.num_images, sizeof(*images));
	if (IS_ERR(images))
		return PTR_ERR(images);
	error = images_load(cell, images, load.num_images);
	kfree(images);
	return error;
}

int cell_start(struct cell *cell)
{
	long error = hypercall(HC_CELL_START, cell->id, 0);

	if (error)
		return refuse_for_hypervisor(error, "start the cell");
	state_look(cell);
	return 0;
}

int cell_shutdown(struct cell *cell)
{
	long error = hypercall(HC_CELL_SHUTDOWN, cell->id, 0);

	if (error)
		return refuse_for_hypervisor(error, "shut the cell down");
	state_look(cell);
	return 0;
}

int cell_destroy(struct cell *cell)
{
	long error = hypercall(HC_CELL_DESTROY, cell->id, 0);
	struct cpumask cpus, offlined;

	if (error)
		return refuse_for_hypervisor(error, "destroy the cell");
	pr_info("cell %u, \"%s\", is destroyed\n", cell->id, cell->name);
	cpumask_copy(&cpus, &cell->cpus);
	cpumask_copy(&offlined, &cell->offlined);
	cell_unregister(cell);
	cpus_give_back(&offlined, &cpus);
	root_update();
	return 0;
}

int cells_destroy(void)
{
	struct cell *cell, *next;
	int error;

	list_for_each_entry_safe(cell, next, &cells, link) {
		error = cell->id ? cell_destroy(cell) : 0;
		if (error)
			return error;
	}
	return 0;
}
