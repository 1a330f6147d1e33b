# SPDX-License-Identifier: MulanPSL-2.0
# The differential test of the instruction set: a host program, and a guest program for QEMU.
isa-test := $(O)/tests/isa/isa-test
isa-runner := $(O)/tests/isa/runner
isa-words := $(O)/tests/isa/words
guest-tests += tests/isa/isa-test tests/isa/runner tests/isa/words

$(isa-test): $(addprefix $(O)/tests/isa/,main.o inputs.o interpreter.o compare.o qemu.o) $(O)/libbixi.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(bixi-libs)

$(isa-words): $(O)/tests/isa/words.o $(O)/libbixi.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(bixi-libs)

isa-runner-flags := --target=loongarch64-linux-gnusf -msoft-float -ffreestanding -fno-pic -O2 -I. \
	-Wall -Wextra -Werror
$(isa-runner): tests/isa/runner.c tests/isa/enter.S tests/isa/case.h
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(isa-runner-flags) -c -o $@-main.o tests/isa/runner.c && \
		$(GUEST_CC) --target=loongarch64-linux-gnusf -march=la464 -I. -c -o $@-enter.o tests/isa/enter.S && \
		$(GUEST_LD) --image-base=0x1000000 -o $@ $@-enter.o $@-main.o
