/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: an ELF file, analysed in every way. Most mutations change what the file's own headers lead to:
 * blind ones would hardly leave the first bytes of its sections.
 */
#include <elf.h>

#include "agent/target/elf.h"
#include "agent/target/frames.h"
#include "agent/target/image.h"
#include "agent/v8/symfile_internal.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX 200 /* of a symbol's readable name */

static void check_image(const struct lt_image *image, size_t file_size)
{
	CHECK(image->n_sites <= LT_IMAGE_SITES_MAX && image->n_classes <= LT_IMAGE_CLASSES_MAX);
	CHECK(image->n_missing <= sizeof(image->missing) / sizeof(image->missing[0]));
	check_printable(image->build_id, sizeof(image->build_id));
	check_printable(image->runtime_version, sizeof(image->runtime_version));
	check_printable(image->uv_version, sizeof(image->uv_version));
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];

		CHECK(site->role > LT_ROLE_NONE && site->role < LT_ROLE_MAX);
		CHECK(site->group < LT_GROUP_MAX && site->file_offset < file_size);
		CHECK(strnlen(site->symbol, sizeof(site->symbol)) < sizeof(site->symbol));
	}
	for (size_t i = 0; i < image->n_classes; i++)
		CHECK(image->classes[i].kind < LT_KIND_MAX);
	for (size_t i = 0; i < image->n_missing; i++)
		CHECK(strnlen(image->missing[i], sizeof(image->missing[i])) <
		      sizeof(image->missing[i]));
}

/* As the process does that reads them with limits; here nobody is told. */
static void functions(int fd)
{
	int copy = dup(fd);

	lt_symfile__read(copy);
	close(copy);
}

static void frames_and_data(int fd)
{
	struct lt_frames *frames;
	struct lt_elf *elf;
	int64_t offset;
	char word[8];

	if (lt_elf__open(fd, &elf))
		return;
	if (!lt_frames__read(elf, &frames)) {
		lt_frames__size(frames, lt_frames__count(frames));
		lt_frames__size(frames, UINT64_MAX);
		lt_frames__free(frames);
	}
	lt_elf__tls_offset(elf, "uv_key", &offset);
	lt_elf__read_data(elf, 0x2000, word, sizeof(word));
	lt_elf__is_variable(elf, UINT64_MAX, sizeof(word));
	lt_elf__slot_symbol(elf, 0x3000);
	lt_elf__close(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = as_file(data, size);
	struct lt_image *image;

	lt_image__is_marked(fd);
	if (!lt_image__analyse_any(fd, &image)) {
		check_image(image, size);
		free(image);
	}
	functions(fd);
	frames_and_data(fd);
	return 0;
}

/* --- mutations by the file's own structure ---------------------------------------------------- */

static uint64_t number(unsigned *seed, size_t size)
{
	static const uint64_t edges[] = {
		0,	    1,		2,	   4,	       7,	  8,
		16,	    24,		0x7f,	   0x80,       0xff,	  0x100,
		0xfff,	    0x1000,	0xffff,	   0x10000,    INT32_MAX, 0x80000000,
		UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, -16ull,	  -1ull,
	};
	uint64_t any = (uint64_t)rand_r(seed) << 31 ^ (uint64_t)rand_r(seed);

	switch (rand_r(seed) % 4) {
	case 0:
		return size - (uint64_t)(rand_r(seed) % 64);
	case 1:
		return any;
	case 2:
		return any % (size + 1);
	default:
		return edges[(size_t)rand_r(seed) % (sizeof(edges) / sizeof(edges[0]))];
	}
}

static bool is_wanted(const Elf64_Shdr *sh, int what)
{
	switch (what) {
	case 0:
		return sh->sh_type == SHT_SYMTAB;
	case 1:
		return sh->sh_type == SHT_DYNSYM;
	case 2:
		return sh->sh_type == SHT_RELA;
	case 3:
		return sh->sh_type == SHT_STRTAB;
	case 4:
		return sh->sh_type == SHT_PROGBITS && (sh->sh_flags & SHF_EXECINSTR);
	default:
		return sh->sh_type == SHT_PROGBITS && !(sh->sh_flags & SHF_EXECINSTR);
	}
}

/* Some section of a kind that is drawn. Nothing is found in a file whose table of sections is not in it. */
static void pick_section(const uint8_t *data, size_t size, unsigned *seed, uint64_t *ret_at,
			 uint64_t *ret_length)
{
	int what = rand_r(seed) % 6;
	Elf64_Ehdr eh;

	memcpy(&eh, data, sizeof(eh));
	for (int i = 0; i < 32 && eh.e_shnum; i++) {
		uint64_t at =
			eh.e_shoff + sizeof(Elf64_Shdr) * ((unsigned)rand_r(seed) % eh.e_shnum);
		Elf64_Shdr sh;

		if (eh.e_shoff > size || at > size - sizeof(sh))
			return;
		memcpy(&sh, data + at, sizeof(sh));
		*ret_at = sh.sh_offset;
		*ret_length = sh.sh_size;
		if (is_wanted(&sh, what))
			return;
	}
}

static void pick_part(const uint8_t *data, size_t size, unsigned *seed, uint64_t *ret_at,
		      uint64_t *ret_length)
{
	int what = rand_r(seed) % 8;
	Elf64_Ehdr eh;

	memcpy(&eh, data, sizeof(eh));
	*ret_at = 0;
	*ret_length = sizeof(eh);
	if (what == 0)
		return;
	*ret_at = what == 1 ? eh.e_phoff : eh.e_shoff;
	*ret_length = what == 1 ? eh.e_phnum * sizeof(Elf64_Phdr) : eh.e_shnum * sizeof(Elf64_Shdr);
	if (what > 2)
		pick_section(data, size, seed, ret_at, ret_length);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	int rounds = 1 + rand_r(&seed) % 4;

	if (size < sizeof(Elf64_Ehdr) || rand_r(&seed) % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	for (int i = 0; i < rounds; i++) {
		uint64_t at, length, value = number(&seed, size);
		size_t width = 1u << rand_r(&seed) % 4;

		pick_part(data, size, &seed, &at, &length);
		if (at >= size || !length)
			continue;
		length = length < size - at ? length : size - at;
		at += (uint64_t)rand_r(&seed) % length;
		if (rand_r(&seed) & 1)
			at &= ~7ull;
		if (at + width <= size)
			memcpy(data + at, &value, width);
	}
	return size;
}
