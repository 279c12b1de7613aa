/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Who is shut out, by time and for want of room: over pairs of sockets, with a clock of the test's own. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sink/guests.h"

#define SECOND 1000000000ull

struct visitor {
	struct lt_guest *guest;
	int here, there; /* the server's end, the client's */
};

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in6 *v6 = (void *)&storage;
	struct sockaddr_in *v4 = (void *)&storage;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		v6->sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	}
	return storage;
}

static struct visitor enter(struct lt_guests *guests, const char *from, uint64_t now)
{
	struct sockaddr_storage storage = address(from);
	struct visitor visitor;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	visitor.here = fds[0];
	visitor.there = fds[1];
	visitor.guest = lt_guests__enter(guests, fds[0], (struct sockaddr *)&storage, now);
	assert_non_null(visitor.guest);
	return visitor;
}

static bool is_out(const struct visitor *visitor)
{
	char byte;

	return recv(visitor->there, &byte, 1, 0) == 0;
}

/* As the server does, which sees that the socket is shut. */
static void leave(struct lt_guests *guests, struct visitor *visitor)
{
	lt_guests__leave(guests, visitor->guest);
	close(visitor->here);
	close(visitor->there);
}

static void test_deadlines(void **state)
{
	struct lt_guests *guests = lt_guests__new();
	struct visitor asks = enter(guests, "10.0.0.1", SECOND), reads, rests;

	(void)state;
	reads = enter(guests, "10.0.0.1", SECOND);
	rests = enter(guests, "10.0.0.1", SECOND);
	lt_guests__set(reads.guest, LT_GUEST_READS, 5 * SECOND);
	lt_guests__set(rests.guest, LT_GUEST_READS, 5 * SECOND);
	lt_guests__set(rests.guest, LT_GUEST_RESTS, 6 * SECOND);
	/* Bytes that come now and then change nothing: nobody tells of them here. */
	lt_guests__sweep(guests, 11 * SECOND - 1);
	assert_false(is_out(&asks) || is_out(&reads) || is_out(&rests));
	lt_guests__sweep(guests, 11 * SECOND);
	assert_true(is_out(&asks));
	assert_false(is_out(&reads) || is_out(&rests));
	assert_int_equal(lt_guests__n(guests), 2);
	lt_guests__sweep(guests, 15 * SECOND);
	assert_true(is_out(&reads));
	assert_false(is_out(&rests));
	/* The first sweep after a while looks at those that rest, and none is wanted until their time is over. */
	assert_int_equal(lt_guests__sweep(guests, 20 * SECOND), 126 * SECOND);
	lt_guests__sweep(guests, 126 * SECOND);
	assert_true(is_out(&rests));
	assert_int_equal(lt_guests__sweep(guests, 127 * SECOND), UINT64_MAX);
	leave(guests, &asks);
	leave(guests, &reads);
	leave(guests, &rests);
	assert_int_equal(lt_guests__n(guests), 0);
	lt_guests__free(guests);
}

/* As many as want to come from one address: it never has more than its share, and the others are left alone. */
static void test_one_address(void **state)
{
	static struct visitor greedy[400];
	static const char *const names[] = { "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1" };
	struct lt_guests *guests = lt_guests__new();
	struct visitor others[20];
	size_t out = 0;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		others[i] = enter(guests, i % 2 ? "192.0.2.7" : "2001:db8::1", i);
	for (size_t i = 0; i < 400; i++) {
		greedy[i] = enter(guests, names[i % 4], SECOND + i);
		if (i >= LT_GUESTS_A_SOURCE) { /* the oldest makes room */
			assert_true(is_out(&greedy[out]));
			leave(guests, &greedy[out++]);
		}
		assert_false(is_out(&greedy[i]));
		assert_true(lt_guests__n(guests) <= LT_GUESTS_A_SOURCE + 20);
	}
	for (size_t i = 0; i < 20; i++) {
		assert_false(is_out(&others[i]));
		leave(guests, &others[i]);
	}
	for (; out < 400; out++)
		leave(guests, &greedy[out]);
	assert_int_equal(lt_guests__n(guests), 0);
	lt_guests__free(guests);
}

/* Two that hold all places; a third finds one, at the cost of the larger. */
static void test_no_place_left(void **state)
{
	static struct visitor large[LT_GUESTS_A_SOURCE], small[LT_GUESTS_MAX];
	struct lt_guests *guests = lt_guests__new();
	struct visitor third;

	(void)state;
	for (size_t i = 0; i < LT_GUESTS_MAX - LT_GUESTS_A_SOURCE; i++)
		small[i] = enter(guests, "10.0.0.2", i);
	for (size_t i = 0; i < LT_GUESTS_A_SOURCE; i++)
		large[i] = enter(guests, "2001:db8:0:1::1", 1000 + i);
	assert_int_equal(lt_guests__n(guests), LT_GUESTS_MAX);
	third = enter(guests, "2001:db8:0:2::1", 5000);
	assert_int_equal(lt_guests__n(guests), LT_GUESTS_MAX);
	assert_true(is_out(&large[0]));
	assert_false(is_out(&third) || is_out(&large[1]) || is_out(&small[0]));
	/* All of a /64 is one. */
	large[0] = (leave(guests, &large[0]), enter(guests, "2001:db8:0:1::ffff", 6000));
	assert_true(is_out(&large[1]));
	lt_guests__free(guests);
	for (size_t i = 0; i < LT_GUESTS_A_SOURCE; i++)
		close(large[i].here), close(large[i].there);
	for (size_t i = 0; i < LT_GUESTS_MAX - LT_GUESTS_A_SOURCE; i++)
		close(small[i].here), close(small[i].there);
	close(third.here);
	close(third.there);
}

/* Whoever keeps young in one state does not push out who has just come in another. */
static void test_shared_address(void **state)
{
	static struct visitor deaf[LT_GUESTS_A_SOURCE];
	struct lt_guests *guests = lt_guests__new();
	struct visitor scraper, next;

	(void)state;
	for (size_t i = 0; i < LT_GUESTS_A_SOURCE - 1; i++) {
		deaf[i] = enter(guests, "127.0.0.1", i);
		lt_guests__set(deaf[i].guest, LT_GUEST_READS, 10000 + i);
	}
	scraper = enter(guests, "127.0.0.1", 2000); /* older than all their answers */
	next = enter(guests, "127.0.0.1", 20000);
	assert_true(is_out(&deaf[0]));
	assert_false(is_out(&scraper) || is_out(&next));
	lt_guests__free(guests);
	for (size_t i = 0; i < LT_GUESTS_A_SOURCE - 1; i++)
		close(deaf[i].here), close(deaf[i].there);
	close(scraper.here), close(scraper.there);
	close(next.here), close(next.there);
}

/* Answered, but the answer lies in the kernel: that is not rest. */
static void test_unread_answers(void **state)
{
	struct lt_guests *guests = lt_guests__new();
	struct visitor reads = enter(guests, "10.0.0.1", 0), deaf = enter(guests, "10.0.0.1", 0);
	char byte;

	(void)state;
	assert_int_equal(send(reads.here, "x", 1, 0), 1);
	assert_int_equal(send(deaf.here, "x", 1, 0), 1);
	assert_int_equal(recv(reads.there, &byte, 1, 0), 1);
	lt_guests__set(reads.guest, LT_GUEST_RESTS, SECOND);
	lt_guests__set(deaf.guest, LT_GUEST_RESTS, SECOND);
	lt_guests__sweep(guests, 10 * SECOND);
	assert_int_equal(lt_guests__n(guests), 2);
	lt_guests__sweep(guests, 11 * SECOND);
	assert_int_equal(lt_guests__n(guests), 1);
	assert_false(is_out(&reads));
	leave(guests, &reads);
	leave(guests, &deaf);
	lt_guests__free(guests);
}

static void test_pages(void **state)
{
	struct lt_guests *guests = lt_guests__new();
	struct visitor visitors[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		visitors[i] = enter(guests, "10.0.0.1", i);
		lt_guests__set(visitors[i].guest, LT_GUEST_READS, i);
		if (i)
			lt_guests__reads_page(visitors[i].guest, i < 3 ? 7 : 8);
	}
	assert_true(lt_guests__drop_oldest_page(guests));
	assert_true(is_out(&visitors[1]) && is_out(&visitors[2]));
	assert_false(is_out(&visitors[0]) || is_out(&visitors[3]));
	lt_guests__set(visitors[3].guest, LT_GUEST_RESTS, 9);
	assert_false(lt_guests__drop_oldest_page(guests));
	for (size_t i = 0; i < 4; i++)
		leave(guests, &visitors[i]);
	lt_guests__free(guests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadlines),      cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_no_place_left),  cmocka_unit_test(test_shared_address),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_unread_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
