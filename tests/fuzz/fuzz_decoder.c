/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Any bytes as instructions: decoder, fields and disassembler agree and stay in their buffers; and any
 * bytes as a file for "bixi disasm", which reads ELF section and program headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "isa/isa.h"
#include "machine/control/disasm.h"

/* A file may name one long section many times; the printing of each is no finding. */
#define FILE_MAX 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok, const char *what, uint32_t word)
{
	if (ok)
		return;
	dprintf(2, "%08x: %s\n", word, what);
	abort();
}

static void try_word(uint32_t word, uint64_t pc)
{
	enum isa_op op = isa_decode(word);
	size_t size = pc % 64 + 1;
	char *text = malloc(size), whole[128];
	struct insn insn;
	int length;

	require(op < ISA_OP_COUNT, "the decoder answers a row that does not exist", word);
	isa_fields(word, &insn);
	require(insn.op == op && insn.word == word, "decoder and fields differ", word);
	if (op != ISA_INVALID)
		require((word & isa_info[op].mask) == isa_info[op].match, "the row does not match", word);
	length = isa_disasm(word, pc, whole, sizeof(whole));
	require(length > 0 && strlen(whole) == (size_t)length, "the length is not the text's", word);
	isa_disasm(word, pc, text, size);
	require(strlen(text) < size && strncmp(text, whole, strlen(text)) == 0,
		"a short buffer changes the text", word);
	free(text);
}

static void try_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", 0);
	char path[64];
	char *argv[] = { (char *)"disasm", path, NULL };

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	disasm_main(2, argv);
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	isa_init();
	/* The sentences about bad files and the disassembly are not of interest. */
	stdout = fopen("/dev/null", "w");
	stderr = fopen("/dev/null", "w");
	return stdout && stderr ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint32_t word;

		memcpy(&word, data + i, 4);
		try_word(word, word * UINT64_C(0x9e3779b97f4a7c15));
	}
	try_file(data, size < FILE_MAX ? size : FILE_MAX);
	return 0;
}
