// The wire's servers in the browser's own shape, which knows no null.
import type { IceServer } from "../protocol.gen";

export function iceServers(ice: readonly IceServer[]): RTCIceServer[] {
  return ice.map(({ urls, username, credential }) => ({
    urls,
    ...(username && { username }),
    ...(credential && { credential }),
  }));
}
