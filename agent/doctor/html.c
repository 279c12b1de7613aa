/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The report as one page that needs nothing else: no script, no font, no picture from anywhere. It reads
 * in the dark and on paper. What comes from a target is escaped.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/doctor/chart.h"
#include "agent/doctor/report.h"

static const char style[] =
	":root{--ink:#1c2430;--soft:#5d6b7c;--paper:#fff;--card:#f5f7fa;--line:#dbe1e8;--bad:#c0392b;"
	"--good:#1e8e5a;--cpu:#4c78a8;--gc:#b279a2;--sync_io:#f2a03d;--runqueue:#e45756;--throttled:#8c2d19;"
	"--unknown:#9aa5b1}\n"
	"@media (prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9aa8b8;--paper:#12171d;--card:#1b222b;"
	"--line:#313c49;--bad:#ff7b6b;--good:#58c992}}\n"
	"@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--card:#fff;--line:#bbb;--bad:#a00;--good:#060}"
	"section,article{break-inside:avoid}body{max-width:none}}\n"
	"*{box-sizing:border-box}body{margin:2rem auto;max-width:52rem;padding:0 1rem;color:var(--ink);"
	"background:var(--paper);font:16px/1.5 system-ui,sans-serif;-webkit-print-color-adjust:exact;"
	"print-color-adjust:exact}\n"
	"h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}h3{font-size:1rem;margin:0 0 .4rem}section h3{margin-top:1.2rem}"
	"h4{font-size:.85rem;color:var(--soft);margin:.9rem 0 .2rem;font-weight:600}\n"
	"p,ul{margin:.3rem 0}ul{padding-left:1.2rem}.soft,.axis,caption{color:var(--soft)}.axis{fill:var(--soft);"
	"font-size:11px}\n"
	"article{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--bad);"
	"border-radius:6px;padding:1rem 1.2rem;margin:.8rem 0;overflow-wrap:anywhere}\n"
	"article.none{border-left-color:var(--good)}code{font-size:.85em;color:var(--soft)}\n"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;"
	"padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}\n"
	"svg{width:100%;height:auto;display:block}.grid{stroke:var(--line)}.size{stroke:var(--bad);"
	"stroke-dasharray:4 3}.worst{fill:var(--bad);opacity:.35}.p99{fill:var(--bad)}.busy,.cpu,.threads"
	"{fill:var(--cpu)}.gc{fill:var(--gc)}.sync_io,.queue{fill:var(--sync_io)}.runqueue{fill:var(--runqueue)}"
	".throttled{fill:var(--throttled)}.unknown{fill:var(--unknown)}.before{fill:var(--bad);opacity:.7}"
	".after{fill:var(--good)}\n"
	".key{font-size:.8rem;color:var(--soft);margin:.2rem 0 1rem}.key svg{display:inline;width:.7em;"
	"height:.7em;margin:0 .3em 0 .9em}.estimate{margin:.5rem 0;font-size:.9rem}.estimate svg{max-width:35rem}\n";

static void element(FILE *out, const char *name, const char *text)
{
	fprintf(out, "<%s>", name);
	lt_html_text(out, text);
	fprintf(out, "</%s>\n", name);
}

static void list(FILE *out, const char *title, size_t n, const char *(*item)(const void *, size_t),
		 const void *of)
{
	if (!n)
		return;
	element(out, "h4", title);
	fputs("<ul>\n", out);
	for (size_t i = 0; i < n; i++)
		element(out, "li", item(of, i));
	fputs("</ul>\n", out);
}

static const char *seen_item(const void *of, size_t i)
{
	return ((const struct lt_finding *)of)->seen[i];
}

static const char *advice_item(const void *of, size_t i)
{
	return ((const struct lt_finding *)of)->advice[i];
}

static void write_finding(FILE *out, size_t number, const struct lt_finding *finding)
{
	char text[LT_FINDING_TEXT];

	fputs("<article>\n", out);
	fprintf(out, "<h3>%zu. ", number);
	lt_html_text(out, finding->title);
	fprintf(out, "</h3>\n<code>%s", finding->id);
	fputs(" \u00b7 ", out);
	lt_html_text(out, lt_report_process(finding->process, text, sizeof(text)));
	if (finding->loop) {
		fputs(" \u00b7 loop ", out);
		lt_html_text(out, finding->loop->name);
	}
	fputs("</code>\n", out);
	list(out, "Seen", finding->n_seen, seen_item, finding);
	if (finding->n_estimates)
		element(out, "h4", "What a cure would bring");
	lt_chart_estimates(out, finding);
	if (finding->caveat[0])
		element(out, "p", finding->caveat);
	element(out, "h4", "Why it hurts");
	element(out, "p", finding->why);
	list(out, "What to do", finding->n_advice, advice_item, finding);
	fputs("</article>\n", out);
}

static void write_key(FILE *out, const char *const *names, const char *const *titles, size_t n)
{
	fputs("<p class=\"key\">", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out,
			"<svg "
			"viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"%s\" width=\"10\" "
			"height=\"10\"/></svg>%s",
			names[i], titles[i]);
	fputs("</p>\n", out);
}

static void write_loop(FILE *out, const struct lt_dr_process *process,
		       const struct lt_dr_loop *loop)
{
	static const char *const lag[] = { "p99", "worst" }, *const lag_titles[] = {
		"lag p99", "longest turn"
	};
	static const char *const causes[] = { "cpu",	  "gc",	       "sync_io",
					      "runqueue", "throttled", "unknown" };
	static const char *const cause_titles[] = { "running",		"collecting garbage",
						    "asleep in a call", "waiting for a CPU",
						    "throttled",	"unknown" };

	fputs("<section>\n", out);
	element(out, "h3", loop->name);
	element(out, "h4", "Lag: how long new work waits");
	lt_chart_lag(out, process, loop);
	write_key(out, lag, lag_titles, 2);
	element(out, "h4", "What the loop's time went on");
	lt_chart_causes(out, process, loop);
	write_key(out, causes, cause_titles, 6);
	fputs("</section>\n", out);
}

static void write_table(FILE *out, const struct lt_dr_process *process)
{
	fputs("<table><tr><th>loop</th><th class=\"n\">busy</th><th class=\"n\">lag p99</th>"
	      "<th class=\"n\">mean lag</th><th class=\"n\">longest turn</th></tr>\n",
	      out);
	for (size_t i = 0; i < process->n_loops; i++) {
		const struct lt_dr_loop *loop = process->loops[i];
		struct lt_lag_figures lag = lt_estimate__now(loop);

		fputs("<tr><td>", out);
		lt_html_text(out, loop->name);
		fprintf(out,
			"</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td>"
			"<td class=\"n\">%s</td></tr>\n",
			LT_RATIO(lt_loop_utilization(loop)), LT_SECONDS(lag.p99),
			LT_SECONDS(lag.mean), LT_SECONDS(lag.max));
	}
	fputs("</table>\n", out);
}

static bool pool_was_used(const struct lt_dr_process *process)
{
	for (size_t i = 0; i < process->n_points; i++)
		if (process->points[i].busy_max > 0 || process->points[i].depth_max > 0)
			return true;
	return process->n_tasks > 0;
}

/* Charts of so many loops; a page with thousands is no help. */
#define LOOPS_DRAWN 16

static void write_process(FILE *out, const struct lt_dr_process *process)
{
	static const char *const pool[] = { "threads", "queue" }, *const pool_titles[] = {
		"running", "waiting for a thread"
	};
	char text[LT_FINDING_TEXT];

	element(out, "h2", lt_report_process(process, text, sizeof(text)));
	write_table(out, process);
	for (size_t i = 0; i < process->n_loops && i < LOOPS_DRAWN; i++)
		write_loop(out, process, process->loops[i]);
	if (process->n_loops > LOOPS_DRAWN)
		fprintf(out, "<p class=\"soft\">%zu more loops are not drawn.</p>\n",
			process->n_loops - LOOPS_DRAWN);
	if (pool_was_used(process)) {
		fputs("<section>\n", out);
		element(out, "h3", "thread pool");
		lt_chart_pool(out, process);
		write_key(out, pool, pool_titles, 2);
		fputs("</section>\n", out);
	}
	for (size_t i = 0; i < process->n_missing; i++)
		element(out, "p", process->missing[i]);
}

static void write_checked(FILE *out, const struct lt_diagnosis *diagnosis)
{
	element(out, "h2", "What was looked at");
	fputs("<ul>\n", out);
	for (size_t i = 0; i < diagnosis->n_checked; i++) {
		const struct lt_checked *checked = &diagnosis->checked[i];

		fputs("<li>", out);
		lt_html_text(out, checked->what);
		if (checked->reason)
			fprintf(out, " <span class=\"soft\">(not looked at: %s)</span>",
				checked->reason);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void write_head(FILE *out, const struct lt_doctor *doctor)
{
	time_t seconds = (time_t)doctor->last_time;
	char when[40] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>looptop doctor",
	      out);
	if (doctor->n_processes) {
		fputs(": ", out);
		lt_html_text(out, doctor->processes[0]->name);
	}
	fprintf(out, "</title>\n<style>\n%s</style></head><body>\n<h1>looptop doctor</h1>\n",
		style);
	fprintf(out, "<p class=\"soft\">%s, watched for %s</p>\n", when,
		LT_SECONDS(doctor->seconds));
}

int lt_doctor__html(const struct lt_doctor *doctor, FILE *out)
{
	struct lt_diagnosis *diagnosis = lt_diagnosis__new(doctor);
	struct lt_report_notes notes;

	if (!diagnosis)
		return -ENOMEM;
	errno = 0;
	write_head(out, doctor);
	element(out, "h2", "Findings");
	for (size_t i = 0; i < diagnosis->n_findings; i++)
		write_finding(out, i + 1, &diagnosis->findings[i]);
	if (!diagnosis->n_findings)
		fputs("<article class=\"none\"><h3>Nothing found that holds it back.</h3></article>\n",
		      out);
	lt_report_notes(doctor, diagnosis, &notes);
	for (size_t i = 0; i < notes.n; i++)
		element(out, "p", notes.text[i]);
	for (size_t i = 0; i < doctor->n_processes; i++)
		write_process(out, doctor->processes[i]);
	write_checked(out, diagnosis);
	fputs("</body></html>\n", out);
	lt_diagnosis__free(diagnosis);
	return ferror(out) ? -(errno ? errno : EIO) : 0;
}
