import { defineConfig } from 'vite';

// The page is embedded in the penstock binary and may sit behind a proxy under any path,
// so every reference is relative. Names carry a content hash: the server can cache assets for ever.
export default defineConfig({
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: {
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    emptyOutDir: true,
  },
  server: {
    // `npm run dev` shows live data from the mock server, or from a real one at PENSTOCK_URL.
    proxy: { '/api': { target: process.env.PENSTOCK_URL ?? 'http://127.0.0.1:7481', ws: true } },
  },
});
