import { defineConfig } from 'vitest/config';

// Style sheets are read by a test, which by default would see them empty.
export default defineConfig({ test: { include: ['src/**/*.test.ts'], css: true } });
