/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* libFuzzer target: the input is the .eh_frame of a file that has nothing else, all of which counts as code. */
#include <elf.h>
#include <stddef.h>

#include "agent/target/elf.h"
#include "agent/target/frames.h"
#include "tests/fuzz/fuzz.h"

#define VADDR 0x400000

static const char names[] = "\0.eh_frame\0.shstrtab";

/* Everything before the section. */
struct head {
	Elf64_Ehdr elf;
	Elf64_Phdr load;
	Elf64_Shdr none, frames, names;
	char text[24];
};

static struct head make_head(size_t size)
{
	size_t at = sizeof(struct head);
	struct head head = {
		.elf = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				      EV_CURRENT },
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = offsetof(struct head, load),
			 .e_shoff = offsetof(struct head, none),
			 .e_ehsize = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 3,
			 .e_shstrndx = 2 },
		.load = { .p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_vaddr = VADDR,
			  .p_filesz = at + size,
			  .p_memsz = at + size },
		.frames = { .sh_name = 1,
			    .sh_type = SHT_PROGBITS,
			    .sh_flags = SHF_ALLOC,
			    .sh_addr = VADDR + at,
			    .sh_offset = at,
			    .sh_size = size },
		.names = { .sh_name = 11,
			   .sh_type = SHT_STRTAB,
			   .sh_offset = offsetof(struct head, text),
			   .sh_size = sizeof(names) },
	};

	memcpy(head.text, names, sizeof(names));
	return head;
}

static void read_frames(struct lt_elf *elf, size_t size)
{
	struct lt_frames *frames;
	size_t n, found = 0;

	if (lt_frames__read(elf, &frames))
		return;
	n = lt_frames__count(frames);
	/* a record takes 12 bytes at least */
	CHECK(n <= size / 12);
	for (uint64_t at = 0; at <= sizeof(struct head) + size; at++) {
		uint64_t length = lt_frames__size(frames, VADDR + at);

		CHECK(length <= sizeof(struct head) + size - at);
		found += length > 0;
	}
	CHECK(found <= n && (found || !n));
	lt_frames__free(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head = make_head(size);
	int fd = as_file(&head, sizeof(head));
	struct lt_elf *elf;

	CHECK(pwrite(fd, data, size, sizeof(head)) == (ssize_t)size);
	CHECK(!lt_elf__open(fd, &elf));
	read_frames(elf, size);
	lt_elf__close(elf);
	return 0;
}
