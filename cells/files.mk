# SPDX-License-Identifier: MulanPSL-2.0
# Bare-metal cells: a flat binary to load, and an ELF that also runs on a machine of its own.
cell-programs := latency ipi
cell-flags := --target=loongarch64-unknown-none-elf -march=la464 -ffreestanding -fno-pic -O2 -I. \
	-Xclang -no-implicit-float -fno-vectorize -fno-slp-vectorize -fdirect-access-external-data \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wno-address-of-packed-member
cell-runtime := $(O)/cells/lib/crt0.o $(O)/cells/lib/cell.o
cell-headers := cells/lib/cell.h hypervisor/include/comm.h hypervisor/include/config.h hypervisor/include/hypercall.h

.PHONY: cells
cells: $(foreach p,$(cell-programs),$(O)/cells/$(p).bin $(O)/cells/$(p).elf)

$(O)/cells/%.o: cells/%.c $(cell-headers)
	@mkdir -p $(@D)
	$(call quiet,CELL)$(GUEST_CC) $(cell-flags) -c -o $@ $<

$(O)/cells/%.o: cells/%.S
	@mkdir -p $(@D)
	$(call quiet,CELL)$(GUEST_CC) $(cell-flags) -c -o $@ $<

$(O)/cells/%.elf: $(cell-runtime) $(O)/cells/%.o cells/lib/cell.ld
	$(call quiet,CELL)$(GUEST_LD) -T cells/lib/cell.ld -o $@ $(filter %.o,$^)

$(O)/cells/%.bin: $(cell-runtime) $(O)/cells/%.o cells/lib/cell.ld
	$(call quiet,CELL)$(GUEST_LD) -T cells/lib/cell.ld --oformat binary -o $@ $(filter %.o,$^)
