# SPDX-License-Identifier: GPL-2.0-only
# An agent for MINUTES minutes while targets come and go (root). SANITIZE=1: does it leak, by its own account.

MINUTES ?= 15

.PHONY: soak
soak:
	packaging/deps.sh test
	tests/get-node $(NODE_MAJORS)
	+$(MAKE_TEST) WERROR=1 all
	$(Q)LT_LOOPTOP=$(CURDIR)/$(BUILD)/looptop /usr/bin/python3 tests/soak/soak.py --minutes $(MINUTES) \
		--readings $(BUILD)/soak.csv
