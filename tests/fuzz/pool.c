/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: the tasks of a pool. The input is a list of words, and where they are put into an image with two
 * queues of tasks and the stack of a thread that runs one; half of them while it is read.
 */
#include <errno.h>
#include <unistd.h>

#include "agent/target/pool.h"
#include "agent/target/recall.h"
#include "agent/target/uv_layout.h"
#include "looptop/runtime.h"
#include "tests/fuzz/fuzz.h"

#define BASE	  0x10000000ull
#define SIZE	  32768
#define COUNTERS  BASE
#define QUEUE	  (BASE + 64)
#define SLOW	  (BASE + 96)
#define TASKS	  (BASE + 1024)
#define STACK	  (BASE + 16384)
#define N	  24
#define READS_MAX 1000000
#define FUNCTION  0x400000ull
#define CLASS	  0x500000ull

static unsigned char image[SIZE];
static unsigned reads, change_at;
static struct input changes;

static void put(uint64_t address, uint64_t word)
{
	if (address >= BASE && address + sizeof(word) <= BASE + SIZE)
		memcpy(image + (address - BASE), &word, sizeof(word));
}

static uint64_t task_of(unsigned i)
{
	return TASKS + 256ull * i + 128;
}

static uint64_t node_of(unsigned i)
{
	return i < N ? task_of(i) + LT_UV_WORK_NODE : QUEUE;
}

static void make_image(void)
{
	memset(image, 0, sizeof(image));
	put(COUNTERS, 4);
	put(SLOW, SLOW);
	put(SLOW + 8, SLOW);
	for (unsigned i = 0; i < N; i++) {
		put(task_of(i), FUNCTION + i % 3);
		put(task_of(i) + LT_UV_WORK_LOOP, BASE + 512);
		put(task_of(i) + LT_UV_WORK_USER_CB, FUNCTION + 8);
		put(task_of(i) - 104, CLASS);
		put(task_of(i) + 40, BASE + 600);
		put(node_of(i), node_of(i + 1));
		put(node_of(i) + 8, node_of(i - 1));
	}
	put(QUEUE, node_of(1));
	put(QUEUE + 8, node_of(N - 1));
	put(node_of(1) + 8, QUEUE);
	put(node_of(0), node_of(0)); /* the one that runs */
	put(node_of(0) + 8, node_of(0));
	put(STACK + 800, node_of(0));
}

/* Three bytes each: two say where, one which word is put there. */
static void apply(struct input *input)
{
	while (input->left >= 3) {
		uint64_t at = input_byte(input), low = input_byte(input);
		uint8_t which = input_byte(input);
		const uint64_t words[8] = {
			node_of(which >> 3), task_of(which >> 3), QUEUE,
			SLOW,		     which,		  ~0ull,
			1ull << (which >> 2), FUNCTION + (which >> 3) % 4,
		};

		put(BASE + ((at << 8 | low) & ~7ull) % SIZE, words[which & 7]);
	}
}

static ssize_t read_image(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	size_t done = 0;

	(void)ctx;
	if (++reads == change_at)
		apply(&changes);
	CHECK(reads < READS_MAX);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = (uint64_t)(uintptr_t)pieces[i].iov_base;

		CHECK(done + pieces[i].iov_len <= size);
		if (from < BASE || from >= BASE + SIZE || BASE + SIZE - from < pieces[i].iov_len)
			return done ? (ssize_t)done : -EFAULT;
		memcpy((char *)buf + done, image + (from - BASE), pieces[i].iov_len);
		done += pieces[i].iov_len;
	}
	return (ssize_t)done;
}

static void make_target(struct lt_image *file, struct lt_target *target, struct lt_recall *recall)
{
	static const uint8_t kinds[] = { LT_KIND_FS, LT_KIND_DNS, LT_KIND_MAX };

	for (size_t i = 0; i < sizeof(kinds); i++)
		file->sites[file->n_sites++] = (struct lt_site){ .role = LT_ROLE_TASK_START,
								 .group = LT_GROUP_POOL,
								 .arg = kinds[i],
								 .function = FUNCTION + i };
	file->sites[file->n_sites++] = (struct lt_site){ .role = LT_ROLE_WAIT_BEGIN };
	file->nthreads = COUNTERS;
	file->idle_threads = COUNTERS + 4;
	file->pool_queue = QUEUE;
	file->slow_queue = SLOW;
	file->task_cb = FUNCTION + 8;
	file->task_class_off = -104;
	file->task_type_off = 40;
	file->classes[file->n_classes++] = (struct lt_task_class){ CLASS, LT_KIND_CRYPTO };
	target->pid = getpid();
	target->modules[0].image = file;
	target->n_modules = 1;
	target->recall = recall;
}

static void read_all(const struct lt_target *target)
{
	static struct lt_pool_task tasks[LT_POOL_TASKS_MAX];
	struct lt_pool_task running;
	struct lt_pool_mem mem;
	bool whole;
	ssize_t n;

	reads = 0;
	n = lt_pool__queued(target, tasks, &whole);
	CHECK(n <= LT_POOL_TASKS_MAX);
	for (ssize_t i = 0; i < n; i++)
		CHECK(tasks[i].kind < LT_KIND_MAX);
	if (lt_pool__on_stack(target, STACK, &running) == 0) {
		CHECK(running.kind < LT_KIND_MAX);
		lt_pool__runs(target, running.task);
	}
	if (lt_read_pool(target, &mem) == 0)
		CHECK(mem.idle <= mem.size && mem.queue_depth >= -1 && mem.slow_queue_depth >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lt_source source = { read_image, NULL };
	struct lt_recall *recall = lt_recall__new(&source);
	static struct lt_image file;
	struct lt_target target = { 0 };
	struct input before = { data, size / 2 };

	CHECK(recall);
	file = (struct lt_image){ 0 };
	make_target(&file, &target, recall);
	make_image();
	change_at = 0;
	apply(&before);
	read_all(&target);
	changes = (struct input){ data + size / 2, size - size / 2 };
	change_at = size ? 1 + data[0] % 64 : 0;
	read_all(&target);
	lt_recall__free(recall);
	return 0;
}
