import { expect, test, vi } from "vitest";
import { type Frame, lookAgain } from "./frames";

function aFrame(): { frame: Frame; answers: (() => void)[] } {
  const answers: (() => void)[] = [];
  const frame = document.createElement("turbo-frame") as Frame;
  frame.loaded = Promise.resolve();
  frame.reload = vi.fn(() => new Promise<void>((answer) => answers.push(answer)));
  document.body.append(frame);
  return { frame, answers };
}

const settled = () => new Promise((later) => setTimeout(later));

test("looks asked for during one become one that follows it", async () => {
  const { frame, answers } = aFrame();
  for (const _ of [1, 2, 3]) lookAgain(frame, "/guests");
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(1);
  answers[0]?.();
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(2);
  answers[1]?.();
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(2);
  lookAgain(frame, "/guests");
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(3);
});

test("a look that hangs does not hold up the next for ever", async () => {
  vi.useFakeTimers();
  const { frame } = aFrame();
  lookAgain(frame, "/guests");
  await vi.advanceTimersByTimeAsync(1);
  frame.loaded = new Promise(() => {});
  lookAgain(frame, "/guests");
  await vi.advanceTimersByTimeAsync(9_000);
  expect(frame.reload).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(frame.reload).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

test("a look that Turbo puts one of its own in the place of is over when that one is", async () => {
  const { frame } = aFrame();
  lookAgain(frame, "/guests");
  await settled();
  lookAgain(frame, "/guests"); // what changed while the page was rendered
  const inner = frame.appendChild(document.createElement("turbo-frame"));
  inner.dispatchEvent(new Event("turbo:frame-load", { bubbles: true }));
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(1);
  frame.dispatchEvent(new Event("turbo:frame-load", { bubbles: true }));
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(2);
});

test("a frame that is gone is not looked at again", async () => {
  const { frame, answers } = aFrame();
  lookAgain(frame, "/guests");
  lookAgain(frame, "/guests");
  await settled();
  frame.remove();
  answers[0]?.();
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(1);
});

test("what the page itself has a frame fetch is not broken off", async () => {
  const { frame } = aFrame();
  let arrive = () => {};
  frame.loaded = new Promise<void>((arrived) => {
    arrive = arrived;
  });
  lookAgain(frame, "/guests");
  await settled();
  expect(frame.reload).not.toHaveBeenCalled();
  arrive();
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(1);
});
