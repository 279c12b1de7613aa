/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/util/clock.h"

#define KNOWN_MAX  8192 /* files */
#define IMAGES_MAX 64 /* of them, with what is in them: 2 MB */
#define PIN_NS	   10000000000ull /* processes that begin are looked at several times */

static struct lt_known *table; /* the least recently used first */
static size_t n_images, n_pins;

static void drop_image(struct lt_known *known)
{
	n_images -= known->image != NULL;
	free(known->image);
	known->image = NULL;
	if (known->pin < 0)
		return;
	close(known->pin);
	known->pin = -1;
	n_pins--;
}

static void forget(struct lt_known *known)
{
	HASH_DEL(table, known);
	drop_image(known);
	free(known);
}

struct lt_known *lt_known__find(const struct lt_file_key *key)
{
	struct lt_known *known;

	HASH_FIND(hh, table, key, sizeof(*key), known);
	if (known) { /* used last */
		HASH_DEL(table, known);
		HASH_ADD(hh, table, key, sizeof(*key), known);
	}
	return known;
}

struct lt_known *lt_known__of(int fd)
{
	struct lt_known *known;
	struct stat st;
	struct lt_file_key key;

	memset(&key, 0, sizeof(key));
	if (fstat(fd, &st))
		return NULL;
	key = (struct lt_file_key){ st.st_dev, st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_ctim.tv_sec,
			    (uint64_t)st.st_ctim.tv_nsec };
	known = lt_known__find(&key);
	if (known)
		return known;
	if (HASH_COUNT(table) >= KNOWN_MAX)
		forget(table);
	known = calloc(1, sizeof(*known));
	if (!known) {
		errno = ENOMEM;
		return NULL;
	}
	known->key = key;
	known->pin = -1;
	known->owner = st.st_uid;
	HASH_ADD(hh, table, key, sizeof(key), known);
	return known;
}

void lt_known__keep(struct lt_known *known, int fd, const struct lt_image *image)
{
	drop_image(known);
	known->image = malloc(sizeof(*image));
	if (!known->image)
		return;
	*known->image = *image;
	n_images++;
	if (!known->may_keep) {
		known->pin = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		n_pins += known->pin >= 0;
		known->until_ns = lt_now_ns() + PIN_NS;
	}
	for (struct lt_known *oldest = table; n_images > IMAGES_MAX && oldest;
	     oldest = oldest->hh.next)
		if (oldest != known)
			drop_image(oldest);
}

/* Is it of this file, as it is? Numbers of devices and inodes are given again, and some users can choose a file's times. */
bool lt_known__has(struct lt_known *known, int fd)
{
	struct lt_identity now;
	const char *why_not;

	if (!known->image)
		return false;
	if (known->may_keep ? lt_identify(fd, &now, &why_not) == 0 &&
				      !memcmp(&now, &known->identity, sizeof(now)) :
			      known->pin >= 0 && lt_now_ns() < known->until_ns)
		return true;
	drop_image(known);
	return false;
}

void lt_known__sweep(void)
{
	uint64_t now_ns = n_pins ? lt_now_ns() : 0;
	size_t left = n_pins;

	for (struct lt_known *known = table; left && known; known = known->hh.next) {
		left -= known->pin >= 0;
		if (known->pin >= 0 && now_ns >= known->until_ns)
			drop_image(known);
	}
}
