# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor's image, $(O)/hypervisor/bixi-hv.bin.  HV_CC and HV_LD may be a GCC cross and its linker:
# make hypervisor HV_CC=loongarch64-linux-gnu-gcc HV_LD=loongarch64-linux-gnu-ld
HV_CC ?= $(GUEST_CC)
HV_LD ?= $(GUEST_LD)
hv-sources := $(wildcard hypervisor/core/*.c hypervisor/platform/*.c hypervisor/arch/loongarch64/*.c hypervisor/arch/loongarch64/*.S)
hv-objects := $(addprefix $(O)/,$(addsuffix .o,$(basename $(hv-sources))))

# General registers only: FP and vector registers are the guests'.  units.S is assembled for all there are.
hv-target := $(if $(findstring clang,$(HV_CC)),--target=loongarch64-unknown-linux-gnusf -fdirect-access-external-data, \
	-mdirect-extern-access -mno-relax)
hv-flags := $(hv-target) -mabi=lp64s -std=gnu17 -g -ffreestanding -fpie -fno-plt -fvisibility=hidden \
	-fno-stack-protector -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-Ihypervisor/include -Ihypervisor/core -Ihypervisor/platform -Ihypervisor/arch/loongarch64 -Ihypervisor/arch/loongarch64/include \
	-MMD -MP $(warnings)

.PHONY: hypervisor
hypervisor: $(O)/hypervisor/bixi-hv.bin

# What is done at each exit is in arch/, where loops are short.
$(O)/hypervisor/core/%.o $(O)/hypervisor/platform/%.o: hv-flags += -Os
$(O)/hypervisor/arch/%.o: hv-flags += -O2 -falign-loops=1
hv-small := cell context guard launch messages pch_pic watch
$(hv-small:%=$(O)/hypervisor/arch/loongarch64/%.o): hv-flags += -Os

$(O)/hypervisor/%.o: hypervisor/%.c hypervisor/files.mk
	@mkdir -p $(@D)
	$(call quiet,HV)$(HV_CC) $(hv-flags) -march=loongarch64 -msoft-float -c -o $@ $<

$(O)/hypervisor/%.o: hypervisor/%.S hypervisor/files.mk
	@mkdir -p $(@D)
	$(call quiet,HV)$(HV_CC) $(hv-flags) -march=la464 -c -o $@ $<

$(O)/hypervisor/bixi-hv.elf: $(hv-objects) hypervisor/link.ld
	$(call quiet,HV)$(HV_LD) -pie --no-dynamic-linker --gc-sections -z norelro -z noexecstack -z text \
		$(if $(findstring lld,$(HV_LD)),,--no-warn-rwx-segments) \
		-T hypervisor/link.ld -o $@ $(hv-objects)

$(O)/hypervisor/bixi-hv.bin: $(O)/hypervisor/bixi-hv.elf hypervisor/link.ld
	$(call quiet,HV)llvm-objcopy-19 -O binary $< $@
