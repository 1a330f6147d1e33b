# SPDX-License-Identifier: MulanPSL-2.0
# Every test_*.c is one cmocka program.
unit-tests += $(patsubst %.c,%,$(wildcard tests/unit/test_*.c))

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/libbixi.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(bixi-libs) -lcmocka
