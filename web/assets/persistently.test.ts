import { afterEach, expect, test, vi } from "vitest";
import { persistently } from "./persistently";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a module is imported once all its files have come, however often the line breaks", async () => {
  vi.useFakeTimers();
  const answers = [new Error("cut"), new Response("a"), new Response("", { status: 503 }), new Response("b")];
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer;
  });
  const load = vi.fn(async () => "the module");
  const coming = persistently(["/a.js", "/b.js"], load);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(load).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await coming).toBe("the module");
  expect(asked).toEqual(["/a.js", "/a.js", "/b.js", "/b.js"]);
});
