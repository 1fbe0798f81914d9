// Keeps one WebSocket to the server open, and the caller's subscriptions alive across reconnects.
//
// Pure of the page: the socket, the timers and the randomness are handed in, so tests drive it
// without a network. After a reconnect every subscription is sent again under a new id, so a
// message of an old socket can never be taken for one of the new.

import type { ServerMessage, Topic } from './contract';

export type Phase = 'connecting' | 'live' | 'reconnecting';

export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Environment {
  openSocket(): Socket;
  setTimer(run: () => void, afterMs: number): number;
  clearTimer(timer: number): void;
  nowMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
}

/** A subscriber. `lost` is called when the connection goes; what it holds is stale until the next message. */
export interface Subscriber {
  message(message: ServerMessage): void;
  lost?(): void;
}

const backoffFirstMs = 250;
const backoffMaxMs = 10_000;
/** `status` comes every second; a connection this silent is dead even if TCP has not noticed. */
const silenceMaxMs = 8_000;
const openMaxMs = 8_000;

/** Doubles with each failed try up to a bound; the jitter keeps many pages from returning in one instant. */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(failures, 16));
  return Math.round(full * (0.5 + random / 2));
}

export class Connection {
  phase: Phase = 'connecting';
  /** When the next try is due, while reconnecting. */
  retryAtMs: number | null = null;

  private socket: Socket | null = null;
  private failures = 0;
  private retryTimer: number | null = null;
  private watchTimer: number | null = null;
  private heardMs = 0;
  private nextId = 1;
  private readonly topics = new Map<Subscriber, Topic>();
  private readonly ids = new Map<Subscriber, number>();
  private readonly subscribers = new Map<number, Subscriber>();

  constructor(
    private readonly environment: Environment,
    private readonly phaseChanged: () => void,
  ) {}

  start(): void {
    this.open();
  }

  stop(): void {
    this.detach();
    this.cancelRetry();
  }

  /** Tries at once instead of waiting for the backoff: the network is back, or someone is looking. */
  hurry(): void {
    if (this.retryTimer === null) return;
    this.cancelRetry();
    this.open();
  }

  subscribe(topic: Topic, subscriber: Subscriber): void {
    this.topics.set(subscriber, topic);
    if (this.phase === 'live') this.sendSubscribe(topic, subscriber);
  }

  unsubscribe(subscriber: Subscriber): void {
    this.topics.delete(subscriber);
    const id = this.ids.get(subscriber);
    if (id === undefined) return;
    this.ids.delete(subscriber);
    this.subscribers.delete(id);
    this.socket?.send(JSON.stringify({ type: 'unsubscribe', id }));
  }

  private open(): void {
    const socket = this.environment.openSocket();
    this.socket = socket;
    this.heardMs = this.environment.nowMs();
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => this.received(event.data);
    socket.onclose = () => this.closed();
    this.watch(openMaxMs);
  }

  private opened(): void {
    this.heardMs = this.environment.nowMs();
    this.setPhase('live');
    for (const [subscriber, topic] of this.topics) this.sendSubscribe(topic, subscriber);
    this.watch(silenceMaxMs);
  }

  private received(data: unknown): void {
    this.heardMs = this.environment.nowMs();
    let message: ServerMessage;
    try {
      message = JSON.parse(String(data)) as ServerMessage;
    } catch {
      this.closed(); // not our protocol: start over
      return;
    }
    // Only a server that talks resets the backoff; one that accepts and dies at once must not be hammered.
    this.failures = 0;
    const subscriber = this.subscribers.get(message.id);
    if (!subscriber) return; // unsubscribed meanwhile
    if (message.type === 'dropped' || message.type === 'error') {
      this.topics.delete(subscriber);
      this.ids.delete(subscriber);
      this.subscribers.delete(message.id);
    }
    subscriber.message(message);
  }

  private closed(): void {
    this.detach();
    const waitMs = backoffMs(this.failures++, this.environment.random());
    this.retryAtMs = this.environment.nowMs() + waitMs;
    this.retryTimer = this.environment.setTimer(() => {
      this.cancelRetry();
      this.open();
    }, waitMs);
    this.setPhase('reconnecting');
    for (const subscriber of this.topics.keys()) subscriber.lost?.();
  }

  private detach(): void {
    if (this.watchTimer !== null) this.environment.clearTimer(this.watchTimer);
    this.watchTimer = null;
    this.ids.clear();
    this.subscribers.clear();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private cancelRetry(): void {
    if (this.retryTimer !== null) this.environment.clearTimer(this.retryTimer);
    this.retryTimer = null;
    this.retryAtMs = null;
  }

  /** Gives up on the socket when nothing has been heard for `limitMs`. */
  private watch(limitMs: number): void {
    if (this.watchTimer !== null) this.environment.clearTimer(this.watchTimer);
    const silentMs = this.environment.nowMs() - this.heardMs;
    this.watchTimer = this.environment.setTimer(() => {
      if (this.environment.nowMs() - this.heardMs >= limitMs) this.closed();
      else this.watch(limitMs);
    }, limitMs - silentMs);
  }

  private setPhase(phase: Phase): void {
    this.phase = phase;
    this.phaseChanged();
  }

  private sendSubscribe(topic: Topic, subscriber: Subscriber): void {
    const id = this.nextId++;
    this.ids.set(subscriber, id);
    this.subscribers.set(id, subscriber);
    this.socket?.send(JSON.stringify({ type: 'subscribe', id, ...topic }));
  }
}
