import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { serviceWorker } from './build/service-worker.ts'
import { smallSqlite } from './build/sqlite.ts'
import manifest from './package.json' with { type: 'json' }

export default defineConfig({
  plugins: [react(), serviceWorker()],
  define: { 'import.meta.env.VITE_VERSION': JSON.stringify(manifest.version) },
  resolve: { alias: { entities: fileURLToPath(new URL('src/text/entities.ts', import.meta.url)) } },
  worker: { format: 'es', plugins: () => [smallSqlite()] },
  build: { target: 'es2024' },
  // It finds its WebAssembly beside itself, which bundling for development would take away.
  optimizeDeps: { exclude: ['@sqlite.org/sqlite-wasm'] },
})
