# SPDX-License-Identifier: MulanPSL-2.0
# Bixi: one non-recursive build.  Each directory names its objects in its files.mk; what a person asks
# for is in "make help".
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
SHELL = /bin/bash

# One short line a step; V=1 shows the commands.
V ?=
quiet = $(if $(V),,@echo "  $(1)	$@";)

# O holds everything built; a second configuration (make O=build/asan SANITIZE=address,undefined) lives
# beside the first.
O ?= build
CC = gcc
GUEST_CC = clang-19
GUEST_LD = ld.lld-19
PREFIX ?= /usr/local
DESTDIR ?=
SANITIZE ?=
OPT ?= -O2
VERSION := 0.1

.PHONY: all run test bench soak fuzz install install-tools uninstall help clean format format-check
all: $(O)/bixi

# Goals for a person on a fresh machine install what they need before anything is compiled.
goal-packages := $(if $(filter run,$(MAKECMDGOALS)),build guest $(if $(DEMO),,hypervisor cells tools)) \
	$(if $(filter test bench soak,$(MAKECMDGOALS)),build guest test tools) \
	$(if $(filter test soak fuzz,$(MAKECMDGOALS)),build fuzz) \
	$(if $(filter test soak fuzz tools tools-loong64 install-tools,$(MAKECMDGOALS)),build cells) \
	$(if $(filter tools-loong64,$(MAKECMDGOALS)),tools) \
	$(if $(filter test bench soak hypervisor,$(MAKECMDGOALS)),hypervisor)
ifneq ($(strip $(goal-packages)),)
$(shell scripts/install-packages.sh $(sort $(goal-packages)) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error the packages named above could not be installed)
endif
endif

warnings = -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wvla -Wundef \
	-Wimplicit-fallthrough -Wno-unused-parameter
CFLAGS_ALL = -std=gnu17 -g $(OPT) -I. -I$(O)/gen -D_GNU_SOURCE -DBIXI_VERSION='"$(VERSION)"' -MMD -MP \
	-fno-strict-aliasing -pthread $(warnings)
LDFLAGS_ALL = -pthread
ifneq ($(SANITIZE),)
CFLAGS_ALL += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDFLAGS_ALL += -fsanitize=$(SANITIZE)
endif

# Lists that the directories append to.
bixi-obj :=
bixi-libs := -lfdt -lzstd -llzma -lz -lm
unit-tests :=
fuzzers :=
guest-tests :=
include $(wildcard isa/files.mk machine/*/files.mk hypervisor/files.mk driver/files.mk tools/files.mk \
	cells/files.mk tests/*/files.mk bench/files.mk)

bixi-objects := $(addprefix $(O)/,$(bixi-obj))

# The lists are whole only here: directories are included in no order.
.PHONY: fuzzers
fuzzers: $(addprefix $(O)/,$(fuzzers))

$(O)/bixi: $(bixi-objects)
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(bixi-libs)

# All of the machine but main(), for unit tests and fuzzers.
$(O)/libbixi.a: $(filter-out %/main.o,$(bixi-objects))
	@rm -f $@
	@ar rcs $@ $^

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(cflags-$*) -c -o $@ $<

-include $(shell find $(O) -name '*.d' -type f 2>/dev/null)

# The hypervisor is what is shown if nothing else is asked for.
run: all $(if $(DEMO),,hypervisor driver cells tools-loong64)
	@scripts/fetch-guest.sh build/guest
	@scripts/run-demo.sh $(O)/bixi build/guest $(DEMO)

tests-built = $(addprefix $(O)/,$(unit-tests) $(guest-tests))

# All that suites need of the hypervisor is built before them, as two run at a time.
test: all tools cells $(tests-built)
	@scripts/fetch-guest.sh build/guest
	@scripts/setup-tools.sh
	@$(MAKE) -s hypervisor driver tools-loong64
	@O=$(O) tests/run.sh

soak:
	@tests/soak.sh

fuzz:
	@tests/fuzz/run.sh

bench: all
	@scripts/setup-tools.sh
	@O=$(O) bench/run.sh

install: all
	install -D -m 755 $(O)/bixi $(DESTDIR)$(PREFIX)/bin/bixi
	install -D -m 644 docs/bixi.1 $(DESTDIR)$(PREFIX)/share/man/man1/bixi.1
	install -D -m 644 docs/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bixi

install-tools: tools
	install -D -m 755 $(O)/tools/bixi-cell $(DESTDIR)$(PREFIX)/bin/bixi-cell
	install -D -m 644 docs/bixi-cell.1 $(DESTDIR)$(PREFIX)/share/man/man1/bixi-cell.1
	install -D -m 644 docs/completion-cell.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bixi-cell
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/bixi/cells cells/*.yaml

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/bixi-cell $(DESTDIR)$(PREFIX)/share/man/man1/bixi-cell.1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/bixi-cell
	rm -rf $(DESTDIR)$(PREFIX)/share/bixi
	rm -f $(DESTDIR)$(PREFIX)/bin/bixi $(DESTDIR)$(PREFIX)/share/man/man1/bixi.1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/bixi

# For editors: how each object is compiled.
compile_commands.json: Makefile $(wildcard isa/files.mk machine/*/files.mk)
	@{ echo '['; sep=; for o in $(bixi-obj); do \
		printf '%s{"directory": "%s", "file": "%s", "command": "%s"}\n' "$$sep" "$(CURDIR)" "$${o%.o}.c" \
		"$(CC) $(subst ",\\\",$(CFLAGS_ALL)) -c $${o%.o}.c"; sep=,; done; echo ']'; } > $@

sources = $(shell git ls-files '*.c' '*.h')
format:
	clang-format -i $(sources)
format-check:
	clang-format --dry-run -Werror $(sources)

clean:
	rm -rf $(O)

help:
	@echo 'make              build bixi ($(O)/bixi)'
	@echo 'make driver       the Linux module of the hypervisor ($(O)/driver/bixi.ko)'
	@echo 'make run          install what is needed, boot Debian'"'"'s loong64 kernel, put the hypervisor under it, start cells'
	@echo 'make run DEMO=shell    boot the kernel alone, to a shell'
	@echo 'make run DEMO=debian   make a Debian disk (once), boot it by firmware to its login'
	@echo 'make run DEMO=kvm      boot a KVM guest inside the guest, to its shell'
	@echo 'make tools        build bixi-cell, the tool for cells; tools-loong64: to run in the guest'
	@echo 'make test         install what is needed, run all tests'
	@echo 'make bench        compare with QEMU and with this machine in the same run (half an hour)'
	@echo 'make fuzz         each fuzzer for 60 seconds'
	@echo 'make soak         the long tests: sanitizers, 20,000 inputs an instruction, fuzzers (hours)'
	@echo 'make install      to PREFIX=$(PREFIX), with man page and shell completion'
	@echo 'make install-tools   the same of bixi-cell, with configurations'
	@echo 'make format       clang-format the sources; format-check only looks'
	@echo 'make compile_commands.json   for editors'
	@echo 'make O=DIR SANITIZE=address,undefined   a build of its own, with sanitizers'
