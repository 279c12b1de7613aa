/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Frames without JavaScript: the name of the C or C++ function, or of the builtin as JavaScript writes it.
 * What only leads from JavaScript into C++ is left out, for it says nothing of the work.
 */
#include "agent/v8/internal.h"

#include "agent/util/text.h"

#define BUILTIN_PREFIX	    "v8::internal::Builtin_"
#define BUILTIN_IMPL_PREFIX "v8::internal::Builtin_Impl_"

static const struct {
	const char *symbol, *name;
} builtins[] = {
	{ "ArrayConcat", "Array.prototype.concat" },
	{ "ArrayEvery", "Array.prototype.every" },
	{ "ArrayFilter", "Array.prototype.filter" },
	{ "ArrayForEach", "Array.prototype.forEach" },
	{ "ArrayFrom", "Array.from" },
	{ "ArrayIncludes", "Array.prototype.includes" },
	{ "ArrayIndexOf", "Array.prototype.indexOf" },
	{ "ArrayMap", "Array.prototype.map" },
	{ "ArrayPrototypeFind", "Array.prototype.find" },
	{ "ArrayPrototypeFill", "Array.prototype.fill" },
	{ "ArrayPrototypeJoin", "Array.prototype.join" },
	{ "ArrayPrototypeReverse", "Array.prototype.reverse" },
	{ "ArrayPrototypeSlice", "Array.prototype.slice" },
	{ "ArrayPrototypeSort", "Array.prototype.sort" },
	{ "ArrayPrototypeSplice", "Array.prototype.splice" },
	{ "ArrayReduce", "Array.prototype.reduce" },
	{ "ArrayReduceRight", "Array.prototype.reduceRight" },
	{ "ArrayShift", "Array.prototype.shift" },
	{ "ArraySome", "Array.prototype.some" },
	{ "ArrayUnshift", "Array.prototype.unshift" },
	{ "AtomicsWait", "Atomics.wait" },
	{ "GlobalDecodeURIComponent", "decodeURIComponent" },
	{ "GlobalEncodeURIComponent", "encodeURIComponent" },
	{ "GlobalEval", "eval" },
	{ "JsonParse", "JSON.parse" },
	{ "JsonStringify", "JSON.stringify" },
	{ "ObjectAssign", "Object.assign" },
	{ "ObjectEntries", "Object.entries" },
	{ "ObjectFromEntries", "Object.fromEntries" },
	{ "ObjectKeys", "Object.keys" },
	{ "ObjectValues", "Object.values" },
	{ "RegExpPrototypeExec", "RegExp.prototype.exec" },
	{ "RegExpPrototypeTest", "RegExp.prototype.test" },
	{ "StringPrototypeIndexOf", "String.prototype.indexOf" },
	{ "StringPrototypeIncludes", "String.prototype.includes" },
	{ "StringPrototypeLocaleCompare", "String.prototype.localeCompare" },
	{ "StringPrototypeMatch", "String.prototype.match" },
	{ "StringPrototypeMatchAll", "String.prototype.matchAll" },
	{ "StringPrototypeNormalizeIntl", "String.prototype.normalize" },
	{ "StringPrototypeReplace", "String.prototype.replace" },
	{ "StringPrototypeReplaceAll", "String.prototype.replaceAll" },
	{ "StringPrototypeSearch", "String.prototype.search" },
	{ "StringPrototypeSplit", "String.prototype.split" },
	{ "StringPrototypeToLowerCaseIntl", "String.prototype.toLowerCase" },
	{ "StringPrototypeToUpperCaseIntl", "String.prototype.toUpperCase" },
	{ "TypedArrayPrototypeSort", "TypedArray.prototype.sort" },
	{ "TypedArrayPrototypeFill", "TypedArray.prototype.fill" },
};

/* Beginnings of names. */
static const char *const plumbing[] = {
	"Builtins_",
	"v8::internal::Builtin_HandleApiCall",
	"v8::internal::Builtin_Impl_HandleApiCall",
	"v8::internal::Builtins::InvokeApiFunction",
	"v8::internal::FunctionCallbackArguments::Call",
	"v8::internal::PropertyCallbackArguments::",
	"v8::internal::MaybeHandle",
	"v8::internal::(anonymous namespace)::HandleApiCallHelper",
	"v8::internal::(anonymous namespace)::Invoke",
	"v8::internal::Execution::",
	"v8::internal::MicrotaskQueue::",
};

const char *lt_v8_native__symbol(struct lt_v8 *v8, uint64_t pc)
{
	const char *file;

	return v8->symbols && pc ? lt_symbols__name(v8->symbols, pc, &file) : NULL;
}

const char *lt_v8_native__builtin(const char *symbol)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].symbol, symbol))
			return builtins[i].name;
	return NULL;
}

/* A builtin that is written in C++ has a function of its own. */
static const char *cpp_builtin(const char *name)
{
	if (lt_starts_with(name, BUILTIN_IMPL_PREFIX))
		return lt_v8_native__builtin(name + strlen(BUILTIN_IMPL_PREFIX));
	if (lt_starts_with(name, BUILTIN_PREFIX))
		return lt_v8_native__builtin(name + strlen(BUILTIN_PREFIX));
	return NULL;
}

bool lt_v8_native__frame(struct lt_v8 *v8, uint64_t pc, enum lt_pc_class class,
			 struct lt_stack_frame *ret_frame)
{
	struct lt_stack_frame frame = { .type = LT_FRAME_NATIVE };
	const char *name = NULL, *file = NULL, *builtin;

	if (v8->symbols && pc)
		name = lt_symbols__name(v8->symbols, pc, &file);
	if (!name)
		return false;
	builtin = class == LT_PC_BUILTIN ? lt_v8_native__builtin(name) : cpp_builtin(name);
	if (class == LT_PC_BUILTIN && !builtin && !strchr(name, '.'))
		return false; /* none that people write */
	if (class == LT_PC_BUILTIN && !builtin)
		builtin = name;
	if (builtin) {
		frame.type = LT_FRAME_BUILTIN;
		name = builtin;
		file = NULL;
	}
	for (size_t i = 0; !builtin && i < sizeof(plumbing) / sizeof(plumbing[0]); i++)
		if (lt_starts_with(name, plumbing[i]))
			return false;
	frame.function = lt_arena__text(&v8->arena, name);
	frame.file = file ? lt_arena__text(&v8->arena, file) : NULL;
	*ret_frame = frame;
	return frame.function != NULL;
}
