/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * For the tests of the resolver: a piece of memory with objects of V8 in it, laid out as one of the verified
 * versions does. What is built here can be bent afterwards, also between two reads of one stack.
 */
#ifndef LOOPTOP_TESTS_V8_IMAGE_H
#define LOOPTOP_TESTS_V8_IMAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/v8/internal.h"
#include "agent/v8/layout_internal.h"

#define IMAGE_BASE     0x100000000ull
#define IMAGE_BLOB     0x70000000ull /* embedded builtins; nobody reads them */
#define IMAGE_TYPES    4096
#define IMAGE_VERSIONS 7

static const struct {
	int major, minor;
} image_versions[IMAGE_VERSIONS] = {
	{ 9, 4 }, { 10, 2 }, { 11, 3 }, { 12, 4 }, { 13, 6 }, { 14, 1 }, { 14, 6 },
};

struct image {
	uint8_t *bytes;
	size_t used, size;
	struct lt_v8_layout layout;
	uint64_t maps[IMAGE_TYPES]; /* by instance type */
	uint64_t undefined;
	/* Of the reader: */
	uint64_t reads, bytes_read;
	uint64_t fail_at; /* number of the read from which on all fail, or which fails; 0: none */
	bool fail_once;
	int fail_err;
	void (*before_read)(struct image *image, uint64_t address, size_t length);
	void *ctx; /* for before_read */
};

static inline uint64_t image_smi(int32_t value)
{
	return (uint64_t)(uint32_t)value << 32;
}

/* Where an address, or a tagged word, is in this program. */
static inline uint8_t *image_at(struct image *image, uint64_t address, size_t offset)
{
	return image->bytes + ((address & ~1ull) - IMAGE_BASE) + offset;
}

static inline void image_put(struct image *image, uint64_t object, int offset, uint64_t word)
{
	memcpy(image_at(image, object, (size_t)offset), &word, sizeof(word));
}

static inline void image_put_half(struct image *image, uint64_t object, int offset, uint32_t half)
{
	memcpy(image_at(image, object, (size_t)offset), &half, sizeof(half));
}

/* An address; the memory there is zero. */
static inline uint64_t image_alloc(struct image *image, size_t size, size_t alignment)
{
	image->used = (image->used + alignment - 1) / alignment * alignment;
	if (image->used + size > image->size)
		abort();
	image->used += size;
	return IMAGE_BASE + image->used - size;
}

static inline uint64_t image_map(struct image *image, int32_t type)
{
	uint64_t *map = &image->maps[type];

	if (!*map) {
		uint16_t value = (uint16_t)type;

		*map = image_alloc(image, 64, 8) + 1;
		image_put(image, *map, 0, image->maps[0xfff]);
		memcpy(image_at(image, *map, (size_t)image->layout.map_instance_type), &value,
		       sizeof(value));
	}
	return *map;
}

/* A new object, as a tagged word. */
static inline uint64_t image_object(struct image *image, int32_t type, size_t size)
{
	uint64_t map = image_map(image, type), word = image_alloc(image, size, 8) + 1;

	image_put(image, word, 0, map);
	return word;
}

/* --- strings ------------------------------------------------------------------------------------ */

enum image_string_type {
	IMAGE_TWO_BYTE = 0,
	IMAGE_CONS = 1,
	IMAGE_EXTERNAL = 2,
	IMAGE_SLICED = 3,
	IMAGE_THIN = 5,
	IMAGE_ONE_BYTE = 8,
	IMAGE_UNCACHED = 16
};

static inline uint32_t image_length(struct image *image, uint64_t string)
{
	uint32_t length;

	memcpy(&length, image_at(image, string, 12), sizeof(length));
	return length;
}

/* Any string: two words that depend on its type, or characters, follow its length. */
static inline uint64_t image_string_of(struct image *image, int type, uint32_t length,
				       uint64_t first, uint64_t second)
{
	uint64_t string = image_object(image, type, 32);

	image_put_half(image, string, 12, length);
	image_put(image, string, 16, first);
	image_put(image, string, 24, second);
	return string;
}

static inline uint64_t image_string(struct image *image, const char *latin1)
{
	size_t length = strlen(latin1);
	uint64_t string = image_object(image, IMAGE_ONE_BYTE, 16 + (length | 15) + 1);

	image_put_half(image, string, 12, (uint32_t)length);
	memcpy(image_at(image, string, 16), latin1, length);
	return string;
}

static inline uint64_t image_string16(struct image *image, const uint16_t *units, size_t n)
{
	uint64_t string = image_object(image, IMAGE_TWO_BYTE, 16 + (2 * n | 15) + 1);

	image_put_half(image, string, 12, (uint32_t)n);
	memcpy(image_at(image, string, 16), units, 2 * n);
	return string;
}

static inline uint64_t image_cons(struct image *image, uint64_t first, uint64_t second)
{
	return image_string_of(image, IMAGE_CONS | IMAGE_ONE_BYTE,
			       image_length(image, first) + image_length(image, second), first,
			       second);
}

static inline uint64_t image_sliced(struct image *image, uint64_t parent, int32_t from,
				    uint32_t length)
{
	return image_string_of(image, IMAGE_SLICED | IMAGE_ONE_BYTE, length, parent,
			       image_smi(from));
}

static inline uint64_t image_thin(struct image *image, uint64_t actual)
{
	return image_string_of(image, IMAGE_THIN | IMAGE_ONE_BYTE, image_length(image, actual),
			       actual, 0);
}

/* Characters outside of the heap. */
static inline uint64_t image_external(struct image *image, const void *units, uint32_t n,
				      bool one_byte)
{
	size_t size = (size_t)n * (one_byte ? 1 : 2);
	uint64_t data = image_alloc(image, size, 8);

	memcpy(image_at(image, data, 0), units, size);
	return image_string_of(image, IMAGE_EXTERNAL | (one_byte ? IMAGE_ONE_BYTE : 0), n, 0x1234,
			       data);
}

/* --- arrays --------------------------------------------------------------------------------------- */

static inline uint64_t image_bytes(struct image *image, const void *bytes, size_t n)
{
	uint64_t array = image_object(image, 0xf00, 16 + (n | 7) + 1);

	image_put(image, array, 8, image_smi((int32_t)n));
	memcpy(image_at(image, array, 16), bytes, n);
	return array;
}

static inline uint64_t image_array(struct image *image, const uint64_t *words, size_t n)
{
	uint64_t array = image_object(image, image->layout.fixed_array_type, 16 + 8 * n);

	image_put(image, array, 8, image_smi((int32_t)n));
	memcpy(image_at(image, array, 16), words, 8 * n);
	return array;
}

/* --- functions ------------------------------------------------------------------------------------- */

struct image_scope {
	uint64_t name, inferred; /* words, 0: none */
	int32_t n_locals, start, end;
	unsigned receiver; /* 0…3 */
	bool saved_class, module;
};

/* A ScopeInfo. */
static inline uint64_t image_scope(struct image *image, const struct image_scope *scope)
{
	const struct lt_v8_layout *layout = &image->layout;
	uint32_t flags = (scope->module ? 5u : 4u) | scope->receiver << 7 |
			 (uint32_t)scope->saved_class << 10 | (scope->name ? 1u << 12 : 0) |
			 (scope->inferred ? 1u << 14 : 0);
	bool new_layout = layout->scope_first_vars >= 5;
	size_t n_locals = (size_t)(scope->n_locals > 0 ? scope->n_locals : 0);
	uint64_t info = image_object(image, layout->scope_info_type, 8 * (2 * n_locals + 16));
	int at = 8 * (layout->scope_first_vars + 1);

	image_put(image, info, 8, new_layout ? flags : image_smi((int32_t)flags));
	image_put(image, info, 24, image_smi(scope->n_locals));
	if (new_layout) {
		image_put(image, info, 32, image_smi(scope->start));
		image_put(image, info, 40, image_smi(scope->end));
		at += scope->module ? 8 : 0;
	}
	for (size_t i = 0; i < (n_locals < 75 || layout->major < 10 ? n_locals : 1); i++, at += 8)
		image_put(image, info, at, image->undefined);
	for (size_t i = 0; i < n_locals; i++, at += 8)
		image_put(image, info, at, image_smi((int32_t)i));
	if (scope->saved_class)
		at += 8;
	if (layout->major < 10 && (scope->receiver == 1 || scope->receiver == 2))
		at += 8;
	if (scope->name) {
		image_put(image, info, at, scope->name);
		at += 16;
	}
	if (scope->inferred) {
		image_put(image, info, at, scope->inferred);
		at += 8;
	}
	if (!new_layout) {
		image_put(image, info, at, image_smi(scope->start));
		image_put(image, info, at + 8, image_smi(scope->end));
	}
	return info;
}

static inline uint64_t image_script(struct image *image, uint64_t name, uint64_t source)
{
	const struct lt_v8_layout *layout = &image->layout;
	uint64_t script = image_object(image, layout->script_type, 144);

	for (int at = 8; at < 136; at += 8)
		image_put(image, script, at, image->undefined);
	image_put(image, script, layout->script_line_offset, 0);
	image_put(image, script, layout->script_column_offset, 0);
	image_put(image, script, layout->script_name, name);
	image_put(image, script, layout->script_source, source);
	return script;
}

/* A SharedFunctionInfo. */
static inline uint64_t image_shared(struct image *image, uint64_t scope, uint64_t script,
				    uint64_t data)
{
	const struct lt_v8_layout *layout = &image->layout;
	uint64_t shared = image_object(image, layout->shared_type, 72);
	uint16_t token_offset = 0xffff;

	image_put(image, shared, layout->shared_function_data, data);
	image_put(image, shared, layout->shared_name_or_scope, scope);
	image_put(image, shared, layout->shared_script, script);
	memcpy(image_at(image, shared, (size_t)layout->shared_token_offset), &token_offset,
	       sizeof(token_offset));
	return shared;
}

static inline uint64_t image_function(struct image *image, uint64_t shared)
{
	uint64_t function = image_object(image, image->layout.function_type_first, 64);

	image_put(image, function, image->layout.function_shared, shared);
	return function;
}

static inline uint64_t image_bytecodes(struct image *image, const void *bytes, size_t n,
				       uint64_t positions)
{
	const struct lt_v8_layout *layout = &image->layout;
	uint64_t array = image_object(image, layout->bytecode_array_type,
				      (size_t)layout->bytecode_array_data + n + 64);

	image_put(image, array, 8, image_smi((int32_t)n));
	image_put(image, array, layout->bytecode_array_positions, positions);
	memcpy(image_at(image, array, (size_t)layout->bytecode_array_data), bytes, n);
	return array;
}

/* Compiled code: the address of its first instruction. */
static inline uint64_t image_code(struct image *image, int32_t kind, size_t size,
				  uint64_t positions, uint64_t deopt_data)
{
	const struct lt_v8_layout *layout = &image->layout;
	size_t header = (size_t)layout->code_header;
	uint64_t start, stream, code;

	image->used = (image->used + 127) / 32 * 32 + (32 - header % 32) % 32;
	stream = code = image_object(image, layout->instruction_stream_type, header + size + 96);
	start = stream - 1 + header;
	if (layout->code_instruction_start >= 0) {
		code = image_object(image, layout->code_type, 96);
		image_put(image, stream, 8, code);
		image_put(image, code, layout->code_instruction_start, start);
	}
	image_put(image, code, layout->code_deopt_data, deopt_data);
	image_put(image, code, layout->code_positions, positions);
	image_put_half(image, code, layout->code_instruction_size, (uint32_t)size);
	image_put_half(image, code, layout->code_flags, (uint32_t)kind);
	return start;
}

/* --- position tables -------------------------------------------------------------------------------- */

struct image_table {
	uint8_t bytes[512];
	size_t n;
	int64_t code;
	uint64_t value;
};

static inline void image_table_vlq(struct image_table *table, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		table->bytes[table->n++] = (uint8_t)(value | 0x80);
	table->bytes[table->n++] = (uint8_t)value;
}

static inline uint64_t image_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline uint64_t image_position(int32_t script_offset, int32_t inlining_id)
{
	return (uint64_t)(script_offset + 1) << 1 | (uint64_t)(inlining_id + 1) << 31;
}

/* Adds an entry; code offsets grow from -1 on. */
static inline void image_table_add(struct image_table *table, bool new_encoding, int64_t code,
				   uint64_t value)
{
	int64_t delta = code - (table->n ? table->code : -1);

	/* the same offset may be a statement's or an expression's */
	image_table_vlq(table, new_encoding ? (uint64_t)delta << 2 | (value >> 1 & 3)
			       : value & 2  ? image_zigzag(-delta - 1)
					    : image_zigzag(delta));
	image_table_vlq(table, image_zigzag((int64_t)(value - table->value)));
	table->code = code;
	table->value = value;
}

/* --- the whole -------------------------------------------------------------------------------------- */

static inline int image_read(void *ctx, uint64_t address, void *buf, size_t length)
{
	struct image *image = ctx;

	image->reads++;
	image->bytes_read += length;
	if (image->before_read)
		image->before_read(image, address, length);
	if (image->fail_at && (image->reads == image->fail_at ||
			       (image->reads > image->fail_at && !image->fail_once)))
		return image->fail_err;
	if (address < IMAGE_BASE || address - IMAGE_BASE > image->used ||
	    length > image->used - (address - IMAGE_BASE))
		return -EFAULT;
	memcpy(buf, image->bytes + (address - IMAGE_BASE), length);
	return 0;
}

static inline struct lt_v8_memory image_memory(struct image *image)
{
	return (struct lt_v8_memory){ image_read, image };
}

/* An empty heap of one of the versions. size: what will be put into it, at most. */
static inline void image_new(struct image *image, size_t version, size_t size)
{
	struct lt_v8_layout *layout = &image->layout;

	memset(image, 0, sizeof(*image));
	image->size = size;
	image->bytes = calloc(1, size);
	if (!image->bytes)
		abort();
#define UNKNOWN(member) layout->member = LT_V8_UNKNOWN;
	LT_V8_FIELDS(UNKNOWN)
#undef UNKNOWN
	layout->level = LT_V8_LINES;
	layout->major = image_versions[version].major;
	layout->minor = image_versions[version].minor;
	layout->new_positions = layout->major >= 14;
	if (!lt_v8_known__fill(layout))
		abort();
	layout->blob_begin = IMAGE_BLOB;
	layout->blob_end = IMAGE_BLOB + 0x100000;
	layout->c_entry_fp = 0x140;
	image->maps[0xfff] = image_alloc(image, 64, 8) + 1;
	image_put(image, image->maps[0xfff], 0, image->maps[0xfff]);
	image->undefined = image_object(image, 0xf01, 32);
}

static inline void image_free(struct image *image)
{
	free(image->bytes);
}

/* A resolver of the image, with no symbols. */
static inline struct lt_v8 *image_resolver(struct image *image)
{
	struct lt_v8_opts opts = { .pid = -1,
				   .layout = &image->layout,
				   .memory = image_memory(image) };
	struct lt_v8 *v8 = lt_v8__new(&opts);

	if (!v8)
		abort();
	return v8;
}

#endif
