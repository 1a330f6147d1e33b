/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * "bixi disasm FILE": prints the executable sections of a LoongArch ELF file, or a whole raw file, in the
 * layout of objdump -d.  Files are not trusted: every offset in them is checked before it is used.
 */
#include "machine/control/disasm.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isa/isa.h"

struct image {
	const uint8_t *data;
	size_t size;
};

/* [offset, offset + size) lies in @image. */
static bool image_has(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

static bool image_is_elf(const struct image *image)
{
	return image->size >= sizeof(Elf64_Ehdr) && memcmp(image->data, ELFMAG, SELFMAG) == 0 &&
	       image->data[EI_CLASS] == ELFCLASS64 && image->data[EI_DATA] == ELFDATA2LSB;
}

static void print_code(const uint8_t *code, size_t size, uint64_t address)
{
	size_t offset;

	for (offset = 0; size - offset >= 4; offset += 4) {
		char text[128];
		uint32_t word;

		memcpy(&word, code + offset, sizeof(word));
		isa_disasm(word, address + offset, text, sizeof(text));
		printf("%8" PRIx64 ":\t%08" PRIx32 "\t%s\n", address + offset, word, text);
	}
	for (; offset < size; offset++)
		printf("%8" PRIx64 ":\t%02x\t\t.byte\t\t0x%02x\n", address + offset, code[offset],
		       code[offset]);
}

/* Name of a section, "?" if the string table does not hold it. */
static const char *section_name(const struct image *image, const Elf64_Shdr *strings, uint32_t name)
{
	const char *text;

	if (!image_has(image, strings->sh_offset, strings->sh_size) || name >= strings->sh_size)
		return "?";
	text = (const char *)image->data + strings->sh_offset + name;
	return memchr(text, '\0', strings->sh_size - name) ? text : "?";
}

/* Reads entry @index of a table of the file, such as the section headers. */
static bool table_get(const struct image *image, uint64_t table, unsigned entry_size, uint64_t index,
		      void *entry, size_t size)
{
	uint64_t offset;

	if (entry_size < size || __builtin_mul_overflow(index, (uint64_t)entry_size, &offset) ||
	    __builtin_add_overflow(table, offset, &offset) || !image_has(image, offset, size))
		return false;
	memcpy(entry, image->data + offset, size);
	return true;
}

static bool print_sections(const struct image *image, const Elf64_Ehdr *header)
{
	Elf64_Shdr section, strings = { 0 };
	uint64_t count = header->e_shnum, names = header->e_shstrndx;
	bool printed = false;

	if (!header->e_shoff ||
	    !table_get(image, header->e_shoff, header->e_shentsize, 0, &section, sizeof(section)))
		return false;
	if (!count) /* more than 0xff00 sections: section 0 has the true numbers */
		count = section.sh_size;
	if (names == SHN_XINDEX)
		names = section.sh_link;
	table_get(image, header->e_shoff, header->e_shentsize, names, &strings, sizeof(strings));
	for (uint64_t i = 1; i < count; i++) {
		if (!table_get(image, header->e_shoff, header->e_shentsize, i, &section, sizeof(section)))
			break;
		if (!(section.sh_flags & SHF_EXECINSTR) || section.sh_type == SHT_NOBITS ||
		    !section.sh_size || !image_has(image, section.sh_offset, section.sh_size))
			continue;
		printf("\nDisassembly of section %s:\n\n", section_name(image, &strings, section.sh_name));
		print_code(image->data + section.sh_offset, section.sh_size, section.sh_addr);
		printed = true;
	}
	return printed;
}

/* For files without section headers. */
static bool print_segments(const struct image *image, const Elf64_Ehdr *header)
{
	bool printed = false;

	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;

		if (!table_get(image, header->e_phoff, header->e_phentsize, i, &segment, sizeof(segment)))
			break;
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) || !segment.p_filesz ||
		    !image_has(image, segment.p_offset, segment.p_filesz))
			continue;
		printf("\nDisassembly of segment %u:\n\n", i);
		print_code(image->data + segment.p_offset, segment.p_filesz, segment.p_vaddr);
		printed = true;
	}
	return printed;
}

static int print_elf(const struct image *image, const char *path)
{
	Elf64_Ehdr header;

	memcpy(&header, image->data, sizeof(header));
	if (header.e_machine != EM_LOONGARCH) {
		fprintf(stderr, "bixi disasm: %s is not for LoongArch: its ELF machine number is %u\n", path,
			header.e_machine);
		return 2;
	}
	printf("\n%s:     file format elf64-loongarch\n\n", path);
	if (!print_sections(image, &header) && !print_segments(image, &header)) {
		fprintf(stderr, "bixi disasm: %s has no executable section or segment\n", path);
		return 2;
	}
	return 0;
}

static int print_file(const char *path, uint64_t raw_base)
{
	struct image image = { 0 };
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = 0;

	if (fd < 0 || fstat(fd, &status) < 0) {
		fprintf(stderr, "bixi disasm: cannot open %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return 2;
	}
	if (!S_ISREG(status.st_mode)) {
		fprintf(stderr, "bixi disasm: %s is not a regular file\n", path);
		close(fd);
		return 2;
	}
	image.size = status.st_size;
	image.data = image.size ? mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	close(fd);
	if (image.data == MAP_FAILED) {
		fprintf(stderr, "bixi disasm: cannot map %s: %s\n", path, strerror(errno));
		return 2;
	}
	if (image_is_elf(&image))
		result = print_elf(&image, path);
	else
		print_code(image.data, image.size, raw_base);
	if (image.size)
		munmap((void *)image.data, image.size);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "bixi disasm: cannot write the output: %s\n", strerror(errno));
		return 2;
	}
	return result;
}

static bool number_parse(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

int disasm_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "raw-base", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static const char usage[] = "usage: bixi disasm [--raw-base ADDRESS] FILE\n";
	uint64_t raw_base = 0;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			if (number_parse(optarg, &raw_base))
				break;
			fprintf(stderr, "bixi disasm: --raw-base wants a number, not \"%s\"\n", optarg);
			return 2;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fprintf(stderr, "bixi disasm: %s is no option of disasm, or lacks its value\n",
				argv[optind - 1]);
			return 2;
		}
	}
	if (optind != argc - 1) {
		fputs(usage, stderr);
		return 2;
	}
	isa_init();
	return print_file(argv[optind], raw_base);
}
