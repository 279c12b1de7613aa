// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Two ways never to rest: immediates {seconds} makes one immediate after the other, so that the
// loop turns all the time; starve {seconds} makes one nextTick after the other, so that it stands.
'use strict';
const { openWindow, serve } = require('./lib/session');

function immediates({ seconds }) {
  const close = openWindow();
  const until = Date.now() + seconds * 1e3;
  return new Promise((resolve) => {
    let count = 0;
    function spin() {
      count++;
      if (Date.now() < until) setImmediate(spin);
      else resolve(close({ count }));
    }
    setImmediate(spin);
  });
}

function starve({ seconds }) {
  const close = openWindow();
  const until = Date.now() + seconds * 1e3;
  return new Promise((resolve) => {
    let count = 0;
    function spin() {
      count++;
      if (Date.now() < until) process.nextTick(spin);
      else resolve(close({ count }));
    }
    process.nextTick(spin);
  });
}

serve({ immediates, starve });
