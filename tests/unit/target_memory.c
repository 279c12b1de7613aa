/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Real Node processes, each major version: opening them, reading the loop's own account while it
 * idles and works, the pool before and after its first use, the loop of a Worker; and what is
 * refused, with one sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "agent/util/clock.h"
#include "looptop/log.h"
#include "looptop/runtime.h"
#include "tests/unit/node_binary.h"

#define THREADS_MAX 64
#define PATIENCE_NS 120000000000ull /* costs only where something is broken */

/*
 * Does what the lines on its standard input say, and answers each with one; tells its own figures of its loop, and of its
 * Worker's: iterations (-1 if it has no count of them) and idle nanoseconds, of waits that have ended.
 */
static const char script[] =
	"const fs = require('fs'), { Worker } = require('worker_threads');"
	"const say = (s) => fs.writeSync(1, s + '\\n');"
	"const own = 'const t = performance.nodeTiming, i = t.uvMetricsInfo; '"
	"  + 'return (i ? i.loopCount : -1) + \" \" + Math.round(t.idleTime * 1e6)';"
	"const tell = new Function('performance', own);"
	"let timer, worker;"
	"require('readline').createInterface({ input: process.stdin }).on('line', (line) => {"
	"  if (line === 'pool') fs.stat('/', () => say('pool'));"
	"  else if (line === 'tick') { timer = setInterval(() => {}, 5); say('tick'); }"
	"  else if (line === 'own') say(tell(performance));"
	"  else if (line === 'worker own') worker.postMessage(0);"
	"  else if (line.startsWith('spin')) { clearInterval(timer); say(line);"
	"    while (!fs.existsSync(line.slice(5))); say('spun'); }"
	"  else if (line === 'worker') { worker = new Worker("
	"    `const { parentPort } = require('worker_threads'), tell = () => { ${own} };"
	"     setInterval(() => {}, 5); parentPort.on('message', () => parentPort.postMessage(tell()));"
	"     parentPort.postMessage('worker')`,"
	"    { eval: true }); worker.on('message', say); }"
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

/* What it says of its loop, or of its Worker's. */
struct own {
	int64_t iterations, idle_ns;
};

static struct own ask_own(const struct child *child, const char *what)
{
	char line[64] = "";
	struct own own;

	fprintf(child->to, "%s\n", what);
	fflush(child->to);
	if (!fgets(line, sizeof(line), child->from) ||
	    sscanf(line, "%" SCNd64 " %" SCNd64, &own.iterations, &own.idle_ns) != 2)
		fail_msg("\"%s\": no figures of its own", line);
	return own;
}

/* With the wait that runs. */
static int64_t idle_ns(const struct lt_loop_mem *mem)
{
	return (int64_t)(mem->idle_ns + (mem->entry_ns ? mem->read_ns - mem->entry_ns : 0));
}

#define ROUNDING_NS 1000 /* of its own figures, which are doubles of milliseconds */

/* What it says is not before the one reading, nor after the other. */
static void check_between(const struct lt_loop_mem *a, const struct own *own,
			  const struct lt_loop_mem *b)
{
	assert_true(idle_ns(a) <= own->idle_ns + ROUNDING_NS);
	assert_true(own->idle_ns <= idle_ns(b) + ROUNDING_NS);
	assert_int_equal(own->iterations < 0, a->iterations == UINT64_MAX);
	if (own->iterations < 0)
		return;
	assert_true(a->iterations <= (uint64_t)own->iterations);
	assert_true((uint64_t)own->iterations <= b->iterations);
}

/* Reads a loop and asks the process about it, in turns, until it has gone round 15 times, or has waited, since. */
static void check_running(const struct lt_target *target, uint64_t loop, const struct child *child,
			  const char *what)
{
	struct lt_loop_mem begin = read_loop(target, loop), before = begin, after = begin;
	uint64_t until_ns = lt_now_ns() + PATIENCE_NS;
	bool enough;

	do {
		struct own own = ask_own(child, what);

		after = read_loop(target, loop);
		check_between(&before, &own, &after);
		before = after;
		assert_true(lt_now_ns() < until_ns);
		sleep_ms(7);
		enough = after.time_ms >= begin.time_ms + 75 && after.idle_ns > begin.idle_ns &&
			 (after.iterations == UINT64_MAX ||
			  after.iterations >= begin.iterations + 15);
	} while (!enough);
	assert_int_equal(after.loop_ptr, begin.loop_ptr);
	assert_true(idle_ns(&after) - idle_ns(&begin) <= (int64_t)(after.read_ns - begin.read_ns));
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

/* It has nothing to do: one wait, which began after the latest answer, goes on from one reading to the next. */
static void check_idle(const struct lt_target *target, const struct child *child)
{
	uint64_t asked_ns = lt_now_ns();
	struct own own = ask_own(child, "own");
	struct lt_loop_mem a, b;

	do {
		assert_true(lt_now_ns() < asked_ns + PATIENCE_NS);
		a = read_loop(target, 0);
		sleep_ms(300);
		b = read_loop(target, 0);
	} while (!a.entry_ns || a.entry_ns != b.entry_ns);
	assert_true(a.entry_ns > asked_ns && a.entry_ns <= a.read_ns && a.read_ns < b.read_ns);
	assert_true((uint64_t)own.idle_ns <= a.idle_ns + ROUNDING_NS);
	assert_int_equal(a.idle_ns, b.idle_ns);
	assert_int_equal(a.iterations, b.iterations);
	assert_true(a.has_check);
	assert_true(a.metrics_on);
	assert_in_range(a.active_handles, 1, 100);
}

/* It runs until it is told to stop: it is in no wait, and the clock of a loop that is held up stands. */
static void check_spinning(const struct lt_target *target, const struct child *child)
{
	char path[64], what[80];
	struct lt_loop_mem a, b;
	int fd;

	snprintf(path, sizeof(path), "%s/stop", cache_dir);
	snprintf(what, sizeof(what), "spin %s", path);
	ask(child, what);
	a = read_loop(target, 0);
	sleep_ms(150);
	b = read_loop(target, 0);
	assert_int_equal(a.entry_ns, 0);
	assert_int_equal(b.entry_ns, 0);
	assert_int_equal(b.idle_ns, a.idle_ns);
	assert_int_equal(b.time_ms, a.time_ms);
	assert_true(b.read_ns > a.read_ns);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	expect(child, "spun");
	assert_int_equal(unlink(path), 0);
}

static void check_main_loop(int major, const struct lt_target *target, const struct child *child)
{
	assert_int_equal(read_loop(target, 0).iterations == UINT64_MAX, major < 20);
	check_idle(target, child);
	ask(child, "tick");
	check_running(target, 0, child, "own");
	check_spinning(target, child);
}

static void check_pool(const struct lt_target *target, const struct child *child)
{
	uint64_t until_ns = lt_now_ns() + PATIENCE_NS;
	struct lt_pool_mem pool;

	assert_int_equal(lt_read_pool(target, &pool), 0);
	assert_int_equal(pool.size, 0);
	assert_int_equal(pool.queue_depth, 0);
	ask(child, "pool");
	do { /* its threads begin, and the one that worked ends what it does */
		assert_true(lt_now_ns() < until_ns);
		sleep_ms(10);
		assert_int_equal(lt_read_pool(target, &pool), 0);
	} while (pool.idle < 4);
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

static void check_worker(const struct lt_target *target, const struct child *child)
{
	uint64_t main_loop = read_loop(target, 0).loop_ptr, loop = 0;
	uint64_t until_ns = lt_now_ns() + PATIENCE_NS;
	int found = 0;

	assert_int_equal(worker_loops(target, main_loop, &loop), 0);
	ask(child, "worker");
	while (!found && lt_now_ns() < until_ns) {
		sleep_ms(7);
		found = worker_loops(target, main_loop, &loop);
	}
	assert_int_equal(found, 1);
	assert_int_equal(read_loop(target, loop).loop_ptr, loop);
	check_running(target, loop, child, "worker own");
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
	check_worker(target, &child);
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

static void wait_for_exec(const struct child *child, const char *program)
{
	uint64_t until_ns = lt_now_ns() + PATIENCE_NS;
	char path[64], exe[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", child->pid);
	while (!strstr(exe, program)) {
		ssize_t n = readlink(path, exe, sizeof(exe) - 1);

		exe[n < 0 ? 0 : n] = '\0';
		assert_true(lt_now_ns() < until_ns);
		sleep_ms(5);
	}
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
	siginfo_t info;

	(void)state;
	wait_for_exec(&child, "sleep");
	check_refused(child.pid, -ENOEXEC, "runs no event loop");
	kill(child.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
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
