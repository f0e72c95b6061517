import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Turbo puts a <style> for its progress bar into every page, which our content security policy refuses: leave that line
 * out (shell.css draws a bar of its own). A Turbo that does it otherwise stops the build here.
 */
function turboWithoutStyle(): Plugin {
  const line = "document.head.insertBefore(this.stylesheetElement, document.head.firstChild);";
  return {
    name: "turbo-without-style",
    transform(code, id) {
      if (!id.includes("@hotwired/turbo/")) return null;
      if (!code.includes(line)) this.error("Turbo's progress bar has changed; see turboWithoutStyle.");
      return { code: code.replace(line, ""), map: null };
    },
  };
}

/** We speak over WebSocket, and by polling where it is blocked: the third way is 2 KB that nobody uses. */
function socketWithoutWebTransport(): Plugin {
  const line = "webtransport: WT,";
  return {
    name: "socket-without-web-transport",
    transform(code, id) {
      if (!id.endsWith("engine.io-client/build/esm/transports/index.js")) return null;
      if (!code.includes(line)) this.error("Socket.IO's transports have changed; see socketWithoutWebTransport.");
      return { code: code.replace(line, "").replace(/^import .*webtransport.*$/m, ""), map: null };
    },
  };
}

/** The decoder of images is made for Node, too: leave out what it would ask of it, which no browser has. */
function decoderWithoutNode(): Plugin {
  return {
    name: "decoder-without-node",
    transform(code, id) {
      if (!id.includes("@cornerstonejs/codec-openjph/")) return null;
      return { code: code.replaceAll(/require\("(?:fs|path)"\)/g, "undefined"), map: null };
    },
  };
}

/** Cornerstone writes a style as an attribute, which our content security policy refuses; as a property it may. */
function marksWithoutStyle(): Plugin {
  const line = "textElement.setAttribute('style', combinedStyle);";
  return {
    name: "marks-without-style",
    transform(code, id) {
      if (!id.endsWith("@cornerstonejs/tools/dist/esm/drawingSvg/drawTextBox.js")) return null;
      if (!code.includes(line)) this.error("Cornerstone's text boxes have changed; see marksWithoutStyle.");
      return { code: code.replace(line, "textElement.style.cssText = combinedStyle;"), map: null };
    },
  };
}

/** Pictures the pages name by themselves: emitted so that the manifest knows their hashed names. */
function pictures(...names: string[]): Plugin {
  return {
    name: "pictures",
    apply: "build",
    buildStart() {
      for (const name of names) {
        const source = readFileSync(new URL(`web/assets/${name}`, import.meta.url));
        this.emitFile({ type: "asset", name, originalFileName: name, source });
      }
    },
  };
}

/** Writes `x.gz` and `x.br` beside every text that is worth it, so that no request pays for compression. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          const source = Buffer.from(file.type === "chunk" ? file.code : file.source);
          if (source.length < 512 || !/\.(js|css|svg|wasm)$/.test(name)) continue;
          const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: source.length > 2_000_000 ? 9 : 11 } };
          this.emitFile({ type: "asset", fileName: `${name}.br`, source: brotliCompressSync(source, quality) });
          this.emitFile({ type: "asset", fileName: `${name}.gz`, source: gzipSync(source, { level: 9 }) });
        }
      },
    },
  };
}

/** What several scripts share and is smaller than the headers of an answer goes with what every page has. */
const WITH_ALL =
  /assets\/app\.ts$|assets\/room\/(chime|standing)\.ts|assets\/rtc\/(choice|devices|held_line)\.ts|rolldown:runtime|rolldown\/runtime/;
/** A line that the page of a call fills takes long to give a third large answer its turn: Socket.IO comes with the call. */
const WITH_CALL = /assets\/room\.ts$|assets\/rtc\/led\.ts$|\/(socket|engine)\.io-/;

/** Tests of what never touches a page; in them a `document` or a `localStorage` is not defined. */
const PAGELESS = [
  "checking/*.test.ts",
  "rtc/!(choice).test.ts",
  "rtc/*/*.test.ts",
  "viewer/{marks,volume}/!(hint|decoders).test.ts",
];

export default defineConfig({
  root: "web/assets",
  cacheDir: "../../node_modules/.vite",
  base: "/static/",
  publicDir: false,
  plugins: [turboWithoutStyle(), marksWithoutStyle(), socketWithoutWebTransport(), pictures("icons.svg"), compressed()],
  worker: { format: "es", plugins: () => [decoderWithoutNode()] },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What `light-dark()`, the popover and `:has()` need anyway.
    target: ["chrome123", "edge123", "firefox125", "safari17.5"],
    chunkSizeWarningLimit: 4000, // the planes' stage (ADR 18)
    rollupOptions: {
      preserveEntrySignatures: "exports-only", // of that stage, which a script calls
      input: {
        app: "web/assets/app.ts",
        styles: "web/assets/app.css",
        pages: "web/assets/pages.css",
        admin: "web/assets/styles/admin.css",
        identity: "web/assets/styles/identity.css",
        patients: "web/assets/styles/patients.css",
        room: "web/assets/styles/room.css",
        planes: "web/assets/styles/planes.css",
        viewer: "web/assets/styles/viewer.css",
        // A page's own scripts, which no other imports: they change no byte of the others.
        volume: "web/assets/viewer/volume/main.ts",
        serviceWorker: "web/assets/service_worker.ts",
        planesStage: "web/assets/viewer/volume/stage.ts",
      },
      output: {
        codeSplitting: {
          groups: [
            { name: "app", test: WITH_ALL, priority: 1 },
            { name: "room", test: WITH_CALL },
          ],
        },
      },
    },
  },
  test: {
    // A page costs half a second of processor, more than most files of tests: what needs none does without.
    projects: [
      { extends: true, test: { name: "page", environment: "jsdom", include: ["**/*.test.ts"], exclude: PAGELESS } },
      { extends: true, test: { name: "no page", environment: "node", include: PAGELESS } },
    ],
    // What a browser gets; by itself the test runner takes the form for Node.
    alias: { "tus-js-client": "tus-js-client/lib.esm/browser/index.js" },
  },
});
