/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Objects of the engine's heap, as the target's memory has them at this moment: each is taken for what it is
 * said to be only if its map says so too.
 */
#ifndef LOOPTOP_BPF_OBJECT_H
#define LOOPTOP_BPF_OBJECT_H

#include "bpf/kern.h"

#define LT_TAG_MASK	3ull
#define LT_TAG		1ull /* of a pointer to a heap object */
#define LT_MAP_TYPE_OFF 12 /* Map.instance_type, u16 */

lt_inline bool lt_is_object(__u64 word)
{
	return (word & LT_TAG_MASK) == LT_TAG;
}

lt_inline bool lt_has_type(__u64 object, __u32 first, __u32 last)
{
	__u64 map = 0;
	__u16 type = 0;

	if (bpf_probe_read_user(&map, sizeof(map), (void *)(object - LT_TAG)) || !lt_is_object(map))
		return false;
	if (bpf_probe_read_user(&type, sizeof(type), (void *)(map - LT_TAG + LT_MAP_TYPE_OFF)))
		return false;
	return type >= first && type <= last;
}

/* Address of the SharedFunctionInfo of a function (a tagged word), 0: it is none, or not known how to tell. */
lt_inline __u64 lt_shared_of(const struct lt_walk_cfg *cfg, __u64 function)
{
	__u64 shared = 0;

	if (!(cfg->flags & LT_WALK_SHARED) || !lt_is_object(function))
		return 0;
	if (!lt_has_type(function, cfg->function_type_first, cfg->function_type_last))
		return 0;
	if (bpf_probe_read_user(&shared, sizeof(shared),
				(void *)(function - LT_TAG + cfg->shared_off)))
		return 0;
	if (!lt_is_object(shared) || !lt_has_type(shared, cfg->shared_type, cfg->shared_type))
		return 0;
	return shared - LT_TAG;
}

#endif
