/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The board is found, descriptions that do not fit it are refused with a sentence, and what it does not let
 * be mapped does not help root to reach a cell: doorbells, the reset of cores, where addresses lead.
 */
#include "linux.h"

#define CELL	   1
#define CELL_PHYS  0x8000000
#define CELL_SIZE  0x400000
#define CELL_SEEN  0x1000 /* struct seen, guest-physical */
#define CELL_CPUS  0xc
#define OWN_VECTOR 0x30
#define VECTOR	   0x20 /* the cell's, 0 to itself */
#define MESSAGE	   0x40
#define CORE_RESET 0x1d8
#define ROUTING	   0x400
#define EPERM	   1
#define EINVAL	   22

/* What the cell sees, and is told. */
struct seen {
	volatile uint32_t vectors, estat, turns, send;
};
#define SEEN ((struct seen *)CACHED(CELL_PHYS + CELL_SEEN))

/* The cell: enables its vectors, and looks. */
extern const char watcher[], watcher_end[];
__asm__(".balign 4\n"
	"watcher:\n"
	"li.w $t0, 0x1600\n"
	"li.w $t1, -1\n"
	"iocsrwr.w $t1, $t0\n"
	"li.w $t0, 0x1800\n"
	"li.w $t3, 0x1000\n"
	"1: iocsrrd.w $t1, $t0\n"
	"st.w $t1, $t3, 0\n"
	"csrrd $t1, 5\n"
	"st.w $t1, $t3, 4\n"
	"ld.w $t1, $t3, 8\n"
	"addi.w $t1, $t1, 1\n"
	"st.w $t1, $t3, 8\n"
	"ld.w $t1, $t3, 12\n"
	"beqz $t1, 1b\n"
	"li.w $t2, 0x1140\n"
	"iocsrwr.w $zero, $t2\n"
	"b 1b\n"
	"watcher_end:");

static struct {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[2];
	struct config_irqchip chips[1];
} __attribute__((packed)) description __attribute__((aligned(4096)));

static struct hv_error error;
static long result[MAX_CORES];

static bool contains(const char *text, const char *word)
{
	for (; *text; text++) {
		unsigned i = 0;

		while (word[i] && text[i] == word[i])
			i++;
		if (!word[i])
			return true;
	}
	return false;
}

static void describe(uint64_t phys, uint64_t size, uint64_t widths)
{
	struct config_cell *cell = &description.cell;

	cell_describe(cell, CELL, "cell", 2, 1);
	cell->cpu_reset_address = 0;
	description.cpus[0] = CELL_CPUS;
	description.memory[0] =
		(struct config_memory){ CELL_PHYS, 0, CELL_SIZE,
					CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE |
						CONFIG_MEM_LOADABLE | CONFIG_MEM_ROOTSHARED };
	description.memory[1] = (struct config_memory){ phys, phys | 0x40000000, size,
							CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO |
								CONFIG_MEM_ROOTSHARED | widths };
	description.chips[0] = (struct config_irqchip){ .id = CONFIG_IRQCHIP_EXTIOI };
	description.chips[0].pin_bitmap[VECTOR / 32] = 1u << VECTOR % 32;
}

static void enter(unsigned core)
{
	result[core] = hv_enter(core);
}

static void leave(unsigned core)
{
	result[core] = hvcl(HC_DISABLE, 0, 0);
}

static bool all_got(long wanted)
{
	for (unsigned i = 0; i < cores; i++)
		if (result[i] != wanted) {
			print("# core %u got %d\n", i, (unsigned)-result[i]);
			return false;
		}
	return true;
}

/* The image says why it was not entered. */
static bool system_is_refused(const char *word)
{
	const struct image_header *header = (struct image_header *)CACHED(HV_BASE);
	const struct hv_error *why = (struct hv_error *)CACHED(HV_BASE + header->error);

	on_all(enter);
	print("# %s\n", why->sentence);
	return all_got(-EINVAL) && contains(why->sentence, word);
}

static void systems(void)
{
	hv_load();
	hv_config()->platform_info.loongarch.pch_pic_base = 0x10008000;
	check(system_is_refused("no known board"), "a controller where no board has one is not touched");
	hv_load();
	hv_config()->platform_info.loongarch.pch_pic_base = 0xe0010000000;
	check(system_is_refused("that of a virt is 0x10000000"), "nor is a board's on this machine");
	hv_load();
	hv_config()->platform_info.loongarch.pch_msi_doorbell = 0x2ff80000;
	check(system_is_refused("that of a virt is 0x2ff00000"), "a doorbell that is elsewhere is refused");
	hv_load();
	hv_config()->platform_info.loongarch.node_count = 17;
	check(system_is_refused("node-count is 17"), "so are more nodes than there can be");
}

static bool cell_is_refused(uint64_t phys, uint64_t size, uint64_t widths, const char *word)
{
	long got;

	describe(phys, size, widths);
	got = hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0);
	hvcl(HC_LAST_ERROR, PHYSICAL(&error), 0);
	print("# %s\n", error.sentence);
	return got == -EPERM && contains(error.sentence, word);
}

static void forbidden_regions(void)
{
	check(cell_is_refused(0x1e020000, 0x4000, 0, "fw_cfg"), "no cell has fw_cfg, which writes memory");
	check(cell_is_refused(0x1e020010, 8, CONFIG_MEM_IO_64, "fw_cfg"), "nor a part of it");
	check(cell_is_refused(0x10000000, 0x4000, 0, "interrupts"), "nor the bridge's interrupts");
	check(cell_is_refused(0x20000000, 0x100000, 0, "PCI"), "nor the configuration of PCI");
	check(cell_is_refused(0x2ff00000, 0x4000, 0, "doorbell"), "nor the doorbell of messages");
	check(cell_is_refused(0x2fe02000, 0x1000, CONFIG_MEM_IO_32, "doorbell"), "nor that of CPUs");
}

/* The cell has looked a few times more. */
static bool it_looks(void)
{
	uint32_t before = SEEN->turns;
	uint64_t start = rdtime();

	while (SEEN->turns - before < 10)
		if (rdtime() - start > SURE_TO_COME / 2)
			return false;
	return true;
}

static void doorbells(void)
{
	store32(MSI, OWN_VECTOR);
	check(pending(HWI(1)) && iocsr_read32(EXTIOI_CORE_ISR + OWN_VECTOR / 32 * 4) == 1 << OWN_VECTOR % 32,
	      "root's vector is raised at the doorbell");
	extioi_ack(OWN_VECTOR);
	store32(MSI, VECTOR);
	check(it_looks() && !SEEN->vectors, "not so the cell's");
	SEEN->send = 1;
	check(it_looks() && SEEN->vectors == 1, "which it would see: it sends it to itself");
	if (!has_message_interrupts())
		return;
	store32(AVEC | MESSAGE << 4, 0);
	for (uint64_t start = rdtime(); !(csr_read(CSR_ESTAT) & ESTAT_MESSAGE);)
		if (rdtime() - start > SURE_TO_COME / 4)
			break;
	check_equal((uint32_t)csr_read(CSR_MSGIR), MESSAGE, "a message to root's CPU comes");
	store32(AVEC | 2 << 12 | MESSAGE << 4, 0);
	check(it_looks() && !(SEEN->estat & ESTAT_MESSAGE), "none comes to the cell's");
}

static void chip(void)
{
	uint8_t reset = iocsr_read8(CORE_RESET);
	uint64_t routing = iocsr_read64(ROUTING);

	iocsr_write8(CORE_RESET, (uint8_t) ~(3 << 4)); /* core 2 */
	iocsr_write8(CORE_RESET, 0xff);
	iocsr_write64(ROUTING, ~routing);
	check(iocsr_read8(CORE_RESET) == reset && iocsr_read64(ROUTING) == routing && it_looks(),
	      "root cannot reset the cell's core, nor route addresses");
}

void suite(void)
{
	cores_init();
	extioi_setup(1);
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1ull << 51);
	systems();
	hv_load();
	on_all(enter);
	check(all_got(0), "virt is found, and the hypervisor takes over");
	if (result[0])
		return;
	forbidden_regions();
	describe(UART1 & 0xffffffff, 8, CONFIG_MEM_IO_8);
	check_equal((uint64_t)hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0), 0, "a cell may have a UART");
	hvcl(HC_CELL_SET_LOADABLE, CELL, 0);
	memset((void *)SEEN, 0, sizeof(*SEEN));
	memcpy((void *)CACHED(CELL_PHYS), watcher, (unsigned long)(watcher_end - watcher));
	__asm__ volatile("dbar 0\n\tibar 0" ::: "memory");
	check(!hvcl(HC_CELL_START, CELL, 0) && it_looks(), "it runs");
	doorbells();
	chip();
	check_equal((uint64_t)hvcl(HC_CELL_DESTROY, CELL, 0), 0, "it is destroyed");
	on_all(leave);
	check(all_got(0), "the machine is given back");
}
