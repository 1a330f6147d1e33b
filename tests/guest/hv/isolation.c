/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What a hostile cell, or a root Linux that has gone wrong, might do to others by way of what is shared:
 * devices where nothing is, the bridge's interrupt controller, routes of vectors.
 */
#include "linux.h"
#include "../../../hypervisor/include/comm.h"
#include "cell.h"

#define CELL	     1
#define TAKEN	     0xc /* CPUs 2 and 3 */
#define HOLE_IN_PAGE DEVICE(0x10002000)
#define UART1_SIZE   0x20 /* with registers that it has not */
#define ROOT_VECTOR  9
#define ROOT_ROUTED  40
#define PIC_ROUTE    (PIC + 0x100)
#define EPERM	     1
#define ALL_ONES     0xff
#define MILLISECOND  100000

/* What the cell's program writes. */
struct report {
	volatile uint64_t done, value[8];
};
#define REPORT ((struct report *)CACHED(SHARED_PHYS))

static struct {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[3];
	struct config_irqchip chips[2];
} __attribute__((packed)) description __attribute__((aligned(4096)));

static void describe(void)
{
	const uint64_t all = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE;
	struct config_cell *cell = &description.cell;

	cell_describe(cell, CELL, "hostile", 3, 2);
	cell->flags = CONFIG_CELL_PASSIVE_COMMREG;
	cell->cpu_reset_address = CELL_ENTRY;
	description.cpus[0] = TAKEN;
	description.memory[0] =
		(struct config_memory){ CELL_PHYS, CELL_RAM, CELL_RAM_SIZE, all | CONFIG_MEM_LOADABLE };
	description.memory[1] =
		(struct config_memory){ SHARED_PHYS, CELL_SHARED, 0x4000,
					CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_ROOTSHARED };
	description.memory[2] =
		(struct config_memory){ UART1 & 0xffffffff, CELL_UART1, UART1_SIZE,
					CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO | CONFIG_MEM_IO_8 |
						CONFIG_MEM_IO_64 | CONFIG_MEM_ROOTSHARED };
	description.chips[0] = (struct config_irqchip){ .id = CONFIG_IRQCHIP_EXTIOI };
	description.chips[0].pin_bitmap[CELL_VECTOR / 32] = 1u << CELL_VECTOR % 32;
	description.chips[1] =
		(struct config_irqchip){ .address = PIC & 0xffffffff, .id = CONFIG_IRQCHIP_PCH_PIC };
	description.chips[1].pin_bitmap[0] = 1 << PIN_UART1;
}

/* Programs for the cell, in direct mode: t0 is the report's address, t1 free. */
#define REPORT_IN(text)                                                                                      \
	"li.w $t0, 0x1000000; " text "; li.w $t1, 1; st.d $t1, $t0, 0; 1: idle 0; b 1b; nop; nop; nop; nop"

/* Bytes and words behind the UART's registers: reads, and a write. */
SNIPPET(read_hole, REPORT_IN("li.w $t2, 0x1fe082e0; ld.bu $t1, $t2, 0x10; st.d $t1, $t0, 8; "
			     "st.b $zero, $t2, 0x11; ld.d $t1, $t2, 0x18; st.d $t1, $t0, 16"));
/* All pins are unmasked and send, and no vector has been chosen. */
SNIPPET(unmask, REPORT_IN("li.w $t2, 0x10000000; li.w $t1, -1; st.w $t1, $t2, 0x40; st.w $zero, $t2, 0x20"));
/* Whatever there is to spoil for who has the pin next. */
SNIPPET(spoil, REPORT_IN("li.w $t2, 0x10000000; st.w $zero, $t2, 0x40; li.w $t1, -1; st.w $t1, $t2, 0x3e0; "
			 "st.w $t1, $t2, 0x60; st.w $t1, $t2, 0xc0; st.b $zero, $t2, 0x103"));
/* The first counter, which nobody has the cell count by. */
SNIPPET(look_at_counter,
	REPORT_IN("csrrd $t1, 0x200; st.d $t1, $t0, 8; csrrd $t1, 0x201; st.d $t1, $t0, 16"));
/* HWI lines, after a moment. */
SNIPPET(look_at_lines, REPORT_IN("li.w $t1, 100000; 2: addi.d $t1, $t1, -1; bnez $t1, 2b; csrrd $t1, 5; "
				 "st.d $t1, $t0, 8"));

static bool start(const char *program)
{
	uint64_t begin = rdtime();

	if (hvcl(HC_CELL_SET_LOADABLE, CELL, 0))
		return false;
	memcpy((void *)CACHED(CELL_PHYS + CELL_ENTRY), program, 256);
	memset(REPORT, 0, sizeof(*REPORT));
	if (hvcl(HC_CELL_START, CELL, 0))
		return false;
	while (!REPORT->done)
		if (rdtime() - begin > SURE_TO_COME / 2)
			return false;
	return true;
}

static bool create(void)
{
	return !hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0);
}

static bool destroy(void)
{
	return !hvcl(HC_CELL_DESTROY, CELL, 0);
}

/* The bus answers nobody there; the hypervisor does the accesses, and must not fall over them. */
static void holes(void)
{
	check(create(), "a cell has a pin, and parts of a device's page");
	check_equal(load8(HOLE_IN_PAGE), ALL_ONES,
		    "root reads ones in the interrupt controller's page where nothing is");
	store32(HOLE_IN_PAGE, 1);
	check(start(read_hole), "a cell goes on that reads and writes where its device has nothing");
	check_equal(REPORT->value[0], ALL_ONES, "it has read ones");
	check_equal(REPORT->value[1], ~0ul, "by any width");
	check_equal(hvcl(HC_CELL_GET_STATE, CELL, 0), COMM_RUNNING, "and runs");
	check_equal(load32(PIC), 0x07000000, "root goes on, too");
	check(destroy(), "it can be destroyed");
}

/* UART1 requests, by its pin, as soon as the cell lets it. */
static void pins(void)
{
	store8(PIC_VECTOR + PIN_UART1, ROOT_VECTOR);
	store32(PIC_HTMSI_EN, ~0u);
	iocsr_write32(EXTIOI_ENABLE, ~0u);
	store8(UART1 + UART_IER, 2);
	check(create() && start(unmask), "a cell unmasks its pin, for which it has chosen no vector");
	check_equal(iocsr_read64(EXTIOI_CORE_ISR), 0, "root's vector that the pin had is not raised");
	store8(UART1 + UART_IER, 0);
	check(destroy(), "it can be destroyed");
	iocsr_write64(EXTIOI_CORE_ISR, ~0ul);
}

static void pins_come_back(void)
{
	store8(PIC_VECTOR + PIN_UART1, ROOT_VECTOR + 1);
	check(create() && start(spoil), "a cell changes all of its pin's registers");
	check(destroy(), "it can be destroyed");
	check_equal(load32(PIC_HTMSI_EN), ~0u, "the pin sends messages again");
	check_equal(load32(PIC_POLARITY), 0, "its polarity is root's");
	check_equal(load32(PIC_EDGE), 0, "and what is recorded of it");
	check_equal(load8(PIC_ROUTE + PIN_UART1), 1, "and its route");
	check_equal(load8(PIC_VECTOR + PIN_UART1), ROOT_VECTOR + 1, "and its vector, as root wrote it last");
}

static void controllers_page(void)
{
	description.memory[2].phys_start = PIC & 0xffffffff;
	description.memory[2].virt_start = 0x20000000;
	description.memory[2].size = 0x4000;
	description.memory[2].flags = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO;
	check_equal(hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0), -EPERM,
		    "the interrupt controller itself is given to no cell as memory");
	describe();
}

/* A vector of root's whose route names a CPU that goes away. */
static void routes(void)
{
	iocsr_write8(EXTIOI_ROUTE + ROOT_ROUTED, 4);
	iocsr_write32(EXTIOI_SEND, ROOT_ROUTED);
	wait_ticks(MILLISECOND);
	check(create(), "a CPU is taken to which a vector of root's is routed");
	check(start(look_at_lines), "a cell starts there");
	check_equal(REPORT->value[0] & 0x3fc, 0, "root's vector does not interrupt it");
	check(pending(HWI(1)), "it interrupts root");
	check_equal(iocsr_read64(EXTIOI_CORE_ISR), 1ul << ROOT_ROUTED, "root has it");
	iocsr_write64(EXTIOI_CORE_ISR, ~0ul);
	check(destroy(), "it can be destroyed");
}

static void count(unsigned core)
{
	csr_write(CSR_PMCNT0, 0x5ec0000000);
	csr_write(CSR_PMCFG0, 1 << 16); /* event 0, cycles, at PLV0 */
}

/* What root has counted on the cell's CPU is not for the cell to know. */
static void counters(void)
{
	on_all(count);
	check(csr_read(CSR_PMCNT0) >= 0x5ec0000000, "root counts");
	check(create() && start(look_at_counter), "a cell starts where root has counted");
	check_equal(REPORT->value[0], 0, "its counters are off");
	check_equal(REPORT->value[1], 0, "and have counted nothing");
	check(destroy(), "it can be destroyed");
}

static volatile unsigned entered;

static void enter(unsigned core)
{
	if (!hv_enter(core))
		__atomic_add_fetch(&entered, 1, __ATOMIC_SEQ_CST);
}

/* As Linux does it, alike at all nodes. */
static void set_up(unsigned core)
{
	if (core % 4 == 0)
		extioi_setup(1);
}

void suite(void)
{
	cores_init();
	on_all(set_up);
	store32(PIC_MASK, ~0u);
	store32(PIC_HTMSI_EN, ~0u);
	describe();
	hv_load();
	on_all(enter);
	check_equal(entered, cores, "the hypervisor takes all cores over");
	holes();
	pins();
	pins_come_back();
	controllers_page();
	routes();
	counters();
}
