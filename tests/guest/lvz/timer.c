/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The guest's timer and counter, in the guest and while root runs. */
#include "lvz.h"

#define SHOT	 4000000 /* 40 ms: longer than the host may keep us waiting between two instructions */
#define LONG	 (100ull * SHOT)
#define PERIOD	 100000
#define TI	 (1u << 11)
#define EN	 1
#define PERIODIC 2
#define CRMD_IE	 4
#define ALL_ONES 0xffffffffffff /* TVAL of a one-shot timer that has fired, or counts on from it */
#define IDLE_0	 0x06488000

static bool guest_ti(void)
{
	return gcsr_read(CSR_ESTAT) & TI;
}

static bool root_ti(void)
{
	return csr_read(CSR_ESTAT) & TI;
}

static void guest_timer_off(void)
{
	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_TICLR, 1);
}

/* Waits in root for the guest's TI. */
static void wait_guest_ti(void)
{
	uint64_t start = rdtime();

	while (!guest_ti() && rdtime() - start < LONG)
		;
}

static void wait_root_ti(void)
{
	uint64_t start = rdtime();

	while (!root_ti() && rdtime() - start < LONG)
		;
}

/* TVAL says that the one-shot timer has fired: more than it began with. */
static bool fired(void)
{
	return gcsr_read(CSR_TVAL) > (gcsr_read(CSR_TCFG) | 3);
}

/* The guest came to its end, and nothing else brought it out. */
static bool no_other_exit(void)
{
	return vm_exit.count == 1 && exited_by_hvcl(0);
}

/* Functions of the guest's. */

static uint64_t arm(uint64_t tcfg, uint64_t a1)
{
	csr_write(CSR_TCFG, tcfg);
	return csr_read(CSR_TVAL);
}

static uint64_t arm_and_wait(uint64_t tcfg, uint64_t a1)
{
	uint64_t start = rdtime();

	csr_write(CSR_TCFG, tcfg);
	while (!(csr_read(CSR_ESTAT) & TI) && rdtime() - start < LONG)
		;
	return rdtime() - start;
}

/* Until an interrupt that root has enabled beforehand. */
static uint64_t arm_and_spin(uint64_t tcfg, uint64_t a1)
{
	uint64_t start = rdtime();

	csr_write(CSR_TCFG, tcfg);
	csr_change(CSR_CRMD, CRMD_IE, CRMD_IE);
	while (!guest_trap.count && rdtime() - start < LONG)
		;
	return rdtime() - start;
}

/* @turns interrupts of a periodic timer; the handler leaves IE clear each time. */
static uint64_t tick(uint64_t tcfg, uint64_t turns)
{
	uint64_t start = rdtime();

	csr_write(CSR_TCFG, tcfg);
	for (uint64_t n = 1; n <= turns; n++) {
		csr_change(CSR_CRMD, CRMD_IE, CRMD_IE);
		while (guest_trap.count < n && rdtime() - start < LONG)
			;
		csr_write(CSR_TICLR, 1);
	}
	return rdtime() - start;
}

static uint64_t time_now(uint64_t a0, uint64_t a1)
{
	return rdtime();
}

/* How often in @turns expiries TVAL was above TCFG, as after an expiry, and TI still 0. */
static uint64_t watch_expiries(uint64_t tcfg, uint64_t turns)
{
	uint64_t bad = 0;

	while (turns--) {
		uint64_t value, estat;

		csr_write(CSR_TICLR, 1);
		csr_write(CSR_TCFG, tcfg);
		do {
			value = csr_read(CSR_TVAL);
			estat = csr_read(CSR_ESTAT);
			bad += value > tcfg && !(estat & TI);
		} while (!(estat & TI));
	}
	return bad;
}

GUEST(do_clear, "ori $t0, $zero, 1\n\tcsrwr $t0, 0x44\n\tcsrrd $a0, 0x5\n\tcsrrd $a1, 0x44");
GUEST(do_nothing, "nop\n\tnop");
GUEST(do_sleep, "csrwr $a0, 0x41\n\t.globl sleeping\nsleeping: idle 0");
extern const char sleeping[];
GUEST(do_id, "rdtime.d $zero, $a0\n\trdtimel.w $zero, $a1\n\trdtimeh.w $zero, $a2");
GUEST(do_halves, "rdtimel.w $a0, $zero\n\trdtimeh.w $a1, $zero\n\trdtime.d $a2, $zero");

static void one_shot(void)
{
	uint64_t ticks;

	guest_reset();
	vm_exit.count = 0;
	ticks = guest_run(arm_and_wait, SHOT | EN, 0);
	check(ticks >= SHOT && ticks < LONG, "gtimer_oneshot: the guest's timer fires after its time");
	check(no_other_exit(), "gtimer_oneshot: without an exit");
	check(guest_ti(), "gtimer_oneshot: TI is in the guest's ESTAT");
	check(!root_ti(), "gtimer_oneshot: not in root's");
	check(fired(), "gtimer_oneshot: TVAL is above TCFG");
	check_equal(gcsr_read(CSR_TCFG), SHOT | EN,
		    "gtimer_oneshot: TCFG is as written, En included (inferred)");
	gcsr_write(CSR_TICLR, 1);
	wait_ticks(10000);
	check(!guest_ti(), "gtimer_oneshot: it fires once");
	gcsr_write(CSR_TCFG, 400 | EN);
	wait_ticks(10000);
	gcsr_write(CSR_TICLR, 1);
	check(!guest_ti(), "gtimer_oneshot: TICLR ends it even if nobody has looked");

	guest_reset();
	gcsr_write(CSR_ECFG, TI);
	csr_write(CSR_ECFG, TI);
	vm_exit.count = 0;
	ticks = guest_run(arm_and_spin, SHOT | EN, 0);
	csr_write(CSR_ECFG, 0);
	check(guest_trapped(EXC_INT) && ticks >= SHOT, "gtimer_oneshot: the guest is interrupted");
	check_equal(guest_trap.estat, TI, "gtimer_oneshot: by TI, with Ecode 0");
	check(no_other_exit(), "gtimer_oneshot: without an exit even if root enables its own timer");
	check_equal(guest_run(do_clear, 0, 0), 0, "gtimer_oneshot: TICLR in the guest clears TI");
	check_equal(guest.gpr[5], 0, "gtimer_oneshot: TICLR reads 0");
	guest_timer_off();
}

static void periodic(void)
{
	uint64_t ticks, value;

	guest_reset();
	gcsr_write(CSR_ECFG, TI);
	vm_exit.count = 0;
	ticks = guest_run(tick, PERIOD | PERIODIC | EN, 10);
	value = gcsr_read(CSR_TVAL);
	check_equal(guest_trap.count, 10, "gtimer_periodic: the guest is interrupted again and again");
	check(ticks >= 10 * PERIOD, "gtimer_periodic: each time after its period");
	check(value <= PERIOD, "gtimer_periodic: TVAL starts again at the period");
	check(no_other_exit(), "gtimer_periodic: there is no exit");
	gcsr_write(CSR_TICLR, 1);
	for (unsigned n = 0; n < 3; n++) {
		wait_guest_ti();
		gcsr_write(CSR_TICLR, n < 2);
	}
	check(guest_ti(), "gtimer_periodic: it goes on while root runs");
	guest_timer_off();
}

static void in_root(void)
{
	uint64_t start = rdtime(), value;

	guest_reset();
	value = guest_run(arm, SHOT | EN, 0);
	check(value <= SHOT, "gtimer_runs_in_root: TVAL begins at TCFG's value");
	check(!guest_ti(), "gtimer_runs_in_root: TI is 0 at first");
	wait_guest_ti();
	check(guest_ti(), "gtimer_runs_in_root: TI appears in the guest's ESTAT while root runs");
	check(rdtime() - start >= SHOT, "gtimer_runs_in_root: after the guest's time");
	check(!root_ti(), "gtimer_runs_in_root: root's TI stays 0");
	gcsr_write(CSR_ECFG, TI);
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	guest_run(do_nothing, 0, 0);
	check(guest_trapped(EXC_INT) && guest_trap.era == PHYSICAL(do_nothing),
	      "gtimer_runs_in_root: the guest takes it as soon as it runs");
	guest_timer_off();
}

static void tval_written(void)
{
	uint64_t start, value;

	guest_reset();
	gcsr_write(CSR_TCFG, LONG | EN);
	start = rdtime();
	gcsr_write(CSR_TVAL, SHOT);
	value = gcsr_read(CSR_TVAL);
	check(value <= SHOT && !guest_ti(), "gtimer_tval_write: TVAL counts on from what gcsrwr gives it");
	gcsr_write(CSR_TVAL, 1000);
	wait_guest_ti();
	check(guest_ti() && rdtime() - start >= 1000,
	      "gtimer_tval_write: written 1000, it fires after 1000 ticks");
	check(rdtime() - start < LONG, "gtimer_tval_write: not after TCFG's time");
	check(fired(), "gtimer_tval_write: TVAL is above TCFG");

	guest_timer_off();
	gcsr_write(CSR_TCFG, SHOT | EN);
	gcsr_write(CSR_TVAL, 0);
	wait_ticks(3);
	check(guest_ti(), "gtimer_tval_zero: a TVAL of 0 fires at once, in root");
	check(fired(), "gtimer_tval_zero: TVAL is above TCFG");
	check(gcsr_read(CSR_TVAL) > ALL_ONES / 2, "gtimer_tval_zero: it is 2^48 - 1, or counts down from it");
	gcsr_write(CSR_TICLR, 1);
	check(fired(), "gtimer_tval_zero: TICLR does not change that");
	wait_ticks(10000);
	check(!guest_ti() && fired(), "gtimer_tval_zero: TI stays 0 from then on");
	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_TCFG, SHOT | EN);
	gcsr_write(CSR_TVAL, 0xfffffffffffc);
	check(fired() && !guest_ti(), "gtimer_tval_zero: a TVAL of 2^48 - 4 is far from firing");
	gcsr_write(CSR_TCFG, PERIOD | PERIODIC | EN);
	gcsr_write(CSR_TVAL, 0);
	wait_ticks(3);
	check(guest_ti() && gcsr_read(CSR_TVAL) <= PERIOD,
	      "gtimer_tval_zero: a periodic one fires and starts again at its period");
	guest_timer_off();
}

static void disabled(void)
{
	uint64_t value;

	guest_reset();
	guest_run(arm, LONG | EN, 0);
	gcsr_write(CSR_TCFG, 0);
	value = gcsr_read(CSR_TVAL);
	check(value > LONG / 2 && value < LONG, "gtimer_disable: with TCFG = 0 TVAL is where it was");
	wait_ticks(10000);
	check_equal(gcsr_read(CSR_TVAL), value, "gtimer_disable: and stands still");
	gcsr_write(CSR_TCFG, LONG | EN);
	gcsr_write(CSR_TCFG, LONG | PERIODIC);
	value = gcsr_read(CSR_TVAL);
	wait_ticks(10000);
	check_equal(gcsr_read(CSR_TVAL), value, "gtimer_disable: En = 0 is enough for that");
	gcsr_write(CSR_TCFG, 0);
	check(!guest_ti(), "gtimer_disable: nothing fires");

	gcsr_write(CSR_TVAL, 12344);
	check_equal(gcsr_read(CSR_TVAL), 12344, "gtimer_off_zero: with TCFG = 0 gcsrwr only stores TVAL");
	gcsr_write(CSR_TVAL, 0);
	wait_ticks(10000);
	check_equal(gcsr_read(CSR_TVAL), 0, "gtimer_off_zero: a 0 is stored");
	check(!guest_ti(), "gtimer_off_zero: and TI stays 0");
	guest_run(do_nothing, 0, 0);
	check(!guest_ti(), "gtimer_off_zero: an entry does not change that");

	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_ESTAT, TI);
	gcsr_write(CSR_TCFG, SHOT | EN);
	check(guest_ti(), "tcfg_keeps_ti: writing TCFG leaves a TI that gcsrwr has set");
	gcsr_write(CSR_TCFG, 0);
	check(guest_ti(), "tcfg_keeps_ti: so does switching the timer off");
	gcsr_write(CSR_ESTAT, 0);
	gcsr_write(CSR_TCFG, SHOT | EN);
	check(!guest_ti(), "tcfg_keeps_ti: a TI of 0 stays 0");
	wait_guest_ti();
	check(guest_ti(), "tcfg_keeps_ti: until the timer fires");
	guest_timer_off();
}

static void beside_root(void)
{
	guest_reset();
	csr_write(CSR_TICLR, 1);
	guest_run(arm, PERIOD | EN, 0);
	csr_write(CSR_TCFG, SHOT | EN);
	wait_guest_ti();
	check(guest_ti(), "gtimer_vs_root: the guest's timer fires");
	wait_root_ti();
	check(root_ti(), "gtimer_vs_root: and root's");
	csr_write(CSR_TICLR, 1);
	check(!root_ti() && guest_ti(), "gtimer_vs_root: root's TICLR clears root's TI alone");
	csr_write(CSR_TCFG, 400 | EN);
	wait_root_ti();
	gcsr_write(CSR_TICLR, 1);
	check(root_ti() && !guest_ti(), "gtimer_vs_root: gcsrwr of TICLR clears the guest's alone");
	guest_run(arm_and_wait, 400 | EN, 0);
	guest_run(do_clear, 0, 0);
	check(root_ti() && !guest_ti(), "gtimer_vs_root: so does the guest's csrwr");
	csr_write(CSR_TCFG, LONG | EN);
	gcsr_write(CSR_TCFG, 0);
	check(csr_read(CSR_TVAL) > LONG / 2,
	      "gtimer_vs_root: stopping the guest's timer does not stop root's");
	gcsr_write(CSR_TCFG, LONG / 2 | EN);
	csr_write(CSR_TCFG, 0);
	check(gcsr_read(CSR_TVAL) > LONG / 4, "gtimer_vs_root: nor root's the guest's");
	csr_write(CSR_TICLR, 1);
	guest_timer_off();
}

static unsigned root_ticks;

static bool root_tick(unsigned code)
{
	csr_write(CSR_TICLR, 1);
	root_ticks++;
	return code == EXC_INT && vm_exit.estat & TI;
}

/* Exits among interrupts, and none of either is lost. */
static void both_periodic(void)
{
	uint64_t start = rdtime();

	guest_reset();
	root_ticks = 0;
	gcsr_write(CSR_ECFG, TI);
	csr_write(CSR_ECFG, TI);
	csr_write(CSR_TCFG, PERIOD | PERIODIC | EN);
	exit_hook = root_tick;
	guest_run(tick, PERIOD * 7 / 10 | PERIODIC | EN, 100);
	exit_hook = 0;
	csr_write(CSR_TCFG, 0);
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_TICLR, 1);
	guest_timer_off();
	check(guest_ended(), "gtimer_vs_root: with both periodic the guest comes to its end");
	check_equal(guest_trap.count, 100, "gtimer_vs_root: it is interrupted a hundred times");
	check(root_ticks >= 20 && root_ticks <= (rdtime() - start) / PERIOD,
	      "gtimer_vs_root: root's timer ends it once a period at most");
}

/* The guest's counter less root's is @offset: between root's before and after the guest's. */
static bool offset_is(uint64_t offset)
{
	uint64_t before = rdtime(), now = guest_run(time_now, 0, 0) - offset, after = rdtime();

	return before <= now && now <= after;
}

static void counter(void)
{
	guest_reset();
	check(offset_is(0), "gcntc: with GCNTC and CNTC 0 the guest's counter is root's");
	csr_write(CSR_GCNTC, 0x123456789abc);
	check(offset_is(0x123456789abc), "gcntc: GCNTC is added to the guest's counter");
	gcsr_write(CSR_CNTC, 1ull << 50);
	check(offset_is(0x123456789abc + (1ull << 50)), "gcntc: so is the guest's own CNTC");
	csr_write(CSR_GCNTC, -(1ull << 50) - 0x10000);
	check(offset_is(-0x10000ull), "gcntc: modulo 2^64");
	csr_write(CSR_GCNTC, 0x5000000000);
	gcsr_write(CSR_CNTC, 0);
	csr_write(CSR_CNTC, 0x777700000000);
	check(offset_is(0x5000000000), "gcntc: root's CNTC is part of it, too (inferred)");
	guest_run(do_halves, 0, 0);
	check(guest.gpr[5] == (uint64_t)(int64_t)(int32_t)(guest.gpr[6] >> 32) &&
		      (uint32_t)(guest.gpr[6] - guest.gpr[4]) < LONG,
	      "gcntc: rdtimel.w and rdtimeh.w give the halves of the guest's counter");
	csr_write(CSR_CNTC, 0);
	csr_write(CSR_GCNTC, 1ull << 60);
	check(guest_run(arm_and_wait, 4000 | EN, 0) >= 4000 && guest_ti(),
	      "gcntc: the guest's timer does not depend on the offset");
	guest_timer_off();
	csr_write(CSR_GCNTC, 0);

	csr_write(CSR_TID, 0x1111);
	gcsr_write(CSR_TID, 0x5678);
	guest_run(do_id, 0, 0);
	check_equal(guest.gpr[4], 0x5678, "rdtime_tid: rdtime.d gives the guest's TID");
	check_equal(guest.gpr[5], 0x5678, "rdtime_tid: so does rdtimel.w");
	check_equal(guest.gpr[6], 0x5678, "rdtime_tid: and rdtimeh.w");
	csr_write(CSR_TID, 0);
}

static void forbidden(void)
{
	static const uint32_t words[] = { 0x00006804, 0x00006004, 0x00006404 }; /* rdtime.d, l.w, h.w a0 */
	unsigned good = 0;

	guest_reset();
	gcsr_write(CSR_MISC, 1 << 7);
	for (unsigned n = 0; n < 3; n++) {
		gcsr_write(CSR_CRMD, CRMD_DA | 3);
		guest_trap_clear();
		vm_exit.count = 0;
		guest_execute(words[n]);
		good += guest_trapped(EXC_IPE) && no_other_exit();
	}
	check_equal(good, 3, "rdtime_drdtl: with the guest's DRDTL3 rdtime at PLV3 is the guest's IPE");
	guest_trap_clear();
	gcsr_write(CSR_MISC, 1 << 6);
	guest_execute(words[0]);
	check_equal(guest_trap.count, 0, "rdtime_drdtl: DRDTL2 does not forbid it at PLV3");
	csr_write(CSR_MISC, 1 << 7);
	gcsr_write(CSR_MISC, 0);
	guest_execute(words[0]);
	csr_write(CSR_MISC, 0);
	check(guest_trap.count == 0 && exited_by_hvcl(0), "rdtime_drdtl: nor does root's DRDTL3");
}

static void idling(void)
{
	uint64_t start = rdtime();

	guest_reset();
	guest.pc = PHYSICAL(do_sleep);
	guest.gpr[4] = SHOT | EN;
	check_equal(guest_enter(), EXC_GSPR,
		    "gtimer_idle_root: idle with the guest's timer armed is an exit");
	check_equal(vm_exit.era, PHYSICAL(sleeping), "gtimer_idle_root: ERA is at the idle");
	check_equal(vm_exit.badi & 0xffffffff, IDLE_0, "gtimer_idle_root: BADI is the instruction");
	check(!guest_ti(), "gtimer_idle_root: TI is still 0");
	wait_guest_ti();
	check(guest_ti(), "gtimer_idle_root: root sees TI without entering the guest again");
	check(rdtime() - start >= SHOT && rdtime() - start < LONG, "gtimer_idle_root: at the deadline");
	gcsr_write(CSR_ECFG, TI);
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	guest.pc += 4;
	check_equal(guest_enter(), EXC_HVC, "gtimer_idle_root: entered behind the idle, the guest goes on");
	check(guest_trapped(EXC_INT) && guest_trap.era == PHYSICAL(sleeping) + 4,
	      "gtimer_idle_root: with its interrupt");
	guest_timer_off();
}

static void atomic(void)
{
	uint64_t bad = 0;

	guest_reset();
	for (unsigned turn = 0; turn < 1000; turn++) {
		uint64_t value, estat;

		guest_timer_off();
		gcsr_write(CSR_TCFG, 1000 | EN);
		do {
			value = gcsr_read(CSR_TVAL);
			estat = gcsr_read(CSR_ESTAT);
			bad += value > (1000 | EN) && !(estat & TI);
		} while (!(estat & TI));
	}
	check_equal(bad, 0, "gtimer_atomic: root never reads a TVAL above TCFG before TI");
	check_equal(guest_run(watch_expiries, 1000 | EN, 1000), 0, "gtimer_atomic: nor does the guest");
	guest_timer_off();
}

static void tests(void)
{
	lvz_setup();
	one_shot();
	periodic();
	in_root();
	tval_written();
	disabled();
	beside_root();
	both_periodic();
	counter();
	forbidden();
	idling();
	atomic();
}

void suite(void)
{
	tests();
	lvz_both();
}

void secondary_main(unsigned core)
{
	lvz_second(tests);
}
