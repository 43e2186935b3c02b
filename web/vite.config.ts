import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** `npm run dev` shows the page and has a hub on this machine answer it. */
const hub = process.env.TUTORHUB_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0 },
  server: { proxy: { "/api": hub, "/auth": hub, "/media": hub, "/ws": { target: hub, ws: true } } },
  test: { environment: "jsdom", include: ["tests/**/*.test.ts"], restoreMocks: true },
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
});
