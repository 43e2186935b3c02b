import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { shell } from "./shell.ts";

/** `npm run dev` shows the page and has a hub on this machine answer it. */
const hub = process.env.TUTORHUB_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte(), shell()],
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: "index.html", "service-worker": "src/service-worker.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  // The hub must see the page's own host: it lets no page of another one in.
  server: {
    proxy: Object.fromEntries(
      ["/api", "/auth", "/media", "/ws"].map((path) => [path, { target: hub, ws: path === "/ws" }]),
    ),
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.ts"],
    globalSetup: "tests/client/begun.ts",
    maxWorkers: 3, // most of them wait for a hub
    restoreMocks: true,
    testTimeout: 20_000, // there are real hubs behind some, and other tests beside them
    execArgv: ["--experimental-websocket"],
  },
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
});
