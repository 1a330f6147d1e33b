# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/bridge/config.o
bixi-obj += machine/bridge/ged.o
bixi-obj += machine/bridge/pch_msi.o
bixi-obj += machine/bridge/pch_pic.o
bixi-obj += machine/bridge/rtc.o
