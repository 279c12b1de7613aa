/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * HTTP connections: one thread that accepts, reads requests within bounds, has them answered, and shuts out whoever
 * takes too long or too much (guests.h). What is answered is http.c's.
 */
#ifndef LOOPTOP_SINK_SERVER_H
#define LOOPTOP_SINK_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;
struct MHD_Response;
struct lt_server;

enum lt_answer {
	LT_ANSWER_QUEUED,
	LT_ANSWER_LATER, /* ask again after lt_server__wake(), or when the patience ends */
	LT_ANSWER_NONE, /* close the connection */
};

/* A whole GET or HEAD request, asked by the server's thread; last: LT_ANSWER_LATER is no answer any more. */
typedef enum lt_answer (*lt_answer_fn)(void *ctx, struct MHD_Connection *connection,
				       const char *url, bool last);

/* NULL with errno set, and the error logged. */
struct lt_server *lt_server__new(const char *listen, lt_answer_fn answer, void *ctx);
/* No request is answered any more, all connections are closed. */
void lt_server__stop(struct lt_server *server);
/* Once it was stopped, and its pages were destroyed. */
void lt_server__free(struct lt_server *server);
int lt_server__port(const struct lt_server *server);

/* Whoever was told LT_ANSWER_LATER asks again. By any thread; next to nothing while nobody waits. */
void lt_server__wake(struct lt_server *server);

/* From now on somebody may be told LT_ANSWER_LATER: to be called before the answer is looked for, so that a wake in
 * between is not lost. */
void lt_server__may_wait(struct lt_server *server);

/* A page that many may read, to be destroyed by MHD_destroy_response(); NULL: no memory. It takes the text over in
 * either case. What is kept for slow readers is bounded: those with the oldest page lose it. */
struct MHD_Response *lt_server__page(struct lt_server *server, char *text, size_t length);

/* Queues it, and knows who reads it. */
enum lt_answer lt_server__queue_page(struct MHD_Connection *connection, struct MHD_Response *page,
				     unsigned long long number);

enum lt_answer lt_server__queue_text(struct MHD_Connection *connection, unsigned status,
				     const char *type, const char *text);

#endif
