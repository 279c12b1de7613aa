// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Loads an HTTP server of this machine: load {port, connections, seconds} keeps that many requests
// going over kept-alive connections, until then or until stop {}, and answers with how many there were.
'use strict';
const http = require('http');
const { serve } = require('./lib/session');

let until = 0;

function load({ port, connections, seconds }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  until = Date.now() + seconds * 1e3;
  let requests = 0;
  function oneAfterTheOther(resolve, reject) {
    if (Date.now() >= until) {
      resolve();
      return;
    }
    http.get({ agent, port, host: '127.0.0.1' }, (response) => {
      response.on('end', () => {
        requests++;
        oneAfterTheOther(resolve, reject);
      });
      response.resume();
    }).on('error', reject);
  }
  const lanes = Array.from({ length: connections }, () => new Promise(oneAfterTheOther));
  return Promise.all(lanes).then(() => {
    agent.destroy();
    return { requests };
  });
}

function stop() {
  until = 0;
}

serve({ load, stop });
