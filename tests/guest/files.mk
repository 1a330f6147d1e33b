# SPDX-License-Identifier: MulanPSL-2.0
# Bare-metal programs that test the processor from inside; each suite is one ELF.
guest-suites := exceptions interrupts tlb walk translate privilege csr timer watch debug pmu smp instructions
# The interrupt path: controllers of the chip and of the bridge.
guest-irq-suites := irq_uart irq_ipi irq_extioi irq_msi irq_bridge
guest-suites += $(guest-irq-suites)
guest-tests += $(guest-suites:%=tests/guest/%.elf)
# Not a suite: writes to a disk for tests/boot/durability.sh.
guest-tests += tests/guest/disk_writer.elf

# EUEN is 0 in these programs, so the compiler must not use vector or FP registers on its own.
guest-flags := --target=loongarch64-unknown-none-elf -march=la464 -ffreestanding -fno-pic -O2 -Itests/guest \
	-Xclang -no-implicit-float -fno-vectorize -fno-slp-vectorize -fdirect-access-external-data \
	-Wall -Wextra -Werror -Wno-unused-parameter
guest-runtime := $(O)/tests/guest/crt0.o $(O)/tests/guest/guest.o

$(O)/tests/guest/%.o: tests/guest/%.c tests/guest/guest.h
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(guest-flags) -c -o $@ $<

$(O)/tests/guest/%.o: tests/guest/%.S
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(guest-flags) -c -o $@ $<

$(O)/tests/guest/%.elf: $(guest-runtime) $(O)/tests/guest/%.o tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld -o $@ $(guest-runtime) $(O)/tests/guest/$*.o

$(guest-irq-suites:%=$(O)/tests/guest/%.o): tests/guest/irq.h
