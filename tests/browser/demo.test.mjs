// The real program with its demo data: the page lives, survives a cut line, and then shows exactly what the API says.
// Needs PENSTOCK_BIN, the path of the penstock binary.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, open, panel, rowsAtOneEpoch, showTable, startCable, untilLive } from './support.mjs';

const binary = process.env.PENSTOCK_BIN;
const startMaxMs = 60_000;

describe('demo', { skip: binary ? false : 'PENSTOCK_BIN is not set' }, () => {
  let folder;
  let server;
  let cable;
  let browser;
  let view;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penstock-demo-'));
    server = spawn(
      binary,
      ['demo', '--http', '127.0.0.1:0', '--kafka', '127.0.0.1:0', '--pg', '127.0.0.1:0'],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const url = await urlOf(server);
    cable = await startCable(Number(new URL(url).port));
    browser = await launch();
    view = await comparableView(url);
  });

  after(async () => {
    await browser?.close();
    await cable?.close();
    await stop(server);
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('numbers move', async () => {
    const { page, watch, close } = await open(browser, cable.url);
    await untilLive(page);
    const moving = async (testId) => {
      const before = await page.locator(`[data-testid=${testId}]`).textContent();
      await page.waitForFunction(
        ([id, before]) => document.querySelector(`[data-testid=${id}]`)?.textContent !== before,
        [testId, before],
      );
    };
    await moving('value-events-in');
    const epoch = await panel(page, view).getAttribute('data-epoch');
    await page.waitForFunction(
      ([name, before]) =>
        Number(document.querySelector(`[data-view="${name}"]`).dataset.epoch) > Number(before),
      [view, epoch],
    );
    assert.ok((await page.locator('[data-testid=job][data-state=running]').count()) > 0);
    assert.equal(await page.locator('[data-testid=job][data-state=failed]').count(), 0);
    assert.deepEqual(watch.errors, []);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    await close();
  });

  test('the page agrees with the API, also after the line was cut', async () => {
    const { page, watch, close } = await open(browser, cable.url);
    await untilLive(page);
    await showTable(page, view);
    const before = await rowsAtOneEpoch(page, view);
    assert.deepEqual(before.page, before.api);

    cable.cut();
    await page.waitForSelector('[data-testid=connection][data-phase=reconnecting]');
    const still = await panel(page, view).getAttribute('data-epoch');
    await page.waitForTimeout(3000);
    assert.equal(
      await panel(page, view).getAttribute('data-epoch'),
      still,
      'nothing moves while the line is cut',
    );
    assert.ok((await panel(page, view).locator('tbody tr').count()) > 0, 'the last known rows stay');

    cable.mend();
    await page.waitForSelector('[data-testid=connection][data-phase=live]');
    await page.waitForFunction(
      ([name, before]) =>
        Number(document.querySelector(`[data-view="${name}"]`).dataset.epoch) > Number(before),
      [view, still],
    );
    const { page: shown, api } = await rowsAtOneEpoch(page, view);
    assert.deepEqual(shown, api);
    assert.deepEqual(watch.errors, []);
    await close();
  });
});

/** Waits for the line that names the page, and keeps what was printed for the message when it never comes. */
function urlOf(child) {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (why) => reject(new Error(`${why}; it printed:\n${printed.slice(-4000)}`));
    const timer = setTimeout(() => fail('the demo did not name its page in time'), startMaxMs);
    const read = (data) => {
      printed += data;
      const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', (error) => fail(String(error)));
    child.on('exit', (code, signal) => fail(`the demo ended with ${code ?? signal}`));
  });
}

async function stop(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** A view whose table the page shows whole: merchant_totals, or else any keyed one without a time column. */
async function comparableView(url) {
  const end = Date.now() + startMaxMs;
  for (;;) {
    const { views } = await (await fetch(`${url}api/v1/views`)).json();
    const fitting = views.filter(
      ({ key, time_column, metric, rows }) =>
        key.length > 0 && !time_column && !metric && rows > 0 && rows <= 200,
    );
    const chosen = fitting.find(({ name }) => name === 'merchant_totals') ?? fitting[0];
    if (chosen) return chosen.name;
    if (Date.now() > end) throw new Error(`no view to compare among ${views.map(({ name }) => name)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
