// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Callbacks that know in which phase of the loop they run: a timer, an immediate, the end of a
// file system call, the close of a socket. prepare {rounds} opens the sockets;
// start {rounds, timers_ms, check_ms, poll_ms, closing_ms} answers with the seconds burnt in each.
'use strict';
const fs = require('fs');
const net = require('net');
const { burn, openWindow, serve } = require('./lib/session');

const sockets = [];

// A socket's 'close' comes straight from libuv's closing phase; that of a server does not.
function prepare({ rounds }) {
  const server = net.createServer((peer) => peer.on('error', () => {}).resume());
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      let open = 0;
      for (let i = 0; i < rounds; i++) {
        const socket = net.connect(server.address().port, '127.0.0.1', () => {
          if (++open === rounds) resolve({});
        });
        sockets.push(socket);
      }
      server.unref();
    });
  });
}

function start({ rounds, timers_ms, check_ms, poll_ms, closing_ms }) {
  const close = openWindow();
  const spent = { timers: 0, check: 0, poll_callbacks: 0, closing: 0 };
  return new Promise((resolve) => {
    function round(left) {
      if (left === 0) {
        resolve(close({ rounds, phases: spent }));
        return;
      }
      setTimeout(() => {
        spent.timers += burn(timers_ms);
        setImmediate(() => {
          spent.check += burn(check_ms);
          fs.stat(__filename, () => {
            spent.poll_callbacks += burn(poll_ms);
            const socket = sockets.pop();
            socket.on('close', () => {
              spent.closing += burn(closing_ms);
              round(left - 1);
            });
            socket.destroy();
          });
        });
      }, 5);
    }
    round(rounds);
  });
}

serve({ prepare, start });
