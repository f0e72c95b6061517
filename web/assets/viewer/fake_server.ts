// For tests: answers as the server gives them.
import type { Decoder } from "./decoding/decoding";

/** A body of previews: slice numbers with what stands for their pictures. */
export function packed(...records: [number, string][]): Uint8Array<ArrayBuffer> {
  const bodies = records.map(([number, text]) => {
    const picture = new TextEncoder().encode(text);
    const body = new Uint8Array(8 + picture.length);
    const view = new DataView(body.buffer);
    view.setUint32(0, number);
    view.setUint32(4, picture.length);
    body.set(picture, 8);
    return body;
  });
  return new Uint8Array(bodies.flatMap((body) => [...body]));
}

/** What the samples of a frame mean. */
export const DESCRIPTION = {
  ...{ rows: 4, columns: 4, samples: 1, type: "int16", slope: 1, intercept: 0, is_inverted: false },
  ...{ window_center: 40, window_width: 80 },
};

/** The bytes of `codestream` that bring 1, 2 and 4 pixels a side. */
export const LEVELS = [
  [1, 1, 10],
  [2, 2, 20],
  [4, 4, 40],
];

/** A frame of 4 × 4 as a codestream, or as much of it from `from` on. */
export function codestream(from = 0, upTo = 40): Response {
  const headers = { "Pixel-Description": JSON.stringify({ ...DESCRIPTION, levels: LEVELS }), ETag: '"1"' };
  const body = Uint8Array.from({ length: upTo - from }, (_unused, at) => from + at);
  return new Response(body, { status: from ? 206 : 200, headers });
}

/** Takes the length of what it is given for every sample, and fails where it is told to. */
export class FakeDecoder implements Decoder {
  readonly asked: [bytes: number, halvings: number][] = [];
  isBroken: Error | null = null;
  warm(): void {}
  async decode(content: Uint8Array<ArrayBuffer>, halvings: number): Promise<ArrayBuffer> {
    this.asked.push([content.length, halvings]);
    if (this.isBroken) throw this.isBroken;
    return new Int16Array((4 >> halvings) ** 2).fill(content.length).buffer;
  }
}

/** A server of one study whose slices are 4 × 4, at the wire; `asked` says in short what was asked of it. */
export class FakeServer {
  readonly asked: string[] = [];
  /** By the end of the path, another answer than the usual. */
  readonly answers = new Map<string, () => Response>();
  isDown = false;
  /** Answers come when this resolves. */
  delay: () => Promise<void> = async () => undefined;

  readonly fetch: typeof fetch = async (address, init) => {
    const [path = "", query] = String(address).split("?");
    const slices = new URLSearchParams(query).get("slices");
    const short = path.replace(/.*\/(?=(instances|series)\/)/, "").replace(/^(instances|series)\//, "");
    this.asked.push(slices === null ? short : `${short.replace("/previews", "")}: ${slices}`);
    const answer = this.#answer(path, slices);
    await this.delay();
    init?.signal?.throwIfAborted();
    if (this.isDown) throw new TypeError("Failed to fetch");
    return answer;
  };

  #answer(path: string, slices: string | null): Response {
    for (const [end, answer] of this.answers) if (path.endsWith(end)) return answer();
    if (slices === null) return codestream();
    return new Response(packed(...slices.split(",").map((number): [number, string] => [Number(number), "webp"])));
  }
}
