import { afterEach, expect, test, vi } from "vitest";
import type { Call } from "../rtc/call";
import { begin, end, withCall } from "./present_call";

const call = (name: string) => ({ name }) as unknown as Call;

afterEach(end);

test("who asks before the call begins hears of it, and of the next", () => {
  const heard: Call[] = [];
  const stop = withCall((one) => heard.push(one));
  const [first, second] = [call("first"), call("second")];
  begin(first);
  end();
  begin(second);
  stop();
  begin(call("third"));
  expect(heard).toEqual([first, second]);
});

test("who asks is told once when it is over", () => {
  const over = vi.fn();
  const stop = withCall(() => undefined, over);
  end();
  begin(call("first"));
  end();
  end();
  stop();
  begin(call("second"));
  end();
  expect(over).toHaveBeenCalledOnce();
});

test("who asks while it runs hears of it at once, and of none that is over", () => {
  const heard: Call[] = [];
  const running = call("running");
  begin(running);
  withCall((one) => heard.push(one))();
  end();
  withCall((one) => heard.push(one))();
  expect(heard).toEqual([running]);
});
