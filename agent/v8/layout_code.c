/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What no symbol of V8 tells, from its machine code (x86-64): a few instructions whose operands are the
 * offsets that are sought. Each pattern is bound to the function that it was found in; what does not look
 * as expected is unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/target/elf.h"
#include "agent/v8/layout_internal.h"

#define CODE_BYTES     96 /* of a function that are looked at */
#define BLOB_BYTES_MAX (64u << 20)
#define C_ENTRY_MAX    (1 << 20) /* an isolate is some 60 KiB */
#define TLS_MAX	       (1 << 20)

struct code {
	uint64_t vaddr;
	unsigned char bytes[CODE_BYTES];
	size_t at; /* the first byte after the prologue */
};

/* Reads the beginning of a function, less what every function may begin with. */
static bool open_code(struct lt_elf *elf, uint64_t vaddr, struct code *ret_code)
{
	static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const unsigned char frame[] = { 0x55, 0x48, 0x89,
					       0xe5 }; /* push %rbp; mov %rsp,%rbp */
	struct code code = { .vaddr = vaddr };

	if (!vaddr || lt_elf__offset(elf, vaddr, CODE_BYTES, true) < 0 ||
	    lt_elf__read(elf, vaddr, code.bytes, CODE_BYTES))
		return false;
	if (!memcmp(code.bytes, endbr64, sizeof(endbr64)))
		code.at = sizeof(endbr64);
	if (!memcmp(code.bytes + code.at, frame, sizeof(frame)))
		code.at += sizeof(frame);
	*ret_code = code;
	return true;
}

static int32_t word_at(const unsigned char *bytes)
{
	int32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* What an operand at byte `at` that is relative to the next instruction points at. */
static uint64_t relative(const struct code *code, size_t at)
{
	return code->vaddr + at + 4 + (uint64_t)(int64_t)word_at(code->bytes + at);
}

/* Where the function returns a constant address: 0 if it does not. */
static uint64_t returned_address(struct lt_elf *elf, uint64_t vaddr)
{
	uint64_t value;
	struct code code;
	const unsigned char *insn;

	if (!open_code(elf, vaddr, &code))
		return 0;
	insn = code.bytes + code.at;
	if (insn[0] == 0xb8) /* mov $address,%eax: programs at a fixed place */
		return (uint32_t)word_at(insn + 1);
	if (insn[0] == 0x48 && insn[1] == 0x8d && insn[2] == 0x05) { /* lea */
		value = relative(&code, code.at + 3);
		if (insn[7] != 0x48 || insn[8] != 0x8b || insn[9] != 0x00) /* mov (%rax),%rax */
			return value;
		return lt_elf__read(elf, value, &value, sizeof(value)) ? 0 : value;
	}
	if (insn[0] == 0x48 && insn[1] == 0x8b && insn[2] == 0x05) /* mov data(%rip),%rax */
		return lt_elf__read(elf, relative(&code, code.at + 3), &value, sizeof(value))
			       ? 0
			       : value;
	return 0;
}

/* The same of a 32-bit number. */
static uint32_t returned_number(struct lt_elf *elf, uint64_t vaddr)
{
	uint64_t address = 0;
	uint32_t value;
	struct code code;
	const unsigned char *insn;

	if (!open_code(elf, vaddr, &code))
		return 0;
	insn = code.bytes + code.at;
	if (insn[0] == 0xb8)
		return (uint32_t)word_at(insn + 1);
	if (insn[0] == 0x8b && insn[1] == 0x05)
		address = relative(&code, code.at + 2);
	else if (insn[0] == 0x48 && insn[1] == 0x8d && insn[2] == 0x05 && insn[7] == 0x8b &&
		 insn[8] == 0x00)
		address = relative(&code, code.at + 3);
	if (!address || lt_elf__read(elf, address, &value, sizeof(value)))
		return 0;
	return value;
}

void lt_v8_code__blob(struct lt_elf *elf, const struct lt_v8_marks *marks,
		      struct lt_v8_layout *layout)
{
	uint64_t size;

	if (!layout->blob_begin) {
		layout->blob_begin = returned_address(elf, marks->blob_code);
		layout->blob_end = layout->blob_begin + returned_number(elf, marks->blob_code_size);
	}
	size = layout->blob_end - layout->blob_begin;
	if (!layout->blob_begin || layout->blob_end <= layout->blob_begin ||
	    size > BLOB_BYTES_MAX || lt_elf__offset(elf, layout->blob_begin, size, true) < 0)
		layout->blob_begin = layout->blob_end = 0;
}

/*
 * The builtin that calls C++ pushes the marker of an exit frame, then stores its frame pointer in the
 * isolate, whose fields are addressed from r13; later it passes the isolate itself.
 */
static int32_t c_entry_at(const unsigned char *bytes, size_t length)
{
	static const unsigned char store[] = { 0x49, 0x89, 0xad }; /* mov %rbp,disp32(%r13) */
	static const unsigned char pass[] = { 0x49, 0x8d, 0x55 }; /* lea disp8(%r13),%rdx */
	const unsigned char *found, *passed;
	int64_t offset;

	found = memmem(bytes, length < 24 ? length : 24, store, sizeof(store));
	if (!found || (size_t)(found - bytes) + 7 > length)
		return LT_V8_UNKNOWN;
	passed = memmem(found + 7, length - (size_t)(found + 7 - bytes), pass, sizeof(pass));
	if (!passed || (size_t)(passed - bytes) + 4 > length)
		return LT_V8_UNKNOWN;
	offset = (int64_t)word_at(found + 3) - (int8_t)passed[3];
	return offset > 0 && offset < C_ENTRY_MAX ? (int32_t)offset : LT_V8_UNKNOWN;
}

/* Looks for it in code of length bytes: all the places that are found must say the same. */
static int32_t scan_c_entry(struct lt_elf *elf, uint64_t vaddr, uint64_t length)
{
	static const unsigned char pushes[] = { 0x6a, 0x06, 0x6a, 0x00 }; /* push $6; push $0 */
	unsigned char *bytes, *p;
	int32_t offset = LT_V8_UNKNOWN;

	if (!length || length > BLOB_BYTES_MAX || lt_elf__offset(elf, vaddr, length, true) < 0)
		return LT_V8_UNKNOWN;
	bytes = malloc(length);
	if (!bytes || lt_elf__read(elf, vaddr, bytes, length)) {
		free(bytes);
		return LT_V8_UNKNOWN;
	}
	p = bytes;
	while ((p = memmem(p, length - (size_t)(p - bytes), pushes, sizeof(pushes)))) {
		size_t left = length - (size_t)(p - bytes) - sizeof(pushes);
		int32_t found;

		p += sizeof(pushes);
		found = c_entry_at(p, left < CODE_BYTES ? left : CODE_BYTES);
		if (found == LT_V8_UNKNOWN)
			continue;
		if (offset != LT_V8_UNKNOWN && offset != found) {
			offset = LT_V8_UNKNOWN;
			break;
		}
		offset = found;
	}
	free(bytes);
	return offset;
}

void lt_v8_code__c_entry(struct lt_elf *elf, const struct lt_v8_marks *marks,
			 struct lt_v8_layout *layout)
{
	uint64_t begin, length;

	if (marks->c_entry)
		layout->c_entry_fp = scan_c_entry(elf, marks->c_entry, CODE_BYTES + 16);
	else if (layout->blob_begin)
		layout->c_entry_fp = scan_c_entry(elf, layout->blob_begin,
						  layout->blob_end - layout->blob_begin);
	else if (!lt_elf__section(elf, ".text", &begin, &length))
		layout->c_entry_fp = scan_c_entry(elf, begin, length);
}

/* The address of the pthread key that the function passes on, 0 if it does not. */
static uint64_t key_address(const struct code *code)
{
	const unsigned char *insn = code->bytes + code->at;

	if (insn[0] != 0x8b || insn[1] != 0x3d) /* mov key(%rip),%edi */
		return 0;
	return relative(code, code->at + 2);
}

/* The offset from fs that the function reads, LT_V8_UNKNOWN if it reads none. Where the loader fills in the
 * offset, for libraries to see the variable, its symbol is exported too. */
static int32_t tls_read(const struct code *code)
{
	static const unsigned char read[] = { 0x64, 0x48, 0x8b, 0x04,
					      0x25 }; /* mov %fs:disp,%rax */
	const unsigned char *p = memmem(code->bytes, CODE_BYTES - 4, read, sizeof(read));
	int32_t offset = p ? word_at(p + sizeof(read)) : 0;

	return offset < 0 && offset > -TLS_MAX ? offset : LT_V8_UNKNOWN;
}

void lt_v8_code__isolate(struct lt_elf *elf, const struct lt_v8_marks *marks,
			 struct lt_v8_layout *layout)
{
	int64_t offset;
	struct code code;

	if (layout->isolate_key)
		return;
	if (!lt_elf__tls_offset(elf, "_ZN2v88internal18g_current_isolate_E", &offset)) {
		if (offset < 0 && offset > -TLS_MAX)
			layout->isolate_tls = (int32_t)offset;
		return;
	}
	if (!open_code(elf, marks->get_current, &code))
		return;
	layout->isolate_key = key_address(&code);
	if (!layout->isolate_key)
		layout->isolate_tls = tls_read(&code);
}

int32_t lt_v8_layout__key_tls(int32_t key)
{
	/* struct pthread of glibc on x86-64: specific_1stblock, 32 pairs of a sequence number and the data */
	enum {
		FIRST_BLOCK = 0x310,
		PAIR = 16,
		DATA = 8,
		KEYS = 32
	};

	return key < 0 || key >= KEYS ? LT_V8_UNKNOWN : FIRST_BLOCK + key * PAIR + DATA;
}
