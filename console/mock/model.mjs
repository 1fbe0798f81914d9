// Views, alerts and status in memory, with epochs and the changes between them.

export class Model {
  views = new Map();
  alerts = [];
  jobs = [];
  overrides = {};
  #epoch = 1;
  #listeners = new Set();
  #started = Date.now();
  #statusTimer = null;

  /** Adds a view; `key` names its primary key. Rows are arrays in the order of `columns`. */
  addView({
    name,
    columns,
    key = [],
    timeColumn = null,
    metric = false,
    sql = '',
    rows = [],
    error = null,
    claimedRows = null,
  }) {
    const typed = columns.map((column) => ({ name: column[0], type: column[1] }));
    const view = {
      name,
      columns: typed,
      key,
      timeColumn,
      metric,
      sql,
      rows: new Map(),
      epoch: this.#epoch,
      error,
      claimedRows,
    };
    for (const row of rows) view.rows.set(this.#id(view, row), row);
    this.views.set(name, view);
    this.publishChannel('views');
    return view;
  }

  dropView(name) {
    this.views.delete(name);
    this.#emit({ view: name, message: { type: 'dropped' } });
    this.publishChannel('views');
  }

  /** One epoch: puts `rows` in place of those with the same key, removes those of `gone`. */
  commit(name, rows, gone = []) {
    const view = this.views.get(name);
    const changes = [];
    for (const row of gone) {
      const id = this.#id(view, row);
      const before = view.rows.get(id);
      if (!before) continue;
      changes.push([-1, ...before]);
      view.rows.delete(id);
    }
    for (const row of rows) {
      const id = this.#id(view, row);
      const before = view.rows.get(id);
      // Additions first on purpose: a client must not rely on the order within an epoch.
      changes.unshift([1, ...row]);
      if (before) changes.push([-1, ...before]);
      view.rows.set(id, row);
    }
    view.epoch = ++this.#epoch;
    this.#emit({ view: name, message: { type: 'changes', epoch: view.epoch, rows: changes } });
  }

  /** What a server does whose client was too slow: everything anew. */
  resnapshot(name) {
    const { epoch, columns, key, rows } = this.views.get(name);
    this.#emit({
      view: name,
      message: { type: 'snapshot', epoch, columns, key, rows: [...rows.values()], last: true },
    });
  }

  setAlerts(alerts) {
    this.alerts = alerts;
    this.publishChannel('alerts');
  }

  describe({ name, sql, metric, columns, key, timeColumn, rows, epoch, claimedRows }) {
    return {
      name,
      sql,
      metric,
      columns,
      key,
      time_column: timeColumn,
      rows: claimedRows ?? rows.size,
      epoch,
    };
  }

  describeViews() {
    return [...this.views.values()].map((view) => this.describe(view));
  }

  status() {
    return {
      version: '0.1.0',
      uptime_ms: Date.now() - this.#started,
      time: new Date().toISOString(),
      events_in_total: 0,
      events_in_per_s: 0,
      events_out_total: 0,
      events_out_per_s: 0,
      lag_events: 0,
      watermark_delay_ms: null,
      dead_letters_total: 0,
      late_dropped_total: 0,
      memory_bytes: 50_331_648,
      jobs: this.jobs,
      ...this.overrides,
    };
  }

  channel(name) {
    if (name === 'status') return { type: 'status', status: this.status() };
    if (name === 'alerts') return { type: 'alerts', alerts: this.alerts };
    return { type: 'views', views: this.describeViews() };
  }

  publishChannel(name) {
    this.#emit({ channel: name, message: this.channel(name) });
  }

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start() {
    this.#statusTimer = setInterval(() => this.publishChannel('status'), 1000);
  }

  stop() {
    clearInterval(this.#statusTimer);
  }

  #emit(event) {
    for (const listener of this.#listeners) listener(event);
  }

  #id(view, row) {
    if (view.key.length === 0) return JSON.stringify([row, view.rows.size]);
    return JSON.stringify(
      view.key.map((name) => row[view.columns.findIndex((column) => column.name === name)]),
    );
  }
}
