import { beforeAll, expect, test, vi } from "vitest";
import { openDevices } from "./devices";

class Stream {
  constructor(private readonly tracks: MediaStreamTrack[] = []) {}
  getTracks() {
    return this.tracks;
  }
}

beforeAll(() => vi.stubGlobal("MediaStream", Stream));

/** Devices of which some fail with the named error. */
function asker(failing: Partial<Record<"audio" | "video", string>>) {
  return {
    getUserMedia: async (wanted: MediaStreamConstraints) => {
      const kinds = (["audio", "video"] as const).filter((kind) => wanted[kind]);
      const bad = kinds.find((kind) => failing[kind]);
      if (bad) throw Object.assign(new Error(), { name: failing[bad] });
      return new Stream(kinds.map((kind) => ({ kind }) as MediaStreamTrack)) as unknown as MediaStream;
    },
  };
}

const kinds = (stream: MediaStream | null) => stream?.getTracks().map((track) => track.kind);

test("both at once where both work", async () => {
  const { stream, trouble } = await openDevices(asker({}));
  expect(kinds(stream)).toEqual(["audio", "video"]);
  expect(trouble).toEqual({});
});

test.each([
  ["NotAllowedError", "refused"],
  ["NotFoundError", "missing"],
  ["OverconstrainedError", "missing"],
  ["NotReadableError", "in-use"],
  ["SomethingNew", "failed"],
])("a camera that fails with %s is %s, and the microphone is kept", async (name, why) => {
  const { stream, trouble } = await openDevices(asker({ video: name }));
  expect(kinds(stream)).toEqual(["audio"]);
  expect(trouble).toEqual({ video: why });
});

test("no device at all is no reason to stay out", async () => {
  const { stream, trouble } = await openDevices(asker({ audio: "NotFoundError", video: "NotAllowedError" }));
  expect(stream).toBeNull();
  expect(trouble).toEqual({ audio: "missing", video: "refused" });
});

test("an address that is not secure has no devices", async () => {
  expect((await openDevices(undefined)).trouble).toEqual({ audio: "insecure", video: "insecure" });
});
