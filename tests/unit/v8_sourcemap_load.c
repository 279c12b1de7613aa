/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* From a script to its source map: comments, paths and URLs, and files that are not what they seem. */
#include "agent/v8/sourcemap.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/v8/sourcemap_internal.h"

static void test_url(void **state)
{
	static const struct {
		const char *tail, *url;
	} cases[] = {
		{ "", NULL },
		{ "//# sourceMappingURL=a.map", "a.map" },
		{ "x();\n//@ sourceMappingURL=a.map\r\n\n", "a.map" },
		{ "x(); //# sourceMappingURL= a.map\t\n", "a.map" },
		{ "/*# sourceMappingURL=a.css.map */", "a.css.map" },
		{ "/*# sourceMappingURL=a.map*/", "a.map" },
		{ "//# sourceMappingURL=a.map\n//# sourceMappingURL=b.map\n", "b.map" },
		{ "//# sourceMappingURL=a.map\n//# sourceMappingURL=\n", "a.map" },
		{ "//# sourceMappingURL=data:application/json;base64,e30=\n",
		  "data:application/json;base64,e30=" },
		{ "//# sourceMappingURL=a.map b.map", NULL },
		{ "x = \"//# sourceMappingURL=a.map\";", NULL },
		{ "x = `//# sourceMappingURL=${y}`", NULL },
		{ "//#sourceMappingURL=a.map", NULL },
		{ "// sourceMappingURL=a.map", NULL },
		{ "# sourceMappingURL=a.map", NULL },
		{ "sourceMappingURL=a.map", NULL },
		{ "//# sourceMappingURL=", NULL },
		{ "//# sourceMappingUR", NULL },
		{ "/*# sourceMappingURL=a.map", NULL },
		{ "/*# sourceMappingURL=a.map *", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = strlen(cases[i].tail);
		char *tail = malloc(length ? length : 1), *url;

		memcpy(tail, cases[i].tail, length);
		url = lt_sourcemap__url(tail, length);
		free(tail);
		if (cases[i].url)
			assert_string_equal(url, cases[i].url);
		else
			assert_null(url);
		free(url);
	}
}

static void test_paths(void **state)
{
	static const struct {
		const char *base, *ref, *path;
	} cases[] = {
		{ "/srv/a.js", "a.js.map", "/srv/a.js.map" },
		{ "/srv/a.js", "../x/.//b.map", "/x/b.map" },
		{ "/srv/a.js", "../../../etc/passwd", "/etc/passwd" },
		{ "/srv/a.js", "/abs.map", "/abs.map" },
		{ "/srv/a/", "..", "/srv" },
		{ "file:///srv/a%20b.js", "c%20d.map", "/srv/c d.map" },
		{ "/srv/a.js", "file://localhost/x%7ey.map", "/x~y.map" },
		{ "/srv/a.js", "%2e%2e/%2e%2e/x", "/x" },
		{ "/srv/a.js", "a%2Fb", "/srv/a%2Fb" },
		{ "/srv/a.js", "a%00b%4", "/srv/a%00b%4" },
		{ "/srv/a.js", "webpack://app/./src/a.ts?1/2", "webpack://app/src/a.ts?1/2" },
		{ "/srv/a.js", "webpack:///src/../a.ts", "webpack:///a.ts" },
		{ "webpack://app/", "../shared/a.ts", "webpack://app/../shared/a.ts" },
		{ "/srv/a.js", "https://x.example/a.map", "https://x.example/a.map" },
		{ "https://x.example/js/a.js?v=1/2", "b.ts", "https://x.example/js/b.ts" },
		{ "https://x.example", "b.ts", "https://x.example/b.ts" },
		{ "/srv/a.js", "C:\\x\\a.ts", "C:\\x\\a.ts" },
		{ "node:fs", "a.ts", "a.ts" },
		{ "", "", "." },
		{ "a.js", "../../b.ts", "../../b.ts" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t room = strlen(cases[i].base) + strlen(cases[i].ref) + 3;

		for (size_t size = 1; size <= room; size++) {
			char *buf = malloc(size);
			int err = lt_source_path(buf, size, cases[i].base, cases[i].ref);

			if (err || size == room)
				assert_int_equal(err, size == room ? 0 : -ENAMETOOLONG);
			if (!err)
				assert_string_equal(buf, cases[i].path);
			free(buf);
		}
	}
}

/* --- files of a target -------------------------------------------------------------------------- */

#define SMALL_MAP "{\"version\":3,\"sources\":[\"a\"],\"mappings\":\"AAAA\"}"

struct tree {
	char top[64], root[80]; /* the root is below the top, with a secret beside it */
};

static void put(const struct tree *tree, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tree->top, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void link_to(const struct tree *tree, const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/root/srv/%s", tree->top, name);
	assert_int_equal(symlink(target, path), 0);
}

static void make_tree(struct tree *tree)
{
	char path[256];
	int fd;

	snprintf(tree->top, sizeof(tree->top), "/tmp/lt-sourcemap-XXXXXX");
	assert_non_null(mkdtemp(tree->top));
	snprintf(tree->root, sizeof(tree->root), "%s/root", tree->top);
	assert_int_equal(mkdir(tree->root, 0700), 0);
	snprintf(path, sizeof(path), "%s/srv", tree->root);
	assert_int_equal(mkdir(path, 0700), 0);
	put(tree, "secret.map", SMALL_MAP);
	put(tree, "root/srv/a b.map", SMALL_MAP);
	put(tree, "root/srv/empty.map", "");
	link_to(tree, "inside.map", "/srv/a b.map");
	link_to(tree, "outside.map", "../../secret.map");
	snprintf(path, sizeof(path), "%s/secret.map", tree->top);
	link_to(tree, "absolute.map", path);
	link_to(tree, "circle.map", "circle.map");
	link_to(tree, "above", "../..");
	link_to(tree, "folder", "../srv/./");
	snprintf(path, sizeof(path), "%s/srv/fifo.map", tree->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/srv/big.map", tree->root);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)LT_SOURCEMAP_MAX + 1), 0);
	close(fd);
}

static void drop_tree(const struct tree *tree)
{
	static const char *const names[] = {
		"root/srv/a b.map",
		"root/srv/empty.map",
		"root/srv/inside.map",
		"root/srv/outside.map",
		"root/srv/absolute.map",
		"root/srv/circle.map",
		"root/srv/above",
		"root/srv/folder",
		"root/srv/fifo.map",
		"root/srv/big.map",
		"root/srv",
		"root",
		"secret.map",
	};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", tree->top, names[i]);
		assert_int_equal(remove(path), 0);
	}
	assert_int_equal(rmdir(tree->top), 0);
}

static int open_in(const char *root, const char *path)
{
	size_t size = 0;
	int fd = -1, err = lt_source_open(root, path, &fd, &size);

	if (!err) {
		assert_int_equal(size, strlen(SMALL_MAP));
		close(fd);
	}
	return err;
}

/* Nothing outside of the root, and nothing but files. */
static void test_open(void **state)
{
	static const struct {
		const char *path;
		int err;
	} cases[] = {
		{ "/srv/a b.map", 0 },
		{ "srv//a b.map", 0 },
		{ "/srv/inside.map", 0 }, /* its "/" is the root */
		{ "/srv/folder/folder/../srv/folder/inside.map", 0 },
		{ "/srv/outside.map", -ENOENT },
		{ "/srv/absolute.map", -ENOENT },
		{ "/srv/circle.map", -ELOOP },
		{ "/srv/above/secret.map", -ENOENT },
		{ "/../secret.map", -ENOENT },
		{ "/srv/../../secret.map", -ENOENT },
		{ "/srv/fifo.map", -EINVAL },
		{ "/srv/big.map", -EFBIG },
		{ "/srv", -EISDIR },
		{ "/", -EISDIR },
		{ "/srv/none.map", -ENOENT },
		{ "/srv/a b.map/x", -ENOTDIR },
	};
	struct tree tree;

	(void)state;
	make_tree(&tree);
	alarm(30); /* opening the FIFO would wait for ever */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = open_in(tree.root, cases[i].path);

		if (err != cases[i].err)
			fail_msg("%s: %d", cases[i].path, err);
	}
	assert_int_equal(open_in("/", "/dev/null"), -EINVAL);
	assert_int_equal(open_in("/", "/proc/version"), -EINVAL);
	assert_int_equal(open_in("/", "/proc/self/exe"), -ELOOP);
	assert_int_equal(open_in("/", "/proc/self/root/etc/passwd"), -ELOOP);
	assert_int_equal(open_in("/nowhere", "/srv/a b.map"), -ENOENT);
	alarm(0);
	drop_tree(&tree);
}

#define DATA_MAP "{%22version%22:3,%22sources%22:[%22a%22],%22mappings%22:%22AAAA%22}"

static void test_load(void **state)
{
	static const struct {
		const char *url;
		int err;
	} cases[] = {
		{ "a%20b.map", 0 },
		{ "./a b.map?v=7#x", 0 },
		{ "file:///srv/a%20b.map", 0 },
		{ "../../../srv/a b.map", 0 },
		{ "data:application/json," DATA_MAP, 0 },
		{ "DATA:application/json;charset=utf-8;BASE64,"
		  "eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbImEiXSwibWFwcGluZ3MiOiJBQUFBIn0=",
		  0 },
		{ "outside.map", -ENOENT },
		{ "../../secret.map", -ENOENT },
		{ "fifo.map", -EINVAL },
		{ "empty.map", -EINVAL },
		{ "https://x.example/a.map", -ENOENT },
		{ "//x.example/a.map", -ENOENT },
		{ "", -ENOENT },
		{ "?", -ENOENT },
		{ "data:", -EINVAL },
		{ "data:application/json;base64,", -EINVAL },
		{ "data:application/json;base64,e30=", -EINVAL },
		{ "data:application/json;base64,e", -EINVAL },
		{ "data:application/json;base64,*", -EINVAL },
		{ "data:application/json,%7", -EINVAL },
	};
	struct lt_sourcemap *map;
	struct tree tree;
	const char *file;
	int line, column;
	char *url;

	(void)state;
	make_tree(&tree);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = lt_sourcemap__load(tree.root, "/srv/app.js", cases[i].url, &map);

		if (err != cases[i].err)
			fail_msg("%s: %d", cases[i].url, err);
		if (err)
			continue;
		assert_int_equal(lt_sourcemap__find(map, 1, 1, &file, &line, &column, NULL), 0);
		assert_string_equal(file, "/srv/a");
		lt_sourcemap__free(map);
	}
	/* code that is in no file has no folder */
	assert_int_equal(lt_sourcemap__load(tree.root, "node:fs", "a b.map", &map), -ENOENT);
	url = calloc(1, 10000);
	memset(url, 'a', 9999);
	assert_int_equal(lt_sourcemap__load(tree.root, "/srv/app.js", url, &map), -ENAMETOOLONG);
	free(url);
	drop_tree(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
