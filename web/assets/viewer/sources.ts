// Where the pixels of a study come from on this page, and how much of them this machine keeps.
import { Decoding } from "./decoding/decoding";
import { type Film, filmAt } from "./film";
import { Frames } from "./frames";
import { Line } from "./line";
import { Previews } from "./previews";
import type { Sources } from "./supply";

const MB = 1_000_000;
const ROOM = { samples: 128 * MB, pictures: 48 * MB };
const ROOM_ON_PHONES = { samples: 64 * MB, pictures: 24 * MB };
/** GiB of memory and CSS pixels of the shorter side, up to which a machine counts as a phone. */
const PHONE_MEMORY = 2;
const PHONE_PIXELS = 500;

interface PageSources extends Sources {
  film(path: string): Film | null;
  stop(): void;
}

/** `isShared`: a call runs over the same line. They end with `stop`. */
export function sourcesFor(study: string, isShared: boolean): PageSources {
  const room = isPhone() ? ROOM_ON_PHONES : ROOM;
  const line = new Line(study, undefined, isShared);
  const decoding = new Decoding();
  return {
    line,
    previews: new Previews(line, room.pictures),
    frames: new Frames(line, decoding, room.samples),
    film: (path) => filmAt(line.address(path)),
    stop: () => decoding.stop(),
  };
}

/** The picture that came within the page, as it came from the server. */
export function pictureIn(address: string): Blob | null {
  const [head, content] = address.split(";base64,");
  if (!content || head !== "data:image/webp") return null;
  return new Blob([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], { type: "image/webp" });
}

function isPhone(): boolean {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  if (deviceMemory !== undefined && deviceMemory <= PHONE_MEMORY) return true;
  return Math.min(screen.width, screen.height) <= PHONE_PIXELS;
}
