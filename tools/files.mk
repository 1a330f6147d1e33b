# SPDX-License-Identifier: MulanPSL-2.0
# bixi-cell, for this machine (configurations, tests) and for the guest's Linux.
cell-tool-lib := $(patsubst %.c,%.o,$(wildcard tools/lib/*.c))
cell-tool-obj := $(patsubst %.c,%.o,$(wildcard tools/*.c))
cell-tool-firmware := machine/firmware/image.o machine/firmware/unpack.o
cell-tool-libs := -lcyaml -lyaml -ljansson -lfdt -lzstd -llzma -lz
cell-tool-headers := $(wildcard tools/*.h tools/lib/*.h) hypervisor/include/comm.h hypervisor/include/config.h \
	hypervisor/include/driver.h hypervisor/include/hypercall.h \
	$(addprefix machine/firmware/,fdt_writer.h image.h unpack.h)

$(foreach o,$(cell-tool-obj) $(cell-tool-lib),$(eval cflags-$(o:.o=) := -DBIXI_CELLS_DIR='"$(PREFIX)/share/bixi/cells"'))

.PHONY: tools tools-loong64
tools: $(O)/tools/bixi-cell

# Kernel files are read as the machine reads them.
$(O)/libbixi-cell.a: $(addprefix $(O)/,$(cell-tool-lib) $(cell-tool-firmware))
	@rm -f $@
	@ar rcs $@ $^

$(O)/tools/bixi-cell: $(addprefix $(O)/,$(cell-tool-obj)) $(O)/libbixi-cell.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(cell-tool-libs)

# For the guest's Linux: all at once, as it takes seconds.
cell-tool-cross-flags = -std=gnu17 -O2 -I. -D_GNU_SOURCE -DBIXI_VERSION="$(VERSION)" \
	-DBIXI_CELLS_DIR="$(PREFIX)/share/bixi/cells" $(warnings)
tools-loong64: $(O)/tools-loong64/bixi-cell
$(O)/tools-loong64/bixi-cell: $(wildcard tools/*.c tools/lib/*.c) $(cell-tool-firmware:.o=.c) $(cell-tool-headers) scripts/build-cell-tool.sh
	$(call quiet,CROSS)CELL_TOOL_FLAGS='$(cell-tool-cross-flags)' scripts/build-cell-tool.sh build/cell-tool $@
