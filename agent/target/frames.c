/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/frames.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/elf.h"
#include "agent/util/array.h"

/* Node 26 has 5 MB of 130,000 functions. */
#define SECTION_BYTES_MAX (64u << 20)
#define FUNCTIONS_MAX	  (1u << 20)

/* So that a common record cannot be made long to read: it may be read for each function. */
#define AUGMENTATION_MAX 16
#define LEB_BYTES_MAX	 10

/* How pointers are written: DW_EH_PE_… of the Linux Standard Base. */
enum {
	PE_FORMAT = 0x0f,
	PE_ABSOLUTE = 0x00,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_APPLICATION = 0xf0,
	PE_PC_RELATIVE = 0x10,
	PE_UNKNOWN = 0xff, /* DW_EH_PE_omit */
};

struct function {
	uint64_t begin, size;
};

struct lt_frames {
	struct function *functions; /* by their beginning */
	size_t n, capacity;
};

/* A part of the section that is read from its front; `bad` once it was too short. */
struct reader {
	const uint8_t *at, *end;
	uint64_t vaddr; /* of at */
	bool bad;
};

static uint64_t read_bytes(struct reader *r, size_t n)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < n) {
		r->bad = true;
		r->at = r->end;
		return 0;
	}
	memcpy(&value, r->at, n); /* little-endian, as every x86-64 file is */
	r->at += n;
	r->vaddr += n;
	return value;
}

/* Skips a LEB128 number; one of more than 64 bits is none. */
static void skip_leb(struct reader *r)
{
	for (int i = 0; i < LEB_BYTES_MAX; i++)
		if (!(read_bytes(r, 1) & 0x80))
			return;
	r->bad = true;
}

static size_t format_bytes(uint8_t encoding)
{
	switch (encoding & PE_FORMAT) {
	case PE_ABSOLUTE:
	case PE_UDATA8:
	case PE_SDATA8:
		return 8;
	case PE_UDATA4:
	case PE_SDATA4:
		return 4;
	case PE_UDATA2:
	case PE_SDATA2:
		return 2;
	default:
		return 0;
	}
}

static uint64_t read_pointer(struct reader *r, uint8_t encoding)
{
	uint64_t here = r->vaddr, value;
	size_t n = format_bytes(encoding);

	if (!n) {
		r->bad = true;
		return 0;
	}
	value = read_bytes(r, n);
	if ((encoding & PE_FORMAT) == PE_SDATA4)
		value = (uint64_t)(int64_t)(int32_t)value;
	else if ((encoding & PE_FORMAT) == PE_SDATA2)
		value = (uint64_t)(int64_t)(int16_t)value;
	return (encoding & PE_APPLICATION) == PE_PC_RELATIVE ? here + value : value;
}

/* One record: its length, and the word that tells of which kind it is. False: no more of them. */
struct record {
	struct reader body; /* behind the word */
	size_t id_at; /* of the word, in the section */
	uint32_t id;
};

static bool read_record(const uint8_t *section, uint64_t vaddr, size_t size, size_t at,
			struct record *ret_record)
{
	struct reader r = { section + at, section + size, vaddr + at, false };
	uint64_t length = read_bytes(&r, 4);

	if (length == UINT32_MAX)
		length = read_bytes(&r, 8);
	if (r.bad || length < 4 || length > (uint64_t)(r.end - r.at))
		return false; /* a length of 0 ends the section */
	r.end = r.at + length;
	ret_record->id_at = (size_t)(r.at - section);
	ret_record->id = (uint32_t)read_bytes(&r, 4);
	ret_record->body = r;
	return true;
}

/* How the functions of a common record (CIE) have their addresses written. */
static uint8_t pointer_encoding(struct reader r)
{
	uint8_t encoding = PE_ABSOLUTE, version = (uint8_t)read_bytes(&r, 1);
	const char *augmentation = (const char *)r.at;
	size_t left = (size_t)(r.end - r.at);
	size_t n = strnlen(augmentation, left < AUGMENTATION_MAX ? left : AUGMENTATION_MAX);

	if ((version != 1 && version != 3) || n == AUGMENTATION_MAX)
		return PE_UNKNOWN;
	for (size_t i = 0; i <= n; i++)
		read_bytes(&r, 1);
	if (n && augmentation[0] != 'z')
		return PE_UNKNOWN;
	skip_leb(&r); /* alignment of code */
	skip_leb(&r); /* and of data */
	if (version == 1)
		read_bytes(&r, 1); /* return register */
	else
		skip_leb(&r);
	if (n)
		skip_leb(&r); /* length of what follows */
	for (size_t i = 1; i < n && !r.bad; i++) {
		if (augmentation[i] == 'R')
			encoding = (uint8_t)read_bytes(&r, 1);
		else if (augmentation[i] == 'L')
			read_bytes(&r, 1);
		else if (augmentation[i] == 'P')
			read_pointer(&r, (uint8_t)read_bytes(&r, 1));
		else if (augmentation[i] != 'S' && augmentation[i] != 'B')
			return PE_UNKNOWN;
	}
	if (r.bad || ((encoding & PE_APPLICATION) && (encoding & PE_APPLICATION) != PE_PC_RELATIVE))
		return PE_UNKNOWN;
	return encoding;
}

static int add_function(struct lt_frames *frames, struct lt_elf *elf, struct reader r,
			uint8_t encoding)
{
	uint64_t begin = read_pointer(&r, encoding);
	uint64_t size = read_pointer(&r, encoding & PE_FORMAT);
	struct function *functions;

	if (r.bad || !size || lt_elf__offset(elf, begin, size, true) < 0)
		return 0;
	if (frames->n == FUNCTIONS_MAX)
		return -E2BIG;
	functions = lt_array_room(frames->functions, frames->n, &frames->capacity, 4096,
				  sizeof(*functions));
	if (!functions)
		return -ENOMEM;
	frames->functions = functions;
	frames->functions[frames->n++] = (struct function){ begin, size };
	return 0;
}

static int read_section(struct lt_frames *frames, struct lt_elf *elf, const uint8_t *section,
			uint64_t vaddr, size_t size)
{
	size_t at = 0, common_at = SIZE_MAX; /* of the common record whose encoding is known */
	uint8_t encoding = PE_UNKNOWN;
	struct record record, common;
	int err = 0;

	while (!err && at < size && read_record(section, vaddr, size, at, &record)) {
		at = (size_t)(record.body.end - section);
		if (!record.id || record.id > record.id_at)
			continue; /* a common record, or one that points out of the section */
		if (record.id_at - record.id != common_at) {
			common_at = record.id_at - record.id;
			encoding = PE_UNKNOWN;
			if (read_record(section, vaddr, size, common_at, &common) && !common.id)
				encoding = pointer_encoding(common.body);
		}
		if (encoding != PE_UNKNOWN)
			err = add_function(frames, elf, record.body, encoding);
	}
	return err;
}

static int by_begin(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

int lt_frames__read(struct lt_elf *elf, struct lt_frames **ret_frames)
{
	struct lt_frames *frames = calloc(1, sizeof(*frames));
	uint8_t *section = NULL;
	uint64_t vaddr, size;
	int err = frames ? lt_elf__section(elf, ".eh_frame", &vaddr, &size) : -ENOMEM;

	if (!err && size > SECTION_BYTES_MAX)
		err = -E2BIG;
	if (!err) {
		section = malloc(size + 1);
		err = section ? lt_elf__read(elf, vaddr, section, size) : -ENOMEM;
	}
	if (!err)
		err = read_section(frames, elf, section, vaddr, size);
	free(section);
	if (err) {
		lt_frames__free(frames);
		return err;
	}
	if (frames->n)
		qsort(frames->functions, frames->n, sizeof(*frames->functions), by_begin);
	*ret_frames = frames;
	return 0;
}

void lt_frames__free(struct lt_frames *frames)
{
	if (!frames)
		return;
	free(frames->functions);
	free(frames);
}

size_t lt_frames__count(const struct lt_frames *frames)
{
	return frames->n;
}

uint64_t lt_frames__size(const struct lt_frames *frames, uint64_t vaddr)
{
	size_t low = 0, high = frames->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (frames->functions[middle].begin < vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < frames->n && frames->functions[low].begin == vaddr
		       ? frames->functions[low].size
		       : 0;
}
