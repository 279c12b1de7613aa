// SPDX-License-Identifier: GPL-2.0-only
// A server with the troubles of real ones, and its own steady load: something to look at.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const { Worker } = require('worker_threads');

// Now and then somebody sends a large invoice, and everybody waits.
function parseInvoice(lines) {
  const end = Date.now() + 150;
  let sum = 0;
  while (Date.now() < end) for (const line of lines) sum += line.length;
  return sum;
}

let garbage = [];
const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);

const routes = {
  '/': (res) => res.end('hello\n'),
  '/invoice': (res) => res.end(`${parseInvoice(lines)}\n`),
  '/file': (res) => fs.readFile(__filename, (err, data) => res.end(err ? 'none' : data)),
  '/login': (res) => crypto.pbkdf2('secret', 'salt', 40000, 64, 'sha512', () => res.end('ok\n')),
  '/report': (res) => {
    garbage = garbage.length > 20 ? [] : garbage.concat([lines.map((l) => ({ l, at: Date.now() }))]);
    res.end(`${garbage.length}\n`);
  },
};

const server = http.createServer((req, res) => (routes[req.url] || routes['/'])(res));

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const get = (path) => http.get({ port, path, agent }, (res) => res.resume()).on('error', () => {});
  setInterval(() => get('/'), 5);
  setInterval(() => get('/report'), 20);
  setInterval(() => get('/file'), 25);
  setInterval(() => { for (let i = 0; i < 12; i++) get('/login'); }, 1000);
  setInterval(() => get('/invoice'), 2500);
});

new Worker(`
  const end = () => Date.now() + 20;
  setInterval(() => { const t = end(); while (Date.now() < t); }, 100);
`, { eval: true, name: 'thumbnails' });
