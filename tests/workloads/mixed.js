// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// A bit of everything that a loop does, about half of the time busy: timers, immediates, file
// system callbacks, promises. start {seconds} answers with the window's truth.
'use strict';
const fs = require('fs');
const { burn, openWindow, randomFrom, serve } = require('./lib/session');

function start({ seconds }) {
  const close = openWindow();
  const random = randomFrom(1);
  const until = Date.now() + seconds * 1e3;
  let timers = 0;
  let immediates = 0;

  function immediateChain(n) {
    immediates++;
    burn(0.1);
    if (n > 1) setImmediate(immediateChain, n - 1);
  }

  return new Promise((resolve) => {
    function tick() {
      timers++;
      burn(0.2 + random() * 6);
      if (timers % 5 === 0) setImmediate(immediateChain, 10);
      fs.stat(__filename, () => burn(0.3));
      Promise.resolve().then(() => burn(0.2));
      if (Date.now() < until) setTimeout(tick, 1 + random() * 10);
      // All that was begun has ended long before.
      else setTimeout(() => resolve(close({ timers, immediates })), 50);
    }
    setTimeout(tick, 1);
  });
}

serve({ start });
