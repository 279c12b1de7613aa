/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What a site says of itself: by the link's cookie, or before Linux 5.15 by the address that was hit. */
#ifndef LOOPTOP_BPF_COOKIE_H
#define LOOPTOP_BPF_COOKIE_H

#include "bpf/maps.h"

lt_inline __u64 lt_cookie(struct pt_regs *ctx)
{
	struct lt_site_key key = {};
	__u64 *cookie;

	if (lt_has_cookies)
		return bpf_get_attach_cookie(ctx);
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.address = PT_REGS_IP(ctx);
	cookie = bpf_map_lookup_elem(&lt_sites, &key);
	return cookie ? *cookie : 0;
}

#endif
