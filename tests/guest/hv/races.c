/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Two of root's CPUs create, load, start, stop and destroy a cell at the same time, in any order, while its
 * two CPUs fault, end, interrupt each other and are restarted.  Whatever the results: nobody hangs, and in
 * the end the machine is root's again.
 */
#include "linux.h"
#include "../../../hypervisor/include/comm.h"
#include "cell.h"

#define CELL	    1
#define TAKEN	    0xc /* CPUs 2 and 3 */
#define MANAGERS    2	/* CPUs 0 and 1 */
#define OPERATIONS  300 /* of each */
#define VECTOR	    11
#define ENOENT	    2
#define EBUSY	    16
#define EEXIST	    17
#define PATIENCE    (12ul * SURE_TO_COME) /* one may begin when the other is through */
#define UART_INPUT  'x'
#define MILLISECOND 100000
#define ENTRY	    0x1000 /* of the program in the shared page: root may write there at any time */

static struct {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[2];
	struct config_irqchip chips[2];
} __attribute__((packed)) description __attribute__((aligned(4096)));

static void describe(void)
{
	const uint64_t all = CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE;
	struct config_cell *cell = &description.cell;

	cell_describe(cell, CELL, "racer", 2, 2);
	cell->flags = CONFIG_CELL_PASSIVE_COMMREG | CONFIG_CELL_FAULT_RESTART | CONFIG_CELL_FAULT_NOTIFY;
	cell->cpu_reset_address = CELL_SHARED + ENTRY;
	cell->console.address = CELL_UART;
	cell->console.size = 8;
	cell->console.type = CONFIG_CONSOLE_8250;
	cell->console.flags = CONFIG_CONSOLE_MMIO;
	description.cpus[0] = TAKEN;
	description.memory[0].phys_start = CELL_PHYS;
	description.memory[0].virt_start = CELL_RAM;
	description.memory[0].size = CELL_RAM_SIZE;
	description.memory[0].flags = all | CONFIG_MEM_LOADABLE;
	description.memory[1].phys_start = SHARED_PHYS;
	description.memory[1].virt_start = CELL_SHARED;
	description.memory[1].size = 0x4000;
	description.memory[1].flags = all | CONFIG_MEM_ROOTSHARED;
	description.chips[0].id = CONFIG_IRQCHIP_EXTIOI;
	description.chips[0].pin_bitmap[CELL_VECTOR / 32] = 1u << CELL_VECTOR % 32;
	description.chips[1].id = CONFIG_IRQCHIP_PCH_PIC;
	description.chips[1].address = PIC & 0xffffffff;
	description.chips[1].pin_bitmap[0] = 1 << PIN_UART1;
}

/*
 * The cell's program, on both CPUs, in direct mode: the first lets the second out of the pen; then each
 * counts in the shared page, sends to the other, prints, and does what its counter says.  t0 shared page, t1
 * number, t2 UART, t3 counter.
 */
SNIPPET(racer, "li.w $t0, 0x1000000\n"
	       "li.w $t2, 0x1fe00000\n"
	       "csrrd $t1, 0x20\n"
	       "bnez $t1, 1f\n"
	       "li.d $t4, 0x0100100000010000\n" /* MAIL_SEND: entry to mailbox 0 of CPU 1 */
	       "li.w $t5, 0x1048\n"
	       "iocsrwr.d $t4, $t5\n"
	       "1: rdtime.d $t3, $zero\n"
	       "bstrpick.d $t3, $t3, 15, 3\n"
	       "2: addi.d $t3, $t3, 1\n"
	       "slli.d $t6, $t1, 3\n"
	       "add.d $t6, $t6, $t0\n"
	       "ld.d $t7, $t6, 8\n"
	       "addi.d $t7, $t7, 1\n"
	       "st.d $t7, $t6, 8\n"
	       "xori $t4, $t1, 1\n" /* IPI_SEND to the other */
	       "slli.d $t4, $t4, 16\n"
	       "li.w $t5, 0x1040\n"
	       "iocsrwr.w $t4, $t5\n"
	       "li.w $t5, 0x100c\n"
	       "li.w $t4, -1\n"
	       "iocsrwr.w $t4, $t5\n"
	       "li.w $t5, 0x1c00\n" /* its vector's route */
	       "iocsrwr.b $t3, $t5\n"
	       "li.w $t4, 0x41\n"
	       "st.b $t4, $t2, 0\n"
	       "andi $t4, $t3, 0x3ff\n"
	       "li.w $t5, 0x100\n"
	       "beq $t4, $t5, 3f\n"
	       "li.w $t5, 0x200\n"
	       "beq $t4, $t5, 4f\n"
	       "li.w $t5, 0x300\n"
	       "bne $t4, $t5, 2b\n"
	       "li.w $t4, 1\n" /* the end, every other time */
	       "andi $t5, $t3, 0x400\n"
	       "beqz $t5, 2b\n"
	       "st.w $t4, $t2, 8\n"
	       "b 2b\n"
	       "3: li.w $t4, 0x40000000\n" /* nowhere */
	       "ld.d $t4, $t4, 0\n"
	       "b 2b\n"
	       "4: idle 0\n" /* until the other sends */
	       "b 2b\n");

static struct hv_stats stats[MANAGERS];
static struct hv_fault fault[MANAGERS];
static struct hv_console console[MANAGERS];
static volatile unsigned entered, met, strange, left;
static unsigned succeeded[8];

static bool expected(long result)
{
	return result == 0 || result == -ENOENT || result == -EEXIST;
}

static long operate(unsigned core, unsigned what)
{
	switch (what) {
	case 0:
	case 1:
		return hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0);
	case 2:
	case 3:
		return hvcl(HC_CELL_START, CELL, 0);
	case 4:
		return hvcl(HC_CELL_SHUTDOWN, CELL, 0);
	case 5:
		return hvcl(HC_CELL_SET_LOADABLE, CELL, 0);
	case 6:
		return hvcl(HC_CELL_DESTROY, CELL, 0);
	default:
		hvcl(HC_CPU_STATS, 2 + core, PHYSICAL(&stats[core]));
		hvcl(HC_CELL_FAULT, CELL, PHYSICAL(&fault[core]));
		hvcl(HC_CONSOLE_WRITE, CELL, UART_INPUT);
		iocsr_write32(EXTIOI_ENABLE, ~0u);
		iocsr_write8(EXTIOI_ROUTE + VECTOR, 1u << core);
		ipi_send(core ^ 1, 3);
		store32(PIC_MASK, ~0u);
		return hvcl(HC_CONSOLE_READ, CELL, PHYSICAL(&console[core]));
	}
}

static void manage(unsigned core)
{
	uint64_t random = rdtime() * 2862933555777941757ul + core;

	if (core >= MANAGERS)
		return;
	for (unsigned i = 0; i < OPERATIONS; i++) {
		unsigned what;
		long result;

		random = random * 6364136223846793005ul + 1442695040888963407ul;
		what = random >> 40 & 7;
		while ((result = operate(core, what)) == -EBUSY)
			;
		if (!expected(result))
			__atomic_add_fetch(&strange, 1, __ATOMIC_SEQ_CST);
		else if (!result)
			__atomic_add_fetch(&succeeded[what], 1, __ATOMIC_SEQ_CST);
		wait_ticks(random >> 50 & 7 ? random >> 45 & 0xffff : 20 * MILLISECOND);
	}
	iocsr_write32(IPI_CLEAR, ~0u);
}

static void enter(unsigned core)
{
	if (!hv_enter(core))
		__atomic_add_fetch(&entered, 1, __ATOMIC_SEQ_CST);
}

static void meet(unsigned core)
{
	if (csr_read(CSR_CPUID) == core)
		__atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST);
}

static void leave(unsigned core)
{
	if (!hvcl(HC_DISABLE, 0, 0))
		__atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
}

static volatile bool second_done;

/* Of core 1 alone: cores 2 and 3 are in the cell, or in the middle of nothing. */
static void second(unsigned core)
{
	if (core != 1)
		return;
	manage(core);
	second_done = true;
}

void suite(void)
{
	uint64_t begin;

	cores_init();
	if (cores < 4) {
		check(true, "there are too few cores to try");
		return;
	}
	extioi_setup(1);
	describe();
	hv_load();
	on_all(enter);
	check_equal(entered, cores, "the hypervisor takes all cores over");
	memcpy((void *)CACHED(SHARED_PHYS + ENTRY), racer, 512);
	on_others(second);
	manage(0);
	begin = rdtime();
	while (!second_done && rdtime() - begin < PATIENCE)
		;
	check(second_done, "two of root's CPUs manage a cell at the same time, and come to an end");
	print("# the cell's CPUs went round %u and %u times, the cell failed %u times\n",
	      (unsigned)load64(CACHED(SHARED_PHYS + 8)), (unsigned)load64(CACHED(SHARED_PHYS + 16)),
	      (unsigned)fault[0].count);
	check_equal(strange, 0, "all answers are such as are to be expected");
	print("# created %u, started %u, shut down %u, loadable %u, destroyed %u\n",
	      succeeded[0] + succeeded[1], succeeded[2] + succeeded[3], succeeded[4], succeeded[5],
	      succeeded[6]);
	hvcl(HC_CELL_DESTROY, CELL, 0);
	check_equal(hvcl(HC_CELL_GET_STATE, CELL, 0), -ENOENT, "the cell can be destroyed");
	on_all(meet);
	check_equal(met, cores, "its CPUs are root's again");
	on_all(leave);
	check_equal(left, cores, "the hypervisor is left");
}
