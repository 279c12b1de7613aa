/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/cache_room.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/util/text.h"

#define ABANDONED_SECONDS 60

struct oldest {
	char name[256];
	struct timespec written;
};

static bool is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

/* Looks through the directory once. How many entries there are now; ret_oldest: of them. */
static size_t look_through(int dir, const char *prefix, struct oldest *ret_oldest)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	struct stat st;
	size_t n = 0;

	while (listing && (entry = readdir(listing))) {
		const char *suffix = strstr(entry->d_name, LT_CACHE_SUFFIX);
		bool whole = suffix && !suffix[strlen(LT_CACHE_SUFFIX)];

		if (!suffix || fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		if (whole ? !lt_starts_with(entry->d_name, prefix)
			  : st.st_mtim.tv_sec + ABANDONED_SECONDS < time(NULL)) {
			unlinkat(dir, entry->d_name, 0);
			continue;
		}
		if (!whole)
			continue;
		if (!n++ || is_before(st.st_mtim, ret_oldest->written)) {
			snprintf(ret_oldest->name, sizeof(ret_oldest->name), "%s", entry->d_name);
			ret_oldest->written = st.st_mtim;
		}
	}
	if (listing)
		closedir(listing);
	else if (copy >= 0)
		close(copy);
	return n;
}

void lt_cache_make_room(int dir, unsigned format)
{
	struct oldest oldest;
	char prefix[16];
	size_t n;

	snprintf(prefix, sizeof(prefix), "%u-", format);
	n = look_through(dir, prefix, &oldest);
	while (n-- >= LT_CACHE_ENTRIES_MAX) {
		unlinkat(dir, oldest.name, 0);
		if (n >= LT_CACHE_ENTRIES_MAX)
			look_through(dir, prefix, &oldest);
	}
}
