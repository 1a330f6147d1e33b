/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Whether a configuration can be believed.  Everything of it is checked before anything of it is used, as it
 * may come from anywhere; what is refused is refused with the field, the rival and a sentence.  The regions
 * of memory are in config_memory.c.
 */
#include "hv.h"

_Static_assert(offsetof(struct config_system, revision) == offsetof(struct config_cell, revision), "ABI");

struct hv_error last_error;

struct check {
	const struct config_system *system;
	const struct config_cell *cell;
	struct hv_error *error;
};

#define refuse(check, number, field, index, ...)                                                             \
	config_refuse((check)->error, number, (check)->system, (check)->cell, field, index, __VA_ARGS__)

static void copy_name(char *to, const char *name)
{
	for (unsigned i = 0; i < CONFIG_NAME_LENGTH - 1 && name[i]; i++)
		to[i] = name[i];
}

/* There is not even a name to tell. */
static int refuse_short(struct hv_error *error)
{
	static const char sentence[] = "the description ends within its head";

	memset(error, 0, sizeof(*error));
	error->error = -EINVAL;
	error->index = error->rival_index = -1;
	memcpy(error->sentence, sentence, sizeof(sentence));
	return -EINVAL;
}

int config_refuse(struct hv_error *error, int number, const struct config_system *system,
		  const struct config_cell *cell, const void *field, int index, const char *format, ...)
{
	const void *base = cell == &system->root_cell ? (const void *)system : cell;
	va_list arguments;

	memset(error, 0, sizeof(*error));
	error->error = -number;
	error->field = (uint32_t)((const uint8_t *)field - (const uint8_t *)base);
	error->index = index;
	error->rival_index = -1;
	copy_name(error->cell, cell->name);
	va_start(arguments, format);
	hv_format(error->sentence, sizeof(error->sentence), format, arguments);
	va_end(arguments);
	return -number;
}

int config_rival(struct hv_error *error, int number, const char *name, int index)
{
	copy_name(error->rival, name);
	error->rival_index = index;
	return -number;
}

uint64_t config_cpus(const struct config_cell *cell)
{
	const uint8_t *bytes = config_cpu_set(cell);
	uint64_t cpus = 0;

	for (unsigned i = 0; i < cell->cpu_set_size && i < CPUS_MAX / 8; i++)
		cpus |= (uint64_t)bytes[i] << 8 * i;
	return cpus;
}

/*
 * The head of a file, which is the same for systems and cells.  Revision first, as the architecture's byte is
 * something else in older ones.
 */
static int check_head(const struct check *check, const void *file, const char *signature)
{
	const struct config_cell *head = file;

	if (memcmp(head->signature, signature, CONFIG_SIGNATURE_LENGTH))
		return refuse(check, EINVAL, head->signature, -1, "the signature is not %s", signature);
	if (head->revision != CONFIG_REVISION)
		return refuse(check, EINVAL, &head->revision, -1, "revision %u, this hypervisor takes %u",
			      head->revision, CONFIG_REVISION);
	if (head->architecture != ARCH_NUMBER)
		return refuse(check, EINVAL, &head->architecture, -1,
			      "architecture %u, this hypervisor is for %u", head->architecture, ARCH_NUMBER);
	return 0;
}

/* The arrays end within @size bytes. */
static int check_counts(const struct check *check, uint64_t size)
{
	static const struct {
		uint8_t offset, entry;
		char name[20];
	} arrays[] = {
		{ offsetof(struct config_cell, cpu_set_size), 1, "cpu_set_size" },
		{ offsetof(struct config_cell, num_memory_regions), 32, "num_memory_regions" },
		{ offsetof(struct config_cell, num_cache_regions), 12, "num_cache_regions" },
		{ offsetof(struct config_cell, num_irqchips), 32, "num_irqchips" },
		{ offsetof(struct config_cell, num_pio_regions), 4, "num_pio_regions" },
		{ offsetof(struct config_cell, num_pci_devices), 56, "num_pci_devices" },
		{ offsetof(struct config_cell, num_pci_caps), 8, "num_pci_caps" },
		{ offsetof(struct config_cell, num_stream_ids), 4, "num_stream_ids" },
	};
	uint64_t end = sizeof(*check->cell);

	for (unsigned i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
		const uint8_t *field = (const uint8_t *)check->cell + arrays[i].offset;
		uint32_t count;

		memcpy(&count, field, sizeof(count));
		end += (uint64_t)count * arrays[i].entry;
		if (end > size)
			return refuse(check, EINVAL, field, -1,
				      "%s is %u, but the description ends before that many", arrays[i].name,
				      count);
	}
	return 0;
}

static int check_name(const struct check *check)
{
	const char *name = check->cell->name;
	unsigned length = 0;

	while (length < CONFIG_NAME_LENGTH && name[length])
		length++;
	if (!length)
		return refuse(check, EINVAL, name, -1, "the name is empty");
	if (length == CONFIG_NAME_LENGTH)
		return refuse(check, EINVAL, name, -1, "the name does not end within %u bytes",
			      CONFIG_NAME_LENGTH);
	return 0;
}

static int check_unique(const struct check *check)
{
	const struct config_cell *cell = check->cell;

	if (!cell->id || cell->id >= CELLS_MAX)
		return refuse(check, EINVAL, &cell->id, -1, "id %u, cells have 1 to %u", cell->id,
			      CELLS_MAX - 1);
	for (const struct cell *other = &root_cell; other; other = other->next) {
		if (other->id == cell->id) {
			refuse(check, EEXIST, &cell->id, -1, "there is a cell with id %u", cell->id);
			return config_rival(check->error, EEXIST, other->config->name, -1);
		}
		if (!memcmp(other->config->name, cell->name, strlen(cell->name) + 1)) {
			refuse(check, EEXIST, cell->name, -1, "there is a cell of this name");
			return config_rival(check->error, EEXIST, other->config->name, -1);
		}
	}
	return 0;
}

static int check_flags(const struct check *check)
{
	uint32_t known =
		CONFIG_CELL_PASSIVE_COMMREG | CONFIG_CELL_CONSOLE_PERMITTED | CONFIG_CELL_CONSOLE_ACTIVE;

	if (check->cell != &check->system->root_cell)
		known |= CONFIG_CELL_FAULT_RESTART | CONFIG_CELL_FAULT_NOTIFY;
	if (check->cell->flags & ~known)
		return refuse(check, EINVAL, &check->cell->flags, -1, "unknown flags 0x%x",
			      check->cell->flags & ~known);
	return 0;
}

/* Of any cell: there are some, and CPU numbers that the hypervisor knows. */
static int check_cpu_set(const struct check *check)
{
	const uint8_t *bytes = config_cpu_set(check->cell);

	for (unsigned i = CPUS_MAX / 8; i < check->cell->cpu_set_size; i++)
		if (bytes[i])
			return refuse(check, EINVAL, &bytes[i], -1, "CPU %u: there are at most %u",
				      i * 8 + (unsigned)__builtin_ctz(bytes[i]), CPUS_MAX);
	if (!config_cpus(check->cell))
		return refuse(check, EINVAL, &check->cell->cpu_set_size, -1, "no CPU");
	return 0;
}

/* Of a cell that is to be created: they are root's to give. */
static int check_cpus(const struct check *check)
{
	const uint8_t *bytes = config_cpu_set(check->cell);
	uint64_t set = config_cpus(check->cell);
	unsigned cpu;

	FOR_EACH_CPU(cpu, set) {
		const uint8_t *field = &bytes[cpu / 8];

		if (!cpu)
			return refuse(check, EINVAL, field, 0, "CPU 0 stays root's");
		if (cpu == arch_this_cpu()->id)
			return refuse(check, EBUSY, field, (int)cpu, "CPU %u is the one that asks", cpu);
		if (__atomic_load_n(&cpus_dead, __ATOMIC_ACQUIRE) >> cpu & 1)
			return refuse(check, EBUSY, field, (int)cpu,
				      "CPU %u is lost: the hypervisor has failed on it", cpu);
		if (cell_owns_cpu(&root_cell, cpu))
			continue;
		refuse(check, EBUSY, field, (int)cpu, "CPU %u is not root's to give", cpu);
		for (const struct cell *other = root_cell.next; other; other = other->next)
			if (cell_owns_cpu(other, cpu))
				config_rival(check->error, EBUSY, other->config->name, -1);
		return -EBUSY;
	}
	return 0;
}

static int check_entry(const struct check *check)
{
	const struct config_memory *memory = config_memory(check->cell);
	uint64_t entry = check->cell->cpu_reset_address;

	for (unsigned i = 0; i < check->cell->num_memory_regions; i++)
		if (memory[i].flags & CONFIG_MEM_EXECUTE && entry - memory[i].virt_start < memory[i].size)
			return 0;
	return refuse(check, EINVAL, &check->cell->cpu_reset_address, -1,
		      "cpu_reset_address 0x%lx is in no region that may be executed", entry);
}

/* The registers are either in a region of the cell's memory, or virtual and apart from all. */
static int check_console(const struct check *check)
{
	const struct config_console *console = &check->cell->console;
	const struct config_memory *memory = config_memory(check->cell);
	uint64_t size = console->flags & CONFIG_CONSOLE_REGDIST_4 ? 32 : 8;

	if (console->type == CONFIG_CONSOLE_NONE)
		return 0;
	if (console->type != CONFIG_CONSOLE_8250 && console->type != CONFIG_CONSOLE_PL011)
		return refuse(check, EINVAL, &console->type, -1, "console of unknown type %u", console->type);
	if (console->flags & ~(CONFIG_CONSOLE_MMIO | CONFIG_CONSOLE_REGDIST_4) ||
	    !(console->flags & CONFIG_CONSOLE_MMIO))
		return refuse(check, EINVAL, &console->flags, -1,
			      "console flags 0x%x: MMIO, and at most REGDIST_4, are known", console->flags);
	if (console->address >= PAGING_LIMIT - size)
		return refuse(check, ERANGE, &console->address, -1, "console at 0x%lx: no such address",
			      console->address);
	for (unsigned i = 0; i < check->cell->num_memory_regions; i++) {
		if (!config_overlap(console->address, size, memory[i].virt_start, memory[i].size))
			continue;
		if (console->address >= memory[i].virt_start &&
		    console->address + size <= memory[i].virt_start + memory[i].size)
			return 0;
		return refuse(check, EINVAL, &console->address, (int)i,
			      "console at 0x%lx is only in part in memory region %u", console->address, i);
	}
	if (console->type != CONFIG_CONSOLE_8250)
		return refuse(check, EINVAL, &console->type, -1,
			      "console at 0x%lx is in no memory region, and only an 8250 can be virtual",
			      console->address);
	return 0;
}

static bool same_irqchip(const struct config_irqchip *a, const struct config_irqchip *b)
{
	return a->address == b->address && a->id == b->id && a->pin_base == b->pin_base;
}

/* A pin of both entries, of the same controller; -1: none. */
static int common_pin(const struct config_irqchip *a, const struct config_irqchip *b)
{
	for (unsigned i = 0; same_irqchip(a, b) && i < CONFIG_PINS / 32; i++)
		if (a->pin_bitmap[i] & b->pin_bitmap[i])
			return (int)(i * 32 + (unsigned)__builtin_ctz(a->pin_bitmap[i] & b->pin_bitmap[i]));
	return -1;
}

/* A pin that no entry of root's has; -1: none. */
static int foreign_pin(const struct config_irqchip *chip, const struct config_cell *root)
{
	const struct config_irqchip *roots = config_irqchips(root);

	for (unsigned word = 0; word < CONFIG_PINS / 32; word++) {
		uint32_t left = chip->pin_bitmap[word];

		for (unsigned i = 0; i < root->num_irqchips; i++)
			if (same_irqchip(chip, &roots[i]))
				left &= ~roots[i].pin_bitmap[word];
		if (left)
			return (int)(word * 32 + (unsigned)__builtin_ctz(left));
	}
	return -1;
}

static int check_irqchip(const struct check *check, unsigned index)
{
	const struct config_irqchip *chips = config_irqchips(check->cell), *chip = &chips[index], *theirs;
	int pin;

	for (unsigned i = 0; i < index; i++)
		if ((pin = common_pin(chip, &chips[i])) >= 0)
			return refuse(check, EINVAL, chip->pin_bitmap, (int)index,
				      "irqchip %u lists pin %u, as does irqchip %u", index,
				      chip->pin_base + (unsigned)pin, i);
	if (check->cell == &check->system->root_cell)
		return 0;
	if ((pin = foreign_pin(chip, &check->system->root_cell)) >= 0)
		return refuse(check, EINVAL, chip->pin_bitmap, (int)index,
			      "irqchip %u lists pin %u, which is not root's to give", index,
			      chip->pin_base + (unsigned)pin);
	for (const struct cell *other = root_cell.next; other; other = other->next) {
		theirs = config_irqchips(other->config);
		for (unsigned i = 0; i < other->config->num_irqchips; i++) {
			if ((pin = common_pin(chip, &theirs[i])) < 0)
				continue;
			refuse(check, EBUSY, chip->pin_bitmap, (int)index,
			       "irqchip %u lists pin %u, which another cell has", index,
			       chip->pin_base + (unsigned)pin);
			return config_rival(check->error, EBUSY, other->config->name, (int)i);
		}
	}
	return 0;
}

static int check_irqchips(const struct check *check)
{
	for (unsigned i = 0; i < check->cell->num_irqchips; i++) {
		int error = check_irqchip(check, i);

		if (error)
			return error;
	}
	return 0;
}

/* What a cell cannot have yet, and what only other computers have. */
static int check_unsupported(const struct check *check)
{
	const struct config_cell *cell = check->cell;

	if (cell->num_pci_devices || cell->num_pci_caps)
		return refuse(check, EINVAL, &cell->num_pci_devices, -1,
			      "PCI devices can only be root's so far: list none");
	if (cell->num_cache_regions)
		return refuse(check, EINVAL, &cell->num_cache_regions, -1,
			      "parts of caches cannot be assigned: list none");
	if (cell->num_pio_regions)
		return refuse(check, EINVAL, &cell->num_pio_regions, -1,
			      "there are no I/O ports to assign: list none");
	if (cell->num_stream_ids)
		return refuse(check, EINVAL, &cell->num_stream_ids, -1,
			      "there is no IOMMU to have streams: list none");
	return 0;
}

typedef int check_fn(const struct check *check);

/* In this order, as each relies on those before. */
static int check_all(const struct check *check, check_fn *const *checks, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int error = checks[i](check);

		if (error)
			return error;
	}
	return 0;
}

static int check_memory(const struct check *check)
{
	return config_check_memory(check->system, check->cell, check->error);
}

static int check_arch(const struct check *check)
{
	return arch_config_check(check->system, check->cell, check->error);
}

int config_check_cell(const struct config_system *system, const struct config_cell *cell, uint64_t size,
		      struct hv_error *error)
{
	check_fn *const checks[] = { check_name,    check_flags,    check_unique, check_unsupported,
				     check_cpu_set, check_cpus,	    check_memory, check_entry,
				     check_console, check_irqchips, check_arch };
	struct check check = { system, cell, error };
	int result;

	if (size < sizeof(*cell))
		return refuse_short(error);
	result = check_head(&check, cell, CONFIG_CELL_SIGNATURE);
	if (!result)
		result = check_counts(&check, size);
	if (!result)
		result = check_all(&check, checks, sizeof(checks) / sizeof(*checks));
	return result;
}

static int check_hypervisor(const struct check *check)
{
	const struct config_memory *memory = &check->system->hypervisor_memory;

	if (check->system->flags & ~1u)
		return refuse(check, EINVAL, &check->system->flags, -1, "unknown flags 0x%x of the system",
			      check->system->flags & ~1u);
	if (!memory->size || (memory->phys_start | memory->size) % PAGE_SIZE ||
	    memory->phys_start >= PAGING_LIMIT || memory->size > PAGING_LIMIT - memory->phys_start)
		return refuse(check, EINVAL, memory, -1,
			      "the hypervisor's memory at 0x%lx, size 0x%lx, is not of whole pages",
			      memory->phys_start, memory->size);
	return 0;
}

int config_check_system(const struct config_system *system, uint64_t size, struct hv_error *error)
{
	check_fn *const checks[] = { check_name,   check_flags,	  check_hypervisor, check_cpu_set,
				     check_memory, check_console, check_irqchips,   check_arch };
	struct check check = { system, &system->root_cell, error };
	int result;

	if (size < sizeof(*system))
		return refuse_short(error);
	result = check_head(&check, system, CONFIG_SYSTEM_SIGNATURE);
	if (!result)
		result = check_counts(&check, size - offsetof(struct config_system, root_cell));
	if (!result)
		result = check_all(&check, checks, sizeof(checks) / sizeof(*checks));
	return result;
}
