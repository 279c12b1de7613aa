// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Two ways never to rest: immediates {seconds} makes one immediate after the other, so that the
// loop turns all the time, until then or until stop {}; starve {seconds} makes one nextTick after the other, so that
// it stands.
'use strict';
const { openWindow, serve } = require('./lib/session');

let stopped = false;

function turn(next, seconds) {
  const close = openWindow();
  stopped = false;
  const until = Date.now() + seconds * 1e3;
  return new Promise((resolve) => {
    let count = 0;
    function spin() {
      count++;
      if (Date.now() < until && !stopped) next(spin);
      else resolve(close({ count }));
    }
    next(spin);
  });
}

serve({
  immediates: ({ seconds }) => turn(setImmediate, seconds),
  stop: () => { stopped = true; },
  starve: ({ seconds }) => turn(process.nextTick, seconds),
});
