// Decides from the columns of a view how it is best shown.

import type { Column } from '../feed/contract';
import { isNumeric, isTimestamp } from './format';

export interface Shape {
  kind: 'metric' | 'time' | 'ranking' | 'table';
  /** Position of the column on the x axis, for `time`. */
  time: number | null;
  /** Positions of the columns that name a series or a ranked row. */
  names: number[];
  /** Positions of the numeric columns that can be drawn, in the order of the view. */
  measures: number[];
}

export interface Described {
  columns: Column[];
  key: string[];
  time_column: string | null;
  metric: boolean;
}

export function shapeOf({ columns, key, time_column, metric }: Described): Shape {
  const time = position(columns, time_column);
  const names = nameColumns(columns, key, time);
  const measures: number[] = [];
  columns.forEach((column, index) => {
    if (isNumeric(column.type) && !key.includes(column.name) && index !== time) measures.push(index);
  });
  const kind =
    measures.length === 0
      ? 'table'
      : metric
        ? 'metric'
        : time !== null
          ? 'time'
          : key.length > 0
            ? 'ranking'
            : 'table';
  return { kind, time, names, measures };
}

function position(columns: Column[], name: string | null): number | null {
  const index = columns.findIndex((column) => column.name === name);
  return index < 0 ? null : index;
}

/** The key columns other than time (a window has two); in a view without a key, the first text column. */
function nameColumns(columns: Column[], key: string[], time: number | null): number[] {
  if (key.length === 0) {
    const text = columns.findIndex((column) => /^(STRING|VARCHAR|CHAR)/i.test(column.type));
    return text < 0 ? [] : [text];
  }
  const names: number[] = [];
  columns.forEach((column, index) => {
    if (key.includes(column.name) && index !== time && !(time !== null && isTimestamp(column.type)))
      names.push(index);
  });
  return names;
}

/**
 * Whether values of a column of this name may be added up. The contract does not say what a number means,
 * and a sum of averages would be a lie on the screen, so names that suggest a ratio are never summed.
 */
export function isAdditive(columnName: string): boolean {
  return !/(^|_)(avg|average|mean|median|min|max|rate|ratio|share|pct|percent|p\d+|stddev|score)(_|$)/i.test(
    columnName,
  );
}
