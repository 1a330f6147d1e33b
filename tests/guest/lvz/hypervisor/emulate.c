/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What guests cannot do themselves and ask the hypervisor for by exits: sensitive instructions (GSPR),
 * hypercalls (HVC) and devices (stage-2 faults outside memory).  Each emulation gets the instruction in BADI
 * and steps over it when done. Nothing here is particular to LVZ but where the questions come from.
 */
#include "hypervisor.h"

#define INS(word, high, low) ((word) >> (low) & ((1u << ((high) - (low) + 1)) - 1))

static uint32_t print_lock;

static void gpr_set(struct vcpu *vcpu, unsigned n, uint64_t value)
{
	if (n)
		vcpu->gpr[n] = value;
}

/* What a load of @size bytes brings into a register. */
static uint64_t extended(uint64_t value, unsigned size, bool sign)
{
	unsigned shift = 64 - 8 * size;

	return sign ? (uint64_t)((int64_t)(value << shift) >> shift) : value << shift >> shift;
}

static void transcript_add(struct vm *vm, struct transcript *transcript, const char *name, char c)
{
	if (transcript->length + 1 < sizeof(transcript->text))
		transcript->text[transcript->length++] = c;
	if (c != '\n')
		return;
	lock(&print_lock);
	print("# [guest %u, %s] %s", vm->gid, name, transcript->text + transcript->line);
	unlock(&print_lock);
	transcript->line = transcript->length;
}

/* cpucfg: the real processor's words but for what guests do not get. */
static uint64_t cpucfg_read(uint32_t word)
{
	uint32_t hidden = 0;

	if (word == SIGNATURE_WORD)
		return SIGNATURE;
	if (word == 1)
		hidden = 1u << 26; /* message interrupts */
	if (word == 2)
		hidden = 0xf << 10; /* LVZ and its version */
	if (word == 6 || word > 20)
		hidden = ~0u; /* performance counters, and what does not exist */
	return extended(cpucfg(word) & ~hidden, 4, true);
}

/* Sets bits of a vCPU's IPI register.  vm->lock is held. */
static void ipi_raise(struct vcpu *vcpu, uint32_t bits)
{
	vcpu->ipi_state |= bits;
	vcpu_kick(vcpu);
}

static uint64_t iocsr_read(struct vcpu *vcpu, uint64_t address, unsigned size)
{
	uint64_t value = 0;

	switch (address) {
	case IOCSR_FEATURES:
		return 1 << 11; /* you are a guest */
	case IOCSR_IPI_STATE:
		return vcpu->ipi_state;
	case IOCSR_IPI_EN:
		return vcpu->ipi_enable;
	}
	if (address >= IOCSR_MAIL && address + size <= IOCSR_MAIL + sizeof(vcpu->mail))
		memcpy(&value, vcpu->mail + (address - IOCSR_MAIL), size);
	return value;
}

static void iocsr_write(struct vcpu *vcpu, uint64_t address, unsigned size, uint64_t value)
{
	unsigned number = value >> 16 & 0x3ff, half = value >> 2 & 7;
	struct vcpu *target = number < VCPUS ? &vcpu->vm->vcpus[number] : 0;

	if (address >= IOCSR_MAIL && address + size <= IOCSR_MAIL + sizeof(vcpu->mail))
		memcpy(vcpu->mail + (address - IOCSR_MAIL), &value, size);
	switch (address) {
	case IOCSR_IPI_EN:
		vcpu->ipi_enable = value;
		break;
	case IOCSR_IPI_SET:
		ipi_raise(vcpu, value);
		break;
	case IOCSR_IPI_CLEAR:
		vcpu->ipi_state &= ~value;
		break;
	case IOCSR_IPI_SEND:
		if (target)
			ipi_raise(target, 1u << (value & 31));
		break;
	case IOCSR_MAIL_SEND: /* data in 63:32; bytes of the mask in 30:27 stay */
		for (unsigned byte = 0; target && byte < 4; byte++)
			if (!(value >> (27 + byte) & 1))
				target->mail[4 * half + byte] = value >> (32 + 8 * byte);
	}
}

/* iocsr{rd,wr}.{b,h,w,d} rd, rj: the interrupt controllers that belong to each processor. */
static void iocsr_emulate(struct vcpu *vcpu, uint32_t ins)
{
	unsigned size = 1 << INS(ins, 11, 10), rd = INS(ins, 4, 0);
	uint64_t address = vcpu->gpr[INS(ins, 9, 5)];

	lock(&vcpu->vm->lock);
	if (INS(ins, 12, 12))
		iocsr_write(vcpu, address, size, extended(vcpu->gpr[rd], size, false));
	else
		gpr_set(vcpu, rd, extended(iocsr_read(vcpu, address, size), size, true));
	unlock(&vcpu->vm->lock);
}

/* GSPR.  The guest's PLV has been checked by hardware: only cpucfg gets here from above PLV0. */
void sensitive_emulate(struct vcpu *vcpu)
{
	uint32_t ins = vcpu->exit_badi;
	unsigned rd = INS(ins, 4, 0);

	if (INS(ins, 31, 10) == 0x1b) /* cpucfg rd, rj */
		gpr_set(vcpu, rd, cpucfg_read(vcpu->gpr[INS(ins, 9, 5)]));
	else if (INS(ins, 31, 13) == 0x3240) /* iocsr */
		iocsr_emulate(vcpu, ins);
	else if (INS(ins, 31, 15) == 0xc91) /* idle */
		vcpu->state = VCPU_IDLE;
	else if (INS(ins, 31, 24) == 0x04) /* a CSR that only root has reads 0 and ignores writes */
		gpr_set(vcpu, rd, 0);
	else if (INS(ins, 31, 22) != 0x18) { /* cacop: memory is coherent, nothing to do */
		exception_inject(vcpu, EXC_INE, gcsr_read(CSR_BADV));
		return;
	}
	vcpu->pc += 4;
}

/* hvcl: the guest asks. */
void hypercall(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	uint64_t a0 = vcpu->gpr[4], a1 = vcpu->gpr[5];

	if (gcsr_read(CSR_CRMD) & 3) { /* not for user programs, but hardware lets them */
		exception_inject(vcpu, EXC_IPE, gcsr_read(CSR_BADV));
		return;
	}
	vcpu->pc += 4;
	vcpu->gpr[4] = 0;
	switch (INS(vcpu->exit_badi, 14, 0)) {
	case HVCL_PUT_CHAR:
		lock(&vm->lock);
		transcript_add(vm, &vm->console, "console", a0);
		unlock(&vm->lock);
		break;
	case HVCL_REPORT:
		lock(&vm->lock);
		if (vm->report_count < sizeof(vm->reports) / sizeof(vm->reports[0]))
			vm->reports[vm->report_count++] = (struct report){ vcpu, a0, a1 };
		unlock(&vm->lock);
		break;
	case HVCL_OFF:
		vcpu->state = VCPU_OFF;
		break;
	default:
		vcpu->gpr[4] = ~0ull;
	}
}

static uint8_t uart_read(struct vm *vm, unsigned reg)
{
	bool interrupts = vm->uart.empty_pending && vm->uart.enable & IER_THRE;

	switch (reg) {
	case UART_IER:
		return vm->uart.enable;
	case UART_IIR:
		if (interrupts)
			vm->uart.empty_pending = false;
		return interrupts ? 2 : 1;
	case UART_LSR:
		return LSR_EMPTY; /* it sends in no time */
	}
	return 0;
}

static void uart_write(struct vm *vm, unsigned reg, uint8_t value)
{
	switch (reg) {
	case UART_THR:
		transcript_add(vm, &vm->uart_text, "UART", value);
		vm->uart.empty_pending = true;
		break;
	case UART_IER:
		if (value & ~vm->uart.enable & IER_THRE)
			vm->uart.empty_pending = true;
		vm->uart.enable = value & IER_THRE;
	}
}

/*
 * An access to a device.  Hardware tells the GPA and the instruction; of the latter we need direction, size
 * and register. ld.b h w d, st.b h w d and ld.bu hu wu are numbered 0-10 in this order, in their immediate
 * and in their indexed form.
 */
bool mmio_emulate(struct vcpu *vcpu, uint64_t gpa)
{
	static const uint8_t ptr_forms[] = { 2, 6, 3, 7 }; /* ldptr.w, stptr.w, ldptr.d, stptr.d */
	uint32_t ins = vcpu->exit_badi;
	unsigned rd = INS(ins, 4, 0), form;

	if (INS(ins, 31, 26) == 0x0a)
		form = INS(ins, 25, 22);
	else if (INS(ins, 31, 22) == 0xe0 && !INS(ins, 17, 15))
		form = INS(ins, 21, 18);
	else if (INS(ins, 31, 26) == 0x09)
		form = ptr_forms[INS(ins, 25, 24)];
	else
		return false;
	if (form > 10 || gpa < UART_GPA || gpa >= UART_GPA + 8)
		return false;
	lock(&vcpu->vm->lock);
	if (form >> 2 == 1)
		uart_write(vcpu->vm, gpa - UART_GPA, vcpu->gpr[rd]);
	else
		gpr_set(vcpu, rd, extended(uart_read(vcpu->vm, gpa - UART_GPA), 1 << form % 4, form < 4));
	unlock(&vcpu->vm->lock);
	vcpu->pc += 4;
	return true;
}
