/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the host's processor can do (Intel SDM volume 2, CPUID; AMD64 volume 3, appendix E). */
#include <cpuid.h>

#include "machine/jit/x86.h"

/* XCR0: the state that the host's kernel saves. */
#define XCR0_AVX    (1u << 1 | 1u << 2)
#define XCR0_AVX512 (XCR0_AVX | 1u << 5 | 1u << 6 | 1u << 7)

struct cpuid {
	unsigned eax, ebx, ecx, edx;
};

const struct x86_feature_name x86_feature_names[] = {
	{ "avx512vl", X86_AVX512VL },
	{ "avx512bw", X86_AVX512BW },
	{ "avx512dq", X86_AVX512DQ },
	{ "avx512cd", X86_AVX512CD },
	{ "vbmi", X86_VBMI },
	{ "vbmi2", X86_VBMI2 },
	{ "bitalg", X86_BITALG },
	{ "vpopcntdq", X86_VPOPCNTDQ },
	{ "gfni", X86_GFNI },
	{ "clmul", X86_CLMUL },
	{ NULL, 0 },
};

/* All zero where the processor has no such leaf. */
static struct cpuid cpuid(unsigned leaf)
{
	struct cpuid r = { 0 };

	__get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
	return r;
}

static bool has_all(unsigned word, unsigned bits)
{
	return (word & bits) == bits;
}

static uint32_t xcr0(void)
{
	uint32_t low, high;

	if (!(cpuid(1).ecx & bit_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

uint32_t x86_host_features(void)
{
	struct cpuid one = cpuid(1), seven = cpuid(7);
	uint32_t features = 0;

	if (!has_all(xcr0(), XCR0_AVX))
		return 0;
	if (one.ecx & bit_PCLMUL)
		features |= X86_CLMUL;
	if (seven.ecx & bit_GFNI)
		features |= X86_GFNI;
	if (!has_all(xcr0(), XCR0_AVX512) || !has_all(seven.ebx, bit_AVX512F | bit_AVX512VL))
		return features;
	features |= X86_AVX512VL;
	if (seven.ebx & bit_AVX512BW)
		features |= X86_AVX512BW;
	if (seven.ebx & bit_AVX512DQ)
		features |= X86_AVX512DQ;
	if (seven.ebx & bit_AVX512CD)
		features |= X86_AVX512CD;
	if (seven.ecx & bit_AVX512VBMI)
		features |= X86_VBMI;
	if (seven.ecx & bit_AVX512VBMI2)
		features |= X86_VBMI2;
	if (seven.ecx & bit_AVX512BITALG)
		features |= X86_BITALG;
	if (seven.ecx & bit_AVX512VPOPCNTDQ)
		features |= X86_VPOPCNTDQ;
	return features;
}

bool x86_host_is_v3(void)
{
	struct cpuid one = cpuid(1), seven = cpuid(7), extended = cpuid(0x80000001);

	return has_all(xcr0(), XCR0_AVX) &&
	       has_all(one.ecx, bit_SSE3 | bit_SSSE3 | bit_FMA | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 |
					bit_MOVBE | bit_POPCNT | bit_AVX | bit_F16C) &&
	       has_all(seven.ebx, bit_BMI | bit_AVX2 | bit_BMI2) &&
	       has_all(extended.ecx, bit_LZCNT | bit_LAHF_LM);
}
