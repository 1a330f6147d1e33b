// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: the device /dev/bixi (include/driver.h), and what of Linux must not go on as usual while the
 * hypervisor is enabled: reboot, suspend, processors coming up that are not Linux's.
 */
#define pr_fmt(format) "bixi: " format

#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>

#include "bixi.h"

#define CONSOLE_INTERVAL 20 /* ms between looks at the hypervisor's console */

DEFINE_MUTEX(bixi_mutex);
void *exchange;

static struct hv_error last_error; /* of the call that has the mutex */
static struct hv_console console;  /* what of the hypervisor's console was taken and not read yet */
static u32 console_at;

/* What is wrong where the hypervisor gives no more than an error. */
static const char *usual_reason(int error)
{
	switch (error) {
	case -EPERM:
		return "a cell is locked or does not agree, try again later";
	case -ENOMEM:
		return "its memory is used up, give it more in the system's configuration";
	case -EBUSY:
	case -ETIMEDOUT:
		return "it is busy with something else, try again";
	case -ENOENT:
		return "it knows nothing of that name, see bixi-cell list";
	case -ENOSYS:
		return "it does not know how, install driver and hypervisor of one version";
	}
	return "see its console, cat /dev/bixi";
}

int refuse_for_hypervisor(int error, const char *what)
{
	return refuse(error, "the hypervisor refuses to %s (error %d): %s", what, error, usual_reason(error));
}

int refuse_for_reason(int error, const struct hv_error *reason, const char *what)
{
	if (reason->error != error || !reason->sentence[0])
		return refuse_for_hypervisor(error, what);
	last_error = *reason;
	last_error.cell[sizeof(last_error.cell) - 1] = 0;
	last_error.rival[sizeof(last_error.rival) - 1] = 0;
	last_error.sentence[sizeof(last_error.sentence) - 1] = 0;
	pr_notice("the hypervisor refuses to %s: %s\n", what, last_error.sentence);
	return error;
}

int refuse(int error, const char *format, ...)
{
	va_list arguments;

	memset(&last_error, 0, sizeof(last_error));
	last_error.error = error;
	last_error.index = last_error.rival_index = -1;
	va_start(arguments, format);
	vscnprintf(last_error.sentence, sizeof(last_error.sentence), format, arguments);
	va_end(arguments);
	/* The program that is refused tells it to whom it concerns: nothing is wrong with this computer. */
	pr_notice("%s\n", last_error.sentence);
	return error;
}

static int needs_hypervisor(void)
{
	if (hypervisor.enabled)
		return 0;
	return refuse(-ENODEV, "the hypervisor is not enabled: do that first (bixi-cell enable)");
}

/* A cell other than root by the argument of an ioctl. */
static struct cell *cell_of_argument(const void __user *argument, bool root_too)
{
	struct driver_cell_id id;
	struct cell *cell;

	if (copy_from_user(&id, argument, sizeof(id)))
		return ERR_PTR(-EFAULT);
	cell = cell_find(&id);
	if (IS_ERR(cell) || cell->id || root_too)
		return cell;
	return ERR_PTR(refuse(-EINVAL, "cell 0 is root, Linux itself, which goes on until \"disable\""));
}

static long for_cell(int (*action)(struct cell *cell), const void __user *argument)
{
	struct cell *cell = cell_of_argument(argument, false);

	return IS_ERR(cell) ? PTR_ERR(cell) : action(cell);
}

static long cell_fault(struct driver_fault __user *argument)
{
	struct cell *cell = cell_of_argument(&argument->cell, true);
	long error;

	if (IS_ERR(cell))
		return PTR_ERR(cell);
	memset(exchange, 0, sizeof(struct hv_fault));
	error = hypercall(HC_CELL_FAULT, cell->id, virt_to_phys(exchange));
	if (error == -ENOENT)
		return refuse(-ENODATA, "cell \"%s\" has had no fault", cell->name);
	if (error)
		return refuse_for_hypervisor(error, "tell a cell's fault");
	return copy_to_user(&argument->fault, exchange, sizeof(struct hv_fault)) ? -EFAULT : 0;
}

static long cpu_stats(struct driver_stats __user *argument)
{
	long error;
	u32 cpu;

	if (get_user(cpu, &argument->cpu))
		return -EFAULT;
	if (cpu >= nr_cpu_ids || !cpumask_test_cpu(cpu, &hypervisor.cpus))
		return refuse(-EINVAL, "CPU %u is none of the hypervisor's: it has %*pbl", cpu,
			      cpumask_pr_args(&hypervisor.cpus));
	memset(exchange, 0, sizeof(struct hv_stats));
	error = hypercall(HC_CPU_STATS, cpu_logical_map(cpu), virt_to_phys(exchange));
	if (error)
		return refuse_for_hypervisor(error, "tell a CPU's statistics");
	return copy_to_user(&argument->stats, exchange, sizeof(struct hv_stats)) ? -EFAULT : 0;
}

static long console_take(u32 id)
{
	long error;

	memset(exchange, 0, sizeof(struct hv_console));
	error = hypercall(HC_CONSOLE_READ, id, virt_to_phys(exchange));
	if (error < 0)
		return refuse_for_hypervisor(error, "show a console");
	return 0;
}

static long console_read(struct driver_console_read __user *argument)
{
	struct cell *cell = cell_of_argument(&argument->cell, true);
	long error;

	if (IS_ERR(cell))
		return PTR_ERR(cell);
	error = console_take(cell->id);
	if (error)
		return error;
	return copy_to_user(&argument->console, exchange, sizeof(struct hv_console)) ? -EFAULT : 0;
}

static long console_write(struct driver_console_write __user *argument)
{
	struct cell *cell = cell_of_argument(&argument->cell, true);
	struct driver_console_write text;
	u32 taken;

	if (IS_ERR(cell))
		return PTR_ERR(cell);
	if (copy_from_user(&text, argument, sizeof(text)))
		return -EFAULT;
	if (text.length > sizeof(text.text))
		return refuse(-EINVAL, "a console takes %zu characters at a time, not %u", sizeof(text.text),
			      text.length);
	/* It may be full: the cell has to read it first. */
	for (taken = 0; taken < text.length; taken++)
		if (hypercall(HC_CONSOLE_WRITE, cell->id, (u8)text.text[taken]))
			break;
	return put_user(taken, &argument->length);
}

static long device_act(unsigned int command, void __user *argument)
{
	int error;

	switch (command) {
	case DRIVER_ENABLE:
		return hypervisor_enable(argument);
	case DRIVER_RESERVE:
		return memory_reserve(argument);
	case DRIVER_RELEASE:
		return memory_release(argument);
	}
	error = needs_hypervisor();
	if (error)
		return error;
	switch (command) {
	case DRIVER_DISABLE:
		return hypervisor_disable();
	case DRIVER_CELL_CREATE:
		return cell_create(argument);
	case DRIVER_CELL_LOAD:
		return cell_load(argument);
	case DRIVER_CELL_START:
		return for_cell(cell_start, argument);
	case DRIVER_CELL_SHUTDOWN:
		return for_cell(cell_shutdown, argument);
	case DRIVER_CELL_DESTROY:
		return for_cell(cell_destroy, argument);
	case DRIVER_CELL_FAULT:
		return cell_fault(argument);
	case DRIVER_CPU_STATS:
		return cpu_stats(argument);
	case DRIVER_CONSOLE_READ:
		return console_read(argument);
	case DRIVER_CONSOLE_WRITE:
		return console_write(argument);
	case DRIVER_SHARE:
		return share_open(argument);
	}
	return refuse(-ENOTTY, "/dev/bixi knows no ioctl 0x%x: driver and tool are of different versions",
		      command);
}

/* @told: the file's last error, as several programs may fail at a time. */
static long device_call(struct hv_error *told, unsigned int command, void __user *argument)
{
	long error;

	if (command == DRIVER_LAST_ERROR && !copy_to_user(argument, told, sizeof(*told)))
		return 0;
	memset(&last_error, 0, sizeof(last_error));
	error = command == DRIVER_LAST_ERROR ? -EFAULT : device_act(command, argument);
	if (error == -EFAULT && last_error.error != error)
		refuse(error, "an address in the argument of ioctl 0x%x is not the program's memory",
		       command);
	else if (error < 0 && last_error.error != error)
		refuse(error, "ioctl 0x%x failed with error %ld: Linux may be short of memory", command,
		       error);
	*told = last_error;
	return error;
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	unsigned int flags = 0;
	long error;

	/* No suspend begins while it is being enabled.  Before the mutex: reboot takes both in this order. */
	if (command == DRIVER_ENABLE)
		flags = lock_system_sleep();
	error = -ERESTARTSYS;
	if (mutex_lock_interruptible(&bixi_mutex))
		goto unlock_sleep;
	error = device_call(file->private_data, command, (void __user *)argument);
	mutex_unlock(&bixi_mutex);
unlock_sleep:
	if (command == DRIVER_ENABLE)
		unlock_system_sleep(flags);
	return error;
}

/* What there is of the hypervisor's console, 0: nothing new. */
static ssize_t console_some(char __user *to, size_t size)
{
	long error;

	if (console_at == console.length) {
		error = needs_hypervisor() ?: console_take(0);
		if (error)
			return error;
		memcpy(&console, exchange, sizeof(console));
		console.length = min(console.length, (u32)sizeof(console.text));
		console_at = 0;
	}
	size = min(size, (size_t)(console.length - console_at));
	if (copy_to_user(to, console.text + console_at, size))
		return -EFAULT;
	console_at += size;
	return size;
}

static ssize_t device_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	struct hv_error *told = file->private_data;
	ssize_t result;

	while (size) {
		if (mutex_lock_interruptible(&bixi_mutex))
			return -ERESTARTSYS;
		last_error.error = 0;
		result = console_some(to, size);
		if (result < 0)
			*told = last_error;
		mutex_unlock(&bixi_mutex);
		if (result)
			return result;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (msleep_interruptible(CONSOLE_INTERVAL))
			return -ERESTARTSYS;
	}
	return 0;
}

/* It gives away memory and processors: not for everybody who can open the file. */
static int device_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	file->private_data = kzalloc(sizeof(struct hv_error), GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static int device_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.unlocked_ioctl = device_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bixi",
	.mode = 0600,
	.fops = &device_operations,
};

/* The next system must find the machine as the firmware left it. */
static int reboot_notified(struct notifier_block *block, unsigned long action, void *unused)
{
	mutex_lock(&bixi_mutex);
	if (hypervisor.enabled && hypervisor_disable())
		pr_err("the computer restarts with the hypervisor enabled: switch it off and on if that "
		       "hangs\n");
	mutex_unlock(&bixi_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = { .notifier_call = reboot_notified };

/* What a sleeping computer forgets is not Linux's alone to bring back. */
static int sleep_notified(struct notifier_block *block, unsigned long action, void *unused)
{
	if (!READ_ONCE(hypervisor.enabled))
		return NOTIFY_DONE;
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		pr_err("no suspend or hibernation while the hypervisor is enabled: disable it first\n");
		return notifier_from_errno(-EBUSY);
	}
	return NOTIFY_DONE;
}

static struct notifier_block sleep_block = { .notifier_call = sleep_notified };

/* Linux is about to start this CPU.  With EBUSY it would try again, and again. */
static int cpu_prepared(unsigned int cpu)
{
	if (!READ_ONCE(hypervisor.enabled))
		return 0;
	if (cpumask_test_cpu(cpu, &cpus_of_cells)) {
		pr_err("CPU %u belongs to a cell: destroy that to have the CPU back\n", cpu);
		return -EPERM;
	}
	if (!cpumask_test_cpu(cpu, &hypervisor.cpus)) {
		pr_err("CPU %u was added since the hypervisor was enabled: disable and enable it again\n",
		       cpu);
		return -EPERM;
	}
	return 0;
}

static int hotplug_state;

static int __init bixi_init(void)
{
	int error;

	exchange = (void *)get_zeroed_page(GFP_KERNEL);
	if (!exchange)
		return -ENOMEM;
	error = sysfs_init();
	if (error)
		goto free;
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "bixi:prepare", cpu_prepared, NULL);
	error = hotplug_state;
	if (error < 0)
		goto sysfs;
	error = register_pm_notifier(&sleep_block);
	if (error)
		goto hotplug;
	error = register_reboot_notifier(&reboot_block);
	if (error)
		goto sleep;
	error = misc_register(&device);
	if (error)
		goto reboot;
	return 0;

reboot:
	unregister_reboot_notifier(&reboot_block);
sleep:
	unregister_pm_notifier(&sleep_block);
hotplug:
	cpuhp_remove_state_nocalls(hotplug_state);
sysfs:
	sysfs_exit();
free:
	free_page((unsigned long)exchange);
	return error;
}

/* The hypervisor is not enabled: it holds a reference to the module while it is. */
static void __exit bixi_exit(void)
{
	misc_deregister(&device);
	unregister_reboot_notifier(&reboot_block);
	unregister_pm_notifier(&sleep_block);
	cpuhp_remove_state_nocalls(hotplug_state);
	sysfs_exit();
	memory_release_all();
	free_page((unsigned long)exchange);
}

module_init(bixi_init);
module_exit(bixi_exit);
MODULE_DESCRIPTION("Bixi: enables the partitioning hypervisor under this Linux, manages its cells");
MODULE_LICENSE("GPL");
