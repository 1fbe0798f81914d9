// Everything that the page shows, as signals, kept current by the connection.

import { signal } from '@preact/signals';
import { History } from '../model/history';
import { paint } from '../paint';
import { Connection, type Phase, type Socket } from './connection';
import type { Alert, Status, View } from './contract';
import { ViewFeed } from './view_feed';

/** One a second: three minutes. */
const STATUS_SAMPLES = 180;

export const phase = signal<Phase>('connecting');
export const retryAtMs = signal<number | null>(null);
/** When the server last said anything about its state, in its own time. */
export const status = signal<Status | null>(null);
export const alerts = signal<Alert[] | null>(null);
export const feeds = signal<ViewFeed[] | null>(null);
/** The server's time, moving on by the second. */
export const nowMs = signal(Date.now());

export const histories = {
  eventsIn: new History(STATUS_SAMPLES),
  eventsOut: new History(STATUS_SAMPLES),
  lag: new History(STATUS_SAMPLES),
  watermarkDelay: new History(STATUS_SAMPLES),
};

let clockOffsetMs = 0;
const byName = new Map<string, ViewFeed>();

const connection: Connection = new Connection(
  {
    openSocket: () => new WebSocket(socketUrl()) as unknown as Socket,
    setTimer: (run, afterMs) => window.setTimeout(run, afterMs),
    clearTimer: (timer) => window.clearTimeout(timer),
    nowMs: () => performance.now(),
    random: Math.random,
  },
  () => {
    const retryInMs = connection.retryAtMs === null ? null : connection.retryAtMs - performance.now();
    paint(connection, () => {
      phase.value = connection.phase;
      retryAtMs.value = retryInMs === null ? null : Date.now() + clockOffsetMs + retryInMs;
    });
  },
);

/** Relative to the page, so that it also works behind a proxy that adds a path. */
function socketUrl(): string {
  const url = new URL('api/v1/ws', document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = '';
  url.hash = '';
  return url.href;
}

export function start(): void {
  connection.subscribe(
    { channel: 'status' },
    { message: (m) => m.type === 'status' && statusReceived(m.status) },
  );
  connection.subscribe(
    { channel: 'views' },
    { message: (m) => m.type === 'views' && viewsReceived(m.views) },
  );
  connection.subscribe(
    { channel: 'alerts' },
    { message: (m) => m.type === 'alerts' && paint(alerts, () => (alerts.value = m.alerts)) },
  );
  connection.start();
  setInterval(() => paint(nowMs, () => (nowMs.value = Date.now() + clockOffsetMs)), 1000);
  addEventListener('online', () => connection.hurry());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.hurry();
  });
}

function statusReceived(received: Status): void {
  clockOffsetMs = Date.parse(received.time) - Date.now();
  histories.eventsIn.push(received.events_in_per_s);
  histories.eventsOut.push(received.events_out_per_s);
  histories.lag.push(received.lag_events);
  if (received.watermark_delay_ms !== null) histories.watermarkDelay.push(received.watermark_delay_ms);
  for (const feed of byName.values()) feed.sample();
  paint(status, () => {
    status.value = received;
    nowMs.value = Date.now() + clockOffsetMs;
  });
}

function viewsReceived(views: View[]): void {
  const listed = new Set(views.map((view) => view.name));
  for (const [name, feed] of byName) {
    if (listed.has(name)) continue;
    feed.close();
    byName.delete(name);
  }
  for (const view of views) {
    const feed = byName.get(view.name);
    if (feed) feed.describe(view);
    else byName.set(view.name, new ViewFeed(view, connection));
  }
  paint(feeds, () => {
    feeds.value = views.map((view) => byName.get(view.name)).filter((feed) => feed !== undefined);
  });
}
