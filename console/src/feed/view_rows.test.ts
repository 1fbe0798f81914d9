import { describe, expect, it } from 'vitest';
import type { Row, SnapshotMessage } from './contract';
import { ViewRows } from './view_rows';

const columns = [
  { name: 'merchant', type: 'STRING' },
  { name: 'total', type: 'DOUBLE' },
];

function snapshot(epoch: number, rows: Row[], options: Partial<SnapshotMessage> = {}): SnapshotMessage {
  return { type: 'snapshot', id: 1, epoch, columns, key: ['merchant'], rows, last: true, ...options };
}

function changes(epoch: number, ...rows: Row[]) {
  return { type: 'changes', id: 1, epoch, rows } as const;
}

function rowsOf(view: ViewRows): Row[] {
  const rows: Row[] = [];
  view.forEach((row) => {
    rows.push(row);
  });
  return rows.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

describe('ViewRows', () => {
  it('holds nothing before the first snapshot', () => {
    const view = new ViewRows();
    expect(view.ready).toBe(false);
    expect(view.applyChanges(changes(5, [1, 'a', 1]))).toBe(false);
    expect(view.size).toBe(0);
  });

  it('applies removals before additions, in whatever order they stand', () => {
    const view = new ViewRows();
    view.applySnapshot(snapshot(1, [['a', 1]]));
    view.applyChanges(changes(2, [1, 'a', 2], [-1, 'a', 1]));
    expect(rowsOf(view)).toEqual([['a', 2]]);
    expect(view.size).toBe(1);
    expect(view.epoch).toBe(2);
  });

  it('adds and removes keys', () => {
    const view = new ViewRows();
    view.applySnapshot(
      snapshot(1, [
        ['a', 1],
        ['b', 2],
      ]),
    );
    view.applyChanges(changes(4, [-1, 'a', 1], [1, 'c', 3]));
    expect(rowsOf(view)).toEqual([
      ['b', 2],
      ['c', 3],
    ]);
  });

  it('never applies an epoch twice', () => {
    const view = new ViewRows();
    view.applySnapshot(snapshot(3, [['a', 1]], { key: [] }));
    expect(view.applyChanges(changes(3, [1, 'a', 1]))).toBe(false);
    expect(view.applyChanges(changes(4, [1, 'a', 1]))).toBe(true);
    expect(view.applyChanges(changes(4, [1, 'a', 1]))).toBe(false);
    expect(view.size).toBe(2);
  });

  it('counts equal rows of a view without a key', () => {
    const view = new ViewRows();
    view.applySnapshot(
      snapshot(
        1,
        [
          ['a', 1],
          ['a', 1],
          ['b', 1],
        ],
        { key: [] },
      ),
    );
    expect(view.size).toBe(3);
    view.applyChanges(changes(2, [-1, 'a', 1]));
    expect(rowsOf(view)).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    const ids = new Set<string>();
    view.applyChanges(changes(3, [1, 'b', 1]));
    view.forEach((_, id) => {
      ids.add(id);
    });
    expect(ids.size).toBe(3);
  });

  it('replaces everything with a new snapshot', () => {
    const view = new ViewRows();
    view.applySnapshot(
      snapshot(1, [
        ['a', 1],
        ['b', 2],
      ]),
    );
    view.applySnapshot(snapshot(9, [['a', 5]]));
    expect(rowsOf(view)).toEqual([['a', 5]]);
    expect(view.epoch).toBe(9);
  });

  it('accepts a snapshot with a lower epoch: the server may have restarted from a checkpoint', () => {
    const view = new ViewRows();
    view.applySnapshot(snapshot(9, [['a', 5]]));
    view.applySnapshot(snapshot(2, [['a', 1]]));
    expect(view.epoch).toBe(2);
    expect(view.applyChanges(changes(3, [-1, 'a', 1]))).toBe(true);
    expect(view.size).toBe(0);
  });

  it('shows a snapshot in several messages only when it is complete', () => {
    const view = new ViewRows();
    view.applySnapshot(snapshot(1, [['old', 1]]));
    expect(view.applySnapshot(snapshot(7, [['a', 1]], { last: false }))).toBe(false);
    expect(rowsOf(view)).toEqual([['old', 1]]);
    expect(view.held).toBe(2);
    expect(view.applySnapshot(snapshot(7, [['b', 2]], { last: true }))).toBe(true);
    expect(rowsOf(view)).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('starts over when the connection broke within a snapshot', () => {
    const view = new ViewRows();
    view.applySnapshot(snapshot(1, [['a', 1]], { last: false }));
    view.interrupt();
    view.applySnapshot(snapshot(2, [['b', 1]]));
    expect(rowsOf(view)).toEqual([['b', 1]]);
  });

  it('agrees with a recount after random changes', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    const truth = new Map<string, number>();
    const view = new ViewRows();
    view.applySnapshot(snapshot(0, []));
    for (let epoch = 1; epoch <= 500; epoch++) {
      const rows: Row[] = [];
      const touched = new Set<string>();
      for (let i = 0; i < 5; i++) {
        const key = `m${random(30)}`;
        if (touched.has(key)) continue;
        touched.add(key);
        const before = truth.get(key);
        if (before !== undefined) rows.push([-1, key, before]);
        if (random(4) === 0) truth.delete(key);
        else {
          truth.set(key, epoch);
          rows.unshift([1, key, epoch]);
        }
      }
      view.applyChanges(changes(epoch, ...rows));
    }
    expect(new Map(rowsOf(view).map((row) => [row[0], row[1]]))).toEqual(truth);
    expect(view.size).toBe(truth.size);
  });
});
