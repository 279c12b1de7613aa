/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Scripts: their file or where they were eval'd, their lines; large ones, odd ones and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/v8/strings.h"
#include "tests/unit/growth.h"
#include "tests/unit/v8_moving.h"
#include "tests/unit/v8_stage.h"

#define IMAGE_BYTES (120u << 20) /* calloc gives what is used */
#define BIG_BYTES   (20u << 20)

static int set_up(void **state)
{
	(void)state;
	return stage_open(3, IMAGE_BYTES);
}

static bool place(uint64_t script, int32_t position, int *ret_line, int *ret_column)
{
	struct lt_v8_script *found;

	next_stack();
	found = lt_v8_script__get(v8, script - 1);
	assert_non_null(found);
	return lt_v8_script__place(v8, found, position, ret_line, ret_column);
}

/* Line and column as the language has it, one unit after the other. */
static void check_all(uint64_t script, const uint16_t *units, int n)
{
	int line = 1, column = 1;

	for (int i = 0; i <= n; i++) {
		int found_line = 0, found_column = 0;

		assert_true(place(script, i, &found_line, &found_column));
		assert_int_equal(found_line, line);
		assert_int_equal(found_column, column);
		column++;
		if (i < n && (units[i] == '\n' || units[i] == 0x2028 || units[i] == 0x2029 ||
			      (units[i] == '\r' && (i + 1 == n || units[i + 1] != '\n')))) {
			line++;
			column = 1;
		}
	}
	assert_false(place(script, n + 1, &line, &column));
	assert_false(place(script, -1, &line, &column));
	assert_false(place(script, INT32_MAX, &line, &column));
}

static void test_line_ends(void **state)
{
	static const char *const texts[] = {
		"",	    "\n",	"\r",		"\r\n", "\n\r",	      "a",     "a\nb",
		"a\r\nb\r", "\r\r\n\n", "one\n\ntwo\r", "\r",	"a\n\r\n\rb", "x\r\n", "\r\n\r\n\r"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint16_t units[32];
		int n = (int)strlen(texts[i]);

		for (int at = 0; at < n; at++)
			units[at] = (unsigned char)texts[i][at];
		check_all(image_script(&image, text("/a.js"), text(texts[i])), units, n);
		check_all(image_script(&image, text("/a.js"),
				       image_string16(&image, units, (size_t)n)),
			  units, n);
	}
}

static void test_wide_line_ends(void **state)
{
	static const uint16_t units[] = { 0xd835, 0xdcb3, 0x2028, 'a',	  0x2029,
					  '\r',	  0x2028, 0x2027, 0x202a, '\r',
					  '\n',	  0x0a0a, 0x0d0d, 0x2829, 'b' };
	/* in one-byte strings nothing but CR and LF ends a line */
	static const char latin1[] = "a\x85"
				     "b\x0b\x0c\xa0\n";
	uint16_t same[16];

	(void)state;
	for (size_t i = 0; i < sizeof(latin1) - 1; i++)
		same[i] = (unsigned char)latin1[i];
	check_all(image_script(&image, text("/a.js"), image_string16(&image, units, 15)), units,
		  15);
	check_all(image_script(&image, text("/a.js"), text(latin1)), same, (int)sizeof(latin1) - 1);
}

/* The source is read in blocks, and may be made of pieces: \r\n lies across the seams. */
static void test_seams(void **state)
{
	static const int seams[] = { 65535, 65536, 65537, 32767, 32768, 131071 };
	char *source = malloc(200001);
	uint64_t pieces, script;
	int line, column;

	(void)state;
	memset(source, 'x', 200000);
	source[200000] = '\0';
	for (size_t i = 0; i < sizeof(seams) / sizeof(seams[0]); i++) {
		memset(source, 'x', 200000);
		memcpy(source + seams[i] - 1, "\r\n", 2);
		script = image_script(&image, text("/a.js"), text(source));
		assert_true(place(script, seams[i], &line, &column));
		assert_int_equal(line, 1);
		assert_true(place(script, seams[i] + 1, &line, &column));
		assert_int_equal(line, 2);
		assert_int_equal(column, 1);
		assert_true(place(script, 200000, &line, &column));
		assert_int_equal(line, 2);
	}
	free(source);
	pieces = image_cons(&image, text("ab\r"), image_cons(&image, text("\ncd\r"), text("ef")));
	script = image_script(&image, text("/a.js"), pieces);
	assert_true(place(script, 4, &line, &column));
	assert_int_equal(line, 2);
	assert_int_equal(column, 1);
	assert_true(place(script, 7, &line, &column));
	assert_int_equal(line, 3);
}

static uint64_t table(const int32_t *ends, size_t n)
{
	uint64_t *words = calloc(n, sizeof(*words)), array;

	for (size_t i = 0; i < n; i++)
		words[i] = image_smi(ends[i]);
	array = image_array(&image, words, n);
	free(words);
	return array;
}

static int line_at(uint64_t script, int32_t position)
{
	int line = 0, column = 0;

	return place(script, position, &line, &column) ? line : 0;
}

/* V8's own table is taken where it makes sense; otherwise the source tells. */
static void test_tables(void **state)
{
	static const int32_t good[] = { 3, 4, 20 }, same[] = { 3, 3, 20 }, back[] = { 3, 2, 20 },
			     negative[] = { -3, 4, 20 };
	uint64_t not_smis[] = { image_smi(3), 0x1234567, image_smi(20) };
	uint64_t script, array;

	(void)state;
	/* the source says other things than the tables, to tell which was used */
	for (int i = 0; i < 7; i++) {
		script = image_script(&image, text("/a.js"), text("\n\n\n\n\n\n\n\n"));
		array = i == 0	 ? table(good, 3)
			: i == 1 ? table(same, 3)
			: i == 2 ? table(back, 3)
			: i == 3 ? table(negative, 3)
			: i == 4 ? image_array(&image, not_smis, 3)
			: i == 5 ? image_array(&image, not_smis, 0)
				 : text("not an array");
		image_put(&image, script, image.layout.script_line_ends, array);
		assert_int_equal(line_at(script, 5), i ? 6 : 3);
	}
	/* a length that lies */
	script = image_script(&image, text("/a.js"), text("\n\n\n\n\n\n\n\n"));
	array = table(good, 3);
	image_put(&image, script, image.layout.script_line_ends, array);
	image_put(&image, array, 8, image_smi(INT32_MAX));
	assert_int_equal(line_at(script, 5), 6);
}

static void test_offsets(void **state)
{
	uint64_t script = image_script(&image, text("/a.js"), text("ab\ncd"));
	int line, column;

	(void)state;
	image_put(&image, script, image.layout.script_line_offset, image_smi(100));
	image_put(&image, script, image.layout.script_column_offset, image_smi(7));
	assert_true(place(script, 1, &line, &column));
	assert_int_equal(line, 101);
	assert_int_equal(column, 9);
	assert_true(place(script, 3, &line, &column));
	assert_int_equal(line, 102);
	assert_int_equal(column, 1); /* only the first line is moved */
}

/* Numbers at the end of their range do not run over. */
static void test_extremes(void **state)
{
	static const int32_t ends[] = { INT32_MAX }, late[] = { 5, INT32_MAX };
	static const int32_t offsets[] = { INT32_MAX, INT32_MIN, -1, 1 << 30, (1 << 30) - 1 };

	(void)state;
	for (size_t i = 0; i < 5 * 2; i++) {
		uint64_t script = image_script(&image, text("/a.js"), text("x"));
		int line = 1, column = 1;

		image_put(&image, script, image.layout.script_line_ends,
			  i % 2 ? table(ends, 1) : table(late, 2));
		image_put(&image, script, image.layout.script_line_offset,
			  image_smi(offsets[i / 2]));
		image_put(&image, script, image.layout.script_column_offset,
			  image_smi(offsets[i / 2]));
		for (int32_t position = INT32_MAX; position > INT32_MAX - 3; position--)
			if (place(script, position, &line, &column))
				assert_true(line > 0 && column > 0);
		if (place(script, 0, &line, &column))
			assert_true(line > 0 && column > 0);
	}
}

/* A bundle of some size: by its source, and by V8's table of its lines. */
static double find_lines(size_t bytes)
{
	const int line_bytes = 40, size = (int)bytes, n_lines = size / line_bytes;
	char *source = malloc(bytes + 1);
	int32_t *ends = calloc((size_t)n_lines + 1, sizeof(*ends));
	uint64_t script, tabled;
	double seconds;

	memset(source, 'x', bytes);
	source[bytes] = '\0';
	for (int i = 0; i < n_lines; i++) {
		ends[i] = (i + 1) * line_bytes - 1;
		source[ends[i]] = '\n';
	}
	ends[n_lines] = size;
	script = image_script(&image, text("/bundle.js"),
			      image_external(&image, source, bytes, true));
	/* and once more, with a table and no source that could be read */
	tabled = image_script(&image, text("/bundle2.js"), image_smi(0));
	image_put(&image, tabled, image.layout.script_line_ends, table(ends, (size_t)n_lines + 1));
	seconds = cpu_seconds();
	assert_int_equal(line_at(script, 0), 1);
	assert_int_equal(line_at(script, size / 2), n_lines / 2 + 1);
	assert_int_equal(line_at(script, size - 1), n_lines);
	assert_int_equal(line_at(script, size + 1), 0);
	assert_int_equal(line_at(tabled, size / 2), n_lines / 2 + 1);
	seconds = cpu_seconds() - seconds;
	free(source);
	free(ends);
	return seconds;
}

static void test_big(void **state)
{
	(void)state;
	assert_grows_with_size(find_lines, BIG_BYTES);
}

/* Sources that are too large, or not all there: no line, not even of the part that is. */
static void test_unreadable(void **state)
{
	uint64_t big = text("a\nb"), cut = text("a\nb"),
		 cons = image_cons(&image, text("a\nb"), text("c\nd"));

	(void)state;
	assert_int_equal(line_at(image_script(&image, text("/a.js"), 0), 0), 0);
	assert_int_equal(line_at(image_script(&image, text("/a.js"), image.undefined), 0), 0);
	image_put_half(&image, big, 12, (1u << 29) - 1);
	assert_int_equal(line_at(image_script(&image, text("/a.js"), big), 0), 0);
	image_put_half(&image, cut, 12, IMAGE_BYTES / 2);
	assert_int_equal(line_at(image_script(&image, text("/a.js"), cut), 0), 0);
	image_put(&image, cons, 24, 0);
	assert_int_equal(line_at(image_script(&image, text("/a.js"), cons), 0), 0);
	image_put(&image, cons, 16, cons);
	assert_int_equal(line_at(image_script(&image, text("/a.js"), cons), 0), 0);
}

static const char *file_of(uint64_t script, bool *ret_user)
{
	next_stack();
	return lt_v8_script__file(v8, script - 1, ret_user);
}

static void check_file(uint64_t script, const char *expected, bool user)
{
	bool found_user = !user;
	const char *file = file_of(script, &found_user);

	assert_non_null(file);
	assert_string_equal(file, expected);
	assert_int_equal(found_user, user);
}

static void test_files(void **state)
{
	static const uint16_t units[] = { '/', 0x6587, 0xd835, 0xdcb3, '.', 'j', 's' };
	uint64_t source = text("x"), script = image_script(&image, image.undefined, source);
	bool user;

	(void)state;
	check_file(image_script(&image, text("/srv/app.js"), source), "/srv/app.js", true);
	check_file(image_script(&image, text("node:internal/timers"), source),
		   "node:internal/timers", false);
	check_file(image_script(&image, text("file:///srv/a%20b%c3%BC.mjs"), source),
		   "/srv/a bü.mjs", true);
	check_file(image_script(&image, text("file://host/a"), source), "file://host/a", true);
	check_file(image_script(&image, text("file:///a%0a%1B%4%zz%"), source), "/a%0a%1B%4%zz%",
		   true);
	check_file(image_script(&image, text("wasm://wasm/1234"), source), "wasm://wasm/1234",
		   true);
	check_file(image_script(&image, image_string16(&image, units, 7), source), "/文𝒳.js", true);
	check_file(image_script(&image, text("/a\x1b[2J\n.js"), source), "/a?[2J?.js", true);
	assert_null(file_of(script, &user));
	assert_true(user); /* nobody's, so not Node's */
	script = image_script(&image, text(""), source);
	image_put(&image, script, image.layout.script_source_url, text("evaluated.js"));
	check_file(script, "evaluated.js", true);
	assert_null(file_of(source, &user)); /* a string is no script */
}

static uint64_t function_in(uint64_t script, const char *name, int32_t start, int32_t end)
{
	struct image_scope scope = { .name = text(name), .start = start, .end = end };

	return image_shared(&image, image_scope(&image, &scope), script, image.undefined);
}

static uint64_t evaluated(uint64_t by, uint64_t position)
{
	uint64_t script = image_script(&image, image.undefined, text("1;"));

	image_put(&image, script, image.layout.script_eval_shared, by);
	image_put(&image, script, image.layout.script_eval_position, position);
	return script;
}

static void test_eval(void **state)
{
	uint64_t outer = image_script(&image, text("/srv/a.js"),
				      text("function run() {\n  eval('1');\n}\n"));
	uint64_t run = function_in(outer, "run", 12, 31);
	uint64_t nameless = image_script(&image, image.undefined, text("x")), self;

	(void)state;
	check_file(evaluated(run, image_smi(19)), "eval in run (/srv/a.js:2)", true);
	check_file(evaluated(run, image_smi(12)), "eval in run (/srv/a.js:1)", true);
	/* a position that is not in the function is none */
	check_file(evaluated(run, image_smi(32)), "eval in run (/srv/a.js)", true);
	check_file(evaluated(run, image_smi(0)), "eval in run (/srv/a.js)", true);
	check_file(evaluated(run, image_smi(INT32_MIN)), "eval in run (/srv/a.js)", true);
	check_file(evaluated(run, image_smi(-4)), "eval in run (/srv/a.js)",
		   true); /* no bytecode */
	check_file(evaluated(run, run), "eval in run (/srv/a.js)", true);
	check_file(evaluated(function_in(nameless, "f", 0, 1), image_smi(0)), "eval in f", true);
	/* an eval in an eval, and one in itself */
	check_file(
		evaluated(function_in(evaluated(run, image_smi(19)), "inner", 0, 1), image_smi(0)),
		"eval in inner", true);
	self = evaluated(run, image_smi(0));
	image_put(&image, self, image.layout.script_eval_shared, function_in(self, "loop", 0, 1));
	check_file(self, "eval in loop", true);
}

/* The position of an eval may still be an offset in bytecode. */
static void test_eval_bytecode(void **state)
{
	uint64_t outer = image_script(&image, text("/srv/a.js"),
				      text("function run() {\n  eval('1');\n}\n"));
	uint64_t run = function_in(outer, "run", 12, 31);
	struct image_table positions = { .n = 0 };

	(void)state;
	image_table_add(&positions, false, 4, image_position(19, -1));
	image_put(&image, run, image.layout.shared_function_data,
		  image_bytecodes(&image, "abcdefgh", 8,
				  image_bytes(&image, positions.bytes, positions.n)));
	check_file(evaluated(run, image_smi(-5)), "eval in run (/srv/a.js:2)", true);
	check_file(evaluated(run, image_smi(-2)), "eval in run (/srv/a.js)", true);
}

/* Another script at the address of one that is known. */
static void test_moved(void **state)
{
	uint64_t script = image_script(&image, text("/first.js"), text("\n\n\nx"));

	(void)state;
	check_file(script, "/first.js", true);
	assert_int_equal(line_at(script, 3), 4);
	image_put(&image, script, image.layout.script_name, text("/second.js"));
	image_put(&image, script, image.layout.script_source, text("xxx\nx"));
	check_file(script, "/second.js", true);
	assert_int_equal(line_at(script, 3), 1);
	image_put(&image, script, 0, image_map(&image, image.layout.shared_type));
	next_stack();
	assert_null(lt_v8_script__get(v8, script - 1));
}

/* Between two reads the script, its name or its source is moved, and another one gets its place: the file
 * and the lines of the one, or of the other, or nothing. */
static void check_moving(uint64_t script, const struct move *how)
{
	unsigned char saved[136], saved_script[136];
	struct move move = *how;
	unsigned n_changed = 0;

	memcpy(saved, image_at(&image, how->to, 0), how->size);
	memcpy(saved_script, image_at(&image, script, 0), 136);
	image.before_read = move_now;
	image.ctx = &move;
	for (uint64_t n = 1; n < 40; n++) {
		struct lt_v8_script *found;
		int line = 0, column = 0;
		const char *file;
		bool user;

		memcpy(image_at(&image, script, 0), saved_script, 136);
		memcpy(image_at(&image, how->to, 0), saved, how->size);
		lt_v8__forget(v8);
		next_stack();
		move.at_read = image.reads + n;
		file = lt_v8_script__file(v8, script - 1, &user);
		found = lt_v8_script__get(v8, script - 1);
		n_changed += image.reads >= move.at_read;
		if (!file || !found)
			continue;
		if (how->holder) /* it is still the same script */
			assert_string_equal(file, "/first.js");
		if (lt_v8_script__place(v8, found, 3, &line, &column))
			assert_int_equal(line, strcmp(file, "/first.js") ? 1 : 4);
	}
	assert_in_range(n_changed, 5, 100);
	memcpy(image_at(&image, script, 0), saved_script, 136);
	memcpy(image_at(&image, how->to, 0), saved, how->size);
	image.before_read = NULL;
}

static void test_moving(void **state)
{
	uint64_t names[] = { text("/first.js"), text("/second.js"), text("/first.js") };
	uint64_t sources[] = { text("\n\n\nx"), text("xxx\nx"), text("\n\n\nx") };
	uint64_t script = image_script(&image, names[0], sources[0]);
	uint64_t other = image_script(&image, names[1], sources[1]);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		image_put_half(&image, names[i], 8, i % 2 + 1); /* hashes */
	check_moving(script, &(struct move){ .to = script, .from = other, .size = 136 });
	check_moving(script, &(struct move){ .to = names[0],
					     .from = names[1],
					     .size = 32,
					     .holder = script,
					     .offset = image.layout.script_name,
					     .copy = names[2] });
	check_moving(script, &(struct move){ .to = sources[0],
					     .from = sources[1],
					     .size = 32,
					     .holder = script,
					     .offset = image.layout.script_source,
					     .copy = sources[2] });
}

/* Many scripts, each with many lines: what is kept of them is bounded, and comes again. */
static void test_memory(void **state)
{
	int32_t *ends = calloc(1 << 20, sizeof(*ends));
	uint64_t lines, first = 0;
	size_t most = 0;

	(void)state;
	for (int i = 0; i < 1 << 20; i++)
		ends[i] = i + 1;
	lines = table(ends, 1 << 20);
	for (int i = 0; i < 100; i++) { /* 400 MB, were all kept */
		uint64_t script = image_script(&image, text("/a.js"), text("x"));

		first = first ? first : script;
		image_put(&image, script, image.layout.script_line_ends, lines);
		assert_int_equal(line_at(script, 1000), 1000);
		assert_true(lt_budget__used() <= 64u << 20);
		most = lt_budget__used() > most ? lt_budget__used() : most;
	}
	assert_true(most > 32u << 20);
	/* the first one's are long gone */
	assert_int_equal(line_at(first, 1000), 1000);
	free(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(line_ends), TEST(wide_line_ends), TEST(seams),	    TEST(tables),
		TEST(offsets),	 TEST(extremes),       TEST(big),	    TEST(unreadable),
		TEST(files),	 TEST(eval),	       TEST(eval_bytecode), TEST(moved),
		TEST(moving),	 TEST(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
