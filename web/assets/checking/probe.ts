// Measures the link to the server: first what it carries, then how fast bytes come, then by which ways it is reached.
// What is sent is noise of our own making: nobody is seen or heard by the server.
import type { Door, Found, Way } from "./door";
import { type Figures, figures, type Look, look } from "./figures";

export type Step = "connecting" | "uplink" | "downlink" | "ways";
export type Tell = (step: Step, done: number) => void;

const CONNECTED_WITHIN = 8_000; // ms; through TCP and TLS over a thin line it takes some round trips
const WAY_WITHIN = 6_000;
const MEASURED_FOR = 7_000;
const LOOK_EVERY = 500;
const DOWNLOADED_FOR = 3_500;
/** Above this the picture would be no better: bit/s. */
const ENOUGH = 2_500_000;

/** What was waiting in the browser already comes at any rate: bit/s. */
const FASTEST = 1_000_000_000;

/** What noise to send; the page makes it, since a canvas belongs to the page. */
export interface Noise {
  tracks: MediaStreamTrack[];
  stop(): void;
}

export class Probe {
  constructor(
    private readonly door: Door,
    private readonly makeNoise: () => Noise,
    private readonly tell: Tell,
  ) {}

  /** Everything, in about a quarter of a minute. Throws when `signal` says stop, and where the server refuses. */
  async measure(signal: AbortSignal): Promise<Found> {
    this.tell("connecting", 0);
    const servers = await this.door.servers(signal);
    const up = await this.#uplink(servers, signal);
    this.tell("downlink", 0.6);
    const downlink = await this.#downlink(signal);
    const ways: Record<"open" | "blocked", Way[]> = { open: [], blocked: [] };
    const tries = waysOf(servers);
    for (const [index, { way, settings }] of tries.entries()) {
      this.tell("ways", 0.8 + (0.2 * index) / tries.length);
      ways[(await this.#passes(settings, signal)) ? "open" : "blocked"].push(way);
    }
    return { ...up, downlink, ways: ways.open, blocked_ways: ways.blocked };
  }

  async #uplink(servers: RTCIceServer[], signal: AbortSignal): Promise<Figures> {
    const noise = this.makeNoise();
    const connection = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" });
    const looks: Look[] = [];
    try {
      const stream = new MediaStream(noise.tracks);
      for (const track of noise.tracks) {
        const sendEncodings = track.kind === "video" ? [{ maxBitrate: ENOUGH }] : [];
        connection.addTransceiver(track, { direction: "sendonly", streams: [stream], sendEncodings });
      }
      connection.addTransceiver("audio", { direction: "recvonly" });
      if (!(await this.#connect(connection, CONNECTED_WITHIN, signal))) return figures([]);
      for (let waited = 0; waited < MEASURED_FOR; waited += LOOK_EVERY) {
        this.tell("uplink", 0.1 + (0.5 * waited) / MEASURED_FOR);
        await pause(LOOK_EVERY, signal);
        looks.push(look(await connection.getStats(), performance.now()));
      }
    } finally {
      connection.close();
      noise.stop();
    }
    return figures(looks);
  }

  /** bit/s, from the first bytes on; null where none came. */
  async #downlink(signal: AbortSignal): Promise<number | null> {
    const enough = new AbortController();
    const timer = setTimeout(() => enough.abort(), DOWNLOADED_FOR);
    let [first, last, bytes] = [0, 0, 0];
    try {
      await this.door.download(AbortSignal.any([signal, enough.signal]), (came) => {
        last = performance.now();
        if (first === 0) first = last;
        else bytes += came; // what had come before the clock began counts for nothing
      });
    } catch (error) {
      if (signal.aborted || !enough.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    return last > first ? Math.min(FASTEST, (bytes * 8_000) / (last - first)) : null;
  }

  /** Whether media get through like this. */
  async #passes(settings: RTCConfiguration, signal: AbortSignal): Promise<boolean> {
    const connection = new RTCPeerConnection({ ...settings, bundlePolicy: "max-bundle" });
    connection.addTransceiver("audio", { direction: "recvonly" });
    try {
      return await this.#connect(connection, WAY_WITHIN, signal);
    } finally {
      connection.close();
    }
  }

  async #connect(connection: RTCPeerConnection, within: number, signal: AbortSignal): Promise<boolean> {
    const connected = new Promise<boolean>((resolve) => {
      connection.onconnectionstatechange = () => {
        if (connection.connectionState === "connected") resolve(true);
        if (connection.connectionState === "failed") resolve(false);
      };
    });
    await connection.setLocalDescription();
    const sdp = await this.door.answer(connection.localDescription?.sdp ?? "", signal);
    await connection.setRemoteDescription({ type: "answer", sdp });
    return Promise.race([connected, pause(within, signal).then(() => false)]);
  }
}

/** By which ways to try, from the most wanted to the last. */
export function waysOf(servers: readonly RTCIceServer[]): { way: Way; settings: RTCConfiguration }[] {
  const tries: { way: Way; settings: RTCConfiguration }[] = [{ way: "direct", settings: { iceServers: [] } }];
  const known = new Set<Way>(["direct"]);
  for (const server of servers) {
    for (const urls of typeof server.urls === "string" ? [server.urls] : server.urls) {
      const way = wayOf(urls);
      if (!way || known.has(way)) continue;
      known.add(way);
      tries.push({ way, settings: { iceServers: [{ ...server, urls }], iceTransportPolicy: "relay" } });
    }
  }
  return tries;
}

/** Which way an address of a relay is (RFC 7065); null for what is none. */
function wayOf(url: string): Way | null {
  if (url.startsWith("turns:")) return "relay-tls";
  if (!url.startsWith("turn:")) return null;
  return url.endsWith("transport=tcp") ? "relay-tcp" : "relay-udp";
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
