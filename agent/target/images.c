/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "agent/target/image_load.h"
#include "agent/target/known.h"
#include "agent/util/clock.h"

#define KEPT_NS 3000000000ull

struct key {
	uint64_t dev, ino, size, changed_seconds, changed_ns;
};

struct shared {
	struct lt_file file; /* first: what the others see of it */
	struct lt_image *image;
	unsigned users;
	uint64_t left_ns; /* when the last user went */
	struct lt_images *images; /* NULL: it is in no table */
	struct key key;
	UT_hash_handle hh;
};

struct lt_images {
	uint64_t patience_ns;
	struct shared *files;
	size_t unused;
};

struct lt_images *lt_images__new(void)
{
	struct lt_images *images = calloc(1, sizeof(*images));

	if (images)
		images->patience_ns = LT_PATIENT;
	return images;
}

void lt_images__set_patience(struct lt_images *images, uint64_t patience_ns)
{
	images->patience_ns = patience_ns;
}

uint64_t lt_images__patience_ns(const struct lt_images *images)
{
	return images ? images->patience_ns : LT_PATIENT;
}

static void destroy(struct shared *shared)
{
	if (shared->images)
		HASH_DEL(shared->images->files, shared);
	close(shared->file.fd);
	free(shared->image);
	free(shared);
}

/* Those that nobody has had since then. */
static void drop_unused(struct lt_images *images, uint64_t since_ns)
{
	struct shared *shared, *next;

	HASH_ITER(hh, images->files, shared, next)
	{
		if (shared->users || shared->left_ns > since_ns)
			continue;
		images->unused--;
		destroy(shared);
	}
}

void lt_images__free(struct lt_images *images)
{
	if (!images)
		return;
	drop_unused(images, UINT64_MAX);
	free(images);
}

void lt_images__sweep(struct lt_images *images)
{
	lt_known__sweep();
	if (images->unused)
		drop_unused(images, lt_now_ns() - KEPT_NS);
}

/* A new entry with its image, which has the descriptor; it is in no table yet. */
static int make(const struct lt_images *images, int take_fd, bool unless_marked,
		struct shared **ret_shared)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	int err = shared ? lt_image__load(take_fd, unless_marked, lt_images__patience_ns(images),
					  &shared->image)
			 : -ENOMEM;

	if (err) {
		free(shared);
		close(take_fd);
		return err;
	}
	shared->file = (struct lt_file){ take_fd, shared->image };
	*ret_shared = shared;
	return 0;
}

int lt_images__take(struct lt_images *images, int take_fd, bool unless_marked,
		    struct lt_file **ret_file)
{
	struct shared *shared = NULL;
	struct key key;
	struct stat st;
	bool share = images && fstat(take_fd, &st) == 0;
	int err;

	memset(&key, 0, sizeof(key));
	if (share) {
		key = (struct key){ st.st_dev, st.st_ino, (uint64_t)st.st_size,
				    (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec };
		HASH_FIND(hh, images->files, &key, sizeof(key), shared);
	}
	if (shared) {
		images->unused -= !shared->users;
		close(take_fd);
	} else {
		err = make(images, take_fd, unless_marked, &shared);
		if (err)
			return err;
		if (share) {
			shared->images = images;
			shared->key = key;
			HASH_ADD(hh, images->files, key, sizeof(key), shared);
		}
	}
	shared->users++;
	*ret_file = &shared->file;
	return 0;
}

void lt_images__give_back(struct lt_file *file)
{
	struct shared *shared = (struct shared *)file;

	if (!shared || --shared->users)
		return;
	if (!shared->images) {
		destroy(shared);
		return;
	}
	shared->left_ns = lt_now_ns();
	shared->images->unused++;
}
