import { Application } from "@hotwired/stimulus";
import { afterEach, expect, test, vi } from "vitest";
import FilmController from "./film";

let application: Application;

afterEach(() => application.stop());

test.each([
  [HTMLMediaElement.NETWORK_NO_SOURCE, 1],
  [HTMLMediaElement.NETWORK_IDLE, 0],
])("a video whose source failed (state %i) is loaded anew", async (state, times) => {
  const film = document.createElement("video");
  film.dataset.controller = "film";
  film.load = vi.fn<() => void>();
  Object.defineProperty(film, "networkState", { value: state });
  document.body.replaceChildren(film);
  application = Application.start();
  application.register("film", FilmController);
  await vi.waitFor(() => expect(application.controllers).toHaveLength(1));
  expect(film.load).toHaveBeenCalledTimes(times);
});
