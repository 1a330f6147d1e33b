# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor's core on the mock architecture of mock/, always with sanitizers: every test_*.c is one cmocka
# program, every fuzz_*.c one libFuzzer program.
unit-tests += $(patsubst %.c,%,$(wildcard tests/hypervisor/test_*.c))
fuzzers += $(patsubst %.c,%,$(wildcard tests/hypervisor/fuzz_*.c))

hv-test := $(O)/tests/hypervisor
hv-test-sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined
hv-test-flags := -Itests/hypervisor/mock -Ihypervisor/include $(hv-test-sanitize)
# What mock/ includes, or a test under other names, is not linked by itself.
hv-test-core := $(filter-out setup cell_run string,$(basename $(notdir $(wildcard hypervisor/core/*.c))))
hv-test-objects := $(addprefix $(hv-test)/core/,$(addsuffix .o,$(hv-test-core))) \
	$(addprefix $(hv-test)/mock/,mock.o setup.o run.o)

$(foreach source,$(wildcard tests/hypervisor/*.c tests/hypervisor/mock/*.c), \
	$(eval cflags-$(basename $(source)) := $(hv-test-flags)))

$(hv-test)/core/%.o: hypervisor/core/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-test-flags) -c -o $@ $<

$(hv-test)/libcore.a: $(hv-test-objects)
	@rm -f $@
	@ar rcs $@ $^

$(hv-test)/test_%: $(hv-test)/test_%.o $(hv-test)/libcore.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(hv-test-sanitize) $(LDFLAGS) -o $@ $^ -lcmocka

$(hv-test)/fuzz_%: $(hv-test)/fuzz_%.o $(hv-test)/libcore.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^

# All of core, also for the architecture that is a table of types so far.
hv-core-aarch64 := $(patsubst hypervisor/core/%.c,$(hv-test)/aarch64/%.o,$(wildcard hypervisor/core/*.c))
$(hv-test)/aarch64/%.o: hypervisor/core/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(GUEST_CC) --target=aarch64-unknown-none-elf -std=gnu17 -O2 -ffreestanding -mgeneral-regs-only \
		$(warnings) -MMD -MP -Ihypervisor/include -Ihypervisor/arch/aarch64/include -c -o $@ $<

.PHONY: hv-core-aarch64
hv-core-aarch64: $(hv-core-aarch64)

# Interrupt controllers of LoongArch, and the boards, on registers of the test's.
hv-interrupts := $(hv-test)/loongarch/test_interrupts
hv-platform := $(hv-test)/loongarch/test_platform
unit-tests += tests/hypervisor/loongarch/test_interrupts tests/hypervisor/loongarch/test_platform
hv-interrupts-flags := -Itests/hypervisor/loongarch -Ihypervisor/include -Ihypervisor/core -Ihypervisor/platform \
	-Ihypervisor/arch/loongarch64 -Ihypervisor/arch/loongarch64/include $(hv-test-sanitize)
hv-platform-parts := $(patsubst hypervisor/%.c,$(hv-test)/%.o,$(wildcard hypervisor/platform/*.c))
hv-interrupts-objects := $(addprefix $(hv-test)/loongarch/,test_interrupts.o iocsr.o ipi.o extioi.o pch_pic.o) \
	$(hv-platform-parts)
hv-platform-objects := $(addprefix $(hv-test)/loongarch/,test_platform.o guard.o iocsr.o ipi.o extioi.o) \
	$(hv-platform-parts)

$(hv-test)/loongarch/%.o: hypervisor/arch/loongarch64/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-interrupts-flags) -c -o $@ $<

$(hv-test)/platform/%.o: hypervisor/platform/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-interrupts-flags) -c -o $@ $<

$(hv-test)/loongarch/test_%.o: tests/hypervisor/loongarch/test_%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-interrupts-flags) -c -o $@ $<

$(hv-platform): $(hv-platform-objects)
$(hv-interrupts): $(hv-interrupts-objects)
$(hv-interrupts) $(hv-platform):
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(hv-test-sanitize) $(LDFLAGS) -o $@ $^ -lcmocka

# What an exit for an IOCSR access does in C, likewise.
hv-exit-fuzz := $(hv-test)/loongarch/fuzz_iocsr
fuzzers += tests/hypervisor/loongarch/fuzz_iocsr
hv-exit-flags := -Itests/hypervisor/loongarch/exit $(hv-interrupts-flags)

$(hv-test)/loongarch/exit/%.o: hypervisor/arch/loongarch64/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-exit-flags) -c -o $@ $<

$(hv-test)/loongarch/exit/%.o: hypervisor/platform/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-exit-flags) -c -o $@ $<

$(hv-exit-fuzz).o: tests/hypervisor/loongarch/fuzz_iocsr.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(hv-exit-flags) -c -o $@ $<

$(hv-exit-fuzz): $(hv-exit-fuzz).o $(addprefix $(hv-test)/loongarch/exit/,iocsr.o ipi.o extioi.o \
	$(patsubst hypervisor/platform/%.c,%.o,$(wildcard hypervisor/platform/*.c)))
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^
