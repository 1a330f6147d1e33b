# SPDX-License-Identifier: MulanPSL-2.0
# Every test_*.c is one cmocka program over the library of bixi-cell.
cell-tool-tests := $(patsubst %.c,%,$(wildcard tests/tools/test_*.c))
unit-tests += $(cell-tool-tests)

$(O)/tests/tools/%: $(O)/tests/tools/%.o $(O)/libbixi-cell.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(cell-tool-libs) -lcmocka
