/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What KVM lets a VMM put into its guest's CPUCFG words: each takes all bits of its mask and refuses each
 * other one with EINVAL.  The masks follow from this processor's own words, so that they show whether those
 * are complete.  Runs in a guest that has /dev/kvm; leaves with 0 if every line says "ok".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>

#include <asm/hwcap.h>

#define BIT(n)		  (UINT64_C(1) << (n))
#define FIELD(high, low)  (((UINT64_C(2) << ((high) - (low))) - 1) << (low))
#define WORDS		  21
#define WORD1_MSG_INT	  BIT(26)
#define WORD2_FP	  BIT(0)
#define WORD2_FP_SP	  BIT(1)
#define WORD2_FP_DP	  BIT(2)
#define WORD2_LSX	  BIT(6)
#define WORD2_LASX	  BIT(7)
#define WORD2_LLFTP	  BIT(14)
#define WORD3_LA464_GUEST 0xfcfd /* what a VMM writes that models an LA464 */
#define WORD6_PMP	  BIT(0)
#define WORD6_PMNUM	  FIELD(7, 4)

static int vcpu;
static unsigned failures;

static __attribute__((format(printf, 2, 3))) void check(bool ok, const char *sentence, ...)
{
	va_list args;

	va_start(args, sentence);
	printf("%s ", ok ? "ok  " : "FAIL");
	vprintf(sentence, args);
	printf("\n");
	va_end(args);
	failures += !ok;
}

/* This processor's word. */
static uint64_t host_word(unsigned word)
{
	uint64_t value;

	__asm__ volatile("cpucfg %0, %1" : "=r"(value) : "r"(word));
	return value & UINT32_MAX;
}

/* 0 or the error KVM gives. */
static int word_set(unsigned word, uint64_t value)
{
	struct kvm_one_reg reg = { .id = KVM_IOC_CPUCFG(word), .addr = (uintptr_t)&value };

	return ioctl(vcpu, KVM_SET_ONE_REG, &reg) ? errno : 0;
}

static uint64_t word_get(unsigned word)
{
	uint64_t value = UINT64_MAX;
	struct kvm_one_reg reg = { .id = KVM_IOC_CPUCFG(word), .addr = (uintptr_t)&value };

	return ioctl(vcpu, KVM_GET_ONE_REG, &reg) ? UINT64_MAX : value;
}

/* The mask as KVM tells it to a VMM. */
static uint64_t word_mask(unsigned word)
{
	uint64_t mask = UINT64_MAX;
	struct kvm_device_attr attr = {
		.group = KVM_LOONGARCH_VCPU_CPUCFG,
		.attr = word,
		.addr = (uintptr_t)&mask,
	};

	return ioctl(vcpu, KVM_GET_DEVICE_ATTR, &attr) ? UINT64_MAX : mask;
}

static uint64_t expected_mask2(void)
{
	static const struct {
		unsigned long capability;
		unsigned bit;
	} kernel[] = {
		{ HWCAP_LOONGARCH_LSX, 6 },	  { HWCAP_LOONGARCH_LASX, 7 },
		{ HWCAP_LOONGARCH_LBT_X86, 18 },  { HWCAP_LOONGARCH_LBT_ARM, 19 },
		{ HWCAP_LOONGARCH_LBT_MIPS, 20 }, { HWCAP_LOONGARCH_PTW, 24 },
	};
	uint64_t mask = FIELD(5, 0) | FIELD(17, 14) | FIELD(22, 21) | (host_word(2) & FIELD(30, 25));

	for (unsigned i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++)
		if (getauxval(AT_HWCAP) & kernel[i].capability)
			mask |= BIT(kernel[i].bit);
	return mask;
}

static uint64_t expected_mask(unsigned word)
{
	switch (word) {
	case 0:
	case 4:
	case 5:
		return FIELD(31, 0);
	case 1:
		return FIELD(26, 0);
	case 2:
		return expected_mask2();
	case 3:
		return host_word(3) & FIELD(23, 0) & ~(BIT(1) | BIT(18) | BIT(19) | BIT(22));
	case 6:
		return host_word(6) & WORD6_PMP ? FIELD(14, 0) : 0;
	case 16:
		return FIELD(16, 0);
	case 17:
	case 18:
	case 19:
	case 20:
		return FIELD(30, 0);
	default:
		return 0;
	}
}

/* The most that @word takes: its mask, as far as this processor is compared with. */
static uint64_t largest(unsigned word)
{
	if (word == 1)
		return expected_mask(1) & ~WORD1_MSG_INT;
	return word == 6 ? host_word(6) & expected_mask(6) : expected_mask(word);
}

static void check_word(unsigned word)
{
	uint64_t mask = word_mask(word), most = largest(word), taken = 0;
	int error = word_set(word, most);

	check(mask == expected_mask(word), "word %u: KVM's mask is 0x%" PRIx64 ", got 0x%" PRIx64, word,
	      expected_mask(word), mask);
	check(!error && word_get(word) == most, "word %u takes 0x%" PRIx64 ": %s", word, most,
	      strerror(error));
	for (unsigned bit = 0; bit < 64; bit++)
		if (!(expected_mask(word) & BIT(bit)) && word_set(word, most | BIT(bit)) != EINVAL)
			taken |= BIT(bit);
	check(!taken && word_get(word) == most,
	      "word %u refuses each bit outside the mask: 0x%" PRIx64 " taken, reads 0x%" PRIx64, word, taken,
	      word_get(word));
}

static void check_conditions(void)
{
	uint64_t word2 = largest(2), word6 = largest(6);

	check(word_set(2, word2 & ~WORD2_LLFTP) == EINVAL, "word 2 without LLFTP is refused");
	check(word_set(2, word2 & ~WORD2_FP_SP) == EINVAL && word_set(2, word2 & ~WORD2_FP_DP) == EINVAL,
	      "word 2 with FP but not both precisions is refused");
	check(word_set(2, word2 & ~(WORD2_FP | WORD2_FP_SP | WORD2_FP_DP)) ==
		      (word2 & WORD2_LSX ? EINVAL : 0),
	      "word 2 with LSX but no FP is refused");
	check(word_set(2, word2 & ~WORD2_LSX) == (word2 & WORD2_LASX ? EINVAL : 0),
	      "word 2 with LASX but no LSX is refused");
	check(word_set(1, largest(1) | WORD1_MSG_INT) == (host_word(1) & WORD1_MSG_INT ? 0 : EINVAL),
	      "word 1 takes MSG_INT where this processor has it");
	check(!word_set(3, WORD3_LA464_GUEST), "word 3 takes an LA464's 0x%x", WORD3_LA464_GUEST);
	if (!word6)
		return;
	check(word_set(6, word6 ^ BIT(8)) == EINVAL, "word 6 with another width of the counters is refused");
	check(!word_set(6, word6 & ~WORD6_PMNUM), "word 6 takes fewer counters");
	if ((word6 & WORD6_PMNUM) != WORD6_PMNUM)
		check(word_set(6, word6 + BIT(4)) == EINVAL, "word 6 with more counters is refused");
	check(!word_set(6, 0), "word 6 takes 0, no counters");
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR), vm;

	setlinebuf(stdout);
	if (kvm < 0) {
		printf("SKIP - /dev/kvm: %s\n", strerror(errno));
		return 4; /* as KVM's selftests do */
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
	vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0UL);
	if (vcpu < 0) {
		perror("KVM");
		return 1;
	}
	for (unsigned word = 0; word < WORDS; word++)
		check_word(word);
	check(word_set(WORDS, 0) == EINVAL, "there is no word %u", WORDS);
	check_conditions();
	return failures ? 1 : 0;
}
