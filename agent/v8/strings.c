/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The representations of strings, taken apart without recursion, and their text. */
#include "agent/v8/strings.h"

#include <errno.h>

#include "agent/util/fmt.h"

/* Constant in all versions from 9.4 to 14.6 (facts: v8dbg symbols, checked on each). */
enum {
	STRING_LENGTH = 12,
	STRING_CHARS = 16,
	STRING_FIRST = 16,
	STRING_SECOND = 24
};
enum {
	TYPE_SEQUENTIAL,
	TYPE_CONS,
	TYPE_EXTERNAL,
	TYPE_SLICED,
	TYPE_THIN = 5
};

#define TYPE_REPRESENTATION 7
#define TYPE_ONE_BYTE	    8
#define TYPE_UNCACHED	    16

#define STRING_MAX	    (1 << 29) /* V8's own limit is just below */
#define OBJECTS_MAX	    256 /* that make up one string */
#define STACK_MAX	    64
#define ANY_LENGTH	    UINT32_MAX
#define TEXT_MAX	    4096
#define CHUNK_UNITS	    1024

/* A range of a string that is still to be taken apart. */
struct range {
	uint64_t word;
	uint32_t whole; /* length that the string must have, by what points at it */
	uint32_t from, length;
};

struct work {
	struct range stack[STACK_MAX];
	size_t n;
};

static int push(struct work *work, uint64_t word, uint32_t whole, uint32_t from, uint32_t length)
{
	if (!length)
		return 0;
	if (work->n == STACK_MAX)
		return -E2BIG;
	work->stack[work->n++] = (struct range){ word, whole, from, length };
	return 0;
}

/* Reads a string's head: its type, or -errno. */
static int read_head(struct lt_v8_heap *heap, uint64_t word, unsigned char head[32],
		     uint32_t *ret_length)
{
	int type = lt_v8_heap__object(heap, word, head, 16, 32);
	int32_t nonstring = heap->layout->first_nonstring_type;

	if (type < 0)
		return type;
	*ret_length = lt_half(head, STRING_LENGTH);
	return type < nonstring && *ret_length < STRING_MAX ? type : -EINVAL;
}

static int add_part(struct lt_v8_string *string, uint64_t address, const struct range *range,
		    bool one_byte)
{
	if (string->n_parts == LT_V8_PARTS_MAX)
		return -E2BIG;
	string->parts[string->n_parts++] = (struct lt_v8_part){
		.address = address + (uint64_t)range->from * (one_byte ? 1 : 2),
		.length = range->length,
		.one_byte = one_byte,
	};
	string->n_units += range->length;
	return 0;
}

/* whole: of the cons string. Its parts are as long as it is, or it is none. */
static int push_cons(struct lt_v8_heap *heap, struct work *work, const unsigned char *head,
		     const struct range *range, uint32_t whole)
{
	uint64_t first = lt_word(head, STRING_FIRST), second = lt_word(head, STRING_SECOND);
	unsigned char first_head[32];
	uint32_t length, end = range->from + range->length;
	int type = read_head(heap, first, first_head, &length), err;

	if (type < 0)
		return type;
	if (length > whole)
		return -EINVAL;
	/* the second below the first on the stack: pieces come out in order */
	err = end > length ? push(work, second, whole - length,
				  range->from > length ? range->from - length : 0,
				  end - (range->from > length ? range->from : length))
			   : 0;
	if (!err && range->from < length)
		err = push(work, first, length, range->from,
			   (end < length ? end : length) - range->from);
	return err;
}

/* Takes one object apart: a part of the string, or more work. */
static int take(struct lt_v8_heap *heap, struct work *work, const struct range *range,
		struct lt_v8_string *string)
{
	unsigned char head[32];
	uint32_t length;
	int type = read_head(heap, range->word, head, &length);
	uint64_t second = lt_word(head, STRING_SECOND);

	if (type < 0)
		return type;
	if (range->whole != ANY_LENGTH && range->whole != length)
		return -EINVAL;
	if (range->from > length || range->length > length - range->from)
		return -EINVAL;
	switch (type & TYPE_REPRESENTATION) {
	case TYPE_SEQUENTIAL:
		return add_part(string, lt_v8_address(range->word) + STRING_CHARS, range,
				type & TYPE_ONE_BYTE);
	case TYPE_EXTERNAL:
		if (type & TYPE_UNCACHED)
			return -EINVAL;
		return add_part(string, second, range, type & TYPE_ONE_BYTE);
	case TYPE_CONS:
		return push_cons(heap, work, head, range, length);
	case TYPE_THIN:
		return push(work, lt_word(head, STRING_FIRST), length, range->from, range->length);
	case TYPE_SLICED:
		if (!lt_v8_is_smi(second) || lt_v8_smi(second) < 0 ||
		    lt_v8_smi(second) >= STRING_MAX)
			return -EINVAL;
		return push(work, lt_word(head, STRING_FIRST), ANY_LENGTH,
			    range->from + (uint32_t)lt_v8_smi(second), range->length);
	default:
		return -EINVAL;
	}
}

int lt_v8_string__open(struct lt_v8_heap *heap, uint64_t word, uint32_t limit,
		       struct lt_v8_string *ret_string)
{
	struct work work = { .n = 0 };
	unsigned char head[32];
	uint32_t length;
	int err = read_head(heap, word, head, &length);

	if (err < 0)
		return err;
	ret_string->length = length;
	ret_string->n_units = 0;
	ret_string->n_parts = 0;
	err = push(&work, word, length, 0, length < limit ? length : limit);
	for (int i = 0; !err && work.n; i++) {
		struct range range = work.stack[--work.n];

		err = i < OBJECTS_MAX ? take(heap, &work, &range, ret_string) : -E2BIG;
	}
	return err;
}

/* Reads units of one part, widening in place from the back of the buffer. */
static int read_part(struct lt_v8_heap *heap, const struct lt_v8_part *part, uint32_t from,
		     uint16_t *units, uint32_t n)
{
	unsigned char *bytes;
	int err;

	if (!part->one_byte)
		return lt_v8_heap__read(heap, part->address + 2 * (uint64_t)from, units,
					2 * (size_t)n);
	bytes = (unsigned char *)units + n;
	err = lt_v8_heap__read(heap, part->address + from, bytes, n);
	for (uint32_t i = 0; !err && i < n; i++) {
		uint16_t unit = bytes[i];

		memcpy(&units[i], &unit, sizeof(unit));
	}
	return err;
}

int lt_v8_string__units(struct lt_v8_heap *heap, const struct lt_v8_string *string, uint32_t from,
			uint16_t *units, uint32_t n)
{
	if (from > string->n_units || n > string->n_units - from)
		return -ERANGE;
	for (size_t i = 0; n && i < string->n_parts; i++) {
		const struct lt_v8_part *part = &string->parts[i];
		uint32_t take_n = part->length > from ? part->length - from : 0;
		int err;

		if (take_n > n)
			take_n = n;
		err = take_n ? read_part(heap, part, from, units, take_n) : 0;
		if (err)
			return err;
		from -= from < part->length ? from : part->length;
		units += take_n;
		n -= take_n;
	}
	return 0;
}

/* One code point of n units at *i, which moves on; lone surrogates become U+FFFD. */
static uint32_t code_point(const uint16_t *units, uint32_t n, uint32_t *i)
{
	uint32_t c = units[(*i)++];

	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c < 0xdc00 && *i < n && units[*i] >= 0xdc00 && units[*i] <= 0xdfff)
		return 0x10000 + ((c - 0xd800) << 10) + (units[(*i)++] - 0xdc00u);
	return 0xfffd;
}

static size_t put_utf8(char *buf, uint32_t c)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		buf[0] = c ? (char)c : '?';
		return 1;
	}
	for (size_t i = n - 1; i; i--, c >>= 6)
		buf[i] = (char)(0x80 | (c & 0x3f));
	buf[0] = (char)(lead[n] | c);
	return n;
}

int lt_v8_string__text(struct lt_v8_heap *heap, uint64_t word, char *buf, size_t size)
{
	uint16_t units[CHUNK_UNITS];
	struct lt_v8_string string;
	char text[TEXT_MAX + 4];
	uint64_t before[2], after[2]; /* map, hash and length */
	size_t length = 0;
	uint32_t n;
	int err = lt_v8_heap__read(heap, lt_v8_address(word), before, sizeof(before));

	if (!err)
		err = lt_v8_string__open(heap, word, CHUNK_UNITS, &string);
	if (err)
		return err;
	n = string.n_units;
	err = lt_v8_string__units(heap, &string, 0, units, n);
	if (!err)
		err = lt_v8_heap__read(heap, lt_v8_address(word), after, sizeof(after));
	if (err)
		return err;
	/* another string was put there meanwhile: the units may be of both */
	if (memcmp(before, after, sizeof(before)) != 0)
		return -EAGAIN;
	for (uint32_t i = 0; i < n && length + 4 < size && length < TEXT_MAX;)
		length += put_utf8(text + length, code_point(units, n, &i));
	text[length] = '\0';
	lt_fmt_text(buf, size, text);
	return 0;
}
