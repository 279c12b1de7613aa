// Blocks for ever, below functions of every kind and tier; the marks tell the tests where.
'use strict';
const fs = require('fs');
const cell = new Int32Array(new SharedArrayBuffer(4));
const M = { proto: {} };

function waitHere(value) {
  return Atomics.wait(cell, 0, value, 1e9); // mark:waitHere
}

const leaf = (value) => waitHere(value); // mark:leaf

function middle(value) {
  const text = leaf(value); // mark:middle
  return text.length;
}

function hotLoop(n, value) {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += middle(value); // mark:hotLoop
  }
  return sum;
}

M.proto.assigned = function (n, value) {
  return hotLoop(n, value); // mark:M.proto.assigned
};

const größe𝒳 = (value) => {
  /* ünïcödé and 𝒳 in front, in its line: */ return M.proto.assigned(3, value); // mark:größe𝒳
};

class Rechnung {
  get summe() {
    return eval('(function evaluated(value) { return größe𝒳(value); })')(0); // mark:get summe
  }
  static prüfe(a, b) {
    const rechnung = new Rechnung();
    return rechnung.summe + a - b; // mark:prüfe
  }
}

function sortAll() {
  return [3, 1, 2].sort((a, b) => Rechnung.prüfe(a, b)); // mark:sortAll
}

function onTimer() {
  for (const end = Date.now() + 700; Date.now() < end;) M.proto.assigned(1000, 1);
  fs.writeSync(1, 'ready\n');
  sortAll(); // mark:onTimer
}

setTimeout(onTimer, 1);
