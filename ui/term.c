/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Curses: set up and undone here, with what a crash would have to write kept ready in rescue.c. */
#define _XOPEN_SOURCE_EXTENDED 1
#include "ui/term.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

#include "agent/util/clock.h"
#include "looptop/err.h"
#include "ui/rescue.h"

/* Mouse reports off, in every way that curses may have switched them on. */
#define MOUSE_OFF	"\033[?1000l\033[?1002l\033[?1003l\033[?1006l"
#define DOUBLE_CLICK_NS 400000000ull
#define PRESSES_MAX	8 /* as many as curses keeps */

struct lt_term {
	SCREEN *screen;
	enum lt_theme theme;
	bool utf8;
	int wake_fd, poll_fd;
	struct lt_cell *shown; /* what the screen has, row by row; NULL: draw all */
	int width, height;
	uint64_t click_ns;
	int click_x, click_y;
	MEVENT presses[PRESSES_MAX]; /* that came at once and are not told yet, the latest first */
	int n_presses;
};

static bool add_fd(int poll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };

	return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int open_fds(struct lt_term *term)
{
	term->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	term->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (term->wake_fd < 0 || term->poll_fd < 0 || !add_fd(term->poll_fd, STDIN_FILENO) ||
	    !add_fd(term->poll_fd, term->wake_fd))
		return lt_err(-errno, "watch the terminal for input: %s", strerror(errno));
	return 0;
}

static void append(char *buf, size_t size, const char *what)
{
	if (what && what != (const char *)-1 && strlen(buf) + strlen(what) < size)
		strcat(buf, what);
}

/* What puts the terminal back, as terminfo tells it: needed before anything has gone wrong. */
static int arm(struct lt_term *term)
{
	char sequence[512] = MOUSE_OFF;

	append(sequence, sizeof(sequence), exit_attribute_mode);
	append(sequence, sizeof(sequence), orig_pair);
	append(sequence, sizeof(sequence), cursor_normal);
	append(sequence, sizeof(sequence), keypad_local);
	append(sequence, sizeof(sequence), exit_ca_mode);
	return lt_rescue_arm(sequence, strlen(sequence), term->wake_fd);
}

static void set_colours(enum lt_theme theme)
{
	if (!has_colors() || theme == LT_THEME_MONO)
		return;
	start_color();
	use_default_colors();
	for (uint8_t severity = 1; severity < LT_SEV_MAX; severity++) {
		struct lt_paint paint = lt_theme_paint(theme, COLORS, severity);

		init_pair(severity, (short)paint.foreground, -1);
	}
}

static void set_modes(enum lt_theme theme)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	/* Presses as they come: a click that curses would wait for comes a sixth of a second late. */
	mouseinterval(0);
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	set_colours(theme);
}

struct lt_term *lt_term__new(enum lt_theme theme)
{
	struct lt_term *term = calloc(1, sizeof(*term));
	const char *name = getenv("TERM");
	int err = 0;

	if (!term)
		return NULL;
	term->theme = theme;
	term->wake_fd = term->poll_fd = -1;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		err = lt_err(-ENOTTY, "dashboard: stdin and stdout must be a terminal; without one "
				      "use looptop stat");
		goto out;
	}
	setlocale(LC_CTYPE, "");
	term->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	err = open_fds(term);
	if (err)
		goto out;
	err = lt_rescue_begin(STDOUT_FILENO);
	if (err) {
		lt_err(err, "dashboard: read the terminal's modes: %s", strerror(-err));
		goto out;
	}
	term->screen = newterm(NULL, stdout, stdin);
	if (!term->screen) {
		err = lt_err(-EINVAL,
			     "dashboard: terminal type '%s' is not known: set TERM, for "
			     "instance to xterm",
			     name ? name : "");
		goto out;
	}
	set_modes(theme);
	err = arm(term);
out:
	if (!err)
		return term;
	lt_term__free(term);
	errno = -err;
	return NULL;
}

void lt_term__free(struct lt_term *term)
{
	if (!term)
		return;
	if (term->screen) {
		mousemask(0, NULL);
		endwin();
		lt_rescue_end();
		delscreen(term->screen);
	}
	if (term->wake_fd >= 0)
		close(term->wake_fd);
	if (term->poll_fd >= 0)
		close(term->poll_fd);
	free(term->shown);
	free(term);
}

bool lt_term__utf8(const struct lt_term *term)
{
	return term->utf8;
}

int lt_term__fd(const struct lt_term *term)
{
	return term->poll_fd;
}

void lt_term__size(const struct lt_term *term, int *ret_width, int *ret_height)
{
	(void)term;
	*ret_width = COLS;
	*ret_height = LINES;
}

static attr_t attributes(struct lt_paint paint)
{
	return (paint.bold ? A_BOLD : 0) | (paint.dim ? A_DIM : 0) |
	       (paint.reverse ? A_REVERSE : 0) | (paint.underline ? A_UNDERLINE : 0);
}

static void draw_cell(const struct lt_term *term, int x, int y, const struct lt_cell *cell)
{
	int colours = has_colors() && term->theme != LT_THEME_MONO ? COLORS : 0;
	attr_t attrs = attributes(lt_theme_paint(term->theme, colours, cell->style));
	short pair = colours ? cell->style & LT_STYLE_SEVERITY : 0;
	wchar_t wide[sizeof(cell->text)];
	cchar_t character;
	size_t n = mbstowcs(wide, cell->text, sizeof(cell->text) - 1);

	if (n == (size_t)-1 || n == 0)
		n = mbstowcs(wide, "?", 2);
	wide[n] = L'\0';
	if (setcchar(&character, wide, attrs, pair, NULL) == OK)
		mvadd_wch(y, x, &character);
}

static void draw_row(struct lt_term *term, const struct lt_canvas *canvas, int y, int width)
{
	struct lt_cell *shown = term->shown + (size_t)y * (size_t)width;
	const struct lt_cell *row = lt_canvas__cell(canvas, 0, y);

	if (memcmp(shown, row, (size_t)width * sizeof(*row)) == 0)
		return;
	memcpy(shown, row, (size_t)width * sizeof(*row));
	for (int x = 0; x < width; x++)
		if (row[x].width)
			draw_cell(term, x, y, &row[x]);
}

static bool remember(struct lt_term *term, int width, int height)
{
	if (term->shown && term->width == width && term->height == height)
		return true;
	free(term->shown);
	term->shown = calloc((size_t)width * (size_t)height + 1, sizeof(*term->shown));
	term->width = width;
	term->height = height;
	erase();
	return term->shown;
}

void lt_term__draw(struct lt_term *term, const struct lt_canvas *canvas)
{
	int width = lt_canvas__width(canvas), height = lt_canvas__height(canvas);

	if (!width || !height || !remember(term, width, height))
		return;
	for (int y = 0; y < height; y++)
		draw_row(term, canvas, y, width);
	refresh();
}

/* After a new size or a stop: the modes (a shell may have set its own) and all cells again. */
static void wake(struct lt_term *term)
{
	struct winsize size;

	reset_prog_mode();
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resize_term(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
	free(term->shown);
	term->shown = NULL;
}

static enum lt_key_type click_type(struct lt_term *term, int x, int y)
{
	uint64_t now = lt_now_ns();
	bool again = now - term->click_ns < DOUBLE_CLICK_NS && term->click_y == y &&
		     abs(term->click_x - x) <= 1;

	term->click_ns = again ? 0 : now;
	term->click_x = x;
	term->click_y = y;
	return again ? LT_KEY_DOUBLE_CLICK : LT_KEY_CLICK;
}

static struct lt_key press_key(struct lt_term *term, const MEVENT *event)
{
	struct lt_key key = { .type = LT_KEY_NONE, .x = event->x, .y = event->y };

	if (event->bstate & BUTTON4_PRESSED)
		key.type = LT_KEY_WHEEL_UP;
	else if (event->bstate & BUTTON5_PRESSED)
		key.type = LT_KEY_WHEEL_DOWN;
	else if (event->bstate & BUTTON1_PRESSED)
		key.type = click_type(term, event->x, event->y);
	return key;
}

/* Curses tells once of presses that come at once, as they do from a line or a machine that is slow: the second of a
 * double click would be lost. */
static struct lt_key mouse_key(struct lt_term *term)
{
	while (term->n_presses < PRESSES_MAX &&
	       getmouse(&term->presses[term->n_presses]) == OK)
		term->n_presses++;
	if (!term->n_presses)
		return (struct lt_key){ .type = LT_KEY_NONE };
	return press_key(term, &term->presses[--term->n_presses]);
}

static struct lt_key function_key(struct lt_term *term, wint_t code)
{
	static const struct {
		wint_t code;
		enum lt_key_type type;
	} keys[] = {
		{ KEY_ENTER, LT_KEY_ENTER },	 { KEY_BACKSPACE, LT_KEY_BACKSPACE },
		{ KEY_BTAB, LT_KEY_BACKTAB },	 { KEY_UP, LT_KEY_UP },
		{ KEY_DOWN, LT_KEY_DOWN },	 { KEY_LEFT, LT_KEY_LEFT },
		{ KEY_RIGHT, LT_KEY_RIGHT },	 { KEY_PPAGE, LT_KEY_PAGE_UP },
		{ KEY_NPAGE, LT_KEY_PAGE_DOWN }, { KEY_HOME, LT_KEY_HOME },
		{ KEY_END, LT_KEY_END },
	};

	if (code == KEY_MOUSE)
		return mouse_key(term);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].code == code)
			return (struct lt_key){ .type = keys[i].type };
	return (struct lt_key){ .type = LT_KEY_NONE };
}

static struct lt_key character_key(wint_t code)
{
	struct lt_key key = { .type = LT_KEY_NONE };
	char text[MB_LEN_MAX + 1] = "";
	mbstate_t state = { 0 };
	size_t n;

	switch (code) {
	case '\r':
	case '\n':
		key.type = LT_KEY_ENTER;
		return key;
	case '\033':
		key.type = LT_KEY_ESC;
		return key;
	case '\t':
		key.type = LT_KEY_TAB;
		return key;
	case '\b':
	case 0x7f:
		key.type = LT_KEY_BACKSPACE;
		return key;
	}
	n = wcrtomb(text, (wchar_t)code, &state);
	if (code < ' ' || n == (size_t)-1 || n >= sizeof(key.text))
		return key;
	memcpy(key.text, text, n);
	key.type = LT_KEY_CHAR;
	return key;
}

/* The terminal has gone, and SIGHUP did not end the program: no input will ever come. */
static bool hung_up(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&fd, 1, 0) == 1 && fd.revents & (POLLHUP | POLLERR | POLLNVAL);
}

enum lt_term_event lt_term__next(struct lt_term *term, struct lt_key *ret_key)
{
	uint64_t wakes;
	wint_t code;
	int kind;

	if (read(term->wake_fd, &wakes, sizeof(wakes)) == sizeof(wakes)) {
		wake(term);
		return LT_TERM_RESIZED;
	}
	if (term->n_presses) {
		*ret_key = press_key(term, &term->presses[--term->n_presses]);
		return LT_TERM_KEY;
	}
	kind = get_wch(&code);
	if (kind == ERR)
		return hung_up() ? LT_TERM_CLOSED : LT_TERM_NOTHING;
	if (kind == KEY_CODE_YES && code == KEY_RESIZE) {
		wake(term);
		return LT_TERM_RESIZED;
	}
	*ret_key = kind == KEY_CODE_YES ? function_key(term, code) : character_key(code);
	return LT_TERM_KEY;
}
