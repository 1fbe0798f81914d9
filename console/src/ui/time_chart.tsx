import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Column, Row } from '../feed/contract';
import { nowMs } from '../feed/store';
import type { ViewFeed } from '../feed/view_feed';
import { assignSlots, buildChart, type Chart } from '../model/chart';
import { compact, decimalsFor, fixed, moment } from '../model/format';
import { isAdditive, type Shape } from '../model/shape';
import { colours, zone } from '../preferences';
import { type DrawnSeries, Plot } from './plot';

export const SERIES_MAX = 6;
const TIMES_MAX = 300;

interface TimeChartProps {
  feed: ViewFeed;
  rows: Row[];
  shape: Shape;
  columns: Column[];
  measure: number;
}

/** Series over time, with a legend that also carries the latest values. */
export function TimeChart({ feed, rows, shape, columns, measure }: TimeChartProps) {
  const column = columns[measure]?.name ?? '';
  const chart = useMemo(
    () =>
      buildChart(rows, {
        time: shape.time ?? 0,
        names: shape.names,
        measure,
        additive: isAdditive(column),
        seriesMax: SERIES_MAX,
        timesMax: TIMES_MAX,
      }),
    [rows, measure],
  );
  const toggled = useSignal<ReadonlySet<string>>(new Set());
  const cursor = useSignal<number | null>(null);
  const series = useDrawnSeries(chart, toggled.value);
  const toggle = (name: string) => {
    const next = new Set(toggled.value);
    if (!next.delete(name)) next.add(name);
    toggled.value = next;
  };
  return (
    <div class="time-chart">
      <Canvas
        chart={chart}
        series={series}
        onCursor={(index) => (cursor.value = index)}
        label={`${feed.name}: ${column} over time`}
      />
      <Legend chart={chart} series={series} cursor={cursor.value} toggle={toggle} column={column} />
    </div>
  );
}

const REST = '\0rest';

/** The series in the order of their colours, which stay with a name while the ranking changes. */
function useDrawnSeries(chart: Chart, toggled: ReadonlySet<string>): DrawnSeries[] {
  const slots = useRef<Map<string, number>>(new Map());
  return useMemo(() => {
    const names = chart.series.filter((s) => !s.rest).map((s) => s.name);
    slots.current = assignSlots(slots.current, names, SERIES_MAX);
    const largest = chart.series[0]?.last ?? 0;
    return chart.series
      .map((s) => {
        const id = s.rest ? REST : s.name;
        // A sum that dwarfs the series would press them flat, so it starts hidden.
        const hiddenAtFirst = s.rest && s.last > 2 * largest;
        return {
          ...s,
          id,
          slot: slots.current.get(id) ?? SERIES_MAX,
          hidden: hiddenAtFirst !== toggled.has(id),
        };
      })
      .sort((a, b) => a.slot - b.slot);
  }, [chart, toggled]);
}

interface CanvasProps {
  chart: Chart;
  series: DrawnSeries[];
  onCursor: (index: number | null) => void;
  label: string;
}

/** Hands the data to uPlot, which owns everything inside this element. */
function Canvas({ chart, series, onCursor, label }: CanvasProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  useEffect(() => {
    if (!element.current) return;
    plot.current = new Plot(element.current, onCursor);
    return () => plot.current?.destroy();
  }, []);
  // Colours and zone are read here so that a change of either draws anew.
  const look = `${colours.value} ${zone.value}`;
  useEffect(() => plot.current?.show(chart.times, series, look, zone.value === 'utc'), [chart, series, look]);
  return (
    <div
      class="canvas"
      ref={element}
      role="img"
      aria-label={`${label}. The table has the same values.`}
      data-points={chart.times.length}
    />
  );
}

interface LegendProps {
  chart: Chart;
  series: DrawnSeries[];
  cursor: number | null;
  toggle: (name: string) => void;
  column: string;
}

function Legend({ chart, series, cursor, toggle, column }: LegendProps) {
  const time = cursor === null ? undefined : chart.times[cursor];
  const when = time === undefined ? 'latest' : moment(time * 1000, nowMs.value, zone.value === 'utc');
  // One number of decimals for all, so that they stand in line and keep their width.
  const decimals = decimalsFor(series.map((s) => s.last));
  const single = series.length === 1 && series[0]?.name === '';
  return (
    <div class="legend">
      <p class="legend-head">
        {column} <span class="quiet">{when}</span>
        {chart.timesCut > 0 && (
          <span class="quiet">
            last {TIMES_MAX} of {fixed(chart.timesCut + TIMES_MAX, 0)} times
          </span>
        )}
        {chart.folded > 0 && !series.some((s) => s.rest) && (
          <span class="quiet">{fixed(chart.folded, 0)} more only in the table</span>
        )}
      </p>
      <ul>
        {series.map((s) => {
          const value = time === undefined || cursor === null ? s.last : s.values[cursor];
          return (
            <li key={s.id}>
              <button
                type="button"
                class="legend-item"
                aria-pressed={!s.hidden}
                onClick={() => toggle(s.id)}
                title={single ? column : s.name}
                data-slot={s.slot}
              >
                <span class="swatch" aria-hidden="true" />
                <span class="legend-name">{single ? column : s.name}</span>
                <span class="legend-value">
                  {value == null ? '–' : Math.abs(value) >= 1e6 ? compact(value) : fixed(value, decimals)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
