import { expect, test } from "vitest";
import { withSpeech } from "./opus";

const HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n";
const SPEECH =
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n";
const VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n";
const HEART = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=rtpmap:111 opus/48000/2\r\n";
const LEAN = { bitrate: 16_000, packet: 60, pauses: true };
const FULL = { bitrate: 32_000, packet: 20, pauses: false };

test("speech is asked for in long packets, with pauses and repair data", () => {
  expect(withSpeech(HEAD + SPEECH + VIDEO, LEAN)).toBe(
    HEAD + SPEECH.replace("useinbandfec=1\r\n", "useinbandfec=1;usedtx=1\r\na=ptime:60\r\n") + VIDEO,
  );
});

test("and in short ones again", () => {
  const lean = withSpeech(HEAD + SPEECH + VIDEO, LEAN);
  expect(withSpeech(lean, FULL)).toBe(withSpeech(HEAD + SPEECH + VIDEO, FULL));
  expect(withSpeech(lean, LEAN)).toBe(lean);
});

test("who said nothing of their Opus is taken to want it so", () => {
  expect(withSpeech(HEAD + HEART, LEAN)).toContain("a=fmtp:111 useinbandfec=1;usedtx=1\r\na=ptime:60\r\n");
});

test("what is no speech, or no Opus, stays as it is", () => {
  expect(withSpeech(HEAD + SPEECH + VIDEO + HEART, LEAN, ["2"]).endsWith(VIDEO + HEART)).toBe(true);
  const other = HEAD + SPEECH.replaceAll("opus/48000/2", "PCMU/8000");
  expect(withSpeech(other, LEAN)).toBe(other);
});
