import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import SessionController from "./session";

const server = vi.fn<typeof fetch>();
let application: Application;

const notice = (): HTMLElement => document.querySelector("[data-controller=session]") as HTMLElement;
const form = (): HTMLFormElement => document.querySelector("form") as HTMLFormElement;

/** What Turbo does with an answer; false where the page is to stay as it is. */
function answer(statusCode: number): boolean {
  const detail = { fetchResponse: { statusCode } };
  return form().dispatchEvent(
    new CustomEvent("turbo:before-fetch-response", { bubbles: true, cancelable: true, detail }),
  );
}

function signedInAgain(): void {
  const response = new Response('<head><meta name="csrf-token" content="new"></head>');
  Object.defineProperty(response, "url", { value: "http://localhost/patients/new" });
  server.mockResolvedValue(response);
}

beforeEach(async () => {
  server.mockReset();
  vi.stubGlobal("fetch", server);
  document.head.innerHTML = '<meta name="csrf-token" content="old">';
  document.body.innerHTML = `
    <div data-controller="session" hidden>Sign in</div>
    <form method="post" action="/patients"><input name="csrf_token" value="old"><input name="family" value="Roy"></form>`;
  application = Application.start();
  application.register("session", SessionController);
  await new Promise((resolve) => setTimeout(resolve, 0));
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
});

test("an answer that asks to sign in leaves the words where they are", () => {
  expect(answer(401)).toBe(false);
  expect(notice().hidden).toBe(false);
  expect(answer(422)).toBe(true);
  expect(notice().hidden).toBe(true);
});

test("once somebody signed in again, the form goes with the new token", async () => {
  answer(401);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(notice().hidden, "the form is uncovered").toBe(true);
  signedInAgain();
  const sent = vi.fn((event: Event) => event.preventDefault());
  form().addEventListener("submit", sent);
  expect(answer(403)).toBe(false);
  await vi.waitFor(() => expect(sent).toHaveBeenCalledOnce());
  expect(new FormData(form()).get("csrf_token")).toBe("new");
  expect(answer(403), "what is not theirs to do is said").toBe(true);
});

test("what is refused to who is signed in is said, and so is the end of a session for a page", () => {
  expect(answer(403)).toBe(true);
  form().method = "get";
  expect(answer(401)).toBe(true);
  expect(notice().hidden).toBe(true);
});
