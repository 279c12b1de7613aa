// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
//
// Blocks whose function is known, one after the other, each from a timer of its own (stalls/):
//   names {}                     the scenarios, and what is known of them beforehand
//   prepare {}                   what must be there before the first block
//   block {names, ms, gap_ms}    blocks; the moments of each (seconds since 1970), its thread
//   tell {names}                 the same way through the same functions, but short, and with
//                                each function's own stack: only after block, see lib/own-stack
//   endless {way, seconds}       a loop, ticks or promises that go on and on
'use strict';
const ownStack = require('./lib/own-stack');
const { serve } = require('./lib/session');
const { endless } = require('./stalls/endless');

const scenarios = [
  ...require('./stalls/language'),
  ...require('./stalls/library'),
  ...require('./stalls/generated'),
  ...require('./stalls/asleep'),
  ...require('./stalls/elsewhere'),
];

const chosen = (wanted) => scenarios.filter(({ name }) => !wanted || wanted.includes(name));

function names() {
  const tell = ({ name, expected, below, original, no_file, asleep, inlined }) => ({
    name, expected, below, original, no_file: !!no_file, asleep: !!asleep, inlined: !!inlined });
  return { scenarios: scenarios.map(tell) };
}

async function prepare() {
  for (const scenario of scenarios) if (scenario.prepare) await scenario.prepare();
}

function fromTimer(scenario, ms, gap) {
  return new Promise((resolve, reject) => {
    setTimeout(function fire() {
      const start = Date.now();
      Promise.resolve(scenario.run(ms ? start + ms : 0)).then((more) => {
        const tid = more && more.tid ? more.tid : process.pid;
        resolve({ name: scenario.name, start: start / 1e3, end: Date.now() / 1e3, tid });
      }).catch(reject);
    }, gap);
  });
}

async function block({ names: wanted, ms, gap_ms }) {
  const blocks = [];
  for (const scenario of chosen(wanted)) blocks.push(await fromTimer(scenario, ms, gap_ms));
  return { blocks };
}

async function tell({ names: wanted }) {
  const told = {};
  for (const scenario of chosen(wanted)) {
    ownStack.begin();
    await fromTimer(scenario, 0, 1);
    const functions = ownStack.end();
    told[scenario.name] = scenario.told ? scenario.told() : functions;
  }
  return { told };
}

serve({ names, prepare, block, tell, endless });
