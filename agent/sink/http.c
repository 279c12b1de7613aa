/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The exporter's HTTP side. Publishing costs next to nothing: series are made of the snapshot, and a page is
 * printed, when a scrape asks for it, once for each format; a page lives as long as somebody still reads it.
 * Scrapes and the collector take turns at the snapshot. When the collector stops publishing, scrapes fail: old
 * figures must not look like new ones.
 */
#include "looptop/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/sink/blockers.h"
#include "agent/sink/delays.h"
#include "agent/sink/listen.h"
#include "agent/sink/negotiate.h"
#include "agent/sink/series.h"
#include "agent/util/clock.h"
#include "agent/util/privilege.h"
#include "looptop/err.h"

#define CONNECTIONS_MAX 64u
#define TIMEOUT_SECONDS 10u
/* A collector is not well when it is silent for so many intervals, and for so long. */
#define STALE_INTERVALS	  5
#define STALE_SECONDS_MIN 10.0
/* A scrape waits for the collector, which has the snapshot for some milliseconds at a time. */
#define PATIENCE_SECONDS 2
/* What ended processes counted is looked through when so much of it is new: nobody may ever scrape. */
#define PAST_MAX 20000

enum format {
	FORMAT_TEXT,
	FORMAT_OPENMETRICS,
	FORMAT_MAX
};

struct lt_http {
	struct MHD_Daemon *daemon;
	struct lt_prom_opts prom;
	struct lt_blockers *blockers; /* NULL: functions are no labels */
	struct lt_delays *delays; /* NULL: nobody asked for names that have them */
	/* Of what follows up to the other lock. The collector has it while it changes the snapshot. */
	pthread_mutex_t turn;
	bool held; /* by the collector, who alone asks */
	const struct lt_snapshot *snapshot; /* NULL: nothing published yet */
	uint64_t sequence; /* of the snapshot */
	struct lt_series_set *set; /* NULL: none was made yet */
	bool is_current; /* the set is of the snapshot */
	struct lt_series_set *leaving; /* what ends with the snapshot; NULL: nothing does */
	struct MHD_Response *pages[FORMAT_MAX]; /* of the current set; NULL: not asked for yet */
	pthread_mutex_t lock; /* of what follows */
	uint64_t published_ns; /* the latest publication, or the start */
	double interval_seconds;
	bool published;
};

static const char index_page[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>looptop</title></head>\n"
	"<body><h1>looptop agent " LT_VERSION "</h1>\n<ul>\n"
	"<li><a href=\"/metrics\">/metrics</a>: for Prometheus</li>\n"
	"<li><a href=\"/healthz\">/healthz</a>: is the collector alive</li>\n"
	"<li><a href=\"/readyz\">/readyz</a>: are there figures</li>\n</ul></body></html>\n";

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type",
				text == index_page ? "text/html; charset=utf-8"
						   : "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Both are asked with the lock held. */
static bool stale(const struct lt_http *http)
{
	double age = (double)(lt_now_ns() - http->published_ns) / 1e9;

	return age > STALE_SECONDS_MIN && age > http->interval_seconds * STALE_INTERVALS;
}

static const char *not_ready(const struct lt_http *http)
{
	return stale(http)	  ? "the collector has stopped publishing\n"
	       : !http->published ? "nothing has been collected yet\n"
				  : NULL;
}

static struct MHD_Response *print_page(const struct lt_series_set *set, enum format format)
{
	static const char *const types[FORMAT_MAX] = {
		"text/plain; version=0.0.4; charset=utf-8",
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
	};
	struct MHD_Response *response;
	size_t length;
	char *page = lt_series_set__page(set, format == FORMAT_OPENMETRICS, &length);

	if (!page)
		return NULL;
	response = MHD_create_response_from_buffer(length, page, MHD_RESPMEM_MUST_FREE);
	if (response)
		MHD_add_response_header(response, "Content-Type", types[format]);
	else
		free(page);
	return response;
}

static void free_pages(struct MHD_Response *pages[FORMAT_MAX])
{
	for (int i = 0; i < FORMAT_MAX; i++) {
		if (pages[i])
			MHD_destroy_response(pages[i]);
		pages[i] = NULL;
	}
}

/* The series of the snapshot as it is now. With the turn. */
static int make_set(struct lt_http *http)
{
	struct lt_series_set *set = lt_series_set__new(http->snapshot, &http->prom, http->set);

	if (!set)
		return -ENOMEM;
	free_pages(http->pages);
	lt_series_set__free(http->set);
	http->set = set;
	http->is_current = true;
	/* The set knows what ends with it. */
	lt_series_set__free(http->leaving);
	http->leaving = NULL;
	return 0;
}

static const char *why_no_page(struct lt_http *http)
{
	const char *why_not;

	pthread_mutex_lock(&http->lock);
	why_not = not_ready(http);
	pthread_mutex_unlock(&http->lock);
	return why_not;
}

static enum MHD_Result metrics(struct lt_http *http, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	enum format format = lt_wants_openmetrics(accept) ? FORMAT_OPENMETRICS : FORMAT_TEXT;
	enum MHD_Result result = MHD_NO;
	const char *why_not = why_no_page(http);
	struct timespec until;

	if (why_not)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, why_not);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	if (pthread_mutex_timedlock(&http->turn, &until))
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the collector is busy\n");
	if (!http->snapshot || (!http->is_current && make_set(http)))
		goto out; /* it ends, or memory ran out: the connection is closed */
	if (!http->pages[format])
		http->pages[format] = print_page(http->set, format);
	/* Queuing takes a reference: the page outlives its successor until it is sent. */
	if (http->pages[format])
		result = MHD_queue_response(connection, MHD_HTTP_OK, http->pages[format]);
out:
	pthread_mutex_unlock(&http->turn);
	return result;
}

static enum MHD_Result ready(struct lt_http *http, struct MHD_Connection *connection)
{
	const char *why_not = why_no_page(http);

	return answer(connection, why_not ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
		      why_not ? why_not : "ok\n");
}

static enum MHD_Result health(struct lt_http *http, struct MHD_Connection *connection)
{
	bool ill;

	pthread_mutex_lock(&http->lock);
	ill = stale(http);
	pthread_mutex_unlock(&http->lock);
	return answer(connection, ill ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
		      ill ? "the collector has stopped publishing\n" : "ok\n");
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	(void)version;
	(void)upload;
	(void)state;
	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		if (*upload_size) { /* take in what is sent, or the answer cannot be queued */
			*upload_size = 0;
			return MHD_YES;
		}
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	}
	if (!strcmp(url, "/metrics"))
		return metrics(ctx, connection);
	if (!strcmp(url, "/healthz"))
		return health(ctx, connection);
	if (!strcmp(url, "/readyz"))
		return ready(ctx, connection);
	if (!strcmp(url, "/"))
		return answer(connection, MHD_HTTP_OK, index_page);
	return answer(connection, MHD_HTTP_NOT_FOUND, "not found; see /metrics\n");
}

/* What pages need that no single snapshot has. */
static int keep_figures(struct lt_http *http, const struct lt_prom_opts *opts)
{
	http->prom = *opts;
	if (opts->stall_functions)
		http->prom.blockers = http->blockers = lt_blockers__new(opts->stall_functions);
	if (opts->names)
		http->prom.delays = http->delays = lt_delays__new();
	return (opts->stall_functions && !http->blockers) || (opts->names && !http->delays)
		       ? -ENOMEM
		       : 0;
}

static void free_figures(struct lt_http *http)
{
	lt_blockers__free(http->blockers);
	lt_delays__free(http->delays);
}

struct start {
	struct lt_http *http;
	int fd;
};

/* The server's thread begins as this one's child: without what only the collector needs. */
static void *start_daemon(void *ctx)
{
	struct start *start = ctx;

	lt_privilege__enter(LT_DUTY_SERVER, 0); /* if it cannot, that was told, and is no reason to be silent */
	start->http->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, on_request,
		start->http, MHD_OPTION_LISTEN_SOCKET, start->fd, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS, MHD_OPTION_END);
	return NULL;
}

static void start_with_less(struct lt_http *http, int fd)
{
	struct start start = { http, fd };
	pthread_t thread;

	if (!pthread_create(&thread, NULL, start_daemon, &start))
		pthread_join(thread, NULL);
}

struct lt_http *lt_http__new(const struct lt_http_opts *opts)
{
	struct lt_http *http = calloc(1, sizeof(*http));
	int fd, err;

	if (!http)
		return NULL;
	if (keep_figures(http, &opts->prom)) {
		free_figures(http);
		free(http);
		errno = ENOMEM;
		return NULL;
	}
	http->published_ns = lt_now_ns();
	pthread_mutex_init(&http->lock, NULL);
	pthread_mutex_init(&http->turn, NULL);
	fd = lt_listen(opts->listen, (int)CONNECTIONS_MAX);
	if (fd >= 0)
		start_with_less(http, fd);
	if (http->daemon)
		return http; /* which owns the socket now */
	err = fd < 0 ? fd : lt_err(-EIO, "listen on %s: cannot start the server", opts->listen);
	pthread_mutex_destroy(&http->turn);
	pthread_mutex_destroy(&http->lock);
	free_figures(http);
	free(http);
	errno = -err;
	return NULL;
}

int lt_http__port(const struct lt_http *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD);
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

void lt_http__hold(struct lt_http *http)
{
	if (!http->held)
		pthread_mutex_lock(&http->turn);
	http->held = true;
}

static void release(struct lt_http *http)
{
	http->held = false;
	pthread_mutex_unlock(&http->turn);
}

void lt_http__release(struct lt_http *http)
{
	if (http->held)
		release(http);
}

/* What ended with the snapshot before lives on in the sums, whether it was scraped or not. */
static int keep_leaving(struct lt_http *http)
{
	int err = 0;

	if (!http->leaving)
		return 0;
	if (http->set) {
		err = lt_series_set__retire(http->set, http->leaving);
		lt_series_set__free(http->leaving);
	} else {
		http->set = http->leaving;
	}
	http->leaving = NULL;
	return err;
}

/* With the turn. */
static int take(struct lt_http *http, const struct lt_snapshot *snapshot)
{
	bool again = http->snapshot == snapshot && http->sequence == snapshot->sequence;
	int err = 0;

	if (http->blockers)
		err = lt_blockers__look(http->blockers, snapshot);
	if (!err && http->delays)
		err = lt_delays__look(http->delays, snapshot);
	/* Of a snapshot with last rows in it there is one set: its sums are kept then. */
	if (err || (again && lt_snapshot_has_ends(snapshot)))
		return err;
	if (!again)
		err = keep_leaving(http);
	if (!err && !again && lt_snapshot_has_ends(snapshot)) {
		http->leaving = lt_series_set__leaving(snapshot, &http->prom);
		err = http->leaving ? 0 : -ENOMEM;
	}
	if (http->set)
		lt_series_set__shrink(http->set);
	free_pages(http->pages);
	http->is_current = false;
	http->snapshot = snapshot;
	http->sequence = snapshot->sequence;
	if (!err && http->set && http->set->past.n > PAST_MAX)
		err = make_set(http);
	return err;
}

int lt_http__publish(struct lt_http *http, const struct lt_snapshot *snapshot)
{
	int err;

	lt_http__hold(http);
	err = take(http, snapshot);
	release(http);
	if (err)
		return err;
	pthread_mutex_lock(&http->lock);
	http->published_ns = lt_now_ns();
	http->interval_seconds = snapshot->interval_seconds;
	http->published = true;
	pthread_mutex_unlock(&http->lock);
	return 0;
}

void lt_http__free(struct lt_http *http)
{
	if (!http)
		return;
	lt_http__hold(http);
	http->snapshot = NULL;
	release(http);
	MHD_stop_daemon(http->daemon);
	free_pages(http->pages);
	lt_series_set__free(http->set);
	lt_series_set__free(http->leaving);
	free_figures(http);
	pthread_mutex_destroy(&http->turn);
	pthread_mutex_destroy(&http->lock);
	free(http);
}
