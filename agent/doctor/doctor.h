/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The doctor: keeps what snapshots of some processes show, and says in the end what holds them back, in
 * order of what each cure would bring. A rule is one function and one row in a table.
 */
#ifndef LOOPTOP_DOCTOR_DOCTOR_H
#define LOOPTOP_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "looptop/snapshot.h"

struct lt_doctor;

struct lt_doctor_opts {
	double stall_seconds; /* shorter turns are late, not stalls; lateness is recorded from its fifth on */
	int cpus; /* of the host */
};

/* NULL with errno. */
struct lt_doctor *lt_doctor__new(const struct lt_doctor_opts *opts);
void lt_doctor__free(struct lt_doctor *doctor);

/* Keeps what it needs of a snapshot. 0 or -errno. */
int lt_doctor__add(struct lt_doctor *doctor, const struct lt_snapshot *snapshot);

/* Writes what was found. 0 or -errno. colour, ascii: as in sink.h. */
int lt_doctor__text(const struct lt_doctor *doctor, FILE *out, bool colour, bool ascii);
int lt_doctor__json(const struct lt_doctor *doctor, FILE *out);
int lt_doctor__html(const struct lt_doctor *doctor, FILE *out);

/* How many findings there are by now, and each one's id ("sync-javascript", …). */
size_t lt_doctor__findings(struct lt_doctor *doctor);
const char *lt_doctor__finding_id(const struct lt_doctor *doctor, size_t index);

#endif
