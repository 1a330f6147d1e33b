# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/soc/avec.o
bixi-obj += machine/soc/chipconfig.o
bixi-obj += machine/soc/extioi.o
bixi-obj += machine/soc/iocsr.o
bixi-obj += machine/soc/ipi.o
bixi-obj += machine/soc/uart.o
