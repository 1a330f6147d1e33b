// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/devices/bixi, as Jailhouse has it: enabled, mem_pool_*, cells/ID/{name,state,cpus_*}, and how often
 * and why cells were left, cells/ID/statistics/vmexits_* and .../cpuN/vmexits_*; ours is reserved.  A cell's
 * directory sends uevents: add, change with its state, remove.
 *
 * Files take the mutex as others of the kernel do whose directories are removed under it: they do not wait
 * for it but have the call made again, as removal waits for them.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "bixi.h"
#include "comm.h"

#define RETRY_INTERVAL 5 /* ms */

struct device *sysfs_device;
static struct kset *cells_kset;

/* A directory cpuN of a cell's statistics. */
struct cell_cpu {
	struct kobject kobj;
	unsigned int cpu;
};

static const char *const states[] = {
	[COMM_RUNNING] = "running",
	[COMM_RUNNING_LOCKED] = "running/locked",
	[COMM_SHUT_DOWN] = "shut down",
	[COMM_FAILED] = "failed",
	[COMM_FAILED_REVISION] = "Comm ABI mismatch",
};

static const char *state_name(long state)
{
	return state >= 0 && state < ARRAY_SIZE(states) ? states[state] : "unknown";
}

/* Not at once again and again, where the mutex is held while CPUs go offline. */
static bool mutex_have(void)
{
	if (mutex_trylock(&bixi_mutex))
		return true;
	msleep(RETRY_INTERVAL);
	return false;
}

static ssize_t emit_value(char *text, long value)
{
	return value < 0 ? -EIO : sysfs_emit(text, "%ld\n", value);
}

/* The device's own files. */

static ssize_t enabled_show(struct device *device, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%u\n", READ_ONCE(hypervisor.enabled));
}
static DEVICE_ATTR_RO(enabled);

static ssize_t reserved_show(struct device *device, struct device_attribute *attribute, char *text)
{
	ssize_t length;

	if (!mutex_have())
		return restart_syscall();
	length = memory_show(text);
	mutex_unlock(&bixi_mutex);
	return length;
}
static DEVICE_ATTR_ADMIN_RO(reserved);

static ssize_t info_show(char *text, enum hypercall_info info)
{
	long value;

	if (!mutex_have())
		return restart_syscall();
	value = hypervisor.enabled ? hypercall(HC_GET_INFO, info, 0) : 0;
	mutex_unlock(&bixi_mutex);
	return emit_value(text, value);
}

#define INFO_ATTRIBUTE(name, info)                                                                           \
	static ssize_t name##_show(struct device *device, struct device_attribute *attribute, char *text)    \
	{                                                                                                    \
		return info_show(text, info);                                                                \
	}                                                                                                    \
	static DEVICE_ATTR_RO(name)
INFO_ATTRIBUTE(mem_pool_size, HC_INFO_MEM_POOL_SIZE);
INFO_ATTRIBUTE(mem_pool_used, HC_INFO_MEM_POOL_USED);
INFO_ATTRIBUTE(remap_pool_size, HC_INFO_REMAP_POOL_SIZE);
INFO_ATTRIBUTE(remap_pool_used, HC_INFO_REMAP_POOL_USED);

static struct attribute *device_attributes[] = {
	&dev_attr_enabled.attr,
	&dev_attr_reserved.attr,
	&dev_attr_mem_pool_size.attr,
	&dev_attr_mem_pool_used.attr,
	&dev_attr_remap_pool_size.attr,
	&dev_attr_remap_pool_used.attr,
	NULL,
};
static const struct attribute_group device_group = { .attrs = device_attributes };

/* A cell's. */

static struct cell *to_cell(struct kobject *kobj)
{
	return container_of(kobj, struct cell, kobj);
}

static ssize_t name_show(struct kobject *kobj, struct kobj_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%s\n", to_cell(kobj)->name);
}
static struct kobj_attribute name_attribute = __ATTR_RO(name);

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attribute, char *text)
{
	long state;

	if (!mutex_have())
		return restart_syscall();
	state = hypervisor.enabled ? hypercall(HC_CELL_GET_STATE, to_cell(kobj)->id, 0) : -1;
	mutex_unlock(&bixi_mutex);
	return state < 0 ? -ENODEV : sysfs_emit(text, "%s\n", state_name(state));
}
static struct kobj_attribute state_attribute = __ATTR_RO(state);

/* The cell's CPUs, or those of them that failed, as @format says. */
static ssize_t cpus_show(struct kobject *kobj, char *text, const char *format, bool failed)
{
	const struct cell *cell = to_cell(kobj);
	struct cpumask cpus;
	unsigned int cpu;

	if (!mutex_have())
		return restart_syscall();
	cpumask_copy(&cpus, &cell->cpus);
	if (failed)
		for_each_cpu(cpu, &cell->cpus)
			if (!hypervisor.enabled ||
			    hypercall(HC_CPU_GET_INFO, cpu_logical_map(cpu), HC_CPU_STATE) != 2)
				cpumask_clear_cpu(cpu, &cpus);
	mutex_unlock(&bixi_mutex);
	return sysfs_emit(text, format, cpumask_pr_args(&cpus));
}

#define CPUS_ATTRIBUTE(name, format, failed)                                                                 \
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attribute, char *text)       \
	{                                                                                                    \
		return cpus_show(kobj, text, format, failed);                                                \
	}                                                                                                    \
	static struct kobj_attribute name##_attribute = __ATTR_RO(name)
CPUS_ATTRIBUTE(cpus_assigned, "%*pb\n", false);
CPUS_ATTRIBUTE(cpus_assigned_list, "%*pbl\n", false);
CPUS_ATTRIBUTE(cpus_failed, "%*pb\n", true);
CPUS_ATTRIBUTE(cpus_failed_list, "%*pbl\n", true);

static struct attribute *cell_attrs[] = {
	&name_attribute.attr,
	&state_attribute.attr,
	&cpus_assigned_attribute.attr,
	&cpus_assigned_list_attribute.attr,
	&cpus_failed_attribute.attr,
	&cpus_failed_list_attribute.attr,
	NULL,
};
ATTRIBUTE_GROUPS(cell);

static void cell_release(struct kobject *kobj)
{
	struct cell *cell = to_cell(kobj);

	kfree(cell->config);
	kfree(cell);
}

static const struct kobj_type cell_type = {
	.release = cell_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = cell_groups,
};

/* Statistics: a file for each enum hv_stat, of a CPU and of the cell's CPUs together. */

static const char *const stat_names[] = { HV_STAT_NAMES };
static_assert(ARRAY_SIZE(stat_names) == HV_STATS);

struct stat_attribute {
	struct kobj_attribute attribute;
	enum hv_stat stat;
	char name[24];
};
static struct stat_attribute cpu_stats[HV_STATS], cell_stats[HV_STATS];
static struct attribute *cpu_stat_attributes[HV_STATS + 1], *cell_stat_attributes[HV_STATS + 1];
static const struct attribute_group cpu_stat_group = { .attrs = cpu_stat_attributes };
static const struct attribute_group *cpu_stat_groups[] = { &cpu_stat_group, NULL };
static const struct attribute_group cell_stat_group = { .attrs = cell_stat_attributes };

static ssize_t stat_show(const struct cpumask *cpus, struct kobj_attribute *attribute, char *text)
{
	enum hv_stat stat = container_of(attribute, struct stat_attribute, attribute)->stat;
	unsigned int cpu;
	long sum = 0;

	if (!mutex_have())
		return restart_syscall();
	for_each_cpu(cpu, cpus) {
		long count = hypervisor.enabled ? hypercall(HC_CPU_GET_INFO, cpu_logical_map(cpu),
							    HC_CPU_STAT_BASE + stat)
						: 0;
		if (count > 0)
			sum += count;
	}
	mutex_unlock(&bixi_mutex);
	return emit_value(text, sum);
}

static ssize_t cpu_stat_show(struct kobject *kobj, struct kobj_attribute *attribute, char *text)
{
	return stat_show(cpumask_of(container_of(kobj, struct cell_cpu, kobj)->cpu), attribute, text);
}

static ssize_t cell_stat_show(struct kobject *kobj, struct kobj_attribute *attribute, char *text)
{
	return stat_show(&to_cell(kobj->parent)->cpus, attribute, text);
}

static void stats_name(struct stat_attribute *stats, struct attribute **list,
		       ssize_t (*show)(struct kobject *, struct kobj_attribute *, char *))
{
	for (int i = 0; i < HV_STATS; i++) {
		snprintf(stats[i].name, sizeof(stats[i].name), "vmexits_%s", stat_names[i]);
		sysfs_attr_init(&stats[i].attribute.attr);
		stats[i].attribute.attr.name = stats[i].name;
		stats[i].attribute.attr.mode = 0444;
		stats[i].attribute.show = show;
		stats[i].stat = i;
		list[i] = &stats[i].attribute.attr;
	}
}

static void cell_cpu_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct cell_cpu, kobj));
}

static const struct kobj_type cell_cpu_type = {
	.release = cell_cpu_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = cpu_stat_groups,
};

static void cpu_remove(struct cell *cell, unsigned int cpu)
{
	if (!cell->cpu[cpu])
		return;
	kobject_del(&cell->cpu[cpu]->kobj);
	kobject_put(&cell->cpu[cpu]->kobj);
	cell->cpu[cpu] = NULL;
}

/* Without memory the directory is missing, and nothing else. */
static void cpu_add(struct cell *cell, unsigned int cpu)
{
	struct cell_cpu *new = cell->cpu[cpu] ? NULL : kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return;
	new->cpu = cpu;
	if (kobject_init_and_add(&new->kobj, &cell_cpu_type, cell->statistics, "cpu%u", cpu))
		kobject_put(&new->kobj);
	else
		cell->cpu[cpu] = new;
}

void sysfs_update_cpus(struct cell *cell)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (cell->statistics && cpumask_test_cpu(cpu, &cell->cpus))
			cpu_add(cell, cpu);
		else
			cpu_remove(cell, cpu);
}

int sysfs_add_cell(struct cell *cell)
{
	int error;

	cell->kobj.kset = cells_kset;
	error = kobject_init_and_add(&cell->kobj, &cell_type, NULL, "%u", cell->id);
	if (error) {
		kobject_put(&cell->kobj);
		return error;
	}
	cell->statistics = kobject_create_and_add("statistics", &cell->kobj);
	if (cell->statistics && sysfs_create_group(cell->statistics, &cell_stat_group)) {
		kobject_put(cell->statistics);
		cell->statistics = NULL;
	}
	sysfs_update_cpus(cell);
	kobject_uevent(&cell->kobj, KOBJ_ADD);
	return 0;
}

void sysfs_remove_cell(struct cell *cell)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		cpu_remove(cell, cpu);
	if (cell->statistics) {
		kobject_del(cell->statistics);
		kobject_put(cell->statistics);
	}
	kobject_del(&cell->kobj);
	kobject_put(&cell->kobj);
}

void sysfs_state_changed(struct cell *cell)
{
	char name[sizeof("CELL=") + CONFIG_NAME_LENGTH], state[32];
	char *environment[] = { name, state, NULL };

	snprintf(name, sizeof(name), "CELL=%s", cell->name);
	snprintf(state, sizeof(state), "STATE=%s", state_name(cell->state));
	kobject_uevent_env(&cell->kobj, KOBJ_CHANGE, environment);
}

int sysfs_init(void)
{
	int error;

	stats_name(cpu_stats, cpu_stat_attributes, cpu_stat_show);
	stats_name(cell_stats, cell_stat_attributes, cell_stat_show);
	sysfs_device = root_device_register("bixi");
	if (IS_ERR(sysfs_device))
		return PTR_ERR(sysfs_device);
	error = sysfs_create_group(&sysfs_device->kobj, &device_group);
	if (error)
		goto unregister;
	cells_kset = kset_create_and_add("cells", NULL, &sysfs_device->kobj);
	if (cells_kset)
		return 0;
	error = -ENOMEM;
	sysfs_remove_group(&sysfs_device->kobj, &device_group);
unregister:
	root_device_unregister(sysfs_device);
	return error;
}

void sysfs_exit(void)
{
	kset_unregister(cells_kset);
	sysfs_remove_group(&sysfs_device->kobj, &device_group);
	root_device_unregister(sysfs_device);
}
