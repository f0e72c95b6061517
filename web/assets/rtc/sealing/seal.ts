// Sealing as a call uses it: this page's identity, the worker its frames pass through, and the ring of keys.
import type { Joined, Peer, PeerChanged } from "../../protocol.gen";
import type { RoomClient } from "../room_client";
import { Identity } from "./identity";
import { Ring, type RingClient, type Standing } from "./ring";
import { StillSeal } from "./still_seal";
import type { Passing, Told } from "./worker";

/** W3C WebRTC Encoded Transform §4; not yet in TypeScript's own types. */
type ScriptTransform = new (worker: Worker, options: Passing) => object;
type Sealable = { transform?: object | null };

export class Seal {
  #worker: Worker | null = null;
  /** What the worker has to know once it is needed: between two people it never is. Empty from then on. */
  readonly #told: Told[] = [];
  /** For single pictures. */
  readonly stills = new StillSeal();
  #ring: Ring | null = null;
  /** Fingerprints that direct connections came with, until their owners' cards are known. */
  readonly #seen = new Map<string, string[]>();

  private constructor(private readonly identity: Identity) {}

  /** Null where the browser gives no keys: on a page that did not come by a secure way. */
  static async draw(): Promise<Seal | null> {
    return globalThis.crypto?.subtle ? new Seal(await Identity.draw()) : null;
  }

  /** What every connection of this page proves itself with. */
  get certificate(): RTCCertificate {
    return this.identity.certificate;
  }

  /** Give and take keys over this line; `changed` hears how it stands. */
  begin(client: Pick<RoomClient, "ask" | "hear">, changed: (standing: Standing) => void): void {
    const ring = new Ring(
      this.identity,
      ringClient(client, { seals: Transform() !== undefined }),
      (told) => this.#tell(told),
      (standing) => {
        this.#compare();
        changed(standing);
      },
    );
    this.#ring = ring;
    client.hear("commitment", (message) => ring.commitment(message));
    client.hear("reveal", (message) => ring.revealed(message));
    client.hear("key", (message) => ring.key(message));
    client.hear("recording", ({ recording }) => this.record(recording != null && recording.phase !== "asked"));
  }

  joined({ pid, peers }: Joined): void {
    this.#ring?.joined(pid, peers);
  }

  peer(peer: Peer, change: PeerChanged["change"]): void {
    if (change === "left") this.#seen.delete(peer.pid);
    this.#ring?.peer({ peer, change });
  }

  /** The session is recorded by the server, or no longer. */
  record(on: boolean): void {
    this.#ring?.record(on);
  }

  /** Have what is sent through the server sealed. */
  seal(sender: RTCRtpSender): void {
    this.#pass(sender as Sealable, {});
  }

  /** Have what comes through the server from them opened. */
  open(receiver: RTCRtpReceiver, pid: string): void {
    this.#pass(receiver as Sealable, { pid });
  }

  /** A direct connection's description came from them: its fingerprints must be their card's. */
  saw(pid: string, sdp: string): void {
    this.#seen.set(pid, fingerprints(sdp));
    this.#compare();
  }

  end(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #pass(through: Sealable, options: Passing): void {
    const Made = Transform();
    if (!Made) return;
    if (!this.#worker) {
      this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      for (const told of this.#told.splice(0)) this.#worker.postMessage(told);
    }
    through.transform = new Made(this.#worker, options);
  }

  #tell(told: Told): void {
    this.stills.hear(told);
    if (this.#worker) this.#worker.postMessage(told);
    else this.#told.push(told);
  }

  #compare(): void {
    for (const [pid, seen] of this.#seen) {
      const expected = this.#ring?.fingerprintOf(pid);
      if (!expected) continue;
      this.#seen.delete(pid);
      if (seen.length === 0 || seen.some((one) => one !== expected)) this.#ring?.distrust();
    }
  }
}

/** Of a description, those of SHA-256; another algorithm's is none of ours. */
export function fingerprints(sdp: string): string[] {
  return [...sdp.matchAll(/^a=fingerprint:(\S+) (\S+)/gim)].map(([, algorithm, value]) =>
    algorithm?.toLowerCase() === "sha-256" ? (value ?? "").toUpperCase() : "",
  );
}

function Transform(): ScriptTransform | undefined {
  return (globalThis as { RTCRtpScriptTransform?: ScriptTransform }).RTCRtpScriptTransform;
}

function ringClient(client: Pick<RoomClient, "ask">, { seals }: { seals: boolean }): RingClient {
  return {
    commit: (commitment) => client.ask("commit", { seals, commitment }),
    reveal: (reveal) => void client.ask("reveal", reveal),
    key: (key) => void client.ask("key", key),
  };
}
