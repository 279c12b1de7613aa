/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The agent's side: one reader answers, others hang and are given up, or ask silent targets again. */
#include "agent/target/reader.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/target/process.h"
#include "agent/target/readers.h"
#include "agent/target/silent.h"
#include "agent/util/clock.h"

#define IDENTITY_NS 1000000000ull

static struct {
	struct lt_silences silences;
	struct lt_patience patience;
	uint64_t began_ns, read_ns; /* of the latest answer */
	uint64_t identified_ns;
} state;

int lt_reader__start(void)
{
	return lt_readers__start();
}

void lt_reader__stop(void)
{
	lt_readers__stop();
	lt_silences__clear(&state.silences);
	memset(&state, 0, sizeof(state));
}

uint64_t lt_reader__began_ns(void)
{
	return state.began_ns;
}

uint64_t lt_reader__read_ns(void)
{
	return state.read_ns;
}

double lt_reader__cpu_seconds(void)
{
	return lt_readers__cpu_seconds();
}

/* The user that a process runs as, whoever owns its files in /proc. */
static uid_t user_of(int pid)
{
	char text[4096];
	const char *line;
	unsigned uid;

	if (lt_proc_read(pid, "status", text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %u", &uid) == 1 ? uid : 0;
}

static size_t length_of(const struct lt_reader_request *request)
{
	if (request->call == LT_READER_MEMORY)
		return offsetof(struct lt_reader_request, pieces) +
		       request->n_pieces * sizeof(request->pieces[0]);
	if (request->call == LT_READER_RING)
		return offsetof(struct lt_reader_request, ring) + sizeof(request->ring);
	return offsetof(struct lt_reader_request, path) + strlen(request->path) + 1;
}

static enum lt_part part_of(const struct lt_reader_request *request)
{
	return request->call == LT_READER_TEXT && (!strcmp(request->path, "cmdline") ||
						   !strcmp(request->path, "environ"))
		       ? LT_PART_ARGUMENTS
		       : LT_PART_MEMORY;
}

/* It did not answer: what it was asked is kept, to ask it again. */
static void fall_silent(const struct lt_reader_request *request, uid_t uid)
{
	size_t length = length_of(request);
	struct lt_silence *silence;
	struct lt_proc_stat stat;
	void *copy;

	if (lt_process_stat(request->pid, &stat))
		return;
	silence = lt_silences__add(&state.silences, request->pid, part_of(request),
				   stat.start_ticks, lt_now_ns());
	if (silence)
		silence->uid = uid;
	copy = silence ? malloc(length) : NULL;
	if (!copy)
		return;
	free(silence->request);
	silence->request = memcpy(copy, request, length);
}

/* Answers that are being waited for by others of the same user take readers, which are not without end. */
static bool may_ask(int pid, uid_t *ret_uid)
{
	*ret_uid = (uid_t)-1;
	if (!lt_readers__stuck())
		return true;
	*ret_uid = user_of(pid);
	return lt_readers__stuck_of(*ret_uid) < LT_READERS_OF_USER;
}

/* Asks, and waits. 0: there is an answer, in the reader's memory, until it is given back. */
static int ask(const struct lt_reader_request *request, struct lt_reader **ret_reader)
{
	uint64_t begin_ns = lt_now_ns(),
		 deadline_ns = lt_patience__deadline_ns(&state.patience, begin_ns);
	struct lt_reader *reader;
	uid_t uid;
	int err;

	if (lt_silences__find(&state.silences, request->pid, part_of(request)) ||
	    !may_ask(request->pid, &uid))
		return -ETIMEDOUT;
	reader = lt_readers__take();
	if (!reader)
		return -EBUSY;
	memcpy(&reader->shared->request, request, length_of(request));
	lt_readers__ask(reader);
	err = lt_readers__wait(reader, deadline_ns);
	if (!err) {
		state.began_ns = atomic_load(&reader->shared->began_ns);
		state.read_ns = reader->shared->ended_ns;
		*ret_reader = reader;
		return 0;
	}
	lt_patience__spent(&state.patience, lt_now_ns() - begin_ns);
	if (uid == (uid_t)-1)
		uid = user_of(request->pid);
	lt_readers__abandon(reader, uid);
	if (err == -ETIMEDOUT)
		fall_silent(request, uid);
	return err;
}

/* As many of the pieces as one request takes, from a byte of the first on. How many bytes. */
static size_t fill(struct lt_reader_request *request, const struct iovec *pieces, size_t n,
		   size_t *at, size_t *within, size_t room)
{
	size_t total = 0;

	request->n_pieces = 0;
	while (*at < n && request->n_pieces < LT_PIECES_MAX && total < room) {
		size_t length = pieces[*at].iov_len - *within;

		if (length > room - total)
			length = room - total;
		request->pieces[request->n_pieces++] =
			(struct iovec){ (char *)pieces[*at].iov_base + *within, length };
		total += length;
		*within += length;
		if (*within == pieces[*at].iov_len) {
			*within = 0;
			++*at;
		}
	}
	request->size = total;
	return total;
}

static ssize_t read_here(int pid, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	struct iovec local = { buf, size };
	ssize_t got = process_vm_readv(pid, &local, 1, pieces, n, 0);

	return got < 0 ? -errno : got;
}

ssize_t lt_reader__memory(int pid, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	static struct lt_reader_request request;
	size_t done = 0, at = 0, within = 0, total;

	if (!lt_readers__usable())
		return read_here(pid, buf, size, pieces, n);
	request.call = LT_READER_MEMORY;
	request.pid = pid;
	do {
		size_t room = size - done < LT_READER_DATA ? size - done : LT_READER_DATA;
		struct lt_reader *reader;
		ssize_t got;
		int err;

		total = fill(&request, pieces, n, &at, &within, room);
		if (!total)
			break;
		err = ask(&request, &reader);
		got = err ? err : reader->shared->answer;
		if (got > (ssize_t)total)
			got = -EIO;
		if (got > 0)
			memcpy((char *)buf + done, reader->shared->data, (size_t)got);
		if (!err)
			lt_readers__give_back(reader);
		if (got < 0)
			return done ? (ssize_t)done : got;
		done += (size_t)got;
		if ((size_t)got < total)
			break;
	} while (at < n);
	return (ssize_t)done;
}

ssize_t lt_reader__ring(int pid, const struct lt_ring *ring, void *buf, bool *ret_whole)
{
	static struct lt_reader_request request;
	struct lt_reader *reader;
	ssize_t n;
	int err;

	*ret_whole = false;
	request.call = LT_READER_RING;
	request.pid = pid;
	request.ring = *ring;
	err = ask(&request, &reader);
	if (err)
		return err;
	n = reader->shared->answer;
	if (n > (ssize_t)ring->max)
		n = -EIO;
	if (n > 0 && ring->size)
		memcpy(buf, reader->shared->data, (size_t)n * LT_RING_ENTRY(ring));
	*ret_whole = n >= 0 && reader->shared->whole;
	lt_readers__give_back(reader);
	return n;
}

ssize_t lt_reader__text(int pid, const char *file, char *buf, size_t size)
{
	static struct lt_reader_request request;
	struct lt_reader *reader;
	ssize_t n;
	int err;

	request.call = LT_READER_TEXT;
	request.pid = pid;
	request.size = size < LT_READER_DATA ? size : LT_READER_DATA;
	snprintf(request.path, sizeof(request.path), "%s", file);
	err = ask(&request, &reader);
	if (err)
		return err;
	n = reader->shared->answer;
	if (n > (ssize_t)request.size)
		n = -EIO;
	if (n > 0)
		memcpy(buf, reader->shared->data, (size_t)n);
	lt_readers__give_back(reader);
	return n;
}

bool lt_reader__is_used(void)
{
	return lt_readers__usable();
}

int lt_open(int pid, enum lt_open_what what, const char *path, size_t copy_bytes,
	    struct lt_opened *ret_opened)
{
	static struct lt_reader_request request;
	struct lt_reader *reader;
	char byte;
	int err;

	if (!lt_readers__usable())
		return lt_open_here(pid, what, path, copy_bytes, NULL, ret_opened);
	ret_opened->fd = -1;
	request.call = LT_READER_OPEN;
	request.pid = pid;
	request.what = what;
	request.size = copy_bytes;
	if ((size_t)snprintf(request.path, sizeof(request.path), "%s", path) >=
	    sizeof(request.path))
		return -ENAMETOOLONG;
	err = ask(&request, &reader);
	if (err)
		return err;
	err = (int)reader->shared->answer;
	*ret_opened = reader->shared->opened;
	if (ret_opened->fd >= 0) /* its number over there */
		ret_opened->fd = -1;
	if (!err && copy_bytes != LT_LOOK)
		err = lt_reader__receive(reader->socket, &byte, 1, &ret_opened->fd, 1,
					 MSG_DONTWAIT);
	if (!err && copy_bytes != LT_LOOK && ret_opened->fd < 0)
		err = -EMFILE; /* it came without its descriptor: there is no room for one */
	lt_readers__give_back(reader);
	return err;
}

/* --- silent targets -------------------------------------------------------------------------- */

bool lt_reader__is_silent(int pid)
{
	uid_t uid;

	return lt_silences__find(&state.silences, pid, LT_PART_MEMORY) || !may_ask(pid, &uid);
}

const char *lt_reader__says(void)
{
	return "it does not answer: a page of its memory, or a file of it, cannot be had within 200 ms "
	       "(whoever serves it hangs); try again when it does";
}

const char *lt_reader__why_silent(int pid)
{
	uid_t uid;

	if (lt_silences__find(&state.silences, pid, LT_PART_MEMORY))
		return "does not answer: a page of its memory, or a file of it, cannot be had (whoever "
		       "serves it hangs); nothing is read of it until that changes";
	if (!may_ask(pid, &uid))
		return "does not answer: other processes of its user hang whoever reads them, so nothing "
		       "is read of it until that changes";
	if (lt_silences__find(&state.silences, pid, LT_PART_ARGUMENTS))
		return "does not answer when its command line is read (a page of it cannot be had): it has "
		       "the name of its executable";
	return NULL;
}

/* Another process may have got the pid, or it has ended. */
static bool is_same(const struct lt_silence *silence)
{
	struct lt_proc_stat stat;

	return !lt_process_stat(silence->pid, &stat) && stat.start_ticks == silence->start_ticks &&
	       stat.state != 'Z' && stat.state != 'X';
}

static void look_at_asked(struct lt_silence *silence, uint64_t now_ns)
{
	struct lt_reader *reader = lt_readers__asking(silence->pid, silence->part);

	if (!reader) {
		lt_silence__still(silence, now_ns);
		return;
	}
	switch (lt_readers__look(reader)) {
	case 0:
		if (reader->shared->opened.fd >= 0)
			lt_readers__abandon(reader,
					    silence->uid); /* with the descriptor that it sent */
		else
			lt_readers__give_back(reader);
		lt_silence__answered(silence, now_ns);
		break;
	case -EAGAIN:
		break;
	default:
		lt_readers__abandon(reader, silence->uid);
		lt_silence__still(silence, now_ns);
	}
}

static void ask_again(struct lt_silence *silence)
{
	struct lt_reader *reader;

	if (lt_readers__stuck_of(silence->uid) >= LT_READERS_OF_USER ||
	    lt_readers__free() <= LT_READERS_KEPT)
		return;
	reader = silence->request ? lt_readers__take() : NULL;
	if (!reader)
		return;
	memcpy(&reader->shared->request, silence->request, length_of(silence->request));
	reader->asking_pid = silence->pid;
	reader->asking_part = silence->part;
	lt_readers__ask(reader);
	silence->asking = true;
}

void lt_reader__poll(void)
{
	uint64_t now_ns = lt_now_ns();
	bool identify = now_ns - state.identified_ns > IDENTITY_NS;

	lt_readers__reap();
	if (!state.silences.n)
		return;
	if (identify)
		state.identified_ns = now_ns;
	for (size_t i = state.silences.n; i-- > 0;) {
		struct lt_silence *silence = &state.silences.items[i];

		if (silence->asking)
			look_at_asked(silence, now_ns);
		else if (identify && !is_same(silence))
			lt_silences__drop(&state.silences, silence);
		else if (lt_silence__is_due(silence, now_ns))
			ask_again(silence);
	}
	lt_silences__sweep(&state.silences, now_ns);
}
