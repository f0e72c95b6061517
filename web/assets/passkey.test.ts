import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import PasskeyController from "./passkey";

const OPTIONS = { challenge: "AAAA", rpId: "localhost", userVerification: "required" };
let application: Application;
let submitted: number;
const element = <T extends HTMLElement>(selector: string) => document.querySelector<T>(selector) as T;
const settled = () => new Promise((resolve) => setTimeout(resolve, 10));

/** The browser's part: `get` answers or refuses as a device would. */
function browserWith(get: () => Promise<unknown>): void {
  vi.stubGlobal("PublicKeyCredential", class PublicKeyCredential {});
  vi.stubGlobal("navigator", { credentials: { get }, onLine: true });
}

async function show(site: string): Promise<void> {
  document.body.innerHTML = `
    <form data-controller="passkey" data-passkey-site-value="${site}" data-passkey-options-value="/options">
      <div id="way" data-passkey-target="way" hidden>
        <input type="hidden" name="passkey" data-passkey-target="answer">
        <button type="button" data-action="passkey#ask"></button>
        <p data-passkey-target="problem" data-refused="Not confirmed" data-failed="Failed" data-taken="Taken" hidden></p>
      </div>
      <p id="elsewhere" data-passkey-target="elsewhere" hidden></p>
    </form>`;
  element<HTMLFormElement>("form").requestSubmit = () => {
    submitted += 1;
  };
  application = Application.start();
  application.register("passkey", PasskeyController);
  await settled();
}

beforeEach(() => {
  submitted = 0;
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(JSON.stringify(OPTIONS))),
  );
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
});

test("a browser that knows none is told where else to go", async () => {
  await show("localhost");
  expect([element("#way").hidden, element("#elsewhere").hidden]).toEqual([true, false]);
});

test.each([
  ["localhost", false],
  ["", true],
  ["host", true],
  ["clinic.example", true],
])("at localhost a passkey for %j is hidden: %j", async (site, hidden) => {
  browserWith(async () => null);
  await show(site);
  expect(element("#way").hidden).toBe(hidden);
});

test("the device's answer goes with the form", async () => {
  const answer = new Uint8Array([1]).buffer;
  browserWith(async () => ({
    id: "AQ",
    rawId: answer,
    type: "public-key",
    response: { authenticatorData: answer, clientDataJSON: answer, signature: answer },
    getClientExtensionResults: () => ({}),
  }));
  await show("localhost");
  element("button").click();
  await settled();
  expect(submitted).toBe(1);
  expect(JSON.parse(element<HTMLInputElement>("input").value)).toMatchObject({
    id: "AQ",
    response: { signature: "AQ" },
  });
});

test("a refusal is said in words and sends nothing", async () => {
  browserWith(() => Promise.reject(new DOMException("no", "NotAllowedError")));
  await show("localhost");
  element("button").click();
  await settled();
  expect([submitted, element("p").textContent, element("p").hidden]).toEqual([0, "Not confirmed", false]);
});

test("a line that is down is said as such", async () => {
  browserWith(async () => null);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await show("localhost");
  element("button").click();
  await settled();
  expect(element("p").textContent).toBe("Failed");
});
