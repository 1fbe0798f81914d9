// Values as text. English grouping throughout, so that a screen reads the same wherever it hangs.

import type { Value } from '../feed/contract';

const numberFormats = new Map<number, Intl.NumberFormat>();

/** Groups thousands and keeps exactly `decimals` decimals, so that a changing number keeps its width. */
export function fixed(value: number, decimals: number): string {
  let format = numberFormats.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat('en-US', {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    numberFormats.set(decimals, format);
  }
  return format.format(value);
}

const units = ['', 'k', 'M', 'B', 'T'];

/** Three significant digits and a unit: `842`, `12.3k`, `1.07M`. For axes and where room is short. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return '–';
  let unit = 0;
  let scaled = value;
  // 999.5 would round to 1000, so the next unit starts there.
  while (Math.abs(scaled) >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = Number(scaled.toPrecision(3));
  return `${Number.isInteger(digits) ? digits : String(digits)}${units[unit]}`;
}

/** A rate for a key figure: whole when large, one decimal when small. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${fixed(value / 1e6, 2)}M`;
  return fixed(value, size >= 100 || value === 0 ? 0 : 1);
}

/** How many there are: exactly, up to a million. */
export function count(value: number): string {
  return Math.abs(value) >= 1e6 ? figure(value) : fixed(value, 0);
}

/** A measure on its own: four significant digits or whole thousands. */
export function measure(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return compact(value);
  if (Number.isInteger(value)) return fixed(value, 0);
  return fixed(value, size >= 10_000 ? 0 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
}

export function duration(ms: number): string {
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const [d, h, m, s] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  if (d > 0) return `${d} d ${h} h`;
  return h > 0 ? `${h} h ${pad(m)} min` : `${m} min ${pad(s)} s`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const names = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = count / 1024;
  let unit = 0;
  while (scaled >= 1024 && unit < names.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${scaled.toFixed(scaled < 10 ? 1 : 0)} ${names[unit]}`;
}

/** A time that passes by the second: `8 s`, `2 min 05 s`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

/** Local time, or UTC. Both shift the clock so that the UTC getters give what is to be shown. */
function shifted(ms: number, utc: boolean): Date {
  const date = new Date(ms);
  return utc ? date : new Date(ms - date.getTimezoneOffset() * 60_000);
}

export function clock(ms: number, utc: boolean, withSeconds = true): string {
  const d = shifted(ms, utc);
  const minutes = `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`;
  return withSeconds ? `${minutes}:${pad(d.getUTCSeconds())}` : minutes;
}

export function day(ms: number, utc: boolean): string {
  const d = shifted(ms, utc);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;
}

/** `2026-01-02 03:04:05`, with milliseconds only where there are some. */
export function dateTime(ms: number, utc: boolean): string {
  const fraction = ((ms % 1000) + 1000) % 1000;
  return `${day(ms, utc)} ${clock(ms, utc)}${fraction === 0 ? '' : `.${pad(Math.round(fraction), 3)}`}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A short name for a moment: `07:23:51` today, `21 Nov 07:23` on other days. */
export function moment(ms: number, nowMs: number, utc: boolean): string {
  if (day(ms, utc) === day(nowMs, utc)) return clock(ms, utc);
  const d = shifted(ms, utc);
  return `${d.getUTCDate()} ${months[d.getUTCMonth()]} ${clock(ms, utc, false)}`;
}

/** Groups the digits of a whole number given as text, which may be beyond what a double holds. */
function groupDigits(text: string): string {
  const [, sign = '', whole = '', rest = ''] = /^(-?)(\d+)(.*)$/.exec(text) ?? [];
  return whole === '' ? text : `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${rest}`;
}

/** A value of a table cell. `decimals` applies to floating-point columns. */
export function cell(value: Value, type: string, decimals: number, utc: boolean): string {
  if (value === null) return 'null';
  if (isNumeric(type)) {
    if (typeof value === 'number' && isFloating(type)) return fixed(value, decimals);
    return groupDigits(String(value));
  }
  if (isTimestamp(type) && typeof value === 'string') {
    const ms = Date.parse(value);
    return Number.isNaN(ms) ? value : dateTime(ms, utc);
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Decimals that show a column of numbers of this size without noise, and no more than they have. */
export function decimalsFor(values: number[]): number {
  let largest = 0;
  let needed = 0;
  for (const value of values) {
    largest = Math.max(largest, Math.abs(value));
    if (needed < 4) needed = Math.max(needed, String(Number(value.toFixed(4))).split('.')[1]?.length ?? 0);
  }
  return Math.min(needed, largest >= 10 ? 2 : 4);
}

export function isNumeric(type: string): boolean {
  return /^(TINYINT|SMALLINT|INT|INTEGER|BIGINT|FLOAT|REAL|DOUBLE|DECIMAL|NUMERIC)\b/i.test(type);
}

function isFloating(type: string): boolean {
  return /^(FLOAT|REAL|DOUBLE)\b/i.test(type);
}

export function isTimestamp(type: string): boolean {
  return /^TIMESTAMP/i.test(type);
}

/** The number in a cell, or null where there is none: NULL, NaN, text. */
export function numberOf(value: Value | undefined): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value === '') return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

/** How several values make one label: `food`, `food · Berlin`. */
export function label(values: (Value | undefined)[]): string {
  return values
    .map((v) => (v == null ? 'null' : typeof v === 'object' ? JSON.stringify(v) : String(v)))
    .join(' · ');
}
