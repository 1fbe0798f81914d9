// Everything that is hard to show at once: long names, many series, many rows, odd values, failures, alerts.

import { Model } from './model.mjs';

const long = 'a_very_long_name_that_nobody_should_choose_but_somebody_always_does_'.repeat(2);
const iso = (ms) => new Date(ms).toISOString();

export function edgeModel() {
  const model = new Model();
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const minutes = (count, row) =>
    Array.from({ length: count }, (_, i) => row(iso(now - (count - 1 - i) * 60_000), i));

  model.addView({
    name: 'latency',
    metric: true,
    sql: 'CREATE MATERIALIZED VIEW latency',
    columns: [
      ['service', 'STRING'],
      ['p50_ms', 'DOUBLE'],
      ['p99_ms', 'DOUBLE'],
    ],
    key: ['service'],
    rows: [
      ['checkout', 12.5, 88.25],
      ['search', 4.125, 31],
    ],
  });
  model.addView({
    name: 'many_series',
    sql: 'CREATE MATERIALIZED VIEW many_series',
    columns: [
      ['window_start', 'TIMESTAMP(3)'],
      ['sensor', 'STRING'],
      ['total', 'BIGINT'],
      ['avg_value', 'DOUBLE'],
    ],
    key: ['window_start', 'sensor'],
    timeColumn: 'window_start',
    rows: minutes(30, (at, i) =>
      Array.from({ length: 60 }, (_, s) => [
        at,
        `sensor ${s} ${s % 7 === 0 ? long : ''}`,
        (s + 1) * (20 + (i % 9)),
        s + i / 10,
      ]),
    ).flat(),
  });
  model.addView({
    name: 'one_series',
    sql: 'CREATE MATERIALIZED VIEW one_series',
    columns: [
      ['window_start', 'TIMESTAMP(3)'],
      ['window_end', 'TIMESTAMP(3)'],
      ['orders', 'BIGINT'],
    ],
    key: ['window_start', 'window_end'],
    timeColumn: 'window_start',
    rows: minutes(24, (at, i) => [at, iso(Date.parse(at) + 60_000), 40 + ((i * 31) % 17)]),
  });
  model.addView({
    name: 'long_series',
    sql: 'CREATE MATERIALIZED VIEW long_series',
    columns: [
      ['at', 'TIMESTAMP_LTZ(3)'],
      ['temperature', 'DOUBLE'],
    ],
    key: ['at'],
    timeColumn: 'at',
    rows: minutes(1000, (at, i) => [at, 20 + 5 * Math.sin(i / 40)]),
  });
  model.addView({
    name: 'ten_thousand',
    sql: 'CREATE MATERIALIZED VIEW ten_thousand',
    columns: [
      ['customer', 'STRING'],
      ['balance', 'DECIMAL(20, 2)'],
      ['points', 'BIGINT'],
    ],
    key: ['customer'],
    rows: Array.from({ length: 10_000 }, (_, i) => [
      `customer ${String(i).padStart(5, '0')}`,
      `${(i * 7919) % 10_000}.50`,
      i,
    ]),
  });
  model.addView({
    name: long,
    sql: `CREATE MATERIALIZED VIEW ${long} AS SELECT ${long} FROM ${long}`,
    columns: [
      [long, 'STRING'],
      ['number', 'BIGINT'],
      ['yes', 'BOOLEAN'],
      ['tags', 'ARRAY<STRING>'],
    ],
    rows: [
      [long, '9223372036854775807', true, ['a', 'b']],
      ['<b>markup</b>', null, false, []],
      [null, '-9223372036854775808', null, null],
    ],
  });
  model.addView({
    name: 'nothing_yet',
    columns: [
      ['id', 'BIGINT'],
      ['total', 'DOUBLE'],
    ],
    key: ['id'],
  });
  model.addView({
    name: 'refused',
    columns: [['id', 'BIGINT']],
    error: { code: 'internal', message: 'state of this view is not readable' },
  });
  model.addView({
    name: 'huge',
    columns: [['id', 'BIGINT']],
    key: ['id'],
    rows: [[1], [2]],
    claimedRows: 12_000_000,
  });
  model.addView({
    name: 'failing',
    columns: [
      ['word', 'STRING'],
      ['change', 'DOUBLE'],
    ],
    key: ['word'],
    rows: [
      ['up', 3.5],
      ['down', -2.25],
      ['level', 0],
    ],
  });

  const job = (id, name, more = {}) => ({
    id,
    name,
    kind: 'view',
    state: 'running',
    error: null,
    events_in_total: 12_345_678_901,
    events_in_per_s: 1_234_567.8,
    lag_events: 98_765_432,
    watermark: iso(now - 86_400_000 * 3),
    watermark_delay_ms: 86_400_000 * 3,
    late_dropped_total: 1234,
    ...more,
  });
  model.jobs = [
    job(1, long),
    job(2, 'failing', {
      state: 'failed',
      error: `division by zero in expression "total / ${long}" at offset 42 of transactions[0]`,
    }),
    job(3, 'load_once', { kind: 'insert', state: 'finished', watermark: null, watermark_delay_ms: null }),
  ];
  model.overrides = {
    events_in_total: 123_456_789_012,
    events_in_per_s: 1_650_000,
    events_out_per_s: 0.4,
    lag_events: 98_765_432,
    watermark_delay_ms: 86_400_000 * 3,
    dead_letters_total: 77,
    late_dropped_total: 1234,
    memory_bytes: 3 * 2 ** 30,
  };
  const alert = (name, severity, more) => ({
    alert: name,
    severity,
    state: 'firing',
    key: '',
    values: {},
    fired_at: iso(Date.now() - 125_000),
    resolved_at: null,
    ...more,
  });
  model.alerts = [
    alert('slow_checkout', 'LOW', { key: 'checkout' }),
    alert('card_testing', 'MEDIUM', { key: '4111-****-1111', values: { attempts: 42, window: '5 min' } }),
    alert('high_error_rate', 'HIGH', { values: { error_rate: 0.0712 } }),
    alert(long, 'CRITICAL', { key: long, values: { [long]: long } }),
    alert('velocity', 'HIGH', {
      state: 'resolved',
      key: 'card 17',
      fired_at: iso(Date.now() - 900_000),
      resolved_at: iso(Date.now() - 600_000),
    }),
    alert('velocity', 'HIGH', {
      state: 'resolved',
      key: long,
      fired_at: iso(Date.now() - 90_000_000),
      resolved_at: iso(Date.now() - 88_000_000),
    }),
  ];
  return model;
}
