# SPDX-License-Identifier: MulanPSL-2.0
# bixi-cell, for this machine (configurations, tests) and for the guest's Linux.
cell-tool-lib := $(patsubst %.c,%.o,$(wildcard tools/lib/*.c))
cell-tool-obj := $(patsubst %.c,%.o,$(wildcard tools/*.c))
cell-tool-libs := -lcyaml -lyaml -ljansson
cell-tool-headers := $(wildcard tools/*.h tools/lib/*.h) hypervisor/include/config.h hypervisor/include/driver.h \
	hypervisor/include/hypercall.h

$(foreach o,$(cell-tool-obj) $(cell-tool-lib),$(eval cflags-$(o:.o=) := -DBIXI_CELLS_DIR='"$(PREFIX)/share/bixi/cells"'))

.PHONY: tools tools-loong64
tools: $(O)/tools/bixi-cell

$(O)/libbixi-cell.a: $(addprefix $(O)/,$(cell-tool-lib))
	@rm -f $@
	@ar rcs $@ $^

$(O)/tools/bixi-cell: $(addprefix $(O)/,$(cell-tool-obj)) $(O)/libbixi-cell.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(cell-tool-libs)
