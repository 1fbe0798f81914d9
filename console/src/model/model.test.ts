import { describe, expect, it } from 'vitest';
import type { Row } from '../feed/contract';
import { assignSlots, buildChart } from './chart';
import * as format from './format';
import { History, sparkPath } from './history';
import { isAdditive, shapeOf } from './shape';
import { defaultSort, sortEntries, visibleWindow } from './table';

const windowed = [
  { name: 'window_start', type: 'TIMESTAMP(3)' },
  { name: 'window_end', type: 'TIMESTAMP(3)' },
  { name: 'category', type: 'STRING' },
  { name: 'total', type: 'DOUBLE' },
  { name: 'transactions', type: 'BIGINT' },
];

describe('shapeOf', () => {
  it('draws a windowed view over time, by the key that is not time', () => {
    const shape = shapeOf({
      columns: windowed,
      key: ['window_start', 'window_end', 'category'],
      time_column: 'window_start',
      metric: false,
    });
    expect(shape).toEqual({ kind: 'time', time: 0, names: [2], measures: [3, 4] });
  });

  it('ranks a keyed view, shows metrics large, and falls back to a table', () => {
    const columns = [
      { name: 'merchant', type: 'STRING' },
      { name: 'id', type: 'BIGINT' },
      { name: 'total', type: 'DECIMAL(10, 2)' },
    ];
    const base = { columns, key: ['merchant', 'id'], time_column: null, metric: false };
    expect(shapeOf(base)).toMatchObject({ kind: 'ranking', names: [0, 1], measures: [2] });
    expect(shapeOf({ ...base, metric: true }).kind).toBe('metric');
    expect(shapeOf({ ...base, key: [] }).kind).toBe('table');
    expect(shapeOf({ ...base, columns: columns.slice(0, 2) }).kind).toBe('table');
  });

  it('does not add up averages', () => {
    for (const name of ['avg_amount', 'error_rate', 'p99', 'max_total', 'share'])
      expect(isAdditive(name)).toBe(false);
    for (const name of ['total', 'transactions', 'generated', 'maximal']) expect(isAdditive(name)).toBe(true);
  });
});

const minute = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString();

describe('buildChart', () => {
  const options = { time: 0, names: [1], measure: 2, additive: true, seriesMax: 2, timesMax: 10 };
  const rows: Row[] = [
    [minute(1), 'a', 1],
    [minute(0), 'a', 9],
    [minute(0), 'b', 5],
    [minute(1), 'b', 7],
    [minute(1), 'c', 3],
    [minute(0), 'd', 2],
    [minute(1), 'nothing', null],
  ];

  it('keeps the series that count most of late and sums the others', () => {
    const chart = buildChart(rows, options);
    expect(chart.times).toHaveLength(2);
    expect(chart.series.map((s) => [s.name, s.values, s.rest])).toEqual([
      ['b', [5, 7], false],
      ['a', [9, 1], false],
      ['2 others', [2, 3], true],
    ]);
    expect(chart.folded).toBe(2);
  });

  it('leaves out, rather than sums, what cannot be added', () => {
    const chart = buildChart(rows, { ...options, additive: false });
    expect(chart.series.map((s) => s.name)).toEqual(['b', 'a']);
    expect(chart.folded).toBe(2);
  });

  it('keeps the newest times', () => {
    const chart = buildChart(rows, { ...options, timesMax: 1 });
    expect(chart.times).toEqual([Date.parse(minute(1)) / 1000]);
    expect(chart.timesCut).toBe(1);
    expect(chart.series.some((s) => s.name === 'd')).toBe(false);
  });
});

describe('assignSlots', () => {
  it('keeps colours while the ranking changes', () => {
    const first = assignSlots(new Map(), ['a', 'b', 'c'], 3);
    expect([...first]).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    const second = assignSlots(first, ['c', 'd', 'a'], 3);
    expect(second.get('a')).toBe(0);
    expect(second.get('c')).toBe(2);
    expect(second.get('d')).toBe(1);
  });
});

describe('table', () => {
  const columns = [
    { name: 'n', type: 'BIGINT' },
    { name: 's', type: 'STRING' },
  ];
  const entries = () => [
    { id: '1', row: [9, 'b'] },
    { id: '2', row: [null, 'c'] },
    { id: '3', row: ['10', 'a'] },
    { id: '0', row: [9, 'd'] },
  ];
  const ids = (descending: boolean, column = 0) =>
    sortEntries(entries(), { column, descending }, columns).map((e) => e.id);

  it('sorts numbers as numbers, NULL last, ties by id', () => {
    expect(ids(false)).toEqual(['0', '1', '3', '2']);
    expect(ids(true)).toEqual(['3', '0', '1', '2']);
    expect(ids(false, 1)).toEqual(['3', '1', '2', '0']);
  });

  it('starts newest first or largest first', () => {
    expect(defaultSort({ kind: 'time', time: 1, names: [], measures: [2] })).toEqual({
      column: 1,
      descending: true,
    });
    expect(defaultSort({ kind: 'ranking', time: null, names: [0], measures: [2] })).toEqual({
      column: 2,
      descending: true,
    });
    expect(defaultSort({ kind: 'table', time: null, names: [], measures: [] })).toEqual({
      column: 0,
      descending: false,
    });
  });

  it('puts only the rows in sight into the document', () => {
    expect(visibleWindow(100, 200, 0, 320, 32)).toEqual({ from: 0, to: 100 });
    expect(visibleWindow(10_000, 200, 0, 320, 32)).toEqual({ from: 0, to: 30 });
    expect(visibleWindow(10_000, 200, 32_000, 320, 32)).toEqual({ from: 990, to: 1020 });
    expect(visibleWindow(10_000, 200, 1e9, 320, 32)).toEqual({ from: 9970, to: 10_000 });
  });
});

describe('format', () => {
  it('writes numbers', () => {
    expect([0, 7, 999, 999.6, 12_345, 1_070_000, -2500].map(format.compact)).toEqual([
      '0',
      '7',
      '999',
      '1k',
      '12.3k',
      '1.07M',
      '-2.5k',
    ]);
    expect([3, 12_345, 2_500_000].map(format.count)).toEqual(['3', '12,345', '2.50M']);
    expect([0, 7.25, 842.3, 12_345.6, 3_200_000].map(format.figure)).toEqual([
      '0',
      '7.3',
      '842',
      '12,346',
      '3.20M',
    ]);
    expect([0.031, 12.345, 45_678.9, 3].map(format.measure)).toEqual(['0.0310', '12.35', '45,679', '3']);
  });

  it('writes durations', () => {
    expect([12, 5012, 61_000, 3_720_000, 200_000_000, -1500].map(format.duration)).toEqual([
      '12 ms',
      '5.0 s',
      '1 min 01 s',
      '1 h 02 min',
      '2 d 7 h',
      '−1.5 s',
    ]);
  });

  it('writes ages in whole seconds', () => {
    expect([-5, 900, 8_400, 65_000].map(format.age)).toEqual(['0 s', '0 s', '8 s', '1 min 05 s']);
  });

  it('writes cells exactly, also beyond 2^53', () => {
    expect(format.cell('9223372036854775807', 'BIGINT', 0, true)).toBe('9,223,372,036,854,775,807');
    expect(format.cell('-1234567.8900', 'DECIMAL(20, 4)', 0, true)).toBe('-1,234,567.8900');
    expect(format.cell(1234.5, 'DOUBLE', 2, true)).toBe('1,234.50');
    expect(format.cell(null, 'STRING', 0, true)).toBe('null');
    expect(format.cell({ a: [1] }, 'ROW<a ARRAY<INT>>', 0, true)).toBe('{"a":[1]}');
    expect(format.cell('2026-01-02T03:04:05.678Z', 'TIMESTAMP(3)', 0, true)).toBe('2026-01-02 03:04:05.678');
    expect(format.cell('2026-01-02T03:04:00.000Z', 'TIMESTAMP_LTZ(3)', 0, true)).toBe('2026-01-02 03:04:00');
    expect(format.bytes(5 * 1024 ** 2)).toBe('5.0 MiB');
  });

  it('chooses decimals for a column', () => {
    expect([[1, 2], [3.5, -2.25], [1234.5678, 2], [0.123456], []].map(format.decimalsFor)).toEqual([
      0, 2, 2, 4, 0,
    ]);
  });

  it('names moments', () => {
    const now = Date.UTC(2026, 0, 2, 12);
    expect(format.moment(Date.UTC(2026, 0, 2, 3, 4, 5), now, true)).toBe('03:04:05');
    expect(format.moment(Date.UTC(2025, 10, 21, 3, 4, 5), now, true)).toBe('21 Nov 03:04');
  });

  it('reads numbers', () => {
    expect(['12.5', 'NaN', null, 3, true, ''].map(format.numberOf)).toEqual([
      12.5,
      null,
      null,
      3,
      null,
      null,
    ]);
  });
});

describe('history', () => {
  it('keeps the newest samples and ends at the right edge', () => {
    const history = new History(3);
    for (const value of [1, 2, 3, 4]) history.push(value);
    expect(history.samples).toEqual([2, 3, 4]);
    expect(sparkPath([1, 2], 39, 20)).toBe('M38.0 10.0L39.0 1.5');
    expect(sparkPath([0, 0], 39, 20)).toBe('M38.0 18.5L39.0 18.5');
    expect(sparkPath([5], 39, 20)).toBe('');
  });
});
