/** The last `capacity` samples of a number, oldest first. */
export class History {
  readonly samples: number[] = [];

  constructor(private readonly capacity: number) {}

  push(value: number): void {
    this.samples.push(value);
    if (this.samples.length > this.capacity) this.samples.shift();
  }
}

/** A short history is drawn as if it had this many samples, so that the first ones do not fill the box. */
const SAMPLES_DRAWN_MIN = 40;

/**
 * An SVG path through the samples in a box of `width` x `height`; the newest is at the right edge.
 * Zero is always in the box, so that a small wobble looks small.
 */
export function sparkPath(samples: readonly number[], width: number, height: number): string {
  if (samples.length < 2) return '';
  const low = Math.min(0, ...samples);
  const high = Math.max(0, ...samples);
  const span = high - low;
  const step = width / (Math.max(samples.length, SAMPLES_DRAWN_MIN) - 1);
  const start = width - (samples.length - 1) * step;
  const inset = 1.5;
  return samples
    .map((value, i) => {
      const ratio = span === 0 ? 0 : (value - low) / span;
      const x = (start + i * step).toFixed(1);
      const y = (height - inset - ratio * (height - 2 * inset)).toFixed(1);
      return `${i === 0 ? 'M' : 'L'}${x} ${y}`;
    })
    .join('');
}
