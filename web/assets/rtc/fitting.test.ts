import { expect, test, vi } from "vitest";
import { fitSenders, retune, withPicture, withSound } from "./fitting";

const PICTURE = { height: 240, frame_rate: 10, bitrate: 100_000, least: 40_000 };
const SOUND = { bitrate: 24_000, packet: 20, pauses: false };
const parameters = () => ({ encodings: [{}] }) as RTCRtpSendParameters;

test("a picture becomes parameters of a sender", () => {
  expect(withPicture(parameters(), PICTURE, 480).encodings[0]).toEqual({
    active: true,
    maxBitrate: 100_000,
    maxFramerate: 10,
    scaleResolutionDownBy: 2,
  });
  expect(withPicture(parameters(), PICTURE, 120).encodings[0]?.scaleResolutionDownBy).toBe(1);
  expect(withPicture(parameters(), null, 480).encodings[0]).toEqual({ active: false });
});

test("sound goes ahead of the pictures", () => {
  expect(withSound(parameters(), SOUND).encodings[0]).toEqual({
    maxBitrate: 24_000,
    priority: "high",
    networkPriority: "high",
  });
});

function sender(kind: string, contentHint = "") {
  const track = { kind, contentHint, readyState: "live", getSettings: () => ({ height: 480 }) };
  return { track, getParameters: parameters, setParameters: vi.fn(async () => undefined) };
}

test("several moving pictures share what there is, and a stethoscope keeps its full band", async () => {
  const senders = [sender("audio"), sender("video"), sender("video"), sender("audio", "music")];
  await fitSenders(senders as unknown as RTCRtpSender[], { picture: PICTURE, sound: SOUND });
  const set = senders.map(({ setParameters }) => (setParameters.mock.calls as unknown[][])[0]?.[0]);
  expect((set as RTCRtpSendParameters[]).map(({ encodings }) => encodings[0]?.maxBitrate)).toEqual([
    24_000, 50_000, 50_000, 64_000,
  ]);
});

function connection(type: "offer" | "answer", signalingState = "stable") {
  const sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n";
  return {
    remoteDescription: { type, sdp },
    signalingState,
    getTransceivers: () => [],
    createOffer: vi.fn(async () => ({ type: "offer", sdp: "mine" })),
    setLocalDescription: vi.fn(async (_description?: unknown) => undefined),
    setRemoteDescription: vi.fn(async (_description: RTCSessionDescriptionInit) => undefined),
  };
}

test.each(["offer", "answer"] as const)(
  "what the other side said in an %s is applied again, otherwise packed",
  async (type) => {
    const one = connection(type);
    await retune(one as unknown as RTCPeerConnection, { ...SOUND, packet: 60 });
    const [applied] = one.setRemoteDescription.mock.calls[0] ?? [];
    expect(applied?.type).toBe(type);
    expect(applied?.sdp).toContain("a=ptime:60");
    expect(one.createOffer).toHaveBeenCalledTimes(type === "answer" ? 1 : 0);
    expect(one.setLocalDescription).toHaveBeenCalledTimes(1);
  },
);

test("nothing is touched while descriptions are under way", async () => {
  const one = connection("answer", "have-local-offer");
  await retune(one as unknown as RTCPeerConnection, SOUND);
  expect(one.setLocalDescription).not.toHaveBeenCalled();
});
