/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Names tell the work. Functions of the application are never matched: one may be called anything. What
 * lies between the application's function and the top of the stack is the runtime's, whose names are known.
 */
#include "agent/doctor/work.h"

#include <string.h>

#include "agent/util/text.h"

enum match {
	MATCH_IS,
	MATCH_BEGINS,
	MATCH_HAS
};

struct sign {
	enum lt_work work;
	enum match match;
	const char *text;
};

/* Functions that the runtime's JavaScript exports. */
static const struct sign functions[] = {
	{ LT_WORK_CHILD_PROCESS, MATCH_IS, "spawnSync" },
	{ LT_WORK_CHILD_PROCESS, MATCH_IS, "execSync" },
	{ LT_WORK_CHILD_PROCESS, MATCH_IS, "execFileSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "pbkdf2Sync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "scryptSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "hkdfSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "argon2Sync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "generateKeyPairSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "generateKeySync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "generatePrimeSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "checkPrimeSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "randomBytes" },
	{ LT_WORK_CRYPTO, MATCH_IS, "randomFillSync" },
	{ LT_WORK_CRYPTO, MATCH_IS, "createHash" },
	{ LT_WORK_ZLIB, MATCH_IS, "gzipSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "gunzipSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "deflateSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "inflateSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "deflateRawSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "inflateRawSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "unzipSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "brotliCompressSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "brotliDecompressSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "zstdCompressSync" },
	{ LT_WORK_ZLIB, MATCH_IS, "zstdDecompressSync" },
	{ LT_WORK_ZLIB, MATCH_BEGINS, "zlibBufferSync" },
};

/* Files of the runtime's JavaScript: what is not asynchronous in them blocks. */
static const struct sign files[] = {
	{ LT_WORK_CHILD_PROCESS, MATCH_IS, "child_process" },
	{ LT_WORK_CHILD_PROCESS, MATCH_BEGINS, "internal/child_process" },
	{ LT_WORK_CRYPTO, MATCH_IS, "crypto" },
	{ LT_WORK_CRYPTO, MATCH_BEGINS, "internal/crypto/" },
	{ LT_WORK_ZLIB, MATCH_IS, "zlib" },
	{ LT_WORK_FS, MATCH_IS, "fs" },
	{ LT_WORK_FS, MATCH_BEGINS, "internal/fs/" },
};

/* V8's builtins, and native code: V8's, Node's, the libraries'. */
static const struct sign symbols[] = {
	{ LT_WORK_JSON, MATCH_BEGINS, "JSON.parse" },
	{ LT_WORK_JSON, MATCH_BEGINS, "JSON.stringify" },
	{ LT_WORK_JSON, MATCH_BEGINS, "JsonParse" },
	{ LT_WORK_JSON, MATCH_BEGINS, "JsonStringify" },
	{ LT_WORK_JSON, MATCH_HAS, "::JsonParser" },
	{ LT_WORK_JSON, MATCH_HAS, "::JsonStringif" },
	{ LT_WORK_JSON, MATCH_HAS, "::FastJsonStringif" },
	{ LT_WORK_REGEXP, MATCH_BEGINS, "RegExp" },
	{ LT_WORK_REGEXP, MATCH_IS, "(regular expression)" },
	{ LT_WORK_REGEXP, MATCH_HAS, "::RegExp" },
	{ LT_WORK_REGEXP, MATCH_HAS, "rregexp" },
	{ LT_WORK_CHILD_PROCESS, MATCH_HAS, "node::SyncProcessRunner" },
	{ LT_WORK_TLS, MATCH_HAS, "node::crypto::TLSWrap" },
	{ LT_WORK_TLS, MATCH_HAS, "node::crypto::SecureContext" },
	{ LT_WORK_TLS, MATCH_BEGINS, "SSL_" },
	{ LT_WORK_CRYPTO, MATCH_HAS, "node::crypto::" },
	{ LT_WORK_CRYPTO, MATCH_BEGINS, "EVP_" },
	{ LT_WORK_CRYPTO, MATCH_BEGINS, "PKCS5_PBKDF2" },
	{ LT_WORK_ZLIB, MATCH_HAS, "node::zlib::" },
	{ LT_WORK_ZLIB, MATCH_HAS, "::ZlibStream" },
	{ LT_WORK_ZLIB, MATCH_HAS, "::ZlibContext" },
	{ LT_WORK_ZLIB, MATCH_HAS, "::BrotliEncoder" },
	{ LT_WORK_ZLIB, MATCH_HAS, "::BrotliDecoder" },
	{ LT_WORK_FS, MATCH_HAS, "node::fs::" },
	{ LT_WORK_FS, MATCH_BEGINS, "uv_fs_" },
};

static bool matches(const struct sign *sign, const char *text)
{
	switch (sign->match) {
	case MATCH_IS:
		return !strcmp(text, sign->text);
	case MATCH_BEGINS:
		return lt_starts_with(text, sign->text);
	default:
		return strstr(text, sign->text) != NULL;
	}
}

static enum lt_work look_up(const struct sign *signs, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (matches(&signs[i], text))
			return signs[i].work;
	return LT_WORK_JAVASCRIPT;
}

#define LOOK_UP(signs, text) look_up(signs, sizeof(signs) / sizeof((signs)[0]), text)

enum lt_work lt_work_of_frame(const struct lt_stack_frame *frame)
{
	const char *file = frame->file;
	enum lt_work work;

	if (frame->type != LT_FRAME_JS)
		return LOOK_UP(symbols, frame->function);
	/* Node's own modules are "node:fs", and were "fs.js" or "internal/fs/utils.js" before. */
	if (frame->user || !file || file[0] == '/')
		return LT_WORK_JAVASCRIPT;
	work = LOOK_UP(functions, frame->function);
	if (work != LT_WORK_JAVASCRIPT)
		return work;
	if (lt_starts_with(file, "node:"))
		file += 5;
	work = LOOK_UP(files, file);
	/* A call like fs.readFile only submits: its work is elsewhere. */
	if ((work == LT_WORK_FS || work == LT_WORK_CHILD_PROCESS) &&
	    !lt_ends_with(frame->function, "Sync"))
		return LT_WORK_JAVASCRIPT;
	return work;
}

/* Frames from the application's function, which is not among them, inwards: the function that it called
 * names the work better than what that is made of. */
static const struct lt_stack_frame *telling_frame(const struct lt_stall *stall)
{
	size_t n = stall->stack ? stall->n_stack : 0;

	for (size_t i = 0; i < n; i++)
		if (&stall->stack[i] == stall->where)
			n = i;
	while (n-- > 0)
		if (lt_work_of_frame(&stall->stack[n]) != LT_WORK_JAVASCRIPT)
			return &stall->stack[n];
	if (stall->below && lt_work_of_frame(stall->below) != LT_WORK_JAVASCRIPT)
		return stall->below;
	return NULL;
}

const struct lt_stack_frame *lt_work_frame(const struct lt_stall *stall)
{
	const struct lt_stack_frame *frame = telling_frame(stall);

	return frame ? frame : stall->below;
}

enum lt_work lt_work_of_stall(const struct lt_stall *stall)
{
	const struct lt_stack_frame *frame;

	if (stall->starvation == LT_STARVED_BY_NEXT_TICK)
		return LT_WORK_NEXT_TICK;
	if (stall->starvation == LT_STARVED_BY_MICROTASKS)
		return LT_WORK_MICROTASKS;
	frame = telling_frame(stall);
	if (frame)
		return lt_work_of_frame(frame);
	return stall->cause == LT_CAUSE_SYNC_IO ? LT_WORK_WAIT : LT_WORK_JAVASCRIPT;
}
