/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Devices described by register tables.  A device type's table says for every register where it is, what
 * it resets to, which bits software can change and where its value is kept; from it come access dispatch
 * with sub-width lanes, register names in traces, the monitor's listing, saved state and the reset test.
 * What a table cannot say is in the register's read, write and written functions.
 */
#ifndef BIXI_BUS_DEVICE_H
#define BIXI_BUS_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "machine/bus/bus.h"
#include "machine/bus/state.h"

struct device;

/* Where a read or write function is called for. */
struct reg_access {
	unsigned bank;	/* core, node, ... as the type means it */
	unsigned index; /* element of an array register */
	uint64_t mask;	/* bits of the register that the access covers */
};

#define REG_NO_FIELD UINT32_MAX

struct reg {
	uint32_t offset; /* of the (first) register in the device, bytes */
	uint8_t width;	 /* bytes: 1, 2, 4, 8 */
	uint16_t count;	 /* elements of an array register; 0 means 1 */
	const char *name;
	uint64_t reset;	     /* value after reset */
	uint64_t reset_step; /* array: element i resets to reset + i * reset_step */
	uint64_t writable;   /* bits that take what is written */
	uint64_t w1c;	     /* bits that writing 1 clears */
	/* Offset of the value (width bytes, count of them) in the bank, or REG_NO_FIELD: a constant (reset)
	 * unless it has functions; with a write function only it reads 0. */
	uint32_t field;
	/* All optional; the device's lock is held.
	 * read:    gives the value in place of the field (side effects, computed values);
	 * write:   takes the place of storing; @value has only the bits of at->mask;
	 * written: called after storing, with the field's value before. */
	uint64_t (*read)(struct device *dev, const struct reg_access *at);
	void (*write)(struct device *dev, const struct reg_access *at, uint64_t value);
	void (*written)(struct device *dev, const struct reg_access *at, uint64_t old);
};

/* State that is not a register but must be saved. */
struct device_field {
	const char *name;
	uint32_t offset; /* in struct device's container */
	uint32_t size;	 /* bytes */
	bool is_bool;
};

enum device_flags {
	/* An access reaches only the register at its address, zero-extended, whatever its size. */
	DEVICE_SINGLE = 1 << 0,
	/* An access outside all registers is not decoded; else it reads 0 and ignores writes. */
	DEVICE_STRICT = 1 << 1,
};

struct device_type {
	const char *name;      /* "uart" */
	const struct reg *reg; /* sorted by offset, not overlapping */
	unsigned reg_count;
	uint32_t size;	/* bytes that are decoded */
	uint8_t widths; /* access sizes that are decoded, ORed: 1 | 2 | 4 | 8; others fail */
	uint8_t flags;	/* enum device_flags */
	/* Base that field offsets of bank @bank count from; NULL: the device itself, one bank. */
	void *(*bank)(struct device *dev, unsigned bank);
	void (*reset)(struct device *dev); /* after the registers got their reset values; may be NULL */
	const struct device_field *field;
	unsigned field_count;
	/*
	 * Called after registers and fields: state that they do not name (timers), and on loading the check
	 * that what was read can be.  Optional; the lock is held.
	 */
	void (*state)(struct device *dev, struct state *state);
};

/* First member of every device. */
struct device {
	const struct device_type *type;
	const char *name; /* "uart0": as in traces and the monitor */
	struct trace *trace;
	unsigned banks;
	pthread_mutex_t *lock;	  /* own_lock, or the lock of the device this one is a view of */
	pthread_mutex_t own_lock; /* protects: the device's state */
	char *reg_names; /* "uart0.lcr" of every register, each padded to reg_name_size; last one "uart0" */
	size_t reg_name_size;
	uint64_t reads, writes; /* accesses, for --stats; protected by lock */
};

/*
 * @banks: how often the registers exist (1 unless the type has a bank function).  Does not reset.
 * Returns 0 or -ENOMEM.
 */
int device_init(struct device *dev, const struct device_type *type, const char *name, unsigned banks,
		struct trace *trace);
void device_destroy(struct device *dev);

/* Registers to their reset values, then the type's reset function.  Takes the lock. */
void device_reset(struct device *dev);

/*
 * One access; the lock is held.  False if the offset or size is not decoded.  @lanes: bits of @value that
 * are written (UINT64_MAX: all of them), for senders with byte masks.
 */
bool device_read(struct device *dev, unsigned bank, uint64_t offset, unsigned size, uint64_t *value);
bool device_write(struct device *dev, unsigned bank, uint64_t offset, unsigned size, uint64_t value,
		  uint64_t lanes);

/* mmio_ops of a region whose dev is a struct device; bank 0. */
extern const struct mmio_ops device_mmio;

/* Adds a region at @base of the type's size.  As bus_add_region(). */
int device_map(struct device *dev, struct bus *bus, uint64_t base);

/* The stored value of an element, 0 if the register has no field.  The lock is held. */
uint64_t device_field_get(struct device *dev, const struct reg *reg, unsigned bank, unsigned index);
void device_field_set(struct device *dev, const struct reg *reg, unsigned bank, unsigned index,
		      uint64_t value);

/* Every piece of saved state: name, place, size.  The lock is held. */
void device_for_each_field(struct device *dev,
			   void (*fn)(void *opaque, const char *name, void *data, size_t size), void *opaque);

/* All of it to a snapshot or from one; @device is the struct device.  Takes the lock. */
void device_state(void *device, struct state *state);

/* Registers and their stored values, without side effects.  Takes the lock. */
void device_print(struct device *dev, FILE *file);

static inline unsigned reg_elements(const struct reg *reg)
{
	return reg->count ? reg->count : 1;
}

/* The device a member @field of type struct device belongs to. */
#define device_of(dev, type, field) ((type *)((char *)(dev)-offsetof(type, field)))

/* Row of a type's table and its length. */
#define DEVICE_REGS(table)   .reg = (table), .reg_count = sizeof(table) / sizeof((table)[0])
#define DEVICE_FIELDS(table) .field = (table), .field_count = sizeof(table) / sizeof((table)[0])
#define DEVICE_FIELD(type, member)                                                                           \
	{                                                                                                    \
#member, offsetof(type, member), sizeof(((type *)0)->member), false                          \
	}
#define DEVICE_BOOL(type, member)                                                                            \
	{                                                                                                    \
#member, offsetof(type, member), sizeof(((type *)0)->member), true                           \
	}

#endif
