// A lively example: card payments, spend per minute and category, running totals per merchant, and an error
// rate that now and then rises and sets off an alert.

import { Model } from './model.mjs';

const categories = ['groceries', 'fuel', 'travel', 'electronics', 'restaurants', 'health', 'games', 'books'];
const weights = [30, 14, 22, 18, 9, 6, 3, 2];
const merchants = [
  'Alder & Finch',
  'Bluebird Air',
  'Copper Kettle',
  'Delta Fuels',
  'Evergreen Market',
  'Foxglove Pharmacy',
  'Granite Electronics',
  'Harbour Books',
  'Ivory Games',
  'Juniper Rail',
  'Kestrel Coffee',
  'Lantern Hotels',
  'Meadow Foods',
  'Northwind Travel',
  'Orchid Dental',
];
const sql = {
  spend_per_minute: `CREATE MATERIALIZED VIEW spend_per_minute AS
SELECT window_start, window_end, category, SUM(amount) AS total, COUNT(*) AS transactions
FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, category`,
  merchant_totals: `CREATE MATERIALIZED VIEW merchant_totals AS
SELECT merchant, COUNT(*) AS transactions, SUM(amount) AS total
FROM transactions GROUP BY merchant`,
  error_rate: `CREATE MATERIALIZED VIEW error_rate WITH ('metric' = 'true') AS
SELECT AVG(CASE WHEN status = 'declined' THEN 1.0 ELSE 0.0 END) AS error_rate
FROM transactions`,
};

export function fraudModel({ seed = 1, tickMs = 200 } = {}) {
  const model = new Model();
  const random = randomFrom(seed);
  const minuteMs = 60_000;
  const windows = new Map();
  const totals = new Map(
    merchants.map((name, i) => [name, [name, 40 + ((i * 37) % 90), 2000 + ((i * 7919) % 9000)]]),
  );
  const iso = (ms) => new Date(ms).toISOString();
  let rate = 0.02;
  let events = 0;
  let lag = 0;
  let timer = null;

  const windowRow = (start, category) => {
    const id = `${start} ${category}`;
    if (!windows.has(id)) windows.set(id, [iso(start), iso(start + minuteMs), category, 0, 0]);
    return id;
  };
  const pay = (ms, category, amount) => {
    const id = windowRow(Math.floor(ms / minuteMs) * minuteMs, category);
    const [start, end, name, total, count] = windows.get(id);
    windows.set(id, [start, end, name, round(total + amount), count + 1]);
    return windows.get(id);
  };
  const anyCategory = () => {
    let pick = random() * weights.reduce((a, b) => a + b);
    const found = weights.findIndex((weight) => {
      pick -= weight;
      return pick < 0;
    });
    return categories[Math.max(0, found)];
  };
  const amount = () => round(5 + 120 * random() ** 3);

  const now = Math.floor(Date.now() / minuteMs) * minuteMs;
  for (let back = 40; back >= 1; back--) {
    categories.forEach((category, c) => {
      const id = windowRow(now - back * minuteMs, category);
      const wave = 1 + 0.35 * Math.sin((back + c * 5) / 6) + 0.25 * (random() - 0.5);
      const count = Math.max(1, Math.round(weights[c] * 2.2 * wave));
      const [start, end] = windows.get(id);
      windows.set(id, [start, end, category, round(count * (28 + 8 * random())), count]);
    });
  }
  model.addView({
    name: 'error_rate',
    metric: true,
    sql: sql.error_rate,
    columns: [['error_rate', 'DOUBLE']],
    rows: [[rate]],
  });
  model.addView({
    name: 'spend_per_minute',
    sql: sql.spend_per_minute,
    columns: [
      ['window_start', 'TIMESTAMP(3)'],
      ['window_end', 'TIMESTAMP(3)'],
      ['category', 'STRING'],
      ['total', 'DOUBLE'],
      ['transactions', 'BIGINT'],
    ],
    key: ['window_start', 'category'],
    timeColumn: 'window_start',
    rows: [...windows.values()],
  });
  model.addView({
    name: 'merchant_totals',
    sql: sql.merchant_totals,
    columns: [
      ['merchant', 'STRING'],
      ['transactions', 'BIGINT'],
      ['total', 'DOUBLE'],
    ],
    key: ['merchant'],
    rows: [...totals.values()],
  });

  const step = () => {
    const ms = Date.now();
    const changedWindows = new Map();
    const changedTotals = new Map();
    const burst = 1 + Math.floor(random() * 5);
    for (let i = 0; i < burst; i++) {
      const row = pay(ms, anyCategory(), amount());
      changedWindows.set(`${row[0]} ${row[2]}`, row);
      const merchant = merchants[Math.floor(random() ** 1.6 * merchants.length)];
      const [name, count, total] = totals.get(merchant);
      totals.set(merchant, [name, count + 1, round(total + amount())]);
      changedTotals.set(merchant, totals.get(merchant));
    }
    events += burst;
    lag = Math.max(0, Math.round(lag + (random() - 0.55) * 6));
    const usual = Math.sin(ms / 20_000) > 0.5 ? 0.07 : 0.018;
    rate = Math.max(0.002, rate + (usual - rate) * 0.05 + (random() - 0.5) * 0.004);
    model.commit('spend_per_minute', [...changedWindows.values()]);
    model.commit('merchant_totals', [...changedTotals.values()]);
    const before = [...model.views.get('error_rate').rows.values()];
    model.commit('error_rate', [[Number(rate.toFixed(5))]], before);
    judge(model, rate, iso(ms));
    const perSecond = (burst * 1000) / tickMs;
    const job = (id, name, kind, watermarked) => ({
      id,
      name,
      kind,
      state: 'running',
      error: null,
      events_in_total: 184_220 + events,
      events_in_per_s: perSecond * 0.9,
      lag_events: lag,
      watermark: watermarked ? iso(ms - 5000) : null,
      watermark_delay_ms: watermarked ? 5000 + Math.round(random() * 90) : null,
      late_dropped_total: id === 2 ? 3 : 0,
    });
    model.jobs = [
      job(1, 'error_rate', 'view', true),
      job(2, 'spend_per_minute', 'view', true),
      job(3, 'merchant_totals', 'view', false),
      job(4, 'high_error_rate', 'alert', false),
    ];
    model.overrides = {
      events_in_total: 184_220 + events,
      events_in_per_s: 1200 + 180 * Math.sin(ms / 9000) + perSecond * 4,
      events_out_total: 92_110 + events,
      events_out_per_s: 640 + 90 * Math.sin(ms / 7000) + perSecond * 2,
      lag_events: lag,
      watermark_delay_ms: 5000 + Math.round(random() * 120),
      late_dropped_total: 3,
    };
  };
  const { start, stop } = model;
  model.step = step;
  model.start = () => {
    start.call(model);
    step();
    timer = setInterval(step, tickMs);
  };
  model.stop = () => {
    stop.call(model);
    clearInterval(timer);
  };
  /** Stops the payments but not the status, so that a test can compare at rest. */
  model.pause = () => clearInterval(timer);
  return model;
}

function judge(model, rate, at) {
  const firing = model.alerts.find((alert) => alert.state === 'firing');
  const values = { error_rate: Number(rate.toFixed(4)) };
  if (!firing && rate > 0.05) {
    const alert = {
      alert: 'high_error_rate',
      severity: 'HIGH',
      state: 'firing',
      key: '',
      values,
      fired_at: at,
      resolved_at: null,
    };
    model.setAlerts([alert, ...model.alerts].slice(0, 8));
  } else if (firing && rate < 0.04) {
    model.setAlerts(
      model.alerts.map((alert) =>
        alert === firing ? { ...alert, state: 'resolved', values, resolved_at: at } : alert,
      ),
    );
  }
}

function round(value) {
  return Math.round(value * 100) / 100;
}

/** A small reproducible generator (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
