// A uPlot chart that follows changing data: values are replaced in place, and the chart is made anew only
// when the set of series, the theme or the time zone changes.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Series } from '../model/chart';
import { clock, compact, day } from '../model/format';
import { token } from '../preferences';

export interface DrawnSeries extends Series {
  /** Unique among the series of a chart. */
  id: string;
  /** Which of the series colours it has. */
  slot: number;
  hidden: boolean;
}

/** A single series is drawn as bars up to this many points, then as a filled line. */
const BARS_MAX = 90;
const POINTS_MARKED_MAX = 12;

export class Plot {
  private chart: uPlot | null = null;
  private made = '';
  private readonly resize: ResizeObserver;

  constructor(
    private readonly element: HTMLElement,
    private readonly onCursor: (index: number | null) => void,
  ) {
    this.resize = new ResizeObserver(() => {
      const { width, height } = this.size();
      if (this.chart && (width !== this.chart.width || height !== this.chart.height))
        this.chart.setSize({ width, height });
    });
    this.resize.observe(element);
  }

  destroy(): void {
    this.resize.disconnect();
    this.chart?.destroy();
    this.chart = null;
  }

  show(times: number[], series: DrawnSeries[], look: string, utc: boolean): void {
    const bars = series.length === 1 && times.length <= BARS_MAX;
    const shape = JSON.stringify([look, bars, series.map((s) => [s.id, s.slot, s.hidden])]);
    const data = [times, ...series.map((s) => s.values)] as uPlot.AlignedData;
    if (this.chart && shape === this.made) {
      this.chart.setData(data);
      return;
    }
    this.chart?.destroy();
    this.made = shape;
    this.chart = new uPlot(this.options(series, bars, utc), data, this.element);
  }

  private size(): { width: number; height: number } {
    return {
      width: Math.max(120, this.element.clientWidth),
      height: Math.max(80, this.element.clientHeight),
    };
  }

  private options(series: DrawnSeries[], bars: boolean, utc: boolean): uPlot.Options {
    const quiet = token('--text-quiet');
    const axis: uPlot.Axis = {
      stroke: quiet,
      font: `11px ${getComputedStyle(this.element).fontFamily}`,
      grid: { stroke: token('--grid'), width: 1 },
      ticks: { show: false },
      gap: 6,
    };
    return {
      ...this.size(),
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 7 } },
      scales: {
        x: { time: true, range: bars ? widened : undefined },
        y: { range: fromZero },
      } as uPlot.Scales,
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 70,
          size: 28,
          values: (_, splits, _axis, _space, step) => splits.map((s) => timeLabel(s, step, utc)),
        },
        { ...axis, size: 52, space: 36, values: (_, splits) => splits.map(compact) },
      ],
      series: [{}, ...series.map((s) => seriesOptions(s, bars, series.length === 1))],
      hooks: { setCursor: [(chart) => this.onCursor(chart.cursor.idx ?? null)] },
    };
  }
}

function seriesOptions(s: DrawnSeries, bars: boolean, alone: boolean): uPlot.Series {
  const colour = token(s.rest ? '--series-rest' : `--series-${s.slot + 1}`);
  const base: uPlot.Series = {
    show: !s.hidden,
    stroke: colour,
    width: 2,
    spanGaps: true,
    points: { size: 5, fill: colour, show: isSparse },
    ...(s.rest ? { dash: [5, 4] } : {}),
  };
  if (bars && uPlot.paths.bars)
    return {
      ...base,
      width: 0,
      fill: colour,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.72, 40], radius: 0.12 }),
    };
  return alone ? { ...base, fill: `${colour}26` } : base;
}

/** A few points are marked one by one; a single one would not be seen otherwise. */
function isSparse(chart: uPlot, index: number): boolean {
  let points = 0;
  for (const value of chart.data[index] ?? [])
    if (value != null && ++points > POINTS_MARKED_MAX) return false;
  return true;
}

/** Bars stand on their time; half a bar's room on both sides keeps the outer ones whole. */
function widened(chart: uPlot, min: number, max: number): [number, number] {
  const steps = Math.max(1, (chart.data[0]?.length ?? 1) - 1);
  const half = max > min ? (max - min) / steps / 2 : 30;
  return [min - half, max + half];
}

/** Amounts are compared by their distance from zero, so zero is always on the axis. */
function fromZero(_: uPlot, min: number | null, max: number | null): [number, number] {
  const low = Math.min(0, min ?? 0);
  const high = Math.max(0, max ?? 0);
  const room = (high - low || 1) * 0.06;
  return [low < 0 ? low - room : 0, high + room];
}

function timeLabel(seconds: number, step: number, utc: boolean): string {
  if (step >= 86_400) return day(seconds * 1000, utc).slice(5);
  return clock(seconds * 1000, utc, step < 60);
}
