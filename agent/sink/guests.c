/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Who is shut out when there is no place: of the address that has most connections, of the state that most of these
 * are in, the one that has been in it for longest. A scraper that shares an attacker's address (every local user has
 * all of 127.0.0.0/8) is the latest to come then and the last to go, and is answered before its turn comes. A single
 * order for all states would not do: whoever can stay young in one of them would push out the rest.
 */
#include "agent/sink/guests.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define PLACES (LT_GUESTS_MAX + LT_GUESTS_LEAVING)
/* Who rests is looked at so often at most, while the server has anything to do: has the next request begun? */
#define LOOK_NS	   250000000ull

#define SEND_BYTES (128 << 10) /* of which the kernel makes twice as much */

struct source {
	uint8_t key[16];
	size_t n;
};

struct lt_guest {
	int fd; /* -1: a free place */
	size_t source;
	enum lt_guest_state state;
	bool leaving; /* shut out, to be closed by the server */
	bool drained; /* rests, and the kernel has nothing left to send to it */
	uint64_t since_ns; /* when the state began */
	uint64_t received_bytes; /* when it began to rest */
	uint64_t page; /* 0: reads none of those that change */
};

struct lt_guests {
	struct lt_guest all[PLACES];
	struct source sources[PLACES];
	size_t n;
	uint64_t looked_ns;
};

struct lt_guests *lt_guests__new(void)
{
	struct lt_guests *guests = calloc(1, sizeof(*guests));

	for (size_t i = 0; guests && i < PLACES; i++)
		guests->all[i].fd = -1;
	return guests;
}

void lt_guests__free(struct lt_guests *guests)
{
	free(guests);
}

size_t lt_guests__n(const struct lt_guests *guests)
{
	return guests->n;
}

static bool is_present(const struct lt_guest *guest)
{
	return guest->fd >= 0 && !guest->leaving;
}

/* What one user can have at no cost is one source: a /64 of IPv6, the whole loopback network. */
static void source_key(const struct sockaddr *address, uint8_t key[16])
{
	struct in6_addr v6 = { 0 };
	struct in_addr v4;

	memset(key, 0, 16);
	if (address && address->sa_family == AF_INET6) {
		memcpy(&v6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
		       sizeof(v6));
		if (IN6_IS_ADDR_LOOPBACK(&v6)) {
			key[12] = IN_LOOPBACKNET;
			return;
		}
		if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
			memcpy(key, &v6, 8);
			key[15] = 6; /* no IPv4 address begins so */
			return;
		}
		memcpy(&v4, &v6.s6_addr[12], sizeof(v4));
	} else if (address && address->sa_family == AF_INET) {
		memcpy(&v4, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
		       sizeof(v4));
	} else {
		return;
	}
	if (ntohl(v4.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET)
		key[12] = IN_LOOPBACKNET;
	else
		memcpy(key + 12, &v4, sizeof(v4));
}

/* There are as many places for sources as for guests: one is always free. */
static size_t find_source(struct lt_guests *guests, const uint8_t key[16])
{
	size_t unused = 0;

	for (size_t i = 0; i < PLACES; i++) {
		if (!guests->sources[i].n)
			unused = i;
		else if (!memcmp(guests->sources[i].key, key, sizeof(guests->sources[i].key)))
			return i;
	}
	memcpy(guests->sources[unused].key, key, sizeof(guests->sources[unused].key));
	return unused;
}

static void shut_out(struct lt_guests *guests, struct lt_guest *guest)
{
	/* No farewell: what the kernel still has to send would be kept for minutes. */
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(guest->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	shutdown(guest->fd, SHUT_RDWR);
	guest->leaving = true;
	guests->sources[guest->source].n--;
	guests->n--;
}

static size_t largest_source(const struct lt_guests *guests)
{
	size_t largest = 0;

	for (size_t i = 1; i < PLACES; i++)
		if (guests->sources[i].n > guests->sources[largest].n)
			largest = i;
	return largest;
}

static void make_room(struct lt_guests *guests, size_t source)
{
	size_t n[LT_GUEST_STATES] = { 0 };
	enum lt_guest_state fullest = LT_GUEST_ASKS;
	struct lt_guest *victim = NULL;

	for (size_t i = 0; i < PLACES; i++)
		if (is_present(&guests->all[i]) && guests->all[i].source == source)
			n[guests->all[i].state]++;
	for (int state = 0; state < LT_GUEST_STATES; state++)
		if (n[state] > n[fullest])
			fullest = state;
	for (size_t i = 0; i < PLACES; i++) {
		struct lt_guest *guest = &guests->all[i];

		if (is_present(guest) && guest->source == source && guest->state == fullest &&
		    (!victim || guest->since_ns < victim->since_ns))
			victim = guest;
	}
	if (victim)
		shut_out(guests, victim);
}

struct lt_guest *lt_guests__enter(struct lt_guests *guests, int fd, const struct sockaddr *address,
				  uint64_t now_ns)
{
	struct lt_guest *guest = NULL;
	uint8_t key[16];
	size_t source;

	for (size_t i = 0; i < PLACES && !guest; i++)
		if (guests->all[i].fd < 0)
			guest = &guests->all[i];
	if (!guest) { /* more are leaving than the server can have let in */
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	/* Not read by a client, it is the kernel's memory: as much as 128 of them may have. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SEND_BYTES }, sizeof(int));
	source_key(address, key);
	source = find_source(guests, key);
	if (guests->sources[source].n >= LT_GUESTS_A_SOURCE)
		make_room(guests, source);
	else if (guests->n >= LT_GUESTS_MAX)
		make_room(guests, largest_source(guests));
	*guest = (struct lt_guest){ .fd = fd, .source = source, .since_ns = now_ns };
	guests->sources[source].n++;
	guests->n++;
	return guest;
}

void lt_guests__leave(struct lt_guests *guests, struct lt_guest *guest)
{
	if (!guest)
		return;
	if (!guest->leaving) {
		guests->sources[guest->source].n--;
		guests->n--;
	}
	*guest = (struct lt_guest){ .fd = -1 };
}

/* What was handed to the kernel is not read yet. */
static bool has_unsent(int fd)
{
	int bytes = 0;

	return !ioctl(fd, SIOCOUTQ, &bytes) && bytes > 0;
}

/* What has come in so far; 0 if the kernel does not tell. */
static uint64_t received_bytes(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ? 0 : info.tcpi_bytes_received;
}

void lt_guests__set(struct lt_guest *guest, enum lt_guest_state state, uint64_t now_ns)
{
	if (!guest)
		return;
	guest->state = state;
	guest->since_ns = now_ns;
	guest->page = 0;
	guest->drained = false;
	if (state == LT_GUEST_RESTS)
		guest->received_bytes = received_bytes(guest->fd);
}

void lt_guests__reads_page(struct lt_guest *guest, uint64_t page)
{
	if (guest)
		guest->page = page;
}

bool lt_guests__drop_oldest_page(struct lt_guests *guests)
{
	uint64_t oldest = 0;

	for (size_t i = 0; i < PLACES; i++) {
		const struct lt_guest *guest = &guests->all[i];

		if (is_present(guest) && guest->page && (!oldest || guest->page < oldest))
			oldest = guest->page;
	}
	for (size_t i = 0; oldest && i < PLACES; i++)
		if (is_present(&guests->all[i]) && guests->all[i].page == oldest)
			shut_out(guests, &guests->all[i]);
	return oldest != 0;
}

/* A request that has begun must come to its end in time, like the first one of a connection. */
static void look_at_resting(struct lt_guests *guests, uint64_t now_ns)
{
	guests->looked_ns = now_ns;
	for (size_t i = 0; i < PLACES; i++) {
		struct lt_guest *guest = &guests->all[i];

		if (is_present(guest) && guest->state == LT_GUEST_RESTS &&
		    received_bytes(guest->fd) > guest->received_bytes)
			lt_guests__set(guest, LT_GUEST_ASKS, now_ns);
	}
}

/* When the guest's time is over: of one that rests, first what it has been sent must be gone. */
static uint64_t end_of(struct lt_guest *guest, uint64_t now_ns)
{
	static const uint64_t allowed_ns[LT_GUEST_STATES] = {
		[LT_GUEST_ASKS] = LT_GUEST_ASKS_NS,
		[LT_GUEST_READS] = LT_GUEST_READS_NS,
		[LT_GUEST_RESTS] = LT_GUEST_RESTS_NS,
	};
	uint64_t read_ns = guest->since_ns + LT_GUEST_READS_NS;

	if (guest->state == LT_GUEST_RESTS && !guest->drained) {
		if (read_ns > now_ns || has_unsent(guest->fd))
			return read_ns;
		guest->drained = true;
	}
	return guest->since_ns + allowed_ns[guest->state];
}

uint64_t lt_guests__sweep(struct lt_guests *guests, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;
	bool look = now_ns - guests->looked_ns >= LOOK_NS;

	if (look)
		look_at_resting(guests, now_ns);
	for (size_t i = 0; i < PLACES; i++) {
		struct lt_guest *guest = &guests->all[i];
		uint64_t end_ns;

		if (!is_present(guest))
			continue;
		end_ns = end_of(guest, now_ns);
		if (end_ns <= now_ns)
			shut_out(guests, guest);
		else if (end_ns < next_ns)
			next_ns = end_ns;
		/* Whatever made the server run may have been the first bytes of one that rests. */
		if (guest->state == LT_GUEST_RESTS && !look &&
		    guests->looked_ns + LOOK_NS < next_ns)
			next_ns = guests->looked_ns + LOOK_NS;
	}
	return next_ns;
}
