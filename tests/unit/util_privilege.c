/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Each duty, entered by a child: what it may do works, what it may not is refused, by the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/util/privilege.h"
#include "looptop/log.h"
#include "tests/unit/lacks.h"

#define CAP(name) (1ull << CAP_##name)
#define BIT(duty) (1u << LT_DUTY_##duty)
#define ALL	  ((1u << LT_DUTY_MAX) - 1)

static char victim_word[16] = "as it was";
static pid_t victim; /* a process of ours, which waits */
static int pipe_ends[2];
static char folder[64] = "/tmp/lt-privilege-XXXXXX";

static long raw(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long read_descriptor(void)
{
	char byte;

	return raw(pread(open("/dev/zero", O_RDONLY), &byte, 1, 0));
}

/* --- what a duty may or may not do: 0 or more, or -errno -------------------------------------- */

static long write_pipe(void)
{
	return raw(write(pipe_ends[1], "x", 1));
}

static long map_memory(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	page[4096] = 1;
	return raw(munmap(page, 8192));
}

static long map_code(void)
{
	return raw(
		(long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static long make_code(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return raw(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static long open_file(void)
{
	return raw(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
}

static long read_memory(void)
{
	char word[16];
	struct iovec local = { word, sizeof(word) }, remote = { victim_word, sizeof(word) };

	return raw(process_vm_readv(victim, &local, 1, &remote, 1, 0));
}

static long write_memory(void)
{
	char word[16] = "changed";
	struct iovec local = { word, sizeof(word) }, remote = { victim_word, sizeof(word) };

	return raw(process_vm_writev(victim, &local, 1, &remote, 1, 0));
}

static long open_its_memory(int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	return raw(open(path, flags));
}

static long open_memory_to_write(void)
{
	return open_its_memory(O_RDWR);
}

static long create_over_memory(void)
{
	return open_its_memory(O_WRONLY | O_CREAT);
}

/* Its flags are in memory, where no filter sees them. */
static long open_memory_by_openat2(void)
{
	struct open_how how = { .flags = O_RDWR };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	return raw(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static long open_existing_to_write(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/existing", folder);
	return raw(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
}

static long truncate_by_reading(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/existing", folder);
	return raw(open(path, O_RDONLY | O_TRUNC));
}

static long make_file(void)
{
	char path[96], name[96];
	int fd;

	snprintf(path, sizeof(path), "%s/new", folder);
	snprintf(name, sizeof(name), "%s/renamed", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return raw(rename(path, name));
}

static long signal_other(void)
{
	return raw(kill(victim, 0));
}

static long signal_thread(void)
{
	return raw(syscall(SYS_tgkill, victim, victim, 0));
}

static long signal_everybody(void)
{
	return raw(kill(-1, 0));
}

static long signal_self(void)
{
	return raw(kill(getpid(), 0));
}

static long open_pidfd(void)
{
	return raw(syscall(SYS_pidfd_open, victim, 0));
}

static long signal_by_pidfd(void)
{
	long fd = open_pidfd();

	return fd < 0 ? fd : raw(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

/* The kernel takes a process's folder for a pidfd, too. */
static long signal_by_folder(void)
{
	char path[64];
	long fd;

	snprintf(path, sizeof(path), "/proc/%d", (int)victim);
	fd = raw(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return fd < 0 ? fd : raw(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

static long trace(void)
{
	return raw(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, victim, 0, 0));
}

static long execute(void)
{
	return raw(execl("/bin/true", "true", NULL));
}

static long make_child(void)
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child)
		_exit(0);
	return raw(waitpid(child, NULL, 0));
}

static long new_namespace(void)
{
	return raw(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static long leave_namespace(void)
{
	return raw(unshare(CLONE_NEWNS));
}

static long make_socket(void)
{
	return raw(socket(AF_INET, SOCK_STREAM, 0));
}

static long type_into_terminal(void)
{
	return raw(ioctl(0, TIOCSTI, "x"));
}

static long become_somebody(void)
{
	return raw(syscall(SYS_setresuid, 1000, 1000, 1000));
}

static long become_root(void)
{
	return raw(syscall(SYS_setresuid, 0, 0, 0));
}

static long load_program(void)
{
	return raw(syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0));
}

/* It gets as far as the kernel's own check of what it is given. */
static long create_link(void)
{
	union bpf_attr attr = { .link_create.prog_fd = (uint32_t)-1 };
	long err = raw(syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)));

	return err == -EBADF ? 0 : err;
}

static long open_event(void)
{
	struct perf_event_attr attr = { .size = 1 };
	long err = raw(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));

	return err == -E2BIG ? 0 : err;
}

static long load_module(void)
{
	return raw(syscall(SYS_init_module, "", 0, ""));
}

static long open_by_handle(void)
{
	return raw(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
}

static long mount_something(void)
{
	return raw(syscall(SYS_mount, "none", folder, "tmpfs", 0, NULL));
}

static long catch_faults(void)
{
	return raw(syscall(SYS_userfaultfd, 0));
}

static long use_ring(void)
{
	return raw(syscall(SYS_io_uring_setup, 1, NULL));
}

static long use_keys(void)
{
	return raw(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static long change_mode(void)
{
	return raw(chmod(folder, 0777));
}

static long change_mode_of_open(void)
{
	int fd = open(folder, O_RDONLY | O_CLOEXEC);

	return raw(fchmod(fd, 0777));
}

/* A signal by a descriptor that is ready, to whomever. */
static long own_for_other(void)
{
	return raw(fcntl(pipe_ends[0], F_SETOWN, victim));
}

static long own_for_other_thread(void)
{
	struct f_owner_ex owner = { F_OWNER_TID, victim };

	return raw(fcntl(pipe_ends[0], F_SETOWN_EX, &owner));
}

static long use_unknown_call(void)
{
	return raw(syscall(
		463)); /* setxattrat(2), Linux 6.13: whatever comes after this was written */
}

#define MAY(fn, duties)            \
	{                          \
#fn, fn, duties, 0 \
	}
/* An allowed thing is refused to all other duties, by whatever errno. */
static const struct {
	const char *name;
	long (*fn)(void);
	unsigned duties;
	long refusal; /* 0: any */
} things[] = {
	MAY(write_pipe, ALL),
	MAY(map_memory, ALL),
	MAY(signal_self, ALL),
	MAY(open_file, BIT(MAIN) | BIT(GUARDIAN) | BIT(SPAWNER) | BIT(READER)),
	MAY(read_memory, BIT(MAIN) | BIT(SPAWNER) | BIT(READER)),
	MAY(make_file, BIT(MAIN)),
	MAY(make_child, BIT(MAIN) | BIT(GUARDIAN) | BIT(SPAWNER)),
	MAY(create_link, BIT(MAIN) | BIT(GUARDIAN)),
	MAY(open_event, BIT(MAIN) | BIT(GUARDIAN)),
	{ "map_code", map_code, 0, -EPERM },
	{ "make_code", make_code, 0, -EPERM },
	{ "write_memory", write_memory, 0, -EPERM },
	{ "open_memory_to_write", open_memory_to_write, 0, 0 },
	{ "create_over_memory", create_over_memory, 0, 0 },
	{ "open_memory_by_openat2", open_memory_by_openat2, 0, 0 },
	{ "open_existing_to_write", open_existing_to_write, 0, 0 },
	{ "truncate_by_reading", truncate_by_reading, 0, 0 },
	{ "signal_other", signal_other, 0, 0 },
	{ "signal_thread", signal_thread, 0, 0 },
	{ "signal_everybody", signal_everybody, 0, 0 },
	MAY(open_pidfd, BIT(MAIN)),
	{ "signal_by_pidfd", signal_by_pidfd, 0, 0 },
	{ "signal_by_folder", signal_by_folder, 0, 0 },
	{ "trace", trace, 0, -EPERM },
	{ "execute", execute, 0, -EPERM },
	{ "new_namespace", new_namespace, 0, 0 },
	{ "leave_namespace", leave_namespace, 0, -EPERM },
	{ "make_socket", make_socket, 0, -EPERM },
	{ "type_into_terminal", type_into_terminal, 0, -EPERM },
	{ "become_somebody", become_somebody, 0, 0 },
	{ "become_root", become_root, 0, 0 },
	{ "load_program", load_program, 0, -EPERM },
	{ "load_module", load_module, 0, -EPERM },
	{ "open_by_handle", open_by_handle, 0, -EPERM },
	{ "mount_something", mount_something, 0, -EPERM },
	{ "catch_faults", catch_faults, 0, -EPERM },
	{ "use_ring", use_ring, 0, -EPERM },
	{ "use_keys", use_keys, 0, -EPERM },
	{ "change_mode", change_mode, 0, -EPERM },
	{ "change_mode_of_open", change_mode_of_open, 0, -EPERM },
	{ "own_for_other", own_for_other, 0, -EPERM },
	{ "own_for_other_thread", own_for_other_thread, 0, -EPERM },
	{ "use_unknown_call", use_unknown_call, 0, -ENOSYS },
};

#define N_THINGS (sizeof(things) / sizeof(things[0]))

#if defined(__SANITIZE_ADDRESS__)
/* LeakSanitizer needs these. */
static bool is_relaxed(long (*fn)(void))
{
	return fn == trace || fn == signal_other || fn == signal_thread || fn == signal_everybody ||
	       fn == new_namespace || fn == open_file || fn == make_child || fn == make_file ||
	       fn == open_memory_to_write || fn == create_over_memory ||
	       fn == open_existing_to_write || fn == truncate_by_reading;
}
#else
static bool is_relaxed(long (*fn)(void))
{
	(void)fn;
	return false;
}
#endif

/* Whom spawners may signal is the kernel's to say: see test_another_user(). */
static bool is_users(int duty, long (*fn)(void))
{
	return duty == LT_DUTY_SPAWNER && fn == signal_by_folder;
}

/* In a child that has entered the duty (LT_DUTY_MAX: none); fn's answer. */
static long in_duty(enum lt_duty duty, uint64_t attaching, long (*fn)(void))
{
	long answer = -1000, told;
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		told = duty == LT_DUTY_MAX ? 0 : lt_privilege__enter(duty, attaching);
		told = told ? -2000 + told : fn();
		_exit(write(ends[1], &told, sizeof(told)) != sizeof(told));
	}
	close(ends[1]);
	assert_true(read(ends[0], &answer, sizeof(answer)) == sizeof(answer));
	close(ends[0]);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	return answer;
}

static void test_each_duty(void **state)
{
	bool wrong = false;

	(void)state;
	for (int duty = 0; duty < LT_DUTY_MAX; duty++)
		for (size_t i = 0; i < N_THINGS; i++) {
			bool may = things[i].duties >> duty & 1;
			long answer;

			if (is_relaxed(things[i].fn) || is_users(duty, things[i].fn))
				continue;
			answer = in_duty((enum lt_duty)duty, CAP(BPF) | CAP(PERFMON), things[i].fn);
			if (may ? answer >= 0
				: answer == (things[i].refusal ? things[i].refusal : -EPERM) ||
					    (!things[i].refusal &&
					     (answer == -ENOSYS || answer == -EACCES)))
				continue;
			print_error("duty %d: %s: %ld\n", duty, things[i].name, answer);
			wrong = true;
		}
	assert_false(wrong);
	assert_string_equal(victim_word, "as it was");
}

/* The refusals above are the filter's: the same things go, or fail otherwise, without a duty. */
static void test_without_a_duty(void **state)
{
	(void)state;
	assert_int_equal(in_duty(LT_DUTY_MAX, 0, write_memory), sizeof(victim_word));
	assert_true(in_duty(LT_DUTY_MAX, 0, open_memory_to_write) >= 0);
	assert_true(in_duty(LT_DUTY_MAX, 0, open_memory_by_openat2) >= 0);
	assert_int_equal(in_duty(LT_DUTY_MAX, 0, signal_other), 0);
	assert_true(in_duty(LT_DUTY_MAX, 0, make_socket) >= 0);
	assert_true(in_duty(LT_DUTY_MAX, 0, map_code) > 0);
	assert_true(in_duty(LT_DUTY_MAX, 0, open_existing_to_write) >= 0);
}

/* Who attaches nothing (tier memory) needs nothing of it. */
static void test_without_attaching(void **state)
{
	(void)state;
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, create_link), -ENOSYS);
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, open_event), -ENOSYS);
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, read_memory), sizeof(victim_word));
}

static uint64_t status_of_self(const char *format)
{
	char text[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	uint64_t value = UINT64_MAX;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, format);
	if (line)
		sscanf(line + strlen(format), "%lx", &value);
	return value;
}

static long effective(void)
{
	return (long)lt_capabilities__effective();
}

static long bounding(void)
{
	return (long)status_of_self("CapBnd:");
}

static long inheritable(void)
{
	return (long)status_of_self("CapInh:");
}

static long no_new_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static long user(void)
{
	return geteuid();
}

static long dumpable(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static long supplementary_groups(void)
{
	char text[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nGroups:");
	return line ? (long)strcspn(line + 9, "\n") : -1;
}

static void test_capabilities(void **state)
{
	uint64_t attaching = CAP(BPF) | CAP(PERFMON);
	uint64_t reading = CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(CHECKPOINT_RESTORE);
	uint64_t have = lt_capabilities__effective();

	(void)state;
	assert_int_equal(in_duty(LT_DUTY_MAIN, attaching, effective), have & (attaching | reading));
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, effective), have & reading);
	assert_int_equal(in_duty(LT_DUTY_GUARDIAN, attaching, effective),
			 have & (attaching | CAP(SYS_PTRACE)));
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, attaching, effective), have & reading);
	assert_int_equal(in_duty(LT_DUTY_READER, attaching, effective), have & reading);
	assert_int_equal(in_duty(LT_DUTY_ANALYST, attaching, effective), 0);
	assert_int_equal(in_duty(LT_DUTY_SERVER, attaching, effective), 0);
	/* CAP_SYS_ADMIN contains the small ones; they are not kept beside it. */
	if (have & CAP(SYS_ADMIN))
		assert_int_equal(in_duty(LT_DUTY_MAIN, attaching | CAP(SYS_ADMIN), effective),
				 have & (CAP(SYS_ADMIN) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH)));
	for (int duty = 0; duty < LT_DUTY_MAX; duty++)
		if (duty != LT_DUTY_ANALYST) /* who may not even ask: see test_a_duty_in_a_duty() */
			assert_int_equal(in_duty((enum lt_duty)duty, attaching, no_new_privileges),
					 1);
	assert_int_equal(in_duty(LT_DUTY_MAIN, attaching, inheritable), 0);
	if (have & CAP(SETPCAP))
		assert_int_equal(in_duty(LT_DUTY_MAIN, attaching, bounding),
				 have & (attaching | reading));
}

static bool may_change_user(void)
{
	uint64_t both = CAP(SETUID) | CAP(SETGID);

	return (lt_capabilities__effective() & both) == both;
}

/* As agent/target/reader_serve.c does it. */
static long signal_child(enum lt_duty duty)
{
	int ready[2], pidfd, status, err = pipe(ready);
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
	char byte;

	if (!child) {
		if (!lt_privilege__enter(duty, 0) && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	if (err || read(ready[0], &byte, 1) != 1)
		return -EPIPE;
	err = syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) ? -errno : 0;
	if (err)
		return err;
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -1;
}

static long signal_reader(void)
{
	return signal_child(LT_DUTY_READER);
}

static long signal_analyst(void)
{
	return signal_child(LT_DUTY_ANALYST);
}

static long read_in_reader(void)
{
	int err = lt_privilege__enter(LT_DUTY_READER, 0);

	return err ? err : geteuid() != LT_PRIVILEGE_UID ? -1 : read_memory();
}

static long sets_of_analyst(void)
{
	int err = lt_privilege__enter(LT_DUTY_ANALYST, 0);

	return err ? err : effective();
}

/* Readers and analysts are nobody else's user; their spawner can signal them and nobody else. */
static void test_another_user(void **state)
{
	(void)state;
	if (!may_change_user())
		not_here("this user cannot become another");
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, user), geteuid());
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, 0, user), LT_PRIVILEGE_UID);
	assert_int_equal(in_duty(LT_DUTY_READER, 0, user), LT_PRIVILEGE_UID);
	assert_int_equal(in_duty(LT_DUTY_ANALYST, 0, user), LT_PRIVILEGE_UID);
	assert_int_equal(in_duty(LT_DUTY_READER, 0, dumpable), 0);
	assert_true(in_duty(LT_DUTY_READER, 0, supplementary_groups) <= 1);
	assert_true(in_duty(LT_DUTY_SPAWNER, 0, signal_other) < 0);
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, 0, signal_by_folder), -EPERM);
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, 0, signal_reader), 0);
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, 0, signal_analyst), 0);
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, 0, read_in_reader), sizeof(victim_word));
	assert_int_equal(in_duty(LT_DUTY_SPAWNER, 0, sets_of_analyst), 0);
}

static long open_in_analyst(void)
{
	int err = lt_privilege__enter(LT_DUTY_ANALYST, 0);

	return err ? err : open_file();
}

/* Duties only get smaller. */
static void test_a_duty_in_a_duty(void **state)
{
	long answer = in_duty(LT_DUTY_MAIN, 0, open_in_analyst);

	(void)state;
	if (!is_relaxed(open_file))
		assert_true(answer == -EPERM || answer == -ENOSYS);
}

static void test_kept_by_wish(void **state)
{
	uint64_t have = lt_capabilities__effective();

	(void)state;
	setenv("LT_KEEP_PRIVILEGES", "1", 1);
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, effective), have);
	assert_int_equal(in_duty(LT_DUTY_MAIN, 0, no_new_privileges), 0);
	unsetenv("LT_KEEP_PRIVILEGES");
}

static void test_names(void **state)
{
	char text[LT_CAPABILITY_NAMES_SIZE];

	(void)state;
	assert_int_equal(lt_capability_names(0, text, sizeof(text)), 0);
	assert_string_equal(text, "none");
	assert_int_equal(lt_capability_names(CAP(SYS_PTRACE), text, sizeof(text)), 1);
	assert_string_equal(text, "CAP_SYS_PTRACE");
	assert_int_equal(
		lt_capability_names(CAP(SYS_PTRACE) | CAP(BPF) | CAP(PERFMON), text, sizeof(text)),
		3);
	assert_string_equal(text, "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE");
	assert_true(lt_capability_names(UINT64_MAX, text, sizeof(text)) >= 7);
	assert_non_null(strstr(text, " and CAP_CHECKPOINT_RESTORE"));
	assert_int_equal(lt_capability_names(UINT64_MAX, text, 4) > 0, 1);
}

static void test_fewer_calls_for_smaller_duties(void **state)
{
	size_t main_calls = lt_privilege__n_calls(LT_DUTY_MAIN, true);

	(void)state;
	assert_true(main_calls > lt_privilege__n_calls(LT_DUTY_MAIN, false));
	assert_true(lt_privilege__n_calls(LT_DUTY_READER, false) < main_calls);
	assert_true(lt_privilege__n_calls(LT_DUTY_ANALYST, false) <
		    lt_privilege__n_calls(LT_DUTY_READER, false));
}

static int set_up(void **state)
{
	char path[96];
	int fd;

	(void)state;
	if (pipe(pipe_ends) || !mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/existing", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	lt_log_set_level(LT_LOG_ERROR);
	victim = fork();
	if (!victim) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		pause();
		_exit(0);
	}
	return victim > 0 && read_descriptor() == 1 ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "existing", "new", "renamed" };
	char path[96];

	(void)state;
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_duty),
		cmocka_unit_test(test_each_duty),
		cmocka_unit_test(test_without_attaching),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_another_user),
		cmocka_unit_test(test_a_duty_in_a_duty),
		cmocka_unit_test(test_kept_by_wish),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_fewer_calls_for_smaller_duties),
	};

	return cmocka_run_group_tests_name("util_privilege", tests, set_up, tear_down);
}
