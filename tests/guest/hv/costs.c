/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Exits that are to be quick, of root and of a cell that shares this program's memory: which registers they
 * leave alone, whichever the instruction names, and, where time is counted in instructions, what they cost.
 */
#include "linux.h"
#include "../../../hypervisor/include/comm.h"

#define SLOTS	      100
#define TICK	      10 /* instructions */
#define NOP	      0x03400000
#define LI_A0	      0x03800004 /* ori $a0, $zero, 0 */
#define HVCL	      0x002bca48
#define HYPERCALL_MAX 96  /* a fifth of KVM's */
#define ACCESS_MAX    150 /* of an access to IOCSR */
#define KEPT_MAX      6	  /* more, of a write with both operands in registers that functions keep */
#define CELL	      1
#define CELL_CPU      1
#define ENOSYS	      38
#define MILLISECOND   100000
#define IS_TI	      (1 << 11)
#define A0	      4

extern uint32_t execute_slots[SLOTS];
extern const char cell_start[];
void execute(const uint64_t *before, uint64_t *after);
void cell_main(void);

static uint64_t before[32], after[32];

static void slots_fill(uint32_t insn, unsigned n)
{
	for (unsigned i = 0; i < SLOTS; i++)
		execute_slots[i] = i < n ? insn : NOP;
	__asm__ volatile("dbar 0\n\tibar 0" ::: "memory");
}

static void registers_fill(void)
{
	for (unsigned i = 1; i < 32; i++)
		before[i] = 0x0123456789abcd00 * i + i;
}

/* Of the registers after, those that are not as before; bit n: register n. */
static uint32_t changed(void)
{
	uint32_t result = 0;

	for (unsigned i = 1; i < 32; i++)
		result |= (uint32_t)(before[i] != after[i]) << i;
	return result;
}

/* iocsr{rd,wr}.{b,h,w,d}, numbered 0 to 7 in this order. */
enum form { RD_B, RD_H, RD_W, RD_D, WR_B, WR_H, WR_W, WR_D };

static uint32_t iocsr_insn(enum form form, unsigned rd, unsigned rj)
{
	return 0x06480000 | form << 10 | rj << 5 | rd;
}

#define VALUE(rd) (0xfedcba9876543210 ^ (rd))

static void any_register(unsigned rd, unsigned rj, unsigned *bad)
{
	registers_fill();
	before[rj] |= 0xffffffff;
	before[rj] &= 0xabcd000000000000 | MAILBOX(1); /* the upper half does not count */
	if (rd != rj && rd)
		before[rd] = VALUE(rd);
	slots_fill(iocsr_insn(WR_D, rd, rj), 1);
	execute(before, after);
	*bad += changed() != 0 || iocsr_read64(MAILBOX(1)) != (rd ? before[rd] : 0);

	iocsr_write64(MAILBOX(1), VALUE(rj));
	slots_fill(iocsr_insn(RD_D, rd, rj), 1);
	execute(before, after);
	*bad += (changed() & ~(1u << rd)) != 0 || (rd && after[rd] != VALUE(rj));
	slots_fill(iocsr_insn(RD_W, rd, rj), 1);
	execute(before, after);
	*bad += (changed() & ~(1u << rd)) != 0 || (rd && after[rd] != (uint64_t)(int32_t)VALUE(rj));
}

static unsigned bad_operands(void)
{
	unsigned bad = 0;

	for (unsigned rd = 0; rd < 32; rd++)
		for (unsigned rj = 1; rj < 32; rj++)
			any_register(rd, rj, &bad);
	return bad;
}

static unsigned bad_sizes(void)
{
	const uint64_t value = 0x8182838485868788;
	unsigned bad = 0;

	iocsr_write64(MAILBOX(2), value);
	for (unsigned i = 0; i < 8; i++)
		bad += iocsr_read8(MAILBOX(2) + i) != (value >> 8 * i & 0xff);
	for (unsigned i = 0; i < 8; i += 2)
		bad += iocsr_read16(MAILBOX(2) + i) != (value >> 8 * i & 0xffff);
	iocsr_write8(MAILBOX(2) + 3, 0x12);
	iocsr_write16(MAILBOX(2) + 6, 0x3456);
	return bad + (iocsr_read64(MAILBOX(2)) != 0x3456838412868788);
}

/* Hypercalls change a0, those that are done on the way and those that are not. */
static unsigned bad_calls(void)
{
	static const struct {
		uint64_t number;
		long result;
	} calls[] = {
		{ HC_NOP, 0 }, { 12345, -ENOSYS }, { 9, -ENOSYS }, { ~0ull, -ENOSYS }, { HC_GET_INFO, 2 }
	};
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		registers_fill();
		before[A0] = calls[i].number;
		before[A0 + 1] = HC_INFO_CELLS;
		slots_fill(HVCL, 1);
		execute(before, after);
		bad += (changed() & ~(1u << A0)) != 0 || (long)after[A0] != calls[i].result;
	}
	return bad;
}

/* Instructions of one @insn, each with @other behind it, beyond what the latter takes. */
static unsigned cost(uint32_t insn, uint32_t other)
{
	uint64_t least[2] = { ~0ull, ~0ull };

	for (unsigned kind = 0; kind < 2; kind++) {
		for (unsigned i = 0; i < SLOTS; i += 2) {
			execute_slots[i] = kind ? insn : NOP;
			execute_slots[i + 1] = other;
		}
		__asm__ volatile("dbar 0\n\tibar 0" ::: "memory");
		for (unsigned i = 0; i < 10; i++) {
			uint64_t start = rdtime(), ticks;

			execute(before, after);
			ticks = rdtime() - start;
			least[kind] = ticks < least[kind] ? ticks : least[kind];
		}
	}
	return (unsigned)((least[1] - least[0]) * TICK / (SLOTS / 2) + 1);
}

/* What a mask of Any_Send leaves is the first byte. */
#define ANY(offset, data, mask) ((uint64_t)(data) << 32 | (mask) << 27 | (offset))

static const struct {
	const char *name;
	enum form form;
	uint32_t offset;
	uint64_t value;
	unsigned max;
} accesses[] = {
	{ "IPI status", RD_W, IPI_STATUS, 0, ACCESS_MAX },
	{ "IPI status and enable", RD_D, IPI_STATUS, 0, ACCESS_MAX },
	{ "IPI enable", RD_W, IPI_ENABLE, 0, ACCESS_MAX },
	{ "mailbox, half", RD_W, MAILBOX(0) + 4, 0, ACCESS_MAX },
	{ "mailbox", RD_D, MAILBOX(3), 0, ACCESS_MAX },
	{ "pending vectors, 8", RD_B, EXTIOI_CORE_ISR + 1, 0, ACCESS_MAX },
	{ "pending vectors, 32", RD_W, EXTIOI_CORE_ISR + 4, 0, ACCESS_MAX },
	{ "pending vectors, 64", RD_D, EXTIOI_CORE_ISR, 0, ACCESS_MAX },
	{ "vectors' enable, 32", RD_W, EXTIOI_ENABLE, 0, ACCESS_MAX },
	{ "vectors' enable, 64", RD_D, EXTIOI_ENABLE + 8, 0, ACCESS_MAX },
	{ "vectors' bounce, 32", RD_W, EXTIOI_BOUNCE, 0, ACCESS_MAX },
	{ "vectors' state, 32", RD_W, EXTIOI_ISR, 0, ACCESS_MAX },
	{ "route, 8", RD_B, EXTIOI_ROUTE + 3, 0, ACCESS_MAX },
	{ "routes, 32", RD_W, EXTIOI_ROUTE, 0, ACCESS_MAX },
	{ "routes, 64", RD_D, EXTIOI_ROUTE + 16, 0, ACCESS_MAX },
	{ "lines, 32", RD_W, EXTIOI_IPMAP, 0, ACCESS_MAX },
	{ "nodes, 32", RD_W, EXTIOI_NODE_TYPE, 0, ACCESS_MAX },
	{ "chip's name", RD_D, 0x20, 0, ACCESS_MAX },
	{ "chip's configuration", RD_D, CHIP_MISC, 0, ACCESS_MAX },
	{ "chip's version", RD_W, 0, 0, ACCESS_MAX },
	{ "what is not there", RD_W, 0x1fffc, 0, ACCESS_MAX },
	{ "IPI enable", WR_W, IPI_ENABLE, 0xffffffff, ACCESS_MAX },
	{ "IPI set", WR_W, IPI_SET, 0x10, ACCESS_MAX },
	{ "IPI clear", WR_W, IPI_CLEAR, 0xffffffff, ACCESS_MAX },
	{ "IPI send", WR_W, IPI_SEND, 1u << 31 | 4, ACCESS_MAX },
	{ "IPI clear, 64", WR_W, IPI_CLEAR, 0xffffffff, ACCESS_MAX },
	{ "IPI send to nobody", WR_W, IPI_SEND, 1u << 31 | 0x3ff << 16, ACCESS_MAX },
	{ "mailbox, half", WR_W, MAILBOX(0) + 4, 1, ACCESS_MAX },
	{ "mailbox", WR_D, MAILBOX(0), 1, ACCESS_MAX },
	{ "mail send", WR_D, MAIL_SEND, 5ull << 32 | 1u << 31 | 4, ACCESS_MAX },
	{ "mail send, masked", WR_D, MAIL_SEND, 5ull << 32 | 1u << 31 | 5 << 27 | 4, 165 },
	{ "vectors' enable, 8", WR_B, EXTIOI_ENABLE + 1, 0xff, ACCESS_MAX },
	{ "vectors' enable, 32", WR_W, EXTIOI_ENABLE, 0xffffffff, ACCESS_MAX },
	{ "vectors' enable, 64", WR_D, EXTIOI_ENABLE, ~0ull, ACCESS_MAX },
	{ "vectors' enable, others'", WR_D, EXTIOI_ENABLE + 24, ~0ull, ACCESS_MAX },
	{ "vectors' bounce, 32", WR_W, EXTIOI_BOUNCE, 0, ACCESS_MAX },
	{ "vectors' state, 32", WR_W, EXTIOI_ISR, 0, ACCESS_MAX },
	{ "route, 8", WR_B, EXTIOI_ROUTE + 3, 1, 151 },
	{ "routes, 32", WR_W, EXTIOI_ROUTE, 0x01010101, ACCESS_MAX },
	{ "routes, 32, others'", WR_W, EXTIOI_ROUTE + 128, 0x01010101, ACCESS_MAX },
	{ "route to nobody", WR_B, EXTIOI_ROUTE, 0xf1, 202 },
	{ "lines, 32", WR_W, EXTIOI_IPMAP, 0x02020202, 212 },
	{ "nodes, 32", WR_W, EXTIOI_NODE_TYPE, 0x00020001, ACCESS_MAX },
	{ "a vector", WR_W, EXTIOI_SEND, 5, ACCESS_MAX },
	{ "a foreign vector", WR_W, EXTIOI_SEND, 200, ACCESS_MAX },
	{ "pending vectors, 8", WR_B, EXTIOI_CORE_ISR, 0xff, ACCESS_MAX },
	{ "pending vectors, 32", WR_W, EXTIOI_CORE_ISR, 0xffffffff, ACCESS_MAX },
	{ "pending vectors, 64", WR_D, EXTIOI_CORE_ISR, ~0ull, ACCESS_MAX },
	{ "any send of enable", WR_D, ANY_SEND, ANY(EXTIOI_ENABLE, 0xffffffff, 0), 175 },
	{ "any send of a route", WR_D, ANY_SEND, ANY(EXTIOI_ROUTE, 1, 14), 225 },
	{ "any send elsewhere", WR_D, ANY_SEND, ANY(0x20, 1, 0), ACCESS_MAX },
	{ "what is not there", WR_W, 0x1fffc, 0, 225 },
};

#define ACCESSES (sizeof(accesses) / sizeof(accesses[0]))

/* With registers that functions may change, and with those that they keep. */
static unsigned access_cost(unsigned i, unsigned rd, unsigned rj)
{
	registers_fill();
	before[rd] = accesses[i].value;
	before[rj] = accesses[i].offset;
	return cost(iocsr_insn(accesses[i].form, rd, rj), NOP);
}

static unsigned call_cost(void)
{
	registers_fill();
	before[A0] = HC_NOP;
	return cost(HVCL, LI_A0 | HC_NOP << 10);
}

static struct {
	unsigned operands, sizes, calls, call_cost, access_cost[ACCESSES][2];
	volatile bool done;
} results[2]; /* of root, of the cell */

static void find_out(unsigned who)
{
	results[who].operands = bad_operands();
	results[who].sizes = bad_sizes();
	results[who].calls = bad_calls();
	if (deterministic) {
		results[who].call_cost = call_cost();
		for (unsigned i = 0; i < ACCESSES; i++) {
			results[who].access_cost[i][0] = access_cost(i, 12, 13);
			results[who].access_cost[i][1] = access_cost(i, 23, 24);
		}
	}
	__atomic_store_n(&results[who].done, true, __ATOMIC_SEQ_CST);
}

void cell_main(void)
{
	find_out(1);
	for (;;)
		__asm__ volatile("idle 0");
}

/* Root's own memory, but where the hypervisor and the descriptions are. */
static struct {
	struct config_cell cell;
	uint8_t cpus[8];
	struct config_memory memory[1];
	struct config_irqchip chips[1];
} __attribute__((packed)) description __attribute__((aligned(4096)));

static void describe(void)
{
	struct config_cell *cell = &description.cell;

	cell_describe(cell, CELL, "cell", 1, 1);
	cell->flags = CONFIG_CELL_PASSIVE_COMMREG;
	cell->cpu_reset_address = PHYSICAL(cell_start);
	description.cpus[0] = 1 << CELL_CPU;
	description.memory[0] = (struct config_memory){
		0, 0, HV_BASE, CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE | CONFIG_MEM_ROOTSHARED
	};
	description.chips[0] = (struct config_irqchip){ .id = CONFIG_IRQCHIP_EXTIOI };
	description.chips[0].pin_bitmap[1] = 0xffff; /* 32 to 47, 0 to 15 to the cell */
}

static unsigned over(unsigned who)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < ACCESSES; i++) {
		const unsigned *took = results[who].access_cost[i];
		unsigned max = accesses[i].max;

		print("# %s %s %s: %d, %d\n", who ? "cell," : "root,",
		      accesses[i].form < WR_B ? "reads" : "writes", accesses[i].name, took[0], took[1]);
		bad += took[0] > max || took[1] > max + (accesses[i].form < WR_B ? 0 : KEPT_MAX);
	}
	print("# %s hypercall: %d\n", who ? "cell," : "root,", results[who].call_cost);
	return bad;
}

static void judge(unsigned who)
{
	check_equal(results[who].operands, 0,
		    "IOCSR: any register may be read from and read into, others stay");
	check_equal(results[who].sizes, 0, "IOCSR: bytes, halves and words");
	check_equal(results[who].calls, 0, "hypercalls change a0 alone");
	if (!deterministic)
		return;
	check(results[who].call_cost <= HYPERCALL_MAX, "a hypercall takes a fifth of KVM's");
	check_equal(over(who), 0,
		    "accesses to IOCSR take at most 150 instructions, rare ones as many as said");
}

/* Asleep, so that root takes no time from the cell where there is but one for all. */
static void wait_for_cell(void)
{
	uint64_t start = rdtime();

	csr_write(CSR_ECFG, IS_TI);
	while (!results[1].done && rdtime() - start < SURE_TO_COME) {
		csr_write(CSR_TCFG, 10 * MILLISECOND | 1);
		__asm__ volatile("idle 0");
		csr_write(CSR_TICLR, 1);
	}
	csr_write(CSR_ECFG, 0);
}

static volatile unsigned bad_root;

static void enter(unsigned core)
{
	if (hv_enter(core))
		__atomic_add_fetch(&bad_root, 1, __ATOMIC_SEQ_CST);
}

void suite(void)
{
	cores_init();
	extioi_setup(1);
	describe();
	hv_load();
	on_all(enter);
	check_equal(bad_root, 0, "the hypervisor takes all cores over");
	if (bad_root)
		return;
	check_equal(hvcl(HC_CELL_CREATE, PHYSICAL(&description), 0), 0, "a cell is created");
	find_out(0);
	judge(0);
	check_equal(hvcl(HC_CELL_START, CELL, 0), 0, "and started");
	wait_for_cell();
	check(results[1].done, "it comes to its end");
	judge(1);
}
