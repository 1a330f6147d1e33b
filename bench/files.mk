# SPDX-License-Identifier: MulanPSL-2.0
# What bench/hypervisor.sh runs: a bare-metal program (also flat, for cells), and programs for the guest's Linux.
hv-bench := $(O)/bench-hypervisor
hv-bench-objects := $(guest-runtime) $(addprefix $(O)/tests/guest/hv/,linux.o image.o) \
	$(addprefix $(hv-bench)/,entry.o measure.o)
hv-bench-cc := build/headers/bin/loongarch64-linux-gnu-gcc

.PHONY: bench-hypervisor
bench-hypervisor: $(addprefix $(hv-bench)/,measure.elf measure.bin vmm stopwatch)

$(hv-bench)/%.o: bench/hypervisor/%.c tests/guest/hv/linux.h tests/guest/guest.h tests/guest/irq.h
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(guest-flags) -I. -c -o $@ $<

$(hv-bench)/%.o: bench/hypervisor/%.S
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(guest-flags) -c -o $@ $<

$(hv-bench)/measure.elf: $(hv-bench-objects) tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld -o $@ $(hv-bench-objects)

$(hv-bench)/measure.bin: $(hv-bench-objects) tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld --oformat binary -o $@ $(hv-bench-objects)

$(hv-bench)/%: bench/hypervisor/%.c
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(hv-bench-cc) -static -O2 -Wall -Wextra -Werror -o $@ $<
