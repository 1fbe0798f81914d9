import { feeds, nowMs, phase, retryAtMs, status } from '../feed/store';
import { age, clock } from '../model/format';
import { type Theme, theme, zone } from '../preferences';

export function Header() {
  return (
    <header class="header">
      <div class="brand">
        <Mark />
        <h1>Penstock</h1>
        <ConnectionState />
      </div>
      <div class="header-facts">
        <Facts />
        <Clock />
        <ThemeChoice />
      </div>
    </header>
  );
}

/** A pipe that falls from the gate to the turbine. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" />
      <path d="M5 6.5h5.5L17 17.5" />
      <circle cx="17" cy="17.5" r="2.6" />
    </svg>
  );
}

function ConnectionState() {
  const text = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting' }[phase.value];
  return (
    <span class="connection" role="status" data-testid="connection" data-phase={phase.value}>
      <span class="connection-dot" aria-hidden="true" />
      {text}
      <StaleSince />
    </span>
  );
}

/** How old the figures on the screen are, while nothing new comes. */
function StaleSince() {
  if (phase.value !== 'reconnecting') return null;
  const wait =
    retryAtMs.value === null ? null : Math.max(0, Math.ceil((retryAtMs.value - nowMs.value) / 1000));
  const seen =
    status.value && feeds.value
      ? `data from ${clock(Date.parse(status.value.time), zone.value === 'utc')}`
      : null;
  const next = wait !== null && wait > 1 ? `next try in ${wait} s` : null;
  const text = [seen, next].filter((part) => part !== null).join(', ');
  // Not announced: it changes every second.
  return text === '' ? null : (
    <span class="connection-detail" aria-hidden="true">
      {text}
    </span>
  );
}

function Facts() {
  if (!status.value) return null;
  return (
    <span class="facts" data-testid="version">
      <span>v{status.value.version}</span>
      <span>up {age(status.value.uptime_ms)}</span>
    </span>
  );
}

function Clock() {
  const utc = zone.value === 'utc';
  return (
    <button
      type="button"
      class="clock"
      title="Show times in UTC or in the time zone of this browser"
      onClick={() => (zone.value = utc ? 'local' : 'utc')}
      data-testid="clock"
    >
      {clock(nowMs.value, utc)} <span class="clock-zone">{utc ? 'UTC' : 'local'}</span>
    </button>
  );
}

const themes: { value: Theme; title: string; icon: string }[] = [
  { value: 'system', title: 'Theme of the system', icon: 'M3.5 4.5h13v9h-13zM7.5 16.5h5M10 13.5v3' },
  {
    value: 'light',
    title: 'Light theme',
    icon: 'M10 6.5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 1 1 0-7M10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.4 4.4l1.2 1.2M14.4 14.4l1.2 1.2M4.4 15.6l1.2-1.2M14.4 5.6l1.2-1.2',
  },
  { value: 'dark', title: 'Dark theme', icon: 'M16.5 11.6A6.8 6.8 0 0 1 8.4 3.5a6.8 6.8 0 1 0 8.1 8.1z' },
];

function ThemeChoice() {
  return (
    <fieldset class="segments" data-testid="theme">
      <legend class="sr-only">Theme</legend>
      {themes.map(({ value, title, icon }) => (
        <button
          type="button"
          key={value}
          title={title}
          aria-label={title}
          aria-pressed={theme.value === value}
          onClick={() => (theme.value = value)}
          data-theme-choice={value}
        >
          <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d={icon} />
          </svg>
        </button>
      ))}
    </fieldset>
  );
}
