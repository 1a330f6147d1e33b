# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += isa/decode.o
bixi-obj += isa/disasm.o
bixi-obj += isa/random.o

# Assembler macros for every instruction, for tests in assembler: .include "isa-macros.inc"
$(O)/isa/genasm: $(O)/isa/genasm.o $(O)/isa/decode.o
	$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^

$(O)/gen/isa-macros.inc: $(O)/isa/genasm
	@mkdir -p $(@D)
	$< > $@
