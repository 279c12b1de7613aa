/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The last look before probes are put in. Wherever the sites come from, an analysis of a moment ago or one that was
 * kept, and whatever has become of the file since then: a breakpoint in the middle of an instruction ends the process.
 */
#ifndef LOOPTOP_TARGET_VERIFY_H
#define LOOPTOP_TARGET_VERIFY_H

#include "looptop/runtime.h"

struct lt_machine;

/*
 * Decodes the file's functions that have sites of the group again, each from its first byte: is every site still the
 * beginning of the instruction that was found there, in code that the file has executable? 0; -ESTALE and the first
 * site of which that is not true; -EFBIG: it would take longer than a tick may; or another -errno.
 */
int lt_verify_sites(int fd, const struct lt_image *image, enum lt_group group,
		    const struct lt_site **ret_site);

/* The same for a machine that need not be this one (decode.h). */
int lt_verify_sites_of(const struct lt_machine *machine, int fd, const struct lt_image *image,
		       enum lt_group group, const struct lt_site **ret_site);

#endif
