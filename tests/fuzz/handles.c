/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: the input is a list of words, and where they are put into an image of a loop with 24 handles; then
 * the loop is walked twice, with the image changed in between and once during the walk.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/handle_walk.h"
#include "agent/target/peer.h"
#include "agent/target/uv_layout.h"
#include "agent/util/clock.h"

#define BASE  0x10000000ull
#define SIZE  65536
#define LOOP  (BASE + 4096)
#define N     24
#define READS 100000

static unsigned char image[SIZE];
static unsigned reads, change_at;
static const uint8_t *changes;
static size_t n_changes;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(uint64_t address, uint64_t word)
{
	if (address >= BASE && address + sizeof(word) <= BASE + SIZE)
		memcpy(image + (address - BASE), &word, sizeof(word));
}

static uint64_t address_of(unsigned i)
{
	return BASE + 8192 + 512ull * i;
}

/* The queue's node; those beyond the ends are the head. */
static uint64_t node_of(unsigned i)
{
	return i < N ? address_of(i) + LT_UV_HANDLE_QUEUE : LOOP + LT_UV_LOOP_HANDLE_QUEUE;
}

static void make_image(void)
{
	memset(image, 0, sizeof(image));
	for (unsigned i = 0; i < N; i++) {
		put(address_of(i) + LT_UV_HANDLE_LOOP, LOOP);
		put(address_of(i) + LT_UV_HANDLE_TYPE, 1 + i % 16);
		put(address_of(i) + LT_UV_HANDLE_FLAGS, LT_UV_ACTIVE | LT_UV_REF);
		put(node_of(i), node_of(i + 1));
		put(node_of(i) + 8, node_of(i - 1));
		put(BASE + 8 * i, address_of(i) + LT_UV_STREAM_WATCHER);
	}
	put(node_of(N), node_of(0));
	put(node_of(N) + 8, node_of(N - 1));
	put(LOOP + LT_UV_LOOP_WATCHERS, BASE);
	put(LOOP + LT_UV_LOOP_NWATCHERS, N);
}

/* Three bytes each: two say where, one which word is put there. */
static void apply(const uint8_t *data, size_t size)
{
	for (; size >= 3; data += 3, size -= 3) {
		const uint64_t words[8] = {
			node_of(data[2] >> 3),	address_of(data[2] >> 3), LOOP, 0, data[2], ~0ull,
			1ull << (data[2] >> 2), BASE + SIZE - 64
		};

		put(BASE + ((data[0] | (uint64_t)data[1] << 8) & ~3ull), words[data[2] & 7]);
	}
}

static ssize_t read_image(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	size_t done = 0;

	(void)ctx;
	if (++reads == change_at)
		apply(changes, n_changes);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = (uint64_t)(uintptr_t)pieces[i].iov_base;

		assert(done + pieces[i].iov_len <= size);
		if (from < BASE || from >= BASE + SIZE || BASE + SIZE - from < pieces[i].iov_len)
			return done ? (ssize_t)done : -EFAULT;
		memcpy((char *)buf + done, image + (from - BASE), pieces[i].iov_len);
		done += pieces[i].iov_len;
	}
	return (ssize_t)done;
}

static void run(struct lt_handle_walk *walk, uint64_t now_ns)
{
	const struct lt_handle *handles;
	size_t n;

	reads = 0;
	if (lt_handle_walk__run(walk, LOOP, image + (LOOP - BASE), now_ns, lt_thread_cpu_ns(),
				&handles, &n) == 0) {
		assert(n <= LT_HANDLES_MAX);
		for (size_t i = 0; i < n; i++)
			assert(handles[i].type >= 1 && handles[i].type < LT_UV_TYPES &&
			       handles[i].fd >= -1 && handles[i].blocked_since_ns <= now_ns);
	}
	assert(reads < READS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lt_source source = { read_image, NULL };
	struct lt_handle_walk *walk = lt_handle_walk__new(&source, getpid());
	char line[512], text[LT_PEER_SIZE] = "";
	size_t half = size / 2;

	assert(walk);
	make_image();
	change_at = 0;
	apply(data, half);
	run(walk, 1);
	change_at = size ? data[0] % 16 : 0;
	changes = data + half;
	n_changes = size - half;
	run(walk, 2);
	lt_find_handle(&source, LOOP, LT_UV_TIMER, 0, 0);
	lt_handle_walk__free(walk);
	size = size < sizeof(line) - 1 ? size : sizeof(line) - 1;
	memcpy(line, data, size);
	line[size] = '\0';
	for (int table = 0; table < LT_TABLE_MAX; table++)
		lt_peer_in_line((enum lt_socket_table)table, line, 1, text);
	assert(strnlen(text, sizeof(text)) < sizeof(text));
	return 0;
}
