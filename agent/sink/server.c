/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libmicrohttpd parses and sends; the loop around it is ours, so that deadlines, evictions and answers that wait for
 * the collector are the business of one thread, without locks. The library's own bounds stay behind ours: it is
 * allowed more connections than we let stay, because at its limit it stops to accept.
 */
#include "agent/sink/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/sink/guests.h"
#include "agent/sink/listen.h"
#include "agent/util/clock.h"
#include "agent/util/privilege.h"
#include "looptop/err.h"

#define BACKLOG 1024 /* who knocks while many do */
/* A scrape waits for the collector, which has the snapshot for some milliseconds at a time. */
#define PATIENCE_NS 2000000000ull
#define BODY_MAX    65536 /* that is taken in, and thrown away, so that the connection can live on */
/* What is kept of pages for whoever is slow to read: a page of 500 processes has some 4 MB. */
#define PAGES_BYTES_MAX (32u << 20)
#define PAGES_MIN	4 /* however large they are */

struct waiting {
	struct MHD_Connection *connection;
	uint64_t until_ns;
	bool suspended;
};

struct lt_server {
	struct MHD_Daemon *daemon;
	struct lt_guests *guests;
	lt_answer_fn answer;
	void *ctx;
	pthread_t thread;
	int wake_fd;
	atomic_bool stopping, may_wait;
	atomic_size_t pages_bytes;
	struct waiting waiting[LT_GUESTS_MAX + LT_GUESTS_LEAVING];
	size_t n_waiting;
};

struct page {
	char *text;
	size_t length;
	atomic_size_t *all_bytes;
};

static struct lt_guest *guest_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct lt_server *server = ctx;
	const union MHD_ConnectionInfo *info;
	int socket;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		lt_guests__leave(server->guests, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info)
		return;
	socket =
		info->connect_fd; /* taken at once: an answer may lie where the one before it does */
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*context = lt_guests__enter(server->guests, socket, info ? info->client_addr : NULL,
				    lt_now_ns());
}

static struct waiting *find_waiting(struct lt_server *server,
				    const struct MHD_Connection *connection)
{
	for (size_t i = 0; i < server->n_waiting; i++)
		if (server->waiting[i].connection == connection)
			return &server->waiting[i];
	return NULL;
}

static void forget_waiting(struct lt_server *server, struct waiting *waiting)
{
	if (waiting)
		*waiting = server->waiting[--server->n_waiting];
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct lt_server *server = ctx;

	(void)code;
	*state = NULL;
	forget_waiting(server, find_waiting(server, connection));
	lt_guests__set(guest_of(connection), LT_GUEST_RESTS, lt_now_ns());
}

enum lt_answer lt_server__queue_text(struct MHD_Connection *connection, unsigned status,
				     const char *type, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return LT_ANSWER_NONE;
	MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (status == MHD_HTTP_CONTENT_TOO_LARGE)
		MHD_add_response_header(response, "Connection", "close");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result == MHD_YES ? LT_ANSWER_QUEUED : LT_ANSWER_NONE;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
	bool method = status == MHD_HTTP_METHOD_NOT_ALLOWED;

	lt_guests__set(guest_of(connection), LT_GUEST_READS, lt_now_ns());
	return lt_server__queue_text(connection, status, "text/plain; charset=utf-8",
				     method ? "only GET and HEAD\n"
					    : "nothing is taken in here\n") == LT_ANSWER_QUEUED;
}

/* A body that has no known length, or a long one, is not waited for. */
static bool has_long_body(struct MHD_Connection *connection)
{
	const char *length =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding") ||
	       (length && strtoull(length, NULL, 10) > BODY_MAX);
}

static enum MHD_Result wait_for_turn(struct lt_server *server, struct MHD_Connection *connection,
				     struct waiting *waiting)
{
	if (!waiting) {
		if (server->n_waiting == sizeof(server->waiting) / sizeof(server->waiting[0]))
			return MHD_NO;
		waiting = &server->waiting[server->n_waiting++];
		*waiting = (struct waiting){ .connection = connection,
					     .until_ns = lt_now_ns() + PATIENCE_NS };
	}
	waiting->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static enum MHD_Result answer_whole(struct lt_server *server, struct MHD_Connection *connection,
				    const char *url)
{
	struct waiting *waiting = find_waiting(server, connection);
	bool last = waiting && lt_now_ns() >= waiting->until_ns;

	if (!waiting)
		lt_guests__set(guest_of(connection), LT_GUEST_READS, lt_now_ns());
	switch (server->answer(server->ctx, connection, url, last)) {
	case LT_ANSWER_LATER:
		return wait_for_turn(server, connection, waiting);
	case LT_ANSWER_QUEUED:
		forget_waiting(server, waiting);
		return MHD_YES;
	default:
		forget_waiting(server, waiting);
		return MHD_NO;
	}
}

/* First when the headers are whole, then for each part of a body, then when all has come: only an answer that is
 * queued then leaves the connection open for another request. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	static char begun;
	bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");

	(void)version;
	(void)upload;
	if (!*state) {
		*state = &begun;
		if (!has_long_body(connection))
			return MHD_YES;
		return refuse(connection,
			      reads ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_METHOD_NOT_ALLOWED);
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (!reads)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
	return answer_whole(ctx, connection, url);
}

static void resume(struct lt_server *server, uint64_t until_ns)
{
	for (size_t i = 0; i < server->n_waiting; i++) {
		struct waiting *waiting = &server->waiting[i];

		if (waiting->suspended && waiting->until_ns <= until_ns) {
			waiting->suspended = false;
			MHD_resume_connection(waiting->connection);
		}
	}
}

static uint64_t earliest_end(const struct lt_server *server)
{
	uint64_t earliest_ns = UINT64_MAX;

	for (size_t i = 0; i < server->n_waiting; i++)
		if (server->waiting[i].suspended && server->waiting[i].until_ns < earliest_ns)
			earliest_ns = server->waiting[i].until_ns;
	return earliest_ns;
}

/* For poll(), rounded up: a sleep that ends before its time would be taken again, over and over. */
static int timeout_ms(struct lt_server *server, uint64_t next_ns)
{
	uint64_t now_ns = lt_now_ns(), end_ns = earliest_end(server);
	MHD_UNSIGNED_LONG_LONG library_ms;
	uint64_t ms = INT32_MAX;

	if (next_ns < end_ns)
		end_ns = next_ns;
	if (end_ns != UINT64_MAX)
		ms = end_ns <= now_ns ? 0 : (end_ns - now_ns + 999999) / 1000000;
	if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES && library_ms < ms)
		ms = library_ms;
	return ms < INT32_MAX ? (int)ms : -1;
}

static void *serve(void *ctx)
{
	struct lt_server *server = ctx;
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = { { .fd = info->epoll_fd, .events = POLLIN },
				{ .fd = server->wake_fd, .events = POLLIN } };
	uint64_t next_ns = UINT64_MAX, count;

	lt_privilege__enter(LT_DUTY_SERVER, 0); /* if it cannot, that was told, and is no reason to be silent */
	while (!atomic_load(&server->stopping)) {
		poll(fds, 2, timeout_ms(server, next_ns));
		if (read(server->wake_fd, &count, sizeof(count)) == sizeof(count))
			resume(server, UINT64_MAX);
		resume(server, lt_now_ns());
		MHD_run(server->daemon);
		next_ns = lt_guests__sweep(server->guests, lt_now_ns());
	}
	/* The library does not end while anybody is suspended. */
	resume(server, UINT64_MAX);
	return NULL;
}

static void wake_always(struct lt_server *server)
{
	uint64_t one = 1;

	(void)!write(server->wake_fd, &one, sizeof(one));
}

void lt_server__wake(struct lt_server *server)
{
	if (atomic_exchange(&server->may_wait, false))
		wake_always(server);
}

void lt_server__may_wait(struct lt_server *server)
{
	atomic_store(&server->may_wait, true);
}

static void free_page(void *ctx)
{
	struct page *page = ctx;

	atomic_fetch_sub(page->all_bytes, page->length);
	free(page->text);
	free(page);
}

struct MHD_Response *lt_server__page(struct lt_server *server, char *text, size_t length)
{
	struct page *page = malloc(sizeof(*page));
	struct MHD_Response *response;
	size_t all;

	if (!page) {
		free(text);
		return NULL;
	}
	*page = (struct page){ text, length, &server->pages_bytes };
	all = atomic_fetch_add(&server->pages_bytes, length) + length;
	if (all > PAGES_BYTES_MAX && all > PAGES_MIN * length)
		lt_guests__drop_oldest_page(server->guests);
	response = MHD_create_response_from_buffer_with_free_callback_cls(length, text, free_page,
									  page);
	if (!response)
		free_page(page);
	return response;
}

enum lt_answer lt_server__queue_page(struct MHD_Connection *connection, struct MHD_Response *page,
				     unsigned long long number)
{
	if (MHD_queue_response(connection, MHD_HTTP_OK, page) != MHD_YES)
		return LT_ANSWER_NONE;
	lt_guests__reads_page(guest_of(connection), number);
	return LT_ANSWER_QUEUED;
}

static int start(struct lt_server *server, const char *listen)
{
	sigset_t all, before;
	int fd = lt_listen(listen, BACKLOG), err;

	if (fd < 0)
		return fd;
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(LT_GUESTS_MAX + LT_GUESTS_LEAVING), MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
		MHD_OPTION_END);
	if (!server->daemon) {
		close(fd);
		return lt_err(-EIO, "listen on %s: cannot start the server", listen);
	}
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&server->thread, NULL, serve, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		MHD_stop_daemon(server->daemon);
		return lt_err(-err, "listen on %s: cannot start a thread: %s", listen,
			      strerror(err));
	}
	return 0;
}

struct lt_server *lt_server__new(const char *listen, lt_answer_fn answer, void *ctx)
{
	struct lt_server *server = calloc(1, sizeof(*server));
	int err = -ENOMEM;

	if (!server)
		return NULL;
	server->answer = answer;
	server->ctx = ctx;
	server->guests = lt_guests__new();
	server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (server->guests && server->wake_fd >= 0)
		err = start(server, listen);
	else
		lt_err(err, "listen on %s: %s", listen, strerror(errno));
	if (!err)
		return server;
	server->daemon = NULL;
	lt_server__free(server);
	errno = -err;
	return NULL;
}

int lt_server__port(const struct lt_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD);
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t length = sizeof(address);

	if (!info || getsockname(info->listen_fd, &address.any, &length))
		return -1;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
						       : address.v4.sin_port);
}

void lt_server__stop(struct lt_server *server)
{
	atomic_store(&server->stopping, true);
	wake_always(server);
	pthread_join(server->thread, NULL);
	MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
}

void lt_server__free(struct lt_server *server)
{
	if (server->wake_fd >= 0)
		close(server->wake_fd);
	lt_guests__free(server->guests);
	free(server);
}
