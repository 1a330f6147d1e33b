# SPDX-License-Identifier: MulanPSL-2.0
# Every fuzz_*.c is one libFuzzer program; tests/fuzz/run.sh builds them with clang and the sanitizers.
fuzzers += $(patsubst %.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# Taken where a fuzzer wants a whole machine, or looks at a core.
$(O)/tests/fuzz/libfixture.a: $(O)/tests/fuzz/fixture.o $(O)/tests/fuzz/translation.o
	@rm -f $@
	@ar rcs $@ $^

$(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/libfixture.a $(O)/libbixi.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(bixi-libs)

# Of bixi-cell's library, which knows nothing of the machine.
$(O)/tests/fuzz/fuzz_cell_config: $(O)/tests/fuzz/fuzz_cell_config.o $(O)/libbixi-cell.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(cell-tool-libs)
