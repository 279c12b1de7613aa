/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What a symbol is called on screen. V8 names its builtins after the JavaScript functions that they are, in
 * one word; that is taken apart only where the result is surely what people call the function.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/util/fmt.h"
#include "agent/v8/demangle.h"

#define TEXT_MAX 256

static const char builtins[] = "Builtins_";

/* Objects whose functions the builtins that begin like this are. */
static const struct {
	const char *prefix, *object;
} namespaces[] = {
	{ "Json", "JSON" },	  { "Math", "Math" },	    { "Reflect", "Reflect" },
	{ "Console", "console" }, { "Atomics", "Atomics" },
};

/* Methods of Array whose builtins are called without "Prototype". */
static const char *const array_methods[] = {
	"Concat", "Every", "Filter", "ForEach", "Includes",    "IndexOf", "Map",
	"Pop",	  "Push",  "Reduce", "Shift",	"ReduceRight", "Some",	  "Unshift",
};

/* A part of a function that goes on after a deoptimization, a closure that it makes, …: no function of
 * JavaScript. */
static bool is_auxiliary(const char *name)
{
	static const char *const marks[] = { "_",	"Continuation", "Constructor", "Trampoline",
					     "Closure", "Condition",	"Mutex",       "Impl" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(name, marks[i]))
			return true;
	return false;
}

/* "ForEach" → "forEach" */
static void print_method(char *buf, size_t size, const char *object, int object_length,
			 const char *middle, const char *method)
{
	snprintf(buf, size, "%.*s%s%c%s", object_length, object, middle,
		 tolower((unsigned char)method[0]), method + 1);
}

static void builtin_text(char *buf, size_t size, const char *name)
{
	static const char prototype[] = "Prototype", array[] = "Array";
	const char *method = strstr(name, prototype);

	snprintf(buf, size, "%s", name);
	if (is_auxiliary(name))
		return;
	if (method && method > name && isupper((unsigned char)method[sizeof(prototype) - 1])) {
		print_method(buf, size, name, (int)(method - name), ".prototype.",
			     method + sizeof(prototype) - 1);
		return;
	}
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		size_t length = strlen(namespaces[i].prefix);

		if (!strncmp(name, namespaces[i].prefix, length) &&
		    isupper((unsigned char)name[length])) {
			print_method(buf, size, namespaces[i].object,
				     (int)strlen(namespaces[i].object), ".", name + length);
			return;
		}
	}
	if (strncmp(name, array, sizeof(array) - 1))
		return;
	for (size_t i = 0; i < sizeof(array_methods) / sizeof(array_methods[0]); i++)
		if (!strcmp(name + sizeof(array) - 1, array_methods[i])) {
			print_method(buf, size, array, sizeof(array) - 1, ".prototype.",
				     array_methods[i]);
			return;
		}
}

char *lt_symbol_text(char *buf, size_t size, const char *symbol)
{
	char text[TEXT_MAX];

	if (!strncmp(symbol, builtins, sizeof(builtins) - 1) && symbol[sizeof(builtins) - 1]) {
		builtin_text(text, sizeof(text), symbol + sizeof(builtins) - 1);
	} else if (!lt_demangle(symbol, text, sizeof(text))) {
		snprintf(text, sizeof(text), "%s", symbol);
		/* "memcpy@GLIBC_2.14"; "f.part.0", "f.constprop.0", but not ".L1" */
		text[strcspn(text + 1, "@.") + (text[0] ? 1 : 0)] = '\0';
	}
	return lt_fmt_text(buf, size, text);
}
