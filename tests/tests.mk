# SPDX-License-Identifier: GPL-2.0-only
# How the three rings of tests run.

.PHONY: unit
unit: $(UNIT_BIN)
	$(Q)tests/run-unit $(UNIT_BIN)
