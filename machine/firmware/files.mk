# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/firmware/blob.o
bixi-obj += machine/firmware/unpack.o
bixi-obj += machine/firmware/image.o
bixi-obj += machine/firmware/image_ram.o
bixi-obj += machine/firmware/acpi.o
bixi-obj += machine/firmware/acpi_loader.o
bixi-obj += machine/firmware/smbios.o
bixi-obj += machine/firmware/fdt.o
bixi-obj += machine/firmware/efi.o
bixi-obj += machine/firmware/start.o
bixi-obj += machine/firmware/flash_start.o
bixi-obj += machine/firmware/fw_cfg.o
bixi-obj += machine/firmware/flash.o

# Guest code and AML, as C arrays in $(O)/gen: dsdt.h (dsdt_aml), rom.h (rom_code), runtime.h
# (runtime_code).
IASL ?= iasl
firmware-gen := $(addprefix $(O)/gen/,dsdt.h rom.h runtime.h)
# -fpie -fno-jump-tables: no table of absolute addresses but the one of the entries.
firmware-guest-cflags := --target=loongarch64-unknown-none -O2 -ffreestanding -fno-builtin -msoft-float -mabi=lp64s \
	-fpie -fno-jump-tables -fno-asynchronous-unwind-tables -Wall -Wextra -Werror -Wno-unused-parameter

$(O)/machine/firmware/acpi.o: | $(O)/gen/dsdt.h
$(O)/machine/firmware/start.o: | $(O)/gen/rom.h
$(O)/machine/firmware/efi.o: | $(O)/gen/runtime.h

# The bytes of file $(1) as array $(2) in header $@.
embed = (echo "static const unsigned char $(2)[] __attribute__((aligned(8))) = {"; \
	od -An -v -tx1 $(1) | sed 's/ \(..\)/0x\1,/g'; echo "};") > $@
guest-compile = $(GUEST_CC) $(firmware-guest-cflags) -c -o $(@:.h=.o) $<
guest-link = $(GUEST_LD) --oformat binary -T machine/firmware/guest.lds -o $(@:.h=.bin) $(@:.h=.o)

$(O)/gen/dsdt.h: machine/firmware/dsdt.asl
	@mkdir -p $(@D)
	$(call quiet,IASL)$(IASL) -ve -p $(@:.h=) $< > $(@:.h=.log) || { cat $(@:.h=.log); exit 1; }
	@$(call embed,$(@:.h=.aml),dsdt_aml)

$(O)/gen/rom.h: machine/firmware/rom.S machine/firmware/guest.lds
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(guest-compile) && $(guest-link)
	@$(call embed,$(@:.h=.bin),rom_code)

$(O)/gen/runtime.h: machine/firmware/runtime.c machine/firmware/guest.lds
	@mkdir -p $(@D)
	$(call quiet,GUEST)$(guest-compile) && $(guest-link)
	@$(call embed,$(@:.h=.bin),runtime_code)
