// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// An HTTP server that keeps a diary of its own loop: every 20 ms, the moment, the active time and the requests
// so far, and the moment when those were read. listen answers with the port; diary with the entries and the number of requests.
'use strict';
const http = require('http');
const { performance } = require('perf_hooks');
const { monotonic, serve } = require('./lib/session');

const diary = [];
let requests = 0;

const server = http.createServer((request, response) => {
  requests++;
  const items = Array.from({ length: 50 }, (_, i) => ({ id: i, name: `item ${i}` }));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(items));
});

function listen() {
  setInterval(() => {
    diary.push([monotonic(), performance.eventLoopUtilization().active / 1e3, requests, monotonic()]);
  }, 20).unref();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }));
  });
}

serve({ listen, diary: () => ({ diary, requests }) });
