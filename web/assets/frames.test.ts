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
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  const { frame } = aFrame();
  lookAgain(frame, "/guests");
  await settled();
  frame.loaded = new Promise(() => {});
  now.mockReturnValue(10_001);
  lookAgain(frame, "/guests");
  await settled();
  expect(frame.reload).toHaveBeenCalledTimes(2);
  now.mockRestore();
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
