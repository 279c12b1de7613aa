/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The exporter's HTTP side. Publishing renders both formats; a scrape gets the latest whole page,
 * which lives as long as somebody still reads it.
 */
#include "looptop/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "looptop/err.h"

#define CONNECTIONS_MAX 64
#define TIMEOUT_SECONDS 10

/* Older than this many intervals (and 10 s) the collector is not well. */
#define STALE_INTERVALS 5
#define STALE_SECONDS_MIN 10.0

enum { TEXT, OPENMETRICS, FORMATS };

struct lt_http {
	struct MHD_Daemon *daemon;
	struct lt_prom_opts prom;
	pthread_mutex_t lock; /* of what follows */
	struct MHD_Response *pages[FORMATS]; /* NULL: nothing published yet */
	struct timespec published;
	double interval_seconds;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result metrics(struct lt_http *http, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	int format = accept && strstr(accept, "application/openmetrics-text") ? OPENMETRICS : TEXT;
	enum MHD_Result result = MHD_NO;

	pthread_mutex_lock(&http->lock);
	/* Queuing takes a reference: the page outlives its replacement until it is sent. */
	if (http->pages[format])
		result = MHD_queue_response(connection, MHD_HTTP_OK, http->pages[format]);
	pthread_mutex_unlock(&http->lock);
	return result == MHD_YES ? result :
				   answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
					  "no collection yet\n");
}

static enum MHD_Result health(struct lt_http *http, struct MHD_Connection *connection, bool ready)
{
	struct timespec now;
	double age, limit;
	bool published;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&http->lock);
	published = http->pages[TEXT];
	age = (double)(now.tv_sec - http->published.tv_sec) +
	      (double)(now.tv_nsec - http->published.tv_nsec) / 1e9;
	limit = http->interval_seconds * STALE_INTERVALS;
	pthread_mutex_unlock(&http->lock);
	if (ready && !published)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no collection yet\n");
	if (published && age > limit && age > STALE_SECONDS_MIN)
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the latest collection is too old\n");
	return answer(connection, MHD_HTTP_OK, "ok\n");
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
		return health(ctx, connection, false);
	if (!strcmp(url, "/readyz"))
		return health(ctx, connection, true);
	if (!strcmp(url, "/"))
		return answer(connection, MHD_HTTP_OK,
			      "looptop agent\n\n/metrics\n/healthz\n/readyz\n");
	return answer(connection, MHD_HTTP_NOT_FOUND, "not found; see /metrics\n");
}

/* "127.0.0.1:9478", "[::1]:9478", ":9478". 0 or -EINVAL. */
static int split_listen(const char *listen, char *host, size_t host_size, char *port, size_t port_size)
{
	const char *colon = strrchr(listen, ':');
	char *end;
	long number;
	size_t n;

	if (!colon || colon[1] == '\0')
		return -EINVAL;
	number = strtol(colon + 1, &end, 10);
	if (*end || number < 0 || number > 65535)
		return -EINVAL;
	snprintf(port, port_size, "%ld", number);
	n = (size_t)(colon - listen);
	if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
		listen++;
		n -= 2;
	}
	if (n >= host_size)
		return -EINVAL;
	memcpy(host, listen, n);
	host[n] = '\0';
	return 0;
}

/* A socket bound to the address; -errno. */
static int bind_socket(const char *listen_on)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *info = NULL;
	char host[128], port[8];
	int fd, on = 1;

	if (split_listen(listen_on, host, sizeof(host), port, sizeof(port)) ||
	    getaddrinfo(host[0] ? host : NULL, port, &hints, &info))
		return -EINVAL;
	fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, CONNECTIONS_MAX)) {
			int saved = errno;

			close(fd);
			errno = saved;
			fd = -1;
		}
	}
	freeaddrinfo(info);
	return fd < 0 ? -errno : fd;
}

static int listen_error(const char *listen_on, int err)
{
	if (err == -EINVAL)
		return lt_err(err, "listen on %s: not an address (as in 127.0.0.1:9478, [::1]:9478 or "
				   ":9478)",
			      listen_on);
	if (err == -EADDRINUSE)
		return lt_err(err, "listen on %s: address already in use (another agent? choose one with "
				   "--listen)",
			      listen_on);
	return lt_err(err, "listen on %s: %s", listen_on, strerror(-err));
}

struct lt_http *lt_http__new(const struct lt_http_opts *opts)
{
	struct lt_http *http = calloc(1, sizeof(*http));
	int fd;

	if (!http)
		return NULL;
	http->prom = opts->prom;
	pthread_mutex_init(&http->lock, NULL);
	fd = bind_socket(opts->listen);
	if (fd < 0) {
		errno = -listen_error(opts->listen, fd);
		goto fail;
	}
	http->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL,
					on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
					MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_SECONDS,
					MHD_OPTION_END);
	if (http->daemon)
		return http;
	close(fd);
	errno = -listen_error(opts->listen, -EIO);
fail:
	pthread_mutex_destroy(&http->lock);
	free(http);
	return NULL;
}

int lt_http__port(const struct lt_http *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD);
	struct sockaddr_storage addr;
	socklen_t length = sizeof(addr);

	if (!info || getsockname(info->listen_fd, (struct sockaddr *)&addr, &length))
		return -1;
	return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port :
						  ((struct sockaddr_in *)&addr)->sin_port);
}

static struct MHD_Response *render(const struct lt_http *http, const struct lt_snapshot *snapshot,
				   int format)
{
	static const char *const types[FORMATS] = {
		"text/plain; version=0.0.4; charset=utf-8",
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
	};
	struct lt_prom_opts opts = http->prom;
	struct MHD_Response *response;
	size_t length;
	char *page;

	opts.openmetrics = format == OPENMETRICS;
	page = lt_prometheus_page(snapshot, &opts, &length);
	if (!page)
		return NULL;
	response = MHD_create_response_from_buffer(length, page, MHD_RESPMEM_MUST_FREE);
	if (response)
		MHD_add_response_header(response, "Content-Type", types[format]);
	else
		free(page);
	return response;
}

int lt_http__publish(struct lt_http *http, const struct lt_snapshot *snapshot)
{
	struct MHD_Response *pages[FORMATS], *old;

	for (int i = 0; i < FORMATS; i++)
		pages[i] = render(http, snapshot, i);
	if (!pages[TEXT] || !pages[OPENMETRICS]) {
		for (int i = 0; i < FORMATS; i++)
			if (pages[i])
				MHD_destroy_response(pages[i]);
		return -ENOMEM;
	}
	pthread_mutex_lock(&http->lock);
	for (int i = 0; i < FORMATS; i++) {
		old = http->pages[i];
		http->pages[i] = pages[i];
		pages[i] = old;
	}
	clock_gettime(CLOCK_MONOTONIC, &http->published);
	http->interval_seconds = snapshot->interval_seconds;
	pthread_mutex_unlock(&http->lock);
	for (int i = 0; i < FORMATS; i++)
		if (pages[i])
			MHD_destroy_response(pages[i]);
	return 0;
}

void lt_http__free(struct lt_http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	for (int i = 0; i < FORMATS; i++)
		if (http->pages[i])
			MHD_destroy_response(http->pages[i]);
	pthread_mutex_destroy(&http->lock);
	free(http);
}
