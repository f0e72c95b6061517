import { Controller } from "@hotwired/stimulus";
import { beforeEach, expect, test, vi } from "vitest";
import { LazyControllers } from "./lazy";

class Heavy extends Controller {}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  document.body.innerHTML = "";
});

test("a heavy controller is fetched once, when an element names it", async () => {
  const register = vi.fn();
  const load = vi.fn(async () => Heavy);
  new LazyControllers({ register }, { viewer: load }).watch(document);
  document.body.innerHTML = '<p data-controller="age"></p>';
  await settled();
  expect(load).not.toHaveBeenCalled();
  document.body.insertAdjacentHTML("beforeend", '<section><div data-controller="age viewer"></div></section>');
  document.body.insertAdjacentHTML("beforeend", '<div data-controller="viewer"></div>');
  await settled();
  expect(load).toHaveBeenCalledOnce();
  expect(register).toHaveBeenCalledExactlyOnceWith("viewer", Heavy);
});

test("an element that is there already counts, and so does a name given later", async () => {
  const register = vi.fn();
  document.body.innerHTML = '<div data-controller="room"></div><div id="later"></div>';
  const loads = { room: async () => Heavy, viewer: async () => Heavy };
  new LazyControllers({ register }, loads).watch(document);
  document.getElementById("later")?.setAttribute("data-controller", "viewer");
  await settled();
  expect(register.mock.calls.map(([name]) => name)).toEqual(["room", "viewer"]);
});

test("after a lost connection it is tried again", async () => {
  const register = vi.fn();
  const load = vi.fn(async () => Heavy).mockRejectedValueOnce(new TypeError("offline"));
  new LazyControllers({ register }, { viewer: load }).watch(document);
  document.body.innerHTML = '<div data-controller="viewer"></div>';
  await settled();
  expect(register).not.toHaveBeenCalled();
  document.body.innerHTML = '<div data-controller="viewer"></div>';
  await settled();
  expect(register).toHaveBeenCalledOnce();
});
