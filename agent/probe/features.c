/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What this kernel can do and what a hit costs, found out on a function of our own. */
#include "agent/probe/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/probe/guard.h"
#include "agent/probe/multi.h"
#include "agent/util/clock.h"
#include "caps.skel.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define CALIBRATION_CALLS 2000
#define CALIBRATION_ROUNDS 5

/* Begins with an instruction that the kernel emulates, as the sites in targets do. */
#ifdef __aarch64__
void calibration_target(void) __asm__("lt_calibration_target");
__asm__(".pushsection .text\n\t.p2align 2\n\t.type lt_calibration_target, %function\n"
	"lt_calibration_target:\n\tadr x9, .\n\tret\n\t.popsection");
#else
__attribute__((naked, noinline, used)) static void calibration_target(void)
{
	__asm__("push %rbp\n\tpop %rbp\n\tret");
}
#endif

static double calls_ns(void)
{
	double best = INFINITY;

	for (int round = 0; round < CALIBRATION_ROUNDS; round++) {
		uint64_t begin = lt_now_ns();

		for (int i = 0; i < CALIBRATION_CALLS / CALIBRATION_ROUNDS; i++)
			calibration_target();
		best = fmin(best, (double)(lt_now_ns() - begin));
	}
	return best * CALIBRATION_ROUNDS / CALIBRATION_CALLS;
}

/* The file offset of the calibration target in our own executable; 0 if not found. */
static uint64_t target_offset(void)
{
	uintptr_t addr = (uintptr_t)calibration_target;
	uint64_t begin, end, offset, found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &begin, &end, &offset) == 3 && addr >= begin &&
		    addr < end)
			found = addr - begin + offset;
	if (maps)
		fclose(maps);
	return found;
}

static int silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[1024], *save = NULL;

	(void)level;
	if (lt_log_level() < LT_LOG_DEBUG)
		return 0;
	/* The verifier's reasons have many lines, a message of ours has one. */
	vsnprintf(text, sizeof(text), fmt, args);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		lt_debug("%s", line);
	return 0;
}

/* Attaches the throw-away program; 0 with the number of the link, or -errno. */
static int attach(struct lt_guard *guard, const struct lt_caps_bpf *skel, bool multi, int *ret_link)
{
	int links[LT_GUARD_SITES_MAX], n;
	uint64_t offset = target_offset(), cookie = 1;
	struct lt_guard_sites sites = { .prog_fd = bpf_program__fd(skel->progs.lt_caps_hit),
					.file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
					.pid = getpid(),
					.offsets = &offset,
					.cookies = &cookie,
					.n = 1,
					.multi = multi,
					.has_cookies = skel->rodata->lt_has_cookies,
					.is_trial = true };

	if (sites.file_fd < 0)
		return -errno;
	n = lt_guard__attach(guard, &sites, links);
	close(sites.file_fd);
	if (n < 0)
		return n;
	*ret_link = links[0];
	return 0;
}

static struct lt_caps_bpf *load(const struct lt_features *features, bool multi)
{
	struct lt_caps_bpf *skel = lt_caps_bpf__open();

	if (!skel)
		return NULL;
	skel->rodata->lt_has_cookies = features->attach_cookie;
	if (multi)
		bpf_program__set_expected_attach_type(skel->progs.lt_caps_hit,
						      LT_BPF_TRACE_UPROBE_MULTI);
	if (lt_caps_bpf__load(skel)) {
		int saved = errno;

		lt_caps_bpf__destroy(skel);
		errno = saved;
		return NULL;
	}
	return skel;
}

static int calibrate(struct lt_features *features, struct lt_caps_bpf *skel)
{
	uint64_t key = 1, value[4] = { 0 };
	double bare_ns, probed_ns;

	if (bpf_map__update_elem(skel->maps.lt_caps_map, &key, sizeof(key), value, sizeof(value),
				 BPF_ANY))
		return -errno;
	probed_ns = calls_ns();
	if (bpf_map__lookup_elem(skel->maps.lt_caps_map, &key, sizeof(key), value, sizeof(value),
				 0))
		return -errno;
	if (value[0] != CALIBRATION_CALLS) /* attached, but the hits do not arrive */
		return -EOPNOTSUPP;
	bare_ns = 2; /* a call and a return; below what the clock of a shared machine can tell */
	features->hit_cost_ns = fmax(probed_ns - bare_ns, 1);
	return 0;
}

/* Tries one way of attaching; 0 if hits arrive by it. */
static int try_way(struct lt_guard *guard, struct lt_features *features, bool multi)
{
	struct lt_caps_bpf *skel = load(features, multi);
	int err, link;

	if (!skel)
		return -errno;
	err = attach(guard, skel, multi, &link);
	if (!err) {
		err = calibrate(features, skel);
		/* Nobody calls the function any more: it may be taken out whenever that is done. */
		lt_guard__detach(guard, &link, 1, false);
	}
	if (!err)
		features->uprobe_multi = multi;
	lt_caps_bpf__destroy(skel);
	return err;
}

static void explain(struct lt_features *features, bool perf_only)
{
	bool multi = lt_features__multi_expected(features, perf_only);
	char missing[LT_CAPABILITIES_SIZE];
	unsigned n = lt_capabilities(multi, true, missing, sizeof(missing));

	if (features->error == -EPERM || features->error == -EACCES)
		snprintf(features->why_not, sizeof(features->why_not),
			 "load and attach probes: permission denied (needs %s%s; run as root or see "
			 "looptop check)",
			 n ? missing : "a kernel that allows BPF to this user",
			 n && !multi ? ": perf uprobes ask for it since CVE-2025-38466" : "");
	else if (features->error == -EOWNERDEAD)
		snprintf(features->why_not, sizeof(features->why_not),
			 "load and attach probes: the process that holds them was killed");
	else
		snprintf(
			features->why_not, sizeof(features->why_not),
			"load and attach probes: %s (needs Linux 5.10 or later with uprobes and BPF "
			"enabled)",
			strerror(-features->error));
}

/* A program that adds to a word of its stack and takes the old value. */
static bool has_atomic_fetch(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_0,
		  .off = -8,
		  .imm = BPF_ADD | BPF_FETCH },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Where the file is hidden, as some sandboxes do, there is something else in its place. */
static bool has_kernel_btf(void)
{
	struct stat file;

	return stat(KERNEL_BTF, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0 &&
	       access(KERNEL_BTF, R_OK) == 0;
}

static bool has_helper(enum bpf_prog_type type, enum bpf_func_id helper)
{
	return libbpf_probe_bpf_helper(type, helper, NULL) == 1;
}

void lt_features__forgo(struct lt_features *features)
{
	features->attach_cookie = features->atomic_fetch = false;
}

const char *lt_features__no_causes(const struct lt_features *features)
{
	return features->kernel_btf ? NULL : "they need the kernel's BTF";
}

const char *lt_features__no_stacks(const struct lt_features *features)
{
	if (!features->kernel_btf)
		return "they need the kernel's BTF";
#ifdef __aarch64__
	return "they are not read on arm64 yet";
#endif
	return features->bpf_loop ? NULL : "they need bpf_loop (Linux 5.17)";
}

/* What says nothing about the kernel stays what it is; else there is no such thing here. */
static int error_of(int err)
{
	switch (err) {
	case 0:
	case -EPERM:
	case -EACCES:
	case -ECANCELED:
	case -EOWNERDEAD:
		return err;
	default:
		return -EOPNOTSUPP;
	}
}

int lt_features__probe(struct lt_guard *guard, struct lt_features *ret_features, bool perf_only)
{
	*ret_features = (struct lt_features){ .hit_cost_ns = NAN };
	ret_features->kernel_btf = has_kernel_btf();
	libbpf_set_print(silent);
	ret_features->bpf_loop = has_helper(BPF_PROG_TYPE_PERF_EVENT, BPF_FUNC_loop);
	ret_features->attach_cookie = has_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie);
	ret_features->atomic_fetch = has_atomic_fetch();
	if (!perf_only && try_way(guard, ret_features, true) == 0)
		return 0;
	ret_features->error = try_way(guard, ret_features, false);
	if (ret_features->error)
		explain(ret_features, perf_only);
	ret_features->error = error_of(ret_features->error);
	return ret_features->error;
}
