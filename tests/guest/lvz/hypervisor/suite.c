/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Boots the hypervisor of hypervisor.c on up to two cores, with two guests of two processors each, and checks
 * what the guests report and what the hypervisor has counted.  Processor n of each guest belongs to core n,
 * so that every core serves both guests; with one core that one serves all four processors.
 */
#include "hypervisor.h"

#define PATIENCE (120 * CLOCK_HZ)
#define REPORTS	 36 /* of a guest: 23 by processor 0, 13 by processor 1 */

extern const char kernel_image[], kernel_image_end[];

static struct vm vms[VMS];
static struct core cores[CORES];
static unsigned cores_used = 1;
static volatile bool started[CORES], may_run;

/* Where crt0.S sends the other cores. */
void secondary_main(unsigned number)
{
	if (number >= CORES)
		for (;;)
			__asm__ volatile("idle 0");
	started[number] = true;
	while (!may_run)
		;
	core_enable(&cores[number]);
	core_run(&cores[number]);
	__atomic_store_n(&cores[number].done, true, __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("idle 0");
}

/* An address in core 1's mailbox and an IPI, again if it was too early. */
static void start_second_core(void)
{
	extern const char secondary_start[];
	uint64_t end = rdtime() + 10 * CLOCK_HZ;

	while (!started[1] && rdtime() < end) {
		for (unsigned half = 2; half--;)
			__builtin_loongarch_iocsrwr_d((PHYSICAL(secondary_start) >> (32 * half)) << 32 |
							      1u << 31 | 1 << 16 | half << 2,
						      IOCSR_MAIL_SEND);
		__builtin_loongarch_iocsrwr_w(1u << 31 | 1 << 16, IOCSR_IPI_SEND);
		wait_ticks(CLOCK_HZ / 100);
	}
	cores_used = started[1] ? 2 : 1;
	check_equal(cores_used, 2, "hypervisor: a second core starts");
}

static void make_guests(void)
{
	for (unsigned n = 0; n < CORES; n++)
		cores[n].number = n;
	for (unsigned i = 0; i < VMS; i++) {
		vm_create(&vms[i], i + 1, kernel_image, (uint64_t)(kernel_image_end - kernel_image));
		for (unsigned n = 0; n < VCPUS; n++)
			vcpu_create(&vms[i].vcpus[n], &vms[i], n, &cores[n % cores_used]);
	}
}

static char sentence[160];

static unsigned append(unsigned n, const char *text)
{
	while (*text && n + 1 < sizeof(sentence))
		sentence[n++] = *text++;
	sentence[n] = 0;
	return n;
}

/* "guest 1: @said", or "guest 1, processor 0: @said" with @vcpu. */
static const char *about(const struct vm *vm, const struct vcpu *vcpu, const char *said)
{
	static const char *const numbers[] = { "0", "1", "2" };
	unsigned n = append(append(0, "guest "), numbers[vm->gid]);

	if (vcpu)
		n = append(append(n, ", processor "), numbers[vcpu->index]);
	append(append(n, ": "), said);
	return sentence;
}

static bool same_text(const struct transcript *transcript, const char *text)
{
	unsigned n = 0;

	while (text[n] && transcript->text[n] == text[n])
		n++;
	return !text[n] && transcript->length == n;
}

static void check_guest(struct vm *vm)
{
	bool first = vm->gid == 1;

	for (unsigned i = 0; i < vm->report_count; i++) {
		const struct report *report = &vm->reports[i];
		const char *said = guest_memory(vm, report->sentence);

		check(said && report->holds,
		      about(vm, report->vcpu, said ? said : "sentence outside memory"));
	}
	check_equal(vm->report_count, REPORTS, about(vm, 0, "reports all that it tests"));
	check(same_text(&vm->console,
			first ? "I am guest one\ngood night\n" : "I am guest two\ngood night\n"),
	      about(vm, 0, "what it sends by hypercalls is on its console"));
	check(same_text(&vm->uart_text, first ? "one by one\n" : "two by two\n"),
	      about(vm, 0, "what it sends by interrupts is on its UART"));
	check(vm->pages > 20 && vm->pages < 40, about(vm, 0, "gets the pages that it touches, no others"));
}

static void check_vcpu(const struct vcpu *vcpu)
{
	const unsigned *exits = vcpu->exits;

	print("# guest %u, processor %u: exits: interrupt %u, PIL %u, PIS %u, PIF %u, GSPR %u, HVC %u, FPD "
	      "to ASXD %u; "
	      "%u times loaded, %u times pre-empted\n",
	      vcpu->vm->gid, vcpu->index, exits[EXC_INT], exits[EXC_PIL], exits[EXC_PIS], exits[EXC_PIF],
	      exits[EXC_GSPR], exits[EXC_HVC], vcpu->fpu_loads, vcpu->loads, vcpu->preemptions);
	check_equal(vcpu->state, VCPU_OFF, about(vcpu->vm, vcpu, "has ended by itself"));
	check(vcpu->preemptions > 0, about(vcpu->vm, vcpu, "was pre-empted"));
	check(exits[EXC_PIL] + exits[EXC_PIS] > 0, about(vcpu->vm, vcpu, "was given memory on demand"));
	check(vcpu->fpu_loads > 0 && vcpu->fpu_loads < vcpu->loads,
	      about(vcpu->vm, vcpu, "was given its vector registers only when it used them"));
}

void suite(void)
{
	if (!(cpucfg(2) >> 10 & 1)) {
		skip("hypervisor: runs two guests", "CPUCFG2.LVZ is 0");
		return;
	}
	if (cores_given >= CORES)
		start_second_core();
	make_guests();
	give_up = rdtime() + PATIENCE;
	__atomic_store_n(&may_run, true, __ATOMIC_RELEASE);
	core_enable(&cores[0]);
	core_run(&cores[0]);
	while (cores_used > 1 && !__atomic_load_n(&cores[1].done, __ATOMIC_ACQUIRE))
		;
	for (unsigned i = 0; i < VMS; i++) {
		check_guest(&vms[i]);
		for (unsigned n = 0; n < VCPUS; n++)
			check_vcpu(&vms[i].vcpus[n]);
	}
	for (unsigned n = 0; n < cores_used; n++) {
		print("# core %u: slept %u times, kicked %u times\n", n, cores[n].sleeps, cores[n].kicks);
		check(cores[n].sleeps > 0, "hypervisor: a core sleeps while all of its guests do");
		if (cores_used > 1)
			check(cores[n].kicks > 5,
			      "hypervisor: a core interrupts the other for a guest's IPI");
	}
	check_equal(trap.count, 0, "hypervisor: root itself takes no exception");
}
