import type { Column, Row } from '../feed/contract';
import { decimalsFor, fixed, label, numberOf } from '../model/format';
import type { Shape } from '../model/shape';

const BARS_MAX = 10;

interface RankingProps {
  rows: Row[];
  shape: Shape;
  columns: Column[];
  measure: number;
  showTable: () => void;
}

/** The rows with the largest values, as bars. */
export function Ranking({ rows, shape, columns, measure, showTable }: RankingProps) {
  const ranked = rows
    .map((row) => ({ name: label(shape.names.map((index) => row[index])), value: numberOf(row[measure]) }))
    .filter((bar): bar is { name: string; value: number } => bar.value !== null)
    .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
  const bars = ranked.slice(0, BARS_MAX);
  const largest = Math.max(...bars.map((bar) => Math.abs(bar.value)), Number.MIN_VALUE);
  const decimals = decimalsFor(bars.map((bar) => bar.value));
  const more = rows.length - bars.length;
  return (
    <div class="ranking">
      <ol aria-label={`Largest by ${columns[measure]?.name ?? 'value'}`}>
        {bars.map(({ name, value }) => (
          <li key={name}>
            <span class="bar-name" title={name}>
              {name}
            </span>
            <span class="bar-track" aria-hidden="true">
              <span
                class={value < 0 ? 'bar bar-negative' : 'bar'}
                style={{ transform: `scaleX(${(Math.abs(value) / largest).toFixed(4)})` }}
              />
            </span>
            <span class="bar-value">{fixed(value, decimals)}</span>
          </li>
        ))}
      </ol>
      {more > 0 && (
        <button type="button" class="link" onClick={showTable}>
          {fixed(more, 0)} more in the table
        </button>
      )}
    </div>
  );
}
