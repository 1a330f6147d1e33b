# SPDX-License-Identifier: GPL-2.0-only
# The driver, $(O)/driver/bixi.ko: a module for the kernel of build/guest, built by that kernel's own build system,
# which knows what is up to date, and must not take our options for its.  It does not expect another of its kind
# beside it, hence the lock.
.PHONY: driver
driver:
	@scripts/fetch-headers.sh build/guest build/headers
	@mkdir -p $(O)/driver
	$(call quiet,KO)PATH="$(CURDIR)/build/headers/bin:$$PATH" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		flock $(O)/driver.lock make -s $(if $(V),V=1) -C build/headers/linux M=$(CURDIR)/driver MO=$(abspath $(O))/driver
