# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/board/debug.o
bixi-obj += machine/board/exit.o
bixi-obj += machine/board/machine.o
bixi-obj += machine/board/run.o
bixi-obj += machine/board/state.o
bixi-obj += machine/board/virt.o
