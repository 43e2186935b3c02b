import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** `npm run dev` shows the page and has a hub on this machine answer it. */
const hub = process.env.TUTORHUB_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0 },
  // The hub must see the page's own host: it lets no page of another one in.
  server: {
    proxy: Object.fromEntries(
      ["/api", "/auth", "/media", "/ws"].map((path) => [path, { target: hub, ws: path === "/ws" }]),
    ),
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.ts"],
    restoreMocks: true,
    execArgv: ["--experimental-websocket"],
  },
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
});
