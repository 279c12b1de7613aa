/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/self.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double lt_self_kib(const char *name)
{
	FILE *status = fopen("/proc/self/status", "re");
	size_t length = strlen(name);
	double kib = NAN;
	char line[128];

	while (status && isnan(kib) && fgets(line, sizeof(line), status))
		if (!strncmp(line, name, length) && line[length] == ':')
			kib = strtod(line + length + 1, NULL);
	if (status)
		fclose(status);
	return kib;
}
