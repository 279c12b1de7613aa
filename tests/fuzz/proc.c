/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: texts of /proc and of a container's /etc/hostname. The input: which file (1 byte), then its text.
 */
#include <math.h>

#include "agent/target/cgroup.h"
#include "agent/target/hostname.h"
#include "agent/target/maps.h"
#include "agent/target/peer.h"
#include "agent/target/process.h"
#include "agent/target/waits.h"
#include "tests/fuzz/fuzz.h"

#define INODE 12345

static void stat_and_status(const char *text)
{
	struct lt_proc_stat stat;

	if (!lt_parse_stat(text, &stat))
		CHECK(strnlen(stat.comm, sizeof(stat.comm)) < sizeof(stat.comm));
	CHECK(lt_parse_tgid(text) != 0);
}

static void cgroup(const char *text)
{
	char path[LT_PATH_SIZE], container[LT_CONTAINER_SIZE], pod[LT_POD_SIZE];

	lt_parse_cgroup(text, path, container);
	check_printable(path, sizeof(path));
	check_printable(container, sizeof(container));
	CHECK(strlen(container) == 0 || strlen(container) == LT_CONTAINER_SIZE - 1);
	lt_parse_pod(text, pod);
	check_printable(pod, sizeof(pod));
}

/* It is put behind the folder where cgroups are: it must begin there, and be one line. */
static void cgroup_path(const char *text, size_t size, const char *controller)
{
	char *path = malloc(size);

	CHECK(path);
	if (!lt_cgroup_path(text, controller, path, size)) {
		CHECK(strnlen(path, size) < size);
		CHECK(path[0] == '/' && !strchr(path, '\n'));
	}
	free(path);
}

static void cgroup_files(const char *text)
{
	double limit = lt_cgroup_cpu_max(text);

	CHECK(isnan(limit) || limit > 0);
	lt_cgroup_stat(text, "nr_throttled");
	lt_cgroup_stat(text, "throttled_usec");
}

static void mapping(const char *text)
{
	struct lt_mapping mapping;

	if (lt_parse_mapping(text, &mapping) == 1) {
		CHECK(mapping.begin < mapping.end && mapping.ino);
		check_printable(mapping.path, sizeof(mapping.path));
		CHECK(mapping.path[0] == '/');
	}
}

static void hostname(const char *text, size_t length)
{
	char name[LT_HOSTNAME_SIZE];

	if (!lt_parse_hostname(text, length, name)) {
		check_printable(name, sizeof(name));
		CHECK(name[0]);
	}
}

static void peer(const char *text, enum lt_socket_table table)
{
	char name[LT_PEER_SIZE];

	if (lt_peer_in_line(table, text, INODE, name)) {
		check_printable(name, sizeof(name));
		CHECK(name[0]);
	}
}

static void system_call(const char *text)
{
	struct lt_syscall call;

	if (lt_parse_syscall(text, &call))
		return;
	CHECK(call.number >= -1 && call.sp);
	for (int i = 0; call.number == -1 && i < 6; i++)
		CHECK(call.args[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t which = input_byte(&input), detail = which / 16;
	char *text = input_text(&input);

	switch (which % 8) {
	case 0:
		stat_and_status(text);
		break;
	case 1:
		cgroup(text);
		break;
	case 2:
		cgroup_path(text, 1 + detail * 32, detail & 1 ? "cpu" : "");
		break;
	case 3:
		cgroup_files(text);
		break;
	case 4:
		mapping(text);
		break;
	case 5:
		hostname(text, input.left);
		break;
	case 6:
		peer(text, (enum lt_socket_table)(detail % LT_TABLE_MAX));
		break;
	default:
		system_call(text);
	}
	free(text);
	return 0;
}
