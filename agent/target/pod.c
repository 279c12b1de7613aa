/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The uid of a Kubernetes pod, from a cgroup's path: "kubepods/burstable/pod<uid>/<id>" (cgroupfs) or
 * "kubepods-burstable-pod<uid>.slice" (systemd, with "_" for "-"), on cgroup v1 and v2, whatever runs the
 * containers. A static pod's uid is a hash: 32 digits without dashes.
 */
#include <ctype.h>
#include <string.h>

#include "agent/target/process.h"

#define UUID_LENGTH 36
#define HASH_LENGTH 32

static bool is_hex(char c)
{
	return isdigit((unsigned char)c) || (c >= 'a' && c <= 'f');
}

/* The uid of length characters at s, its dashes made dashes. False: it is none. */
static bool copy_uid(const char *s, size_t length, char pod[LT_POD_SIZE])
{
	for (size_t i = 0; i < length; i++) {
		bool dash = length == UUID_LENGTH && (i == 8 || i == 13 || i == 18 || i == 23);

		if (dash ? s[i] != '-' && s[i] != '_' : !is_hex(s[i]))
			return false;
		pod[i] = dash ? '-' : s[i];
	}
	pod[length] = '\0';
	return true;
}

/* One component of a path, from s to end. */
static bool pod_of_component(const char *s, const char *end, char pod[LT_POD_SIZE])
{
	static const char slice[] = ".slice", mark[] = "pod";
	size_t length = (size_t)(end - s);

	if (length > strlen(slice) && !memcmp(end - strlen(slice), slice, strlen(slice)))
		end -= strlen(slice);
	for (int i = 0; i < 2; i++) {
		size_t uid = i ? HASH_LENGTH : UUID_LENGTH;
		const char *at;

		if ((size_t)(end - s) < uid + strlen(mark))
			continue;
		at = end - uid - strlen(mark);
		if (memcmp(at, mark, strlen(mark)) || (at > s && at[-1] != '-'))
			continue;
		if (copy_uid(at + strlen(mark), uid, pod))
			return true;
	}
	return false;
}

static bool pod_of_path(const char *path, const char *end, char pod[LT_POD_SIZE])
{
	static const char mark[] = "kubepods";
	bool found = false;

	if (!memmem(path, (size_t)(end - path), mark, strlen(mark)))
		return false;
	while (path < end) {
		const char *behind = path;

		/* "kubepods-….slice:cri-containerd:<id>": containerd that was told the wrong driver */
		while (behind < end && *behind != '/' && *behind != ':')
			behind++;
		found |= pod_of_component(path, behind, pod);
		path = behind + 1;
	}
	return found;
}

void lt_parse_pod(const char *text, char pod[LT_POD_SIZE])
{
	char uid[LT_POD_SIZE];

	pod[0] = '\0';
	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		const char *list = memchr(line, ':', (size_t)(end - line));
		const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;

		if (path && pod_of_path(path + 1, end, uid)) {
			memcpy(pod, uid, sizeof(uid));
			return;
		}
		line = *end ? end + 1 : end;
	}
}
