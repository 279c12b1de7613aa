/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/unix_socket.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* "%pK: %08X %08X %08X %04X %02X %5lu", and " NAME": '@' stands for the first byte of an abstract name. */
#define COLUMNS	   "hhhhhhhhhhhhhhhh: hhhhhhhh hhhhhhhh hhhhhhhh hhhh hh "
#define NAME_BYTES sizeof(((struct sockaddr_un *)NULL)->sun_path)

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

uint64_t lt_unix_line(const char *line, const char **ret_name)
{
	const char *format = COLUMNS, *digits;
	char *end;
	unsigned long inode;

	for (; *format; format++, line++)
		if (*format == 'h' ? !is_hex(*line) : *line != *format)
			return 0;
	digits = line + strspn(line, " ");
	if (*digits < '0' || *digits > '9')
		return 0;
	inode = strtoul(digits, &end, 10);
	if (end - line < 5 || (*end && (*end != ' ' || !end[1])))
		return 0;
	*ret_name = *end ? end + 1 : "";
	return inode;
}

/*
 * A name has 108 bytes, and a line that looks right has 58 of its own: there is room for one such line in a name, not
 * for two. What stands behind a socket without a name is the kernel's, and so is what would make a name too long.
 */
bool lt_unix_line_is_genuine(struct lt_unix_lines *lines, const char *line)
{
	const char *name = "";
	size_t n = strlen(line), as_name = lines->name_bytes + 1 + n;
	bool whole = lt_unix_line(line, &name) != 0;
	bool genuine = !lines->name_bytes || as_name > NAME_BYTES;

	/* If it is not certain, the shorter of the two names that may be going on is the one that leaves more room. */
	if (genuine || (whole && *name))
		lines->name_bytes = strlen(name);
	else
		lines->name_bytes = as_name;
	return genuine;
}

static int ask(int fd, uint64_t inode, char *answer, size_t size)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req ask;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.ask = { .sdiag_family = AF_UNIX,
			 .udiag_states = UINT32_MAX,
			 .udiag_ino = (uint32_t)inode,
			 .udiag_show = UDIAG_SHOW_NAME,
			 .udiag_cookie = { UINT32_MAX, UINT32_MAX } },
	};

	/* The kernel has answered when the question is sent. */
	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		return -1;
	return (int)recv(fd, answer, size, MSG_DONTWAIT);
}

/* Of an abstract name each NUL is an '@', as in the table. */
static void copy_name(const struct rtattr *attribute, char name[LT_UNIX_NAME_SIZE])
{
	const char *bytes = RTA_DATA(attribute);
	size_t n = RTA_PAYLOAD(attribute);

	if (n && bytes[0])
		n = strnlen(bytes, n);
	if (n >= LT_UNIX_NAME_SIZE)
		n = LT_UNIX_NAME_SIZE - 1;
	for (size_t i = 0; i < n; i++)
		name[i] = bytes[i] ? bytes[i] : '@';
	name[n] = '\0';
}

static bool parse_answer(const struct nlmsghdr *head, size_t size, uint64_t inode,
			 char name[LT_UNIX_NAME_SIZE])
{
	const struct unix_diag_msg *told = NLMSG_DATA(head);
	const struct rtattr *attribute = (const void *)(told + 1);
	size_t left;

	if (size < NLMSG_LENGTH(sizeof(*told)) || head->nlmsg_len > size ||
	    head->nlmsg_len < NLMSG_LENGTH(sizeof(*told)) ||
	    head->nlmsg_type != SOCK_DIAG_BY_FAMILY || told->udiag_ino != inode)
		return false;
	name[0] = '\0';
	left = head->nlmsg_len - NLMSG_LENGTH(sizeof(*told));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == UNIX_DIAG_NAME)
			copy_name(attribute, name);
	return true;
}

bool lt_unix_ask(uint64_t inode, char name[LT_UNIX_NAME_SIZE])
{
	union {
		struct nlmsghdr head;
		char bytes[1024];
	} answer;
	bool found;
	int fd, n;

	if (inode > UINT32_MAX)
		return false;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return false;
	n = ask(fd, inode, answer.bytes, sizeof(answer));
	found = n > 0 && parse_answer(&answer.head, (size_t)n, inode, name);
	close(fd);
	return found;
}
