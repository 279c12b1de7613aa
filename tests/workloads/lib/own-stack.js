// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A process's own account of its stack. Each function of a scenario calls own(itself); while
// somebody listens (begin … end), that notes where the function stands in its file and the whole
// stack as V8 tells it to the process itself. Otherwise it does nothing: an error that was never
// made leaves V8 as it was, so looptop has to find lines without V8's help.
'use strict';
const fs = require('fs');

let told = null; // function → what is known of it; null: nobody listens

function begin() {
  told = {};
}

function end() {
  const all = told;
  told = null;
  return all;
}

function own(fn) {
  if (told !== null) note(fn);
}

function callSites() {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder = {};
  Error.stackTraceLimit = Infinity;
  Error.prepareStackTrace = (err, sites) => sites;
  Error.captureStackTrace(holder, own);
  const sites = holder.stack;
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return sites;
}

function describe(site) {
  return {
    function: site.getFunctionName() || '(anonymous)',
    file: site.getFileName() || site.getScriptNameOrSourceURL() || null,
    line: site.getLineNumber(),
    column: site.getColumnNumber(),
    eval: site.isEval(),
  };
}

function note(fn) {
  // Those that wait for this one to go on are not on the stack.
  const stack = callSites().filter((site) => !site.isAsync()).map(describe);
  const name = stack[0].function;
  if (told[name] === undefined) told[name] = { ...stack[0], range: rangeOf(fn, stack[0]), stack };
}

// The lines from a function's first to its last, by its text; null: it is in no file.
function rangeOf(fn, { file }) {
  const path = file && file.replace(/^file:\/\//, '').replace(/\?.*$/, '');
  if (!path || !fs.existsSync(path)) return null;
  const source = fs.readFileSync(path, 'utf8');
  const text = fn === null ? source : Function.prototype.toString.call(fn);
  const at = source.indexOf(text);
  if (at < 0 || source.indexOf(text, at + 1) >= 0) {
    throw new Error(`where is this in ${path}? ${text}`);
  }
  const first = source.slice(0, at).split('\n').length;
  return [first, first + text.split('\n').length - 1];
}

module.exports = { begin, end, own };
