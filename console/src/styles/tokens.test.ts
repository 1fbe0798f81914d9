import { describe, expect, it } from 'vitest';
import css from './tokens.css?raw';

/** The colour tokens of a theme, by name. */
function colours(theme: string): Map<string, string> {
  const block = css.slice(css.indexOf(`[data-theme="${theme}"]`)).split('}')[0] ?? '';
  return new Map(
    [...block.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const channel = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

describe.each(['dark', 'light'])('colours, %s', (theme) => {
  const tokens = colours(theme);
  const pairs = (front: string[], back: string[]) =>
    front.flatMap((f) => back.map((b): [string, string] => [f, b]));
  const ratio = (front: string, back: string) => {
    const [a, b] = [tokens.get(`--${front}`), tokens.get(`--${back}`)];
    if (a === undefined || b === undefined) throw new Error(`no colour ${front} or ${back}`);
    return contrast(a, b);
  };

  it.each<[string, string]>([
    ...pairs(
      ['text', 'text-quiet'],
      ['page', 'panel', 'control', 'control-on', 'high-tint', 'medium-tint', 'low-tint'],
    ),
    ...pairs(['high'], ['panel', 'high-tint']),
    ['medium', 'page'],
    ['medium', 'medium-tint'],
    ['low', 'low-tint'],
    ['good', 'page'],
    ['page', 'high'],
    ['page', 'medium'],
    ['page', 'low'],
  ])('text %s on %s has 4.5:1', (front, back) => {
    expect(ratio(front, back)).toBeGreaterThanOrEqual(4.5);
  });

  const series = ['1', '2', '3', '4', '5', '6', 'rest'].map((n) => `series-${n}`);
  it.each<[string, string]>(pairs([...series, 'accent', 'focus', 'good'], ['panel']))(
    'mark %s on %s has 3:1',
    (front, back) => {
      expect(ratio(front, back)).toBeGreaterThanOrEqual(3);
    },
  );
});
