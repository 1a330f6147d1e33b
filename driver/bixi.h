/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's parts, and what they know of each other.  One mutex protects all of it; what is called from
 * notifiers of CPU hotplug, which cannot take it, is said where it is declared.
 */
#ifndef BIXI_H
#define BIXI_H

#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "config.h"
#include "driver.h"
#include "hypercall.h"

#define CONFIG_SIZE_MAX (256 << 10) /* bytes of a configuration, which no real one comes near */

extern struct mutex bixi_mutex;

/* main.c */

/*
 * refuse() is how everything goes wrong: the sentence goes to the log and to whoever asks for the last error;
 * result: @error.
 */
int refuse(int error, const char *format, ...) __printf(2, 3);
/* The same where the hypervisor said no to "@what". */
int refuse_for_hypervisor(int error, const char *what);
/* And where it may have left a reason; from memory that others may write. */
int refuse_for_reason(int error, const struct hv_error *reason, const char *what);
/* A page for what hypercalls point to. */
extern void *exchange;

/* The result of the hypercall.  Only while the hypervisor is enabled. */
static inline long hypercall(enum hypercall number, unsigned long arg1, unsigned long arg2)
{
	register long a0 asm("a0") = number;
	register unsigned long a1 asm("a1") = arg1;
	register unsigned long a2 asm("a2") = arg2;

	asm volatile("hvcl %1" : "+r"(a0) : "i"(HYPERCALL_CODE), "r"(a1), "r"(a2) : "memory");
	return a0;
}

/* enable.c */

/* The hypervisor, while it is enabled. */
struct hypervisor {
	bool enabled; /* read without the mutex by notifiers */
	u64 phys, size;
	struct resource *resource; /* of memory that is not Linux's; NULL: the driver's own, or reserved */
	bool allocated;		   /* the memory is the driver's own */
	cpumask_t cpus;		   /* that entered; does not change while it is enabled */
};
extern struct hypervisor hypervisor;

int hypervisor_enable(const struct config_system __user *config);
int hypervisor_disable(void);
/* The CPU that the processor numbers so, -1: Linux has none. */
int cpu_of_number(unsigned int number);

/* cell.c */
struct cell {
	struct kobject kobj; /* owns the rest */
	struct list_head link;
	u32 id;
	char name[CONFIG_NAME_LENGTH];
	struct config_cell *config;
	struct kobject *statistics;
	struct cell_cpu *cpu[NR_CPUS]; /* sysfs's, of the CPUs that it has */
	cpumask_t cpus, offlined;      /* that it has; that Linux used before */
	long state;		       /* enum comm_state, as last told to user space */
};
extern struct list_head cells;	/* the root cell first */
extern cpumask_t cpus_of_cells; /* read without the mutex by notifiers */

/* Names of cells come into logs, sysfs and uevents: neither empty, nor too long, nor with control characters.
 */
bool name_is_good(const char *name);
struct cell *cell_find(const struct driver_cell_id *id);
/* Makes the cell known to sysfs; it owns @config then. */
struct cell *cell_register(struct config_cell *config, const struct cpumask *cpus);
void cell_unregister(struct cell *cell);
int cell_create(const struct driver_cell_create __user *create);
int cell_load(const struct driver_cell_load __user *load);
int cell_start(struct cell *cell);
int cell_shutdown(struct cell *cell);
int cell_destroy(struct cell *cell);
int cells_destroy(void); /* all but root */

/* memory.c */

/* 2^@order pages of Linux's, cleared, which it does not look at until it has them back; NULL: it has none. */
struct page *pages_take(unsigned int order);
void pages_give_back(struct page *page, unsigned int order);
int memory_reserve(struct driver_reserve __user *reserve);
int memory_release(const struct driver_release __user *release);
void memory_release_all(void);
/* Whether Linux does not use it: reserved, or no memory of Linux's at all. */
bool memory_is_free(u64 phys, u64 size);
bool memory_is_reserved(u64 phys, u64 size);
ssize_t memory_show(char *text);

static inline bool ranges_overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* share.c */
long share_open(struct driver_share __user *share);
/* Whether a program may have some of it mapped. */
bool memory_is_shared(u64 phys, u64 size);

/* sysfs.c */
int sysfs_init(void);
void sysfs_exit(void);
extern struct device *sysfs_device;
int sysfs_add_cell(struct cell *cell);
void sysfs_remove_cell(struct cell *cell);
/* Its statistics are those of the CPUs that it has now. */
void sysfs_update_cpus(struct cell *cell);
void sysfs_state_changed(struct cell *cell);

#endif
