# SPDX-License-Identifier: MulanPSL-2.0
# The guest that tests/boot/gdb.sh debugs.
guest-tests += tests/gdb/target.elf

gdb-flags := --target=loongarch64-unknown-none-elf -march=la464 -ffreestanding -fno-pic -g

$(O)/tests/gdb/target.elf: tests/gdb/target.S tests/guest/link.ld
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(gdb-flags) -c -o $(@D)/target.o $< && \
		$(GUEST_LD) -T tests/guest/link.ld -o $@ $(@D)/target.o
