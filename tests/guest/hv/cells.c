/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A cell beside root: created from two of root's CPUs, started, stopped, failed, destroyed; twice over. */
#include "linux.h"
#include "../../../hypervisor/include/comm.h"
#include "cell.h"

#define ROUNDS	    20
#define CELL	    1
#define MILLISECOND 100000
#define EBUSY	    16
/* CPUs 2 and 3, or two of another node. */
#define TAKEN (cores >= 6 ? 0x30 : 0xc)

#define SHARED ((struct cell_shared *)CACHED(SHARED_PHYS))

extern const char cell_image[], cell_image_end[];

static struct {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[3];
	struct config_irqchip chips[2];
} __attribute__((packed)) description __attribute__((aligned(4096)));

static struct hv_error error;
static struct hv_fault fault;
static struct hv_console output;

static void describe(void)
{
	const uint64_t all = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE;
	struct config_cell *cell = &description.cell;

	cell_describe(cell, CELL, "cell", 3, 2);
	cell->flags = CONFIG_CELL_PASSIVE_COMMREG;
	cell->cpu_reset_address = CELL_ENTRY;
	cell->console = (struct config_console){ .address = CELL_UART,
						 .size = 0x1000,
						 .type = CONFIG_CONSOLE_8250,
						 .flags = CONFIG_CONSOLE_MMIO };
	description.cpus[0] = TAKEN;
	description.memory[0] =
		(struct config_memory){ CELL_PHYS, CELL_RAM, CELL_RAM_SIZE, all | CONFIG_MEM_LOADABLE };
	description.memory[1] =
		(struct config_memory){ SHARED_PHYS, CELL_SHARED, 0x4000,
					CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_ROOTSHARED };
	description.memory[2] = (struct config_memory){ UART1 & 0xffffffff, CELL_UART1, 8,
							CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO |
								CONFIG_MEM_IO_8 | CONFIG_MEM_ROOTSHARED };
	description.chips[0] = (struct config_irqchip){ .id = CONFIG_IRQCHIP_EXTIOI };
	description.chips[1] =
		(struct config_irqchip){ .address = PIC & 0xffffffff, .id = CONFIG_IRQCHIP_PCH_PIC };
	description.chips[1].pin_bitmap[0] = 1 << PIN_UART1;
	description.chips[0].pin_bitmap[CELL_VECTOR / 32] = 1u << CELL_VECTOR % 32;
}

/* The result, and what the hypervisor says to an error. */
static long explained(long result)
{
	if (!result)
		return 0;
	hvcl(HC_LAST_ERROR, PHYSICAL(&error), 0);
	print("# error %u: %s\n", (unsigned)-result, error.sentence);
	return result;
}

static bool wait_for(volatile uint32_t *value, uint32_t beyond)
{
	uint64_t start = rdtime();

	while (*value <= beyond)
		if (rdtime() - start > SURE_TO_COME / 2)
			return false;
	return true;
}

static bool wait_for_state(enum comm_state state)
{
	uint64_t start = rdtime();

	while (hvcl(HC_CELL_GET_STATE, CELL, 0) != (long)state)
		if (rdtime() - start > SURE_TO_COME / 2)
			return false;
	return true;
}

static unsigned bad_create, bad_load, bad_start, bad_findings, bad_count, bad_console, bad_state, bad_fault,
	bad_stop, bad_destroy, bad_root, bad_rest, bad_pins;

/* @clean: nothing has been in its memory before. */
static void load_and_start(bool clean)
{
	uint32_t wanted = clean ? ALL_FOUND : ALL_FOUND & ~(1u << FOUND_CLEAN);
	bad_load += explained(hvcl(HC_CELL_SET_LOADABLE, CELL, 0)) != 0;
	memcpy((void *)CACHED(CELL_PHYS + CELL_ENTRY), cell_image,
	       (unsigned long)(cell_image_end - cell_image));
	memset((void *)SHARED, 0, sizeof(*SHARED));
	bad_start += explained(hvcl(HC_CELL_START, CELL, 0)) != 0;
	if (!wait_for(&SHARED->turns, 3) || !wait_for(&SHARED->second_turns, 3)) {
		print("# %u and %u turns, state %d\n", SHARED->turns, SHARED->second_turns,
		      (unsigned)hvcl(HC_CELL_GET_STATE, CELL, 0));
		bad_count++;
	}
	if ((SHARED->found & wanted) != wanted) {
		print("# found %x, not %x\n", SHARED->found, wanted);
		bad_findings++;
	}
	bad_state += hvcl(HC_CELL_GET_STATE, CELL, 0) != COMM_RUNNING;
}

static void listen(void)
{
	if (hvcl(HC_CONSOLE_READ, CELL, PHYSICAL(&output)) || output.length != 14 || output.text[0] != 'a' ||
	    output.text[13] != '\n')
		bad_console++;
}

/* Of the bridge's interrupt controller root has all but the cell's pin, and the cell's registers stay. */
static void divided(void)
{
	store32(PIC_MASK, ~0u);
	store8(PIC_VECTOR + PIN_UART1, 9);
	store8(PIC_VECTOR + PIN_UART0, 9);
	bad_pins += load32(PIC_MASK) != (uint32_t) ~(1 << PIN_UART1) || load8(PIC_VECTOR + PIN_UART1) != 0 ||
		    load8(PIC_VECTOR + PIN_UART0) != 9 || load32(PIC) != 0x07000000;
}

/* @order makes the cell fail, of which there is a record. */
static void fail(enum cell_order order, uint64_t gpa)
{
	SHARED->order = order;
	bad_state += !wait_for_state(COMM_FAILED);
	if (hvcl(HC_CELL_FAULT, CELL, PHYSICAL(&fault)) || fault.reason != HV_FAULT_MEMORY ||
	    fault.gpa != gpa || fault.cpu != 0) {
		print("# fault %u of CPU %u at %lx, gpa %lx\n", fault.reason, fault.cpu, fault.pc, fault.gpa);
		bad_fault++;
	}
}

static void stays_stopped(void)
{
	uint32_t before;

	wait_ticks(MILLISECOND);
	before = SHARED->turns + SHARED->second_turns;
	wait_ticks(MILLISECOND);
	bad_stop += SHARED->turns + SHARED->second_turns != before;
}

static volatile unsigned met;

static void meet(unsigned core)
{
	if (csr_read(CSR_CPUID) == core && csr_read(CSR_SAVE0) == 0x7357 + core)
		__atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST);
}

static void mark(unsigned core)
{
	csr_write(CSR_SAVE0, 0x7357 + core);
}

static void round_trip(void)
{
	long result = explained(hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0));

	bad_create += result != 0;
	if (result)
		return;
	load_and_start(true);
	listen();
	divided();
	bad_rest += hvcl(HC_DISABLE, 0, 0) != -EBUSY;
	fail(ORDER_TOUCH_NOWHERE, NOWHERE);
	stays_stopped();
	load_and_start(false);
	bad_stop += explained(hvcl(HC_CELL_SHUTDOWN, CELL, 0)) != 0;
	stays_stopped();
	load_and_start(false);
	fail(ORDER_TOUCH_HYPERVISOR, HV_BASE);
	bad_destroy += explained(hvcl(HC_CELL_DESTROY, CELL, 0)) != 0;
	bad_rest += load64(CACHED(CELL_PHYS + CELL_SECRET)) != 0;
	met = 0;
	on_all(meet);
	store32(PIC_MASK, ~0u);
	bad_pins += load32(PIC_MASK) != ~0u;
	bad_root += met != cores;
}

static void enter(unsigned core)
{
	if (hv_enter(core))
		bad_root++;
}

static void leave(unsigned core)
{
	if (hvcl(HC_DISABLE, 0, 0))
		bad_root++;
}

/* As Linux does it, the first core of each node. */
static void node_setup(unsigned core)
{
	if (core % 4 == 0)
		extioi_setup(1);
}

void suite(void)
{
	cores_init();
	on_all(node_setup);
	describe();
	hv_load();
	on_all(mark);
	on_all(enter);
	for (unsigned i = 0; i < ROUNDS && !bad_create && !bad_root; i++)
		round_trip();
	if (!bad_root)
		on_all(leave);
	check_equal(bad_create, 0, "a cell is created of two of root's CPUs");
	check_equal(bad_load, 0, "it becomes loadable");
	check_equal(bad_start, 0, "it is started, again after a fault and after a shutdown");
	check_equal(bad_findings, 0, "it finds all that it was promised, and nothing of its predecessor");
	check_equal(bad_count, 0, "both of its CPUs run");
	check_equal(bad_state, 0, "its state is told");
	check_equal(bad_console, 0, "root reads what it has printed");
	check_equal(bad_fault, 0, "an access to what is not its own is recorded with its address");
	check_equal(bad_stop, 0, "once failed or shut down it does nothing any more");
	check_equal(bad_destroy, 0, "it is destroyed");
	check_equal(bad_rest, 0,
		    "the hypervisor is not left while there is a cell, and no secret is after it");
	check_equal(bad_pins, 0,
		    "the bridge's interrupt controller is divided by pins, and root's again thereafter");
	check_equal(bad_root, 0, "root has its CPUs back as they were, and goes back to the bare machine");
}
