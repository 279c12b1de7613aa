// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Garbage, and a PerformanceObserver that reads every entry about it from the process's start.
// churn {seconds} allocates and keeps a moving window of it; collect {minor, major} asks for
// collections (needs --expose-gc); entries tells all collections so far: kind, start, seconds.
'use strict';
const { observePauses } = require('./lib/pauses');
const { openWindow, serve } = require('./lib/session');

const seen = observePauses();

function churn({ seconds }) {
  const close = openWindow();
  const until = Date.now() + seconds * 1e3;
  const kept = [];
  return new Promise((resolve) => {
    function slice() {
      for (let i = 0; i < 400; i++) {
        kept.push(Array.from({ length: 200 }, (_, n) => ({ n, text: `item ${n}` })));
      }
      // What survives for a while and dies later is what mark-compact is for.
      if (kept.length > 8000) kept.splice(0, 6000);
      if (Date.now() < until) setTimeout(slice, 5);
      else resolve(close({}));
    }
    slice();
  });
}

async function collect({ minor, major }) {
  const close = openWindow();
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  for (let i = 0; i < minor; i++) {
    global.gc({ type: 'minor' });
    await pause();
  }
  for (let i = 0; i < major; i++) {
    global.gc();
    await pause();
  }
  return close({});
}

// Entries come in a later turn than the collection: give the last ones theirs.
async function entries() {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { entries: seen };
}

serve({ churn, collect, entries });
