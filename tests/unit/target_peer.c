/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The other end of a descriptor: lines of the kernel's tables, good and hostile, and this process's own sockets. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/peer.h"
#include "tests/unit/random.h"

#define BUDGET_NS 1000000000ull
#define RUNS	  20000

static const char tcp[] =
	"   4: 0100007F:1F90 0500000A:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 "
	"48123 1 0000000000000000 20 4 30 10 -1";
static const char tcp6[] =
	"   0: 00000000000000000000000001000000:1F90 B80D01200000000000000000D2040000:C000 01 "
	"00000000:00000000 00:00000000 00000000     0        0 48124 1 0000000000000000 20 4 0 10 -1";
static const char mapped[] =
	"   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000700000A:1538 01 "
	"00000000:00000000 02:000003E8 00000000     0        0 48125 2 0000000000000000 20 4 30 10 -1";
static const char local[] =
	"0000000000000000: 00000003 00000000 00000000 0001 03 48126 /run/a b.sock";

/* The kernel's columns up to the inode */
#define LINE "00000000735333e2: 00000003 00000000 00000000 0001 03 "

static void test_lines(void **state)
{
	char text[LT_PEER_SIZE] = "";

	(void)state;
	assert_true(lt_peer_in_line(LT_TABLE_TCP, tcp, 48123, text));
	assert_string_equal(text, "10.0.0.5:443");
	assert_false(lt_peer_in_line(LT_TABLE_TCP, tcp, 48124, text));
	assert_true(lt_peer_in_line(LT_TABLE_TCP6, tcp6, 48124, text));
	assert_string_equal(text, "[2001:db8::4d2]:49152");
	assert_true(lt_peer_in_line(LT_TABLE_TCP6, mapped, 48125, text));
	assert_string_equal(text, "10.0.0.7:5432");
	assert_true(lt_peer_in_line(LT_TABLE_UNIX, local, 48126, text));
	assert_string_equal(text, "unix:/run/a b.sock");
	assert_true(lt_peer_in_line(LT_TABLE_UNIX, LINE "    7", 7, text));
	assert_string_equal(text, "unix:[7]");
	assert_true(lt_peer_in_line(LT_TABLE_UNIX, LINE "    8 @\x1b[31m\xff name", 8, text));
	assert_string_equal(text, "unix:@?[31m? name");
}

static void test_wrong_lines(void **state)
{
	char text[LT_PEER_SIZE] = "";
	static const char *const wrong[] = {
		"",
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
		"   4: 0100007F:1F90 0500000A:11111 01 0:0 0:0 0 0 0 48123",
		"   4: 0100007F:1F90 0500:01BB 01 0:0 0:0 0 0 0 48123",
		"   4: 0100007F:1F90 0500000A05:01BB 01 0:0 0:0 0 0 0 48123",
		"   4: 0100007F:1F90 ZZZZZZZZ:01BB 01 0:0 0:0 0 0 0 48123",
		"0: 3 0 0 1 3 48123 @short columns",
		LINE "48123x",
		LINE "48123 ",
		LINE "48123\t@tab",
		LINE " 4812 3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (int table = 0; table < LT_TABLE_MAX; table++)
			assert_false(lt_peer_in_line((enum lt_socket_table)table, wrong[i], 48123,
						     text));
	assert_string_equal(text, "");
}

static void test_fuzz(void **state)
{
	static const char *const lines[] = { tcp, tcp6, mapped, local };
	uint64_t seed = 4711;
	char line[512], text[LT_PEER_SIZE];

	(void)state;
	for (int i = 0; i < RUNS; i++) {
		uint64_t draw = next_random(&seed);
		size_t length;

		snprintf(line, sizeof(line), "%s", lines[draw % 4]);
		length = strlen(line);
		for (uint64_t n = draw / 4 % 5; n; n--)
			line[next_random(&seed) % length] = (char)next_random(&seed);
		if (draw / 64 % 4 == 0)
			line[draw / 512 % length] = '\0';
		text[0] = '\0';
		lt_peer_in_line((enum lt_socket_table)(draw / 32 % LT_TABLE_MAX), line,
				48123 + draw % 4, text);
		assert_true(strnlen(text, sizeof(text)) < sizeof(text));
		assert_null(strchr(text, '\x1b'));
	}
}

/* A connection over loopback; the port that its other end has. */
static int connected(int family, int *ret_server, uint16_t *ret_port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address =
		family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, address, &size), 0);
	assert_int_equal(connect(client, address, size), 0);
	*ret_server = accept(listener, NULL, NULL);
	assert_true(*ret_server >= 0);
	*ret_port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	close(listener);
	return client;
}

/* Sockets that come and go beside it may hide a line from one search. */
static const char *find_out(struct lt_peer *peer, int fd)
{
	const char *text = "";

	for (int i = 0; i < 20 && !text[0]; i++) {
		lt_peer__close(peer);
		text = lt_peer__of(peer, fd, false, BUDGET_NS);
	}
	return text;
}

static void test_own_sockets(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct lt_peer peer;
	char want[LT_PEER_SIZE];

	(void)state;
	lt_peer__init(&peer, getpid());
	for (int i = 0; i < 2; i++) {
		uint16_t port;
		int server, client = connected(families[i], &server, &port);

		snprintf(want, sizeof(want), i ? "[::1]:%u" : "127.0.0.1:%u", port);
		assert_string_equal(find_out(&peer, client), want);
		assert_string_equal(lt_peer__of(&peer, client, false, 0), want);
		close(client);
		close(server);
		assert_string_equal(lt_peer__of(&peer, client, false, BUDGET_NS), "");
	}
	lt_peer__close(&peer);
}

/* A search that has time for one block a call gets to its end, and no descriptor stays open. */
static void test_slices_and_others(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), pipes[2];
	const char *text = "";
	struct lt_peer peer;

	(void)state;
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "looptop-test-%d", getpid());
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	lt_peer__init(&peer, getpid());
	for (int i = 0; i < 100000 && !text[0]; i++)
		text = lt_peer__of(&peer, listener, true, 0);
	assert_int_equal(strncmp(text, "unix:@looptop-test-", 19), 0);
	assert_int_equal(peer.file, -1);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(strncmp(lt_peer__of(&peer, pipes[0], true, 0), "pipe:[", 6), 0);
	assert_string_equal(lt_peer__of(&peer, 12345, false, 0), "");
	close(listener);
	close(pipes[0]);
	close(pipes[1]);
	lt_peer__close(&peer);
}

/* Which lines of a table are the kernel's without doubt: each begins with '+' if it is, with '-' if a name may have
 * made it. */
static void check_table(const char *const *table, size_t n)
{
	struct lt_unix_lines lines = { 0 };

	for (size_t i = 0; i < n; i++)
		assert_int_equal(lt_unix_line_is_genuine(&lines, table[i] + 1), table[i][0] == '+');
}

#define CHECK_TABLE(...)                                              \
	do {                                                          \
		static const char *const table[] = { __VA_ARGS__ };   \
		check_table(table, sizeof(table) / sizeof(table[0])); \
	} while (0)

static void test_forged_lines(void **state)
{
	(void)state;
	CHECK_TABLE("+Num       RefCount Protocol Flags    Type St Inode Path", "+" LINE "11111",
		    "+" LINE "11112 /run/a", "-" LINE "48123 @forged", "-" LINE "48124",
		    "+" LINE "48125");
	/* A name that ends in what looks like a line without a name */
	CHECK_TABLE("+" LINE "11112 @x", "-" LINE "48123", "+" LINE "48124 /b");
	/* after some that look like nothing, while there is room in the name for a line */
	CHECK_TABLE("+" LINE "11112 @", "-x", "-", "-" LINE "48123 @a", "-" LINE "48124 @b");
	CHECK_TABLE("+" LINE "11112 @a name that leaves no room for a line of 58 bytes ",
		    "+" LINE "48123 @b");
	CHECK_TABLE("+" LINE "11112 @a",
		    "-rubbish that leaves no room for a whole line in this name", "+" LINE "48123");
	/* What may be a line of the kernel's may have a name that goes on, too. */
	CHECK_TABLE("+" LINE "11112 @a", "-" LINE "11113 @b", "-" LINE "48123");
}

/* As an attacker does it, in this namespace: a line for an inode that the table does not have. */
static void test_a_forger(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int forger = socket(AF_UNIX, SOCK_STREAM, 0), n;
	struct lt_unix_lines lines = { 0 };
	char line[512], name[LT_UNIX_NAME_SIZE];
	FILE *table = fopen("/proc/self/net/unix", "re");
	bool seen = false;
	struct stat st;

	(void)state;
	n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
		     "%d\n" LINE "4294967294 @evil", getpid());
	assert_int_equal(bind(forger, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
			 0);
	while (fgets(line, sizeof(line), table)) {
		char text[LT_PEER_SIZE];
		bool genuine;

		line[strcspn(line, "\n")] = '\0';
		genuine = lt_unix_line_is_genuine(&lines, line);
		if (lt_peer_in_line(LT_TABLE_UNIX, line, 4294967294, text)) {
			assert_string_equal(text, "unix:@evil");
			assert_false(genuine);
			seen = true;
		}
	}
	assert_true(seen);
	fclose(table);
	assert_false(lt_unix_ask(4294967294, name));
	/* Of the forger itself the whole name is told, where the kernel has its module. */
	assert_int_equal(fstat(forger, &st), 0);
	if (lt_unix_ask(st.st_ino, name)) {
		assert_int_equal(name[0], '@');
		assert_string_equal(name + 1, address.sun_path + 1);
	} else {
		print_message("the kernel tells nothing of local sockets by netlink\n");
	}
	close(forger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_fuzz),
		cmocka_unit_test(test_forged_lines),
		cmocka_unit_test(test_a_forger),
		cmocka_unit_test(test_own_sockets),
		cmocka_unit_test(test_slices_and_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
