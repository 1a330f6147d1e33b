/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Kernel image files.  The formats: Linux's Documentation/arch/loongarch/booting.rst (the PE Image
 * header), drivers/firmware/efi/libstub/zboot-header.S, and the ELF specification.  Nothing a file says
 * is believed before it has been compared with the file's size and the machine's RAM.
 */
#include "machine/firmware/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/firmware/unpack.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

/* Headers of EFI images, offsets. */
enum {
	PE_ENTRY = 0x08,       /* u64; Image: physical address of the entry for an image at PE_LOAD */
	PE_IMAGE_SIZE = 0x10,  /* u64; with bss */
	PE_LOAD = 0x18,	       /* u64; from the start of RAM */
	PE_MAGIC = 0x38,       /* u32 */
	PE_HEADER = 0x3c,      /* u32; offset of "PE\0\0" */
	PE_HEADER_MACHINE = 4, /* u16; from there */
	PE_MIN = 0x40,
	ZBOOT_NAME = 0x04,	   /* "zimg" */
	ZBOOT_PAYLOAD = 0x08,	   /* u32; offset */
	ZBOOT_PAYLOAD_SIZE = 0x0c, /* u32 */
	ZBOOT_METHOD = 0x18,	   /* terminated string */
	ZBOOT_METHOD_SIZE = 0x20,
};

#define PE_LINUX_MAGIC	       0x818223cdu
#define PE_MACHINE_LOONGARCH64 0x6264

/* Of a kernel's file: with debug information an ELF file can be far larger than RAM. */
#define IMAGE_FILE_MAX (2ull << 30)

struct parser {
	struct kernel_image *image;
	const char *name;
	uint64_t ram_size;
	char *error;
};

int error_sentence(char *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, IMAGE_ERROR_SIZE, format, args);
	va_end(args);
	return code;
}

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t load32(const uint8_t *p)
{
	return load16(p) | (uint32_t)load16(p + 2) << 16;
}

static uint64_t load64(const uint8_t *p)
{
	return load32(p) | (uint64_t)load32(p + 4) << 32;
}

static bool inside(uint64_t offset, uint64_t size, uint64_t total)
{
	return offset <= total && size <= total - offset;
}

int file_open(const char *path, const char *what, uint64_t limit, uint64_t *size, char *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		code = error_sentence(error, -errno, "cannot open %s %s: %s", what, path, strerror(errno));
	else if (!S_ISREG(status.st_mode))
		code = error_sentence(error, -EINVAL, "%s %s is not a regular file", what, path);
	else if ((uint64_t)status.st_size > limit)
		code = error_sentence(error, -EFBIG,
				      "%s %s has %" PRIu64 " MiB, at most %" PRIu64 " MiB can be loaded",
				      what, path, (uint64_t)status.st_size >> 20, limit >> 20);
	else {
		*size = status.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return code;
}

int file_fill(int fd, const char *path, const char *what, void *buffer, size_t size, char *error)
{
	for (size_t used = 0; used < size;) {
		ssize_t got = read(fd, (uint8_t *)buffer + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_sentence(error, -errno, "cannot read %s %s: %s", what, path,
					      strerror(errno));
		if (!got)
			return error_sentence(error, -EIO, "%s %s became shorter while it was read", what,
					      path);
		used += got;
	}
	return 0;
}

static int parse(struct parser *parser, unsigned depth);

static int parse_zboot(struct parser *parser, unsigned depth)
{
	struct kernel_image *image = parser->image;
	const uint8_t *data = image->data;
	uint32_t offset = load32(data + ZBOOT_PAYLOAD), size = load32(data + ZBOOT_PAYLOAD_SIZE);
	const char *method_name = (const char *)data + ZBOOT_METHOD;
	const struct unpack_method *method = unpack_method_find(method_name, ZBOOT_METHOD_SIZE);
	uint8_t *out = NULL;
	size_t out_size = 0;
	int error;

	if (depth)
		return error_sentence(parser->error, -EINVAL, "kernel %s: an EFI zboot image inside another",
				      parser->name);
	if (!method)
		return error_sentence(
			parser->error, -EINVAL,
			"kernel %s is compressed with an unknown method: gzip, zstd and xz are known",
			parser->name);
	if (!inside(offset, size, image->size))
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s is truncated: its header promises %" PRIu32
				      " bytes of %s data at offset %" PRIu32 ", the file has %zu bytes",
				      parser->name, size, method_name, offset, image->size);
	/* The length that follows the data in the file may be in the size or not: all formats know their end.
	 */
	error = unpack(method, data + offset, size, parser->ram_size, &out, &out_size);
	if (error == -EFBIG)
		return error_sentence(parser->error, error,
				      "kernel %s unpacks to more than the machine's RAM of %" PRIu64 " MiB",
				      parser->name, parser->ram_size >> 20);
	if (error == -ENOMEM)
		return error_sentence(parser->error, error, "kernel %s: no memory to unpack it",
				      parser->name);
	if (error)
		return error_sentence(parser->error, error, "kernel %s: its %s data is %s", parser->name,
				      method_name, error == -ENODATA ? "truncated" : "corrupt");
	free(image->data);
	image->data = out;
	image->size = out_size;
	return parse(parser, depth + 1);
}

static int parse_pe(struct parser *parser)
{
	struct kernel_image *image = parser->image;
	const uint8_t *data = image->data;
	uint64_t load = load64(data + PE_LOAD) & IMAGE_PHYSICAL_MASK;
	uint64_t entry = load64(data + PE_ENTRY) & IMAGE_PHYSICAL_MASK;
	uint64_t size = load64(data + PE_IMAGE_SIZE);
	uint32_t header = load32(data + PE_HEADER);
	unsigned machine;

	if (!inside(header, PE_HEADER_MACHINE + 2, image->size) || memcmp(data + header, "PE\0", 4))
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s is damaged: it has no PE header at offset %#x", parser->name,
				      header);
	machine = load16(data + header + PE_HEADER_MACHINE);
	if (machine != PE_MACHINE_LOONGARCH64)
		return error_sentence(
			parser->error, -EINVAL,
			"kernel %s is an EFI image for PE machine %#x, not for LoongArch64 (%#x)",
			parser->name, machine, PE_MACHINE_LOONGARCH64);
	if (load32(data + PE_MAGIC) != PE_LINUX_MAGIC)
		return error_sentence(
			parser->error, -EINVAL,
			"kernel %s is an EFI program but no Linux kernel: it lacks the magic number %#x",
			parser->name, PE_LINUX_MAGIC);
	if (size < image->size)
		size = image->size;
	if (size > parser->ram_size)
		return error_sentence(parser->error, -EFBIG,
				      "kernel %s needs %" PRIu64 " bytes of memory, the machine has %" PRIu64
				      " MiB: is the file damaged, or give the machine more with -m",
				      parser->name, size, parser->ram_size >> 20);
	if (entry < load || entry - load >= image->size)
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s is damaged: its entry point %#" PRIx64
				      " lies outside the image, which loads at %#" PRIx64,
				      parser->name, entry, load);
	image->entry = entry;
	image->segment[0] = (struct image_segment){ load, size, 0, image->size };
	image->segment_count = 1;
	return 0;
}

static int add_elf_segment(struct parser *parser, const Elf64_Phdr *header, unsigned index)
{
	struct kernel_image *image = parser->image;

	if (header->p_type != PT_LOAD || !header->p_memsz)
		return 0;
	if (!inside(header->p_offset, header->p_filesz, image->size))
		return error_sentence(
			parser->error, -EINVAL,
			"kernel %s is truncated: its ELF segment %u ends beyond the end of the file",
			parser->name, index);
	if (header->p_filesz > header->p_memsz)
		return error_sentence(
			parser->error, -EINVAL,
			"kernel %s is damaged: its ELF segment %u is larger in the file than in memory",
			parser->name, index);
	if (image->segment_count == IMAGE_MAX_SEGMENTS)
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s has more than %u ELF segments to load", parser->name,
				      IMAGE_MAX_SEGMENTS);
	image->segment[image->segment_count++] = (struct image_segment){
		.address = header->p_paddr & IMAGE_PHYSICAL_MASK,
		.size = header->p_memsz,
		.offset = header->p_offset,
		.file_size = header->p_filesz,
	};
	return 0;
}

/* The entry is a virtual address; a kernel that is not linked for a direct-mapped window says where it is
 * loaded. */
static uint64_t elf_entry(uint64_t entry, const Elf64_Phdr *header, uint64_t physical)
{
	if (header->p_type == PT_LOAD && entry - header->p_vaddr < header->p_memsz)
		return (header->p_paddr + (entry - header->p_vaddr)) & IMAGE_PHYSICAL_MASK;
	return physical;
}

static int parse_elf(struct parser *parser)
{
	struct kernel_image *image = parser->image;
	Elf64_Ehdr elf;

	memcpy(&elf, image->data, sizeof(elf));
	if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB)
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s is not a 64-bit little-endian ELF file", parser->name);
	if (elf.e_machine != EM_LOONGARCH)
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s is an ELF file for machine %u, not for LoongArch (%u)",
				      parser->name, elf.e_machine, EM_LOONGARCH);
	if (elf.e_type != ET_EXEC && elf.e_type != ET_DYN)
		return error_sentence(parser->error, -EINVAL,
				      "kernel %s is an ELF file of type %u, not an executable: link it first",
				      parser->name, elf.e_type);
	if (elf.e_phentsize != sizeof(Elf64_Phdr) ||
	    !inside(elf.e_phoff, (uint64_t)elf.e_phnum * sizeof(Elf64_Phdr), image->size))
		return error_sentence(
			parser->error, -EINVAL,
			"kernel %s is truncated or damaged: its ELF program headers are not in the file",
			parser->name);
	image->entry = elf.e_entry & IMAGE_PHYSICAL_MASK;
	for (unsigned i = 0; i < elf.e_phnum; i++) {
		Elf64_Phdr header;
		int error;

		memcpy(&header, image->data + elf.e_phoff + i * sizeof(header), sizeof(header));
		error = add_elf_segment(parser, &header, i);
		if (error)
			return error;
		image->entry = elf_entry(elf.e_entry, &header, image->entry);
	}
	if (!image->segment_count)
		return error_sentence(parser->error, -EINVAL, "kernel %s is an ELF file with nothing to load",
				      parser->name);
	return 0;
}

static int parse(struct parser *parser, unsigned depth)
{
	struct kernel_image *image = parser->image;
	const uint8_t *data = image->data;
	const char *packed = depth ? "what is packed in it" : "it";

	if (image->size >= sizeof(Elf64_Ehdr) && !memcmp(data, ELFMAG, SELFMAG)) {
		image->format = depth ? "EFI zboot (ELF)" : "ELF";
		return parse_elf(parser);
	}
	if (image->size >= PE_MIN && !memcmp(data, "MZ", 2)) {
		if (!memcmp(data + ZBOOT_NAME, "zimg", 4))
			return parse_zboot(parser, depth);
		image->format = depth ? "EFI zboot" : "PE Image";
		return parse_pe(parser);
	}
	return error_sentence(
		parser->error, -EINVAL,
		"kernel %s is not a LoongArch64 kernel: %s is neither an EFI image (vmlinuz, Image) nor ELF",
		parser->name, packed);
}

int image_parse(struct kernel_image *image, const char *name, uint8_t *data, size_t size, uint64_t ram_size,
		char *error)
{
	struct parser parser = { image, name, ram_size, error };
	int result;

	*image = (struct kernel_image){ .data = data, .size = size };
	result = parse(&parser, 0);
	if (result)
		image_destroy(image);
	return result;
}

int image_load(struct kernel_image *image, const char *path, uint64_t ram_size, char *error)
{
	uint64_t size;
	int fd = file_open(path, "kernel", IMAGE_FILE_MAX, &size, error), result;
	uint8_t *data;

	if (fd < 0)
		return fd;
	data = malloc(size + 1); /* an empty file is no special case */
	if (data)
		result = file_fill(fd, path, "kernel", data, size, error);
	else
		result = error_sentence(error, -ENOMEM, "kernel %s: no memory to read it", path);
	close(fd);
	if (result) {
		free(data);
		return result;
	}
	return image_parse(image, path, data, size, ram_size, error);
}

void image_destroy(struct kernel_image *image)
{
	free(image->data);
	*image = (struct kernel_image){ 0 };
}

void image_extent(const struct kernel_image *image, uint64_t *low, uint64_t *end)
{
	*low = UINT64_MAX;
	*end = 0;
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *segment = &image->segment[i];

		if (segment->address < *low)
			*low = segment->address;
		if (segment->address + segment->size > *end)
			*end = segment->address + segment->size;
	}
}
