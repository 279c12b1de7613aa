/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: what a client sends to the exporter, over a real socket, with an empty line behind it: that ends most
 * requests, and what is still not whole then is hung up on.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "looptop/log.h"
#include "looptop/sink.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fixture_snapshot.h"

#define HEALTHY_EVERY 500
#define PATIENCE_MS   20

static struct fixture *fixture;
static struct lt_http *http;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct lt_http_opts opts = { .listen = "127.0.0.1:0", .prom = { .max_series = 50 } };

	(void)argc;
	(void)argv;
	fixture = fixture_new();
	fixture->snapshot.interval_seconds =
		1e6; /* nobody publishes again: it must not count as stale */
	http = lt_http__new(&opts);
	CHECK(http && !lt_http__publish(http, &fixture->snapshot));
	return 0;
}

static int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)lt_http__port(http)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct linger at_once = { .l_onoff = 1 }; /* or all ports would soon be waiting */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return fd;
}

/* The beginning of what comes back until the server closes, or says nothing for some time. */
static size_t exchange(const void *request, size_t size, int patience_ms, char *answer, size_t room)
{
	struct pollfd ready = { .fd = dial(), .events = POLLIN };
	char rest[65536];
	size_t used = 0;
	ssize_t n = 1;

	/* it may have closed before it was told all */
	if (send(ready.fd, request, size, MSG_NOSIGNAL) >= 0)
		send(ready.fd, "\r\n\r\n", 4, MSG_NOSIGNAL);
	while (n > 0 && poll(&ready, 1, patience_ms) > 0) {
		size_t part;

		n = recv(ready.fd, rest, sizeof(rest), 0);
		part = n < 0 ? 0 : (size_t)n < room - used ? (size_t)n : room - used;
		memcpy(answer + used, rest, part);
		used += part;
	}
	close(ready.fd);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
	static unsigned runs;
	char answer[16];
	size_t n = exchange(data, size, PATIENCE_MS, answer, sizeof(answer));

	CHECK(n < 12 || !memcmp(answer, "HTTP/1.", 7));
	if (++runs % HEALTHY_EVERY == 0) {
		n = exchange(ask, sizeof(ask) - 1, -1, answer, sizeof(answer));
		CHECK(n >= 12 && !memcmp(answer, "HTTP/1.1 200", 12));
	}
	return 0;
}
