// The rows of one view as the page holds them: exactly the view at `epoch`.
//
// Pure: messages in, rows out. A snapshot that comes in several messages is collected aside and
// takes effect with its last one, so a reader never sees half an epoch.

import type { ChangesMessage, Column, Row, SnapshotMessage } from './contract';

interface Counted {
  row: Row;
  /** How often the row is held. More than 1 only in views without a key. */
  count: number;
}

interface State {
  epoch: number;
  columns: Column[];
  key: string[];
  /** Positions of the key columns; empty means the whole row identifies itself. */
  keyPositions: number[];
  rows: Map<string, Counted>;
  rowCount: number;
}

export class ViewRows {
  private state: State = empty();
  private incoming: State | null = null;

  /** False until the first snapshot is complete. */
  ready = false;

  get epoch(): number {
    return this.state.epoch;
  }
  get columns(): Column[] {
    return this.state.columns;
  }
  get key(): string[] {
    return this.state.key;
  }
  get size(): number {
    return this.state.rowCount;
  }
  /** Rows held, counting those of a snapshot that is still arriving: what memory is spent on. */
  get held(): number {
    return this.state.rowCount + (this.incoming?.rowCount ?? 0);
  }

  /** Forgets a half-received snapshot; called when the connection is lost. What is shown stays. */
  interrupt(): void {
    this.incoming = null;
  }

  /** Returns true when what a reader sees has changed. */
  applySnapshot(message: SnapshotMessage): boolean {
    const target = this.incoming ?? startSnapshot(message);
    for (const row of message.rows) add(target, row);
    target.epoch = message.epoch;
    if (!message.last) {
      this.incoming = target;
      return false;
    }
    this.state = target;
    this.incoming = null;
    this.ready = true;
    return true;
  }

  /** Applies the net change up to `message.epoch`: all removals first, so that order within it does not matter. */
  applyChanges(message: ChangesMessage): boolean {
    // Without a complete snapshot there is nothing to change, and an epoch is never applied twice.
    if (!this.ready || this.incoming || message.epoch <= this.state.epoch) return false;
    for (const [weight, ...row] of message.rows) if (weight === -1) remove(this.state, row);
    for (const [weight, ...row] of message.rows) if (weight === 1) add(this.state, row);
    this.state.epoch = message.epoch;
    return true;
  }

  /** Calls `visit` for every row, repeated rows once per copy. `id` is stable for a key, and unique. */
  forEach(visit: (row: Row, id: string) => void): void {
    for (const [id, { row, count }] of this.state.rows) {
      visit(row, id);
      for (let copy = 1; copy < count; copy++) visit(row, `${id}#${copy}`);
    }
  }
}

function empty(): State {
  return { epoch: -1, columns: [], key: [], keyPositions: [], rows: new Map(), rowCount: 0 };
}

function startSnapshot(message: SnapshotMessage): State {
  const position = (name: string) => message.columns.findIndex((column) => column.name === name);
  return {
    ...empty(),
    columns: message.columns,
    key: message.key,
    keyPositions: message.key.map(position).filter((index) => index >= 0),
  };
}

function idOf(state: State, row: Row): string {
  return JSON.stringify(state.keyPositions.length > 0 ? state.keyPositions.map((i) => row[i]) : row);
}

function add(state: State, row: Row): void {
  const id = idOf(state, row);
  const held = state.rows.get(id);
  if (!held) {
    state.rows.set(id, { row, count: 1 });
    state.rowCount++;
  } else if (state.keyPositions.length > 0) {
    held.row = row; // a key holds one row
  } else {
    held.count++;
    state.rowCount++;
  }
}

function remove(state: State, row: Row): void {
  const id = idOf(state, row);
  const held = state.rows.get(id);
  if (!held) return;
  state.rowCount--;
  if (--held.count === 0) state.rows.delete(id);
}
