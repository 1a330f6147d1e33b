# SPDX-License-Identifier: MulanPSL-2.0
# The guests that tests/boot/gdb.sh debugs.
guest-tests += tests/gdb/target.elf tests/gdb/hypervisor.elf

gdb-flags := --target=loongarch64-unknown-none-elf -march=la464 -ffreestanding -fno-pic -g

$(O)/tests/gdb/%.elf: tests/gdb/%.S tests/guest/link.ld
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(GUEST_CC) $(gdb-flags) -c -o $(@D)/$*.o $< && \
		$(GUEST_LD) -T tests/guest/link.ld -o $@ $(@D)/$*.o
