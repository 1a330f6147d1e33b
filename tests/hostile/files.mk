# SPDX-License-Identifier: MulanPSL-2.0
# The guest that means harm: one ELF, tests/hostile/run.sh runs it in many ways.
guest-tests += tests/hostile/hostile.elf

hostile-flags := --target=loongarch64-unknown-none-elf -march=la464 -ffreestanding -fno-pic -O2 \
	-Xclang -no-implicit-float -fno-vectorize -fno-slp-vectorize -fdirect-access-external-data \
	-Wall -Wextra -Werror -Wno-unused-parameter

$(O)/tests/hostile/hostile.elf: tests/hostile/start.S tests/hostile/hostile.c tests/hostile/link.ld
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(hostile-flags) -c -o $(@D)/start.o tests/hostile/start.S && \
		$(GUEST_CC) $(hostile-flags) -c -o $(@D)/hostile.o tests/hostile/hostile.c && \
		$(GUEST_LD) -T tests/hostile/link.ld -o $@ $(@D)/start.o $(@D)/hostile.o
