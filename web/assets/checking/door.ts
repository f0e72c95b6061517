// What the server gives a check: relays to try, the other end of a connection, bytes to fetch, a place for what was found.
import { ownHeaders } from "../requests";
import type { Figures } from "./figures";

export type Way = "direct" | "relay-udp" | "relay-tcp" | "relay-tls";

export interface Found extends Figures {
  /** bit/s */
  downlink: number | null;
  ways: Way[];
  blocked_ways: Way[];
}

export interface Devices {
  camera: boolean;
  microphone: boolean;
  speaker: boolean | null;
}

/** The server refused, with its status. */
export class Refused extends Error {
  constructor(readonly status: number) {
    super(`refused: ${status}`);
  }
}

export class Door {
  constructor(private readonly url: string) {}

  async servers(signal: AbortSignal): Promise<RTCIceServer[]> {
    const answer = await this.#ask("/servers", { signal });
    const { servers } = (await answer.json()) as { servers: Record<string, unknown>[] };
    return servers.map(({ urls, username, credential }) => ({
      urls: urls as string[],
      ...(username ? { username: username as string, credential: credential as string } : {}),
    }));
  }

  /** The other end's answer to an offer (SDP). */
  async answer(sdp: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#ask("/probe", { signal, ...posted({ sdp }) });
    return ((await answer.json()) as { sdp: string }).sdp;
  }

  /** How many bytes came, each time some did. */
  async download(signal: AbortSignal, came: (bytes: number) => void): Promise<void> {
    const answer = await this.#ask("/download", { signal, cache: "no-store" });
    const reader = answer.body?.getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) came(part.value.byteLength);
  }

  async keep(found: Found, devices: Devices): Promise<void> {
    await this.#ask("", posted({ ...found, ...devices }));
  }

  async #ask(part: string, how: RequestInit): Promise<Response> {
    const answer = await fetch(this.url + part, { ...how, headers: { ...ownHeaders(), ...how.headers } });
    if (!answer.ok) throw new Refused(answer.status);
    return answer;
  }
}

function posted(content: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
}
