/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* From the address that a person wrote to a listening socket, or to a sentence that helps. */
#include "agent/sink/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "looptop/err.h"

#define HOST_MAX 64

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
	bool wildcard; /* ":PORT" */
};

static int parse_port(const char *s, uint16_t *ret_port)
{
	unsigned port = 0;

	if (!*s || strlen(s) > 5 || strspn(s, "0123456789") != strlen(s))
		return -EINVAL;
	for (; *s; s++)
		port = port * 10 + (unsigned)(*s - '0');
	if (port > UINT16_MAX)
		return -EINVAL;
	*ret_port = htons((uint16_t)port);
	return 0;
}

static void set_v6(struct address *address, const struct in6_addr *host, uint16_t port)
{
	address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					     .sin6_addr = *host,
					     .sin6_port = port };
	address->length = sizeof(address->v6);
}

static void set_v4(struct address *address, struct in_addr host, uint16_t port)
{
	address->v4 =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = host, .sin_port = port };
	address->length = sizeof(address->v4);
}

static int parse(const char *s, struct address *ret_address)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;
	char host[HOST_MAX];
	struct in6_addr v6;
	struct in_addr v4;
	uint16_t port;

	if (!colon || n >= sizeof(host) || parse_port(colon + 1, &port))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	*ret_address = (struct address){ .wildcard = n == 0 };
	if (n == 0) {
		set_v6(ret_address, &in6addr_any, port);
		return 0;
	}
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6) != 1)
			return -EINVAL;
		set_v6(ret_address, &v6, port);
		return 0;
	}
	if (inet_pton(AF_INET, !strcmp(host, "localhost") ? "127.0.0.1" : host, &v4) != 1)
		return -EINVAL;
	set_v4(ret_address, v4, port);
	return 0;
}

static int open_socket(const struct address *address, int backlog)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, err;

	if (fd < 0)
		return -errno;
	/* Restart at once, with connections of the last run still in TIME_WAIT. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->wildcard && address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &address->any, address->length) == 0 && listen(fd, backlog) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static const char *reason(int err)
{
	switch (-err) {
	case EINVAL:
		return "not ADDRESS:PORT (as in 127.0.0.1:9478, [::1]:9478 or :9478)";
	case EADDRINUSE:
		return "address already in use (another agent? choose one with --listen)";
	case EACCES:
		return "permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)";
	case EADDRNOTAVAIL:
		return "not an address of this host";
	default:
		return strerror(-err);
	}
}

int lt_listen(const char *address, int backlog)
{
	struct address parsed;
	int fd = parse(address, &parsed);

	if (fd == 0)
		fd = open_socket(&parsed, backlog);
	/* A host without IPv6 still has all its IPv4 addresses. */
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && parsed.wildcard) {
		set_v4(&parsed, (struct in_addr){ htonl(INADDR_ANY) }, parsed.v6.sin6_port);
		fd = open_socket(&parsed, backlog);
	}
	return fd < 0 ? lt_err(fd, "listen on %s: %s", address, reason(fd)) : fd;
}
