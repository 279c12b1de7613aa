/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Which of the object's programs are for this kernel, and which of them plays a role. */
#ifndef LOOPTOP_PROBE_PROGRAMS_H
#define LOOPTOP_PROBE_PROGRAMS_H

#include "agent/probe/internal.h"
#include "agent/probe/multi.h"

/* Switches off what this kernel does not take; before the object is loaded. */
void lt_programs__choose(struct lt_looptop_bpf *skel, const struct lt_features *features,
			 bool has_causes, bool has_stacks, bool has_jit);

struct bpf_program *lt_programs__of_role(const struct lt_probe *probe, enum lt_role role);

/* The one that is told of tasks that were there before the probes. */
struct bpf_program *lt_programs__found(const struct lt_probe *probe);

/*
 * A file that libbpf can take for the kernel's BTF: the object's own types. Where the kernel has none, every
 * field is found in them, and the programs know that they must not read any. A descriptor, or -errno.
 */
int lt_programs__own_types(const void *object, size_t size);

#endif
