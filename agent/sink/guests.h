/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Who is connected to the exporter, and who has to leave. There is always a place for the next one: whoever holds too
 * many of them, or has taken too long, is shut out. Not safe for threads: one serves.
 */
#ifndef LOOPTOP_SINK_GUESTS_H
#define LOOPTOP_SINK_GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LT_GUESTS_MAX	   128
#define LT_GUESTS_A_SOURCE 96 /* of one address: others find room before anybody is shut out */
#define LT_GUEST_ASKS_NS   10000000000ull /* for a whole request */
#define LT_GUEST_READS_NS  10000000000ull /* for a whole answer: as long as Prometheus waits */
#define LT_GUEST_RESTS_NS  120000000000ull /* between two requests: Prometheus asks once a minute */
#define LT_GUESTS_LEAVING \
	64 /* who was shut out and is not gone yet: the server sees to that in its next round */

enum lt_guest_state {
	LT_GUEST_ASKS, /* its request is not whole */
	LT_GUEST_READS, /* it is answered */
	LT_GUEST_RESTS, /* was answered and has not asked again */
	LT_GUEST_STATES
};

struct lt_guest;
struct lt_guests;

/* NULL with errno. */
struct lt_guests *lt_guests__new(void);
void lt_guests__free(struct lt_guests *guests);

/* A new connection, which asks. NULL: no memory for it is left, it was shut out itself. The descriptor stays the
 * server's, which closes it when it sees that it was shut down, and not before it has told lt_guests__leave(). */
struct lt_guest *lt_guests__enter(struct lt_guests *guests, int fd, const struct sockaddr *address,
				  uint64_t now_ns);
void lt_guests__leave(struct lt_guests *guests, struct lt_guest *guest);

void lt_guests__set(struct lt_guest *guest, enum lt_guest_state state, uint64_t now_ns);

/* What a guest reads: pages are numbered as they are made. */
void lt_guests__reads_page(struct lt_guest *guest, uint64_t page);

/* Shuts out all who read the oldest page. False: nobody reads any. */
bool lt_guests__drop_oldest_page(struct lt_guests *guests);

/* Shuts out whoever has taken too long. When it is to be called next; UINT64_MAX: not before something happens. */
uint64_t lt_guests__sweep(struct lt_guests *guests, uint64_t now_ns);

/* How many there are; those that were shut out do not count. */
size_t lt_guests__n(const struct lt_guests *guests);

#endif
