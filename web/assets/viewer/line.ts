// The line to the server: what is asked for over it, how fast it is, and when to spare it.

/** The server has the frame and cannot show it; the message says why, in the reader's words. */
export class NotShown extends Error {}

interface Asking {
  signal: AbortSignal;
  /** Nobody waits for it. */
  quiet?: boolean;
  headers?: Record<string, string>;
}

/** 3 Mbit/s: above it, whole frames of neighbours are no burden. */
const FAST_BYTES_PER_MS = 375;
const TELLING_BYTES = 16_000;

export class Line {
  #bytesPerMs = 0;

  /** `study` says which establishment's study is meant, where two hold the same UID; `isShared`: a call runs over it too. */
  constructor(
    private readonly study: string,
    private readonly fetcher: typeof fetch = (...request) => fetch(...request),
    private readonly isShared = false,
  ) {}

  /** Whether whole frames take so long that few should be fetched ahead. So it is until something was measured. */
  get isThin(): boolean {
    return this.#bytesPerMs < FAST_BYTES_PER_MS;
  }

  /** Whether to fetch nothing that nobody looks at: a call needs the line, or the person saves data. */
  get isSpared(): boolean {
    const { saveData } = (navigator as { connection?: { saveData?: boolean } }).connection ?? {};
    return saveData === true || (this.isShared && this.isThin);
  }

  /** Of what the browser asks for by itself. */
  address(path: string, query: Record<string, string> = {}): string {
    return `${path}?${new URLSearchParams({ ...query, id: this.study })}`;
  }

  /** Throws NotShown, or what the network throws. */
  async get(path: string, { signal, quiet = false, headers = {} }: Asking, query: Record<string, string> = {}) {
    const priority = quiet ? "low" : "high";
    const response = await this.fetcher(this.address(path, query), {
      signal,
      headers: { Accept: "*/*", ...headers },
      priority,
    });
    if (response.status === 406) throw new NotShown(((await response.json()) as { error: string }).error);
    if (!response.ok) throw new Error(String(response.status));
    return response;
  }

  /** The pieces of a body as they come. */
  async *pieces(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const reader = response.body?.getReader();
    const began = performance.now();
    let bytes = 0;
    for (;;) {
      const { value } = (await reader?.read()) ?? {};
      if (!value) break;
      bytes += value.length;
      yield value;
    }
    if (bytes >= TELLING_BYTES) this.#bytesPerMs = bytes / Math.max(performance.now() - began, 1);
  }
}
