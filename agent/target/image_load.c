/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/image_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/cache.h"
#include "agent/target/elf_header.h"
#include "agent/target/image.h"
#include "agent/target/image_check.h"
#include "agent/target/known.h"
#include "agent/target/maps.h"
#include "agent/util/bounded.h"
#include "agent/util/clock.h"
#include "agent/util/refusal.h"
#include "looptop/log.h"

#define TICK_NS	   1000000000ull /* whoever has no more patience is a tick */
#define LOSS	   "event loops in it are not measured"

/* Node's analysis takes 40 MB and 50 ms, stripped 150 ms. */
static const struct lt_limits image_limits = { .memory_bytes = 64u << 20,
					       .cpu_seconds = 3,
					       .wall_ns = 10000000000ull,
					       .result_bytes = sizeof(struct lt_image) };
static const struct lt_limits mark_limits = { .memory_bytes = 64u << 20,
					      .cpu_seconds = 3,
					      .wall_ns = 10000000000ull,
					      .result_bytes = LT_BOUNDED_FDS_MAX };

/* The one that nobody waits for. */
static struct {
	struct lt_job *job;
	uint64_t begin_ns;
	bool is_marks;
	size_t n;
	struct lt_file_key keys[LT_BOUNDED_FDS_MAX];
	int fds[LT_BOUNDED_FDS_MAX];
} running;

/* --- in the other process ---------------------------------------------------------------------- */

static int find_image(const void *args, const int *fds, size_t n_fds)
{
	struct lt_image *image;
	int err = lt_image__analyse(fds[0], &image);

	(void)args;
	(void)n_fds;
	return err ? err : lt_bounded__tell(image, sizeof(*image));
}

static int find_marks(const void *args, const int *fds, size_t n_fds)
{
	int err = 0;

	(void)args;
	for (size_t i = 0; !err && i < n_fds; i++) {
		int marked = lt_image__is_marked(fds[i]);
		uint8_t told = marked ? LT_MARKS_THERE : LT_MARKS_NONE;

		err = marked < 0 ? marked : lt_bounded__tell(&told, 1);
	}
	return err;
}

/* --- refusing ---------------------------------------------------------------------------------- */

/* result: of what read it, which a limit has ended; what is by chance is tried again. */
static int refuse(struct lt_known *known, int fd, const struct lt_result *result, uint64_t spent_ns)
{
	lt_bounded__charge(known->owner, result, spent_ns);
	if (result->by_chance)
		return -EAGAIN;
	known->done = true;
	known->err = -EDQUOT;
	lt_refuse(fd, result->why, LOSS);
	return -EDQUOT;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* On disk, if the file is still what it was, and nobody can change it. */
static void keep_on_disk(const struct lt_known *known, int fd, const struct lt_image *image)
{
	const char *why_not = "others may write to it";
	struct lt_identity now;

	if (known->may_keep && lt_identify(fd, &now, &why_not) == 0 &&
	    !memcmp(&known->identity, &now, sizeof(now)))
		lt_cache_store(fd, &known->identity, image);
	else
		lt_debug("sites of inode %llu are not kept: %s", (unsigned long long)known->key.ino,
			 why_not ? why_not : "it has changed meanwhile");
}

static int take_image(struct lt_known *known, int fd, int err, const struct lt_result *result,
		      uint64_t spent_ns)
{
	const struct lt_image *image = result->data;

	if (err == -EDQUOT)
		return refuse(known, fd, result, spent_ns);
	if (err == -EINTR)
		return err;
	lt_bounded__charge(known->owner, result, spent_ns);
	if (!err && (result->length != sizeof(*image) || !lt_image__is_sane(image)))
		err = -EINVAL;
	known->done = true;
	known->err = err;
	if (err)
		return err;
	lt_image__describe(image);
	lt_known__keep(known, fd, image);
	keep_on_disk(known, fd, image);
	return 0;
}

/* Marks of files, up to the one that could not be read. */
static void take_marks(const struct lt_file_key *keys, const int *fds, size_t n, int err,
		       const struct lt_result *result, uint64_t spent_ns)
{
	const uint8_t *told = result->data;
	size_t n_told = result->length < n ? result->length : n;
	bool is_charged = err == -EDQUOT; /* it is whose file was being read then */

	for (size_t i = 0; i < n_told; i++) {
		struct lt_known *known = lt_known__find(&keys[i]);

		if (known && known->owner && !is_charged) {
			lt_bounded__charge(known->owner, result, 0);
			is_charged = true;
		}
		if (known)
			known->marks = told[i] == LT_MARKS_THERE ? LT_MARKS_THERE : LT_MARKS_NONE;
	}
	if (err == -EDQUOT && n_told < n) {
		struct lt_known *known = lt_known__find(&keys[n_told]);

		/* Those before it may have used up what all have together: it is judged when it is read alone. */
		if (known && n == 1)
			refuse(known, fds[0], result, spent_ns);
		else if (known)
			lt_bounded__charge(known->owner, result, spent_ns);
	} else if (err != -EINTR && n_told < n) { /* it lies, or is broken in a new way */
		struct lt_known *known = lt_known__find(&keys[n_told]);

		if (known)
			known->done = true;
		if (known)
			known->err = -EINVAL;
	}
}

static void end_running(int err, struct lt_result *result)
{
	uint64_t spent_ns = lt_now_ns() - running.begin_ns;
	struct lt_known *known;

	if (running.is_marks) {
		take_marks(running.keys, running.fds, running.n, err, result, spent_ns);
	} else {
		known = lt_known__find(&running.keys[0]);
		if (known)
			take_image(known, running.fds[0], err, result, spent_ns);
	}
	lt_result__free(result);
	for (size_t i = 0; i < running.n; i++)
		close(running.fds[i]);
	memset(&running, 0, sizeof(running));
}

/* Waits for the one that runs. False: it still does. */
static bool finish_running(uint64_t patience_ns)
{
	struct lt_result result;
	int err;

	if (!running.job)
		return true;
	if (patience_ns > TICK_NS)
		err = lt_bounded__end(running.job, patience_ns, &result);
	else
		err = lt_bounded__end_soon(running.job, patience_ns, &result);
	if (err != -EAGAIN)
		end_running(err, &result);
	return err != -EAGAIN;
}

static bool is_running(const struct lt_file_key *key)
{
	for (size_t i = 0; running.job && i < running.n; i++)
		if (!memcmp(&running.keys[i], key, sizeof(*key)))
			return true;
	return false;
}

/* Who is patient has a process of their own if the other one is at something else. */
static int read_now(const struct lt_task *task, const struct lt_file_key *keys, bool is_marks)
{
	struct lt_result result;
	uint64_t begin_ns = lt_now_ns();
	int err = lt_bounded__run(task, &result);
	uint64_t spent_ns = lt_now_ns() - begin_ns;
	struct lt_known *known = lt_known__find(&keys[0]);

	if (is_marks)
		take_marks(keys, task->fds, task->n_fds, err, &result, spent_ns);
	else if (known)
		take_image(known, task->fds[0], err, &result, spent_ns);
	lt_result__free(&result);
	return err == -EINTR ? err : 0;
}

/* Reads files in a process that is waited for so long, and after that goes on by itself. What it told is known then.
 * 0, -EAGAIN or another -errno. */
static int read_files(const struct lt_file_key *keys, const int *fds, size_t n, bool is_marks,
		      uint64_t patience_ns)
{
	bool patient = patience_ns == LT_PATIENT, same = is_running(&keys[0]);
	struct lt_task task = { .fn = is_marks ? find_marks : find_image,
				.fds = fds,
				.n_fds = n,
				.limits = is_marks ? mark_limits : image_limits };

	if (!finish_running(patient && !same ? 0 : patience_ns))
		return patient ? read_now(&task, keys, is_marks) : -EAGAIN;
	if (same)
		return 0;
	running.job = lt_bounded__begin(&task);
	if (!running.job)
		return -errno;
	running.begin_ns = lt_now_ns();
	running.is_marks = is_marks;
	memcpy(running.keys, keys, n * sizeof(*keys));
	for (running.n = 0; running.n < n; running.n++)
		running.fds[running.n] = fcntl(fds[running.n], F_DUPFD_CLOEXEC, 0);
	return finish_running(patience_ns) ? 0 : -EAGAIN;
}

static int read_one(struct lt_known *known, int fd, bool is_marks, uint64_t patience_ns)
{
	if (patience_ns != LT_PATIENT && lt_bounded__must_wait(known->owner))
		return -EAGAIN;
	return read_files(&known->key, &fd, 1, is_marks, patience_ns);
}

/* --- asking ------------------------------------------------------------------------------------ */

/* What its first bytes say. */
static void check_header(struct lt_known *known, int fd)
{
	struct lt_result over = { 0 };
	const char *why = "";
	int err = lt_elf_header__check(fd, &why);

	if (err == -EFBIG) {
		snprintf(over.why, sizeof(over.why), "%s", why);
		refuse(known, fd, &over, 0);
	} else if (err) {
		known->done = true;
		known->err = err;
	}
}

static int copy_image(const struct lt_known *known, struct lt_image **ret_image)
{
	*ret_image = malloc(sizeof(**ret_image));
	if (!*ret_image)
		return -ENOMEM;
	**ret_image = *known->image;
	return 0;
}

int lt_image__load(int fd, bool unless_marked, uint64_t patience_ns, struct lt_image **ret_image)
{
	struct lt_known *known = lt_known__of(fd);
	const char *why_not;
	int err = 0;

	if (!known)
		return -errno;
	if (!known->done)
		check_header(known, fd);
	if (!known->done && unless_marked && known->marks == LT_MARKS_UNKNOWN)
		err = read_one(known, fd, true, patience_ns);
	if (!known->done && unless_marked && known->marks != LT_MARKS_THERE)
		return known->marks == LT_MARKS_NONE ? -ENOEXEC : err ? err : -EAGAIN;
	if (known->done && known->err)
		return known->err;
	if (lt_known__has(known, fd))
		return copy_image(known, ret_image);
	/* What is kept is what was to be read when reading began. */
	if (!is_running(&known->key))
		known->may_keep = lt_identify(fd, &known->identity, &why_not) == 0;
	if (known->may_keep && lt_cache_load(fd, &known->identity, ret_image) == 0) {
		known->done = true;
		lt_known__keep(known, fd, *ret_image);
		return 0;
	}
	known->done = false; /* its image was dropped */
	err = read_one(known, fd, false, patience_ns);
	if (known->image)
		return copy_image(known, ret_image);
	return known->done && known->err ? known->err : err ? err : -EAGAIN;
}

/* Those among the files whose marks are not known yet; they are open then. */
static size_t open_unknown(int pid, const struct lt_mapping *mappings, size_t n,
			   uint64_t patience_ns, size_t *at, struct lt_file_key *keys, int *fds)
{
	size_t n_open = 0;

	for (; *at < n && n_open < LT_BOUNDED_FDS_MAX; ++*at) {
		int fd = lt_maps_open(pid, &mappings[*at]);
		struct lt_known *known = fd < 0 ? NULL : lt_known__of(fd);

		if (known && !known->done && known->marks == LT_MARKS_UNKNOWN)
			check_header(known, fd);
		if (known && !known->done && known->marks == LT_MARKS_UNKNOWN &&
		    (patience_ns == LT_PATIENT || !lt_bounded__must_wait(known->owner))) {
			keys[n_open] = known->key;
			fds[n_open++] = fd;
		} else if (fd >= 0) {
			close(fd);
		}
	}
	return n_open;
}

void lt_image__prefetch(int pid, const struct lt_mapping *mappings, size_t n, uint64_t patience_ns)
{
	struct lt_file_key keys[LT_BOUNDED_FDS_MAX];
	int fds[LT_BOUNDED_FDS_MAX];

	for (size_t at = 0, n_open; at < n;) {
		int err = 0;

		n_open = open_unknown(pid, mappings, n, patience_ns, &at, keys, fds);
		if (n_open > 1) /* one alone is read when it is asked for */
			err = read_files(keys, fds, n_open, true, patience_ns);
		for (size_t i = 0; i < n_open; i++)
			close(fds[i]);
		if (err)
			break;
	}
}
