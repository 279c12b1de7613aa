# SPDX-License-Identifier: GPL-2.0-only
# Install, uninstall, demo, the Debian package.

bindir := $(PREFIX)/bin
mandir := $(PREFIX)/share/man/man8
sharedir := $(PREFIX)/share/looptop
docdir := $(PREFIX)/share/doc/looptop
unitdir := $(PREFIX)/lib/systemd/system

.PHONY: install uninstall demo deb bench help

install: all
	install -D -m 0755 $(BUILD)/looptop $(DESTDIR)$(bindir)/looptop
	install -D -m 0644 docs/looptop.8 $(DESTDIR)$(mandir)/looptop.8
	install -D -m 0644 LICENSE $(DESTDIR)$(docdir)/LICENSE
	install -D -m 0644 README.md $(DESTDIR)$(docdir)/README.md
	install -D -m 0644 docs/METRICS.md $(DESTDIR)$(docdir)/METRICS.md
	install -D -m 0644 -t $(DESTDIR)$(sharedir)/grafana packaging/grafana/*.json
	install -D -m 0644 -t $(DESTDIR)$(sharedir)/prometheus packaging/prometheus/*.yml
	mkdir -p $(DESTDIR)$(unitdir)
	sed 's|/usr/bin/looptop|$(bindir)/looptop|' packaging/systemd/looptop-agent.service \
		> $(DESTDIR)$(unitdir)/looptop-agent.service

uninstall:
	rm -f $(DESTDIR)$(bindir)/looptop $(DESTDIR)$(mandir)/looptop.8 \
		$(DESTDIR)$(unitdir)/looptop-agent.service
	rm -rf $(DESTDIR)$(docdir) $(DESTDIR)$(sharedir)

demo:
	packaging/deps.sh demo
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)packaging/demo/run.sh

# dpkg-buildpackage wants its folder at the top of a tree: a copy of this one has it there.
deb:
	packaging/deps.sh deb
	rm -rf build/deb && mkdir -p build/deb/looptop-$(VERSION)
	git ls-files -z | xargs -0 cp --parents -t build/deb/looptop-$(VERSION)
	cp -r packaging/debian build/deb/looptop-$(VERSION)/debian
	cd build/deb/looptop-$(VERSION) && dpkg-buildpackage -us -uc -b
	ls -l build/deb/*.deb

help:
	@echo 'make            build build/looptop'
	@echo 'make demo       try it on a sample server (root)'
	@echo 'make test       install what is missing, build, run all tests (root)'
	@echo 'make unit | lint | rules | tui | e2e   one ring of them'
	@echo 'make test-slow  the end-to-end tests on a machine that is slow and shared, TIMES=1 (root)'
	@echo 'make fuzz       fuzzers for SECONDS=30 each, JOBS=2 at a time, FUZZERS=elf,proc or all'
	@echo 'make cross      build build/arm64/looptop, with Debian'"'"'s libraries for arm64'
	@echo 'make test-vm    looptop on stock kernels 5.10 to the newest, x86-64 and arm64, under QEMU (root)'
	@echo 'make bench      measure what it costs; writes docs/BENCHMARKS.md (root)'
	@echo 'make soak       an agent for MINUTES=15 while targets come and go: does it grow? (root)'
	@echo 'make accuracy   measure how right the stacks are; writes docs/ACCURACY.md (root)'
	@echo 'make install | uninstall       PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make deb        the Debian package, in build/deb'
	@echo 'Options: V=1 shows commands, WERROR=1, SANITIZE=1 builds under build/san'

bench:
	packaging/deps.sh bench
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/bench/bench.py
