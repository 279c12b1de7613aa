/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Reading the files of cgroups, and keeping what was read. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "agent/target/cgroup.h"

#define TEXT_MAX       4096
#define PATH_MAX_BYTES 640
#define KEPT_ROUNDS    16 /* what nobody asked for in so many goes */
#define NO_LIMIT_BYTES 4e18 /* v1 says "no limit" by the largest page-aligned number */

static const struct lt_cgroup_limits unknown = { NAN, NAN, NAN, NAN, NAN };

struct node;

/* Where each hierarchy is usually found, and how its limits are read. */
struct hierarchy {
	const char *controller; /* "": v2 */
	const char *root;
	double (*read_limit)(const char *path);
	bool is_memory;
	const char *time_key; /* in cpu.stat */
	double time_unit;
};

/* One controller of one cgroup. */
struct node {
	char *key; /* the hierarchy's number, and the path in the file system */
	double limit; /* NAN: none, or unknown */
	uint64_t read_round, used_round; /* 0: never */
	uint64_t counted_round; /* of what follows */
	double periods, throttled_periods, throttled_seconds;
	UT_hash_handle hh;
};

/* What came out for one text of /proc/PID/cgroup. */
struct answer {
	char *text;
	struct lt_cgroup_limits limits;
	uint64_t round;
	UT_hash_handle hh;
};

struct lt_cgroups {
	uint64_t round;
	struct node *nodes;
	struct answer *answers;
};

/* A small file of a cgroup; "" if it cannot be read. */
static void read_file(const char *path, const char *file, char text[TEXT_MAX])
{
	char name[PATH_MAX_BYTES + 64];
	ssize_t n;
	int fd;

	text[0] = '\0';
	if (snprintf(name, sizeof(name), "%s/%s", path, file) >= (int)sizeof(name))
		return;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, TEXT_MAX - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
}

static double read_number(const char *path, const char *file)
{
	char text[TEXT_MAX], *end;
	double value;

	read_file(path, file, text);
	value = strtod(text, &end);
	return end == text ? NAN : value;
}

static double cpu_limit_v1(const char *path)
{
	double quota = read_number(path, "cpu.cfs_quota_us");
	double period = quota > 0 ? read_number(path, "cpu.cfs_period_us") : NAN;

	return quota > 0 && period > 0 ? quota / period : NAN;
}

static double cpu_limit_v2(const char *path)
{
	char text[TEXT_MAX];

	read_file(path, "cpu.max", text);
	return lt_cgroup_cpu_max(text);
}

static double memory_limit_v1(const char *path)
{
	double bytes = read_number(path, "memory.limit_in_bytes");

	return bytes < NO_LIMIT_BYTES ? bytes : NAN;
}

static double memory_limit_v2(const char *path)
{
	double bytes = read_number(path, "memory.max"); /* "max": no number */

	return bytes < NO_LIMIT_BYTES ? bytes : NAN;
}

static const struct hierarchy hierarchies[] = {
	{ "", "/sys/fs/cgroup", cpu_limit_v2, false, "throttled_usec", 1e-6 },
	{ "", "/sys/fs/cgroup", memory_limit_v2, true, NULL, 0 },
	{ "", "/sys/fs/cgroup/unified", cpu_limit_v2, false, "throttled_usec", 1e-6 },
	{ "", "/sys/fs/cgroup/unified", memory_limit_v2, true, NULL, 0 },
	{ "cpu", "/sys/fs/cgroup/cpu", cpu_limit_v1, false, "throttled_time", 1e-9 },
	{ "memory", "/sys/fs/cgroup/memory", memory_limit_v1, true, NULL, 0 },
};

#define HIERARCHIES (sizeof(hierarchies) / sizeof(hierarchies[0]))

struct lt_cgroups *lt_cgroups__new(void)
{
	struct lt_cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (cgroups)
		cgroups->round = 1;
	return cgroups;
}

static void free_node(struct lt_cgroups *cgroups, struct node *node)
{
	HASH_DEL(cgroups->nodes, node);
	free(node->key);
	free(node);
}

static void free_answer(struct lt_cgroups *cgroups, struct answer *answer)
{
	HASH_DEL(cgroups->answers, answer);
	free(answer->text);
	free(answer);
}

/* Forgets what was not used since. */
static void forget(struct lt_cgroups *cgroups, uint64_t since)
{
	struct answer *answer, *next_answer;
	struct node *node, *next_node;

	HASH_ITER(hh, cgroups->nodes, node, next_node)
	if (node->used_round < since)
		free_node(cgroups, node);
	HASH_ITER(hh, cgroups->answers, answer, next_answer)
	if (answer->round < since)
		free_answer(cgroups, answer);
}

void lt_cgroups__free(struct lt_cgroups *cgroups)
{
	if (!cgroups)
		return;
	forget(cgroups, UINT64_MAX);
	free(cgroups);
}

void lt_cgroups__begin_round(struct lt_cgroups *cgroups)
{
	cgroups->round++;
	if (cgroups->round % KEPT_ROUNDS == 0)
		forget(cgroups, cgroups->round - KEPT_ROUNDS);
}

static struct node *find_or_add(struct lt_cgroups *cgroups, const char *key)
{
	struct node *node;

	HASH_FIND_STR(cgroups->nodes, key, node);
	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->limit = NAN;
	node->key = strdup(key);
	if (!node->key) {
		free(node);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, cgroups->nodes, node->key, strlen(node->key), node);
	return node;
}

/* The node with its limit, read anew if it is its turn; NULL: memory ran out. */
static struct node *look_at(struct lt_cgroups *cgroups, size_t number, const char *path)
{
	uint64_t rounds = 1 + HASH_COUNT(cgroups->nodes) / LT_CGROUPS_A_ROUND;
	const struct hierarchy *hierarchy = &hierarchies[number];
	char key[PATH_MAX_BYTES];
	struct node *node;

	if (snprintf(key, sizeof(key), "%zu%s%s", number, hierarchy->root, path) >=
	    (int)sizeof(key))
		return NULL;
	node = find_or_add(cgroups, key);
	if (!node)
		return NULL;
	node->used_round = cgroups->round;
	if (node->read_round && cgroups->round - node->read_round < rounds)
		return node;
	node->limit = hierarchy->read_limit(key + 1);
	node->read_round = cgroups->round;
	return node;
}

/* How often the limit held it, of this round. */
static void count(struct lt_cgroups *cgroups, struct node *node, const struct hierarchy *hierarchy)
{
	char text[TEXT_MAX];

	if (node->counted_round == cgroups->round)
		return;
	read_file(node->key + 1, "cpu.stat", text);
	node->periods = lt_cgroup_stat(text, "nr_periods");
	node->throttled_periods = lt_cgroup_stat(text, "nr_throttled");
	node->throttled_seconds = lt_cgroup_stat(text, hierarchy->time_key) * hierarchy->time_unit;
	node->counted_round = cgroups->round;
}

/* The strictest of a cgroup and those above it; NULL: there is no limit. */
static struct node *strictest(struct lt_cgroups *cgroups, size_t number, char *path)
{
	struct node *found = NULL;

	for (;;) {
		struct node *node = look_at(cgroups, number, path);
		char *slash;

		if (node && !isnan(node->limit) && (!found || node->limit < found->limit))
			found = node;
		slash = strrchr(path, '/');
		if (!slash)
			return found;
		*slash = '\0';
	}
}

static struct lt_cgroup_limits limits_of(struct lt_cgroups *cgroups, const char *text)
{
	struct lt_cgroup_limits limits = unknown;

	for (size_t i = 0; i < HIERARCHIES; i++) {
		const struct hierarchy *hierarchy = &hierarchies[i];
		double *limit =
			hierarchy->is_memory ? &limits.memory_limit_bytes : &limits.cpu_limit;
		char path[512];
		struct node *node;

		if (lt_cgroup_path(text, hierarchy->controller, path, sizeof(path)))
			continue;
		node = strictest(cgroups, i, path);
		if (!node || node->limit >= *limit)
			continue;
		*limit = node->limit;
		if (hierarchy->is_memory)
			continue;
		count(cgroups, node, hierarchy);
		limits.periods = node->periods;
		limits.throttled_periods = node->throttled_periods;
		limits.throttled_seconds = node->throttled_seconds;
	}
	return limits;
}

struct lt_cgroup_limits lt_cgroups__limits(struct lt_cgroups *cgroups, const char *text)
{
	struct answer *answer;

	if (!text)
		return unknown;
	HASH_FIND_STR(cgroups->answers, text, answer);
	if (!answer) {
		answer = calloc(1, sizeof(*answer));
		if (answer)
			answer->text = strdup(text);
		if (!answer || !answer->text) {
			free(answer);
			return unknown;
		}
		HASH_ADD_KEYPTR(hh, cgroups->answers, answer->text, strlen(answer->text), answer);
	}
	if (answer->round != cgroups->round) {
		answer->limits = limits_of(cgroups, text);
		answer->round = cgroups->round;
	}
	return answer->limits;
}
