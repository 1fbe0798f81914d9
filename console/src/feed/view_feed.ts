// One materialized view as the page follows it: its description, its rows, and what went wrong.

import { type Signal, signal } from '@preact/signals';
import { label, numberOf } from '../model/format';
import { History } from '../model/history';
import { type Shape, shapeOf } from '../model/shape';
import { paint } from '../paint';
import type { Connection, Subscriber } from './connection';
import type { Column, Row, ServerMessage, View } from './contract';
import { ViewRows } from './view_rows';

/** A view beyond this is not held in the browser unless asked for. */
const ROWS_FOLLOWED_MAX = 100_000;
/** ... and this is the end even then. */
const ROWS_HELD_MAX = 500_000;
const RETRY_MS = 3_000;
const METRICS_MAX = 12;
/** One a second: five minutes. */
const METRIC_SAMPLES = 300;

export type Trouble =
  | { kind: 'error'; message: string }
  | { kind: 'dropped' }
  | { kind: 'large'; rows: number };

export interface Metric {
  name: string;
  value: number | null;
  history: History;
}

export class ViewFeed implements Subscriber {
  readonly name: string;
  readonly view: Signal<View>;
  readonly rows = new ViewRows();
  /** Rises with every drawn change of the rows. */
  readonly version = signal(0);
  readonly trouble = signal<Trouble | null>(null);
  /** Only for metric views: the values by name, with their recent past. */
  readonly metrics = new Map<string, Metric>();

  private following = false;
  private insisted = false;
  private retry = 0;

  constructor(
    view: View,
    private readonly connection: Connection,
  ) {
    this.name = view.name;
    this.view = signal(view);
    this.follow();
  }

  /** Takes a newer description; tries again where the subscription had ended. */
  describe(view: View): void {
    this.view.value = view;
    this.follow();
  }

  /** Follows a view although it is large. */
  insist(): void {
    this.insisted = true;
    this.follow();
  }

  close(): void {
    clearTimeout(this.retry);
    this.following = false;
    this.connection.unsubscribe(this);
  }

  lost(): void {
    this.rows.interrupt();
  }

  message(message: ServerMessage): void {
    if (message.type === 'snapshot') this.received(this.rows.applySnapshot(message));
    else if (message.type === 'changes') this.received(this.rows.applyChanges(message));
    else if (message.type === 'dropped') this.ended({ kind: 'dropped' });
    else if (message.type === 'error') this.ended({ kind: 'error', message: message.error.message });
  }

  /** The columns and key of the rows that are held, or, before there are any, of the description. */
  layout(): { columns: Column[]; key: string[]; shape: Shape } {
    const view = this.view.value;
    const { columns, key } = this.rows.ready ? this.rows : view;
    return {
      columns,
      key,
      shape: shapeOf({ columns, key, time_column: view.time_column, metric: view.metric }),
    };
  }

  /** Adds the present metric values to their past; called once a second, so that it is evenly spaced. */
  sample(): void {
    for (const { value, history } of this.metrics.values()) if (value !== null) history.push(value);
  }

  private readMetrics(): void {
    if (!this.view.peek().metric) return;
    const { shape, columns } = this.layout();
    const seen = new Set<string>();
    this.rows.forEach((row) => {
      for (const index of shape.measures) {
        if (seen.size >= METRICS_MAX) return;
        const name = metricName(row, shape, columns, index);
        seen.add(name);
        const metric = this.metrics.get(name) ?? { name, value: null, history: new History(METRIC_SAMPLES) };
        metric.value = numberOf(row[index]);
        this.metrics.set(name, metric);
      }
    });
    for (const name of this.metrics.keys()) if (!seen.has(name)) this.metrics.delete(name);
  }

  private follow(): void {
    if (this.following) return;
    clearTimeout(this.retry);
    const { rows } = this.view.peek();
    if (rows > ROWS_FOLLOWED_MAX && !this.insisted) {
      this.trouble.value = { kind: 'large', rows };
      return;
    }
    this.following = true;
    this.connection.subscribe({ view: this.name }, this);
  }

  private received(changed: boolean): void {
    if (this.rows.held > (this.insisted ? ROWS_HELD_MAX : 2 * ROWS_FOLLOWED_MAX)) {
      const rows = this.rows.held;
      this.insisted = false;
      this.close();
      this.trouble.value = { kind: 'large', rows };
      return;
    }
    if (!changed) return;
    this.readMetrics();
    paint(this, () => {
      this.trouble.value = null;
      this.version.value++;
    });
  }

  /** While the view is still listed the subscription is tried again: it may have been created anew. */
  private ended(trouble: Trouble): void {
    this.following = false;
    this.trouble.value = trouble;
    this.retry = window.setTimeout(() => this.follow(), RETRY_MS);
  }
}

export function metricName(row: Row, shape: Shape, columns: Column[], measure: number): string {
  const parts = shape.names.map((index) => label([row[index]]));
  if (shape.measures.length > 1) parts.push(columns[measure]?.name ?? '');
  return parts.join(' · ');
}
