/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/v8/mapstore.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/util/bounded.h"
#include "agent/util/budget.h"
#include "agent/util/clock.h"
#include "agent/util/refusal.h"

#define UNUSED_MAX 64 /* that nobody has and that take no memory: broken ones, refused ones */
#define OPEN_MAX   64 /* descriptors */
#define NO_ROOM	   "no room for it in the budget of memory (--target-memory)"
#define LOSS	   "lines are told of the generated file alone"

/* A map of 20 MB takes 90 MB while it is read, and 6 afterwards. */
static const struct lt_limits limits = { .memory_bytes = 128u << 20,
					 .cpu_seconds = 4,
					 .wall_ns = 15000000000ull,
					 .result_bytes = 24u << 20 };

enum state {
	MAP_NEW, /* not read, or being read */
	MAP_READ,
	MAP_NONE, /* broken or refused */
	MAP_DROPPED
};

struct key {
	uint64_t dev, ino, size, changed_seconds, changed_ns;
};

struct lt_stored_map {
	struct key key;
	bool shared; /* by key: not what is of one process */
	char *base;
	enum state state;
	size_t users;
	int fd; /* until it is read */
	bool is_data;
	uid_t owner;
	struct lt_job *job;
	uint64_t begin_ns; /* of the job */
	struct lt_result packed;
	struct lt_sourcemap *map; /* in packed */
	struct lt_share share;
	TAILQ_ENTRY(lt_stored_map) entry;
};

TAILQ_HEAD(stored_maps, lt_stored_map);

static struct stored_maps maps = TAILQ_HEAD_INITIALIZER(maps); /* the latest last */

static void close_source(struct lt_stored_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

static void drop_packed(struct lt_stored_map *map, enum state state)
{
	lt_bounded__abandon(map->job);
	map->job = NULL;
	close_source(map);
	lt_sourcemap__free(map->map);
	map->map = NULL;
	lt_result__free(&map->packed);
	lt_budget__give_back(&map->share);
	map->state = state;
}

static void refuse(struct lt_stored_map *map, const char *why)
{
	char name[300];

	if (map->is_data)
		snprintf(name, sizeof(name), "the source map inside %s", map->base);
	else
		snprintf(name, sizeof(name), "%s", map->base);
	lt_refuse_named(name, why, LOSS);
	drop_packed(map, MAP_NONE);
}

static void destroy(struct lt_stored_map *map)
{
	drop_packed(map, MAP_NONE);
	TAILQ_REMOVE(&maps, map, entry);
	free(map->base);
	free(map);
}

static void drop(struct lt_share *share)
{
	struct lt_stored_map *map =
		(struct lt_stored_map *)((char *)share - offsetof(struct lt_stored_map, share));

	if (map->users)
		drop_packed(map, MAP_DROPPED);
	else
		destroy(map);
}

static struct lt_stored_map *find(const struct key *key, const char *base)
{
	struct lt_stored_map *map;

	TAILQ_FOREACH(map, &maps, entry)
	if (map->shared && map->state != MAP_DROPPED && !memcmp(&map->key, key, sizeof(*key)) &&
	    !strcmp(map->base, base))
		return map;
	return NULL;
}

/* Whose process it is; root's if that cannot be told. */
static uid_t user_of(int pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) ? 0 : st.st_uid;
}

/* Those that wait to be read hold a descriptor each: the one that has waited longest is opened again when it is asked
 * for the next time. */
static void close_oldest(void)
{
	struct lt_stored_map *map, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH(map, &maps, entry)
	{
		n += map->fd >= 0;
		if (map->fd >= 0 && !map->job && !oldest)
			oldest = map;
	}
	if (n > OPEN_MAX && oldest)
		drop(&oldest->share);
}

struct lt_stored_map *lt_mapstore__get(struct lt_sourcemap_source *take_source, int owner)
{
	struct lt_stored_map *map = NULL;
	struct key key;
	struct stat st;

	memset(&key, 0, sizeof(key));
	if (!take_source->is_data && !fstat(take_source->fd, &st)) {
		key = (struct key){ st.st_dev, st.st_ino, (uint64_t)st.st_size,
				    (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec };
		map = find(&key, take_source->base);
	}
	if (map) {
		close(take_source->fd);
		map->users++;
		return map;
	}
	map = calloc(1, sizeof(*map));
	if (map)
		map->base = strdup(take_source->base);
	if (!map || !map->base) {
		free(map);
		close(take_source->fd);
		return NULL;
	}
	map->key = key;
	map->shared = key.ino;
	map->fd = take_source->fd;
	map->is_data = take_source->is_data;
	map->owner = take_source->is_data || !key.ino ? user_of(owner) : st.st_uid;
	map->users = 1;
	map->share.drop = drop;
	TAILQ_INSERT_TAIL(&maps, map, entry);
	/* A file of our own takes memory until it is read. */
	if (map->is_data &&
	    (fstat(map->fd, &st) || !lt_budget__take(&map->share, (size_t)st.st_size)))
		refuse(map, NO_ROOM);
	close_oldest();
	return map;
}

void lt_mapstore__put(struct lt_stored_map *map)
{
	struct lt_stored_map *next;
	size_t n_unused = 0;

	if (!map || --map->users)
		return;
	if (!map->shared || map->state == MAP_NEW || map->state == MAP_DROPPED) {
		destroy(map);
		return;
	}
	/* The script may only have been moved, and another process may come that names it. */
	for (map = TAILQ_LAST(&maps, stored_maps); map; map = next) {
		next = TAILQ_PREV(map, stored_maps, entry);
		if (!map->users && map->state == MAP_NONE && ++n_unused > UNUSED_MAX)
			destroy(map);
	}
}

/* In a process with limits: tells the map in one piece. */
static int read_map(const void *args, const int *fds, size_t n_fds)
{
	struct lt_sourcemap_source source = *(const struct lt_sourcemap_source *)args;
	struct lt_sourcemap *map;
	const void *data;
	size_t length;
	int err;

	(void)n_fds;
	source.fd = fds[0];
	err = lt_sourcemap__read(&source, &map);
	if (err)
		return err;
	data = lt_sourcemap__data(map, &length);
	return lt_bounded__tell(data, length);
}

static void begin(struct lt_stored_map *map)
{
	struct lt_sourcemap_source source = { .fd = map->fd, .is_data = map->is_data };
	struct lt_task task = { .fn = read_map,
				.args = &source,
				.args_bytes = sizeof(source),
				.fds = &map->fd,
				.n_fds = 1,
				.limits = limits };

	if (lt_bounded__must_wait(map->owner))
		return;
	snprintf(source.base, sizeof(source.base), "%s", map->base);
	map->job = lt_bounded__begin(&task);
	map->begin_ns = lt_now_ns();
}

static int take(struct lt_stored_map *map, int err, struct lt_result *packed)
{
	lt_bounded__charge(map->owner, packed, lt_now_ns() - map->begin_ns);
	if (err == -EDQUOT) {
		if (packed->by_chance)
			return -EAGAIN;
		refuse(map, packed->why);
	} else if (err == -EINTR) {
		return -EAGAIN;
	} else if (!err && !lt_sourcemap__view(packed->data, packed->length, &map->map)) {
		if (lt_budget__take(&map->share, packed->length)) {
			map->state = MAP_READ;
			map->packed = *packed;
			memset(packed, 0, sizeof(*packed));
		} else {
			lt_sourcemap__free(map->map);
			map->map = NULL;
			refuse(map, NO_ROOM);
		}
	} else {
		drop_packed(map, MAP_NONE);
	}
	close_source(map);
	return map->state == MAP_READ ? 0 : -ENOENT;
}

/* Reads it, for as long as a tick may wait. 0, -EAGAIN or -ENOENT. */
static int load(struct lt_stored_map *map)
{
	struct lt_result packed;
	int err;

	if (!map->job)
		begin(map);
	if (!map->job)
		return -EAGAIN;
	err = lt_bounded__end_soon(map->job, UINT64_MAX, &packed);
	if (err == -EAGAIN)
		return err;
	map->job = NULL;
	err = take(map, err, &packed);
	lt_result__free(&packed);
	return err;
}

int lt_mapstore__find(struct lt_stored_map *map, int line, int column, const char **ret_file,
		      int *ret_line, int *ret_column)
{
	int err = map->state == MAP_NEW ? load(map) : 0;

	if (err)
		return err;
	if (map->state != MAP_READ)
		return map->state == MAP_DROPPED ? -ESTALE : -ENOENT;
	lt_budget__touch(&map->share);
	return lt_sourcemap__find(map->map, line, column, ret_file, ret_line, ret_column, NULL);
}
