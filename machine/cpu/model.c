/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Processor models: what CPUCFG, PRCFGn and the identification registers say (Vol.1 2.2.10.5, 3A5000
 * manual ch. 8).  The values are those of the chips with the bit of every feature that is not there
 * cleared: LBT, the COMPLEX and CRYPTO vector extensions, the store fill buffer.
 */
#include <stdio.h>
#include <string.h>

#include "machine/cpu/cpu.h"

#define CPUCFG2_LVZ (UINT32_C(0xf) << 10) /* and its version */

/* PRCFG1: 8 SAVE registers, 48 timer bits, VS up to 7; PRCFG2: pages of 2^12 to 2^29 bytes; PRCFG3: an
 * MTLB of 64 and an STLB of 8 x 2^8. */
#define COMMON_PRCFG .prcfg1 = 0x72f8, .prcfg2 = 0x3ffff000, .prcfg3 = 0x8073f2

/* Constant timer at 100 MHz x 1 / 1; a PMU of 4 counters of 64 bits that user mode may read. */
#define COMMON_CPUCFG [4] = 100000000, [5] = 0x00010001, [6] = 0x00007f33

/* L1 64 KiB 4-way I and D, L2 256 KiB 16-way private, L3 16 MiB 16-way shared; lines of 64 bytes. */
#define COMMON_CACHES                                                                                        \
	[0x10] = 0x00002c3d, [0x11] = 0x06080003, [0x12] = 0x06080003, [0x13] = 0x0608000f,                  \
	[0x14] = 0x060e000f

static const struct cpu_model models[] = {
	{
		/* Loongson 3A5000 */
		.name = "la464",
		.cpucfg = { [0] = 0x0014c010,
			    [1] = 0x03f2f2fe,
			    [2] = 0x0060cccf,
			    [3] = 0x0000fcfd,
			    COMMON_CPUCFG,
			    COMMON_CACHES },
		COMMON_PRCFG,
		.iocsr_features = 0x3ff,
		.iocsr_chip = UINT64_C(0x0000303030354133), /* "3A5000" */
		.fetch_watchpoints = 8,
		.memory_watchpoints = 8,
		.counters = 4,
	},
	{
		/* Loongson 3A6000: LoongArch V1.1 with the page walker and message interrupts */
		.name = "la664",
		.cpucfg = { [0] = 0x0014d000,
			    [1] = 0x07f2f2fe,
			    [2] = 0x7f60cccf,
			    [3] = 0x00cefcfd,
			    COMMON_CPUCFG,
			    COMMON_CACHES },
		COMMON_PRCFG,
		.iocsr_features = 0x83ff,
		.iocsr_chip = UINT64_C(0x0000303030364133), /* "3A6000" */
		.fetch_watchpoints = 8,
		.memory_watchpoints = 4,
		.counters = 4,
	},
	{
		/* All that is implemented, under the identity of the 3A5000 that firmware expects */
		.name = "max",
		.cpucfg = { [0] = 0x0014c010,
			    [1] = 0x07f2f2fe,
			    [2] = 0x7b60cccf,
			    [3] = 0x0002fcfd,
			    COMMON_CPUCFG,
			    COMMON_CACHES },
		COMMON_PRCFG,
		.iocsr_features = 0x83ff,
		.iocsr_chip = UINT64_C(0x0000303030354133),
		.fetch_watchpoints = 8,
		.memory_watchpoints = 8,
		.counters = 4,
	},
};

const struct cpu_model *cpu_model_find(const char *name)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (!strcmp(models[i].name, name))
			return &models[i];
	return NULL;
}

bool cpu_model_parse(struct cpu_model *model, const char *text)
{
	size_t length = strcspn(text, ",");
	char name[sizeof(model->name)];
	const struct cpu_model *found;

	if (length >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	found = cpu_model_find(name);
	text += length;
	if (!found || (*text && strcmp(text, ",lvz=on") != 0 && strcmp(text, ",lvz=off") != 0))
		return false;
	*model = *found;
	if (strcmp(text, ",lvz=off") == 0) {
		model->cpucfg[2] &= ~CPUCFG2_LVZ;
		memcpy(model->name + length, text, sizeof(",lvz=off"));
	}
	return true;
}

uint32_t cpu_cpucfg(const struct cpu *cpu, uint64_t index)
{
	const struct cpu_model *model = cpu->model;

	return index < sizeof(model->cpucfg) / sizeof(model->cpucfg[0]) ? model->cpucfg[index] : 0;
}
