import { describe, expect, it } from "vitest";
import { waysOf } from "./probe";
import { loudness } from "./sounds";

const RELAY = { username: "1:a", credential: "secret" };

describe("the ways to try", () => {
  it("are the direct one, and each kind of relay once", () => {
    const urls = [
      "turn:turn.example:3478?transport=udp",
      "turn:turn.example:3478?transport=tcp",
      "turn:other.example:3478?transport=udp",
      "turns:turn.example:443?transport=tcp",
    ];
    const tries = waysOf([{ urls: ["stun:turn.example:3478"] }, { urls, ...RELAY }]);
    expect(tries.map(({ way }) => way)).toEqual(["direct", "relay-udp", "relay-tcp", "relay-tls"]);
    expect(tries[0]?.settings).toEqual({ iceServers: [] });
    expect(tries[3]?.settings).toEqual({
      iceServers: [{ urls: urls[3], ...RELAY }],
      iceTransportPolicy: "relay",
    });
  });

  it("are the direct one alone where no relay is configured", () => {
    expect(waysOf([]).map(({ way }) => way)).toEqual(["direct"]);
  });
});

describe("how loud it is", () => {
  it("is a share of a bar from -60 dB on", () => {
    expect(loudness(0)).toBe(0);
    expect(loudness(1e-9)).toBe(0);
    expect(loudness(0.001)).toBeCloseTo(0.5);
    expect(loudness(1)).toBe(1);
  });
});
