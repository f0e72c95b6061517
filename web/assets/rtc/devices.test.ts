import { beforeAll, expect, test, vi } from "vitest";
import { deviceName, openDetail, openDevices, openStethoscope, wanted } from "./devices";

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

test("what was chosen is asked for, and gives way where it is not there", () => {
  const { audio, video } = wanted({ camera: "c", microphone: "m", facing: "environment", calm: false });
  expect(audio).toMatchObject({ deviceId: { ideal: "m" }, noiseSuppression: false, echoCancellation: true });
  expect(video).toMatchObject({ deviceId: { ideal: "c" } });
  expect(video).not.toHaveProperty("facingMode");
  expect(wanted({ facing: "environment" }).video).toMatchObject({ facingMode: { ideal: "environment" } });
  expect(wanted({}).audio).toMatchObject({ noiseSuppression: true });
});

test("only what changed is opened anew", async () => {
  const getUserMedia = vi.fn(asker({}).getUserMedia);
  const { stream } = await openDevices({ getUserMedia }, {}, ["video"]);
  expect(kinds(stream)).toEqual(["video"]);
  expect(getUserMedia).toHaveBeenCalledOnce();
});

test("a further camera is asked for its lines, a stethoscope for its sound as it is", async () => {
  const asked: MediaStreamConstraints[] = [];
  const track = { contentHint: "" } as MediaStreamTrack;
  const getUserMedia = async (constraints: MediaStreamConstraints) => {
    asked.push(constraints);
    return { getVideoTracks: () => [track], getAudioTracks: () => [track] } as unknown as MediaStream;
  };
  expect((await openDetail("c", { getUserMedia })).contentHint).toBe("detail");
  expect(asked[0]?.video).toMatchObject({ deviceId: { exact: "c" }, height: { ideal: 1080 } });
  expect((await openStethoscope("m", { getUserMedia })).contentHint).toBe("music");
  expect(asked[1]?.audio).toMatchObject({ echoCancellation: false, noiseSuppression: false, autoGainControl: false });
});

test("a device is called as people call it", () => {
  expect(deviceName("HD Webcam C920 (046d:082d)")).toBe("HD Webcam C920");
  expect(deviceName("Ultrasound (left)")).toBe("Ultrasound (left)");
});

test("an address that is not secure has no devices", async () => {
  expect((await openDevices(undefined)).trouble).toEqual({ audio: "insecure", video: "insecure" });
});
