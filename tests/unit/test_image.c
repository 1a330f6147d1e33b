/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Kernel image files: every format reads back as what was packed, every damage is a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "machine/bus/bus.h"
#include "machine/firmware/image.h"

#define RAM	  (UINT64_C(64) << 20)
#define PE_SIZE	  300000u /* of the Image that tests make */
#define PE_MEMORY 0x100000u
#define PE_LOAD	  0x200000u
#define PE_ENTRY  0x210000u

static char error[IMAGE_ERROR_SIZE];

static void put(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* A Linux Image with some compressible and some random content. */
static uint8_t *make_pe(void)
{
	uint8_t *image = calloc(1, PE_SIZE);

	for (unsigned i = 0x100; i < PE_SIZE; i++)
		image[i] = (uint8_t)(i & 0x1000 ? i >> 4 : i * 2654435761u >> 24);
	memcpy(image, "MZ", 2);
	put(image + 0x08, PE_ENTRY, 8);
	put(image + 0x10, PE_MEMORY, 8);
	put(image + 0x18, PE_LOAD, 8);
	put(image + 0x38, 0x818223cd, 4);
	put(image + 0x3c, 0x40, 4);
	memcpy(image + 0x40, "PE\0\0\x64\x62", 6);
	return image;
}

static size_t pack_gzip(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	z_stream stream = { .next_in = (Bytef *)in,
			    .avail_in = (unsigned)size,
			    .next_out = out,
			    .avail_out = (unsigned)room };

	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

static size_t pack_zstd(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	size_t packed = ZSTD_compress(out, room, in, size, 3);

	assert_false(ZSTD_isError(packed));
	return packed;
}

static size_t pack_xz(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	size_t packed = 0;

	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in, size, out, &packed, room),
			 LZMA_OK);
	return packed;
}

static const struct {
	const char *name;
	size_t (*pack)(const uint8_t *in, size_t size, uint8_t *out, size_t room);
} methods[] = { { "gzip", pack_gzip }, { "zstd", pack_zstd }, { "xz", pack_xz }, { "xzkern", pack_xz } };

#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* A zboot file around @payload; the uncompressed size follows the data, as Linux's build has it. */
static uint8_t *make_zboot(unsigned method, const uint8_t *payload, size_t size, size_t *file_size)
{
	size_t room = size + 65536, packed;
	uint8_t *file = calloc(1, 0x200 + room + 4);

	packed = methods[method].pack(payload, size, file + 0x200, room);
	memcpy(file, "MZ\0\0zimg", 8);
	put(file + 0x08, 0x200, 4);
	put(file + 0x0c, packed, 4);
	strcpy((char *)file + 0x18, methods[method].name);
	put(file + 0x38, 0x818223cd, 4);
	put(file + 0x200 + packed, size, 4);
	*file_size = 0x200 + packed + 4;
	return file;
}

static int parse(struct kernel_image *image, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	memcpy(copy, data, size);
	error[0] = 0;
	return image_parse(image, "test", copy, size, RAM, error);
}

static void expect_error(const uint8_t *data, size_t size, int code, const char *words)
{
	struct kernel_image image;

	assert_int_equal(parse(&image, data, size), code);
	assert_null(image.data);
	assert_non_null(strstr(error, "test"));
	if (!strstr(error, words))
		fail_msg("\"%s\" is not in: %s", words, error);
}

static void check_pe(const struct kernel_image *image, const uint8_t *pe)
{
	assert_int_equal(image->size, PE_SIZE);
	assert_memory_equal(image->data, pe, PE_SIZE);
	assert_int_equal(image->entry, PE_ENTRY);
	assert_int_equal(image->segment_count, 1);
	assert_int_equal(image->segment[0].address, PE_LOAD);
	assert_int_equal(image->segment[0].size, PE_MEMORY);
	assert_int_equal(image->segment[0].file_size, PE_SIZE);
}

static void pe_image_loads_where_its_header_says(void **state)
{
	struct kernel_image image;
	uint8_t *pe = make_pe();

	assert_int_equal(parse(&image, pe, PE_SIZE), 0);
	check_pe(&image, pe);
	image_destroy(&image);
	free(pe);
}

static void zboot_unpacks_to_the_image_with_every_method(void **state)
{
	uint8_t *pe = make_pe();

	for (unsigned i = 0; i < METHODS; i++) {
		struct kernel_image image;
		size_t size;
		uint8_t *file = make_zboot(i, pe, PE_SIZE, &size);

		assert_int_equal(parse(&image, file, size), 0);
		check_pe(&image, pe);
		image_destroy(&image);
		free(file);
	}
	free(pe);
}

static void every_truncation_of_a_zboot_file_is_refused(void **state)
{
	uint8_t *pe = make_pe();

	for (unsigned i = 0; i < METHODS; i++) {
		size_t size;
		uint8_t *file = make_zboot(i, pe, PE_SIZE, &size);

		for (size_t cut = 0; cut < size - 4; cut += cut < 0x210 ? 1 : 4999)
			expect_error(file, cut, -EINVAL,
				     cut < 0x40 ? "not a LoongArch64 kernel" : "truncated");
		free(file);
	}
	free(pe);
}

static void truncated_or_corrupt_payload_is_refused(void **state)
{
	uint8_t *pe = make_pe();

	for (unsigned i = 0; i < METHODS; i++) {
		size_t size;
		uint8_t *file = make_zboot(i, pe, PE_SIZE, &size);

		put(file + 0x0c, size - 0x200 - 5000, 4);
		expect_error(file, size, -ENODATA, "truncated");
		put(file + 0x0c, size - 0x200, 4);
		file[0x203] ^= 0x55;
		expect_error(file, size, -EINVAL, "corrupt");
		free(file);
	}
	free(pe);
}

static void a_decompression_bomb_is_limited_by_ram(void **state)
{
	size_t bomb_size = RAM + 4096;
	uint8_t *bomb = calloc(1, bomb_size);

	for (unsigned i = 0; i < METHODS; i++) {
		size_t size;
		uint8_t *file = make_zboot(i, bomb, bomb_size, &size);

		expect_error(file, size, -EFBIG, "unpacks to more than the machine's RAM of 64 MiB");
		free(file);
	}
	free(bomb);
}

static void zboot_with_an_unknown_method_or_inside_itself_is_refused(void **state)
{
	uint8_t *pe = make_pe();
	size_t size, outer_size;
	uint8_t *file = make_zboot(0, pe, PE_SIZE, &size), *outer = make_zboot(1, file, size, &outer_size);

	expect_error(outer, outer_size, -EINVAL, "inside another");
	strcpy((char *)file + 0x18, "lzo");
	expect_error(file, size, -EINVAL, "unknown method");
	memset(file + 0x18, 'z', 0x20);
	expect_error(file, size, -EINVAL, "unknown method");
	free(outer);
	free(file);
	free(pe);
}

static void damaged_pe_headers_are_refused(void **state)
{
	static const struct {
		unsigned offset, size;
		uint64_t value;
		int code;
		const char *words;
	} damage[] = {
		{ 0x3c, 4, 0xffffffff, -EINVAL, "no PE header" },
		{ 0x3c, 4, PE_SIZE - 3, -EINVAL, "no PE header" },
		{ 0x44, 2, 0x8664, -EINVAL, "PE machine 0x8664, not for LoongArch64 (0x6264)" },
		{ 0x38, 4, 0, -EINVAL, "lacks the magic number 0x818223cd" },
		{ 0x10, 8, UINT64_MAX, -EFBIG, "-m" },
		{ 0x08, 8, 0x100000, -EINVAL, "entry point" },
		{ 0x08, 8, PE_LOAD + PE_SIZE, -EINVAL, "entry point" },
		{ 0x00, 1, 'X', -EINVAL, "neither an EFI image (vmlinuz, Image) nor ELF" },
	};
	uint8_t *pe = make_pe();

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		uint8_t saved[8];

		memcpy(saved, pe + damage[i].offset, 8);
		put(pe + damage[i].offset, damage[i].value, damage[i].size);
		expect_error(pe, PE_SIZE, damage[i].code, damage[i].words);
		memcpy(pe + damage[i].offset, saved, 8);
	}
	free(pe);
}

struct elf_file {
	Elf64_Ehdr header;
	Elf64_Phdr program[3];
	uint8_t data[256];
};

static struct elf_file make_elf(void)
{
	struct elf_file elf = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = 258,
			.e_entry = 0x9000000000300010,
			.e_phoff = offsetof(struct elf_file, program),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3,
		},
		.program = {
			{ .p_type = PT_LOAD, .p_offset = offsetof(struct elf_file, data), .p_vaddr = 0x9000000000300000,
			  .p_paddr = 0x9000000000300000, .p_filesz = 128, .p_memsz = 4096 },
			{ .p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = UINT64_MAX },
			{ .p_type = PT_LOAD, .p_offset = offsetof(struct elf_file, data) + 128,
			  .p_vaddr = 0xffff800000000000, .p_paddr = 0x400000, .p_filesz = 128, .p_memsz = 128 },
		},
	};

	memset(elf.data, 0xa5, sizeof(elf.data));
	return elf;
}

static void elf_segments_load_at_physical_addresses(void **state)
{
	struct elf_file elf = make_elf();
	struct kernel_image image;

	assert_int_equal(parse(&image, (uint8_t *)&elf, sizeof(elf)), 0);
	assert_int_equal(image.entry, 0x300010);
	assert_int_equal(image.segment_count, 2);
	assert_int_equal(image.segment[0].address, 0x300000);
	assert_int_equal(image.segment[0].size, 4096);
	assert_int_equal(image.segment[0].file_size, 128);
	assert_int_equal(image.segment[1].address, 0x400000);
	image_destroy(&image);
	elf.header.e_entry = 0xffff800000000040; /* in the second segment: linked elsewhere than loaded */
	assert_int_equal(parse(&image, (uint8_t *)&elf, sizeof(elf)), 0);
	assert_int_equal(image.entry, 0x400040);
	image_destroy(&image);
}

static void damaged_elf_files_are_refused(void **state)
{
	const uint8_t *bytes;
	struct elf_file elf;

#define DAMAGE(field, value, words)                                                                          \
	elf = make_elf();                                                                                    \
	elf.field = value;                                                                                   \
	bytes = (const uint8_t *)&elf;                                                                       \
	expect_error(bytes, sizeof(elf), -EINVAL, words)
	DAMAGE(header.e_ident[EI_CLASS], ELFCLASS32, "64-bit little-endian");
	DAMAGE(header.e_machine, EM_X86_64, "machine 62, not for LoongArch (258)");
	DAMAGE(header.e_type, ET_REL, "link it first");
	DAMAGE(header.e_phoff, UINT64_MAX - 8, "program headers");
	DAMAGE(header.e_phnum, 65535, "program headers");
	DAMAGE(header.e_phentsize, 1, "program headers");
	DAMAGE(header.e_phnum, 0, "nothing to load");
	DAMAGE(program[0].p_offset, UINT64_MAX, "truncated");
	DAMAGE(program[0].p_filesz, sizeof(struct elf_file), "truncated");
	DAMAGE(program[0].p_memsz, 100, "larger in the file than in memory");
#undef DAMAGE
	elf = make_elf();
	for (size_t cut = 0; cut < sizeof(elf); cut++)
		expect_error((uint8_t *)&elf, cut, -EINVAL, "");
}

static void segments_outside_ram_are_refused(void **state)
{
	const struct bus bus = {
		.ram = (uint8_t *)1, .ram_size = RAM, .range_count = 1, .range = { { 0, RAM, 0 } }
	};
	struct elf_file elf = make_elf();
	struct kernel_image image;

	elf.program[0].p_memsz = RAM - 0x300000 + 1;
	assert_int_equal(parse(&image, (uint8_t *)&elf, sizeof(elf)), 0);
	assert_int_equal(image_check_ram(&image, "test", &bus, error), -EFBIG);
	assert_non_null(strstr(error, "no RAM"));
	image.segment[0].size--;
	assert_int_equal(image_check_ram(&image, "test", &bus, error), 0);
	image.entry = 0x300002;
	assert_int_equal(image_check_ram(&image, "test", &bus, error), -EINVAL);
	image.segment[0].address = IMAGE_PHYSICAL_MASK;
	image.segment[0].size = UINT64_MAX;
	assert_int_equal(image_check_ram(&image, "test", &bus, error), -EFBIG);
	image_destroy(&image);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	struct kernel_image image;
	char path[] = "/tmp/bixi-image-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(image_load(&image, "/nonexistent/vmlinuz", RAM, error), -ENOENT);
	assert_string_equal(error, "cannot open kernel /nonexistent/vmlinuz: No such file or directory");
	assert_int_equal(image_load(&image, "/", RAM, error), -EINVAL);
	assert_string_equal(error, "kernel / is not a regular file");
	assert_int_equal(image_load(&image, "/dev/zero", RAM, error), -EINVAL);
	assert_int_equal(image_load(&image, path, RAM, error), -EINVAL); /* empty */
	assert_non_null(strstr(error, "not a LoongArch64 kernel"));
	assert_int_equal(ftruncate(fd, (3ll << 30)), 0);
	assert_int_equal(image_load(&image, path, RAM, error), -EFBIG);
	assert_non_null(strstr(error, "at most 2048 MiB"));
	close(fd);
	unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pe_image_loads_where_its_header_says),
		cmocka_unit_test(zboot_unpacks_to_the_image_with_every_method),
		cmocka_unit_test(every_truncation_of_a_zboot_file_is_refused),
		cmocka_unit_test(truncated_or_corrupt_payload_is_refused),
		cmocka_unit_test(a_decompression_bomb_is_limited_by_ram),
		cmocka_unit_test(zboot_with_an_unknown_method_or_inside_itself_is_refused),
		cmocka_unit_test(damaged_pe_headers_are_refused),
		cmocka_unit_test(elf_segments_load_at_physical_addresses),
		cmocka_unit_test(damaged_elf_files_are_refused),
		cmocka_unit_test(segments_outside_ram_are_refused),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
