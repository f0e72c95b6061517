// The ways there are. No page needs one before it is in the room, so all of them come after it (later_way.ts).
import type { Path } from "../protocol.gen";
import { Mesh } from "./mesh";
import { ServerWay } from "./server_way";
import { SplitWay } from "./split_way";
import type { Supplies, Way, WayListener } from "./way";

/** Begin by the way this path takes. */
export function begin({ number, way, split }: Path, supplies: Supplies, listener: WayListener): Way {
  const By = way === "direct" ? Mesh : split ? SplitWay : ServerWay;
  return new By(number, supplies, listener);
}
