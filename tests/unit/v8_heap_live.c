/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Thousands of readings of the heap of a real Node that allocates as fast as it can: none is impossible. What it
 * keeps is in use in each of them, and the limit is one.
 */
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
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/memory.h"
#include "agent/util/clock.h"
#include "agent/v8/heap_usage.h"
#include "looptop/runtime.h"
#include "tests/unit/node_binary.h"

#define READS	600
#define SECONDS 20 /* the most that they may take */
#define MIB	1048576.0
#define SCRIPT                                                                            \
	"const v8=require('v8'),kept=[];let w=[];"                                        \
	"for(let i=0;i<120000;i++)kept.push({i,t:'kept '+i,m:[i,i+1]});gc();"             \
	"const h=v8.getHeapStatistics();console.log(h.used_heap_size,h.heap_size_limit);" \
	"function s(){const e=Date.now()+10;while(Date.now()<e){"                         \
	"for(let i=0;i<200;i++)w.push({a:[i,Math.random()],s:'x'.repeat(60)+i});"         \
	"if(w.length>100000)w=[];if(Math.random()<.01)w.push(new Array(5e4).fill(1));}"   \
	"setImmediate(s)}setTimeout(s,10);"

struct node {
	pid_t pid;
	double alive, limit; /* bytes, as it says */
};

static struct node start(const char *path)
{
	struct node node = { 0 };
	char line[128] = "";
	int ends[2];
	FILE *out;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	node.pid = fork();
	assert_true(node.pid >= 0);
	if (!node.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		execl(path, "node", "--expose-gc", "-e", SCRIPT, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	out = fdopen(ends[0], "r");
	assert_non_null(out);
	assert_non_null(fgets(line, sizeof(line), out));
	fclose(out);
	assert_int_equal(sscanf(line, "%lf %lf", &node.alive, &node.limit), 2);
	return node;
}

static int read_node(void *ctx, uint64_t address, void *buf, size_t length)
{
	return lt_read_memory(ctx, address, buf, length);
}

static struct lt_heap_source source_of(struct lt_target *target)
{
	struct lt_heap_source source = { .memory = { read_node, target } };

	for (size_t i = 0; i < target->n_modules; i++)
		if (target->modules[i].image->v8.sizes.version) {
			source.layout = &target->modules[i].image->v8.sizes;
			source.bias = target->modules[i].bias;
		}
	assert_non_null(source.layout);
	return source;
}

/*
 * Never less than nothing nor more than there is. The new spaces may grow to their capacity, a few times 16 MiB, and
 * from V8 13 (Node 24) beyond it, page by page: getHeapSpaceStatistics() has shown 346 pages of 256.
 */
static void check_available(const struct lt_heap *heap)
{
	for (int i = 0; i < LT_SNAP_SPACES; i++) {
		double available = heap->space_available_bytes[i];
		bool is_new = i == LT_SPACE_NEW || i == LT_SPACE_NEW_LARGE;
		double most = heap->space_total_bytes[i];

		if (!lt_known(available))
			continue;
		if (is_new && most < 64 * MIB)
			most = 64 * MIB;
		assert_true(available >= 0);
		if (available + heap->space_used_bytes[i] > most)
			fail_msg("space %d: in use %.0f, available %.0f, of %.0f", i,
				 heap->space_used_bytes[i], available, most);
	}
}

static bool knows_available(const struct lt_heap *heap)
{
	for (int i = 0; i < LT_SNAP_SPACES; i++)
		if (lt_known(heap->space_used_bytes[i]) &&
		    !lt_known(heap->space_available_bytes[i]))
			return false;
	return lt_known(heap->used_bytes);
}

static void check(const struct lt_heap *heap, const struct node *node)
{
	double sum = 0;

	assert_true(heap->limit_bytes == node->limit);
	assert_true(heap->total_bytes > node->alive && heap->total_bytes < 1024 * MIB);
	if (!lt_known(heap->used_bytes))
		return;
	assert_true(heap->used_bytes <= heap->total_bytes);
	if (heap->used_bytes < node->alive - 2 * MIB)
		fail_msg("in use %.0f, alive %.0f", heap->used_bytes, node->alive);
	for (int i = 0; i < LT_SNAP_SPACES; i++)
		sum += lt_known(heap->space_used_bytes[i]) ? heap->space_used_bytes[i] : 0;
	assert_true(sum == heap->used_bytes);
	check_available(heap);
}

/* Around which the isolate's address stands; the first turn of the loop makes it known. */
static uint64_t environment_of(const struct lt_target *target)
{
	struct lt_loop_mem loop;
	uint64_t environment = 0;

	for (int i = 0; i < 500 && !environment; i++) {
		if (!lt_read_loop(target, 0, &loop))
			environment = lt_find_environment(target, loop.loop_ptr);
		if (!environment)
			usleep(10000);
	}
	return environment;
}

static void read_many(struct lt_target *target, const struct node *node)
{
	struct lt_heap_source source = source_of(target);
	const char *asked = getenv("LT_HEAP_READS"), *why = NULL;
	long reads = asked ? atol(asked) : READS, known = 0, failed = 0, available = 0, tried = 0;
	uint64_t isolate = 0, until = lt_now_ns() + SECONDS * 1000000000ull;

	assert_int_equal(lt_heap__find(&source, environment_of(target), &isolate, &why), 0);
	assert_true(lt_heap__has_available(&source, isolate));
	source.has_available = true;
	for (; tried < reads && (asked || lt_now_ns() < until); tried++) {
		struct lt_heap heap;

		if (lt_heap__read(&source, isolate, &heap)) {
			failed++;
			continue;
		}
		check(&heap, node);
		known += lt_known(heap.used_bytes);
		available += knows_available(&heap);
		usleep(rand() % 2000);
	}
	print_message("of %ld in use known in %ld, all that is available in %ld, not known in %ld\n",
		      tried, known, available, failed);
	assert_true(known > tried / 20 && failed < tried / 10);
	/* Each of the two is read of the same moment, but for a hundredth or so. */
	assert_true(available >= known * 9 / 10);
}

static void test_storm(void **state)
{
	struct lt_target *target = NULL;
	struct node node;
	char path[512];
	int fd = node_binary(*(const int *)*state, path, sizeof(path)), status;

	close(fd);
	node = start(path);
	assert_int_equal(lt_target__open(node.pid, &target), 0);
	read_many(target, &node);
	lt_target__close(target);
	assert_int_equal(kill(node.pid, SIGKILL), 0);
	assert_int_equal(waitpid(node.pid, &status, 0), node.pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = { NODE_TESTS("node", test_storm, node_majors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
