# SPDX-License-Identifier: GPL-2.0-only
# Fuzzers: libFuzzer on all that reads what others wrote. `make fuzz SECONDS=n [FUZZERS=a,b] [JOBS=n]
# [SEED=n]`: with a seed the mutations are the same ones each time.

SECONDS ?= 30
JOBS ?= 2
SEED ?= 0
FUZZERS ?=

# Everything again with clang, sanitizers, and what tells libFuzzer which code was reached.
FUZZ := build/fuzz
FUZZ_FLAGS := -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -DLT_VERSION='"fuzz"' -Iinclude -I. \
	-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer
# Of what is tested: the fuzzers themselves need not be explored, and loops over all there is tell nothing but cost half
# of the time.
$(FUZZ)/obj/agent/%.o: FUZZ_GUIDE := -fsanitize=fuzzer-no-link
$(FUZZ)/obj/agent/v8/symfile.o $(FUZZ)/obj/agent/v8/lines.o: FUZZ_GUIDE += -fno-sanitize-coverage=trace-cmp
FUZZ_AREAS := sink runtime v8 target model util
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_BIN := $(FUZZ_NAMES:%=$(FUZZ)/%)
FUZZ_ARCHIVES := $(FUZZ_AREAS:%=$(FUZZ)/lib/%.a)
FUZZ_LIBS := -lelf -lcapstone -ljansson -lmicrohttpd -lseccomp -lz -lstdc++ -lm

.PHONY: fuzz fuzz-build
fuzz: fuzz-build
	$(Q)tests/fuzz/run --seconds $(SECONDS) --jobs $(JOBS) --seed $(SEED) $(if $(FUZZERS),--only $(FUZZERS))

fuzz-build: $(FUZZ_BIN)

$(FUZZ)/obj/%.o: %.c
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(FUZZ_GUIDE) -MMD -MP -c -o $@ $<

define fuzz_archive_rule
$(FUZZ)/lib/$(1).a: $(patsubst %.c,$(FUZZ)/obj/%.o,$(src_$(1)))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach area,$(FUZZ_AREAS),$(eval $(call fuzz_archive_rule,$(area))))

# Of the archives it takes the objects that it needs.
$(FUZZ_BIN): $(FUZZ)/%: $(FUZZ)/obj/tests/fuzz/%.o $(FUZZ_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $< \
		-Wl,--start-group $(FUZZ_ARCHIVES) -Wl,--end-group $(FUZZ_LIBS)

-include $(shell find $(FUZZ)/obj -name '*.d' 2>/dev/null)
