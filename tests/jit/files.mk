# SPDX-License-Identifier: MulanPSL-2.0
# The translator against the reference engine.
jit-test := $(O)/tests/jit/jit-test
guest-tests += tests/jit/jit-test

$(jit-test): $(patsubst %.c,$(O)/%.o,$(wildcard tests/jit/*.c)) $(O)/tests/isa/inputs.o $(O)/libbixi.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(bixi-libs)
