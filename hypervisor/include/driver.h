/* SPDX-License-Identifier: MulanPSL-2.0 OR GPL-2.0-only */
/*
 * The driver's device, /dev/bixi: ioctls.  Numbers below 64 and their structures are Jailhouse's, byte for
 * byte; the others are ours.  An ioctl fails with errno; what exactly was wrong, and what to do, is in the
 * sentence of DRIVER_LAST_ERROR, and in the kernel's log.
 *
 * CPUs have Linux's numbers here and in sysfs; in configurations the processor's own (CPUID).
 *
 * read() of the device gives what the hypervisor prints; it waits for something unless the file is opened
 * with O_NONBLOCK.
 */
#ifndef BIXI_DRIVER_H
#define BIXI_DRIVER_H

#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

#include "hypercall.h"

#define DRIVER_DEVICE "/dev/bixi"

#define DRIVER_NAME_LENGTH 32 /* with the NUL */

/* Which cell: by number, or with -1 by name.  The root cell is 0. */
struct driver_cell_id {
	int32_t id;
	uint32_t padding;
	char name[DRIVER_NAME_LENGTH];
};

struct driver_cell_create {
	uint64_t config_address;
	uint32_t config_size;
	uint32_t padding;
};

struct driver_image {
	uint64_t source_address;
	uint64_t size;
	uint64_t target_address; /* guest-physical, in loadable regions that follow each other */
	uint64_t padding;
};

struct driver_cell_load {
	struct driver_cell_id cell;
	uint32_t num_images;
	uint32_t padding;
	struct driver_image images[];
};

/* A piece of memory that Linux does not use until it is released, contiguous and aligned to its size. */
struct driver_chunk {
	uint64_t phys, size;
};

/*
 * Takes memory from Linux, for cells or the hypervisor, cleared, in as few chunks as possible; their sizes
 * are powers of two of at least a page, and the largest come first.  It stays reserved when the file is
 * closed.
 */
struct driver_reserve {
	uint64_t size;		 /* in: bytes, a multiple of the page size */
	uint64_t chunks_address; /* in: of an array of struct driver_chunk */
	uint32_t num_chunks;	 /* in: of the array; out: of those reserved, or with ENOSPC needed */
	uint32_t padding;
};

/* The chunk that begins at @phys goes back to Linux; not while a cell or the hypervisor is in it (EBUSY). */
struct driver_release {
	uint64_t phys; /* DRIVER_RELEASE_UNUSED: all that are not in use */
};
#define DRIVER_RELEASE_UNUSED (~(uint64_t)0)

struct driver_fault {
	struct driver_cell_id cell; /* in */
	struct hv_fault fault;	    /* out; ENODATA: there was none */
};

struct driver_stats {
	uint32_t cpu; /* in: as Linux numbers them */
	uint32_t padding;
	struct hv_stats stats; /* out */
};

/* A cell's virtual console: what it has printed since the last time, what is typed to it. */
struct driver_console_read {
	struct driver_cell_id cell; /* in */
	struct hv_console console;  /* out; may be empty */
};

struct driver_console_write {
	struct driver_cell_id cell;
	uint32_t length; /* in: of text; out: what was taken of it */
	char text[252];
};

/*
 * Memory that a cell has as root-shared, for a program of root's: a file to mmap() with MAP_SHARED, offset 0
 * being the region's beginning.  The memory stays reserved while the file, or what is mapped of it, is there,
 * also behind the cell's end.
 */
struct driver_share {
	struct driver_cell_id cell; /* in */
	uint64_t address;	    /* in: guest-physical, anywhere in the region; out: its beginning */
	uint64_t size;		    /* out */
	int32_t fd;		    /* out */
	uint32_t padding;
};

/* Jailhouse's */
#define DRIVER_ENABLE	    _IOW(0, 0, void *) /* the argument is the address of a struct config_system */
#define DRIVER_DISABLE	    _IO(0, 1)
#define DRIVER_CELL_CREATE  _IOW(0, 2, struct driver_cell_create)
#define DRIVER_CELL_LOAD    _IOW(0, 3, struct driver_cell_load)
#define DRIVER_CELL_START   _IOW(0, 4, struct driver_cell_id)
#define DRIVER_CELL_DESTROY _IOW(0, 5, struct driver_cell_id)
/* Ours */
#define DRIVER_RESERVE	     _IOWR(0, 64, struct driver_reserve)
#define DRIVER_RELEASE	     _IOW(0, 65, struct driver_release)
#define DRIVER_CELL_SHUTDOWN _IOW(0, 66, struct driver_cell_id)
#define DRIVER_LAST_ERROR    _IOR(0, 67, struct hv_error)
#define DRIVER_CELL_FAULT    _IOWR(0, 68, struct driver_fault)
#define DRIVER_CPU_STATS     _IOWR(0, 69, struct driver_stats)
#define DRIVER_CONSOLE_READ  _IOWR(0, 70, struct driver_console_read)
#define DRIVER_CONSOLE_WRITE _IOWR(0, 71, struct driver_console_write)
#define DRIVER_SHARE	     _IOWR(0, 72, struct driver_share)

_Static_assert(sizeof(struct driver_cell_id) == 40, "ABI");
_Static_assert(sizeof(struct driver_cell_create) == 16, "ABI");
_Static_assert(sizeof(struct driver_cell_load) == 48, "ABI");
_Static_assert(sizeof(struct driver_image) == 32, "ABI");
_Static_assert(DRIVER_ENABLE == 0x40080000, "ABI");
_Static_assert(DRIVER_DISABLE == 0x00000001, "ABI");
_Static_assert(DRIVER_CELL_CREATE == 0x40100002, "ABI");
_Static_assert(DRIVER_CELL_LOAD == 0x40300003, "ABI");
_Static_assert(DRIVER_CELL_START == 0x40280004, "ABI");
_Static_assert(DRIVER_CELL_DESTROY == 0x40280005, "ABI");

#endif
