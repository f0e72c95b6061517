import { Application } from "@hotwired/stimulus";
import { afterEach, expect, test, vi } from "vitest";
import FilmController from "./film";

let application: Application;

afterEach(() => application.stop());

const SLOW = { effectiveType: "3g" };
const line = (connection: object | undefined): unknown => Object.assign(navigator, { connection });

async function shown(state: number, room = ""): Promise<HTMLVideoElement> {
  const film = document.createElement("video");
  film.dataset.controller = "film";
  film.preload = "none";
  film.load = vi.fn<() => void>();
  Object.defineProperty(film, "networkState", { value: state });
  const page = document.createElement("div");
  page.dataset.controller = room;
  page.append(film);
  document.body.replaceChildren(page);
  application = Application.start();
  application.register("film", FilmController);
  await vi.waitFor(() => expect(application.controllers).toHaveLength(1));
  return film;
}

test.each([
  [HTMLMediaElement.NETWORK_NO_SOURCE, 1],
  [HTMLMediaElement.NETWORK_IDLE, 0],
])("on a slow line a video whose source failed (state %i) is loaded anew", async (state, times) => {
  line(SLOW);
  const film = await shown(state);
  expect([film.preload, vi.mocked(film.load).mock.calls.length]).toEqual(["none", times]);
});

test.each([
  ["a fast line", { effectiveType: "4g" }, "", "metadata"],
  ["a line nothing is known of", undefined, "", "metadata"],
  ["a slow line", SLOW, "", "none"],
  ["a person who saves data", { effectiveType: "4g", saveData: true }, "", "none"],
  ["a line that a call runs over", { effectiveType: "4g" }, "room", "none"],
])("the first picture over %s", async (_where, connection, room, preload) => {
  line(connection);
  expect((await shown(HTMLMediaElement.NETWORK_IDLE, room)).preload).toBe(preload);
});
