# SPDX-License-Identifier: MulanPSL-2.0
bixi-obj += machine/virtio/queue.o
bixi-obj += machine/virtio/device.o
bixi-obj += machine/virtio/pci.o
bixi-obj += machine/virtio/blk.o
bixi-obj += machine/virtio/console.o
