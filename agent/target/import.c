/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The stubs through which a file calls functions of other files: each jumps to where a word of its own says. */
#include <string.h>

#include "agent/target/elf.h"

/* jmp *slot(%rip) */
static const char *import_x86(struct lt_elf *elf, uint64_t vaddr)
{
	static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	unsigned char code[12];
	size_t at = 0;
	int32_t disp;

	if (lt_elf__read(elf, vaddr, code, sizeof(code)))
		return NULL;
	if (!memcmp(code, endbr64, sizeof(endbr64)))
		at = sizeof(endbr64);
	if (code[at] == 0xf2) /* bnd */
		at++;
	if (code[at] != 0xff || code[at + 1] != 0x25) /* jmp *disp(%rip) */
		return NULL;
	memcpy(&disp, code + at + 2, sizeof(disp));
	return lt_elf__slot_symbol(elf, vaddr + at + 6 + (uint64_t)(int64_t)disp);
}

/* adrp x16, page of the slot; ldr x17, [x16, slot in it]; add …; br x17. With or without a bti before. */
static const char *import_arm64(struct lt_elf *elf, uint64_t vaddr)
{
	static const uint32_t bti_c = 0xd503245f;
	uint32_t code[3], adrp, ldr;
	uint64_t pages, at = vaddr;

	if (lt_elf__read(elf, vaddr, code, sizeof(code)))
		return NULL;
	adrp = code[0];
	ldr = code[1];
	if (adrp == bti_c) {
		adrp = code[1];
		ldr = code[2];
		at += 4;
	}
	if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
		return NULL;
	pages = (adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3);
	if (pages & 1 << 20)
		pages -= 1 << 21;
	return lt_elf__slot_symbol(elf, (at & ~0xfffull) + pages * 4096 + (ldr >> 10 & 0xfff) * 8);
}

const char *lt_elf__import(struct lt_elf *elf, uint64_t vaddr)
{
	return lt_elf__is_arm64(elf) ? import_arm64(elf, vaddr) : import_x86(elf, vaddr);
}
