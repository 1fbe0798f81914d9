import { describe, expect, it } from 'vitest';
import { backoffMs, Connection, type Environment, type Socket, type Subscriber } from './connection';
import type { ServerMessage } from './contract';

/** A socket, a clock and timers that move only when the test says so. */
class FakeWorld implements Environment {
  now = 0;
  sockets: FakeSocket[] = [];
  private timers = new Map<number, { at: number; run: () => void }>();
  private nextTimer = 1;

  openSocket(): Socket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }
  setTimer(run: () => void, afterMs: number): number {
    this.timers.set(this.nextTimer, { at: this.now + afterMs, run });
    return this.nextTimer++;
  }
  clearTimer(timer: number): void {
    this.timers.delete(timer);
  }
  nowMs(): number {
    return this.now;
  }
  random(): number {
    return 0.5;
  }
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, t]) => t.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
    }
    this.now = until;
  }
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no socket was opened');
    return socket;
  }
}

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: { type: string; id: number; view?: string }[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  deliver(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function setUp() {
  const world = new FakeWorld();
  const phases: string[] = [];
  const connection: Connection = new Connection(world, () => phases.push(connection.phase));
  const messages: ServerMessage[] = [];
  let lost = 0;
  const subscriber: Subscriber = { message: (m) => messages.push(m), lost: () => lost++ };
  connection.subscribe({ view: 'v' }, subscriber);
  connection.start();
  return { world, connection, phases, messages, subscriber, lostCount: () => lost };
}

describe('backoffMs', () => {
  it('doubles up to ten seconds, with jitter of a half', () => {
    expect(backoffMs(0, 0)).toBe(125);
    expect(backoffMs(0, 0.999)).toBe(250);
    expect(backoffMs(3, 1)).toBe(2000);
    expect(backoffMs(50, 1)).toBe(10_000);
  });
});

describe('Connection', () => {
  it('subscribes once open and hands on messages by id', () => {
    const { world, phases, messages } = setUp();
    expect(world.socket.sent).toEqual([]);
    world.socket.onopen?.();
    expect(world.socket.sent).toEqual([{ type: 'subscribe', id: 1, view: 'v' }]);
    world.socket.deliver({ type: 'changes', id: 1, epoch: 2, rows: [] });
    world.socket.deliver({ type: 'changes', id: 99, epoch: 3, rows: [] });
    expect(messages).toHaveLength(1);
    expect(phases).toEqual(['live']);
  });

  it('subscribes again after a reconnect under a new id, and ignores the old socket', () => {
    const { world, phases, messages, lostCount } = setUp();
    const first = world.socket;
    first.onopen?.();
    const stale = first.onmessage;
    first.onclose?.();
    expect(lostCount()).toBe(1);
    expect(phases).toEqual(['live', 'reconnecting']);
    world.advance(1000);
    expect(world.sockets).toHaveLength(2);
    world.socket.onopen?.();
    expect(world.socket.sent).toEqual([{ type: 'subscribe', id: 2, view: 'v' }]);
    stale?.({ data: JSON.stringify({ type: 'changes', id: 1, epoch: 3, rows: [] }) });
    expect(messages).toHaveLength(0);
  });

  it('waits longer after every failure and starts afresh once the server has spoken', () => {
    const { world } = setUp();
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = world.sockets.length;
      world.socket.onclose?.();
      let waited = 0;
      while (world.sockets.length === before) {
        world.advance(1);
        waited++;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([188, 375, 750, 1500]);
    world.socket.onopen?.();
    world.socket.deliver({ type: 'changes', id: 1, epoch: 2, rows: [] });
    world.socket.onclose?.();
    world.advance(188);
    expect(world.sockets).toHaveLength(6);
  });

  it('leaves a connection that has gone silent', () => {
    const { world } = setUp();
    const first = world.socket;
    first.onopen?.();
    world.advance(5000);
    first.deliver({ type: 'changes', id: 1, epoch: 2, rows: [] });
    world.advance(7900);
    expect(first.closed).toBe(false);
    world.advance(200);
    expect(first.closed).toBe(true);
    world.advance(300);
    expect(world.sockets).toHaveLength(2);
  });

  it('leaves a socket that never opens', () => {
    const { world } = setUp();
    world.advance(9000);
    expect(world.sockets[0]?.closed).toBe(true);
    expect(world.sockets.length).toBeGreaterThan(1);
  });

  it('hurries only when it is waiting', () => {
    const { world, connection } = setUp();
    connection.hurry();
    expect(world.sockets).toHaveLength(1);
    world.socket.onclose?.();
    expect(connection.retryAtMs).toBe(188);
    connection.hurry();
    expect(world.sockets).toHaveLength(2);
    world.advance(1000);
    expect(world.sockets).toHaveLength(2);
  });

  it('ends a subscription on dropped and error, and does not renew it', () => {
    const { world, messages } = setUp();
    world.socket.onopen?.();
    world.socket.deliver({ type: 'dropped', id: 1 });
    expect(messages).toHaveLength(1);
    world.socket.onclose?.();
    world.advance(1000);
    world.socket.onopen?.();
    expect(world.socket.sent).toEqual([]);
  });

  it('unsubscribes', () => {
    const { world, connection, subscriber, messages } = setUp();
    world.socket.onopen?.();
    connection.unsubscribe(subscriber);
    expect(world.socket.sent.at(-1)).toEqual({ type: 'unsubscribe', id: 1 });
    world.socket.deliver({ type: 'changes', id: 1, epoch: 2, rows: [] });
    expect(messages).toEqual([]);
  });

  it('starts over when the server talks nonsense', () => {
    const { world, phases } = setUp();
    world.socket.onopen?.();
    world.socket.onmessage?.({ data: '<html>' });
    expect(phases.at(-1)).toBe('reconnecting');
  });
});
