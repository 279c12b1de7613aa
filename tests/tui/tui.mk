# SPDX-License-Identifier: GPL-2.0-only
# The dashboard in a real terminal (tmux), on synthetic snapshots.

TUI_FEED := $(BUILD)/tests/tui/feed

$(TUI_FEED): $(BUILD)/obj/tests/tui/feed.o $(call archive,ui model util)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -Wl,--wrap=wrefresh -Wl,--start-group \
		$(call archive,ui model util) -Wl,--end-group -lncursesw -ltinfo -lm

.PHONY: tui
tui: $(TUI_FEED)
	$(Q)LT_TUI_FEED=$(TUI_FEED) /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/tui
