/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Registers as GDB sees them: the features that GDB itself knows of LoongArch, with its names and sizes, and
 * two of our own with the control and status registers, root's and the guest's whatever the core's mode,
 * which GDB shows by what the description says.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/control/gdb_impl.h"
#include "machine/interp/fp.h"

#define CPUCFG2_LSX  (1u << 6)
#define CPUCFG2_LASX (1u << 7)

/* The base feature: r0-r31, orig_a0 (Linux's, nothing here), pc, badv. */
#define BASE_COUNT   35
#define BASE_ORIG_A0 32
#define BASE_BADV    34

/* f0-f31, fcc0-fcc7, fcsr. */
#define FPU_COUNT 41
#define FPU_FCC	  32
#define FPU_FCSR  40

static unsigned base_count(const struct cpu *cpu)
{
	return BASE_COUNT;
}

static unsigned base_size(const struct cpu *cpu, unsigned n)
{
	return 8;
}

static void base_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	uint64_t value = 0;

	if (n < 32)
		value = cpu->gpr[n];
	else if (n == GDB_REGISTER_PC)
		value = cpu->pc;
	else if (n == BASE_BADV)
		value = cpu->root.badv;
	memcpy(data, &value, 8);
}

/* A core that is sent elsewhere looks at interrupts first, and does not sleep there. */
static void pc_write(struct cpu *cpu, uint64_t value)
{
	if (cpu->pc == value)
		return;
	cpu->pc = value;
	cpu->debug.resume = DEBUG_RESUME_FRESH;
	cpu->debug.reported = false;
	atomic_store(&cpu->halted, false);
}

static bool base_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	uint64_t value;

	memcpy(&value, data, 8);
	if (n < 32)
		cpu_set_gpr(cpu, n, value);
	else if (n == GDB_REGISTER_PC)
		pc_write(cpu, value);
	else if (n == BASE_BADV)
		cpu->root.badv = value;
	return true;
}

static void base_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	for (unsigned n = 0; n < 32; n++)
		gdb_bytes_printf(xml,
				 "<reg name=\"r%u\" bitsize=\"64\" type=\"uint64\" group=\"general\"/>\n", n);
	gdb_bytes_text(xml, "<reg name=\"orig_a0\" bitsize=\"64\" type=\"uint64\" group=\"general\"/>\n"
			    "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\" group=\"general\"/>\n"
			    "<reg name=\"badv\" bitsize=\"64\" type=\"code_ptr\" group=\"general\"/>\n");
}

static unsigned fpu_count(const struct cpu *cpu)
{
	return FPU_COUNT;
}

static unsigned fpu_size(const struct cpu *cpu, unsigned n)
{
	return n < FPU_FCC ? 8 : n < FPU_FCSR ? 1 : 4;
}

static void fpu_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	if (n < FPU_FCC)
		memcpy(data, &cpu->vr[n], 8);
	else if (n < FPU_FCSR)
		*data = cpu->fcc[n - FPU_FCC];
	else
		memcpy(data, &cpu->fcsr, 4);
}

static bool fpu_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	uint32_t fcsr;

	if (n < FPU_FCC) {
		memcpy(&cpu->vr[n], data, 8);
	} else if (n < FPU_FCSR) {
		cpu->fcc[n - FPU_FCC] = *data & 1;
	} else {
		memcpy(&fcsr, data, 4);
		cpu->fcsr = fcsr & FCSR_WRITABLE;
	}
	return true;
}

static void fpu_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	gdb_bytes_text(xml, "<union id=\"fputype\"><field name=\"f\" type=\"ieee_single\"/>"
			    "<field name=\"d\" type=\"ieee_double\"/></union>\n");
	for (unsigned n = 0; n < 32; n++)
		gdb_bytes_printf(xml, "<reg name=\"f%u\" bitsize=\"64\" type=\"fputype\" group=\"float\"/>\n",
				 n);
	for (unsigned n = 0; n < 8; n++)
		gdb_bytes_printf(xml, "<reg name=\"fcc%u\" bitsize=\"8\" type=\"uint8\" group=\"float\"/>\n",
				 n);
	gdb_bytes_text(xml, "<reg name=\"fcsr\" bitsize=\"32\" type=\"uint32\" group=\"float\"/>\n");
}

/* The low half of a vector register, and the whole. */

static unsigned lsx_count(const struct cpu *cpu)
{
	return cpu->model->cpucfg[2] & CPUCFG2_LSX ? 32 : 0;
}

static unsigned lsx_size(const struct cpu *cpu, unsigned n)
{
	return 16;
}

static unsigned lasx_count(const struct cpu *cpu)
{
	return cpu->model->cpucfg[2] & CPUCFG2_LASX ? 32 : 0;
}

static unsigned lasx_size(const struct cpu *cpu, unsigned n)
{
	return 32;
}

static void lsx_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	memcpy(data, &cpu->vr[n], 16);
}

static bool lsx_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	memcpy(&cpu->vr[n], data, 16);
	return true;
}

static void lasx_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	memcpy(data, &cpu->vr[n], 32);
}

static bool lasx_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	memcpy(&cpu->vr[n], data, 32);
	return true;
}

/* Registers of @size bytes called @prefix0-31, as vectors of each kind of element; names as GDB has them. */
static void vector_xml(struct gdb_bytes *xml, unsigned size, const char *prefix, const char *group)
{
	static const struct {
		const char *id, *type, *name;
		unsigned size;
	} element[] = {
		{ "f32", "ieee_single", "float", 4 }, { "f64", "ieee_double", "double", 8 },
		{ "i8", "int8", "int8", 1 },	      { "i16", "int16", "int16", 2 },
		{ "i32", "int32", "int32", 4 },	      { "i64", "int64", "int64", 8 },
		{ "u128", "uint128", "uint128", 16 },
	};
	const unsigned elements = sizeof(element) / sizeof(element[0]);
	char type[16], name[16];

	for (unsigned i = 0; i < elements; i++)
		if (size > element[i].size)
			gdb_bytes_printf(xml, "<vector id=\"v%u%s\" type=\"%s\" count=\"%u\"/>\n",
					 size / element[i].size, element[i].id, element[i].type,
					 size / element[i].size);
	gdb_bytes_printf(xml, "<union id=\"%sv\">\n", group);
	for (unsigned i = 0; i < elements; i++) {
		unsigned count = size / element[i].size;

		snprintf(type, sizeof(type), "v%u%s", count, element[i].id);
		snprintf(name, sizeof(name), "v%u_%s", count, element[i].name);
		gdb_bytes_printf(xml, "<field name=\"%s\" type=\"%s\"/>\n",
				 count > 1 ? name : element[i].name, count > 1 ? type : element[i].type);
	}
	gdb_bytes_text(xml, "</union>\n");
	for (unsigned n = 0; n < 32; n++)
		gdb_bytes_printf(xml, "<reg name=\"%s%u\" bitsize=\"%u\" type=\"%sv\" group=\"%s\"/>\n",
				 prefix, n, 8 * size, group, group);
}

static void lsx_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	vector_xml(xml, 16, "vr", "lsx");
}

static void lasx_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	vector_xml(xml, 32, "xr", "lasx");
}

/*
 * Binary translation's registers, which this processor has not (CPUCFG.2.LBT_*).  GDB from version 15 on
 * takes no description of the architecture without them: they read 0 and cannot be written.
 */
#define LBT_COUNT  6
#define LBT_EFLAGS 4

static unsigned lbt_count(const struct cpu *cpu)
{
	return LBT_COUNT;
}

static unsigned lbt_size(const struct cpu *cpu, unsigned n)
{
	return n < LBT_EFLAGS ? 8 : 4;
}

static void lbt_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	memset(data, 0, lbt_size(cpu, n));
}

static bool lbt_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	return false;
}

static void lbt_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	for (unsigned n = 0; n < LBT_EFLAGS; n++)
		gdb_bytes_printf(xml, "<reg name=\"scr%u\" bitsize=\"64\" type=\"uint64\" group=\"lbt\"/>\n",
				 n);
	gdb_bytes_text(xml, "<reg name=\"eflags\" bitsize=\"32\" type=\"uint32\" group=\"lbt\"/>\n"
			    "<reg name=\"ftop\" bitsize=\"32\" type=\"uint32\" group=\"lbt\"/>\n");
}

/*
 * The control and status registers that the model has in root's file (BADV is with the base registers), and
 * those in the guest's file.
 */

typedef bool csr_filter(const struct cpu *cpu, const struct csr_info *info);

static bool csr_is_root(const struct cpu *cpu, const struct csr_info *info)
{
	return info->number != CSR_BADV && csr_find(cpu, info->number);
}

static bool csr_is_guest(const struct cpu *cpu, const struct csr_info *info)
{
	return csr_find_in(cpu, &cpu->guest, info->number);
}

static unsigned csrs_count(const struct cpu *cpu, csr_filter *is_shown)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++)
		count += is_shown(cpu, &csr_info[slot]);
	return count;
}

/* The @n-th of them; @n is below csrs_count(). */
static const struct csr_info *csrs_nth(const struct cpu *cpu, csr_filter *is_shown, unsigned n)
{
	const struct csr_info *info = csr_info;

	for (;; info++)
		if (is_shown(cpu, info) && n-- == 0)
			return info;
}

static void csr_value(struct cpu *cpu, struct csr_file *file, const struct csr_info *info, uint8_t *data)
{
	uint64_t value = 0;

	csr_peek(cpu, file, info->name, &value);
	memcpy(data, &value, info->width / 8);
}

/* A debugger's write may change anything: translation, interrupts, where the core goes on. */
static void csr_written(struct cpu *cpu)
{
	softtlb_select(cpu);
	cpu->debug.resume = DEBUG_RESUME_FRESH;
	cpu_notify(cpu, ATTENTION_INTERRUPT);
}

/* As CSRWR, or GCSRWR, writes it: the writable bits, with all that follows from them. */
static bool csr_set(struct cpu *cpu, enum cpu_mode mode, const struct csr_info *info, const uint8_t *data)
{
	uint64_t writable = csr_mask(cpu, cpu_csr(cpu, mode), info), value = 0;

	if (!writable && !(mode == CPU_GUEST && info->more))
		return false;
	memcpy(&value, data, info->width / 8);
	if (mode == CPU_GUEST)
		csr_guest_write(cpu, info->number, value, UINT64_MAX);
	else
		csr_write(cpu, &cpu->root, info->number, value, UINT64_MAX);
	csr_written(cpu);
	return true;
}

static void csrs_describe(const struct cpu *cpu, csr_filter *is_shown, const char *prefix, const char *group,
			  struct gdb_bytes *xml)
{
	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++) {
		const struct csr_info *info = &csr_info[slot];
		char name[16];

		if (!is_shown(cpu, info))
			continue;
		for (unsigned i = 0; i < sizeof(name); i++) {
			char c = info->name[i];

			name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 0x20) : c;
			if (!c)
				break;
		}
		gdb_bytes_printf(xml, "<reg name=\"%s%.15s\" bitsize=\"%u\" type=\"uint%u\" group=\"%s\"/>\n",
				 prefix, name, info->width, info->width, group);
	}
}

static unsigned csr_count(const struct cpu *cpu)
{
	return csrs_count(cpu, csr_is_root);
}

static unsigned csr_size(const struct cpu *cpu, unsigned n)
{
	return csrs_nth(cpu, csr_is_root, n)->width / 8;
}

static void csr_reg_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	csr_value(cpu, &cpu->root, csrs_nth(cpu, csr_is_root, n), data);
}

static bool csr_reg_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	return csr_set(cpu, CPU_ROOT, csrs_nth(cpu, csr_is_root, n), data);
}

static void csr_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	csrs_describe(cpu, csr_is_root, "", "csr", xml);
}

static unsigned gcsr_count(const struct cpu *cpu)
{
	return csrs_count(cpu, csr_is_guest);
}

static unsigned gcsr_size(const struct cpu *cpu, unsigned n)
{
	return csrs_nth(cpu, csr_is_guest, n)->width / 8;
}

static void gcsr_reg_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	csr_value(cpu, &cpu->guest, csrs_nth(cpu, csr_is_guest, n), data);
}

static bool gcsr_reg_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	return csr_set(cpu, CPU_GUEST, csrs_nth(cpu, csr_is_guest, n), data);
}

static void gcsr_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	csrs_describe(cpu, csr_is_guest, "gcsr_", "gcsr", xml);
}

/* Registers are numbered through, feature after feature. */
static const struct feature {
	const char *name;
	unsigned (*count)(const struct cpu *cpu);
	unsigned (*size)(const struct cpu *cpu, unsigned n);
	void (*read)(struct cpu *cpu, unsigned n, uint8_t *data);
	bool (*write)(struct cpu *cpu, unsigned n, const uint8_t *data);
	void (*xml)(const struct cpu *cpu, struct gdb_bytes *xml);
} features[] = {
	{ "org.gnu.gdb.loongarch.base", base_count, base_size, base_read, base_write, base_xml },
	{ "org.gnu.gdb.loongarch.fpu", fpu_count, fpu_size, fpu_read, fpu_write, fpu_xml },
	{ "org.gnu.gdb.loongarch.lsx", lsx_count, lsx_size, lsx_read, lsx_write, lsx_xml },
	{ "org.gnu.gdb.loongarch.lasx", lasx_count, lasx_size, lasx_read, lasx_write, lasx_xml },
	{ "org.gnu.gdb.loongarch.lbt", lbt_count, lbt_size, lbt_read, lbt_write, lbt_xml },
	{ "org.bixi.loongarch.csr", csr_count, csr_size, csr_reg_read, csr_reg_write, csr_xml },
	{ "org.bixi.loongarch.gcsr", gcsr_count, gcsr_size, gcsr_reg_read, gcsr_reg_write, gcsr_xml },
};

#define FEATURE_COUNT (sizeof(features) / sizeof(features[0]))

/* What "g" and "G" hold: the base and FPU features; GDB asks for others one by one. */
#define GENERAL_COUNT (BASE_COUNT + FPU_COUNT)

/* The feature that register *n is in, with *n made its number there; NULL: there is no such register. */
static const struct feature *feature_of(const struct cpu *cpu, unsigned *n)
{
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		unsigned count = features[i].count(cpu);

		if (*n < count)
			return &features[i];
		*n -= count;
	}
	return NULL;
}

unsigned gdb_register_size(const struct cpu *cpu, unsigned n)
{
	const struct feature *feature = feature_of(cpu, &n);

	return feature ? feature->size(cpu, n) : 0;
}

unsigned gdb_register_read(struct cpu *cpu, unsigned n, uint8_t *data)
{
	const struct feature *feature = feature_of(cpu, &n);

	if (!feature)
		return 0;
	feature->read(cpu, n, data);
	return feature->size(cpu, n);
}

bool gdb_register_write(struct cpu *cpu, unsigned n, const uint8_t *data)
{
	const struct feature *feature = feature_of(cpu, &n);

	return feature && feature->write(cpu, n, data);
}

void gdb_target_xml(const struct cpu *cpu, struct gdb_bytes *xml)
{
	gdb_bytes_text(xml, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
			    "<target version=\"1.0\">\n<architecture>loongarch64</architecture>\n");
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		if (!features[i].count(cpu))
			continue;
		gdb_bytes_printf(xml, "<feature name=\"%s\">\n", features[i].name);
		features[i].xml(cpu, xml);
		gdb_bytes_text(xml, "</feature>\n");
	}
	gdb_bytes_text(xml, "</target>\n");
}

/* g */
void gdb_read_registers(struct gdb_session *session, const char *args, size_t size)
{
	for (unsigned n = 0; n < GENERAL_COUNT; n++) {
		uint8_t data[GDB_REGISTER_MAX];
		unsigned length = gdb_register_read(gdb_cpu(session), n, data);

		gdb_bytes_hex(&session->reply, data, length);
	}
}

/* G: as many registers as there are whole ones. */
void gdb_write_registers(struct gdb_session *session, const char *args, size_t size)
{
	struct cpu *cpu = gdb_cpu(session);
	uint8_t data[GDB_REGISTER_MAX];

	for (unsigned n = 0; n < GENERAL_COUNT && *args; n++) {
		if (!gdb_take_bytes(&args, data, gdb_register_size(cpu, n))) {
			gdb_error(session, EINVAL);
			return;
		}
		gdb_register_write(cpu, n, data);
	}
	gdb_ok(session);
}

/* p N */
void gdb_read_register(struct gdb_session *session, const char *args, size_t size)
{
	uint8_t data[GDB_REGISTER_MAX];
	uint64_t n;
	unsigned length;

	if (!gdb_take_hex(&args, &n) || *args || n > UINT16_MAX) {
		gdb_error(session, EINVAL);
		return;
	}
	length = gdb_register_read(gdb_cpu(session), (unsigned)n, data);
	if (length)
		gdb_bytes_hex(&session->reply, data, length);
	else
		gdb_error(session, EINVAL);
}

/* P N=VALUE */
void gdb_write_register(struct gdb_session *session, const char *args, size_t size)
{
	struct cpu *cpu = gdb_cpu(session);
	uint8_t data[GDB_REGISTER_MAX];
	unsigned length = 0;
	uint64_t n;

	if (gdb_take_hex(&args, &n) && gdb_take_char(&args, '=') && n <= UINT16_MAX)
		length = gdb_register_size(cpu, (unsigned)n);
	if (!length || !gdb_take_bytes(&args, data, length) || *args)
		gdb_error(session, EINVAL);
	else if (!gdb_register_write(cpu, (unsigned)n, data))
		gdb_error(session, EPERM);
	else
		gdb_ok(session);
}
