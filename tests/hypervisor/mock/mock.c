/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "reload.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Coroutines are begun anew before they end, and ASan's second stacks of theirs would never be given back. */
const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=0";
}
#endif

#define STACK_SIZE 131072
#define TLB	   16
#define TURNS	   200000 /* without an answer: a deadlock */

struct mock mock;
struct image_header image_header;
static uint8_t *ram;

struct processor {
	ucontext_t context;
	uint8_t *stack;
	void *fake_stack;
	enum { OFF, IN_LINUX, IN_GUEST, BARE } state;
	bool kicked, waiting, busy;
	long result;
	uint64_t number, arg1, arg2, entry, alarm;
	mock_guest_fn *guest;
	const struct cell *loaded; /* whose guest state is in it */
	bool root_saved;
	struct {
		uint64_t gpa, phys, flags;
		const struct cell *cell;
	} tlb[TLB];
};

static struct processor processors[MOCK_CPUS];
static struct processor *current;
static ucontext_t test;
static void *test_fake_stack;
static const void *test_stack;
static size_t test_stack_size;

static void wrong(const char *what, uint64_t value)
{
	fprintf(stderr, "mock: %s: 0x%llx\n", what, (unsigned long long)value);
	abort();
}

uint64_t mock_random(uint64_t below)
{
	mock.random = mock.random * 6364136223846793005u + 1442695040888963407u;
	return (mock.random >> 33) % below;
}

/* Memory. */

void *mock_memory_at(uint64_t phys)
{
	if (phys - MOCK_RAM >= MOCK_RAM_SIZE)
		wrong("access to memory that is none", phys);
	return ram + (phys - MOCK_RAM);
}

uint64_t mock_address_of(const void *virt)
{
	uint64_t offset = (uint64_t)((const uint8_t *)virt - ram);

	if (offset >= MOCK_RAM_SIZE)
		wrong("address of no memory", offset);
	return MOCK_RAM + offset;
}

#define PTE_LEAF  0x1
#define PTE_TABLE 0x2
#define PTE_FLAGS 0xf00 /* read, write, execute, IO */

uint64_t arch_pte_empty(unsigned level)
{
	return (uint64_t)level << 4; /* may differ by level */
}

uint64_t arch_pte_table(uint64_t phys)
{
	return phys | PTE_TABLE;
}

uint64_t arch_pte_leaf(uint64_t phys, uint64_t flags, unsigned level)
{
	if (level > S2_LEAF_MAX || phys % (PAGE_SIZE << S2_BITS * level))
		wrong("leaf that cannot be", phys);
	return phys | PTE_LEAF | (flags & 7) << 8 | (flags & CONFIG_MEM_IO ? 0x800 : 0);
}

bool arch_pte_is_empty(uint64_t pte, unsigned level)
{
	return pte == arch_pte_empty(level);
}

bool arch_pte_is_leaf(uint64_t pte, unsigned level)
{
	return pte & PTE_LEAF;
}

uint64_t arch_pte_phys(uint64_t pte, unsigned level)
{
	return pte & ~(PAGE_SIZE - 1);
}

uint64_t arch_pte_flags(uint64_t pte, unsigned level)
{
	return (pte >> 8 & 7) | (pte & 0x800 ? CONFIG_MEM_IO : 0);
}

uint64_t arch_mmio_read(uint64_t phys, unsigned size)
{
	mock.device.phys = phys;
	mock.device.size = size;
	mock.device.write = false;
	return mock.device_value & (UINT64_MAX >> (64 - 8 * size));
}

void arch_mmio_write(uint64_t phys, unsigned size, uint64_t value)
{
	mock.device.phys = phys;
	mock.device.size = size;
	mock.device.write = true;
	mock.device.value = value;
}

void arch_flush_stage2(struct cpu *cpu)
{
	for (unsigned i = 0; i < TLB; i++)
		if (processors[cpu->id].tlb[i].cell == cpu->cell)
			processors[cpu->id].tlb[i].cell = NULL;
}

void arch_sync_memory(const void *virt, uint64_t size)
{
	mock_address_of(virt);
	mock.syncs++;
}

bool mock_access(unsigned id, uint64_t gpa, bool write)
{
	struct processor *processor = &processors[id];
	const struct cell *cell = mock_cpu(id)->cell;
	unsigned slot = (unsigned)((gpa / PAGE_SIZE + gpa / 0x100000 * 4) % TLB);
	uint64_t phys, flags;
	bool found = paging_find(&cell->stage2, gpa & ~(PAGE_SIZE - 1), &phys, &flags);

	if (processor->loaded != cell)
		wrong("guest in a CPU whose state is another's", id);
	if (processor->tlb[slot].cell == cell && processor->tlb[slot].gpa == (gpa & ~(PAGE_SIZE - 1)) &&
	    (!found || processor->tlb[slot].phys != phys || processor->tlb[slot].flags != flags))
		wrong("stale TLB entry", gpa);
	if (!found)
		return false;
	processor->tlb[slot].cell = cell;
	processor->tlb[slot].gpa = gpa & ~(PAGE_SIZE - 1);
	processor->tlb[slot].phys = phys;
	processor->tlb[slot].flags = flags;
	return flags & (write ? CONFIG_MEM_WRITE : CONFIG_MEM_READ);
}

/* CPUs. */

static void switch_to_test(void)
{
	struct processor *self = current;

#ifdef HAVE_ASAN
	__sanitizer_start_switch_fiber(&self->fake_stack, test_stack, test_stack_size);
#endif
	swapcontext(&self->context, &test);
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(self->fake_stack, &test_stack, &test_stack_size);
#endif
}

static void switch_to(struct processor *processor)
{
	current = processor;
#ifdef HAVE_ASAN
	__sanitizer_start_switch_fiber(&test_fake_stack, processor->stack, STACK_SIZE);
#endif
	swapcontext(&test, &processor->context);
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(test_fake_stack, NULL, NULL);
#endif
	current = NULL;
}

void mock_yield(void)
{
	if (!current)
		wrong("the test itself waits", 0);
	switch_to_test();
}

struct cpu *mock_cpu(unsigned id)
{
	return mock_memory_at(MOCK_HV + image_header.core_size + id * image_header.percpu_size);
}

struct cpu *arch_this_cpu(void)
{
	return mock_cpu(current ? (unsigned)(current - processors) : 0);
}

static void guest_loop(struct cpu *cpu)
{
	struct processor *self = &processors[cpu->id];

	for (;;) {
		if (cpu->wanted) {
			cpu_attend(cpu);
			continue;
		}
		self->kicked = false;
		if (mock.time >= self->alarm) {
			self->alarm = heartbeat_look(cpu);
			continue;
		}
		if (self->loaded != cpu->cell)
			wrong("guest entered with another's state", cpu->id);
		if (self->busy) {
			self->result = hypercall(cpu, self->number, self->arg1, self->arg2);
			self->busy = false;
			stat_count(cpu, HV_STAT_HYPERCALL, arch_time() - 1, 0x1000, 0);
			continue;
		}
		if (self->guest && !self->guest(cpu))
			self->guest = NULL;
		if (!cpu->wanted)
			mock_yield();
	}
}

static void cpu_main(void)
{
	struct processor *self = current;
	struct cpu *cpu = mock_cpu((unsigned)(self - processors));

#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(NULL, &test_stack, &test_stack_size);
#endif
	cpu->arch.linux_state = 0x1234 + (uint64_t)(self - processors);
	setup_cpu(cpu);
}

static __attribute__((noreturn)) void leave(struct cpu *cpu, long result)
{
	struct processor *self = current;

	if (cpu != arch_this_cpu() || cpu->arch.linux_state != 0x1234 + (uint64_t)(self - processors))
		wrong("Linux comes back with another's state", cpu->id);
	self->state = BARE;
	self->result = result;
	self->busy = false;
	for (;;)
		switch_to_test();
}

int arch_init(const struct config_system *config)
{
	return -mock.fail_init;
}

int arch_cpu_init(struct cpu *cpu)
{
	return cpu->id == mock.fail_cpu ? -mock.fail_cpu_init : 0;
}

void arch_cpu_activate(struct cpu *cpu)
{
	processors[cpu->id].state = IN_GUEST;
	processors[cpu->id].result = 0;
	processors[cpu->id].busy = false;
	processors[cpu->id].loaded = &root_cell;
	guest_loop(cpu);
	__builtin_unreachable();
}

void arch_cpu_restore(struct cpu *cpu, long result)
{
	leave(cpu, result);
}

void arch_cpu_release(struct cpu *cpu)
{
	leave(cpu, 0);
}

void arch_cpu_kick(unsigned id)
{
	processors[id].kicked = true;
}

void arch_cpu_wait(struct cpu *cpu, uint64_t until)
{
	struct processor *self = &processors[cpu->id];

	self->waiting = true;
	self->alarm = UINT64_MAX;
	while (!self->kicked && mock.time < until)
		mock_yield();
	self->waiting = self->kicked = false;
}

void arch_cpu_alarm(struct cpu *cpu, uint64_t at)
{
	processors[cpu->id].alarm = at;
}

void arch_cpu_reset(struct cpu *cpu, uint64_t entry)
{
	struct processor *self = &processors[cpu->id];

	self->alarm = UINT64_MAX;
	if (!self->root_saved)
		wrong("reset of a CPU that holds Linux's state", cpu->id);
	self->loaded = cpu->cell;
	self->entry = entry;
	self->busy = false;
	mock.resets++;
}

void arch_cpu_save_root(struct cpu *cpu)
{
	struct processor *self = &processors[cpu->id];

	if (self->root_saved || self->loaded != &root_cell)
		wrong("root saved twice", cpu->id);
	self->root_saved = true;
	self->loaded = NULL;
	self->busy = false; /* it had not come to its hypercall */
}

void arch_cpu_load_root(struct cpu *cpu)
{
	struct processor *self = &processors[cpu->id];

	if (!self->root_saved || self->loaded)
		wrong("root loaded over another's state", cpu->id);
	self->root_saved = false;
	self->loaded = &root_cell;
}

void arch_cpu_scrub(struct cpu *cpu)
{
	processors[cpu->id].loaded = NULL;
	processors[cpu->id].entry = 0;
	mock.scrubs++;
}

void arch_cpu_describe(struct cpu *cpu, struct hv_fault *fault)
{
	fault->pc = 0x4000 + cpu->id;
}

/* Cells: the pins of entry 0 stand for all of interrupts. */

int arch_config_check(const struct config_system *system, const struct config_cell *cell,
		      struct hv_error *error)
{
	return 0;
}

static unsigned arch_cells;

int arch_cell_create(struct cell *cell)
{
	if (mock.fail_cell_create)
		return -mock.fail_cell_create;
	if (cell->config->num_irqchips)
		memcpy(cell->arch.pins, config_irqchips(cell->config)->pin_bitmap, 16);
	arch_cells++;
	return 0;
}

void arch_cell_destroy(struct cell *cell)
{
	memset(&cell->arch, 0, sizeof(cell->arch));
	arch_cells--;
}

void arch_cell_reset(struct cell *cell)
{
}

void arch_comm_fill(const struct cell *cell, void *comm_region)
{
}

void arch_cell_interrupt(const struct cell *cell)
{
	if (cell == &root_cell)
		mock.notices++;
	else
		mock.interrupts++;
}

uint64_t arch_time(void)
{
	return mock.time;
}

uint64_t arch_time_frequency(void)
{
	return MOCK_FREQUENCY;
}

/* The computer. */

static void make_system(void)
{
	struct config_system *system = &mock.system;
	struct description *root = &mock.root;

	memcpy(system->signature, CONFIG_SYSTEM_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
	system->architecture = ARCH_NUMBER;
	system->revision = CONFIG_REVISION;
	system->hypervisor_memory =
		(struct config_memory){ MOCK_HV, MOCK_HV, MOCK_HV_SIZE, CONFIG_MEM_READ | CONFIG_MEM_WRITE };
	memcpy(root->cell.name, "root", 5);
	root->cell.flags = CONFIG_CELL_CONSOLE_PERMITTED;
	root->cpus = (1u << MOCK_CPUS) - 1;
	root->cell.cpu_set_size = 8;
	root->cell.num_memory_regions = 3;
	root->memory[0] = (struct config_memory){ MOCK_RAM, MOCK_RAM, MOCK_RAM_SIZE, 0xf };
	root->memory[1] =
		(struct config_memory){ MOCK_DEVICES, MOCK_DEVICES, MOCK_DEVICES_SIZE, CONFIG_MEM_IO | 3 };
	root->memory[2] = (struct config_memory){ MOCK_PARTS, MOCK_PARTS, 0x800,
						  CONFIG_MEM_IO | CONFIG_MEM_IO_WIDTHS | 3 };
	root->cell.num_irqchips = 1;
	root->irqchips[0] = (struct config_irqchip){ 0x1000, 2, 0, { ~0u, ~0u, 0, 0 } };
}

void mock_power_on(uint64_t seed)
{
	if (!ram) {
		ram = aligned_alloc(65536, MOCK_RAM_SIZE);
		for (unsigned i = 0; i < MOCK_CPUS; i++)
			processors[i].stack = malloc(STACK_SIZE);
	}
	mock = (struct mock){ .random = seed, .cpus = MOCK_CPUS, .fail_cpu = MOCK_CPUS };
	make_system();
}

struct description mock_cell(unsigned id, uint64_t cpus)
{
	struct description d = { .cpus = cpus };
	uint64_t memory = MOCK_GIVE + (id - 1) * 0x100000;

	memcpy(d.cell.signature, CONFIG_CELL_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
	d.cell.architecture = ARCH_NUMBER;
	d.cell.revision = CONFIG_REVISION;
	snprintf(d.cell.name, sizeof(d.cell.name), "cell-%u", id);
	d.cell.id = id;
	d.cell.cpu_set_size = 8;
	d.cell.flags = CONFIG_CELL_PASSIVE_COMMREG | CONFIG_CELL_CONSOLE_PERMITTED;
	d.cell.num_memory_regions = 3;
	d.memory[0] = (struct config_memory){ memory, 0, 0x40000, CONFIG_MEM_READ | CONFIG_MEM_WRITE };
	d.memory[1] = (struct config_memory){ memory + 0x40000, 0x80000, 0x10000, CONFIG_MEM_LOADABLE | 7 };
	d.memory[2] = (struct config_memory){ 0, 0x100000, PAGE_SIZE,
					      CONFIG_MEM_COMM_REGION | CONFIG_MEM_READ | 2 };
	d.cell.cpu_reset_address = 0x80000;
	return d;
}

static uint8_t *append(uint8_t *to, const void *from, uint64_t size)
{
	memcpy(to, from, size);
	return to + size;
}

uint64_t mock_pack(const struct description *d, void *to)
{
	uint8_t *at = append(to, &d->cell, sizeof(d->cell));

	at = append(at, &d->cpus, 8);
	at = append(at, d->memory, d->cell.num_memory_regions * sizeof(*d->memory));
	at = append(at, d->irqchips, d->cell.num_irqchips * sizeof(*d->irqchips));
	return (uint64_t)(at - (uint8_t *)to);
}

uint64_t mock_pack_system(void *to)
{
	uint64_t head = offsetof(struct config_system, root_cell);

	memcpy(to, &mock.system, head);
	return head + mock_pack(&mock.root, (uint8_t *)to + head);
}

static bool is_alive(unsigned id)
{
	return processors[id].state == IN_LINUX || processors[id].state == IN_GUEST;
}

static void take_turns(void)
{
	unsigned first = (unsigned)mock_random(MOCK_CPUS);

	for (unsigned i = 0; i < MOCK_CPUS; i++) {
		unsigned id = (first + i) % MOCK_CPUS;

		if (is_alive(id))
			switch_to(&processors[id]);
	}
	mock.time++;
}

void mock_idle(unsigned turns)
{
	while (turns--)
		take_turns();
}

bool mock_run(unsigned turns)
{
	while (turns--) {
		bool busy = false;

		take_turns();
		for (unsigned i = 0; i < MOCK_CPUS; i++)
			busy |= processors[i].busy && !(processors[i].state == IN_GUEST && mock_cpu(i)->park);
		if (!busy)
			return true;
	}
	return false;
}

long mock_enable(void)
{
	image_header = (struct image_header){ .core_size = 0x4000,
					      .percpu_size = (sizeof(struct cpu) + 0x3fff) & ~0x3fffull,
					      .max_cpus = MOCK_CPUS,
					      .online_cpus = mock.announced ? mock.announced : mock.cpus,
					      .phys_start = MOCK_HV };
	mock_reload_setup();
	mock_reload_run();
	memset(&root_cell, 0, sizeof(root_cell));
	memset(&last_error, 0, sizeof(last_error));
	cpus_present = 0;
	cpus_dead = 0;
	cells = 1;
	arch_cells = 0;
	memset(mock_memory_at(MOCK_HV), 0xa5, MOCK_HV_SIZE);
	mock_pack_system(mock_memory_at(MOCK_HV + 0x4000 + MOCK_CPUS * image_header.percpu_size));
	for (unsigned i = 0; i < MOCK_CPUS; i++) {
		struct processor *processor = &processors[i];
		uint8_t *stack = processor->stack;

		memset(processor, 0, sizeof(*processor));
		processor->stack = stack;
		processor->alarm = UINT64_MAX;
		if (i >= mock.cpus)
			continue;
		processor->state = IN_LINUX;
		processor->busy = true;
		getcontext(&processor->context);
		processor->context.uc_stack.ss_sp = stack;
		processor->context.uc_stack.ss_size = STACK_SIZE;
		processor->context.uc_link = NULL;
		makecontext(&processor->context, cpu_main, 0);
	}
	if (!mock_run(TURNS))
		wrong("enable does not end", 0);
	for (unsigned i = 1; i < mock.cpus; i++)
		if (processors[i].result != processors[0].result ||
		    processors[i].state != processors[0].state)
			wrong("CPUs do not agree", i);
	return processors[0].result;
}

void mock_begin(unsigned id, uint64_t number, uint64_t arg1, uint64_t arg2)
{
	struct processor *processor = &processors[id];

	if (processor->state != IN_GUEST || processor->busy)
		wrong("hypercall of no guest", id);
	processor->number = number;
	processor->arg1 = arg1;
	processor->arg2 = arg2;
	processor->busy = true;
}

long mock_result(unsigned id)
{
	return processors[id].result;
}

long mock_hypercall(unsigned id, uint64_t number, uint64_t arg1, uint64_t arg2)
{
	mock_begin(id, number, arg1, arg2);
	if (!mock_run(TURNS))
		wrong("hypercall without an answer", number);
	return processors[id].result;
}

long mock_create(unsigned id, const struct description *description)
{
	mock_pack(description, mock_memory_at(MOCK_BUFFER));
	return mock_hypercall(id, HC_CELL_CREATE, MOCK_BUFFER, 0);
}

void mock_guest(unsigned id, mock_guest_fn *fn)
{
	processors[id].guest = fn;
}

static enum hv_fault_reason fault_reason;

static bool do_fault(struct cpu *cpu)
{
	struct hv_fault fault = { .pc = 0x8000, .gpa = 0xdead000, .insn = 0x1234 };

	cell_fault(cpu, fault_reason, &fault);
	return false;
}

void mock_fault(unsigned id, enum hv_fault_reason reason)
{
	fault_reason = reason;
	mock_guest(id, do_fault);
	mock_idle(1);
	while (processors[id].guest)
		mock_idle(1);
	mock_idle(4);
}

bool mock_is_bare(unsigned id)
{
	return processors[id].state == BARE;
}

bool mock_is_waiting(unsigned id)
{
	return processors[id].waiting;
}

bool mock_is_busy(unsigned id)
{
	return processors[id].busy;
}

uint64_t mock_entry(unsigned id)
{
	return processors[id].entry;
}

/* What must be true whenever no hypercall is under way. */

static bool is_ours(uint64_t phys)
{
	return phys - MOCK_HV < MOCK_HV_SIZE;
}

static bool root_may_see(uint64_t phys)
{
	if (is_ours(phys))
		return false;
	for (const struct cell *cell = root_cell.next; cell; cell = cell->next) {
		const struct config_memory *memory = config_memory(cell->config);

		for (unsigned i = 0; i < cell->config->num_memory_regions; i++)
			if (config_is_private(&memory[i]) && !config_is_subpage(&memory[i]) &&
			    phys - memory[i].phys_start < memory[i].size &&
			    !(cell->state == CELL_LOADABLE && memory[i].flags & CONFIG_MEM_LOADABLE))
				return false;
	}
	return true;
}

uint64_t mock_root_map(void)
{
	uint64_t hash = 0, phys, flags;

	for (unsigned i = 0; i < mock.root.cell.num_memory_regions; i++) {
		const struct config_memory *memory = &mock.root.memory[i];

		for (uint64_t at = memory->phys_start; at < memory->phys_start + memory->size;
		     at += PAGE_SIZE) {
			bool found = paging_find(&root_cell.stage2, at, &phys, &flags);

			hash = hash * 31 + (found ? (phys ^ at) + flags : 1);
		}
	}
	return hash;
}

static void check_root_map(void)
{
	uint64_t phys, flags;

	for (unsigned i = 0; i < mock.root.cell.num_memory_regions; i++) {
		const struct config_memory *memory = &mock.root.memory[i];

		for (uint64_t at = memory->phys_start; at < memory->phys_start + memory->size;
		     at += PAGE_SIZE) {
			bool found = paging_find(&root_cell.stage2, at, &phys, &flags);

			if (found != (!config_is_subpage(memory) && root_may_see(at)) ||
			    (found && phys != at))
				wrong("root's map", at);
		}
	}
}

static void check_cell(const struct cell *cell, uint64_t *cpus)
{
	const struct config_memory *memory = config_memory(cell->config);
	uint64_t phys, flags, set = cell->cpus;
	unsigned id, number = 0;

	for (unsigned i = 0; i < cell->config->num_memory_regions; i++) {
		bool comm = memory[i].flags & CONFIG_MEM_COMM_REGION;
		uint64_t at = 0;

		for (; !config_is_subpage(&memory[i]) && at < memory[i].size; at += PAGE_SIZE) {
			if (!paging_find(&cell->stage2, memory[i].virt_start + at, &phys, &flags))
				wrong("cell has not its memory", memory[i].virt_start + at);
			if (phys != (comm ? virt_to_phys(cell->comm) : memory[i].phys_start + at))
				wrong("cell has other memory", memory[i].virt_start + at);
			if ((flags & 7) != (memory[i].flags & 7))
				wrong("cell has other rights", memory[i].virt_start + at);
			if (!comm && is_ours(phys))
				wrong("cell has the hypervisor's memory", phys);
		}
	}
	FOR_EACH_CPU(id, set) {
		const struct cpu *cpu = cpu_of(id);

		if (*cpus >> id & 1)
			wrong("CPU of two cells", id);
		*cpus |= UINT64_C(1) << id;
		if (cpu->cell != cell || cpu->number != number++)
			wrong("CPU that is elsewhere", id);
		if (cell->state != CELL_RUNNING && !cpu->park)
			wrong("CPU of a stopped cell runs", id);
		if (cell->state == CELL_RUNNING && processors[id].loaded != cell)
			wrong("CPU without the cell's state", id);
	}
}

void mock_check(void)
{
	uint64_t cpus = root_cell.cpus, set = cpus;
	unsigned id;

	check_root_map();
	for (const struct cell *cell = root_cell.next; cell; cell = cell->next)
		check_cell(cell, &cpus);
	if (arch_cells != cells)
		wrong("cells whose interrupts are not", arch_cells);
	if ((cpus | cpus_dead) != cpus_present)
		wrong("CPUs of nobody", cpus);
	FOR_EACH_CPU(id, set)
		if (cpu_of(id)->cell != &root_cell || cpu_of(id)->number != id)
			wrong("CPU that is not root's", id);
}
