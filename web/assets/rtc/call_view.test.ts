import { expect, test } from "vitest";
import type { Peer } from "../protocol.gen";
import { type CallView, Views } from "./call_view";

class Told extends Views {
  say<E extends keyof CallView>(event: E, ...told: Parameters<CallView[E]>): void {
    this.told(event, ...told);
  }
}

const peer = (pid: string) => ({ pid, name: pid }) as Peer;

test("who listens late is told how things stand, in the order in which it came", () => {
  const views = new Told();
  views.say("peer", peer("a"), "joined");
  views.say("link", peer("a"), "connecting");
  views.say("peer", peer("b"), "joined");
  views.say("link", peer("a"), "connected");
  views.say("net", { sender: "a", rung: "audio", why: "chosen" });
  views.say("guests");
  const heard: string[] = [];
  views.tell({
    peer: ({ pid }, change) => heard.push(`${pid} ${change}`),
    link: ({ pid }, state) => heard.push(`${pid} ${state}`),
    net: ({ sender, rung }) => heard.push(`${sender} ${rung}`),
    guests: () => heard.push("guests"),
  });
  expect(heard).toEqual(["a joined", "b joined", "a connected", "a audio"]);
});
