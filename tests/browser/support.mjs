// What the browser tests share: the browser, a cable that can be cut, and how to read the page.

import net from 'node:net';
import { chromium } from 'playwright-core';

/** What the page must never be seen doing, collected per page. */
export class Watch {
  errors = [];
  hosts = new Set();

  constructor(page) {
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => {
      const text = message.text();
      // A refused connection is logged by the browser itself; tests that cut the line cause it on purpose.
      if (message.type() === 'error' && !/ERR_CONNECTION|WebSocket connection/.test(text))
        this.errors.push(text);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) this.hosts.add(new URL(request.url()).host);
    });
    page.on('websocket', (socket) => this.hosts.add(new URL(socket.url()).host));
  }
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens the page in a fresh profile and waits until it is live and shows its views. */
export async function open(
  browser,
  url,
  { width = 1280, height = 900, scheme = 'dark', motion = 'no-preference' } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: motion,
  });
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  const watch = new Watch(page);
  await page.goto(url);
  return { page, watch, close: () => context.close() };
}

export async function untilLive(page) {
  await page.waitForSelector('[data-testid=page][data-phase=live]');
  await page.waitForFunction(() => {
    const views = [...document.querySelectorAll('[data-testid=view]')];
    return (
      (views.length > 0 && views.every((view) => view.dataset.state !== 'loading')) ||
      document.querySelector('[data-testid=no-views]') !== null
    );
  });
}

export function panel(page, name) {
  return page.locator(`[data-testid=view][data-view="${name}"]`);
}

export async function showTable(page, name) {
  await panel(page, name).locator('[data-face-choice=table]').click();
  await panel(page, name).locator('[data-testid=table]').waitFor();
}

/**
 * Watches the table of a view and the API side by side until both have shown one epoch, and returns what each
 * had: `{epoch, page, api}`, rows as arrays of text in the order of the API. Only a table that is in the
 * document whole, up to 200 rows, can be read.
 */
export async function rowsAtOneEpoch(page, name, timeoutMs = 30_000) {
  const found = await page.evaluate(
    async ([name, timeoutMs]) => {
      const panel = document.querySelector(`[data-testid=view][data-view="${name}"]`);
      const shown = new Map();
      const served = new Map();
      const look = () => {
        const cells = [...panel.querySelectorAll('tbody tr')].map((row) =>
          [...row.cells].map((cell) => cell.dataset.value),
        );
        shown.set(panel.dataset.epoch, cells);
      };
      const observer = new MutationObserver(look);
      observer.observe(panel, { attributes: true, attributeFilter: ['data-epoch'] });
      look();
      const end = performance.now() + timeoutMs;
      while (performance.now() < end) {
        const answer = await (await fetch(`api/v1/views/${encodeURIComponent(name)}?limit=1000`)).json();
        served.set(String(answer.epoch), answer.rows);
        // The page may draw an epoch a little after the API has served it.
        for (const [epoch, api] of served) {
          if (!shown.has(epoch)) continue;
          observer.disconnect();
          const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
          return { epoch, page: shown.get(epoch), api: api.map((row) => row.map(text)) };
        }
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      observer.disconnect();
      return { shown: [...shown.keys()].slice(-5), served: [...served.keys()].slice(-5) };
    },
    [name, timeoutMs],
  );
  if (!found.page) throw new Error(`page and API never met at one epoch: ${JSON.stringify(found)}`);
  const order = (rows) => rows.map((row) => JSON.stringify(row)).sort();
  return { epoch: found.epoch, page: order(found.page), api: order(found.api) };
}

/** A TCP line to `port` that can be cut and mended: the network between a browser and its server. */
export async function startCable(port, host = '127.0.0.1') {
  const open = new Set();
  let isCut = false;
  const server = net.createServer((near) => {
    if (isCut) return near.destroy();
    const far = net.connect(port, host);
    for (const [a, b] of [
      [near, far],
      [far, near],
    ]) {
      open.add(a);
      a.pipe(b);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        open.delete(a);
        b.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    mend() {
      isCut = false;
    },
    async close() {
      this.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
