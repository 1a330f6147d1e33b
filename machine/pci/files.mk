# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/pci/host.o
bixi-obj += machine/pci/function.o
bixi-obj += machine/pci/msi.o
bixi-obj += machine/pci/state.o
