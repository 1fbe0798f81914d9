// When the page draws.
//
// Messages may come far faster than anyone can read. They change plain data at once; what is on the
// screen follows in the next animation frame, then at most ten times a second, and never uses more than
// about a quarter of the time. A hidden tab gets no frames, so it draws nothing until it is shown.

import { batch } from '@preact/signals';

const INTERVAL_MS = 100;
const REST_PER_WORK = 3;

const pending = new Map<unknown, () => void>();
let notBefore = 0;
let waiting = false;

/** Runs `publish` in the next drawing; a later call with the same `key` takes the place of an earlier one. */
export function paint(key: unknown, publish: () => void): void {
  pending.set(key, publish);
  if (!waiting) wait();
}

function wait(): void {
  waiting = true;
  const early = notBefore - performance.now();
  if (early > 8) setTimeout(() => requestAnimationFrame(draw), early);
  else requestAnimationFrame(draw);
}

function draw(): void {
  const begin = performance.now();
  const jobs = [...pending.values()];
  pending.clear();
  batch(() => {
    for (const publish of jobs) publish();
  });
  // A task queued now runs after the components have rendered and the browser has painted.
  setTimeout(() => {
    const cost = performance.now() - begin;
    notBefore = begin + Math.max(INTERVAL_MS, cost * (1 + REST_PER_WORK));
    waiting = false;
    if (pending.size > 0) wait();
  });
}
