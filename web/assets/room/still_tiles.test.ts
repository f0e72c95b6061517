import { beforeEach, expect, test, vi } from "vitest";
import { StillTiles } from "./still_tiles";

let page: HTMLElement;
let tiles: StillTiles;
const figure = (within: string) => page.querySelector<HTMLElement>(`${within} figure`);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date(2026, 0, 1, 9, 5, 7) });
  vi.stubGlobal("CSS", { escape: (text: string) => text });
  URL.createObjectURL = () => "blob:picture";
  URL.revokeObjectURL = vi.fn();
  page = document.createElement("div");
  page.innerHTML = `<div data-tile-key="main"><video></video></div><div data-pid="rose"><video></video></div>
    <template><figure data-label="Picture of {time}" data-none="Sound only"><img alt="" hidden><figcaption></figcaption></figure></template>`;
  const template = page.querySelector("template") as HTMLTemplateElement;
  tiles = new StillTiles(page, template, "otto", "en");
});

test("what froze is covered until a picture comes, and says when it was taken", () => {
  tiles.rests("otto", true);
  tiles.rests("otto", true);
  const covered = figure("[data-tile-key=main]");
  expect(covered?.textContent).toBe("Sound only");
  expect(covered?.querySelector("img")?.hidden).toBe(true);
  tiles.show("otto", new Blob());
  expect(covered?.textContent).toBe("Picture of 09:05:07");
  expect(covered?.querySelector("img")?.alt).toBe("Picture of 09:05:07");
  expect(covered?.querySelector("img")?.hidden).toBe(false);
});

test("it goes when pictures move again", () => {
  tiles.show("rose", new Blob());
  expect(figure("[data-pid=rose]")).not.toBeNull();
  tiles.rests("rose", false);
  expect(figure("[data-pid=rose]")).toBeNull();
  expect(URL.revokeObjectURL).toHaveBeenCalledWith("blob:picture");
  tiles.show("nobody", new Blob());
  expect(page.querySelectorAll("figure")).toHaveLength(0);
});
