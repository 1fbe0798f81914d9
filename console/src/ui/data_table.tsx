import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Column, Row, Value } from '../feed/contract';
import type { ViewFeed } from '../feed/view_feed';
import { cell, decimalsFor, isNumeric } from '../model/format';
import type { Shape } from '../model/shape';
import {
  defaultSort,
  type Entry,
  firstDirection,
  type Sort,
  sortEntries,
  visibleWindow,
} from '../model/table';
import { reducedMotion, zone } from '../preferences';

/** Tables up to this length are in the document whole, so that they can be searched and copied. */
const WHOLE_UP_TO = 200;
const ROW_HEIGHT = 32;
/** The most that the style sheet gives a table. */
const HEIGHT = 440;

interface DataTableProps {
  feed: ViewFeed;
  version: number;
  shape: Shape;
  columns: Column[];
}

export function DataTable({ feed, version, shape, columns }: DataTableProps) {
  const chosen = useSignal<Sort | null>(null);
  const scrollTop = useSignal(0);
  const sort = chosen.value ?? defaultSort(shape);
  const entries = useMemo(() => {
    const all: Entry[] = [];
    feed.rows.forEach((row, id) => {
      all.push({ id, row });
    });
    return sortEntries(all, sort, columns);
  }, [feed, version, sort.column, sort.descending, columns]);
  const { from, to } = visibleWindow(entries.length, WHOLE_UP_TO, scrollTop.value, HEIGHT, ROW_HEIGHT);
  const visible = entries.slice(from, to);
  const decimals = columns.map((_, index) => columnDecimals(visible, index));
  const sortBy = (column: number) => {
    const descending = sort.column === column ? !sort.descending : firstDirection(columns[column]);
    chosen.value = { column, descending };
  };
  return (
    <section
      class="table-scroll"
      aria-label={`Rows of ${feed.name}`}
      // A region that scrolls must be reachable by keyboard.
      tabIndex={0}
      onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={entries.length + 1} data-testid="table">
        <thead>
          <tr>
            {columns.map((column, index) => (
              <Heading key={column.name} column={column} index={index} sort={sort} sortBy={sortBy} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer rows={from} />
          {visible.map(({ id, row }, index) => (
            <TableRow key={id} row={row} columns={columns} decimals={decimals} position={from + index + 2} />
          ))}
          <Spacer rows={entries.length - to} />
        </tbody>
      </table>
    </section>
  );
}

interface HeadingProps {
  column: Column;
  index: number;
  sort: Sort;
  sortBy: (column: number) => void;
}

function Heading({ column, index, sort, sortBy }: HeadingProps) {
  const sorted = sort.column === index;
  return (
    <th
      scope="col"
      class={isNumeric(column.type) ? 'number' : ''}
      aria-sort={sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" title={column.type} onClick={() => sortBy(index)}>
        {column.name}
        <span class="sort-mark" aria-hidden="true">
          {sorted ? (sort.descending ? '↓' : '↑') : ''}
        </span>
      </button>
    </th>
  );
}

/** Stands for rows that are out of sight, so that the scroll bar tells the truth. */
function Spacer({ rows }: { rows: number }) {
  return rows <= 0 ? null : (
    <tr class="spacer" aria-hidden="true" style={{ height: `${rows * ROW_HEIGHT}px` }} />
  );
}

interface TableRowProps {
  row: Row;
  columns: Column[];
  decimals: number[];
  position: number;
}

function TableRow({ row, columns, decimals, position }: TableRowProps) {
  return (
    <tr aria-rowindex={position}>
      {columns.map((column, index) => (
        <Cell
          key={column.name}
          value={row[index] ?? null}
          type={column.type}
          decimals={decimals[index] ?? 0}
        />
      ))}
    </tr>
  );
}

function Cell({ value, type, decimals }: { value: Value; type: string; decimals: number }) {
  const element = useRef<HTMLTableCellElement>(null);
  const raw = typeof value === 'string' ? value : JSON.stringify(value);
  const shown = useRef(raw);
  useEffect(() => {
    if (shown.current === raw) return;
    shown.current = raw;
    flash(element.current);
  }, [raw]);
  const text = cell(value, type, decimals, zone.value === 'utc');
  return (
    <td
      ref={element}
      class={`${isNumeric(type) ? 'number' : ''}${value === null ? ' null' : ''}`}
      title={text}
      data-value={raw}
    >
      {text}
    </td>
  );
}

/** Marks a cell as just changed; never for people who asked for less motion. */
function flash(element: HTMLElement | null): void {
  if (!element || reducedMotion()) return;
  for (const running of element.getAnimations()) running.cancel();
  element.animate([{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }], {
    duration: 900,
    easing: 'ease-out',
  });
}

function columnDecimals(entries: Entry[], index: number): number {
  const values: number[] = [];
  for (const { row } of entries) {
    const value = row[index];
    if (typeof value === 'number') values.push(value);
  }
  return decimalsFor(values);
}
