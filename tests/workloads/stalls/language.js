// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks by what the language has: every kind of function, called in every way. Each runs until
// its end (ms since 1970), at least once, and does its work in itself: a helper would be the
// function that blocks.
'use strict';
const EventEmitter = require('events');
const { own } = require('../lib/own-stack');

const scenarios = [];

// The function expected is the scenario's, unless others are named.
function scenario(name, run, ...expected) {
  scenarios.push({ name, run, expected: expected.length ? expected : [name] });
}

function innerNested(end) {
  own(innerNested);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  } while (Date.now() < end);
  return sum;
}
function middleNested(end) {
  own(middleNested);
  return innerNested(end) + 1;
}
function outerNested(end) {
  own(outerNested);
  return middleNested(end) + 1;
}
scenario('nested', outerNested, 'innerNested');

function hotCallee(from) {
  own(hotCallee);
  let sum = 0;
  for (let i = from; i < from + 2000; i++) sum += i % 7;
  return sum;
}
function hotBlock(end) {
  own(hotBlock);
  let sum = 0;
  do {
    sum += hotCallee(sum & 1023);
  } while (Date.now() < end);
  return sum;
}
scenario('hotBlock', hotBlock, 'hotCallee');

function levelFour(n) {
  own(levelFour);
  let sum = n;
  for (let i = 0; i < 400; i++) sum = (sum * 31 + i) | 0;
  return sum;
}
function levelThree(n) {
  own(levelThree);
  return levelFour(n + 1) ^ 1;
}
function levelTwo(n) {
  own(levelTwo);
  return levelThree(n + 1) ^ 2;
}
function levelOne(n) {
  own(levelOne);
  return levelTwo(n + 1) ^ 3;
}
function inlinedBlock(end) {
  own(inlinedBlock);
  let sum = 0;
  do {
    for (let i = 0; i < 50; i++) sum ^= levelOne(i);
  } while (Date.now() < end);
  return sum;
}
scenario('inlinedBlock', inlinedBlock, 'levelFour');
scenarios[scenarios.length - 1].inlined = true;

const arrowBlock = (end) => {
  own(arrowBlock);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i & 3;
  } while (Date.now() < end);
  return sum;
};
scenario('arrowBlock', arrowBlock);

class Invoice {
  constructor(end) {
    this.end = end;
  }

  heavyMethod(factor) {
    own(this.heavyMethod);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i * factor;
    } while (Date.now() < this.end);
    return sum;
  }

  static staticHeavy(end) {
    own(Invoice.staticHeavy);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i % 5;
    } while (Date.now() < end);
    return sum;
  }

  get total() {
    own(Object.getOwnPropertyDescriptor(Invoice.prototype, 'total').get);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i % 9;
    } while (Date.now() < this.end);
    return sum;
  }
}
scenario('methodBlock', function methodBlock(end) {
  own(methodBlock);
  return new Invoice(end).heavyMethod(3);
}, 'heavyMethod');
scenario('staticBlock', function staticBlock(end) {
  own(staticBlock);
  return Invoice.staticHeavy(end);
}, 'staticHeavy');
scenario('getterBlock', function getterBlock(end) {
  own(getterBlock);
  return new Invoice(end).total;
}, 'total');

class Base {
  constructor(end) {
    own(Base);
    this.sum = 0;
    do {
      for (let i = 0; i < 1000; i++) this.sum += i;
    } while (Date.now() < end);
  }
}
class Derived extends Base {
  constructor(end) {
    super(end);
    own(Derived);
    this.derived = true;
  }
}
scenario('constructorBlock', function constructorBlock(end) {
  own(constructorBlock);
  return new Derived(end);
}, 'Base');

const shop = {
  objectMethod(end) {
    own(shop.objectMethod);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i >> 1;
    } while (Date.now() < end);
    return sum;
  },
};
scenario('objectBlock', function objectBlock(end) {
  own(objectBlock);
  return shop.objectMethod(end);
}, 'objectMethod');

function compareItems(a, b) {
  own(compareItems);
  let difference = a - b;
  for (let i = 0; i < 200; i++) difference += (i & 1) - 0.5;
  return difference;
}
function sortBlock(end) {
  own(sortBlock);
  const items = Array.from({ length: 500 }, (_, i) => (i * 7919) % 500);
  do {
    items.slice().sort(compareItems);
  } while (Date.now() < end);
}
scenario('sortBlock', sortBlock, 'compareItems');

function allocBlock(end) {
  own(allocBlock);
  let kept = [];
  do {
    for (let i = 0; i < 1000; i++) kept.push({ i, text: `item ${i}`, more: [i, i + 1] });
    if (kept.length > 50000) kept = [];
  } while (Date.now() < end);
  return kept.length;
}
scenario('allocBlock', allocBlock);

function makeClosure(factor) {
  return function captured(end) {
    own(captured);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i * factor;
    } while (Date.now() < end);
    return sum;
  };
}
scenario('closureBlock', function closureBlock(end) {
  own(closureBlock);
  return makeClosure(7)(end);
}, 'captured');

// The scavenger moves the closure while it runs: it is young, and it allocates.
function youngBlock(end) {
  own(youngBlock);
  const movedWhileRunning = () => {
    own(movedWhileRunning);
    let kept = null;
    do {
      for (let i = 0; i < 1000; i++) kept = { kept: i & 63 ? kept : null, text: [i] };
    } while (Date.now() < end);
    return kept;
  };
  return movedWhileRunning();
}
scenario('youngBlock', youngBlock, 'movedWhileRunning');

function twice(n) {
  own(twice);
  let value = n;
  for (let i = 0; i < 20; i++) value += i & 1;
  return value * 2;
}
function isOdd(n) {
  own(isOdd);
  return n % 3 !== 0;
}
function addUp(sum, n) {
  own(addUp);
  return sum + n;
}
function mapBlock(end) {
  own(mapBlock);
  const items = Array.from({ length: 3000 }, (_, i) => i);
  let sum = 0;
  do {
    sum += items.map(twice).filter(isOdd).reduce(addUp, 0);
  } while (Date.now() < end);
  return sum;
}
scenario('mapBlock', mapBlock, 'twice', 'isOdd', 'addUp', 'mapBlock');

function recurBlock(depth, end) {
  if (depth > 0) return recurBlock(depth - 1, end) + 1;
  own(recurBlock);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 11;
  } while (Date.now() < end);
  return sum;
}
scenario('recurBlock', function recursionStart(end) {
  own(recursionStart);
  return recurBlock(300, end);
}, 'recurBlock');

function prüfeGröße(end) {
  own(prüfeGröße);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 13;
  } while (Date.now() < end);
  return sum;
}
scenario('latin1Name', prüfeGröße, 'prüfeGröße');

function 计算总和(end) {
  own(计算总和);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 17;
  } while (Date.now() < end);
  return sum;
}
scenario('twoByteName', 计算总和, '计算总和');

function* genBlock(end) {
  own(genBlock);
  do {
    let sum = 0;
    for (let i = 0; i < 100000; i++) sum += i & 5;
    yield sum;
  } while (Date.now() < end);
}
scenario('generator', function drainGenerator(end) {
  own(drainGenerator);
  let sum = 0;
  for (const part of genBlock(end)) sum += part;
  return sum;
}, 'genBlock');

async function asyncBlock(end) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  own(asyncBlock);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 19;
  } while (Date.now() < end);
  return sum;
}
scenario('asyncBlock', asyncBlock);

function microtaskBlock(end) {
  return Promise.resolve().then(function inMicrotask() {
    own(inMicrotask);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i % 23;
    } while (Date.now() < end);
    return sum;
  });
}
scenario('microtaskBlock', microtaskBlock, 'inMicrotask');

function tickBlock(end) {
  return new Promise((resolve) => {
    process.nextTick(function inNextTick() {
      own(inNextTick);
      let sum = 0;
      do {
        for (let i = 0; i < 1000; i++) sum += i % 29;
      } while (Date.now() < end);
      resolve(sum);
    });
  });
}
scenario('tickBlock', tickBlock, 'inNextTick');

/* eslint-disable no-unused-vars */
function manyLocals(end) {
  own(manyLocals);
  let a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0, a6 = 0, a7 = 0, a8 = 0, a9 = 0;
  let b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0, b7 = 0, b8 = 0, b9 = 0;
  let c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0, c6 = 0, c7 = 0, c8 = 0, c9 = 0;
  let d0 = 0, d1 = 0, d2 = 0, d3 = 0, d4 = 0, d5 = 0, d6 = 0, d7 = 0, d8 = 0, d9 = 0;
  let e0 = 0, e1 = 0, e2 = 0, e3 = 0, e4 = 0, e5 = 0, e6 = 0, e7 = 0, e8 = 0, e9 = 0;
  let f0 = 0, f1 = 0, f2 = 0, f3 = 0, f4 = 0, f5 = 0, f6 = 0, f7 = 0, f8 = 0, f9 = 0;
  let g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0, g8 = 0, g9 = 0;
  let h0 = 0, h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0, h6 = 0, h7 = 0, h8 = 0, h9 = 0;
  let i0 = 0, i1 = 0, i2 = 0, i3 = 0, i4 = 0, i5 = 0, i6 = 0, i7 = 0, i8 = 0, i9 = 0;
  let j0 = 0, j1 = 0, j2 = 0, j3 = 0, j4 = 0, j5 = 0, j6 = 0, j7 = 0, j8 = 0, j9 = 0;
  const all = () => [
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9,
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9,
    e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9,
    g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9,
    i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, j0, j1, j2, j3, j4, j5, j6, j7, j8, j9,
  ];
  do {
    for (let n = 0; n < 1000; n++) a0 += n & 1;
  } while (Date.now() < end);
  return all;
}
scenario('manyLocals', manyLocals);

class Vault {
  #tally(end) {
    own(this.#tally);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i % 31;
    } while (Date.now() < end);
    return sum;
  }

  openVault(end) {
    own(this.openVault);
    return this.#tally(end);
  }
}
scenario('privateMethod', function privateBlock(end) {
  own(privateBlock);
  return new Vault().openVault(end);
}, '#tally');

scenario('toJsonBlock', function toJsonBlock(end) {
  own(toJsonBlock);
  const order = {
    toJSON() {
      own(order.toJSON);
      let sum = 0;
      do {
        for (let i = 0; i < 1000; i++) sum += i % 37;
      } while (Date.now() < end);
      return sum;
    },
  };
  return JSON.stringify({ order });
}, 'toJSON');

scenario('proxyBlock', function proxyBlock(end) {
  own(proxyBlock);
  const proxy = new Proxy({}, {
    get: function trapGet(target, key) {
      own(trapGet);
      let sum = 0;
      do {
        for (let i = 0; i < 1000; i++) sum += i % 41;
      } while (Date.now() < end);
      return sum;
    },
  });
  return proxy.anything;
}, 'trapGet');

scenario('replaceBlock', function replaceBlock(end) {
  own(replaceBlock);
  return 'one two'.replace(/o/, function replacer(match) {
    own(replacer);
    let sum = 0;
    do {
      for (let i = 0; i < 1000; i++) sum += i % 43;
    } while (Date.now() < end);
    return match + sum;
  });
}, 'replacer');

const emitter = new EventEmitter();
emitter.on('order', function orderListener(end) {
  own(orderListener);
  let sum = 0;
  do {
    for (let i = 0; i < 1000; i++) sum += i % 47;
  } while (Date.now() < end);
  return sum;
});
scenario('emitterBlock', function emitterBlock(end) {
  own(emitterBlock);
  return emitter.emit('order', end);
}, 'orderListener');

function boundTarget(end) {
  own(boundTarget);
  this.sum = 0;
  do {
    for (let i = 0; i < 1000; i++) this.sum += i % 53;
  } while (Date.now() < end);
}
scenario('boundBlock', function boundBlock(end) {
  own(boundBlock);
  [end].forEach(boundTarget.bind({}));
}, 'boundTarget');

module.exports = scenarios;
