/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The walk over a loop's handles, on images of memory: what is right is found, whatever is wrong (lists that run in
 * circles, that lie, that lead nowhere, that change while they are read, a process that ends) costs a bounded number
 * of reads and gives no figure. Images are broken at random with a fixed seed: a failure comes again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/handle_walk.h"
#include "agent/target/handles.h"
#include "agent/target/machine.h"
#include "agent/target/uv_layout.h"
#include "agent/util/clock.h"
#include "tests/unit/random.h"

#define BASE	  0x10000000ull
#define PAGE	  4096ull
#define PAGES	  1100
#define LOOP	  (BASE + 0x800)
#define FIRST	  (BASE + PAGE) /* of the handles */
#define STEP	  384 /* from one to the next */
#define WATCHERS  (BASE + 1000 * PAGE)
#define FUZZ_RUNS 3000
#define READS_MAX \
	80000 /* of one walk: five tries, each with 2048 failures and 2000 single reads at most */
#define NOW  1000000000ull
#define MANY 1800 /* handles, each read on its own */

struct image {
	unsigned char *bytes;
	bool unmapped[PAGES];
	unsigned reads, fail_at; /* from this read on, the process is gone; 0: it is not */
	unsigned change_at; /* before this read `change` is called; 0: never */
	void (*change)(struct image *image);
	bool endless; /* every address holds a handle whose next is the one behind it */
	int n;
};

static struct image image;
static struct lt_handle_walk *walk;
static const struct lt_handle *handles;
static size_t n_handles;

static void put(uint64_t address, uint64_t word)
{
	memcpy(image.bytes + (address - BASE), &word, sizeof(word));
}

static void put_half(uint64_t address, uint32_t half)
{
	memcpy(image.bytes + (address - BASE), &half, sizeof(half));
}

static uint64_t address_of(int i)
{
	return FIRST + (uint64_t)i * STEP;
}

static uint64_t node_of(int i)
{
	return i < 0 || i >= image.n ? LOOP + LT_UV_LOOP_HANDLE_QUEUE
				     : address_of(i) + LT_UV_HANDLE_QUEUE;
}

static void link_up(int i)
{
	uint64_t node = node_of(i);

	put(node, node_of(i + 1));
	put(node + 8, node_of(i - 1));
}

static void make(int i, uint32_t type, uint32_t flags)
{
	uint64_t at = address_of(i);

	memset(image.bytes + (at - BASE), 0, STEP);
	put(at + LT_UV_HANDLE_LOOP, LOOP);
	put_half(at + LT_UV_HANDLE_TYPE, type);
	put_half(at + LT_UV_HANDLE_FLAGS, flags);
	put_half(at + LT_UV_STREAM_FD, type == LT_UV_TCP ? (uint32_t)i : 0);
	link_up(i);
}

static void make_loop(int n)
{
	image = (struct image){ .bytes = image.bytes, .n = n };
	memset(image.bytes, 0, PAGES * PAGE);
	put(node_of(-1), node_of(0));
	put(node_of(-1) + 8, node_of(n - 1));
	put_half(LOOP + LT_UV_LOOP_ACTIVE_HANDLES, (uint32_t)n);
	for (int i = 0; i < n; i++)
		make(i, LT_UV_TCP, LT_UV_ACTIVE | LT_UV_REF);
}

/* The loop watches all of them. */
static void watch_all(void)
{
	put(LOOP + LT_UV_LOOP_WATCHERS, WATCHERS);
	put_half(LOOP + LT_UV_LOOP_NWATCHERS, (uint32_t)image.n + 2);
	for (int i = 0; i < image.n; i++)
		put(WATCHERS + 8 * (uint64_t)i, address_of(i) + LT_UV_STREAM_WATCHER);
}

static void invent(uint64_t address, unsigned char *buf, size_t size)
{
	uint64_t words[32] = { 0 };

	words[LT_UV_HANDLE_LOOP / 8] = LOOP;
	words[LT_UV_HANDLE_TYPE / 8] = LT_UV_ASYNC;
	words[LT_UV_HANDLE_QUEUE / 8] = address + 256 + LT_UV_HANDLE_QUEUE;
	words[LT_UV_HANDLE_QUEUE / 8 + 1] =
		address == FIRST ? node_of(-1) : address - 256 + LT_UV_HANDLE_QUEUE;
	memcpy(buf, words, size < sizeof(words) ? size : sizeof(words));
}

static bool copy_piece(const struct iovec *piece, unsigned char *buf)
{
	uint64_t from = (uint64_t)(uintptr_t)piece->iov_base, to = from + piece->iov_len;

	if (image.endless && from >= FIRST) {
		invent(from, buf, piece->iov_len);
		return true;
	}
	if (from < BASE || to > BASE + PAGES * PAGE || to < from)
		return false;
	for (uint64_t page = (from - BASE) / PAGE; page <= (to - 1 - BASE) / PAGE; page++)
		if (image.unmapped[page])
			return false;
	memcpy(buf, image.bytes + (from - BASE), piece->iov_len);
	return true;
}

static ssize_t read_image(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	size_t done = 0;

	(void)ctx;
	assert_true(n <= LT_PIECES_MAX);
	image.reads++;
	if (image.fail_at && image.reads >= image.fail_at)
		return -ESRCH;
	if (image.change_at && image.reads == image.change_at)
		image.change(&image);
	for (size_t i = 0; i < n; i++) {
		assert_true(done + pieces[i].iov_len <= size);
		if (!copy_piece(&pieces[i], (unsigned char *)buf + done))
			return done ? (ssize_t)done : -EFAULT;
		done += pieces[i].iov_len;
	}
	return (ssize_t)done;
}

static int run(uint64_t now_ns)
{
	image.reads = 0;
	n_handles = 0;
	return lt_handle_walk__run(walk, LOOP, image.bytes + (LOOP - BASE), now_ns,
				   lt_thread_cpu_ns(), &handles, &n_handles);
}

static int set_up(void **state)
{
	struct lt_source source = { read_image, NULL };

	(void)state;
	image.bytes = calloc(PAGES, PAGE);
	walk = lt_handle_walk__new(&source, getpid());
	return image.bytes && walk ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	lt_handle_walk__free(walk);
	free(image.bytes);
	return 0;
}

static void test_finds_all(void **state)
{
	(void)state;
	make_loop(7);
	make(3, LT_UV_TIMER, LT_UV_REF);
	put(address_of(3) + LT_UV_TIMER_CB, 0x1234);
	make(5, LT_UV_TCP, LT_UV_ACTIVE | LT_UV_REF);
	put(address_of(5) + LT_UV_STREAM_QUEUED_BYTES, 65536);
	put(address_of(5) + LT_UV_STREAM_CONNECTION_CB, 0x4321);
	assert_int_equal(run(NOW), 0);
	assert_int_equal(n_handles, 7);
	for (int i = 0; i < 7; i++)
		assert_int_equal(handles[i].address, address_of(i));
	assert_int_equal(handles[3].callback, 0x1234);
	assert_int_equal(handles[3].fd, -1);
	assert_int_equal(handles[5].queued_bytes, 65536);
	assert_int_equal(handles[5].fd, 5);
	assert_true(handles[5].listening && !handles[4].listening);
	make_loop(0);
	assert_int_equal(run(NOW), 0);
	assert_int_equal(n_handles, 0);
}

static void test_find_one(void **state)
{
	struct lt_source source = { read_image, NULL };

	(void)state;
	make_loop(300);
	make(4, LT_UV_CHECK, 0);
	put(address_of(4) + LT_UV_CHECK_CB, 0x1000);
	make(9, LT_UV_CHECK, 0);
	put(address_of(9) + LT_UV_CHECK_CB, 0x2000);
	make(290, LT_UV_TIMER, 0);
	assert_int_equal(lt_find_handle(&source, LOOP, LT_UV_CHECK, 0, 0), address_of(4));
	assert_int_equal(lt_find_handle(&source, LOOP, LT_UV_CHECK, 0x2000, 0), address_of(9));
	assert_int_equal(lt_find_handle(&source, LOOP, LT_UV_CHECK, 0, address_of(4)),
			 address_of(9));
	assert_int_equal(lt_find_handle(&source, LOOP, LT_UV_CHECK, 0, address_of(9)), 0);
	assert_int_equal(lt_find_handle(&source, LOOP, LT_UV_TIMER, 0, 0), 0); /* too far behind */
	assert_int_equal(lt_find_handle(&source, 12, LT_UV_TIMER, 0, 0), 0);
}

static void test_batches(void **state)
{
	(void)state;
	make_loop(10000);
	watch_all();
	assert_int_equal(run(NOW), 0);
	assert_int_equal(n_handles, 10000);
	assert_true(image.reads < 20);
	/* Nobody watches them any more: they are known. */
	put_half(LOOP + LT_UV_LOOP_NWATCHERS, 0);
	assert_int_equal(run(NOW), 0);
	assert_int_equal(n_handles, 10000);
	assert_true(image.reads < 20);
}

/* Those that nobody watches are found over several walks. */
static void test_unwatched(void **state)
{
	int err = -ETIMEDOUT, walks = 0;

	(void)state;
	make_loop(9000);
	for (; err == -ETIMEDOUT && walks < 10; walks++) {
		err = run(NOW);
		assert_true(image.reads < 2100);
	}
	assert_int_equal(err, 0);
	assert_int_equal(n_handles, 9000);
	assert_true(walks > 1);
}

/* Read again and again, within bounds, and then not taken. */
static void assert_refused(void)
{
	int err = run(NOW);

	assert_true(err == -EAGAIN || err == -ETIMEDOUT);
	assert_true(image.reads < READS_MAX && !n_handles);
}

static void test_circle(void **state)
{
	(void)state;
	make_loop(50);
	put(node_of(30), node_of(10));
	assert_refused();
	put(node_of(30), node_of(30));
	assert_refused();
	/* A circle in which all links fit, without the head. */
	put(node_of(30), node_of(10));
	put(node_of(10) + 8, node_of(30));
	assert_refused();
}

static void test_endless(void **state)
{
	int err = -ETIMEDOUT;

	(void)state;
	make_loop(1);
	image.endless = true;
	for (int i = 0; i < 150 && err == -ETIMEDOUT; i++) {
		err = run(NOW);
		assert_true(image.reads < READS_MAX);
	}
	assert_int_equal(err, -E2BIG);
}

static void test_lies(void **state)
{
	static const struct {
		size_t offset;
		uint64_t word;
	} lies[] = {
		{ LT_UV_HANDLE_LOOP, LOOP + 8 },
		{ LT_UV_HANDLE_TYPE, 0 },
		{ LT_UV_HANDLE_TYPE, 18 },
		{ LT_UV_HANDLE_TYPE, 0xffffffff },
		{ LT_UV_HANDLE_QUEUE, 0 },
		{ LT_UV_HANDLE_QUEUE, 17 },
		{ LT_UV_HANDLE_QUEUE, 1ull << 63 },
		{ LT_UV_HANDLE_QUEUE + 8, LOOP },
		{ LT_UV_STREAM_QUEUED_BYTES, 1ull << 50 },
		{ LT_UV_STREAM_FD, 0x80000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		make_loop(20);
		put(address_of(11) + lies[i].offset, lies[i].word);
		assert_refused();
	}
	make_loop(20);
	put(LOOP + LT_UV_LOOP_WATCHERS, WATCHERS + 4 * PAGES * PAGE);
	put_half(LOOP + LT_UV_LOOP_NWATCHERS, 0xffffffff);
	assert_int_equal(run(NOW), 0); /* what is watched is only a hint */
}

static void test_unmapped(void **state)
{
	uint64_t last = BASE + 900 * PAGE - LT_UV_HANDLE_LEAST_BYTES;
	uint64_t nodes[2] = { last + LT_UV_HANDLE_QUEUE, LOOP + LT_UV_LOOP_HANDLE_QUEUE };

	(void)state;
	make_loop(60);
	image.unmapped[3] = true;
	assert_refused();
	/* A short handle right before an unmapped page is one; a stream is not. */
	make_loop(5);
	put(node_of(4), nodes[0]);
	put(node_of(-1) + 8, nodes[0]);
	put(last + LT_UV_HANDLE_LOOP, LOOP);
	put_half(last + LT_UV_HANDLE_TYPE, LT_UV_PREPARE);
	put(nodes[0], nodes[1]);
	put(nodes[0] + 8, node_of(4));
	image.unmapped[900] = true;
	assert_int_equal(run(NOW), 0);
	assert_int_equal(n_handles, 6);
	put_half(last + LT_UV_HANDLE_TYPE, LT_UV_TCP);
	assert_refused();
	image.unmapped[0] = true;
	assert_int_equal(run(NOW), -EFAULT);
}

static void test_process_ends(void **state)
{
	(void)state;
	for (unsigned at = 1; at < 30; at++) {
		make_loop(40);
		image.fail_at = at;
		assert_int_equal(run(NOW), -ESRCH);
	}
}

/* The tenth is taken out of the list and its memory is used for something else. */
static void remove_one(struct image *changed)
{
	put(node_of(9), node_of(11));
	put(node_of(11) + 8, node_of(9));
	memset(changed->bytes + (address_of(10) - BASE), 0xa5, STEP);
}

/* In a loop of so many handles one goes, at each point of a walk. */
static void change_among(unsigned n)
{
	unsigned reads;

	make_loop(n);
	watch_all();
	assert_int_equal(run(NOW), 0);
	assert_int_equal(run(NOW), 0); /* by what is known */
	reads = image.reads;
	for (unsigned at = 1; at <= reads; at++) {
		make_loop(n);
		watch_all();
		run(NOW);
		image.change = remove_one;
		image.change_at = at;
		assert_int_equal(run(NOW), 0);
		/* The batch may have been read before or after. */
		assert_true(n_handles == n - 1 || n_handles == n);
		for (size_t i = 0; i < n_handles; i++)
			assert_int_equal(handles[i].type, LT_UV_TCP);
		image.change_at = 0;
		assert_int_equal(run(NOW), 0);
		assert_int_equal(n_handles, n - 1);
	}
}

static void test_changes(void **state)
{
	(void)state;
	change_among(40); /* few: new ones are read on their own */
	change_among(80);
}

static void test_blocked_since(void **state)
{
	(void)state;
	make_loop(4);
	put(address_of(2) + LT_UV_STREAM_QUEUED_BYTES, 100);
	assert_int_equal(run(NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, NOW);
	assert_int_equal(handles[1].blocked_since_ns, 0);
	assert_int_equal(run(2 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, NOW);
	/* Another stream at the same address. */
	put_half(address_of(2) + LT_UV_STREAM_FD, 77);
	assert_int_equal(run(3 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, 3 * NOW);
	put(address_of(2) + LT_UV_STREAM_QUEUED_BYTES, 0);
	assert_int_equal(run(4 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, 0);
	put(address_of(2) + LT_UV_STREAM_QUEUED_BYTES, 5);
	assert_int_equal(run(5 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, 5 * NOW);
}

/* A new connection with the memory and the descriptor of one that was closed. */
static void test_blocked_anew(void **state)
{
	int pipes[2], old;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	make_loop(4);
	put(address_of(2) + LT_UV_STREAM_QUEUED_BYTES, 100);
	put_half(address_of(2) + LT_UV_STREAM_FD, (uint32_t)pipes[1]);
	assert_int_equal(run(NOW), 0);
	assert_int_equal(run(2 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, NOW);
	old = pipes[1];
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pipes[1], old);
	assert_int_equal(run(3 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, 3 * NOW);
	assert_int_equal(run(4 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, 3 * NOW);
	/* Whose descriptor cannot be looked at may always be another one. */
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(run(5 * NOW), 0);
	assert_int_equal(handles[2].blocked_since_ns, 5 * NOW);
}

static void break_image(uint64_t *seed)
{
	unsigned n = 1 + (unsigned)(next_random(seed) % 12);

	for (unsigned i = 0; i < n; i++) {
		uint64_t draw = next_random(seed), at = BASE + 0x800 + (draw >> 8) % (12 * PAGE);
		uint64_t pointers[] = {
			node_of((int)(draw % 64)),   address_of((int)(draw % 64)), LOOP, draw, 0,
			BASE + draw % (PAGES * PAGE)
		};

		if (draw % 16 == 0)
			image.unmapped[1 + draw / 16 % 12] = true;
		else
			put(at & ~7ull, pointers[draw / 7 % 6]);
	}
	image.fail_at = next_random(seed) % 8 ? 0 : 1 + (unsigned)(next_random(seed) % 60);
}

static void test_fuzz(void **state)
{
	uint64_t seed = 20261121;
	unsigned good = 0, most = 0;

	(void)state;
	for (int i = 0; i < FUZZ_RUNS; i++) {
		make_loop(60);
		if (i % 2)
			watch_all();
		if (i % 3)
			run(NOW);
		break_image(&seed);
		good += run(NOW) == 0;
		most = image.reads > most ? image.reads : most;
		assert_true(n_handles < LT_HANDLES_MAX);
		for (size_t h = 0; h < n_handles; h++) {
			assert_in_range(handles[h].type, 1, LT_UV_TYPES - 1);
			assert_true(handles[h].queued_bytes < 1ull << 40 && handles[h].fd >= -1);
		}
	}
	assert_true(most < READS_MAX);
	assert_in_range(good, FUZZ_RUNS / 20, FUZZ_RUNS * 19 / 20);
}

/* The figures, from memory of this very process that looks like a loop of a machine. */
static void check_figures(int32_t mutex_bytes)
{
	static unsigned char loop[LT_UV_LOOP_BYTES(LT_UV_MUTEX_MAX)] __attribute__((aligned(8)));
	static unsigned char memory[6][STEP] __attribute__((aligned(8)));
	static const struct {
		uint32_t type, flags;
	} made[6] = {
		{ LT_UV_TCP, LT_UV_ACTIVE | LT_UV_REF },
		{ LT_UV_TCP, LT_UV_REF | LT_UV_CLOSING },
		{ LT_UV_ASYNC, LT_UV_ACTIVE | LT_UV_INTERNAL },
		{ LT_UV_TCP, LT_UV_REF },
		{ LT_UV_TIMER, LT_UV_ACTIVE },
		{ LT_UV_PIPE, LT_UV_ACTIVE | LT_UV_REF },
	};
	static struct lt_image of_file;
	struct lt_target target = { .pid = getpid(),
				    .runtime = "libuv",
				    .uv_version = "1.46.0",
				    .modules = { { .image = &of_file } },
				    .n_modules = 1 };
	struct lt_handles *read_by;
	uint64_t head = (uint64_t)(uintptr_t)loop + LT_UV_LOOP_HANDLE_QUEUE, prev = head, word;
	uint64_t due_ms = lt_now_ns() / 1000000 + 5000;
	struct lt_handles_mem mem;

	of_file.uv.mutex_bytes = mutex_bytes;
	memset(loop, 0, sizeof(loop));
	memset(memory, 0, sizeof(memory));
	read_by = lt_handles__new(&target);
	assert_non_null(read_by);
	for (int i = 0; i < 6; i++) {
		uint64_t node = (uint64_t)(uintptr_t)memory[i] + LT_UV_HANDLE_QUEUE;

		word = head - LT_UV_LOOP_HANDLE_QUEUE;
		memcpy(memory[i] + LT_UV_HANDLE_LOOP, &word, 8);
		memcpy(memory[i] + LT_UV_HANDLE_TYPE, &made[i].type, 4);
		memcpy(memory[i] + LT_UV_HANDLE_FLAGS, &made[i].flags, 4);
		memcpy(memory[i] + LT_UV_HANDLE_QUEUE + 8, &prev, 8);
		memcpy((char *)(uintptr_t)prev, &node, 8);
		prev = node;
	}
	memcpy((char *)(uintptr_t)prev, &head, 8);
	word = 2;
	memcpy(loop + LT_UV_LOOP_ACTIVE_HANDLES, &word, 4);
	word = (uint64_t)(uintptr_t)memory[4] + LT_UV_TIMER_HEAP_NODE;
	memcpy(loop + LT_UV_LOOP_TIMER_HEAP(mutex_bytes), &word, 8);
	memcpy(memory[4] + LT_UV_TIMER_TIMEOUT_MS, &due_ms, 8);
	for (int i = 0; i < 4; i++) {
		word = 1000; /* of the closing one too: it does not count */
		memcpy(memory[i] + LT_UV_STREAM_QUEUED_BYTES, &word, 8);
	}
	assert_int_equal(lt_handles__read(read_by, head - LT_UV_LOOP_HANDLE_QUEUE, &mem), 0);
	assert_true(mem.walked);
	assert_int_equal(mem.active, 2);
	assert_int_equal(mem.kinds[LT_UV_TCP].open, 2);
	assert_int_equal(mem.kinds[LT_UV_TCP].held, 1);
	assert_int_equal(mem.kinds[LT_UV_TCP].referenced, 2);
	assert_int_equal(mem.kinds[LT_UV_ASYNC].open, 0);
	assert_int_equal(mem.kinds[LT_UV_PIPE].held, 1);
	assert_int_equal(mem.blocked, 2);
	assert_int_equal(mem.queued_bytes, 2000);
	assert_int_equal(mem.timer_due_ns, due_ms * 1000000);
	assert_int_equal(mem.immediates, -1);
	assert_int_equal(mem.next_tick, -1);
	/* A count that has nothing to do with the list: it is no loop. Another one is walked at once. */
	word = 100000;
	memcpy(loop + LT_UV_LOOP_ACTIVE_HANDLES, &word, 4);
	lt_handles__free(read_by);
	read_by = lt_handles__new(&target);
	assert_int_equal(lt_handles__read(read_by, head - LT_UV_LOOP_HANDLE_QUEUE, &mem), 0);
	assert_false(mem.walked);
	assert_int_equal(mem.blocked, 0);
	assert_int_equal(lt_handles__read(read_by, 4096, &mem), -EFAULT);
	lt_handles__free(read_by);
}

static void test_figures(void **state)
{
	(void)state;
	check_figures(lt_machine_x86.mutex_bytes);
	check_figures(lt_machine_arm64.mutex_bytes);
}

/* What is told of the loop is of the end of a long walk, as the timer that is due next is. */
static void test_moment(void **state)
{
	static unsigned char loop[LT_UV_LOOP_BYTES(LT_UV_MUTEX_MAX)] __attribute__((aligned(8)));
	static unsigned char memory[MANY][STEP] __attribute__((aligned(8)));
	static struct lt_image of_file;
	struct lt_target target = { .pid = getpid(),
				    .runtime = "libuv",
				    .uv_version = "1.46.0",
				    .modules = { { .image = &of_file } },
				    .n_modules = 1 };
	uint64_t at = (uint64_t)(uintptr_t)loop, head = at + LT_UV_LOOP_HANDLE_QUEUE, prev = head;
	const uint32_t type = LT_UV_ASYNC;
	bool after = false;

	(void)state;
	of_file.uv.mutex_bytes = lt_machine_x86.mutex_bytes;
	for (int i = 0; i < MANY; i++) {
		uint64_t node = (uint64_t)(uintptr_t)memory[i] + LT_UV_HANDLE_QUEUE;

		memcpy(memory[i] + LT_UV_HANDLE_LOOP, &at, 8);
		memcpy(memory[i] + LT_UV_HANDLE_TYPE, &type, 4);
		memcpy(memory[i] + LT_UV_HANDLE_QUEUE + 8, &prev, 8);
		memcpy((char *)(uintptr_t)prev, &node, 8);
		prev = node;
	}
	memcpy((char *)(uintptr_t)prev, &head, 8);
	/* Somebody may take the CPU right after the walk, but not each time. */
	for (int i = 0; i < 50 && !after; i++) {
		struct lt_handles *read_by = lt_handles__new(&target);
		uint64_t begin_ns = lt_now_ns(), end_ns;
		struct lt_handles_mem mem;

		assert_non_null(read_by);
		assert_int_equal(lt_handles__read(read_by, at, &mem), 0);
		end_ns = lt_now_ns();
		assert_int_equal(mem.kinds[LT_UV_ASYNC].open, MANY);
		after = mem.read_ns - begin_ns > (end_ns - begin_ns) / 2;
		lt_handles__free(read_by);
	}
	assert_true(after);
}

static void test_versions(void **state)
{
	static const char *const known[] = { "1.43.0", "1.46.0", "1.52.1" };
	static const char *const unknown[] = { "", "1.42.0", "1.53.0", "2.0.0", "x" };
	static struct lt_image of_file;
	struct lt_target target = { .runtime = "libuv",
				    .modules = { { .image = &of_file } },
				    .n_modules = 1 };

	(void)state;
	of_file.uv.mutex_bytes = lt_machine_x86.mutex_bytes;
	for (size_t i = 0; i < 3; i++) {
		target.uv_version = known[i];
		assert_null(lt_handles__why_not(&target));
	}
	for (size_t i = 0; i < 5; i++) {
		target.uv_version = unknown[i];
		assert_non_null(lt_handles__why_not(&target));
	}
	of_file.uv.mutex_bytes = 0; /* its loop is another */
	target.uv_version = known[0];
	assert_non_null(lt_handles__why_not(&target));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_finds_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_find_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unwatched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_circle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_endless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unmapped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_process_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_blocked_since, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_blocked_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fuzz, set_up, tear_down),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_moment),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
