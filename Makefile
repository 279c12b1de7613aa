# SPDX-License-Identifier: GPL-2.0-only
# looptop: `make` builds build/looptop, `make help` lists the rest.

PREFIX ?= /usr/local
DESTDIR ?=
VERSION := $(shell cat VERSION)

# `make CROSS=arm64 SYSROOT=FOLDER` builds for arm64 on another machine, under build/arm64, with the libraries
# that are in FOLDER (packaging/get-sysroot).
CROSS ?=
SYSROOT ?=
MACHINE := $(or $(CROSS),$(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/'))
ifneq ($(CROSS),)
cross_prefix := $(if $(filter arm64,$(CROSS)),aarch64-linux-gnu-,$(error CROSS=$(CROSS): only arm64 is known))
CC := $(cross_prefix)gcc --sysroot=$(or $(SYSROOT),$(error CROSS=$(CROSS) needs a SYSROOT))
AR := $(cross_prefix)ar
cross_ldflags := $(addprefix -L,$(wildcard $(SYSROOT)/usr/lib/gcc/aarch64-linux-gnu/*))
endif

CC ?= cc
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config

# `make SANITIZE=1` builds everything again, under build/san, with ASan and UBSan.
SANITIZE ?=
BUILD := build$(CROSS:%=/%)$(if $(SANITIZE),/san)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla \
	-Wwrite-strings $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
CFLAGS ?= -O2 -g
sanitizers := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_FLAGS := $(if $(SANITIZE),$(sanitizers))
ALL_CPPFLAGS := -D_GNU_SOURCE -DLT_VERSION='"$(VERSION)"' -Iinclude -I. -I$(BUILD)/include $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(WARN) $(SAN_FLAGS) $(CFLAGS)
ALL_LDFLAGS := $(SAN_FLAGS) $(cross_ldflags) $(LDFLAGS)

# One archive a folder. The unit tests link only those that their area may use, and never probe.
AREAS := util model target runtime v8 doctor sink ui probe
src_util := $(wildcard agent/util/*.c)
src_model := $(wildcard agent/model/*.c)
src_target := $(wildcard agent/target/*.c)
src_runtime := $(wildcard agent/runtime/*.c)
src_v8 := $(wildcard agent/v8/*.c)
src_doctor := $(wildcard agent/doctor/*.c)
src_sink := $(wildcard agent/sink/*.c)
src_ui := $(wildcard ui/*.c ui/widget/*.c ui/view/*.c)
src_probe := $(wildcard agent/probe/*.c)
src_main := $(wildcard agent/*.c agent/cmd/*.c)

# The smell "a 64-bit difference cut to int" is caught where figures are made.
$(BUILD)/obj/agent/model/%.o $(BUILD)/obj/agent/util/%.o $(BUILD)/obj/ui/table.o: WARN += -Wconversion

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
archive = $(patsubst %,$(BUILD)/lib/%.a,$(1))

LIBS_MAIN := -lbpf -lelf -lz -lncursesw -ltinfo -lmicrohttpd -ljansson -lcapstone -lseccomp -lstdc++ -lm
MAIN_ARCHIVES := $(call archive,ui sink doctor probe runtime v8 target model util)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all
all: $(BUILD)/looptop

$(BUILD)/looptop: $(call obj,$(src_main)) $(MAIN_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(call obj,$(src_main)) \
		-Wl,--start-group $(MAIN_ARCHIVES) -Wl,--end-group $(LIBS_MAIN)

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(BUILD)/lib/$(1).a: $(call obj,$(src_$(1)))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $(call obj,$(src_$(1)))
endef
$(foreach area,$(AREAS),$(eval $(call archive_rule,$(area))))

# --- BPF: several small files, linked into one object, made a skeleton ---------------------------
BPF_CFLAGS := -target bpf -D__TARGET_ARCH_$(MACHINE) -mcpu=v3 -std=gnu11 -O2 -g -Wall -Wextra \
	-Wno-unused-function -Wno-unused-parameter -Iinclude -I. -idirafter /usr/include/$(shell uname -m)-linux-gnu
# maps first: bpftool 7.1 loses the offsets of maps that it meets as extern before their definition
bpf_obj := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,bpf/maps.bpf.c \
	$(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c)))
# those that need Linux 5.12's atomic operations, for kernels before (bpf/atomic.h)
bpf_obj += $(BUILD)/bpf/pool.plain.bpf.o $(BUILD)/bpf/gc.plain.bpf.o
SKELETONS := $(BUILD)/include/looptop.skel.h $(BUILD)/include/caps.skel.h

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bpf/%.plain.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$< (plain atomics))
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DLT_PLAIN_ATOMICS -MMD -MP -c -o $@ $<

$(BUILD)/bpf/looptop.o: $(bpf_obj)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $(bpf_obj)

$(BUILD)/bpf/caps.o: $(BUILD)/bpf/caps/caps.bpf.o
	$(Q)$(BPFTOOL) gen object $@ $<

$(BUILD)/include/%.skel.h: $(BUILD)/bpf/%.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name lt_$*_bpf > $@

$(call obj,$(src_probe)): $(SKELETONS)

# --- unit tests: tests/unit/AREA_NAME.c links the archives of its area --------------------------
unit_libs_util := util
unit_libs_model := model util
unit_libs_target := runtime v8 target util
unit_libs_v8 := v8 target runtime util
unit_libs_doctor := doctor model util
unit_libs_sink := sink model util
unit_libs_ui := ui model util
unit_ld_util := -lseccomp
unit_ld_target := -lelf -lcapstone -ljansson -lz -lseccomp -lstdc++
unit_ld_v8 := -lelf -lcapstone -ljansson -lz -lseccomp -lstdc++
unit_ld_doctor := -ljansson
unit_ld_sink := -ljansson -lmicrohttpd -lseccomp
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(filter-out tests/unit/common%,$(UNIT_SRC)))
area_of = $(firstword $(subst _, ,$(1)))

.SECONDEXPANSION:
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $$(call archive,$$(unit_libs_$$(call area_of,$$*)))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group \
		$(call archive,$(unit_libs_$(call area_of,$*))) -Wl,--end-group \
		$(unit_ld_$(call area_of,$*)) -lcmocka -lm

-include $(shell find $(BUILD)/obj $(BUILD)/bpf -name '*.d' 2>/dev/null)
include tests/tests.mk
include packaging/install.mk

.PHONY: clean
clean:
	rm -rf build
