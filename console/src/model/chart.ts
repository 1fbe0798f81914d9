// Turns the rows of a view with a time column into series for a chart.

import type { Row } from '../feed/contract';
import { label, numberOf } from './format';

export interface Series {
  name: string;
  /** One value per time; null where the series has none. */
  values: (number | null)[];
  /** The latest value there is. */
  last: number;
  /** Marks the sum of the series that are not drawn on their own. */
  rest: boolean;
}

export interface Chart {
  /** Seconds since 1970, ascending. */
  times: number[];
  series: Series[];
  /** Series that are only in the rest, or, when they cannot be summed, not drawn. */
  folded: number;
  /** Times that were cut off on the left. */
  timesCut: number;
}

const RANKED_OVER = 5;

export interface ChartOptions {
  time: number;
  names: number[];
  measure: number;
  additive: boolean;
  seriesMax: number;
  timesMax: number;
}

export function buildChart(rows: Iterable<Row>, options: ChartOptions): Chart {
  const points = new Map<string, Map<number, number>>();
  const allTimes = new Set<number>();
  for (const row of rows) {
    const time = Date.parse(String(row[options.time])) / 1000;
    const value = numberOf(row[options.measure]);
    if (Number.isNaN(time) || value === null) continue;
    const name = label(options.names.map((index) => row[index]));
    let series = points.get(name);
    if (!series) {
      series = new Map();
      points.set(name, series);
    }
    // Several rows at one point happen only where names do not hold the whole key.
    series.set(time, options.additive ? (series.get(time) ?? 0) + value : value);
    allTimes.add(time);
  }
  const times = [...allTimes].sort((a, b) => a - b).slice(-options.timesMax);
  const series: Series[] = [];
  for (const [name, values] of points) {
    const aligned = times.map((time) => values.get(time) ?? null);
    const last = lastOf(aligned);
    if (last !== null) series.push({ name, values: aligned, last, rest: false });
  }
  series.sort((a, b) => recent(b) - recent(a) || (a.name < b.name ? -1 : 1));
  const folded = series.splice(options.seriesMax);
  if (folded.length > 0 && options.additive) series.push(sum(folded, times));
  return { times, series, folded: folded.length, timesCut: allTimes.size - times.length };
}

/**
 * How much a series counts now. Over a few times rather than the last alone, because the newest window fills
 * up series by series, and the ranking would be shuffled at every start of a window.
 */
function recent({ values }: Series): number {
  let total = 0;
  for (const value of values.slice(-RANKED_OVER)) total += value ?? 0;
  return total;
}

function sum(folded: Series[], times: number[]): Series {
  const values = times.map((_, i) =>
    folded.reduce<number | null>((total, { values }) => add(total, values[i] ?? null), null),
  );
  return { name: `${folded.length} others`, values, last: lastOf(values) ?? 0, rest: true };
}

function add(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

function lastOf(values: (number | null)[]): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i];
    if (value != null) return value;
  }
  return null;
}

/**
 * Gives every name one of `count` colours. A name keeps the colour that it had; one that comes in takes
 * a free one. So a change in the ranking does not repaint the others.
 */
export function assignSlots(
  before: ReadonlyMap<string, number>,
  names: string[],
  count: number,
): Map<string, number> {
  const slots = new Map<string, number>();
  const free = new Set(Array.from({ length: count }, (_, slot) => slot));
  for (const name of names) {
    const slot = before.get(name);
    if (slot === undefined || !free.delete(slot)) continue;
    slots.set(name, slot);
  }
  for (const name of names) {
    if (slots.has(name)) continue;
    const slot: number | undefined = free.values().next().value;
    if (slot === undefined) break;
    free.delete(slot);
    slots.set(name, slot);
  }
  return slots;
}
