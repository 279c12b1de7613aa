/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What /proc tells: hostile names and paths, the display name with no secret in it, and the readers
 * on this very process.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/hostname.h"
#include "agent/target/live.h"
#include "agent/target/maps.h"
#include "agent/target/process.h"

#define ID64	"3f2a9c01d4e5aaaabbbbccccddddeeeeffff0000111122223333444455556666"
#define ID12	"3f2a9c01d4e5"
#define NUMBERS " S 1 2 3 4 5 4194560 7 8 9 10 1234 567 13 14 20 0 11 0 987654 19 20"

static void test_stat(void **state)
{
	static const char *const names[] = { "node", "",       "a) R 1 2 (b", ")",
					     "(((",  "x\ny z", "\xff\x1b[2J" };
	struct lt_proc_stat stat;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "4121 (%s)" NUMBERS, names[i]);
		assert_int_equal(lt_parse_stat(text, &stat), 0);
		assert_string_equal(stat.comm, names[i]);
		assert_int_equal(stat.state, 'S');
		assert_int_equal(stat.parent_pid, 1);
		assert_int_equal(stat.utime_ticks, 1234);
		assert_int_equal(stat.stime_ticks, 567);
		assert_int_equal(stat.threads, 11);
		assert_int_equal(stat.start_ticks, 987654);
		assert_false(stat.kernel_thread);
	}
	assert_int_equal(
		lt_parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 9 0 0 20 0 1 0 1 0",
			      &stat),
		0);
	assert_true(stat.kernel_thread);
	snprintf(text, sizeof(text), "1 (%s)" NUMBERS, "a name that is longer than comm");
	assert_int_equal(lt_parse_stat(text, &stat), 0);
	assert_string_equal(stat.comm, "a name that is ");
}

static void test_exit_status(void **state)
{
	static const char before[] = "4121 (a) 2 (b) Z 1 2 3 4 5 4194560 7 8 9 10 1234 567 13 14 20 0 1 0 987654 0 0 "
				     "18446744073709551615 0 0 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0";
	static const struct {
		const char *last;
		int status;
	} cases[] = {
		{ " 9\n", 9 },	   { " 768", 768 },	{ " 134\n", 134 },  { " 0\n", 0 },	{ "", -1 },	   { " \n", -1 },
		{ " -1\n", -1 }, { " 65536\n", -1 }, { " 65535\n", 65535 }, { " x\n", -1 }, { " 9 77\n", 9 }, { " 99999999999999999999", -1 },
	};
	struct lt_proc_stat stat;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", before, cases[i].last);
		assert_int_equal(lt_parse_stat(text, &stat), 0);
		assert_int_equal(stat.exit_status, cases[i].status);
		assert_int_equal(stat.state, 'Z');
	}
}

/* A child's end is there to be read until it is asked for; that of one which ended well cannot be told from one that we
 * may not see. */
static void test_a_zombie_tells(void **state)
{
	static const int statuses[] = { 3, 255, 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct lt_live live;
		struct lt_proc_stat stat;
		siginfo_t info;
		int status = 0, pid = fork();

		if (!pid) {
			pause();
			_exit(1);
		}
		assert_int_equal(lt_process_stat(pid, &stat), 0);
		lt_live__open(&live, pid, stat.start_ticks);
		assert_int_equal(lt_live__exit_status(&live, &status), -ENOENT);
		kill(pid, SIGKILL);
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
		assert_int_equal(lt_live__exit_status(&live, &status), 0);
		assert_int_equal(WTERMSIG(status), SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(lt_live__exit_status(&live, &status), -ENOENT);
		lt_live__close(&live);
		pid = fork();
		if (!pid)
			_exit(statuses[i]);
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
		assert_int_equal(lt_process_stat(pid, &stat), 0);
		lt_live__open(&live, pid, stat.start_ticks);
		assert_int_equal(lt_live__exit_status(&live, &status), statuses[i] ? 0 : -ENOENT);
		if (statuses[i])
			assert_int_equal(WEXITSTATUS(status), statuses[i]);
		waitpid(pid, NULL, 0);
		lt_live__close(&live);
	}
}

static void test_stat_broken(void **state)
{
	static const char whole[] = "4121 (node)" NUMBERS;
	struct lt_proc_stat stat = { .start_ticks = 42 };
	char text[sizeof(whole)];

	(void)state;
	assert_int_equal(lt_parse_stat(")(", &stat), -EINVAL);
	assert_int_equal(lt_parse_stat("1 (x) S 1 2 x", &stat), -EINVAL);
	/* cut anywhere before the start time */
	for (size_t n = 0;
	     n <= strlen("4121 (node) S 1 2 3 4 5 4194560 7 8 9 10 1234 567 13 14 20 0 11 0");
	     n++) {
		snprintf(text, sizeof(text), "%.*s", (int)n, whole);
		assert_int_equal(lt_parse_stat(text, &stat), -EINVAL);
	}
	assert_int_equal(stat.start_ticks, 42); /* nothing half done */
}

static void test_tgid(void **state)
{
	(void)state;
	assert_int_equal(lt_parse_tgid("Name:\tnode\nUmask:\t0022\nTgid:\t4121\nNgid:\t0\n"), 4121);
	assert_int_equal(lt_parse_tgid("Name:\tTgid:\t1\nTgid:\t77\n"), 77);
	assert_int_equal(lt_parse_tgid("Name:\tTgid: 5\n"), -EINVAL);
	assert_int_equal(lt_parse_tgid("Name:\tx\nTgid:\t-4\n"), -EINVAL);
	assert_int_equal(lt_parse_tgid("Name:\tx\nTgid:\t99999999999999999999\n"), -EINVAL);
	assert_int_equal(lt_parse_tgid("Name:\tx\nTgid:"), -EINVAL);
	assert_int_equal(lt_parse_tgid(""), -EINVAL);
}

static void check_cgroup(const char *text, const char *path, const char *id)
{
	char cgroup[LT_PATH_SIZE], container[LT_CONTAINER_SIZE];

	memset(cgroup, 'x', sizeof(cgroup));
	memset(container, 'x', sizeof(container));
	lt_parse_cgroup(text, cgroup, container);
	assert_string_equal(cgroup, path);
	assert_string_equal(container, id);
}

static void test_cgroup(void **state)
{
	(void)state;
	check_cgroup("0::/system.slice/web.service\n", "/system.slice/web.service", "");
	check_cgroup("0::/system.slice/docker-" ID64 ".scope\n",
		     "/system.slice/docker-" ID64 ".scope", ID12);
	check_cgroup("0::/docker/" ID64, "/docker/" ID64, ID12);
	check_cgroup("0::/a.slice/cri-containerd-" ID64 ".scope\n",
		     "/a.slice/cri-containerd-" ID64 ".scope", ID12);
	check_cgroup("0::/x/kubepods-pod1.slice:cri-containerd:" ID64 "\n",
		     "/x/kubepods-pod1.slice:cri-containerd:" ID64, ID12);
	check_cgroup("0::/libpod-" ID64 ".scope/container\n", "/libpod-" ID64 ".scope/container",
		     ID12);
	check_cgroup("0::/crio-conmon-" ID64 ".scope\n", "/crio-conmon-" ID64 ".scope", "");
	/* the cpu controller on version 1 is where the limits are */
	check_cgroup("12:memory:/m\n4:cpu,cpuacct:/limits\n0::/unified\n", "/limits", "");
	check_cgroup("5:cpuset:/set\n0::/unified\n", "/unified", "");
}

static void test_cgroup_hostile(void **state)
{
	char *text = malloc(70000), cgroup[LT_PATH_SIZE], container[LT_CONTAINER_SIZE];

	(void)state;
	assert_non_null(text);
	check_cgroup("", "", "");
	check_cgroup("\n\n::\n0:\n:", "", "");
	check_cgroup("0::/a\x1b[2J\xff", "/a?[2J?", "");
	check_cgroup("0::/docker/" ID64 "0\n", "/docker/" ID64 "0", ""); /* 65 digits */
	check_cgroup(
		"0::/docker/3F2A9C01D4E5AAAABBBBCCCCDDDDEEEEFFFF0000111122223333444455556666\n",
		"/docker/3F2A9C01D4E5AAAABBBBCCCCDDDDEEEEFFFF0000111122223333444455556666", "");
	memcpy(text, "0::", 3);
	memset(text + 3, '/', 69996);
	text[69999] = '\0';
	lt_parse_cgroup(text, cgroup, container);
	assert_int_equal(strlen(cgroup), LT_PATH_SIZE - 1);
	free(text);
}

static void check_pod(const char *text, const char *want)
{
	char pod[LT_POD_SIZE];

	memset(pod, 'x', sizeof(pod));
	lt_parse_pod(text, pod);
	assert_string_equal(pod, want);
}

#define UID  "8f14e45f-ceea-467f-ab12-0123456789ab"
#define UID_ "8f14e45f_ceea_467f_ab12_0123456789ab"
#define HASH "8f14e45fceea467fab120123456789ab"

static void test_pod(void **state)
{
	(void)state;
	/* cgroupfs, v1 and v2 */
	check_pod("4:cpu,cpuacct:/kubepods/burstable/pod" UID "/" ID64 "\n0::/\n", UID);
	check_pod("0::/kubepods/pod" UID "/" ID64 "\n", UID);
	check_pod("0::/kubepods/besteffort/pod" HASH "/" ID64 "\n", HASH);
	/* systemd: containerd, cri-o, docker; below another slice (kind) */
	check_pod("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
		  ".slice/cri-containerd-" ID64 ".scope\n",
		  UID);
	check_pod("0::/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID64 ".scope/container\n",
		  UID);
	check_pod("9:memory:/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID64 ".scope\n",
		  UID);
	check_pod("0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
		  ".slice/cri-containerd-" ID64 ".scope\n",
		  UID);
	check_pod("0::/system.slice/containerd.service/kubepods-burstable-pod" UID_
		  ".slice:cri-containerd:" ID64 "\n",
		  UID);
	/* none */
	check_pod("", "");
	check_pod("\n\n::\n0:\n:", "");
	check_pod("0::/docker/" ID64 "\n", "");
	check_pod("0::/machine.slice/libpod-" ID64 ".scope\n", "");
	check_pod("0::/user.slice/pod" UID "\n", ""); /* anybody may name a cgroup so */
	check_pod("0::/kubepods/pod" UID "0/x\n", "");
	check_pod("0::/kubepods/xpod" UID "/x\n", "");
	check_pod("0::/kubepods/pod8F14E45F-CEEA-467F-AB12-0123456789AB\n", "");
	check_pod("0::/kubepods/pod\n", "");
}

static void check_hostname(const char *text, const char *want)
{
	char name[LT_HOSTNAME_SIZE];
	int err = lt_parse_hostname(text, strlen(text), name);

	assert_int_equal(err, want ? 0 : -EINVAL);
	if (want)
		assert_string_equal(name, want);
}

static void test_hostname(void **state)
{
	char name[LT_HOSTNAME_SIZE], text[4 * LT_HOSTNAME_SIZE];

	(void)state;
	check_hostname("web-1\n", "web-1");
	check_hostname("web_1.example.org", "web_1.example.org");
	check_hostname("web-1 \r\nsecond", "web-1");
	check_hostname("", NULL);
	check_hostname("\n", NULL);
	check_hostname("  \n", NULL);
	check_hostname("a b\n", NULL);
	check_hostname("\x1b[2J\n", NULL);
	check_hostname("caf\xc3\xa9\n", NULL);
	assert_int_equal(lt_parse_hostname("a\0b", 3, name), -EINVAL);
	memset(text, 'a', sizeof(text));
	assert_int_equal(lt_parse_hostname(text, LT_HOSTNAME_SIZE - 1, name), 0);
	assert_int_equal(strlen(name), LT_HOSTNAME_SIZE - 1);
	assert_int_equal(lt_parse_hostname(text, LT_HOSTNAME_SIZE, name), -EINVAL);
	assert_int_equal(lt_parse_hostname(text, sizeof(text), name), -EINVAL);
	lt_process_hostname(getpid(), name); /* our own namespaces: not asked */
	assert_string_equal(name, "");
	lt_process_hostname(1 << 23, name); /* no such process */
	assert_string_equal(name, "");
}

static void test_mapping(void **state)
{
	struct lt_mapping m;

	(void)state;
	assert_int_equal(
		lt_parse_mapping("00400000-00e00000 r-xp 00001000 fe:01 4711       /usr/bin/node",
				 &m),
		1);
	assert_int_equal(m.begin, 0x400000);
	assert_int_equal(m.end, 0xe00000);
	assert_int_equal(m.file_offset, 0x1000);
	assert_int_equal(m.dev, makedev(0xfe, 1));
	assert_int_equal(m.ino, 4711);
	assert_string_equal(m.path, "/usr/bin/node");
	assert_int_equal(lt_parse_mapping("1000-2000 r-xp 00000000 00:2d 9 /a b/c (deleted)", &m),
			 1);
	assert_string_equal(m.path, "/a b/c (deleted)");
	assert_int_equal(lt_parse_mapping("1000-2000 --xs 00000000 00:2d 9 /\xff\x1b", &m), 1);
	assert_string_equal(m.path, "/??");
	/* others */
	assert_int_equal(lt_parse_mapping("1000-2000 rw-p 00000000 fe:01 4711 /usr/bin/node", &m),
			 0);
	assert_int_equal(lt_parse_mapping("1000-2000 r-xp 00000000 00:00 0 ", &m), 0);
	assert_int_equal(lt_parse_mapping("1000-2000 r-xp 00000000 00:00 0 [vdso]", &m), 0);
	assert_int_equal(lt_parse_mapping("1000-2000 rwxp 00000000 00:01 12 anon_inode:[x]", &m),
			 0);
	/* none */
	assert_int_equal(lt_parse_mapping("", &m), -EINVAL);
	assert_int_equal(lt_parse_mapping("nonsense", &m), -EINVAL);
	assert_int_equal(lt_parse_mapping("1000-2000 r-xp", &m), -EINVAL);
	assert_int_equal(lt_parse_mapping("2000-1000 r-xp 0 fe:01 1 /x", &m), -EINVAL);
	assert_int_equal(lt_parse_mapping("1000-2000 r-xp 0 fe:01 x /x", &m), -EINVAL);
}

static void test_mapping_long(void **state)
{
	char line[6000];
	struct lt_mapping m;
	int n = snprintf(line, sizeof(line), "1000-2000 r-xp 0 fe:01 7 /");

	(void)state;
	memset(line + n, 'p', sizeof(line) - (size_t)n - 1);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(lt_parse_mapping(line, &m), 1);
	assert_int_equal(strlen(m.path), sizeof(m.path) - 1);
}

/* The arguments stand in one text with a "|" between them. */
static void check_name(const char *arguments, const char *exe, const char *comm, const char *want)
{
	char name[LT_NAME_SIZE], *cmdline = strdup(arguments);
	size_t length = strlen(arguments);

	assert_non_null(cmdline);
	for (size_t i = 0; i < length; i++)
		if (cmdline[i] == '|')
			cmdline[i] = '\0';
	/* a copy of exactly that size: reading beyond it is seen by the sanitizer */
	lt_display_name(name, cmdline, length ? length + 1 : 0, exe, comm);
	assert_string_equal(name, want);
	free(cmdline);
}

#define NODE "/usr/bin/node"

static void test_names_of_programs(void **state)
{
	static const char nginx[] = "/usr/sbin/nginx", python[] = "/usr/bin/python3.11",
			  redis[] = "/usr/bin/redis-check-rdb";

	(void)state;
	check_name("nginx: worker process", nginx, "nginx", "nginx worker");
	check_name("nginx: master process /usr/sbin/nginx -g env SECRET=x;", nginx, "nginx",
		   "nginx master");
	check_name("nginx: /etc/x", nginx, "nginx", "nginx");
	check_name("/usr/sbin/nginx|-g|daemon off;", nginx, "nginx", "nginx");
	check_name("redis-server 127.0.0.1:6379", redis, "redis-server",
		   "redis-server 127.0.0.1:6379");
	check_name("redis-server *:6379", redis, "redis-server", "redis-server *:6379");
	check_name("redis-server|--requirepass|secret", redis, "redis-server", "redis-server");
	check_name("python3|-u|/srv/app.py|--token=x", python, "python3", "app.py");
	check_name("/usr/bin/python3|-X|dev|-W|ignore|app.py", python, "python3", "app.py");
	check_name("python3|-m|http.server|8000", python, "python3", "http.server");
	check_name("python3|-Wd|-mapp", python, "python3", "python3");
	check_name("python3|-c|password = 1", python, "python3", "python3");
	check_name("python3|-", python, "python3", "python3");
	check_name("python3|-W", python, "python3", "python3");
	check_name("python3", python, "python3", "python3");
	check_name("/venv/bin/python|/venv/bin/uvicorn|app:main", python, "uvicorn", "uvicorn");
	check_name("gunicorn: worker [app]", python, "gunicorn", "gunicorn: worker");
}

static void test_names(void **state)
{
	(void)state;
	check_name("node|/app/server.js|--port=80", NODE, "node", "server.js");
	check_name("node|server.js", NODE, "node", "server.js");
	check_name("/usr/bin/node|--max-old-space-size=4096|-r|dotenv/config|dist/main.js", NODE,
		   "node", "main.js");
	check_name("node|--require|./hook.js|--inspect|app.mjs", NODE, "node", "app.mjs");
	check_name("node|.", NODE, "node", "node .");
	check_name("node|..", NODE, "node", "node ..");
	check_name("node|/app/dir/", NODE, "node", "dir");
	check_name("node|--|-odd.js", NODE, "node", "-odd.js");
	check_name("node|-c|x.js", NODE, "node", "x.js");
	check_name("node", NODE, "node", "node");
	check_name("node|-i", NODE, "node", "node -i");
	check_name("node20|x.js", "/opt/node20", "node20", "x.js");
	check_name("node|x.js", "/usr/bin/node (deleted)", "node", "x.js");
	check_name("npm install", NODE, "npm install", "npm install");
	check_name("", NODE, "MainThread", "node");
	check_name("", "", "kworker/0:1", "kworker/0:1");
	check_name("/app/shop|-e|1", "/app/shop", "MainThread", "shop");
	check_name("/app/shop", "/app/shop", "node-MainThread", "shop");
	check_name("", "", "MainThread", "MainThread");
	check_name("uvserver|-p|80", "/opt/uvserver", "uvserver", "uvserver");
}

/* Code, tokens and passwords stand in arguments. */
static void test_no_secrets(void **state)
{
	(void)state;
	check_name("node|-e|fetch('https://u:SECRET@x')", NODE, "node", "node -e");
	check_name("node|--eval=SECRET", NODE, "node", "node -e");
	check_name("node|--print|SECRET", NODE, "node", "node -p");
	check_name("node|-pe|SECRET", NODE, "node", "node -p");
	check_name("node|--title|SECRET|x.js", NODE, "node", "x.js");
	check_name("node|--env-file|/SECRET/env|x.js|--token=SECRET", NODE, "node", "x.js");
	check_name("node|--tls-keylog=SECRET|x.js", NODE, "node", "x.js");
	check_name("node|--require|SECRET", NODE, "node", "node");
	check_name("deploy --password=SECRET", NODE, "node", "deploy");
	check_name("deploy key=SECRET", NODE, "node", "deploy");
}

static void test_names_hostile(void **state)
{
	char name[LT_NAME_SIZE], *text = malloc(9000);
	unsigned seed = 3;

	(void)state;
	check_name("node|\x1b]0;x\a\xff\n.js", NODE, "node", "?]0;x???.js");
	check_name("node||||", NODE, "node", "node");
	check_name("node|/", NODE, "node", "/");
	check_name("|||", NODE, "node", "node");
	check_name("   ", NODE, "node", "node");
	assert_non_null(text);
	memset(text, 'a', 9000);
	text[4] = text[8999] = '\0';
	memcpy(text, "node", 4);
	lt_display_name(name, text, 9000, NODE, "node");
	assert_int_equal(strlen(name), LT_NAME_SIZE - 1);
	/* anything at all, of any length, ended or not */
	for (int round = 0; round < 3000; round++) {
		static const char letters[] = "node-/.=e \0\xff\x1b:";
		size_t length = (size_t)rand_r(&seed) % 80;
		char *copy = malloc(length ? length : 1);

		assert_non_null(copy);
		for (size_t i = 0; i < length; i++)
			copy[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		memset(name, 'x', sizeof(name));
		lt_display_name(name, copy, length, NODE, "node");
		assert_non_null(memchr(name, '\0', sizeof(name)));
		for (const char *c = name; *c; c++)
			assert_in_range((unsigned char)*c, 0x20, 0x7e);
		free(copy);
	}
	free(text);
}

static void test_self(void **state)
{
	double now = (double)time(NULL);
	struct lt_proc_info info;
	struct lt_mapping maps[64];
	char name[LT_COMM_SIZE];
	int tids[4], n, found = 0;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a) (b\x1b"), 0);
	assert_int_equal(lt_process_info(getpid(), &info), 0);
	assert_int_equal(info.pid, getpid());
	assert_string_equal(info.comm, "a) (b?");
	assert_non_null(strstr(info.exe, "/target_process"));
	assert_true(info.start_time > now - 600 && info.start_time < now + 2);
	assert_false(info.kernel_thread);
	assert_int_equal(info.state, 'R');
	assert_int_equal(lt_process_leader(getpid()), getpid());
	assert_true(lt_process_threads(getpid(), tids, 4) >= 1);
	assert_int_equal(tids[0], getpid());
	assert_int_equal(lt_thread_name(getpid(), getpid(), name), 0);
	assert_string_equal(name, "a) (b?");
	n = lt_maps_files(getpid(), maps, 64);
	for (int i = 0; i < n; i++) {
		int fd;

		if (strcmp(maps[i].path, info.exe) != 0)
			continue;
		fd = lt_maps_open(getpid(), &maps[i]);
		assert_true(fd >= 0);
		close(fd);
		maps[i].ino++;
		assert_int_equal(lt_maps_open(getpid(), &maps[i]), -ESTALE);
		found++;
	}
	assert_int_equal(found, 1);
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* What the kernel tells the process itself, before and after. */
static void test_usage(void **state)
{
	struct rusage before, after;
	struct lt_usage_details one, two;
	struct lt_usage usage;
	struct lt_proc_stat stat;
	struct rlimit limit;
	struct lt_live live;
	int fd;

	(void)state;
	assert_int_equal(lt_process_stat(getpid(), &stat), 0);
	lt_live__open(&live, getpid(), stat.start_ticks);
	assert_true(live.stat_fd >= 0 && live.statm_fd >= 0 && live.task_fd >= 0);
	assert_int_equal(lt_live__usage(&live, &usage), 0);
	/* Half a tick later, and a few ticks later: what it tells must keep up. */
	while (clock() < CLOCKS_PER_SEC / 10)
		;
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	assert_int_equal(lt_live__usage(&live, &usage), 0);
	lt_live__close(&live);
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	/* Ticks are cut: a hundredth of a second may be missing. */
	assert_true(usage.user_seconds > seconds_of(before.ru_utime) - 0.02);
	assert_true(usage.user_seconds <= seconds_of(after.ru_utime) + 0.02);
	assert_true(usage.system_seconds > seconds_of(before.ru_stime) - 0.02);
	assert_true(usage.system_seconds <= seconds_of(after.ru_stime) + 0.02);
	assert_true(usage.cpu_seconds > 0 && usage.cpu_seconds < 600);
	assert_true(usage.cpu_seconds >= usage.user_seconds + usage.system_seconds - 0.03);
	assert_true(usage.rss_bytes >= 4096 && usage.rss_bytes <= (double)(4ull << 30));
	lt_process_details(getpid(), &one);
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	lt_process_details(getpid(), &two);
	close(fd);
	assert_true(two.open_fds == one.open_fds + 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(one.max_fds == (double)limit.rlim_cur);
	assert_true(one.data_bytes > 4096 && one.virtual_bytes > usage.rss_bytes);
	assert_true(one.data_bytes < one.virtual_bytes);
}

/* It ends, and is waited for: with its files open and without, and with the wrong start time from the beginning. */
static void test_live_until_the_end(void **state)
{
	struct lt_live open, closed, other;
	struct lt_proc_stat stat;
	struct lt_usage usage;
	int tids[4];
	siginfo_t info;
	pid_t child = fork();

	(void)state;
	if (!child) {
		pause();
		_exit(0);
	}
	assert_int_equal(lt_process_stat(child, &stat), 0);
	lt_live__open(&open, child, stat.start_ticks);
	closed = open;
	closed.stat_fd = closed.statm_fd = closed.cgroup_fd = closed.task_fd = -1;
	lt_live__open(&other, child, stat.start_ticks + 1);
	assert_int_equal(lt_live__usage(&other, &usage), -ESRCH);
	assert_int_equal(lt_live__usage(&open, &usage), 0);
	assert_int_equal(lt_live__usage(&closed, &usage), 0);
	assert_true(usage.rss_bytes > 0);
	assert_int_equal(lt_live__threads(&open, tids, 4), 1);
	assert_int_equal(tids[0], child);
	assert_int_equal(lt_live__threads_told(&open), 1);
	assert_int_equal(lt_live__threads_told(&closed), 0);
	assert_int_equal(lt_live__threads(&open, tids, 4), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_true(lt_live__has_thread(child)); /* a zombie */
	assert_int_equal(lt_live__usage(&open, &usage), -ESRCH);
	assert_int_equal(lt_live__usage(&closed, &usage), -ESRCH);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(lt_live__usage(&open, &usage), -ESRCH);
	assert_int_equal(lt_live__usage(&closed, &usage), -ESRCH);
	assert_false(lt_live__has_thread(child));
	assert_int_equal(lt_live__threads(&open, tids, 4), -ESRCH);
	lt_live__close(&open);
	lt_live__close(&closed);
	lt_live__close(&other);
}

static void test_nobody(void **state)
{
	const int nobody = 0x3fffffff; /* over the kernel's greatest pid */
	struct lt_proc_info info;
	struct lt_proc_stat stat;
	struct lt_mapping map;
	char name[LT_COMM_SIZE];
	struct lt_usage usage;
	struct lt_usage_details details;
	struct lt_live live;
	int tid;

	(void)state;
	assert_int_equal(lt_process_info(nobody, &info), -ESRCH);
	assert_int_equal(lt_process_stat(nobody, &stat), -ESRCH);
	assert_int_equal(lt_process_leader(nobody), -ESRCH);
	lt_live__open(&live, nobody, 1);
	assert_int_equal(lt_live__usage(&live, &usage), -ESRCH);
	assert_int_equal(lt_live__threads(&live, &tid, 1), -ESRCH);
	lt_process_details(nobody, &details);
	assert_true(isnan(details.virtual_bytes) && isnan(details.data_bytes));
	assert_true(isnan(details.open_fds) && isnan(details.max_fds));
	assert_int_equal(lt_process_threads(nobody, &tid, 1), -ESRCH);
	assert_int_equal(lt_thread_name(nobody, nobody, name), -ESRCH);
	assert_int_equal(lt_maps_files(nobody, &map, 1), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),	       cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_a_zombie_tells),
		cmocka_unit_test(test_stat_broken),
		cmocka_unit_test(test_tgid),	       cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_cgroup_hostile), cmocka_unit_test(test_pod),
		cmocka_unit_test(test_hostname),       cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_mapping_long),   cmocka_unit_test(test_names), cmocka_unit_test(test_names_of_programs),
		cmocka_unit_test(test_no_secrets),     cmocka_unit_test(test_names_hostile),
		cmocka_unit_test(test_self),	       cmocka_unit_test(test_usage),
		cmocka_unit_test(test_live_until_the_end),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
