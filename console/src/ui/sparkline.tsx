import { sparkPath } from '../model/history';

const WIDTH = 240;
const HEIGHT = 40;

/** The shape of the recent past. Decoration: the number beside it says the same in text. */
export function Sparkline({ samples }: { samples: readonly number[] }) {
  const line = sparkPath(samples, WIDTH, HEIGHT);
  const area = line === '' ? '' : `${line}V${HEIGHT}H${line.slice(1).split(' ')[0]}Z`;
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="sparkline-area" d={area} />
      <path class="sparkline-line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
