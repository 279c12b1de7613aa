/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Names of functions and where they stand, by SharedFunctionInfo and ScopeInfo, in each version's layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/v8_moving.h"
#include "tests/unit/v8_stage.h"

#define IMAGE_BYTES (4 << 20)

static int set_up(void **state)
{
	(void)state;
	return stage_open(4, IMAGE_BYTES);
}

static uint64_t shared_of(const struct image_scope *scope)
{
	uint64_t script = image_script(&image, text("/srv/app.js"), text("source"));

	return image_shared(&image, image_scope(&image, scope), script, image.undefined);
}

static int get(uint64_t word, struct lt_v8_shared *ret_shared)
{
	lt_v8_heap__begin(&v8->heap);
	return lt_v8_shared__get(v8, word - 1, ret_shared);
}

static void check(const struct image_scope *scope, const char *name)
{
	uint64_t word = shared_of(scope);
	struct lt_v8_shared shared;

	assert_int_equal(get(word, &shared), 0);
	assert_string_equal(shared.name, name);
	assert_int_equal(shared.start, scope->start);
	assert_int_equal(shared.end, scope->end);
	assert_int_equal(shared.definition, scope->start);
	assert_false(shared.builtin);
	assert_true(shared.script != 0);
}

/* Every way in which the words in front of the name can be laid out. */
static void test_scopes(void **state)
{
	static const int32_t locals[] = { 0, 1, 3, 28, 60, 74, 75, 76, 100, 1000 };

	(void)state;
	for (size_t i = 0; i < IMAGE_VERSIONS * sizeof(locals) / sizeof(locals[0]); i++) {
		size_t version = i % IMAGE_VERSIONS;

		stage_open(version, IMAGE_BYTES);
		for (unsigned bits = 0; bits < 16; bits++) {
			struct image_scope scope = { .n_locals = locals[i / IMAGE_VERSIONS],
						     .start = 10 + (int32_t)bits,
						     .end = 500,
						     .receiver = bits & 3,
						     .saved_class = bits & 4,
						     .module = (bits & 8) && version > 3 };

			check(&scope, "(anonymous)");
			scope.inferred = text("M.proto.assigned");
			check(&scope, "M.proto.assigned");
			scope.name = text("parseInvoice");
			check(&scope, "parseInvoice");
			scope.inferred = 0;
			check(&scope, "parseInvoice");
			scope.name = text("");
			check(&scope, "(anonymous)");
			scope.inferred = text("obj.f");
			check(&scope, "obj.f");
		}
		tear_down(NULL);
	}
}

static void test_words_for_names(void **state)
{
	static const uint16_t units[] = { 0x5173, 0xd835, 0xdcb3, 0xe9 };
	uint64_t script = image_script(&image, text("/srv/app.js"), text("source"));
	struct lt_v8_shared shared;

	(void)state;
	assert_int_equal(
		get(image_shared(&image, image_string16(&image, units, 4), script, 0), &shared), 0);
	assert_string_equal(shared.name, "关𝒳é");
	assert_int_equal(shared.start, -1); /* no scope, no place */
	assert_int_equal(get(image_shared(&image, image_smi(0), script, 0), &shared), 0);
	assert_string_equal(shared.name, "(anonymous)");
	/* a builtin: its data is a number, it has no script */
	assert_int_equal(
		get(image_shared(&image, text("sort"), image.undefined, image_smi(412)), &shared),
		0);
	assert_string_equal(shared.name, "sort");
	assert_true(shared.builtin);
	assert_int_equal(shared.script, 0);
	/* neither a builtin nor a function with a script */
	assert_int_equal(get(image_shared(&image, text("sort"), image.undefined, script), &shared),
			 0);
	assert_false(shared.builtin);
}

static void test_token_offset(void **state)
{
	static const struct {
		uint16_t token;
		int32_t definition;
	} cases[] = { { 0, 100 }, { 20, 80 }, { 100, 0 }, { 101, 100 }, { 0xffff, 100 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_scope scope = { .start = 100, .end = 200 };
		uint64_t word = shared_of(&scope);
		struct lt_v8_shared shared;

		memcpy(image_at(&image, word, (size_t)image.layout.shared_token_offset),
		       &cases[i].token, 2);
		assert_int_equal(get(word, &shared), 0);
		assert_int_equal(shared.definition, cases[i].definition);
	}
}

/* Scopes that cannot be: an error, or a name without a place. */
static void test_scopes_lie(void **state)
{
	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		struct image_scope backwards = { .start = 300, .end = 200 },
				   negative = { .start = -5, .end = 200 },
				   many = { .n_locals = -1 }, not_string = { 0 },
				   wrong_name = { 0 };
		struct lt_v8_shared shared;
		uint64_t word;

		stage_open(version, IMAGE_BYTES);
		backwards.name = negative.name = many.name = text("f");
		assert_int_equal(get(shared_of(&backwards), &shared), 0);
		assert_string_equal(shared.name, "f");
		assert_int_equal(shared.start, -1);
		assert_int_equal(get(shared_of(&negative), &shared), 0);
		assert_int_equal(shared.start, -1);
		assert_int_equal(shared.end, -1);
		assert_int_equal(shared.definition, -1);
		assert_true(get(shared_of(&many), &shared) < 0);
		many.n_locals = 0;
		word = image_scope(&image, &many);
		image_put(&image, word, 24, image_smi(INT32_MAX));
		assert_true(get(image_shared(&image, word, image.undefined, 0), &shared) < 0);
		image_put(&image, word, 24, image_smi(1 << 20)); /* its end is not in memory */
		assert_true(get(image_shared(&image, word, image.undefined, 0), &shared) < 0);
		image_put(&image, word, 24, word);
		assert_true(get(image_shared(&image, word, image.undefined, 0), &shared) < 0);
		not_string.name = image.undefined;
		assert_true(get(shared_of(&not_string), &shared) < 0);
		wrong_name.name = text("g");
		image_put_half(&image, wrong_name.name, 12, UINT32_MAX);
		assert_true(get(shared_of(&wrong_name), &shared) < 0);
		tear_down(NULL);
	}
}

static void test_types_lie(void **state)
{
	struct image_scope scope = { .name = text("f"), .start = 1, .end = 2 };
	uint64_t word = shared_of(&scope), script = image_script(&image, text("/a.js"), text(""));
	struct lt_v8_shared shared;

	(void)state;
	assert_true(get(1, &shared) < 0);
	assert_true(get(word + 1, &shared) < 0);
	assert_true(get(UINT64_MAX, &shared) < 0);
	assert_true(get(IMAGE_BASE + (2 << 20) + 1, &shared) < 0);
	assert_true(get(script, &shared) < 0);
	/* what is no name is none */
	assert_int_equal(get(image_shared(&image, script, script, 0), &shared), 0);
	assert_string_equal(shared.name, "(anonymous)");
	assert_true(get(image_shared(&image, 0xdeadbeef, script, 0), &shared) < 0);
	/* no script but something else: of no script */
	assert_int_equal(get(image_shared(&image, image_scope(&image, &scope), word, 0), &shared),
			 0);
	assert_int_equal(shared.script, 0);
	assert_int_equal(lt_v8_shared__of(&v8->heap, script), 0);
	assert_int_equal(lt_v8_shared__of(&v8->heap, 0), 0);
	assert_int_equal(lt_v8_shared__of_function(&v8->heap, word), 0);
	assert_int_equal(lt_v8_shared__of_function(&v8->heap, image_function(&image, script)), 0);
	assert_int_equal(lt_v8_shared__of_function(&v8->heap, image_function(&image, word)),
			 word - 1);
}

/* Wrapped, or weak: as the literals of optimised code are. */
static void test_wrapped(void **state)
{
	struct image_scope scope = { .name = text("f") };
	uint64_t word = shared_of(&scope), wrapper;

	(void)state;
	wrapper = image_object(&image, image.layout.shared_wrapper_type, 32);
	image_put(&image, wrapper, 8, word);
	assert_int_equal(lt_v8_shared__of(&v8->heap, word), word - 1);
	assert_int_equal(lt_v8_shared__of(&v8->heap, word | 2), word - 1);
	assert_int_equal(lt_v8_shared__of(&v8->heap, wrapper), word - 1);
	image_put(&image, wrapper, 8, wrapper);
	assert_int_equal(lt_v8_shared__of(&v8->heap, wrapper), 0);
}

/* Until V8 11 coverage or a debugger puts a DebugInfo where the script was. */
static void test_debug_info(void **state)
{
	struct image_scope scope;
	struct lt_v8_shared shared;
	uint64_t info, script;

	(void)state;
	tear_down(NULL);
	stage_open(0, IMAGE_BYTES);
	scope = (struct image_scope){ .name = text("f"), .start = 1, .end = 2 };
	script = image_script(&image, text("/a.js"), text(""));
	info = image_object(&image, image.layout.debug_info_type, 64);
	image_put(&image, info, 0x20, script);
	assert_int_equal(get(image_shared(&image, image_scope(&image, &scope), info, 0), &shared),
			 0);
	assert_int_equal(shared.script, script - 1);
	image_put(&image, info, 0x20, info);
	assert_int_equal(get(image_shared(&image, image_scope(&image, &scope), info, 1), &shared),
			 0);
	assert_int_equal(shared.script, 0);
}

/* What is kept of a function is not told of another one at its address. */
static void test_moved(void **state)
{
	struct image_scope first = { .name = text("first"), .start = 1, .end = 2 };
	struct image_scope second = { .name = text("second"), .start = 3, .end = 4 };
	uint64_t word = shared_of(&first), scope = image_scope(&image, &second);
	struct lt_v8_shared shared;

	(void)state;
	assert_int_equal(get(word, &shared), 0);
	assert_string_equal(shared.name, "first");
	image_put(&image, word, image.layout.shared_name_or_scope, scope);
	assert_int_equal(get(word, &shared), 0);
	assert_string_equal(shared.name, "second");
	assert_int_equal(shared.start, 3);
	image_put(&image, word, image.layout.shared_script, image.undefined);
	assert_int_equal(get(word, &shared), 0);
	assert_int_equal(shared.script, 0);
	image_put(&image, word, 0, image_map(&image, image.layout.script_type));
	assert_true(get(word, &shared) < 0);
}

/* Between any two reads the garbage collector moves an object, changes the word that points at it, and
 * something else gets its place: the name and the place of one function, or nothing, never of both. */
static void check_moving(uint64_t word, const uint64_t scripts[2], const struct move *how)
{
	unsigned char saved[256], saved_holder[256];
	uint64_t holder = how->holder ? how->holder : how->to;
	struct move move = *how;

	memcpy(saved, image_at(&image, how->to, 0), how->size);
	memcpy(saved_holder, image_at(&image, holder, 0), how->size);
	image.before_read = move_now;
	image.ctx = &move;
	for (uint64_t n = 1; n < 60; n++) {
		struct lt_v8_shared shared;

		lt_v8__forget(v8);
		memcpy(image_at(&image, holder, 0), saved_holder, how->size);
		memcpy(image_at(&image, how->to, 0), saved, how->size);
		move.at_read = image.reads + n;
		if (!get(word, &shared)) {
			bool first = !strcmp(shared.name, "first_function");
			uint64_t script = scripts[!first] - 1;

			if (!strcmp(shared.name, "(anonymous)"))
				assert_int_equal(shared.start, -1);
			else
				assert_true(first || !strcmp(shared.name, "second"));
			if (shared.start < 0)
				continue;
			assert_true(first || !how->holder); /* it is still the same function */
			assert_int_equal(shared.start, first ? 100 : 7000);
			assert_int_equal(shared.script, script);
		}
	}
	assert_in_range(image.reads, move.at_read - 40, move.at_read - 1); /* it took fewer reads */
	memcpy(image_at(&image, holder, 0), saved_holder, how->size);
	memcpy(image_at(&image, how->to, 0), saved, how->size);
	image.before_read = NULL;
}

/* The word of an object that has a value. */
static int offset_of(uint64_t object, uint64_t value)
{
	for (int at = 8; at < 512; at += 8) {
		uint64_t word;

		memcpy(&word, image_at(&image, object, (size_t)at), sizeof(word));
		if (word == value)
			return at;
	}
	fail_msg("it is not there");
	return -1;
}

static uint64_t copy_of(uint64_t object, size_t size)
{
	uint64_t copy = image_alloc(&image, size, 8) + 1;

	memcpy(image_at(&image, copy, 0), image_at(&image, object, 0), size);
	return copy;
}

static void test_moving(void **state)
{
	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		struct image_scope first = { .start = 100, .end = 900 },
				   second = { .n_locals = 1, .start = 7000, .end = 7900 };
		uint64_t words[2], scopes[2], scripts[2];
		struct move moves[4];

		stage_open(version, IMAGE_BYTES);
		first.name = text("first_function");
		second.name = text("second");
		image_put_half(&image, first.name, 8, 0x11111);
		image_put_half(&image, second.name, 8, 0x22222);
		scopes[0] = image_scope(&image, &first);
		scopes[1] = image_scope(&image, &second);
		for (int i = 0; i < 2; i++) {
			scripts[i] = image_script(&image, text("/a.js"), text(""));
			words[i] = image_shared(&image, scopes[i], scripts[i], image.undefined);
		}
		/* the function; its scope; its name; its scope, and no scope gets that place */
		moves[0] = (struct move){ .to = words[0], .from = words[1], .size = 64 };
		moves[1] = (struct move){ .to = scopes[0],
					  .from = scopes[1],
					  .holder = words[0],
					  .offset = offset_of(words[0], scopes[0]),
					  .copy = copy_of(scopes[0], 128),
					  .size = 128 };
		moves[2] = (struct move){ .to = first.name,
					  .from = second.name,
					  .holder = scopes[0],
					  .offset = offset_of(scopes[0], first.name),
					  .copy = copy_of(first.name, 32),
					  .size = 32 };
		moves[3] = (struct move){ .to = scopes[0], .from = words[1], .size = 64 };
		for (int i = 0; i < 4; i++)
			check_moving(words[0], scripts, &moves[i]);
		tear_down(NULL);
	}
}

/* Whichever read fails: the function, the function without its place, or an error. */
static void test_reads_fail(void **state)
{
	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		struct image_scope scope = { .n_locals = 80, .start = 10, .end = 20 };
		struct lt_v8_shared shared;
		uint64_t word;

		stage_open(version, IMAGE_BYTES);
		scope.name = text("");
		scope.inferred = image_cons(&image, text("Invoice."), text("total"));
		word = shared_of(&scope);
		image.fail_err = -EFAULT;
		for (int once = 0; once < 2; once++)
			for (uint64_t n = 1;; n++) {
				int err;

				lt_v8__forget(v8);
				image.fail_once = once;
				image.fail_at = image.reads + n;
				err = get(word, &shared);
				if (image.reads < image.fail_at)
					break;
				if (err)
					continue;
				assert_string_equal(shared.name, "Invoice.total");
				assert_true(shared.start == 10 || shared.start == -1);
			}
		tear_down(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		TEST(words_for_names),
		TEST(token_offset),
		cmocka_unit_test(test_scopes_lie),
		TEST(types_lie),
		TEST(wrapped),
		TEST(debug_info),
		TEST(moved),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_reads_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
