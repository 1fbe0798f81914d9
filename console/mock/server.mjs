// A stand-in for the penstock server: serves the built console under the same content security policy and
// speaks docs/http-api.md over a model of views that lives in memory. Started by hand it shows a lively
// fraud example; tests import `startMock` and hand in a model of their own.

import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { edgeModel } from './edge.mjs';
import { fraudModel } from './fraud.mjs';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const SNAPSHOT_ROWS = 500;

const contentTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Starts on a free port unless told otherwise. `cut` drops all connections and refuses new ones until `mend`. */
export async function startMock({ model = fraudModel(), port = 0, slowMs = 0 } = {}) {
  let refusing = false;
  const sockets = new Set();
  const server = http.createServer((request, response) => {
    answer(model, request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  const ws = new WebSocketServer({ noServer: true });
  server.on('connection', (socket) => {
    if (refusing) return socket.destroy();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    if (new URL(request.url, 'http://mock').pathname !== '/api/v1/ws') return socket.destroy();
    ws.handleUpgrade(request, socket, head, (client) => serveClient(model, client, slowMs));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  model.start?.();
  return {
    model,
    url: `http://127.0.0.1:${server.address().port}/`,
    cut() {
      refusing = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      refusing = false;
    },
    async stop() {
      model.stop?.();
      this.cut();
      ws.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(model, request, response) {
  const { pathname } = new URL(request.url, 'http://mock');
  const json = (body, code = 200) =>
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (pathname === '/api/v1/status') return json(model.status());
  if (pathname === '/api/v1/alerts') return json({ alerts: model.alerts });
  if (pathname === '/api/v1/views') return json({ views: model.describeViews() });
  if (pathname.startsWith('/api/v1/views/')) {
    const view = model.views.get(decodeURIComponent(pathname.slice('/api/v1/views/'.length)));
    if (!view) return json({ error: { code: 'not_found', message: 'no such view' } }, 404);
    return json({
      view: model.describe(view),
      epoch: view.epoch,
      rows: [...view.rows.values()],
      truncated: false,
    });
  }
  return sendFile(pathname === '/' ? 'index.html' : pathname.slice(1), response);
}

async function sendFile(name, response) {
  const file = path.join(dist, name);
  if (!file.startsWith(dist)) return response.writeHead(404).end();
  try {
    const body = await readFile(file);
    response.writeHead(200, {
      'content-type': contentTypes[path.extname(file)] ?? 'application/octet-stream',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'cache-control': name === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable',
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

function serveClient(model, client, slowMs) {
  const subscriptions = new Map();
  const send = (message) => {
    const text = JSON.stringify(message);
    if (slowMs > 0) setTimeout(() => client.send(text), slowMs);
    else client.send(text);
  };
  const publish = (event) => {
    for (const [id, topic] of subscriptions) {
      if (event.channel !== undefined && event.channel === topic.channel) send({ ...event.message, id });
      if (event.view !== undefined && event.view === topic.view) {
        send({ ...event.message, id });
        if (event.message.type === 'dropped') subscriptions.delete(id);
      }
    }
  };
  const unlisten = model.listen(publish);
  client.on('close', unlisten);
  client.on('error', unlisten);
  client.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.type === 'unsubscribe') return subscriptions.delete(message.id);
    const { id, view: name, channel } = message;
    if (channel !== undefined) {
      subscriptions.set(id, { channel });
      return send({ ...model.channel(channel), id });
    }
    const view = model.views.get(name);
    if (!view || view.error) {
      const error = view?.error ?? { code: 'not_found', message: `view "${name}" does not exist` };
      return send({ type: 'error', id, error });
    }
    subscriptions.set(id, { view: name });
    const rows = [...view.rows.values()];
    const { epoch, columns, key } = view;
    for (let from = 0; from === 0 || from < rows.length; from += SNAPSHOT_ROWS) {
      const last = from + SNAPSHOT_ROWS >= rows.length;
      send({ type: 'snapshot', id, epoch, columns, key, rows: rows.slice(from, from + SNAPSHOT_ROWS), last });
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const model = process.argv[2] === 'edge' ? edgeModel() : fraudModel();
  const mock = await startMock({ model, port: Number(process.env.PORT ?? 7481) });
  console.log(`mock server at ${mock.url}`);
}
