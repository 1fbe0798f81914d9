// The shapes of docs/http-api.md, as the page uses them.

/** A value of a row. Big integers and decimals arrive as strings; structured types as JSON. */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };
export type Row = readonly Value[];

export interface Column {
  name: string;
  type: string;
}

export interface View {
  name: string;
  sql: string;
  metric: boolean;
  columns: Column[];
  /** Names of the primary-key columns; empty when rows have none. */
  key: string[];
  time_column: string | null;
  rows: number;
  epoch: number;
}

export interface Job {
  id: number;
  name: string;
  kind: 'view' | 'insert' | 'alert';
  state: 'running' | 'finished' | 'failed';
  error: string | null;
  events_in_total: number;
  events_in_per_s: number;
  lag_events: number;
  watermark: string | null;
  watermark_delay_ms: number | null;
  late_dropped_total: number;
}

export interface Status {
  version: string;
  uptime_ms: number;
  time: string;
  events_in_total: number;
  events_in_per_s: number;
  events_out_total: number;
  events_out_per_s: number;
  lag_events: number;
  watermark_delay_ms: number | null;
  dead_letters_total: number;
  late_dropped_total: number;
  memory_bytes: number;
  jobs: Job[];
}

export interface Alert {
  alert: string;
  severity: string;
  state: 'firing' | 'resolved';
  key: string;
  values: { [name: string]: Value };
  fired_at: string;
  resolved_at: string | null;
}

export interface ApiError {
  code: string;
  message: string;
  hint?: string;
}

/** What a subscription is about: `{view: name}` or `{channel: name}`. */
export type Topic = { view: string } | { channel: 'status' | 'alerts' | 'views' };

export type SnapshotMessage = {
  type: 'snapshot';
  id: number;
  epoch: number;
  columns: Column[];
  key: string[];
  rows: Row[];
  last: boolean;
};
/** Each row is a weight, +1 or -1, followed by the values. */
export type ChangesMessage = { type: 'changes'; id: number; epoch: number; rows: Row[] };

export type ServerMessage =
  | SnapshotMessage
  | ChangesMessage
  | { type: 'dropped'; id: number }
  | { type: 'status'; id: number; status: Status }
  | { type: 'alerts'; id: number; alerts: Alert[] }
  | { type: 'views'; id: number; views: View[] }
  | { type: 'error'; id: number; error: ApiError };
