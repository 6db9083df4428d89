import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  worker: { format: 'es' },
  build: { target: 'es2024', sourcemap: true },
  // It finds its WebAssembly beside itself, which bundling for development would take away.
  optimizeDeps: { exclude: ['@sqlite.org/sqlite-wasm'] },
})
