// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Functions whose bodies nobody has compiled yet: a script is only pre-parsed at first. Each is called once.
'use strict';
const vm = require('vm');

let serial = 0;

function callFresh(count) {
  const names = Array.from({ length: count }, () => `f${serial++}`);
  const source = names.map((name) => `function ${name}(a) { return a + '${name}'; }`).join('\n');
  const functions = vm.runInThisContext(`(() => { ${source}; return [${names.join(', ')}]; })()`);
  for (const one of functions) one(1);
}

module.exports = { callFresh };
