/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/doctor.h"

#include <stdlib.h>

#include "agent/doctor/collect.h"
#include "agent/doctor/report.h"

struct lt_doctor *lt_doctor__new(const struct lt_doctor_opts *opts)
{
	struct lt_doctor *doctor = calloc(1, sizeof(*doctor));

	if (!doctor)
		return NULL;
	doctor->opts = *opts;
	doctor->cpus = opts->cpus;
	return doctor;
}

void lt_doctor__free(struct lt_doctor *doctor)
{
	if (!doctor)
		return;
	lt_diagnosis__free(doctor->diagnosis);
	lt_collect__free(doctor);
	free(doctor);
}

int lt_doctor__add(struct lt_doctor *doctor, const struct lt_snapshot *snapshot)
{
	return lt_collect__add(doctor, snapshot);
}

size_t lt_doctor__findings(struct lt_doctor *doctor)
{
	lt_diagnosis__free(doctor->diagnosis);
	doctor->diagnosis = lt_diagnosis__new(doctor);
	return doctor->diagnosis ? doctor->diagnosis->n_findings : 0;
}

const char *lt_doctor__finding_id(const struct lt_doctor *doctor, size_t index)
{
	if (!doctor->diagnosis || index >= doctor->diagnosis->n_findings)
		return NULL;
	return doctor->diagnosis->findings[index].id;
}
