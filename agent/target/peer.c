/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/util/clock.h"
#include "agent/util/fmt.h"

#define BYTES_MAX (64u << 20) /* of one search: half a million sockets */
#define RETRY_NS  10000000000ull
#define CHUNK	  16384
#define LINK_SIZE 256

static const char *const table_files[LT_TABLE_MAX] = {
	[LT_TABLE_TCP6] = "tcp6",
	[LT_TABLE_TCP] = "tcp",
	[LT_TABLE_UNIX] = "unix",
};

void lt_peer__init(struct lt_peer *peer, int pid)
{
	*peer = (struct lt_peer){ .pid = pid, .fd = -1, .file = -1 };
}

void lt_peer__close(struct lt_peer *peer)
{
	if (peer->file >= 0)
		close(peer->file);
	lt_peer__init(peer, peer->pid);
}

/* The kernel prints the words of an address as numbers of this machine. */
static bool parse_address(const char *hex, unsigned port, bool v6, char text[LT_PEER_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t n = v6 ? 4 : 1;
	uint32_t words[4];
	char name[INET6_ADDRSTRLEN];
	const void *at = words;

	if (strlen(hex) != 8 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (sscanf(hex + 8 * i, "%8x", &words[i]) != 1)
			return false;
	if (v6 && !memcmp(words, mapped, sizeof(mapped))) {
		at = &words[3];
		v6 = false;
	}
	if (!inet_ntop(v6 ? AF_INET6 : AF_INET, at, name, sizeof(name)))
		return false;
	snprintf(text, LT_PEER_SIZE, v6 ? "[%s]:%u" : "%s:%u", name, port);
	return true;
}

/* "  sl: LOCAL:PORT REMOTE:PORT st tx:rx tr:when retrnsmt uid timeout inode …" */
static bool parse_tcp(const char *line, bool v6, uint64_t inode, char text[LT_PEER_SIZE])
{
	char remote[33];
	unsigned port;
	unsigned long found;

	return sscanf(line,
		      " %*u: %*32[0-9A-Fa-f]:%*x %32[0-9A-Fa-f]:%x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu",
		      remote, &port, &found) == 3 &&
	       found == inode && port <= 0xffff && parse_address(remote, port, v6, text);
}

/* The name is the socket's own, or its listener's. */
static void set_name(char text[LT_PEER_SIZE], const char *name, uint64_t inode)
{
	char path[LT_PEER_SIZE - sizeof("unix:")];

	lt_fmt_text(path, sizeof(path), name);
	if (path[0])
		snprintf(text, LT_PEER_SIZE, "unix:%s", path);
	else
		snprintf(text, LT_PEER_SIZE, "unix:[%lu]", (unsigned long)inode);
}

bool lt_peer_in_line(enum lt_socket_table table, const char *line, uint64_t inode,
		     char text[LT_PEER_SIZE])
{
	const char *name;

	if (table != LT_TABLE_UNIX)
		return parse_tcp(line, table == LT_TABLE_TCP6, inode, text);
	if (!inode || lt_unix_line(line, &name) != inode)
		return false;
	set_name(text, name, inode);
	return true;
}

/* Adds to the line that is not all there yet, as much as there is room for. */
static void add_part(struct lt_peer *peer, const char *text, size_t size)
{
	size_t room = sizeof(peer->part) - 1 - peer->n_part;

	size = size < room ? size : room;
	memcpy(peer->part + peer->n_part, text, size);
	peer->n_part += size;
}

/* Most lines are not its own: they are told by the digits of its inode, which is faster than to parse them. In the
 * table of local sockets all are looked at: a line that somebody's name may have made tells nothing. */
static bool is_told(struct lt_peer *peer)
{
	bool genuine = peer->table != LT_TABLE_UNIX ||
		       lt_unix_line_is_genuine(&peer->lines, peer->part);

	return strstr(peer->part, peer->inode_text) && genuine &&
	       lt_peer_in_line(peer->table, peer->part, peer->inode, peer->text);
}

/* Takes what was read apart into lines. True when the socket was found. */
static bool feed(struct lt_peer *peer, const char *block, size_t size)
{
	const char *end = block + size, *line_end;

	while ((line_end = memchr(block, '\n', (size_t)(end - block)))) {
		add_part(peer, block, (size_t)(line_end - block));
		peer->part[peer->n_part] = '\0';
		peer->n_part = 0;
		block = line_end + 1;
		if (is_told(peer))
			return true;
	}
	add_part(peer, block, (size_t)(end - block));
	return false;
}

static void end_search(struct lt_peer *peer)
{
	if (peer->file >= 0)
		close(peer->file);
	peer->file = -1;
	peer->searching = false;
	peer->retry_ns = peer->text[0] ? UINT64_MAX : lt_now_ns() + RETRY_NS;
}

/* The next table of the socket's kind. False: there is none. What is not found in the tables of the network is not
 * looked for among local sockets, whose names can look like anything. */
static bool next_table(struct lt_peer *peer, enum lt_socket_table table)
{
	int end = table < LT_TABLE_UNIX ? LT_TABLE_UNIX : LT_TABLE_MAX;
	char path[64];

	if (peer->file >= 0)
		close(peer->file);
	peer->file = -1;
	peer->n_part = 0;
	peer->lines = (struct lt_unix_lines){ 0 };
	for (; (int)table < end && peer->file < 0; table++) {
		snprintf(path, sizeof(path), "/proc/%d/net/%s", peer->pid, table_files[table]);
		peer->file = open(path, O_RDONLY | O_CLOEXEC);
		peer->table = table;
	}
	return peer->file >= 0;
}

static void search(struct lt_peer *peer, uint64_t budget_ns)
{
	uint64_t end_ns = lt_now_ns() + budget_ns;
	char block[CHUNK];

	do {
		ssize_t n = read(peer->file, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			peer->bytes += (uint64_t)n;
		if ((n > 0 && feed(peer, block, (size_t)n)) || peer->bytes > BYTES_MAX ||
		    (n <= 0 && (peer->table + 1 >= LT_TABLE_UNIX ||
				!next_table(peer, peer->table + 1)))) {
			end_search(peer);
			return;
		}
	} while (lt_now_ns() < end_ns);
}

static void read_link(int pid, int fd, char link[LINK_SIZE])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, LINK_SIZE - 1);
	link[n > 0 ? n : 0] = '\0';
}

uint64_t lt_file_of(int pid, int fd)
{
	char link[LINK_SIZE];
	unsigned long inode;

	read_link(pid, fd, link);
	if (sscanf(link, "socket:[%lu]", &inode) == 1 || sscanf(link, "pipe:[%lu]", &inode) == 1)
		return inode;
	return link[0] ? UINT64_MAX : 0;
}

/* What the descriptor is: a socket's inode, or 0 with its name in text. */
static uint64_t look_at(int pid, int fd, char text[LT_PEER_SIZE])
{
	char link[LINK_SIZE];
	unsigned long inode;

	read_link(pid, fd, link);
	text[0] = '\0';
	if (sscanf(link, "socket:[%lu]", &inode) == 1)
		return inode;
	lt_fmt_text(text, LT_PEER_SIZE, link);
	return 0;
}

static void begin_search(struct lt_peer *peer, int fd, uint64_t inode, bool local)
{
	char name[LT_UNIX_NAME_SIZE];

	lt_peer__close(peer);
	peer->fd = fd;
	peer->inode = inode;
	snprintf(peer->inode_text, sizeof(peer->inode_text), " %lu", (unsigned long)inode);
	peer->retry_ns = UINT64_MAX;
	if (local && lt_unix_ask(inode, name))
		set_name(peer->text, name, inode);
	else
		peer->searching = next_table(peer, local ? LT_TABLE_UNIX : LT_TABLE_TCP6);
}

const char *lt_peer__of(struct lt_peer *peer, int fd, bool local, uint64_t budget_ns)
{
	char name[LT_PEER_SIZE];
	uint64_t inode = look_at(peer->pid, fd, name);

	if (!inode) {
		lt_peer__close(peer);
		memcpy(peer->text, name, sizeof(name));
		return peer->text;
	}
	if (fd != peer->fd || inode != peer->inode || lt_now_ns() > peer->retry_ns)
		begin_search(peer, fd, inode, local);
	if (peer->searching)
		search(peer, budget_ns);
	return peer->text;
}
