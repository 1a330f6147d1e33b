# SPDX-License-Identifier: MulanPSL-2.0
# Bare-metal programs that test the processor from inside; each suite is one ELF.
guest-suites := exceptions interrupts tlb walk translate privilege csr timer watch debug pmu smp instructions
# The interrupt path: controllers of the chip and of the bridge.
guest-irq-suites := irq_uart irq_ipi irq_extioi irq_msi irq_bridge
guest-suites += $(guest-irq-suites)
# The virtualization extension; they share a runtime, those about address translation a second part of it.
guest-lvz-access-suites := lvz/stage2 lvz/sizes lvz/walk lvz/tlb
guest-lvz-suites := lvz/registers lvz/modes lvz/traps lvz/interrupts lvz/timer lvz/counters lvz/units lvz/watchpoints \
	lvz/storm \
	$(guest-lvz-access-suites)
guest-suites += $(guest-lvz-suites)
guest-tests += $(guest-suites:%=tests/guest/%.elf)
# Not a suite: writes to a disk for tests/boot/durability.sh.
guest-tests += tests/guest/disk_writer.elf
# Nor this: guests that tests/boot/snapshot.sh saves.
guest-tests += tests/guest/lvz/long_guest.elf
$(O)/tests/guest/lvz/long_guest.o: tests/guest/lvz/lvz.h

# EUEN is 0 in these programs, so the compiler must not use vector or FP registers on its own.
guest-flags := --target=loongarch64-unknown-none-elf -march=la464 -ffreestanding -fno-pic -O2 -Itests/guest \
	-Xclang -no-implicit-float -fno-vectorize -fno-slp-vectorize -fdirect-access-external-data \
	-Wall -Wextra -Werror -Wno-unused-parameter
guest-runtime := $(O)/tests/guest/crt0.o $(O)/tests/guest/guest.o
lvz-runtime := $(guest-runtime) $(addprefix $(O)/tests/guest/lvz/,entry.o lvz.o tables.o)

$(O)/tests/guest/%.o: tests/guest/%.c tests/guest/guest.h
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(guest-flags) -c -o $@ $<

$(O)/tests/guest/%.o: tests/guest/%.S
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(guest-flags) -c -o $@ $<

$(O)/tests/guest/%.elf: $(guest-runtime) $(O)/tests/guest/%.o tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld -o $@ $(guest-runtime) $(O)/tests/guest/$*.o

$(O)/tests/guest/lvz/%.elf: $(lvz-runtime) $(O)/tests/guest/lvz/%.o tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld -o $@ $(filter %.o,$^)

$(guest-irq-suites:%=$(O)/tests/guest/%.o): tests/guest/irq.h
$(O)/tests/guest/lvz/entry.o $(guest-lvz-suites:%=$(O)/tests/guest/%.o): tests/guest/lvz/lvz.h
$(O)/tests/guest/lvz/lvz.o $(O)/tests/guest/lvz/tables.o: tests/guest/lvz/lvz.h
$(guest-lvz-access-suites:%=$(O)/tests/guest/%.elf): $(O)/tests/guest/lvz/access.o
$(guest-lvz-access-suites:%=$(O)/tests/guest/%.o) $(O)/tests/guest/lvz/access.o: tests/guest/lvz/access.h \
	tests/guest/lvz/lvz.h

# A hypervisor on its own, with the kernel of its guests, linked for their addresses, as data.
guest-tests += tests/guest/lvz/hypervisor.elf
hypervisor-dir := $(O)/tests/guest/lvz/hypervisor
hypervisor-objects := $(addprefix $(hypervisor-dir)/,hypervisor.o emulate.o switch.o suite.o image.o)
kernel-objects := $(addprefix $(hypervisor-dir)/,kernel_start.o kernel.o)

$(hypervisor-dir)/kernel.bin: $(kernel-objects) tests/guest/lvz/hypervisor/kernel.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/lvz/hypervisor/kernel.ld --oformat binary -o $@ $(kernel-objects)

$(hypervisor-dir)/image.o: guest-flags += -I$(hypervisor-dir)
$(hypervisor-dir)/image.o: $(hypervisor-dir)/kernel.bin

$(O)/tests/guest/lvz/hypervisor.elf: $(guest-runtime) $(hypervisor-objects) tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld -o $@ $(guest-runtime) $(hypervisor-objects)

$(hypervisor-objects) $(kernel-objects): $(wildcard tests/guest/lvz/hypervisor/*.h tests/guest/lvz/hypervisor/*.def)

# The hypervisor of hypervisor/, loaded by programs that play Linux and its driver, and a cell of theirs.
hv-dir := $(O)/tests/guest/hv
hv-runtime := $(guest-runtime) $(addprefix $(hv-dir)/,linux.o image.o)
hv-cell := $(addprefix $(hv-dir)/,cell_start.o cell_main.o)
hv-suites := launch cells hostile isolation platform races watch costs
guest-tests += $(hv-suites:%=tests/guest/hv/%.elf)
$(hv-dir)/image.o $(hv-dir)/cell_image.o: guest-flags += -I$(O)/hypervisor -I$(hv-dir)
$(hv-dir)/image.o: $(O)/hypervisor/bixi-hv.bin
$(hv-dir)/cell_image.o: $(hv-dir)/cell.bin
$(addprefix $(hv-dir)/,linux.o $(hv-suites:%=%.o) cell_main.o): $(wildcard tests/guest/hv/*.h hypervisor/include/*.h) \
	tests/guest/irq.h

$(hv-dir)/cell.bin: $(hv-cell) tests/guest/hv/cell.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/hv/cell.ld --oformat binary -o $@ $(hv-cell)

$(hv-dir)/costs.elf: $(hv-dir)/execute.o
$(hv-suites:%=$(hv-dir)/%.elf): $(hv-dir)/%.elf: $(hv-runtime) $(hv-dir)/cell_image.o $(hv-dir)/%.o tests/guest/link.ld
	$(call quiet,GUEST)$(GUEST_LD) -T tests/guest/link.ld -o $@ $(filter %.o,$^)
