/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Runs a program as a strict container does: seccomp-run kill|errno PROGRAM [ARG…]. System calls
 * that the program has no business with, among them those that uretprobes (335) and optimised
 * uprobes (336) make in their target's name, kill the process or fail with EPERM. x86-64 only.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* x86-64 has no other calls between rseq (334) and pidfd_send_signal (424). */
#define FIRST_REFUSED 335
#define LAST_REFUSED  423

static int install_filter(unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_REFUSED, 0, 1),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_REFUSED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	unsigned int action = SECCOMP_RET_KILL_PROCESS;

	if (argc < 3) {
		fprintf(stderr, "usage: seccomp-run kill|errno PROGRAM [ARG...]\n");
		return 2;
	}
	if (strcmp(argv[1], "errno") == 0)
		action = SECCOMP_RET_ERRNO | EPERM;
	if (install_filter(action) != 0) {
		perror("seccomp-run: install the filter");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
