// The other end of the wire, for tests: a small tus server behind XMLHttpRequest and fetch. A link that is cut answers
// nothing, and keeps of a request what `keeps` says had arrived.
import { Blob, File } from "node:buffer";
import { vi } from "vitest";

// jsdom's cannot be read.
Object.assign(globalThis, { Blob, File });

type Bytes = globalThis.Blob;

export class FakeServer {
  readonly uploads = new Map<string, { length: number; bytes: Bytes[]; metadata: string }>();
  readonly requests: string[] = [];
  isCut = false;
  /** Bytes of the next PATCH that arrive before the link breaks. */
  keeps: number | null = null;
  /** What a reception says, or the status of its refusal. */
  receipt: object | number = { refused: [] };

  constructor() {
    const server = this;
    vi.stubGlobal(
      "XMLHttpRequest",
      class {
        upload: { onprogress?: (event: object) => void } = { onprogress: undefined };
        status = 0;
        responseText = "";
        onload: () => void = () => undefined;
        onerror: (error: Error) => void = () => undefined;
        #line = "";
        #isAborted = false;
        readonly #sent = new Headers();
        #got = new Headers();
        open(method: string, url: string): void {
          this.#line = `${method} ${url}`;
        }
        setRequestHeader(name: string, value: string): void {
          this.#sent.set(name, value);
        }
        getResponseHeader(name: string): string | null {
          return this.#got.get(name);
        }
        abort(): void {
          this.#isAborted = true;
        }
        send(body: Bytes | null): void {
          queueMicrotask(() => {
            const answer = server.answer(this.#line, this.#sent, body);
            if (this.#isAborted) return;
            if (!answer) return this.onerror(new Error("no link"));
            [this.status, this.#got, this.responseText] = [answer.status, answer.headers, answer.body];
            this.onload();
          });
        }
      },
    );
    vi.stubGlobal("fetch", async (url: string, { method }: RequestInit) => {
      const answer = server.answer(`${method} ${url}`, new Headers(), null);
      if (!answer) throw new TypeError("no link");
      return new Response(answer.body, { status: answer.status });
    });
  }

  answer(line: string, sent: Headers, body: Bytes | null): { status: number; headers: Headers; body: string } | null {
    if (this.isCut) return null;
    this.requests.push(line);
    const [method = "", url = ""] = line.split(" ");
    const headers = new Headers();
    if (url.endsWith("/reception")) {
      const status = typeof this.receipt === "number" ? this.receipt : 200;
      return { status, headers, body: JSON.stringify(status === 200 ? this.receipt : { error: "Not now." }) };
    }
    if (method === "POST") {
      const made = `${url}/${this.uploads.size + 1}`;
      this.uploads.set(made, {
        length: Number(sent.get("Upload-Length")),
        bytes: [],
        metadata: sent.get("Upload-Metadata") ?? "",
      });
      headers.set("Location", new URL(made, location.href).href);
      return { status: 201, headers, body: "" };
    }
    const path = new URL(url, location.href).pathname;
    const upload = this.uploads.get(path);
    if (!upload) return { status: 404, headers, body: "{}" };
    if (method === "DELETE") this.uploads.delete(path);
    if (method === "PATCH" && body) {
      if (this.keeps !== null) {
        upload.bytes.push(body.slice(0, this.keeps));
        this.keeps = null;
        this.isCut = true;
        return null;
      }
      upload.bytes.push(body);
    }
    headers.set("Upload-Offset", String(upload.bytes.reduce((sum, piece) => sum + piece.size, 0)));
    headers.set("Upload-Length", String(upload.length));
    return { status: method === "HEAD" ? 200 : 204, headers, body: "" };
  }
}

/** A file the browser takes for a photograph. */
export function photograph(name: string): globalThis.File {
  return new globalThis.File([new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), name], name, { lastModified: 1 });
}

/** A file the browser takes for DICOM. */
export function image(name: string, content = name, size = 0): globalThis.File {
  return new globalThis.File([new Uint8Array(128), "DICM", content, new Uint8Array(size)], name, { lastModified: 1 });
}
