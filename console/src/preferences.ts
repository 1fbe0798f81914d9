// What the person at the screen has chosen: theme and time zone. Kept in this browser.

import { effect, type Signal, signal } from '@preact/signals';

export type Theme = 'system' | 'dark' | 'light';

export const theme = stored<Theme>('penstock.theme', 'system', ['system', 'dark', 'light']);
export const zone = stored<'local' | 'utc'>('penstock.zone', 'local', ['local', 'utc']);

/** Changes whenever the colours in force change; what draws on a canvas depends on it. */
export const colours = signal(0);

function stored<T extends string>(key: string, fallback: T, allowed: T[]): Signal<T> {
  let start = fallback;
  try {
    const kept = localStorage.getItem(key) as T | null;
    if (kept !== null && allowed.includes(kept)) start = kept;
  } catch {
    // Storage can be forbidden; then a choice lasts as long as the page.
  }
  const choice = signal(start);
  effect(() => {
    const { value } = choice;
    try {
      localStorage.setItem(key, value);
    } catch {
      // See above.
    }
  });
  return choice;
}

export function applyTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  effect(() => {
    document.documentElement.dataset.theme =
      theme.value === 'system' ? (system.matches ? 'dark' : 'light') : theme.value;
    colours.value = colours.peek() + 1;
  });
  system.addEventListener('change', () => {
    if (theme.value !== 'system') return;
    document.documentElement.dataset.theme = system.matches ? 'dark' : 'light';
    colours.value++;
  });
}

export function reducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** The value of a colour token, for canvas drawing. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
