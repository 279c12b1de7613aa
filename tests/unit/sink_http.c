/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The exporter over real sockets: every path and method, negotiation, whole pages while they are
 * replaced, a collector that falls silent, addresses that cannot be had.
 */
#include <arpa/inet.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "looptop/log.h"
#include "tests/unit/fixture_snapshot.h"
#include "tests/unit/golden.h"

#define ANSWER_MAX (1 << 20)

/* The clock that the exporter looks at, so that a test need not wait for ten seconds. */
static atomic_long clock_ahead_seconds;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_MONOTONIC)
		ts->tv_sec += atomic_load(&clock_ahead_seconds);
	return err;
}

static struct lt_http *start(const char *listen_on)
{
	struct lt_http_opts opts = { .listen = listen_on };
	struct lt_http *http = lt_http__new(&opts);

	assert_non_null(http);
	assert_in_range(lt_http__port(http), 1, 65535);
	return http;
}

static int dial(int port, bool v6)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons((uint16_t)port),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct timeval patience = { .tv_sec = 120 };
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (v6 ? connect(fd, (struct sockaddr *)&six, sizeof(six))
	       : connect(fd, (struct sockaddr *)&v4, sizeof(v4))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* All that comes back until the server closes; to be freed. NULL if nobody answers. */
static char *exchange(int port, const char *request)
{
	char *answer = calloc(1, ANSWER_MAX);
	int fd = dial(port, false);
	size_t n = 0;
	ssize_t got;

	if (!answer || fd < 0 || write(fd, request, strlen(request)) < 0) {
		free(answer);
		return NULL;
	}
	while ((got = read(fd, answer + n, ANSWER_MAX - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	return answer;
}

static char *ask(const struct lt_http *http, const char *method, const char *path,
		 const char *headers)
{
	char request[512], *answer;

	snprintf(request, sizeof(request),
		 "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, headers);
	answer = exchange(lt_http__port(http), request);
	assert_non_null(answer);
	return answer;
}

static int status(const struct lt_http *http, const char *method, const char *path)
{
	char *answer = ask(http, method, path, "");
	int code = 0;

	assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &code), 1);
	free(answer);
	return code;
}

static void test_before_and_after_publishing(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	char *answer;

	(void)state;
	assert_int_equal(status(http, "GET", "/metrics"), 503);
	assert_int_equal(status(http, "GET", "/readyz"), 503);
	assert_int_equal(status(http, "GET", "/healthz"), 200); /* it may take a while to begin */
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	assert_int_equal(status(http, "GET", "/metrics"), 200);
	assert_int_equal(status(http, "GET", "/readyz"), 200);
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	assert_int_equal(status(http, "GET", "/"), 200);
	assert_int_equal(status(http, "GET", "/metrics/"), 404);
	assert_int_equal(status(http, "GET", "/../etc/passwd"), 404);
	/* The next snapshot is what the next scrape gets. */
	lt_http__hold(http);
	fx->snapshot.self.targets = 17;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	answer = ask(http, "GET", "/metrics", "");
	assert_non_null(strstr(answer, "\nlooptop_self_targets 17\n"));
	free(answer);
	lt_http__free(http);
	free(fx);
}

static void test_methods(void **state)
{
	struct lt_http *http = start("localhost:0");
	struct fixture *fx = fixture_new();
	char *answer, *head, length[64];
	const char *body;

	(void)state;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	answer = ask(http, "GET", "/metrics", "");
	head = ask(http, "HEAD", "/metrics", "");
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body + 4));
	assert_non_null(strstr(head, length));
	assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
	free(head);
	assert_int_equal(status(http, "DELETE", "/metrics"), 405);
	answer = ask(http, "POST", "/metrics", "Content-Length: 5\r\n\r\nhello");
	assert_non_null(strstr(answer, "HTTP/1.1 405"));
	assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
	free(answer);
	lt_http__free(http);
	free(fx);
}

static void test_formats(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	char *answer;

	(void)state;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	answer = ask(http, "GET", "/metrics", "");
	assert_non_null(
		strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	free(answer);
	answer = ask(http, "GET", "/metrics",
		     "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n");
	assert_non_null(strstr(
		answer,
		"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
	assert_string_equal(answer + strlen(answer) - 6, "# EOF\n");
	free(answer);
	lt_http__free(http);
	free(fx);
}

/* Figures that nobody renews must not look like new ones. */
static void test_silent_collector(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();

	(void)state;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	atomic_store(&clock_ahead_seconds, 9);
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	assert_int_equal(status(http, "GET", "/metrics"), 200);
	atomic_store(&clock_ahead_seconds, 11);
	assert_int_equal(status(http, "GET", "/healthz"), 503);
	assert_int_equal(status(http, "GET", "/readyz"), 503);
	assert_int_equal(status(http, "GET", "/metrics"), 503);
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	assert_int_equal(status(http, "GET", "/metrics"), 200);
	/* With an interval of 10 s, 40 s of silence are within the five intervals. */
	lt_http__hold(http);
	fx->snapshot.interval_seconds = 10;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	atomic_store(&clock_ahead_seconds, 11 + 40);
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	atomic_store(&clock_ahead_seconds, 11 + 60);
	assert_int_equal(status(http, "GET", "/healthz"), 503);
	atomic_store(&clock_ahead_seconds, 0);
	lt_http__free(http);
	free(fx);
}

static double sum_of_turns(const struct lt_http *http)
{
	char *answer = ask(http, "GET", "/metrics", "");
	const char *line = strstr(
		answer, "\nlooptop_loop_turns_total{name=\"app\",container=\"\",loop=\"main\"}");
	double value = line ? strtod(strchr(line, '}') + 1, NULL) : NAN;

	free(answer);
	return value;
}

/* What an ended process counted stays in the sum, whether its last row was scraped or not, and once. */
static void test_what_ended_is_kept(void **state)
{
	struct lt_http_opts opts = { .listen = "127.0.0.1:0", .prom.no_pid_label = true };
	struct fixture *fx;

	(void)state;
	for (int scraped = 0; scraped <= 2; scraped++) {
		struct lt_http *http = lt_http__new(&opts);

		fx = fixture_new();
		for (int i = 0; i < 2; i++) {
			fx->processes[i].name = "app";
			fx->processes[i].container = NULL;
		}
		fx->snapshot.sequence = 1;
		assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
		assert_true(sum_of_turns(http) == 16240);
		lt_http__hold(http);
		fx->snapshot.sequence = 2;
		fx->processes[0].ended = true;
		assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
		for (int i = 0; i < scraped; i++) {
			assert_true(sum_of_turns(http) == 16240);
			/* Published again, as when a stall begins. */
			lt_http__hold(http);
			assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
		}
		lt_http__hold(http);
		fx->snapshot.processes = &fx->processes[1];
		fx->snapshot.n_processes = 1;
		fx->loops[2].total.turns += 100;
		for (uint64_t sequence = 3; sequence < 6; sequence++) {
			lt_http__hold(http);
			fx->snapshot.sequence = sequence;
			assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
		}
		assert_true(sum_of_turns(http) == 16340);
		lt_http__free(http);
		free(fx);
	}
}

struct scraper {
	pthread_t thread;
	int port;
	bool openmetrics;
	size_t pages, broken;
};

/* A whole page says the same number at its beginning and at its end, and has all its bytes. */
static bool whole(const char *answer, bool openmetrics)
{
	const char *body = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
	const char *targets = strstr(answer, "\nlooptop_self_targets ");
	const char *calls = strstr(answer, "\nlooptop_sync_fs_calls_total{");
	const char *value = calls ? strchr(calls + 1, '}') : NULL;

	if (!body || !length || !targets || !value)
		return false;
	if (strtoul(length + 16, NULL, 10) != strlen(body + 4))
		return false;
	if (openmetrics && strcmp(answer + strlen(answer) - 6, "# EOF\n"))
		return false;
	return strtod(targets + 22, NULL) == strtod(value + 1, NULL);
}

static void *scrape(void *ctx)
{
	struct scraper *scraper = ctx;
	char request[256];

	snprintf(request, sizeof(request),
		 "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
		 scraper->openmetrics ? "Accept: application/openmetrics-text\r\n" : "");
	for (int i = 0; i < 60; i++) {
		char *answer = exchange(scraper->port, request);

		scraper->pages++;
		scraper->broken += !answer || !whole(answer, scraper->openmetrics);
		free(answer);
	}
	return NULL;
}

static void test_pages_are_whole(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	struct scraper scrapers[4] = { 0 };

	(void)state;
	fx->snapshot.self.targets = fx->processes[0].total_sync_fs_calls = 0;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	for (int i = 0; i < 4; i++) {
		scrapers[i].port = lt_http__port(http);
		scrapers[i].openmetrics = i & 1;
		assert_int_equal(pthread_create(&scrapers[i].thread, NULL, scrape, &scrapers[i]),
				 0);
	}
	for (int i = 1; i <= 400; i++) {
		struct timespec pause = { .tv_nsec = 500000 };

		lt_http__hold(http);
		fx->snapshot.self.targets = fx->processes[0].total_sync_fs_calls = i;
		assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(scrapers[i].thread, NULL), 0);
		assert_int_equal(scrapers[i].pages, 60);
		assert_int_equal(scrapers[i].broken, 0);
	}
	lt_http__free(http);
	free(fx);
}

/* A client that never finishes its request, and one that never reads, stop nobody. */
static void test_slow_clients(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	int half = dial(lt_http__port(http), false), deaf = dial(lt_http__port(http), false);
	static const char begin[] = "GET /met", all[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	assert_true(half >= 0 && deaf >= 0);
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	assert_true(write(half, begin, strlen(begin)) > 0);
	assert_true(write(deaf, all, strlen(all)) > 0);
	for (int i = 0; i < 20; i++) /* the server may close on a client that never reads */
		(void)!send(deaf, all, strlen(all), MSG_NOSIGNAL);
	assert_int_equal(status(http, "GET", "/metrics"), 200);
	lt_http__free(http); /* also with them still there */
	close(half);
	close(deaf);
	free(fx);
}

/* One answer of a connection that stays open: its status, or 0 when the server has closed. */
static int next_answer(int fd)
{
	char head[2048] = "", *end;
	size_t n = 0, body;
	ssize_t got;
	int code;

	while (!strstr(head, "\r\n\r\n") && n < sizeof(head) - 1) {
		if (read(fd, head + n, 1) != 1)
			return 0;
		head[++n] = '\0';
	}
	end = strstr(head, "Content-Length: ");
	assert_non_null(end);
	assert_int_equal(sscanf(head, "HTTP/1.%*d %d", &code), 1);
	for (body = strtoul(end + 16, NULL, 10); body; body -= (size_t)got) {
		got = read(fd, head, body < sizeof(head) ? body : sizeof(head));
		assert_true(got > 0);
	}
	return code;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* Several requests on one connection, one after the other and at once. */
static void test_keep_alive(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	int fd = dial(lt_http__port(http), false);

	(void)state;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	for (int i = 0; i < 3; i++) {
		send_text(fd, GET("/metrics"));
		assert_int_equal(next_answer(fd), 200);
		send_text(fd, GET("/nothing"));
		assert_int_equal(next_answer(fd), 404);
	}
	send_text(fd, GET("/healthz") GET("/metrics") GET("/nothing") GET("/healthz"));
	assert_int_equal(next_answer(fd), 200);
	assert_int_equal(next_answer(fd), 200);
	assert_int_equal(next_answer(fd), 404);
	assert_int_equal(next_answer(fd), 200);
	/* What is sent is read and thrown away. */
	send_text(fd, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
	assert_int_equal(next_answer(fd), 405);
	send_text(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
	assert_int_equal(next_answer(fd), 200);
	/* An old client, which has asked for it */
	send_text(fd, "GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
	assert_int_equal(next_answer(fd), 200);
	send_text(fd, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_int_equal(next_answer(fd), 200);
	assert_int_equal(next_answer(fd), 0);
	close(fd);
	lt_http__free(http);
	free(fx);
}

/* A long body is refused before it comes, whatever is asked for. */
static void test_long_bodies(void **state)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{ "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 405 },
		{ "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 405 },
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413 },
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 413 },
	};
	struct lt_http *http = start("127.0.0.1:0");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = dial(lt_http__port(http), false);

		send_text(fd, cases[i].request);
		assert_int_equal(next_answer(fd), cases[i].status);
		assert_int_equal(next_answer(fd), 0);
		close(fd);
	}
	lt_http__free(http);
}

/* The server looks at its clock whenever something happens; here the clock goes, and then something happens. */
static void seconds_go_by(struct lt_http *http, int seconds)
{
	atomic_fetch_add(&clock_ahead_seconds, seconds);
	assert_int_equal(status(http, "GET", "/nothing"), 404);
	assert_int_equal(status(http, "GET", "/nothing"), 404);
}

static bool is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* However often a byte comes: ten seconds are for the whole request, also for a later one of a connection. */
static void test_deadline_of_a_request(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	int port = lt_http__port(http), slow = dial(port, false), later = dial(port, false);
	int silent = dial(port, false), rests = dial(port, false);

	(void)state;
	send_text(slow, "GET /metrics HTTP/1.1\r\nX: ");
	send_text(rests, GET("/healthz"));
	assert_int_equal(next_answer(rests), 200);
	send_text(later, GET("/healthz"));
	assert_int_equal(next_answer(later), 200);
	for (int i = 0; i < 3; i++) {
		seconds_go_by(http, 3);
		send_text(slow, "a");
		assert_false(is_closed(slow) || is_closed(silent) || is_closed(later));
	}
	send_text(later, "G");
	seconds_go_by(http, 2);
	assert_true(is_closed(slow) && is_closed(silent));
	for (int i = 0; i < 3; i++) {
		assert_false(is_closed(later));
		send_text(later, "E");
		seconds_go_by(http, 3);
	}
	seconds_go_by(http, 3);
	assert_true(is_closed(later));
	assert_false(is_closed(rests));
	seconds_go_by(http, 120);
	assert_true(is_closed(rests));
	close(slow);
	close(silent);
	close(later);
	close(rests);
	lt_http__free(http);
}

/* Of those who hold all places the oldest goes; who has just come is answered. */
static void test_more_than_there_is_room_for(void **state)
{
	static int fds[300];
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	int open = 0;

	(void)state;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	for (int i = 0; i < 300; i++) {
		fds[i] = dial(lt_http__port(http), false);
		assert_true(fds[i] >= 0);
		send_text(fds[i], i % 3 ? "GET /metr" : GET("/metrics"));
		if (i % 10 == 0)
			assert_int_equal(status(http, "GET", "/metrics"), 200);
	}
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	for (int i = 0; i < 300; i++) {
		static char block[65536];

		/* what was answered has to be read first */
		while (recv(fds[i], block, sizeof(block), MSG_DONTWAIT) > 0)
			;
		open += !is_closed(fds[i]);
		close(fds[i]);
	}
	assert_in_range(open, 32, 96);
	lt_http__free(http);
	free(fx);
}

/* While a scrape waits for the collector, others are answered; it is told after two seconds. */
static void test_busy_collector(void **state)
{
	struct lt_http *http = start("127.0.0.1:0");
	struct fixture *fx = fixture_new();
	int fd = dial(lt_http__port(http), false), other = dial(lt_http__port(http), false);

	(void)state;
	assert_int_equal(lt_http__publish(http, &fx->snapshot), 0);
	lt_http__hold(http);
	send_text(fd, GET("/metrics") GET("/metrics"));
	send_text(other, GET("/metrics"));
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	atomic_fetch_add(&clock_ahead_seconds, 3);
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	assert_int_equal(next_answer(fd), 503);
	assert_int_equal(next_answer(other), 503);
	lt_http__release(http);
	assert_int_equal(next_answer(fd), 200); /* the second one of the connection */
	/* It waits when the collector ends. */
	lt_http__hold(http);
	send_text(fd, GET("/metrics"));
	assert_int_equal(status(http, "GET", "/healthz"), 200);
	lt_http__free(http);
	assert_int_equal(next_answer(fd), 0);
	close(fd);
	close(other);
	free(fx);
}

static void remember(enum lt_log_level level, const char *line, void *ctx)
{
	(void)level;
	snprintf(ctx, 256, "%s", line);
}

static void refused(const char *listen_on, int err, const char *message)
{
	struct lt_http_opts opts = { .listen = listen_on };
	char said[256] = "", want[256];

	lt_log_set_sink(remember, said);
	errno = 0;
	assert_null(lt_http__new(&opts));
	assert_int_equal(errno, err);
	lt_log_set_sink(NULL, NULL);
	snprintf(want, sizeof(want), "listen on %s: %s", listen_on, message);
	assert_string_equal(said, want);
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = {
		"",
		"9478",
		":",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"127.0.0.1:1x",
		"127.0.0.1:000001",
		"::1:9478",
		"[::1]",
		"[::1",
		"[]:1",
		"[:1",
		"[127.0.0.1]:1",
		"1.2.3.4.5:1",
		"example.org:1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
	};
	struct lt_http *http = start("127.0.0.1:0");
	char taken[32];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i], EINVAL,
			"not ADDRESS:PORT (as in 127.0.0.1:9478, [::1]:9478 or :9478)");
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", lt_http__port(http));
	refused(taken, EADDRINUSE,
		"address already in use (another agent? choose one with --listen)");
	refused("192.0.2.1:9478", EADDRNOTAVAIL, "not an address of this host");
	lt_http__free(http);
	/* Free again at once. */
	lt_http__free(start(taken));
}

static void test_all_addresses(void **state)
{
	struct lt_http *http = start(":0");
	int v4 = dial(lt_http__port(http), false), v6 = dial(lt_http__port(http), true);
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 loopback = { .sin6_family = AF_INET6,
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool has_v6 = probe >= 0 && !bind(probe, (struct sockaddr *)&loopback, sizeof(loopback));

	(void)state;
	assert_true(v4 >= 0);
	close(v4);
	assert_true((v6 >= 0) == has_v6);
	lt_http__free(http);
	if (has_v6) {
		close(v6);
		http = start("[::1]:0");
		v6 = dial(lt_http__port(http), true);
		assert_true(v6 >= 0);
		close(v6);
		lt_http__free(http);
	} else {
		print_message("this host has no IPv6: only IPv4 was tested\n");
	}
	if (probe >= 0)
		close(probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_and_after_publishing),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_silent_collector),
		cmocka_unit_test(test_what_ended_is_kept),
		cmocka_unit_test(test_pages_are_whole),
		cmocka_unit_test(test_slow_clients),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_long_bodies),
		cmocka_unit_test(test_deadline_of_a_request),
		cmocka_unit_test(test_more_than_there_is_room_for),
		cmocka_unit_test(test_busy_collector),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_all_addresses),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
