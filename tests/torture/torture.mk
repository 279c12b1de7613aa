# SPDX-License-Identifier: GPL-2.0-only
# KILLS times killed in the middle of attaching, CYCLES times attached and detached: what stays behind? Root.

KILLS ?= 1000
CYCLES ?= 2000

.PHONY: torture
torture:
	packaging/deps.sh test
	tests/get-node 24
	+$(MAKE_TEST) WERROR=1 all
	$(Q)LT_LOOPTOP=$(CURDIR)/$(BUILD)/looptop /usr/bin/python3 tests/torture/torture.py --kills $(KILLS) \
		--cycles $(CYCLES)
