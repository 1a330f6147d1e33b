/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The driver's part: cores that do things together, the image and its description in memory. */
#include "linux.h"

unsigned cores;

static struct {
	void (*volatile fn)(unsigned core);
	volatile uint32_t turn;
	uint32_t done;
	volatile bool present[MAX_CORES];
} shared;

static void fn_run(unsigned core)
{
	shared.fn(core);
	__atomic_add_fetch(&shared.done, 1, __ATOMIC_SEQ_CST);
}

void secondary_main(unsigned core)
{
	uint32_t turn = 0;

	shared.present[core] = true;
	for (;;) {
		while (__atomic_load_n(&shared.turn, __ATOMIC_SEQ_CST) == turn)
			;
		turn++;
		fn_run(core);
	}
}

void on_others(void (*fn)(unsigned core))
{
	shared.fn = fn;
	__atomic_add_fetch(&shared.turn, 1, __ATOMIC_SEQ_CST);
}

void on_all(void (*fn)(unsigned core))
{
	shared.done = 0;
	shared.fn = fn;
	__atomic_add_fetch(&shared.turn, 1, __ATOMIC_SEQ_CST);
	fn_run(0);
	while (__atomic_load_n(&shared.done, __ATOMIC_SEQ_CST) != cores)
		;
}

/* As Linux has it: its window for devices is uncached, all IPIs are enabled. */
static void core_prepare(unsigned core)
{
	csr_write(CSR_DMW0, 0x8000000000000009);
	iocsr_write32(IPI_ENABLE, ~0u);
}

void cores_init(void)
{
	cores = irq_start_cores(shared.present);
	on_all(core_prepare);
}

extern const char hv_image[], hv_image_end[];

struct config_system *hv_config(void)
{
	struct image_header *header = (struct image_header *)CACHED(HV_BASE);

	return (struct config_system *)CACHED(HV_BASE + header->core_size + header->percpu_size * MAX_CORES);
}

/* Registers of devices are root's, and all of the first 256 MiB but the hypervisor's. */
static void config_make(struct config_system *config)
{
	static const struct config_memory regions[] = {
		{ 0, 0, HV_BASE, CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE | CONFIG_MEM_DMA },
		{ HV_BASE + HV_SIZE, HV_BASE + HV_SIZE, LOW_RAM - HV_BASE - HV_SIZE,
		  CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE | CONFIG_MEM_DMA },
		{ LOW_RAM, LOW_RAM, 0x70000000, CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO },
	};
	static const struct config_irqchip chips[] = {
		{ 0, CONFIG_IRQCHIP_EXTIOI, 0, { ~0u, ~0u, ~0u, ~0u } },
		{ 0, CONFIG_IRQCHIP_EXTIOI, 128, { ~0u, ~0u, ~0u, ~0u } },
		{ PIC & 0xffffffff, CONFIG_IRQCHIP_PCH_PIC, 0, { ~0u, ~0u } },
	};
	struct config_cell *root = &config->root_cell;

	memset(config, 0, 4096);
	memcpy(config->signature, CONFIG_SYSTEM_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
	config->architecture = CONFIG_ARCH_LOONGARCH;
	config->revision = CONFIG_REVISION;
	config->hypervisor_memory = (struct config_memory){ HV_BASE, 0, HV_SIZE, 3 };
	config->platform_info.loongarch.node_count = 1;
	config->platform_info.loongarch.pch_pic_base = PIC & 0xffffffff;
	config->platform_info.loongarch.pch_msi_base = MSI & 0xffffffff;
	config->platform_info.loongarch.pch_msi_doorbell = MSI & 0xffffffff;
	root->architecture = CONFIG_ARCH_LOONGARCH;
	root->revision = CONFIG_REVISION;
	memcpy(root->name, "root", 5);
	root->cpu_set_size = 8;
	root->num_memory_regions = sizeof(regions) / sizeof(regions[0]);
	root->num_irqchips = sizeof(chips) / sizeof(chips[0]);
	*(uint8_t *)config_cpu_set(root) = (uint8_t)((1 << cores) - 1);
	memcpy((void *)config_memory(root), regions, sizeof(regions));
	memcpy((void *)config_irqchips(root), chips, sizeof(chips));
}

void cell_describe(struct config_cell *cell, unsigned id, const char *name, unsigned regions, unsigned chips)
{
	memcpy(cell->signature, CONFIG_CELL_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
	cell->architecture = CONFIG_ARCH_LOONGARCH;
	cell->revision = CONFIG_REVISION;
	for (unsigned i = 0; name[i]; i++)
		cell->name[i] = name[i];
	cell->id = id;
	cell->cpu_set_size = 8;
	cell->num_memory_regions = regions;
	cell->num_irqchips = chips;
}

void hv_load(void)
{
	struct image_header *header = (struct image_header *)CACHED(HV_BASE);
	uint64_t size = (uint64_t)(hv_image_end - hv_image);

	memcpy(header, hv_image, size);
	for (uint64_t at = HV_BASE + ((size + 7) & ~7ul);
	     at < HV_BASE + header->core_size + header->percpu_size * MAX_CORES; at += 8)
		store64(CACHED(at), 0);
	header->max_cpus = MAX_CORES;
	header->online_cpus = cores;
	header->phys_start = HV_BASE;
	config_make(hv_config());
	__asm__ volatile("dbar 0\n\tibar 0" ::: "memory");
}

long hv_enter(unsigned core)
{
	struct image_header *header = (struct image_header *)CACHED(HV_BASE);
	long (*entry)(unsigned) = (long (*)(unsigned))(CACHED(HV_BASE) + header->entry);

	return entry(core);
}
