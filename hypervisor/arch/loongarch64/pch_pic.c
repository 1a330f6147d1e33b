/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The bridge's interrupt controller (7A1000 manual ch. 5), divided by pins.  As long as all pins are root's
 * its page is root's, too; when a cell gets some, accesses of both are done here, each reaching its pins
 * alone. Vectors that are written become hardware's.
 */
#include "loongarch.h"

#define ROUTE_ENTRY  0x100 /* bytes */
#define HTMSI_VECTOR 0x200
#define MASK	     0x20
#define CLEAR	     0x80
#define VIEWS	     2
#define BLOCK_SIZE   0x1000 /* what follows in the page is other devices' */

/* Registers of a bit a pin, 64 bits at these offsets; the rest reads as hardware has it and is not written.
 */
static const uint16_t shared_bitmaps[] = { 0x20, 0x40, 0x60, 0xc0, 0xe0, 0x3e0 };
static const uint16_t status_bitmaps[] = { 0x300, 0x320, 0x380, 0x3a0 };

static struct lock pic_lock; /* protects: read-modify-write of registers that cells share */
static uint64_t base;	     /* 0: there is none */
static unsigned users;	     /* cells that have pins, root apart */

/* Where root sees the controller, and how it had the page mapped (0: not at all). */
static struct {
	uint64_t base, flags;
} views[VIEWS];

#define SHARED (sizeof(shared_bitmaps) / sizeof(shared_bitmaps[0]))
#define STATUS (sizeof(status_bitmaps) / sizeof(status_bitmaps[0]))

/* What root has written for pins, which those that cells give back get. */
static struct {
	uint64_t bitmap[SHARED]; /* as shared_bitmaps */
	uint8_t route[PIC_PINS];
} roots;

/* -1: it is none of them. */
static int place(uint32_t offset, const uint16_t *offsets, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (offset == offsets[i])
			return (int)i;
	return -1;
}

static bool is_shared(uint32_t offset)
{
	return place(offset, shared_bitmaps, SHARED) >= 0;
}

static bool is_status(uint32_t offset)
{
	return place(offset, status_bitmaps, STATUS) >= 0;
}

/* Hardware's 64 bits at @offset, by words: not all bridges know larger accesses. */
static uint64_t bitmap_read(uint32_t offset)
{
	return hw_read(base + offset, 4) | hw_read(base + offset + 4, 4) << 32;
}

static void bitmap_write(uint32_t offset, uint64_t pins, uint64_t value)
{
	uint64_t old;

	lock_take(&pic_lock);
	old = offset == CLEAR ? 0 : bitmap_read(offset);
	value = (old & ~pins) | (value & pins);
	if ((uint32_t)pins)
		hw_write(base + offset, 4, (uint32_t)value);
	if (pins >> 32)
		hw_write(base + offset + 4, 4, value >> 32);
	lock_release(&pic_lock);
}

static void keep_bitmap(uint32_t offset, uint64_t pins, uint64_t value)
{
	int i = place(offset, shared_bitmaps, SHARED);

	lock_take(&pic_lock);
	if (i >= 0)
		roots.bitmap[i] = (roots.bitmap[i] & ~pins) | (value & pins);
	lock_release(&pic_lock);
}

static uint8_t pin_read(const struct cell *cell, uint32_t offset)
{
	unsigned pin = offset % PIC_PINS;

	if (!(cell->arch.pins >> pin & 1))
		return 0;
	return offset < HTMSI_VECTOR ? (uint8_t)hw_read(base + offset, 1) : cell->arch.pin_vector[pin];
}

static void pin_write(struct cpu *cpu, uint32_t offset, uint8_t value)
{
	struct cell *cell = cpu->cell;
	unsigned pin = offset % PIC_PINS;

	if (!cell->id && offset < HTMSI_VECTOR)
		roots.route[pin] = value;
	else if (!cell->id)
		cell->arch.pin_vector[pin] = value;
	if (!(cell->arch.pins >> pin & 1))
		return;
	if (offset < HTMSI_VECTOR) {
		hw_write(base + offset, 1, value);
	} else {
		cell->arch.pin_vector[pin] = value;
		if (extioi_owns(cell, value))
			hw_write(base + offset, 1, cell->arch.physical[value]);
		else
			cpu->arch.refused++;
	}
}

/* The byte registers: ROUTE_ENTRY and HTMSI_VECTOR, 64 of each. */
static bool is_pin_register(uint32_t offset)
{
	return (offset & ~(PIC_PINS - 1)) == ROUTE_ENTRY || (offset & ~(PIC_PINS - 1)) == HTMSI_VECTOR;
}

static uint64_t pic_read(const struct cell *cell, uint32_t offset, unsigned size)
{
	uint32_t bitmap = offset & ~UINT32_C(7);
	uint64_t value = 0;

	if (is_shared(bitmap) || is_status(bitmap))
		return extended((bitmap_read(bitmap) & cell->arch.pins) >> offset % 8 * 8, size, false);
	if (offset < 8)
		return hw_read(base + offset, size);
	for (unsigned i = 0; i < size; i++)
		if (is_pin_register(offset + i))
			value |= (uint64_t)pin_read(cell, offset + i) << 8 * i;
	return value;
}

static void pic_write(struct cpu *cpu, uint32_t offset, unsigned size, uint64_t value)
{
	uint32_t bitmap = offset & ~UINT32_C(7);
	uint64_t lanes = extended(~UINT64_C(0), size, false) << offset % 8 * 8;

	if (!cpu->cell->id)
		keep_bitmap(bitmap, lanes, value << offset % 8 * 8);
	if (is_shared(bitmap) || bitmap == CLEAR)
		bitmap_write(bitmap, cpu->cell->arch.pins & lanes, value << offset % 8 * 8);
	for (unsigned i = 0; i < size; i++)
		if (is_pin_register(offset + i))
			pin_write(cpu, offset + i, (uint8_t)(value >> 8 * i));
}

static enum mmio_result pic_access(struct cpu *cpu, void *opaque, struct mmio_access *access)
{
	uint32_t offset = (uint32_t)(access->gpa % PAGE_SIZE);

	if (access->gpa % access->size)
		return MMIO_FORBIDDEN;
	if (offset >= BLOCK_SIZE && cpu->cell->id)
		return MMIO_FORBIDDEN;
	if (offset >= BLOCK_SIZE && access->write)
		arch_mmio_write(access->gpa, access->size, access->value);
	else if (offset >= BLOCK_SIZE)
		access->value = arch_mmio_read(access->gpa, access->size);
	else if (access->write)
		pic_write(cpu, offset, access->size, access->value);
	else
		access->value = pic_read(cpu->cell, offset, access->size);
	return MMIO_DONE;
}

/* Who has what. */

static uint64_t pins_of(const struct config_cell *config)
{
	const struct config_irqchip *chip = config_irqchips(config);
	uint64_t pins = 0;

	for (unsigned i = 0; i < config->num_irqchips; i++, chip++)
		if (chip->id == CONFIG_IRQCHIP_PCH_PIC && !chip->pin_base)
			pins |= chip->pin_bitmap[0] | (uint64_t)chip->pin_bitmap[1] << 32;
	return pins;
}

void pch_pic_init_root(struct cell *root, uint64_t address, uint64_t too)
{
	views[0].base = base = address;
	views[1].base = too;
	root->arch.pins = ~UINT64_C(0);
}

int pch_pic_check(const struct config_system *system, const struct config_cell *config,
		  struct hv_error *error)
{
	const struct config_irqchip *chip = config_irqchips(config);

	for (unsigned i = 0; i < config->num_irqchips; i++, chip++)
		if (chip->id == CONFIG_IRQCHIP_PCH_PIC && (!base || chip->address != base))
			return config_refuse(error, EINVAL, system, config, chip, (int)i,
					     "irqchip %u is a PCH-PIC at 0x%lx, but that of the system's "
					     "description is at 0x%lx",
					     i, chip->address, base);
	if (pins_of(config) && !extioi_lists(config))
		return config_refuse(error, EINVAL, system, config, config_irqchips(config), -1,
				     "there are pins, but no vector that they could raise");
	return 0;
}

/* The first @count of root's pages come back. */
static void root_unite(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!views[i].base)
			continue;
		mmio_unregister(&root_cell, views[i].base);
		if (views[i].flags) /* the tables are there */
			paging_map(&root_cell.stage2, views[i].base, views[i].base, PAGE_SIZE,
				   views[i].flags);
	}
}

/* One goes, and accesses come here. */
static int view_divide(uint64_t view, uint64_t *flags)
{
	uint64_t phys;
	int error;

	if (!paging_find(&root_cell.stage2, view, &phys, flags))
		*flags = 0;
	error = mmio_register(&root_cell, view, PAGE_SIZE, pic_access, NULL);
	if (error || !*flags)
		return error;
	error = paging_unmap(&root_cell.stage2, view, PAGE_SIZE);
	if (error)
		mmio_unregister(&root_cell, view);
	return error;
}

/* Until now it has written what it liked. */
static void roots_read(void)
{
	for (unsigned pin = 0; pin < PIC_PINS; pin++) {
		root_cell.arch.pin_vector[pin] = (uint8_t)hw_read(base + HTMSI_VECTOR + pin, 1);
		roots.route[pin] = (uint8_t)hw_read(base + ROUTE_ENTRY + pin, 1);
	}
	for (unsigned i = 0; i < SHARED; i++)
		roots.bitmap[i] = bitmap_read(shared_bitmaps[i]);
}

static int root_divide(void)
{
	roots_read();
	for (unsigned i = 0; i < VIEWS; i++) {
		int error = views[i].base ? view_divide(views[i].base, &views[i].flags) : 0;

		if (error) {
			root_unite(i);
			return error;
		}
	}
	return 0;
}

int pch_pic_take(struct cell *cell)
{
	uint64_t pins = pins_of(cell->config);
	int error;

	if (!pins)
		return 0;
	error = users ? 0 : root_divide();
	if (error)
		return error;
	error = mmio_register(cell, base, BLOCK_SIZE, pic_access, NULL);
	if (error) {
		if (!users)
			root_unite(VIEWS);
		return error;
	}
	users++;
	root_cell.arch.pins &= ~pins;
	cell->arch.pins = pins;
	pch_pic_reset(cell);
	return 0;
}

/* Pins raise a vector of the cell's even if it has chosen none. */
void pch_pic_reset(struct cell *cell)
{
	uint64_t pins = cell->arch.pins;
	int vector = extioi_any(cell);

	if (!pins)
		return;
	bitmap_write(MASK, pins, pins);
	for (unsigned i = 0; i < SHARED; i++)
		if (shared_bitmaps[i] != MASK)
			bitmap_write(shared_bitmaps[i], pins, 0);
	bitmap_write(CLEAR, pins, pins);
	for (unsigned pin = 0; pin < PIC_PINS; pin++) {
		if (!(pins >> pin & 1))
			continue;
		hw_write(base + ROUTE_ENTRY + pin, 1, 1);
		if (vector >= 0)
			hw_write(base + HTMSI_VECTOR + pin, 1, (uint64_t)vector);
	}
	memset(cell->arch.pin_vector, 0, sizeof(cell->arch.pin_vector));
}

void pch_pic_give_back(struct cell *cell)
{
	uint64_t pins = cell->arch.pins;

	if (!pins)
		return;
	pch_pic_reset(cell);
	mmio_unregister(cell, base);
	cell->arch.pins = 0;
	root_cell.arch.pins |= pins;
	for (unsigned pin = 0; pin < PIC_PINS; pin++)
		if (pins >> pin & 1) {
			hw_write(base + HTMSI_VECTOR + pin, 1, root_cell.arch.pin_vector[pin]);
			hw_write(base + ROUTE_ENTRY + pin, 1, roots.route[pin]);
		}
	for (unsigned i = SHARED; i--;) /* the mask last */
		bitmap_write(shared_bitmaps[i], pins, roots.bitmap[i]);
	if (!--users)
		root_unite(VIEWS);
}
