// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Every garbage collection that Node tells of from now on: kind, start, seconds. Entries come in a
// later turn than their collection.
'use strict';
const { PerformanceObserver, constants, performance } = require('perf_hooks');
const { monotonic } = require('./session');

const KINDS = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'scavenge',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'mark_compact',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak_callbacks',
};

// Later versions have names for more kinds than they export constants for.
function kindName(entry) {
  const kind = entry.detail ? entry.detail.kind : entry.kind;
  return KINDS[kind] || `kind ${kind}`;
}

function observePauses() {
  const seen = [];
  new PerformanceObserver((list) => {
    // performance.now() and CLOCK_MONOTONIC are one clock with two zeros.
    const zero = monotonic() - performance.now() / 1e3;
    for (const entry of list.getEntries()) {
      seen.push({
        kind: kindName(entry),
        start: zero + entry.startTime / 1e3,
        seconds: entry.duration / 1e3,
      });
    }
  }).observe({ entryTypes: ['gc'] });
  return seen;
}

module.exports = { observePauses };
