# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/bus/bus.o
bixi-obj += machine/bus/clock.o
bixi-obj += machine/bus/device.o
bixi-obj += machine/bus/state.o
