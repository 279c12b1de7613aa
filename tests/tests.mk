# SPDX-License-Identifier: GPL-2.0-only
# How the rings of tests run. `make test` installs what is missing, builds, and runs them all; LT_NO_SKIP: what it has
# installed and fetched is there, so a unit test that does not find it fails. Its fuzzers mutate with one seed: the same
# inputs each time, as far as the time takes them; looking for what nobody has found is what `make fuzz` is for.

PYTEST := /usr/bin/python3 -m pytest -p no:cacheprovider
NODE_MAJORS := 16 18 20 22 24 26
# What is compiled for the tests takes all CPUs, unless whoever began said how many (-j).
MAKE_TEST = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: test test-slow cross unit unit-san lint rules e2e e2e-san tui nodes headers accuracy

test:
	packaging/deps.sh test
	tests/get-node $(NODE_MAJORS)
	tests/get-node --arch arm64 $(NODE_MAJORS)
	tests/get-prom-client
	+$(MAKE_TEST) WERROR=1 all headers lint rules
	+$(MAKE_TEST) cross
	+LT_NO_SKIP=1 $(MAKE_TEST) unit
	+LT_NO_SKIP=1 $(MAKE_TEST) SANITIZE=1 unit
	+$(MAKE_TEST) fuzz SECONDS=30 SEED=1
	+$(MAKE_TEST) tui
	+$(MAKE_TEST) e2e
	+$(MAKE_TEST) e2e-san

# For arm64, with Debian's libraries for it.
cross:
	+$(Q)sysroot=$$(packaging/get-sysroot arm64) && $(MAKE_TEST) WERROR=1 CROSS=arm64 SYSROOT="$$sysroot" all

unit: $(UNIT_BIN)
	$(Q)V=$(V) tests/run-unit $(UNIT_BIN)

# Each header that crosses folders, and each folder's own, compiles alone.
headers: $(SKELETONS)
	$(Q)for header in $$(find include agent ui -name '*.h'); do \
		$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fsyntax-only -x c $$header || exit 1; done

lint:
	$(Q)tests/lint/layers.py

nodes:
	$(Q)tests/get-node $(NODE_MAJORS)

# The alert rules, against series that should set them off and series that should not.
rules:
	$(Q)promtool check rules packaging/prometheus/*.yml
	$(Q)promtool test rules tests/rules/*.yml

e2e: all nodes
	$(Q)tests/run-e2e

# The same on a machine that is slow and shared, TIMES in a row; K: only tests that it matches (pytest's -k).
TIMES ?= 1
test-slow: all nodes
	$(Q)for i in $$(seq $(TIMES)); do \
		tests/slowly tests/run-e2e $(if $(K),-k "$(K)") || exit 1; done

# The same program with sanitizers, on one Node: real probes, real records.
e2e-san: nodes
	+$(Q)$(MAKE_TEST) SANITIZE=1 all
	$(Q)LT_LOOPTOP=$(CURDIR)/build/san/looptop $(PYTEST) tests/e2e/test_loop.py tests/e2e/test_pool.py \
		tests/e2e/test_workers.py -q --majors 22

# Writes docs/ACCURACY.md.
accuracy: all nodes
	/usr/bin/python3 tests/accuracy/accuracy.py

-include tests/tui/tui.mk
include tests/fuzz/fuzz.mk
include tests/soak/soak.mk
include tests/torture/torture.mk
include tests/vm/vm.mk
