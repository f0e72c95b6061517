import { afterEach, expect, test, vi } from "vitest";
import { Line, NotShown } from "./line";

const { signal } = new AbortController();

afterEach(() => vi.restoreAllMocks());

async function read(line: Line, bytes: number, ms: number): Promise<void> {
  const clock = vi.spyOn(performance, "now").mockReturnValueOnce(0).mockReturnValueOnce(ms);
  for await (const _piece of line.pieces(new Response(new Uint8Array(bytes))));
  clock.mockRestore();
}

test("what cannot be shown says why, and a server in trouble is an error like a lost line", async () => {
  const refusing = new Line("study", async () => Response.json({ error: "The file is damaged." }, { status: 406 }));
  await expect(refusing.get("/a", { signal })).rejects.toThrow(new NotShown("The file is damaged."));
  const troubled = new Line("study", async () => new Response("", { status: 503 }));
  await expect(troubled.get("/a", { signal })).rejects.toThrow("503");
});

test("the study is named, and what nobody waits for is asked for quietly", async () => {
  const fetcher = vi.fn(async (_path: RequestInfo | URL, _init?: RequestInit) => new Response(""));
  const line = new Line("study", fetcher);
  await line.get("/a", { signal });
  await line.get("/a", { signal, quiet: true, headers: { Range: "bytes=5-" } }, { slices: "1,2" });
  expect(fetcher.mock.calls.map(([path]) => path)).toEqual(["/a?id=study", "/a?slices=1%2C2&id=study"]);
  expect(fetcher.mock.calls.map(([, init]) => (init as { priority: string }).priority)).toEqual(["high", "low"]);
  expect(fetcher.mock.calls[1]?.[1]?.headers).toMatchObject({ Range: "bytes=5-" });
});

test("a line is thin until it has shown otherwise", async () => {
  const line = new Line("study");
  expect(line.isThin).toBe(true);
  await read(line, 100_000, 100);
  expect(line.isThin).toBe(false);
  await read(line, 100, 1000);
  expect(line.isThin, "so few bytes say nothing").toBe(false);
  await read(line, 100_000, 800);
  expect(line.isThin).toBe(true);
});

test("a thin line is spared for the call it carries, and any for who saves data", async () => {
  const [alone, shared] = [new Line("study"), new Line("study", undefined, true)];
  expect([alone.isSpared, shared.isSpared]).toEqual([false, true]);
  await read(shared, 100_000, 10);
  expect(shared.isSpared).toBe(false);
  vi.stubGlobal("navigator", { connection: { saveData: true } });
  expect(shared.isSpared).toBe(true);
  vi.unstubAllGlobals();
});
