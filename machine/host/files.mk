# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/host/eventloop.o
bixi-obj += machine/host/terminal.o
bixi-obj += machine/host/chardev.o
bixi-obj += machine/host/chardev_open.o
bixi-obj += machine/host/overlay.o
bixi-obj += machine/host/block.o
