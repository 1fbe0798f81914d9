// Order and window of a table of rows.

import type { Column, Row, Value } from '../feed/contract';
import { isNumeric, isTimestamp, numberOf } from './format';
import type { Shape } from './shape';

export interface Entry {
  id: string;
  row: Row;
}

export interface Sort {
  column: number;
  descending: boolean;
}

/** Newest first, or largest first, or as the first column reads. */
export function defaultSort(shape: Shape): Sort {
  if (shape.time !== null) return { column: shape.time, descending: true };
  const measure = shape.measures[0];
  if (shape.kind === 'ranking' && measure !== undefined) return { column: measure, descending: true };
  return { column: 0, descending: false };
}

/** Sorts in place. Equal values keep the order of their ids, so that rows do not dance; NULL is last either way. */
export function sortEntries(entries: Entry[], sort: Sort, columns: Column[]): Entry[] {
  const type = columns[sort.column]?.type ?? 'STRING';
  const compare = isNumeric(type) ? compareNumbers : compareText;
  const sign = sort.descending ? -1 : 1;
  return entries.sort((a, b) => {
    const [x, y] = [a.row[sort.column] ?? null, b.row[sort.column] ?? null];
    if (x === null || y === null) return x === y ? compareIds(a, b) : x === null ? 1 : -1;
    return sign * compare(x, y) || compareIds(a, b);
  });
}

/** The direction that a first click on a column's heading should give. */
export function firstDirection(column: Column | undefined): boolean {
  return column !== undefined && (isNumeric(column.type) || isTimestamp(column.type));
}

function compareIds(a: Entry, b: Entry): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function compareNumbers(a: Value, b: Value): number {
  const difference = (numberOf(a) ?? Number.NaN) - (numberOf(b) ?? Number.NaN);
  return Number.isNaN(difference) ? compareText(a, b) : difference;
}

function compareText(a: Value, b: Value): number {
  const [x, y] = [
    typeof a === 'object' ? JSON.stringify(a) : String(a),
    typeof b === 'object' ? JSON.stringify(b) : String(b),
  ];
  return x < y ? -1 : x > y ? 1 : 0;
}

export interface Window {
  from: number;
  to: number;
}

/** Which rows to put into the document for a scroll position. Short tables are there whole. */
export function visibleWindow(
  count: number,
  wholeUpTo: number,
  scrollTop: number,
  height: number,
  rowHeight: number,
): Window {
  if (count <= wholeUpTo) return { from: 0, to: count };
  const spare = 10;
  const rows = Math.ceil(height / rowHeight) + 2 * spare;
  const from = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - spare, count - rows));
  return { from, to: Math.min(count, from + rows) };
}
