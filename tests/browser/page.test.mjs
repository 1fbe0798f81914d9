// The page as any server must show it. Runs against PENSTOCK_URL, or against the mock server of the console.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { launch, open, panel, rowsAtOneEpoch, showTable, untilLive } from './support.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sizeMax = 100 * 1024;

let browser;
let mock = null;
let url = process.env.PENSTOCK_URL;

before(async () => {
  browser = await launch();
  if (url) return;
  const { startMock } = await import('../../console/mock/server.mjs');
  mock = await startMock();
  url = mock.url;
});

after(async () => {
  await browser?.close();
  await mock?.stop();
});

async function violations(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
  return result.violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join('; ')}`,
  );
}

function assertQuiet({ watch }, policyViolations) {
  assert.deepEqual(watch.errors, []);
  assert.deepEqual([...watch.hosts], [new URL(url).host]);
  assert.deepEqual(policyViolations, []);
}

for (const width of [400, 1024, 1920]) {
  for (const scheme of ['dark', 'light']) {
    test(`${width} px, ${scheme}: fits, has no accessibility finding, and talks only to its server`, async () => {
      const opened = await open(browser, url, { width, scheme });
      const { page } = opened;
      await untilLive(page);
      await page.waitForFunction(
        () => document.querySelector('[data-testid=value-events-in]')?.textContent !== '–',
      );
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), scheme);
      for (const face of ['picture', 'table', 'sql']) {
        for (const button of await page.locator(`[data-face-choice=${face}]`).all()) await button.click();
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(overflow <= 0, `${face}: ${overflow} px too wide`);
        assert.deepEqual(await violations(page), [], face);
      }
      assertQuiet(opened, await page.evaluate(() => window.violations));
      await opened.close();
    });
  }
}

test('everything the page loads is under 100 KiB compressed', async () => {
  const opened = await open(browser, url);
  const loaded = new Set();
  opened.page.on('request', (request) => {
    if (/\/$|\/assets\//.test(new URL(request.url()).pathname)) loaded.add(request.url());
  });
  await opened.page.reload({ waitUntil: 'networkidle' });
  await untilLive(opened.page);
  let total = 0;
  for (const asset of loaded) {
    const body = await (await fetch(asset)).arrayBuffer();
    total += gzipSync(Buffer.from(body), { level: 9 }).length;
  }
  assert.ok(loaded.size >= 3, `only ${[...loaded]} seen`);
  assert.ok(total < sizeMax, `${total} bytes`);
  await opened.close();
});

test('every control is reached by Tab and shows that it has the focus', async () => {
  const { page, close } = await open(browser, url);
  await untilLive(page);
  const controls = await page.evaluate(() => {
    const all = [...document.querySelectorAll('button, select, a[href], [tabindex="0"]')];
    for (const [index, element] of all.entries()) element.setAttribute('data-walk', index);
    return all.length;
  });
  assert.ok(controls > 4);
  const reached = new Set();
  for (let i = 0; i < controls + 20; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return {
        walk: element.dataset.walk,
        visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
      };
    });
    if (at.walk === undefined) continue;
    assert.ok(at.visible, `no visible focus on control ${at.walk}`);
    reached.add(at.walk);
  }
  // A control may have gone or come meanwhile, but never a tenth of them.
  assert.ok(reached.size >= controls * 0.9, `${reached.size} of ${controls}`);
  await close();
});

test('changing numbers do not move the layout sideways', async () => {
  const { page, close } = await open(browser, url);
  await untilLive(page);
  const places = () =>
    page.evaluate(() =>
      [...document.querySelectorAll('.figure, [data-testid=view], [data-testid=jobs] th')].map((element) => {
        const { left, width } = element.getBoundingClientRect();
        return `${left} ${width}`;
      }),
    );
  await page.waitForSelector('[data-testid=jobs] th');
  const first = await places();
  for (let i = 0; i < 6; i++) {
    await page.waitForTimeout(400);
    assert.deepEqual(await places(), first);
  }
  await close();
});

test('the theme is chosen, kept, and follows the system again', async () => {
  const { page, close } = await open(browser, url, { scheme: 'dark' });
  await untilLive(page);
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await page.click('[data-theme-choice=light]');
  assert.equal(await theme(), 'light');
  await page.reload();
  await untilLive(page);
  assert.equal(await theme(), 'light');
  await page.click('[data-theme-choice=system]');
  assert.equal(await theme(), 'dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
  await close();
});

describe('with the mock server', { skip: process.env.PENSTOCK_URL ? 'PENSTOCK_URL is set' : false }, () => {
  /** Opens the page on a mock of its own. */
  async function withMock(options, body) {
    const { startMock } = await import('../../console/mock/server.mjs');
    const own = await startMock(options);
    const opened = await open(browser, own.url, options.page);
    try {
      await body({ ...opened, mock: own, model: own.model });
    } finally {
      await opened.close();
      await own.stop();
    }
  }
  const models = async () => ({
    ...(await import('../../console/mock/fraud.mjs')),
    ...(await import('../../console/mock/edge.mjs')),
    ...(await import('../../console/mock/model.mjs')),
  });

  test('shows each kind of view in its own way, and follows it', async () => {
    const { page, close } = await open(browser, url);
    await untilLive(page);
    assert.equal(await panel(page, 'error_rate').getAttribute('data-kind'), 'metric');
    assert.equal(await panel(page, 'spend_per_minute').getAttribute('data-kind'), 'time');
    assert.equal(await panel(page, 'merchant_totals').getAttribute('data-kind'), 'ranking');
    assert.equal(await page.locator('[data-testid=job]').count(), 4);
    const epoch = Number(await panel(page, 'merchant_totals').getAttribute('data-epoch'));
    await page.waitForFunction(
      (before) => Number(document.querySelector('[data-view=merchant_totals]').dataset.epoch) > before,
      epoch,
    );
    const points = () => page.locator('[data-view=spend_per_minute] .canvas').getAttribute('data-points');
    assert.ok(Number(await points()) >= 40);
    await showTable(page, 'merchant_totals');
    const { page: shown, api } = await rowsAtOneEpoch(page, 'merchant_totals');
    assert.deepEqual(shown, api);
    assert.equal(shown.length, 15);
    await close();
  });

  test('a reconnect replaces the state: nothing lost, nothing counted twice', async () => {
    const { Model } = await models();
    const model = new Model();
    model.addView({
      name: 'keyed',
      columns: [
        ['k', 'STRING'],
        ['n', 'BIGINT'],
      ],
      key: ['k'],
      rows: [
        ['a', 1],
        ['b', 2],
        ['gone', 3],
      ],
    });
    model.addView({ name: 'bag', columns: [['k', 'STRING']], rows: [['x'], ['x'], ['y']] });
    await withMock({ model }, async ({ page, mock, watch }) => {
      await untilLive(page);
      await showTable(page, 'keyed');
      for (let round = 1; round <= 3; round++) {
        mock.cut();
        await page.waitForSelector('[data-testid=connection][data-phase=reconnecting]');
        model.commit(
          'keyed',
          [
            ['a', 10 * round],
            [`new ${round}`, 1],
          ],
          [['gone', 3]],
        );
        model.commit('bag', [['x']]);
        mock.mend();
        await page.waitForSelector('[data-testid=connection][data-phase=live]');
        model.commit('keyed', [['b', 20 * round]]);
        const { page: shown, api } = await rowsAtOneEpoch(page, 'keyed');
        assert.deepEqual(shown, api);
        assert.equal(shown.length, 2 + round);
        assert.equal(await panel(page, 'keyed').getAttribute('data-rows'), String(2 + round));
        await page.waitForSelector(`[data-view=bag][data-rows="${3 + round}"]`);
      }
      assert.deepEqual(watch.errors, []);
    });
  });

  test('a new snapshot in the middle replaces the state', async () => {
    const { Model } = await models();
    const model = new Model();
    model.addView({ name: 'bag', columns: [['k', 'STRING']], rows: [['x'], ['x'], ['y']] });
    await withMock({ model }, async ({ page }) => {
      await page.waitForSelector('[data-view=bag][data-rows="3"]');
      model.resnapshot('bag');
      model.commit('bag', [['z']]);
      await page.waitForSelector('[data-view=bag][data-rows="4"]');
    });
  });

  test('a slow line shows the same in the end', async () => {
    const { fraudModel } = await models();
    await withMock({ model: fraudModel(), slowMs: 700 }, async ({ page, model }) => {
      await untilLive(page);
      await showTable(page, 'merchant_totals');
      await page.waitForTimeout(1000);
      model.pause();
      const { page: shown, api } = await rowsAtOneEpoch(page, 'merchant_totals');
      assert.deepEqual(shown, api);
    });
  });

  test('views come, go, and come back', async () => {
    const { Model } = await models();
    const model = new Model();
    await withMock({ model }, async ({ page }) => {
      await page.waitForSelector('[data-testid=no-views]');
      assert.deepEqual(await violations(page), []);
      const view = { name: 'v', columns: [['k', 'STRING']], key: ['k'], rows: [['a']] };
      model.addView(view);
      await page.waitForSelector('[data-view=v][data-rows="1"]');
      model.dropView('v');
      await page.waitForSelector('[data-testid=no-views]');
      model.addView({
        ...view,
        columns: [
          ['k', 'STRING'],
          ['n', 'BIGINT'],
        ],
        rows: [
          ['a', 1],
          ['b', 2],
        ],
      });
      await page.waitForSelector('[data-view=v][data-rows="2"][data-kind=ranking]');
    });
  });

  test('a server that is not there is said so, and found when it comes', async () => {
    await withMock({}, async ({ page, mock }) => {
      mock.cut();
      await page.waitForSelector('[data-testid=connection][data-phase=reconnecting]');
      assert.deepEqual(await violations(page), []);
      mock.mend();
      await untilLive(page);
    });
  });

  test('alerts fire and resolve', async () => {
    const { Model } = await models();
    const model = new Model();
    await withMock({ model }, async ({ page }) => {
      await page.waitForSelector('[data-testid=alerts][data-firing="0"]');
      const alert = {
        alert: 'high_error_rate',
        severity: 'HIGH',
        state: 'firing',
        key: 'eu',
        values: { error_rate: 0.07 },
        fired_at: new Date().toISOString(),
        resolved_at: null,
      };
      model.setAlerts([alert]);
      const strip = page.locator('[data-testid=alert][data-alert=high_error_rate]');
      await strip.waitFor();
      assert.match(
        await strip.innerText(),
        /HIGH[\s\S]*high_error_rate[\s\S]*eu[\s\S]*error_rate 0\.07[\s\S]*since/,
      );
      model.setAlerts([{ ...alert, state: 'resolved', resolved_at: new Date().toISOString() }]);
      await page.waitForSelector('[data-testid=alerts][data-firing="0"]');
      assert.match(
        await page.locator('[data-testid=resolved-alert]').innerText(),
        /high_error_rate eu resolved/,
      );
    });
  });

  for (const width of [400, 1024, 1920]) {
    test(`hard cases at ${width} px: long names, many series and rows, failures`, async () => {
      const { edgeModel } = await models();
      await withMock(
        { model: edgeModel(), page: { width, scheme: width === 1024 ? 'light' : 'dark' } },
        async ({ page, watch }) => {
          await untilLive(page);
          await page.waitForSelector('[data-testid=job][data-state=failed]');
          for (const face of ['picture', 'table']) {
            for (const button of await page.locator(`[data-face-choice=${face}]`).all()) await button.click();
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - window.innerWidth,
            );
            assert.ok(overflow <= 0, `${face}: ${overflow} px too wide`);
            assert.deepEqual(await violations(page), [], face);
          }
          assert.match(await panel(page, 'refused').innerText(), /not readable/);
          assert.match(
            await panel(page, 'failing').innerText(),
            /job of this view has failed: division by zero/,
          );
          assert.match(await panel(page, 'huge').innerText(), /12,000,000 rows are too many/);
          assert.match(await panel(page, 'nothing_yet').innerText(), /No rows yet/);
          await panel(page, 'huge').locator('text=Follow anyway').click();
          await page.waitForSelector('[data-view=huge][data-rows="2"][data-state=live]');
          assert.equal(
            await page.evaluate(() => document.querySelectorAll('td b').length),
            0,
            'markup in data stays text',
          );
          assert.deepEqual(watch.errors, []);
        },
      );
    });
  }

  test('a long table holds only the rows in sight, scrolls to the end, and sorts', async () => {
    const { edgeModel } = await models();
    await withMock({ model: edgeModel() }, async ({ page, model }) => {
      await untilLive(page);
      await showTable(page, 'ten_thousand');
      const view = panel(page, 'ten_thousand');
      assert.equal(await view.getAttribute('data-rows'), '10000');
      assert.equal(await view.locator('table').getAttribute('aria-rowcount'), '10001');
      assert.ok((await view.locator('tbody tr').count()) < 80);
      await view.locator('th button', { hasText: 'points' }).click();
      assert.equal(await view.locator('tbody tr:not(.spacer) td[data-value="9999"]').count(), 1);
      await view.locator('.table-scroll').evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await view.locator('td[data-value="customer 00000"]').waitFor();
      await view.locator('th button', { hasText: 'points' }).click();
      assert.match(await view.locator('th[aria-sort=ascending]').innerText(), /^points/);
      model.commit('ten_thousand', [], [['customer 00000']]);
      await page.waitForSelector('[data-view=ten_thousand][data-rows="9999"]');
    });
  });

  test('a changed cell flashes, but not for people who asked for less motion', async () => {
    const { Model } = await models();
    for (const [motion, expected] of [
      ['no-preference', 1],
      ['reduce', 0],
    ]) {
      const model = new Model();
      model.addView({
        name: 'v',
        columns: [
          ['k', 'STRING'],
          ['n', 'BIGINT'],
        ],
        key: ['k'],
        rows: [
          ['a', 1],
          ['b', 2],
        ],
      });
      await withMock({ model, page: { motion } }, async ({ page }) => {
        await untilLive(page);
        await showTable(page, 'v');
        await page.evaluate(() => {
          window.flashes = 0;
          const animate = Element.prototype.animate;
          Element.prototype.animate = function (...args) {
            window.flashes++;
            return animate.apply(this, args);
          };
        });
        model.commit('v', [['a', 5]]);
        await page.waitForSelector('[data-view=v] td[data-value="5"]');
        await page.waitForTimeout(200);
        assert.equal(await page.evaluate(() => window.flashes), expected);
      });
    }
  });

  test('a flood of changes does not keep the page from answering', async () => {
    const { Model } = await models();
    const model = new Model();
    const rows = Array.from({ length: 2000 }, (_, i) => [`key ${i}`, i]);
    model.addView({
      name: 'busy',
      columns: [
        ['k', 'STRING'],
        ['n', 'BIGINT'],
      ],
      key: ['k'],
      rows,
    });
    await withMock({ model }, async ({ page }) => {
      await untilLive(page);
      await showTable(page, 'busy');
      let n = 0;
      const timer = setInterval(() => {
        n++;
        model.commit(
          'busy',
          Array.from({ length: 50 }, (_, i) => [`key ${(n * 50 + i) % 2000}`, n]),
        );
      }, 5);
      await page.waitForTimeout(500);
      const frames = await page.evaluate(
        () =>
          new Promise((resolve) => {
            let count = 0;
            const end = performance.now() + 2000;
            const tick = () =>
              performance.now() < end ? (count++, requestAnimationFrame(tick)) : resolve(count);
            requestAnimationFrame(tick);
          }),
      );
      clearInterval(timer);
      assert.ok(frames > 20, `${frames} frames in 2 s`);
      const { epoch } = model.views.get('busy');
      await page.waitForSelector(`[data-view=busy][data-epoch="${epoch}"][data-rows="2000"]`);
    });
  });
});
