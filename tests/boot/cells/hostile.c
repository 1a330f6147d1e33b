/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A cell that means harm.  What it does stands in order[], which is written into the image before it is
 * loaded: a word, and numbers, the last of which is a seed.  Nothing that it does may be noticed outside of
 * it.
 */
#include "cells/lib/cell.h"

#define CACHED	0x9000000000000000
#define PLV_MAX 3
#define PIE	4

enum {
	CSR_CRMD = 0x0,
	CSR_ECFG = 0x4,
	CSR_EENTRY = 0xc,
	CSR_TLBIDX = 0x10,
	CSR_TLBEHI = 0x11,
	CSR_TLBELO0 = 0x12,
	CSR_TLBELO1 = 0x13,
	CSR_PGDL = 0x19,
	CSR_PGDH = 0x1a,
	CSR_PWCL = 0x1c,
	CSR_PWCH = 0x1d,
	CSR_TCFG = 0x41,
	CSR_TICLR = 0x44,
	CSR_TLBRENTRY = 0x88,
	CSR_DMW0 = 0x180,
};
enum { ECODE_SYS = 0xb, ECODE_INE = 0xd, ECODE_IPE = 0xe };

#define csr_write(number, new) ((void)__builtin_loongarch_csrwr_d(new, number))

/* Instructions, with rd = a1, rj = a0, rk = a2. */
#define OPERANDS	   (4 << 5 | 5)
#define IOCSR(write, size) (0x06480000u | (write) << 12 | (size) << 10 | OPERANDS)
#define CSR(number, rj)	   (0x04000000u | (number) << 10 | (rj) << 5 | 5)
#define GCSR(number, rj)   (0x05000000u | (number) << 10 | (rj) << 5 | 5)
#define INVTLB(op)	   (0x06498000u | 6 << 10 | 4 << 5 | (op))
#define CACOP(code)	   (0x06000000u | 4 << 5 | (code))
#define HVCL(code)	   (0x002b8000u | (code))
#define LDDIR(level)	   (0x06400000u | (level) << 10 | OPERANDS)
#define LDPTE(odd)	   (0x06440000u | (odd) << 10 | 4 << 5)
#define IDLE		   0x06488000u
#define CPUCFG		   (0x00006c00u | OPERANDS)
#define SYSCALL		   0x002b0000u

unsigned attempt(uint64_t pc, uint64_t prmd, const uint64_t *arguments, uint64_t *results);
extern const char attempt_ended[];

char order[64] __attribute__((section(".data"))) = "order: none";

static uint64_t seed, attempts, exceptions, bad;
static uint32_t code[1 << 14] __attribute__((aligned(4096)));
static uint64_t table[1 << 13] __attribute__((aligned(1 << 14)));

void interrupt_handle(unsigned pending)
{
}

void secondary_main(unsigned cpu)
{
}

static uint64_t random_next(void)
{
	uint64_t x = seed += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* An address or number of which something might be expected, or any. */
static uint64_t random_value(void)
{
	static const uint64_t some[] = { 0,	     1,		 ~0ull,	     0x1000,	 0x200000,
					 0x3ffff8,   0x400000,	 0xf000000,  0x10000000, 0x80000000,
					 0x90000000, 0x1fe001e0, 0x7fffffff, 0x80000000, 1ull << 47,
					 1ull << 63, CACHED,	 0x2ff00000 };
	uint64_t value = random_next();

	switch (value & 3) {
	case 0:
		return some[(value >> 8) % (sizeof(some) / sizeof(some[0]))] + (value >> 3 & 8);
	case 1:
		return value >> (value >> 56);
	}
	return value;
}

/* One instruction at a privilege level; the exception that it leads to, SYS if to none. */
static unsigned one(uint32_t insn, unsigned plv, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t *result)
{
	uint64_t arguments[4] = { a0, a1, a2, 0 }, results[2];
	unsigned ecode;

	code[0] = insn;
	code[1] = SYSCALL;
	__asm__ volatile("dbar 0\n\tibar 0" : : : "memory");
	ecode = attempt((uint64_t)code, plv, arguments, results);
	attempts++;
	exceptions += ecode != ECODE_SYS;
	if (result)
		*result = results[0];
	return ecode;
}

static void expect(bool right, const char *what, uint64_t n, unsigned ecode)
{
	if (!right && bad++ < 10)
		print("hostile: %s 0x%lx leads to exception %u\n", what, n, ecode);
}

static void any_one(uint32_t insn)
{
	one(insn, 0, random_value(), random_value(), random_value(), 0);
	expect(one(insn, PLV_MAX, random_value(), random_value(), random_value(), 0) == ECODE_IPE,
	       "from user mode, instruction", insn, 0);
}

static void storm_iocsr(void)
{
	for (unsigned offset = 0; offset < 0x2000; offset++) {
		bool write = random_next() & 1;

		one(IOCSR(write, random_next() & 3), 0, offset, random_value(), 0, 0);
		one(IOCSR(!write, 2), 0, offset, random_next(), 0, 0);
	}
	for (unsigned i = 0; i < 200; i++)
		any_one(IOCSR(random_next() & 1, random_next() & 3));
	/* IPI_Send, Mail_Send, Any_Send (to the vectors' enables, states, routes) to all there might be. */
	for (unsigned cpu = 0; cpu < 1024; cpu = cpu < 70 ? cpu + 1 : 2 * cpu) {
		uint64_t to = 0x80000000 | cpu << 16, data = random_next() << 32;

		one(IOCSR(1, 2), 0, 0x1040, to | (random_next() & 31), 0, 0);
		one(IOCSR(1, 2), 0, 0x1040, to | 31, 0, 0);
		one(IOCSR(1, 3), 0, 0x1048, data | to | (random_next() & 0x1c), 0, 0);
		one(IOCSR(1, 3), 0, 0x1158, data | to | 0x1600 | (random_next() & 0x1c), 0, 0);
		one(IOCSR(1, 3), 0, 0x1158, data | to | (random_next() & 0xfffc), 0, 0);
	}
}

/* Every CSR is read, exchanged and written: but those by which this goes on, and fields without which it
 * cannot. */
static void storm_csr(void)
{
	for (unsigned n = 0; n < 0x4000; n++) {
		uint64_t value = random_value();

		one(CSR(n, 0), 0, 0, 0, 0, 0);
		if (n == CSR_EENTRY || n == CSR_TLBRENTRY || n == CSR_DMW0 || n == CSR_DMW0 + 1)
			continue;
		if (n == CSR_CRMD)
			value = (value & ~0x18ull) | 0x10;
		if (n == CSR_ECFG)
			value &= 0x1fff;
		one(CSR(n, 1), 0, 0, value, 0, 0);
		if (n != CSR_CRMD && n != CSR_ECFG)
			one(CSR(n, 4), 0, random_value() | 2, random_value(), 0, 0);
		if (n % 16 == 0)
			any_one(CSR(n, 0));
	}
	csr_write(CSR_TCFG, 0);
	csr_write(CSR_TICLR, 1);
}

/* The extension that the cell is confined by, as far as it might be there for it. */
static void storm_lvz(void)
{
	static const uint32_t plain[] = { 0x06482801, 0x06482c01, 0x06483001,
					  0x06483401, 0x06482001, 0x06482401 };

	for (unsigned n = 0; n < 0x4000; n += n < 0x600 ? 1 : 97) {
		unsigned ecode = one(GCSR(n, n % 3), 0, random_value(), random_value(), 0, 0);

		expect(ecode == ECODE_INE, "gcsr", n, ecode);
	}
	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		expect(one(plain[i], 0, 0, 0, 0, 0) == ECODE_INE, "gtlb", plain[i], 0);
	for (unsigned op = 0; op < 32; op++) {
		unsigned ecode = one(INVTLB(op), 0, random_value(), 0, random_value(), 0);

		expect(ecode == (op <= 6 ? ECODE_SYS : ECODE_INE), "invtlb", op, ecode);
	}
}

static void storm_others(void)
{
	static const uint32_t tlb[] = {
		0x06482800, 0x06482c00, 0x06483000, 0x06483400, 0x06482400, 0x06482000
	};

	csr_write(CSR_PWCL, 12 | 9 << 5 | 21 << 10 | 9 << 15);
	csr_write(CSR_PWCH, 30 | 9 << 6);
	for (unsigned i = 0; i < 64; i++) {
		csr_write(CSR_TLBEHI, random_value() & 0x7fffffff8000);
		csr_write(CSR_TLBELO0, random_value());
		csr_write(CSR_TLBELO1, random_value());
		csr_write(CSR_TLBIDX, (random_next() & 0xfff) | (random_next() % 40) << 24);
		any_one(tlb[i % 6]);
		one(CACOP(i & 31), 0, CACHED + (random_next() & 0x3fffff), 0, 0, 0);
		one(LDDIR(i & 7), 0, random_next() & 0x3ff000, 0, 0, 0);
		one(CPUCFG, i & 3, random_value(), 0, 0, 0);
		csr_write(CSR_TCFG, 100 | 1);
		csr_write(CSR_ECFG, 1 << 11);
		one(IDLE | (random_next() & 0x7fff), 0, 0, 0, 0, 0);
		csr_write(CSR_TICLR, 1);
	}
	expect(one(IDLE, PLV_MAX, 0, 0, 0, 0) == ECODE_IPE, "from user mode, instruction", IDLE, 0);
	one(INVTLB(0), 0, 0, 0, 0, 0);
}

static void storm_hypercalls(void)
{
	uint64_t result;

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t number = i < 512 ? i & 127 : random_value();
		unsigned ecode =
			one(HVCL(HYPERCALL_CODE), 0, number, random_value(), random_value(), &result);

		expect(ecode == ECODE_SYS, "hypercall", number, ecode);
		expect(number != HC_DISABLE || result == (uint64_t)-1, "disabling", result, 0);
		if (number == HC_HEARTBEAT)
			hypercall(HC_HEARTBEAT, 0, 0);
	}
	for (unsigned number = 0; number < 128; number++) {
		one(HVCL(HYPERCALL_CODE), PLV_MAX, number, random_value(), random_value(), &result);
		expect(result == (uint64_t)-1, "from user mode, hypercall", number, 0);
		one(HVCL(random_next() & 0x3fff), number & 1 ? PLV_MAX : 0, number, 0, 0, 0);
	}
	hypercall(HC_HEARTBEAT, 0, 0);
}

static void storm(uint64_t unused)
{
	storm_iocsr();
	storm_csr();
	storm_lvz();
	storm_others();
	storm_hypercalls();
	print("hostile: %lu attempts, %lu exceptions, %lu other than they should be; over\n", attempts,
	      exceptions, bad);
	for (;;)
		;
}

/* touch: the address, and how it is got at: bits 1:0 read, write, execute, bits 3:2 window, TLB, direct mode.
 */
static void touch(uint64_t address)
{
	unsigned how = (unsigned)seed, way = how & 3, mapping = how >> 2, n = 0;
	uint64_t at = CACHED | address, arguments[4] = { 0 }, results[2];

	if (mapping == 1) {
		at = 0x10000000 | (address & 0x3fff);
		csr_write(CSR_TLBEHI, at & ~0x7fffull);
		/* G, cached, D, V: the address's page, and the next one */
		csr_write(CSR_TLBELO0, (address & ~0x3fffull) | 0x53);
		csr_write(CSR_TLBELO1, ((address & ~0x3fffull) + 0x4000) | 0x53);
		csr_write(CSR_TLBIDX, 14 << 24);
		__asm__ volatile("invtlb 0, $zero, $zero\n\ttlbfill");
	}
	arguments[0] = at;
	if (mapping == 2) { /* CRMD := DA */
		code[n++] = CSR(CSR_CRMD, 1);
		arguments[0] = at = address;
		arguments[1] = 0x8;
	}
	code[n++] = way == 0 ? 0x28c00085 : 0x29c00085; /* ld.d or st.d a1, a0, 0 */
	code[n] = SYSCALL;
	__asm__ volatile("dbar 0\n\tibar 0" : : : "memory");
	print("hostile: touches 0x%lx by 0x%lx\n", address, at);
	attempt(way == 2 ? at : (uint64_t)code, 0, arguments, results);
	print("hostile: survived\n");
	for (;;)
		;
}

/* Tables that lead to themselves, to nowhere, to others' memory, of levels that are none; then addresses by
 * them. */
static void tables(uint64_t unused)
{
	extern const char tables_refill[];
	uint64_t arguments[4], results[2];

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		table[i] = i & 1 ? ((uint64_t)table & 0xffffffffffff) | (random_next() & 0x40)
				 : (random_next() & 0x3fffff) | (random_next() & 0x53);
	csr_write(CSR_TLBRENTRY, (uint64_t)tables_refill & 0xffffffffffff);
	for (unsigned i = 0; i < 2000; i++) {
		csr_write(CSR_PGDL, ((uint64_t)table & 0xffffffffffff) + (random_next() & 0x3000));
		csr_write(CSR_PGDH, random_value());
		csr_write(CSR_PWCL, random_next());
		csr_write(CSR_PWCH, random_next());
		csr_write(CSR_TCFG, 2000 | 1);
		csr_write(CSR_ECFG, 1 << 11);
		arguments[0] = random_next() & 0x7fffffffffff;
		code[0] = i & 1 ? 0x28c00085 : 0x29c00085;
		code[1] = SYSCALL;
		__asm__ volatile("dbar 0\n\tibar 0" : : : "memory");
		attempt((uint64_t)code, PIE, arguments, results);
		csr_write(CSR_TICLR, 1);
	}
	print("hostile: tables are over\n");
	for (;;)
		;
}

/* Whatever comes: half of it instructions that only kernels may execute. */
static uint32_t random_insn(void)
{
	static const uint32_t privileged[] = { 0x04000000, 0x06480000, 0x002b8000, 0x06498000, 0x06000000,
					       0x06483800, 0x06400000, 0x05000000, 0x06482000, 0x06488000 };
	uint32_t word = (uint32_t)random_next();

	switch (word >> 30) {
	case 0:
		return privileged[word % 10] | (uint32_t)random_next() >> (8 + word % 10);
	case 1:
		return HVCL(HYPERCALL_CODE);
	}
	return (uint32_t)random_next();
}

static void instructions(uint64_t rounds)
{
	uint64_t arguments[4], results[2];

	for (uint64_t round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 1024; i++)
			code[i] = random_insn();
		__asm__ volatile("dbar 0\n\tibar 0" : : : "memory");
		for (unsigned i = 0; i < 64; i++) {
			for (unsigned n = 0; n < 4; n++)
				arguments[n] = random_value();
			csr_write(CSR_TCFG, 5000 | 1);
			csr_write(CSR_ECFG, 1 << 11);
			attempt((uint64_t)&code[random_next() & 1023],
				PIE | (random_next() & 1 ? PLV_MAX : 0), arguments, results);
			csr_write(CSR_TICLR, 1);
		}
	}
	print("hostile: instructions are over\n");
	for (;;)
		;
}

/* The timer's and an IPI to itself in turn, as fast as they come. */
static void interrupts(uint64_t unused)
{
	uint64_t arguments[4] = { 0x1040, 0x80000001 }, results[2];

	code[0] = IOCSR(1, 2);
	code[1] = 0x50000000; /* b . */
	__asm__ volatile("ibar 0" : : : "memory");
	for (uint64_t n = 0;; n++) {
		if (!(n & 0x3ffff))
			print("hostile: %lu interrupts\n", n);
		csr_write(CSR_TCFG, n & 1 ? 4 | 3 : 0);
		csr_write(CSR_ECFG, 0x1fff);
		attempt((uint64_t)code, PIE, arguments, results);
		if (n & 0x100) /* none of them is cleared for a while */
			continue;
		csr_write(CSR_TICLR, 1);
		__builtin_loongarch_iocsrwr_w(0xffffffff, 0x100c);
	}
}

/* Leaves the guest as often as it can: calls, registers whose lock all cells share, IPIs to others. */
static void exits(uint64_t unused)
{
	for (uint64_t n = 0;; n++) {
		if (!(n & 0x3ffff))
			print("hostile: %lu rounds of exits\n", n);
		hypercall(HC_NOP, 0, 0);
		__builtin_loongarch_iocsrwr_w(0xffffffff, 0x1600);
		__builtin_loongarch_iocsrwr_w((uint32_t)n << 16 & 0x3ff0000, 0x1040);
		__builtin_loongarch_iocsrwr_w(0x80000001, 0x1040);
		(void)__builtin_loongarch_cpucfg(2);
	}
}

static void hang(uint64_t ms)
{
	csr_write(CSR_ECFG, 0);
	hypercall(HC_HEARTBEAT, ms, 0);
	for (;;)
		;
}

/* Secrets: leave them wherever a value can be, and find what another has left. */
void units_fill(uint64_t value);
uint64_t units_or(void);
#define RAM_WORDS 0x80000
#define OWN_BEGIN 0x40000 /* the image, and what it has after itself, to OWN_END */
#define OWN_END	  0x60000
#define EUEN_ALL  7

/* CSRs that keep what is written: EENTRY and what this is executed by apart. */
static const uint16_t keepers[] = { 0x30,  0x31,  0x32,	 0x33,	0x34,  0x35, 0x36,  0x37, 0x200, 0x201, 0x202,
				    0x203, 0x204, 0x205, 0x206, 0x207, 0xa0, 0xa1,  0xa2, 0xa3,	 0xa5,	0x6,
				    0x7,   0x8,	  0x11,	 0x12,	0x13,  0x19, 0x1a,  0x1c, 0x40,	 0x41,	0x43,
				    0x89,  0x8b,  0x8c,	 0x8d,	0x93,  0x95, 0x182, 0x183 };
#define KEEPERS (sizeof(keepers) / sizeof(keepers[0]))

static uint64_t csr_of(unsigned number)
{
	uint64_t arguments[4] = { 0 }, results[2];

	code[0] = CSR(number, 0);
	code[1] = SYSCALL;
	__asm__ volatile("dbar 0\n\tibar 0" : : : "memory");
	attempt((uint64_t)code, 0, arguments, results);
	return results[1];
}

static uint64_t iocsr_of(unsigned offset)
{
	return (uint64_t)__builtin_loongarch_iocsrrd_w(offset) & 0xffffffff;
}

static void leave(uint64_t unused)
{
	uint64_t secret = seed * 0x9e3779b97f4a7c15;
	volatile uint64_t *ram = (volatile uint64_t *)CACHED;

	for (unsigned i = 0; i < RAM_WORDS; i++)
		if (i < OWN_BEGIN || i >= OWN_END)
			ram[i] = secret;
	for (unsigned i = 0; i < KEEPERS; i++)
		one(CSR(keepers[i], 1), 0, 0, secret & ~1ull, 0, 0);
	for (unsigned offset = 0x1020; offset < 0x1040; offset += 8)
		one(IOCSR(1, 3), 0, offset, secret, 0, 0);
	for (unsigned offset = 0x1600; offset < 0x1620; offset += 4) {
		one(IOCSR(1, 2), 0, offset, ~0u, 0, 0);
		one(IOCSR(1, 2), 0, offset + 0x80, ~0u, 0, 0);
	}
	for (unsigned vector = 0; vector < 256; vector++)
		one(IOCSR(1, 2), 0, 0x1140, vector, 0, 0);
	one(IOCSR(1, 2), 0, 0x1008, ~0u, 0, 0);
	csr_write(CSR_TCFG, 1000000 | 3);
	csr_write(5, 3); /* ESTAT: software interrupts */
	print("hostile: %lx vectors pending, ESTAT %lx\n", iocsr_of(0x1800), csr_of(5) & 0x1fff);
	csr_write(2, EUEN_ALL);
	units_fill(secret);
	hypercall(HC_CONSOLE_PUTC, 'L', 0);
	for (;;)
		;
}

static void find(uint64_t unused)
{
	volatile uint64_t *ram = (volatile uint64_t *)CACHED;
	uint64_t secret = seed * 0x9e3779b97f4a7c15, value;
	unsigned found = 0, registers;

	csr_write(2, EUEN_ALL);
	value = units_or();
	found += value != 0;
	if (value)
		print("hostile: vector registers have %lx\n", value);
	value = csr_of(5) & 0x7fff;
	found += value != 0;
	if (value)
		print("hostile: interrupts %lx are pending\n", value);
	for (unsigned i = 0; i < KEEPERS; i++) {
		value = csr_of(keepers[i]);
		if (!value || (value != secret && keepers[i] >= 6 && keepers[i] <= 8))
			continue; /* what the last attempt has written */
		print("hostile: CSR %x has %lx\n", keepers[i], value);
		found++;
	}
	for (unsigned offset = 0x1000; offset < 0x1820; offset += 4) {
		bool route = offset == 0x14c0 || offset == 0x14c4 || offset == 0x1004;

		if (route || (offset >= 0x1040 && offset < 0x1600) || !(value = iocsr_of(offset)))
			continue;
		print("hostile: IOCSR %x has %lx\n", offset, value);
		found++;
	}
	registers = found;
	for (unsigned i = found = 0; i < RAM_WORDS; i++)
		if ((i < OWN_BEGIN || i >= OWN_END) && ram[i] == secret && found++ < 20)
			print("hostile: memory has a secret at %x\n", i * 8);
	print("hostile: %u secrets found in registers, %u in memory\n", registers, found);
	for (;;)
		;
}

static const struct {
	const char *word;
	void (*fn)(uint64_t argument);
} orders[] = { { "storm", storm },
	       { "touch", touch },
	       { "tables", tables },
	       { "instructions", instructions },
	       { "interrupts", interrupts },
	       { "exits", exits },
	       { "hang", hang },
	       { "leave", leave },
	       { "find", find } };

static const char *number_read(const char *text, uint64_t *number)
{
	*number = 0;
	while (*text == ' ')
		text++;
	for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++)
		*number = *number << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return text;
}

static const char *after_word(const char *text, const char *word)
{
	while (*word)
		if (*text++ != *word++)
			return 0;
	return text;
}

/* The order: a word and two numbers, of which the second is the seed. */
void cell_main(void)
{
	uint64_t argument;

	csr_write(CSR_EENTRY, (uint64_t)attempt_ended);
	csr_write(CSR_TLBRENTRY, (uint64_t)attempt_ended & 0xffffffffffff);
	csr_write(CSR_DMW0, 0x8000000000000009);
	csr_write(CSR_DMW0 + 1, 0x9000000000000019);
	print("hostile: %s\n", order);
	for (unsigned i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const char *rest = after_word(order, orders[i].word);

		if (!rest)
			continue;
		number_read(number_read(rest, &argument), &seed);
		orders[i].fn(argument);
	}
}
