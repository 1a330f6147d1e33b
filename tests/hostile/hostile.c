/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A guest that means harm.  "do=NAME seed=N" on the command line chooses what it does; what comes to an end
 * leaves through the exit device with code 7.
 */
#include <stdbool.h>
#include <stdint.h>

#define UNCACHED(pa) (0x8000000000000000ull | (pa))
#define CACHED(pa)   (0x9000000000000000ull | (pa))

#define EXIT_DEVICE 0x100e2000
#define GED_POWER   0x100e001c
#define UART0	    0x1fe001e0
#define ECAM	    0x20000000
#define BARS	    0x40000000 /* where we put those of the PCI functions, 1 MiB each */
#define RAM_END	    0x10000000

#define CSR_CRMD      0x0
#define CSR_ECFG      0x4
#define CSR_EENTRY    0xc
#define CSR_TLBIDX    0x10
#define CSR_TLBEHI    0x11
#define CSR_TLBELO0   0x12
#define CSR_TLBELO1   0x13
#define CSR_GTLBC     0x15
#define CSR_TCFG      0x41
#define CSR_TICLR     0x44
#define CSR_GSTAT     0x50
#define CSR_TLBRENTRY 0x88
#define CSR_MERRENTRY 0x93
#define CSR_DMW0      0x180

#define IOCSR_IPI_SEND	0x1040
#define IOCSR_MAIL_SEND 0x1048

#define csr_write(n, value) ((void)__builtin_loongarch_csrwr_d(value, n))

void hostile_main(uint64_t command_line, uint64_t core);
void hostile_secondary(uint64_t command_line, uint64_t core);
void hostile_enter(uint64_t pc);
void secondary_start(void);
void *memset(void *to, int value, unsigned long size);
void *memcpy(void *to, const void *from, unsigned long size);

static uint64_t seed, rounds = 20000;
static volatile bool secondaries_go;

void *memset(void *to, int value, unsigned long size)
{
	for (volatile uint8_t *p = to; size; size--)
		*p++ = (uint8_t)value;
	return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
	const uint8_t *q = from;

	for (volatile uint8_t *p = to; size; size--)
		*p++ = *q++;
	return to;
}

static uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void print(const char *text)
{
	for (; *text; text++)
		*(volatile uint8_t *)UNCACHED(UART0) = (uint8_t)*text;
}

static void __attribute__((noreturn)) leave(void)
{
	print("@@ hostile end\r\n");
	for (;;)
		*(volatile uint32_t *)UNCACHED(EXIT_DEVICE) = 7 << 1 | 1;
}

static void __attribute__((noreturn)) sleep_forever(void)
{
	for (;;)
		__asm__ volatile("idle 0");
}

static void access_at(uint64_t address, unsigned size, bool write, uint64_t value)
{
	uint64_t got;

	switch (size | (unsigned)write << 4) {
	case 1:
		__asm__ volatile("ld.b %0, %1, 0" : "=r"(got) : "r"(address) : "memory");
		break;
	case 2:
		__asm__ volatile("ld.h %0, %1, 0" : "=r"(got) : "r"(address) : "memory");
		break;
	case 4:
		__asm__ volatile("ld.w %0, %1, 0" : "=r"(got) : "r"(address) : "memory");
		break;
	case 8:
		__asm__ volatile("ld.d %0, %1, 0" : "=r"(got) : "r"(address) : "memory");
		break;
	case 0x11:
		__asm__ volatile("st.b %0, %1, 0" ::"r"(value), "r"(address) : "memory");
		break;
	case 0x12:
		__asm__ volatile("st.h %0, %1, 0" ::"r"(value), "r"(address) : "memory");
		break;
	case 0x14:
		__asm__ volatile("st.w %0, %1, 0" ::"r"(value), "r"(address) : "memory");
		break;
	default:
		__asm__ volatile("st.d %0, %1, 0" ::"r"(value), "r"(address) : "memory");
		break;
	}
}

static uint64_t config_address(unsigned function, unsigned offset)
{
	return UNCACHED(ECAM) | (uint64_t)function << 12 | offset;
}

/* BARs of the first devices in the window, one megabyte a device, everything enabled. */
static void map_pci(void)
{
	for (unsigned device = 0; device < 8; device++) {
		uint64_t base = BARS + ((uint64_t)device << 20);

		for (unsigned bar = 0; bar < 6; bar++)
			access_at(config_address(device << 3, 0x10 + 4 * bar), 4, true,
				  base + ((uint64_t)bar << 16));
		access_at(config_address(device << 3, 4), 2, true, 7);
	}
}

/* Everything with registers. */
static const struct {
	uint64_t base, size;
} regions[] = {
	{ 0x10000000, 0x400 },	  /* PCH-PIC */
	{ 0x10010000, 0x10000 },  /* bridge configuration */
	{ 0x100d0000, 0x1000 },	  /* RTC */
	{ 0x100e0000, 0x10 },	  /* GED, but for its power and reset */
	{ 0x100e0020, 0xe0 },	  /* what is behind them */
	{ 0x18004000, 0xc000 },	  /* PCI I/O window */
	{ 0x1fe001e0, 8 },	  /* UART0 */
	{ 0x1fe002e0, 0x300 },	  /* UART1-3 and between */
	{ 0x2fe00000, 0x100000 }, /* AVEC */
	{ 0x2ff00000, 8 },	  /* PCH-MSI */
	{ ECAM, 0x40000 },	  /* functions of bus 0 */
	{ ECAM, 0x8000000 },	  /* all buses */
	{ BARS, 0x800000 },	  /* what map_pci() mapped */
	{ BARS, 0x40000000 },	  /* all of the memory window */
	{ 0x1fe00000, 0x4000 },	  /* where the chip has its configuration registers */
	{ 0, 0xffffffffffff },	  /* anywhere */
};

#define REGIONS (sizeof(regions) / sizeof(regions[0]))

/* This program, and what would end it: the exit device, power and reset. */
static bool is_spared(uint64_t pa)
{
	return (pa >= 0x1000000 && pa < 0x1200000) || (pa >= EXIT_DEVICE - 8 && pa < EXIT_DEVICE + 8) ||
	       (pa >= GED_POWER - 8 && pa < GED_POWER + 4);
}

static void iocsr_random(uint64_t *state)
{
	uint64_t bits = random_next(state), value = random_next(state) >> (bits >> 48 & 63);
	uint32_t offset = (uint32_t)(bits >> 8) & (bits & 0x80 ? 0xffff : 0x1fff);

	switch (bits & 7) {
	case 0:
		__asm__ volatile("iocsrrd.b $t0, %0" ::"r"(offset) : "$t0");
		break;
	case 1:
		__asm__ volatile("iocsrrd.w $t0, %0" ::"r"(offset) : "$t0");
		break;
	case 2:
		__asm__ volatile("iocsrrd.d $t0, %0" ::"r"(offset) : "$t0");
		break;
	case 3:
		__builtin_loongarch_iocsrwr_b((uint8_t)value, offset);
		break;
	case 4:
		__builtin_loongarch_iocsrwr_h((uint16_t)value, offset);
		break;
	case 5:
	case 6:
		__builtin_loongarch_iocsrwr_w((uint32_t)value, offset);
		break;
	default:
		__builtin_loongarch_iocsrwr_d(value, offset);
	}
}

/* Registers of all devices at random, any size and alignment. */
static void program_devices(uint64_t state)
{
	for (uint64_t n = 0; n < rounds; n++) {
		uint64_t bits = random_next(&state), value = random_next(&state) >> (bits >> 56 & 63);
		unsigned region = (bits & 0xff) % REGIONS;
		uint64_t pa = regions[region].base + random_next(&state) % regions[region].size;

		if (bits >> 16 & 1)
			iocsr_random(&state);
		if (bits >> 17 & 7)
			pa &= ~7ull | (bits >> 24 & 7);
		if (!is_spared(pa))
			access_at(UNCACHED(pa), 1u << (bits >> 20 & 3), bits >> 22 & 1, value);
	}
}

/* An address for a queue or a buffer: in RAM, at its edges, in devices, nowhere. */
static uint64_t queue_address(uint64_t *state)
{
	uint64_t bits = random_next(state), any = random_next(state);

	switch (bits & 7) {
	case 0 ... 3:
		return 0x2000000 + (any & 0xffff0);
	case 4:
		return RAM_END - (any & 0xfff0);
	case 5:
		return 0x1fe00000 + (any & 0xfff);
	case 6:
		return -(any & 0xfff);
	default:
		return any;
	}
}

static const uint32_t lengths[] = { 0, 1, 16, 512, 4096, 0x10000, 0x10000000, 0xffffffff };

/* Memory full of descriptors, rings and request headers: chains that loop, end nowhere, lie anywhere. */
static void fill_queue_memory(uint64_t *state)
{
	for (uint64_t at = 0x2000000; at < 0x2010000; at += 16) {
		uint64_t bits = random_next(state);
		volatile uint64_t *d = (volatile uint64_t *)CACHED(at);

		d[0] = bits & 1 ? 0x2000000 + (bits >> 8 & 0xfff0) : queue_address(state);
		d[1] = lengths[bits >> 1 & 7] | (bits >> 4 & 7) << 32 | (bits >> 24 & 15) << 48;
		if (bits >> 40 & 1)
			d[0] = bits >> 41 & 15; /* a request of some type, or ring entries */
	}
}

static void virtio_queues(uint64_t state)
{
	map_pci();
	for (uint64_t n = 0; n < rounds / 20; n++) {
		uint64_t bits = random_next(&state);
		uint64_t common = UNCACHED(BARS) + ((bits & 3) << 20) + (4u << 16);

		if (bits >> 8 & 1)
			fill_queue_memory(&state);
		access_at(common + 0x14, 1, true, 0);
		access_at(common + 0x14, 1, true, 3);
		for (uint64_t half = 0; half < 2; half++) {
			access_at(common + 0x08, 4, true, half);
			access_at(common + 0x0c, 4, true, half ? 1 : random_next(&state) & 0x30006264);
		}
		access_at(common + 0x14, 1, true, 11);
		for (uint64_t queue = 0; queue < 2; queue++) {
			access_at(common + 0x16, 2, true, queue);
			access_at(common + 0x18, 2, true, 1u << (random_next(&state) & 15));
			access_at(common + 0x20, 8, true, queue_address(&state));
			access_at(common + 0x28, 8, true, queue_address(&state));
			access_at(common + 0x30, 8, true, queue_address(&state));
			access_at(common + 0x1c, 2, true, 1);
		}
		access_at(common + 0x14, 1, true, 15);
		for (uint64_t kick = 0; kick < 8; kick++) {
			access_at(common + 0x3000 + (kick & 1) * 4, 2, true, kick & 1);
			access_at(CACHED(0x2000000) + (random_next(&state) & 0xfff0) + 2, 2, true,
				  random_next(&state) & 0xf);
		}
		if (bits >> 9 & 1)
			access_at(config_address((bits & 3) << 3, 4), 2, true, bits >> 16 & 7);
		else
			access_at(config_address((bits & 3) << 3, 4), 2, true, 7);
	}
}

/* Each of these does not come back. */

static void jump(uint64_t address)
{
	__asm__ volatile("jirl $zero, %0, 0" ::"r"(address));
}

static void jump_nowhere(uint64_t state)
{
	csr_write(CSR_EENTRY, 0xdead0000000 + (random_next(&state) & 0xfff000));
	csr_write(CSR_TLBRENTRY, 0xdeadbeef000);
	csr_write(CSR_MERRENTRY, 0xdeadbeef000);
	jump(random_next(&state) & (random_next(&state) & 1 ? ~3ull : ~0ull));
}

static void double_fault(uint64_t state)
{
	/* A refill handler that lies in a page without a translation, and one that faults itself. */
	csr_write(CSR_TLBRENTRY, state & 1 ? 0x7ffff000 : RAM_END - 4096);
	csr_write(CSR_EENTRY, state & 2 ? 0x7ffff000 : RAM_END - 4096);
	for (unsigned i = 0; i < 1024; i++)
		((volatile uint32_t *)CACHED(RAM_END - 4096))[i] = 0x28c00000 | (state & 0x1f)
											<< 5; /* ld.d */
	csr_write(CSR_DMW0, 0);
	access_at(0x1234567000, 8, false, 0);
}

/* Instruction fetch from registers. */
static void execute_devices(uint64_t state)
{
	jump(UNCACHED(regions[random_next(&state) % REGIONS].base + (random_next(&state) & 0xffc)));
}

static void overwrite_itself(uint64_t state)
{
	for (uint64_t pa = 0x1000000; pa < 0x1100000; pa += 8)
		*(volatile uint64_t *)CACHED(pa) = random_next(&state);
	for (;;)
		__asm__ volatile("ibar 0");
}

/* Hostile TLB entries and CSRs of every number, by an instruction made for each. */
static void write_csrs(uint64_t state)
{
	static uint32_t code[2] __attribute__((aligned(16)));

	for (uint64_t n = 0; n < rounds / 4; n++) {
		uint64_t bits = random_next(&state), value = random_next(&state) >> (bits >> 48 & 63);
		register uint64_t a0 __asm__("$a0") = value;

		if (bits & 1) {
			csr_write(CSR_TLBEHI, value);
			csr_write(CSR_TLBELO0, random_next(&state));
			csr_write(CSR_TLBELO1, random_next(&state));
			csr_write(CSR_TLBIDX, bits >> 1 & 0x3f000fff);
			__asm__ volatile("tlbwr");
			access_at(value + (bits >> 32), 8, bits >> 2 & 1, value);
			continue;
		}
		code[0] = 0x04000024 | (uint32_t)(bits >> 8 & 0x3fff) << 10; /* csrwr $a0, number */
		code[1] = 0x4c000020;					     /* ret */
		__asm__ volatile("ibar 0\n\tjirl $ra, %1, 0" : "+r"(a0) : "r"(code) : "$ra", "memory");
	}
}

/* What guests and their root say to the processor, with the bits that may be anything. */
static const struct {
	uint32_t word, any;
} guest_insns[] = {
	{ 0x04000000, 0x03ffffff }, /* CSRs, of all numbers */
	{ 0x04000020, 0x0000ffdf }, /* writing the first ones */
	{ 0x06000000, 0x003fffff }, /* cacop */
	{ 0x06400000, 0x00007fff }, /* lddir, ldpte, iocsr, tlb*, ertn, idle and what lies between */
	{ 0x06480000, 0x00017fff }, { 0x06440000, 0x0000ffff }, { 0x06498000, 0x00007fff }, /* invtlb */
	{ 0x20000000, 0x0fffffff },				/* ll, sc, ldptr, stptr, ld, st */
	{ 0x28000000, 0x03ffffff }, { 0x2c000000, 0x00ffffff }, /* vld, vst, xvld, xvst */
	{ 0x38000000, 0x007fffff },				/* ldx, stx, am* */
	{ 0x002a0000, 0x0001ffff },				/* break, syscall */
	{ 0x002b8000, 0x00007fff },				/* hvcl */
	{ 0x4c000000, 0x03fffffc },				/* jumps */
};

static uint32_t guest_insn(uint64_t *state)
{
	uint64_t bits = random_next(state);
	unsigned n = bits % (sizeof(guest_insns) / sizeof(guest_insns[0]));

	return guest_insns[n].word | (guest_insns[n].any & (uint32_t)(bits >> 32));
}

/* What root says only: gcsr* and gtlb*. */
static uint32_t root_insn(uint64_t *state)
{
	uint64_t bits = random_next(state);

	/* No operand but $a0, as the C around it needs the others. */
	if (bits & 3)
		return 0x05000024 | (uint32_t)(bits >> 8 & (bits & 4 ? 0x3fff : 0x1ff)) << 10;
	return 0x06482001 + 0x400 * ((bits >> 8) % 6);
}

/* Entries of stage 2 for guest 1: of this program itself, or of anything. */
static void map_guest(uint64_t *state)
{
	uint64_t bits = random_next(state);

	csr_write(CSR_GTLBC, 0x1000 | (bits & 7 ? 1 : bits >> 8 & 0xff) << 16);
	csr_write(CSR_TLBEHI, bits & 8 ? 0x1000000 : bits >> 16 & 0xfffe000);
	csr_write(CSR_TLBELO0, bits & 8 ? 0x1000003 : random_next(state));
	csr_write(CSR_TLBELO1, bits & 8 ? 0x1100003 : random_next(state));
	csr_write(CSR_TLBIDX, (bits & 8 ? 20 : 12 + (bits >> 40) % 18) << 24 | (2048 + (bits >> 48 & 63)));
	__asm__ volatile("tlbwr");
	csr_write(CSR_GTLBC, 0x1000 | 1 << 16 | (bits >> 56 ? 0 : 0x2000));
}

/* A few thousand short lives in guest mode. */
static void guests(uint64_t state)
{
	static uint32_t code[16] __attribute__((aligned(64)));

	for (uint64_t n = 0; n < rounds / 4; n++) {
		register uint64_t a0 __asm__("$a0") = random_next(&state) >> (random_next(&state) & 63);

		code[0] = root_insn(&state);
		code[1] = 0x4c000020; /* ret */
		__asm__ volatile("ibar 0\n\tjirl $ra, %1, 0" : "+r"(a0) : "r"(code) : "$ra", "memory");
		map_guest(&state);
		if (random_next(&state) & 3)
			continue;
		for (unsigned i = 0; i < 16; i++)
			code[i] = guest_insn(&state);
		csr_write(CSR_GSTAT, random_next(&state) & 15 ? 1 << 16 : random_next(&state) & 0xff0000);
		csr_write(CSR_ECFG, 0x800);
		csr_write(CSR_TCFG, 4096 | 1); /* 41 us */
		hostile_enter(random_next(&state) & 7 ? (uint64_t)code & 0xffffffff : random_next(&state));
		csr_write(CSR_TICLR, 1);
		csr_write(CSR_ECFG, 0);
	}
}

static void start_cores(void)
{
	for (uint64_t core = 1; core < 4; core++) {
		uint64_t entry = (uint64_t)secondary_start & 0xffffffffffff;

		__builtin_loongarch_iocsrwr_d(entry >> 32 << 32 | 1u << 31 | core << 16 | 1 << 2,
					      IOCSR_MAIL_SEND);
		__builtin_loongarch_iocsrwr_d(entry << 32 | 1u << 31 | core << 16, IOCSR_MAIL_SEND);
		__builtin_loongarch_iocsrwr_w((uint32_t)(1u << 31 | core << 16), IOCSR_IPI_SEND);
	}
}

void hostile_secondary(uint64_t command_line, uint64_t core)
{
	while (!secondaries_go)
		;
	program_devices(seed + core * 77);
	sleep_forever();
}

static void all_cores(uint64_t state)
{
	map_pci();
	start_cores();
	secondaries_go = true;
	program_devices(state);
}

static void devices(uint64_t state)
{
	map_pci();
	program_devices(state);
}

static void idle(uint64_t state)
{
	sleep_forever();
}

static const struct {
	const char *name;
	void (*fn)(uint64_t state);
} acts[] = {
	{ "nowhere", jump_nowhere },
	{ "double", double_fault },
	{ "execute", execute_devices },
	{ "devices", devices },
	{ "cores", all_cores },
	{ "queues", virtio_queues },
	{ "csrs", write_csrs },
	{ "guests", guests },
	{ "overwrite", overwrite_itself },
	{ "idle", idle },
};

/* The word after "@key=" in the command line, NULL if it is not there. */
static const char *option(const char *line, const char *key)
{
	for (; *line; line++) {
		unsigned n = 0;

		while (key[n] && line[n] == key[n])
			n++;
		if (!key[n])
			return line + n;
	}
	return 0;
}

static bool word_is(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return !*word && (!*text || *text == ' ');
}

static uint64_t number(const char *text)
{
	uint64_t value = 0;

	for (; text && *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

void hostile_main(uint64_t command_line, uint64_t core)
{
	const char *line = (const char *)CACHED(command_line), *name = option(line, "do=");

	seed = number(option(line, "seed="));
	if (option(line, "rounds="))
		rounds = number(option(line, "rounds="));
	print("@@ hostile begin\r\n");
	for (unsigned i = 0; name && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (word_is(name, acts[i].name))
			acts[i].fn(seed);
	leave();
}
