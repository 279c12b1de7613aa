/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Node.js 16 … 26: V8's pauses, its compilations, and whose work the thread pool does. Mangled names are matched by
 * their beginning: signatures change with each major version of V8.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/runtime/node_deduce.h"
#include "agent/runtime/registry.h"
#include "agent/util/text.h"
#include "agent/v8/layout.h"

#define V8 "_ZN2v88internal"
#define GC(name, what, is_optional) \
	{ .symbol = V8 name, .prefix = true, .optional = is_optional, .find = lt_find_entry, \
	  .role = what, .group = LT_GROUP_GC, .cost = "garbage collection pauses are unknown" }

#define FATAL(last, how) \
	{ .symbol = V8 "2V823FatalProcessOutOfMemoryEPNS0_7IsolateEPKc" last, .optional = true, \
	  .find = lt_find_entry, .role = LT_ROLE_OUT_OF_MEMORY, .arg = how, .group = LT_GROUP_GC }

#define JIT(name, what, compiler, is_optional, lost) \
	{ .symbol = V8 name, .prefix = true, .optional = is_optional, .find = lt_find_entry, \
	  .role = what, .arg = compiler, .group = LT_GROUP_JIT, .cost = lost }

static const struct lt_rule rules[] = {
	/* V8 9.4 (Node 16) has Start and Stop, later ones the observable pause */
	GC("8GCTracer5StartE", LT_ROLE_GC_BEGIN, true),
	GC("8GCTracer4StopENS0_16GarbageCollectorE", LT_ROLE_GC_END, true),
	GC("8GCTracer20StartObservablePauseE", LT_ROLE_GC_BEGIN, true),
	GC("8GCTracer19StopObservablePauseE", LT_ROLE_GC_END, true),
	GC("4Heap24PerformGarbageCollectionE", LT_ROLE_GC_KIND, false),
	GC("18IncrementalMarking4StepE", LT_ROLE_STEP_BEGIN, false),
	/* the last thing that V8 does of its own when a heap, or the process, has no more memory */
	FATAL("b", LT_MEMORY_BOOL), /* Node 16, 18 */
	FATAL("RKNS_10OOMDetailsE", LT_MEMORY_DETAILS),
	FATAL("S5_", LT_MEMORY_OTHER),
	{ .symbol = V8 "18IncrementalMarking4StepE", .prefix = true, .find = lt_find_exits,
	  .role = LT_ROLE_STEP_END, .group = LT_GROUP_GC, .cost = "marking slices are not timed" },
	/* Each is called once for each function that gets code, by whatever way it comes to that. The first one
	 * compiles when a function is called for the first time; functions inside of others may come with them. */
	JIT("8Compiler7CompileEPNS0_7IsolateENS0_6HandleINS0_18SharedFunctionInfoE", LT_ROLE_COMPILED,
	    LT_COMPILER_BYTECODE, false, "functions that are compiled to bytecode are not counted"),
	JIT("8baseline16BaselineCompiler12GenerateCodeE", LT_ROLE_COMPILED, LT_COMPILER_BASELINE, false,
	    "functions that Sparkplug compiles are not counted"),
	/* from Node 24 on */
	JIT("6maglev20MaglevCompilationJob15FinalizeJobImplE", LT_ROLE_COMPILED, LT_COMPILER_MIDTIER, true,
	    NULL),
	JIT("8compiler22PipelineCompilationJob15FinalizeJobImplE", LT_ROLE_COMPILED,
	    LT_COMPILER_OPTIMISING, false, "functions that TurboFan compiles are not counted"),
	JIT("11Deoptimizer3NewE", LT_ROLE_DEOPT, 0, false, "deoptimisations are not counted"),
	{ 0 },
};

static const struct lt_address_rule addresses[] = {
	{ "_ZN4node11Environment14CheckImmediateEP", true, offsetof(struct lt_image, check_immediate) },
	{ "_ZN4node11Environment9RunTimersEP", true, offsetof(struct lt_image, run_timers) },
	/* the lambda that is every task's work callback: gcc and clang name its invoker differently */
	{ LT_NODE_SCHEDULE_WORK "UlP9uv_work_sE_4_FUNES2_", true, offsetof(struct lt_image, task_cb) },
	{ LT_NODE_SCHEDULE_WORK "KUlP9uv_work_sE_8__invokeES2_", true, offsetof(struct lt_image, task_cb) },
	{ LT_NODE_SCHEDULE_WORK "UlP9uv_work_sE_8__invokeES2_", true, offsetof(struct lt_image, task_cb) },
	{ 0 },
};

static enum lt_kind class_kind(const char *vtable_symbol)
{
	bool job = strstr(vtable_symbol, "Job") || strstr(vtable_symbol, "Work");

	if (strncmp(vtable_symbol, "_ZTVN", 5))
		return LT_KIND_MAX;
	if (job && strstr(vtable_symbol, "6crypto"))
		return LT_KIND_CRYPTO;
	/* Node 26 reads and writes whole files, copies and lists folders in one task each; a backup of a database is
	 * reading and writing, too. */
	if (job && (lt_starts_with(vtable_symbol, "_ZTVN4node2fs") ||
		    lt_starts_with(vtable_symbol, "_ZTVN4node6sqlite")))
		return LT_KIND_FS;
	/* Copies of Blobs in memory, and what a histogram computes: of no kind that has a name. */
	if (strstr(vtable_symbol, "FixedSizeBlobCopyJob") || strstr(vtable_symbol, "QrdeJob"))
		return LT_KIND_OTHER;
	if (strstr(vtable_symbol, "ZlibStream") || strstr(vtable_symbol, "ZstdStream") ||
	    strstr(vtable_symbol, "ZstdCompressStream") ||
	    strstr(vtable_symbol, "ZstdDecompressStream") || strstr(vtable_symbol, "BrotliEncoder") ||
	    strstr(vtable_symbol, "BrotliDecoder") || strstr(vtable_symbol, "CompressionStream"))
		return LT_KIND_ZLIB;
	if (strstr(vtable_symbol, "uvimpl4Work"))
		return LT_KIND_NAPI;
	return LT_KIND_MAX;
}

#define SCAN_BLOCK (1u << 20)

/* The release's name stands in the read-only data: ".../node-v20.20.2.tar.gz" and the like. */
static void find_version(struct lt_elf *elf, struct lt_image *image)
{
	static const char mark[] = "/node-v";
	uint64_t vaddr, size;
	char *block;

	if (lt_elf__section(elf, ".rodata", &vaddr, &size))
		return;
	block = malloc(SCAN_BLOCK + 64);
	for (uint64_t at = 0; block && at < size && !image->runtime_version[0]; at += SCAN_BLOCK) {
		size_t n = size - at < SCAN_BLOCK + 64 ? size - at : SCAN_BLOCK + 64;
		const char *found;
		int major, minor, patch;

		if (lt_elf__read(elf, vaddr + at, block, n))
			break;
		found = memmem(block, n, mark, sizeof(mark) - 1);
		if (!found || block + n - found < 32)
			continue;
		if (sscanf(found + sizeof(mark) - 1, "%3d.%3d.%3d", &major, &minor, &patch) == 3)
			snprintf(image->runtime_version, sizeof(image->runtime_version), "%d.%d.%d",
				 major, minor, patch);
	}
	free(block);
}

/* A task's kind is told by its class or, since Node 20, by the name that it carries; or not at all. */
static void hide_kinds(struct lt_image *image)
{
	image->hidden_kinds = 1u << LT_KIND_CRYPTO | 1u << LT_KIND_ZLIB | 1u << LT_KIND_NAPI;
	if (!image->task_cb)
		return;
	for (size_t i = 0; i < image->n_classes; i++)
		image->hidden_kinds &= ~(1u << image->classes[i].kind);
	if (image->task_type_off)
		image->hidden_kinds = 0;
}

static void name_lost_stacks(struct lt_image *image)
{
	if (image->v8.level == LT_V8_NONE)
		return;
	lt_image__miss(image, "the file is stripped: builtins and native functions that are not exported have "
			      "no names in stacks");
	if (!image->v8.bytecode_sizes)
		lt_image__miss(image, "the file is stripped: sizes of bytecodes are unknown; a function in "
				      "baseline code has the line where it begins, and no column");
}

static void finish(struct lt_elf *elf, struct lt_image *image,
		   const uint64_t functions[LT_DECODED_MAX])
{
	(void)functions;
	find_version(elf, image);
	lt_v8_layout__read(elf, &image->v8);
	/* From a task (uv_work_t.work_req): its ThreadPoolWork begins 104 bytes before, with its vtable
	 * pointer; behind its uv_work_t stands the name of its kind, in Node 20 and later. */
	image->task_class_off = -104;
	image->task_type_off = atoi(image->runtime_version) >= 20 ? 40 : 0;
	if (image->stripped)
		name_lost_stacks(image);
	hide_kinds(image);
	if (!image->task_cb)
		lt_image__miss(image, "the work callback of Node's pool tasks: not found; crypto, zlib "
				      "and napi tasks are counted as other");
	else if (image->hidden_kinds)
		lt_image__miss(image, "the file is stripped: classes of zlib tasks are not exported, and Node "
				      "before 20 does not name them; zlib and napi tasks are counted as other");
}

const struct lt_runtime lt_runtime_node = {
	.name = "node",
	.mark = "_ZN4node11Environment",
	.rules = rules,
	.addresses = addresses,
	.class_kind = class_kind,
	.finish = finish,
	.deduce = lt_node_deduce,
};
