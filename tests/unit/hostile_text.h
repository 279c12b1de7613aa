/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What targets may call their functions, files, sockets and themselves, and what must not come out of it. */
#ifndef LOOPTOP_TESTS_HOSTILE_TEXT_H
#define LOOPTOP_TESTS_HOSTILE_TEXT_H

#include <stdbool.h>
#include <string.h>

static const char *const hostile_texts[] = {
	"\x1b]0;title\a\x1b[2J\x1b[31m", /* terminals */
	"\xc2\x9b\x32J\xc2\x85", /* the same by C1 controls */
	"two\nlines\r\n}\n{\"event\":\"forged\"}\nlooptop_self_targets 666\n#",
	"\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6txt.exe", /* from right to left, a line separator */
	"=cmd|'/C calc'!A0",
	" =1+1",
	"\t=1+1",
	"+1",
	"-1",
	"@SUM(A1)",
	"\xef\xbc\x9d""1+1", /* a wide equals sign */
	"a;=1+1",
	"a\";=1+1;\"",
	"\",\",,\"",
	"\\\"} 1\nevil{x=\"",
	"\\",
	"\xff\xfe\xc0\xaf\xed\xa0\x80\xf5\xe2\x82", /* no UTF-8 */
	"</script><script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"'onmouseover='alert(1)",
	"<!--",
	"]]>",
	"&#60;script&#62;",
	"%n%s%s%s%n",
	"${jndi:ldap://x}",
	"",
	" ",
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	"\n\"<\x1b[31m,",
};

#define N_HOSTILE (sizeof(hostile_texts) / sizeof(hostile_texts[0]))

/* Nothing that a terminal acts on, but line ends: C0, DEL and, in UTF-8, C1. */
static inline bool is_harmless(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if ((*s < 0x20 && *s != '\n') || *s == 0x7f || (*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) ||
		    (*s == 0xe2 && s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae))
			return false;
	return true;
}

static inline int count_lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

#endif
