/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Real Node processes, each major version: opening them, reading the loop's own account while it
 * idles and works, the pool before and after its first use, the loop of a Worker; and what is
 * refused, with one sentence. A binary that is not there is told and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/memory.h"
#include "agent/target/process.h"
#include "looptop/log.h"
#include "looptop/runtime.h"
#include "tests/unit/node_binary.h"

#define THREADS_MAX 64

/* Does what the lines on its standard input say, and answers each with one. */
static const char script[] =
	"const fs = require('fs'), { Worker } = require('worker_threads');"
	"const say = (s) => fs.writeSync(1, s + '\\n');"
	"let timer, worker;"
	"require('readline').createInterface({ input: process.stdin }).on('line', (line) => {"
	"  if (line === 'pool') fs.stat('/', () => say('pool'));"
	"  else if (line === 'tick') { timer = setInterval(() => {}, 5); say('tick'); }"
	"  else if (line === 'spin') { const end = Date.now() + 400;"
	"    clearInterval(timer); while (Date.now() < end); say('spin'); }"
	"  else if (line === 'worker') { worker = new Worker("
	"    'setInterval(() => {}, 5); require(\"worker_threads\").parentPort.postMessage(0)',"
	"    { eval: true }); worker.on('message', () => say('worker')); }"
	"});"
	"say('ready');";

struct child {
	pid_t pid;
	FILE *to, *from;
};

struct messages {
	int n;
	char last[512];
};

static struct messages messages;
static char cache_dir[] = "/tmp/looptop-test-memory-XXXXXX";

static void on_message(enum lt_log_level level, const char *line, void *ctx)
{
	struct messages *seen = ctx;

	if (level > LT_LOG_WARN)
		return;
	seen->n++;
	snprintf(seen->last, sizeof(seen->last), "%s", line);
}

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static struct child spawn(char *const argv[])
{
	int in[2], out[2];
	struct child child;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		execv(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child.to = fdopen(in[1], "w");
	child.from = fdopen(out[0], "r");
	assert_true(child.to && child.from);
	return child;
}

static void end(struct child *child)
{
	kill(child->pid, SIGKILL);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
	fclose(child->to);
	fclose(child->from);
}

static void expect(const struct child *child, const char *answer)
{
	char line[64] = "";

	if (!fgets(line, sizeof(line), child->from))
		fail_msg("the process said nothing, not \"%s\"", answer);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, answer);
}

static void ask(const struct child *child, const char *what)
{
	fprintf(child->to, "%s\n", what);
	fflush(child->to);
	expect(child, what);
}

/* A consistent reading; a loop that runs may be torn a few times. */
static struct lt_loop_mem read_loop(const struct lt_target *target, uint64_t loop)
{
	struct lt_loop_mem mem;
	int err = -EAGAIN;

	for (int i = 0; i < 50 && err; i++) {
		err = lt_read_loop(target, loop, &mem);
		if (err)
			sleep_ms(2);
	}
	assert_int_equal(err, 0);
	return mem;
}

static double idle_seconds(const struct lt_loop_mem *mem)
{
	uint64_t running = mem->entry_ns ? mem->read_ns - mem->entry_ns : 0;

	return (double)(mem->idle_ns + running) / 1e9;
}

static double idle_share(const struct lt_loop_mem *a, const struct lt_loop_mem *b)
{
	return (idle_seconds(b) - idle_seconds(a)) / ((double)(b->read_ns - a->read_ns) / 1e9);
}

static void check_identity(int major, const struct lt_target *target, const struct child *child)
{
	assert_int_equal(target->pid, child->pid);
	assert_string_equal(target->runtime, "node");
	assert_int_equal(atoi(target->runtime_version), major);
	assert_int_equal(strncmp(target->uv_version, "1.", 2), 0);
	assert_string_equal(target->name, "node -e");
	assert_non_null(strstr(target->exe, "/node"));
	assert_int_equal(target->n_modules, 1);
	assert_ptr_equal(lt_target__uv_module(target), &target->modules[0]);
	assert_true(lt_target__alive(target));
}

static void check_main_loop(int major, const struct lt_target *target, const struct child *child)
{
	struct lt_loop_mem a, b;
	double share;

	sleep_ms(50);
	a = read_loop(target, 0);
	assert_true(a.has_check);
	assert_true(a.metrics_on);
	assert_in_range(a.active_handles, 1, 100);
	assert_true(major < 20 ? a.iterations == UINT64_MAX : a.iterations > 0);
	sleep_ms(300);
	b = read_loop(target, 0);
	share = idle_share(&a, &b);
	assert_true(share > 0.95 && share < 1.02); /* nothing to do */
	assert_true(major < 20 || b.iterations - a.iterations <= 3);
	ask(child, "tick");
	a = read_loop(target, 0);
	sleep_ms(400);
	b = read_loop(target, 0);
	/* a timer each 5 ms: 80 turns on a machine that has time for it */
	if (major >= 20)
		assert_in_range(b.iterations - a.iterations, 15, 170);
	assert_true(b.time_ms > a.time_ms);
	/* now of ended waits, which idle_ns counts */
	share = idle_share(&a, &b);
	assert_true(share > 0.6 && share < 1.02);
	assert_true(b.idle_ns - a.idle_ns > 200000000);
	fprintf(child->to, "spin\n");
	fflush(child->to);
	sleep_ms(100);
	a = read_loop(target, 0);
	sleep_ms(150);
	b = read_loop(target, 0);
	assert_int_equal(b.entry_ns, 0); /* in no wait */
	assert_true(idle_share(&a, &b) < 0.05);
	assert_int_equal(b.time_ms, a.time_ms); /* the clock of a loop that is held up stands */
	expect(child, "spin");
}

static void check_pool(const struct lt_target *target, const struct child *child)
{
	struct lt_pool_mem pool;

	assert_int_equal(lt_read_pool(target, &pool), 0);
	assert_int_equal(pool.size, 0);
	assert_int_equal(pool.queue_depth, 0);
	ask(child, "pool");
	sleep_ms(50);
	assert_int_equal(lt_read_pool(target, &pool), 0);
	assert_int_equal(pool.size, 4);
	assert_int_equal(pool.idle, 4);
	assert_int_equal(pool.queue_depth, 0);
	assert_int_equal(pool.slow_queue_depth, 0);
	assert_int_equal(pool.slow_running, 0);
}

/* Looks through all threads for loops that run JavaScript; how many, the last one in *ret_loop. */
static int worker_loops(const struct lt_target *target, uint64_t main_loop, uint64_t *ret_loop)
{
	int tids[THREADS_MAX], n = lt_process_threads(target->pid, tids, THREADS_MAX), found = 0;

	for (int i = 0; i < n; i++) {
		struct lt_loop_mem mem;
		uint64_t loop;

		if (tids[i] == target->pid || lt_find_thread_loop(target, tids[i], &loop) ||
		    lt_read_loop(target, loop, &mem) || !mem.has_check)
			continue;
		assert_int_not_equal(loop, main_loop);
		*ret_loop = loop;
		found++;
	}
	return found;
}

/* Node's own count of callbacks: found by its shape, at rest and while a callback runs. */
static void check_async_hooks(const struct lt_target *target, uint64_t loop)
{
	uint64_t hooks = lt_find_async_hooks(target, loop), data[2];
	uint64_t base = hooks & ~LT_ASYNC_BUFFER_LONGER;
	size_t stride = LT_ASYNC_BUFFER_BYTES + 8 * (hooks & LT_ASYNC_BUFFER_LONGER);
	uint32_t fields[LT_ASYNC_STACK_LENGTH + 1];
	double ids[LT_ASYNC_COUNTER + 1];

	assert_int_not_equal(hooks, 0);
	assert_int_equal(lt_read_memory(target, base + LT_ASYNC_BUFFER_DATA, &data[0], 8), 0);
	assert_int_equal(
		lt_read_memory(target, base + stride + LT_ASYNC_BUFFER_DATA, &data[1], 8), 0);
	assert_int_equal(lt_read_memory(target, data[0], fields, sizeof(fields)), 0);
	assert_int_equal(lt_read_memory(target, data[1], ids, sizeof(ids)), 0);
	assert_int_equal(fields[LT_ASYNC_STACK_LENGTH], 0); /* no callback runs */
	assert_true(ids[LT_ASYNC_COUNTER] >= 1);
	assert_int_equal(lt_find_async_hooks(target, 0), 0);
	assert_int_equal(lt_find_async_hooks(target, loop + 8), 0);
	assert_int_equal(lt_find_async_hooks(target, 4096), 0);
}

static void check_worker(int major, const struct lt_target *target, const struct child *child)
{
	uint64_t main_loop = read_loop(target, 0).loop_ptr, loop = 0;
	struct lt_loop_mem a, b;
	int found = 0;

	assert_int_equal(worker_loops(target, main_loop, &loop), 0);
	ask(child, "worker");
	for (int i = 0; i < 100 && !found; i++) {
		sleep_ms(7);
		found = worker_loops(target, main_loop, &loop);
	}
	assert_int_equal(found, 1);
	a = read_loop(target, loop);
	sleep_ms(300);
	b = read_loop(target, loop);
	assert_int_equal(b.loop_ptr, loop);
	assert_true(b.time_ms > a.time_ms);
	if (major >= 20)
		assert_in_range(b.iterations - a.iterations, 10, 130);
}

static void test_node(void **state)
{
	const int major = *(const int *)*state;
	char path[512], *argv[] = { path, (char *)"-e", (char *)script, NULL };
	struct lt_target *target = NULL;
	struct lt_loop_mem mem;
	struct lt_pool_mem pool;
	struct child child;
	int fd = node_binary(major, path, sizeof(path));

	close(fd);
	child = spawn(argv);
	expect(&child, "ready");
	messages.n = 0;
	assert_int_equal(lt_target__open(child.pid, &target), 0);
	assert_int_equal(messages.n, 0);
	check_identity(major, target, &child);
	check_main_loop(major, target, &child);
	check_pool(target, &child);
	check_worker(major, target, &child);
	check_async_hooks(target, read_loop(target, 0).loop_ptr);
	/* addresses that are no loop */
	assert_int_equal(lt_read_loop(target, 1, &mem), -EFAULT);
	assert_int_equal(lt_read_loop(target, 8192, &mem), -EFAULT);
	assert_int_equal(lt_read_loop(target, UINT64_MAX - 7, &mem), -EFAULT);
	end(&child);
	assert_false(lt_target__alive(target));
	assert_int_equal(lt_read_loop(target, 0, &mem), -ESRCH);
	assert_int_equal(lt_read_pool(target, &pool), -ESRCH);
	lt_target__close(target);
}

static void check_refused(int pid, int want, const char *sentence)
{
	struct lt_target *target = NULL;

	messages = (struct messages){ 0 };
	assert_int_equal(lt_target__open(pid, &target), want);
	assert_null(target);
	assert_int_equal(messages.n, 1);
	if (!strstr(messages.last, sentence))
		fail_msg("\"%s\" does not say \"%s\"", messages.last, sentence);
}

static void test_refused(void **state)
{
	char *argv[] = { (char *)"/bin/sleep", (char *)"60", NULL };
	struct child child = spawn(argv);

	(void)state;
	sleep_ms(100);
	check_refused(child.pid, -ENOEXEC, "runs no event loop");
	kill(child.pid, SIGKILL);
	sleep_ms(100);
	check_refused(child.pid, -ESRCH, "zombie");
	end(&child);
	check_refused(child.pid, -ESRCH, "no such process");
	check_refused(0x3fffffff, -ESRCH, "no such process");
}

static int setup(void **state)
{
	static char node[512];
	const char *given = getenv("LT_NODE_DIR"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	(void)state;
	/* sites are found anew, not taken from a cache that is there: but Node stays where it is */
	if (!given)
		snprintf(node, sizeof(node), "%s%s/looptop/node",
			 cache	? cache
			 : home ? home
				: "",
			 cache ? "" : "/.cache");
	if (!mkdtemp(cache_dir) || (!given && setenv("LT_NODE_DIR", node, 1)) ||
	    setenv("XDG_CACHE_HOME", cache_dir, 1))
		return -1;
	signal(SIGPIPE, SIG_IGN);
	lt_log_set_sink(on_message, &messages);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	lt_log_set_sink(NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", cache_dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("node", test_node, node_majors),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
