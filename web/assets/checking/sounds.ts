// Sound and noise of a check: how loud the microphone is, a tone for the speaker, and what is sent to measure the link.
import type { Noise } from "./probe";

const FRAMES = 15; // a second
const [WIDTH, HEIGHT] = [640, 480];
const TONE = 523.25; // Hz

/** Tell how loud it is, 0 to 1, until the returned function is called. */
export function levelOf(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
    tell(loudness(power));
  }, 80);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** Mean power as a share of a bar from -60 dB to full. */
export function loudness(power: number): number {
  return power > 0 ? Math.min(1, Math.max(0, 1 + (10 * Math.log10(power)) / 60)) : 0;
}

/** Two seconds of a tone, from the speaker that was chosen where the browser can. */
export async function playTone(speaker: string | undefined): Promise<void> {
  const context = new AudioContext();
  const [tone, gain] = [context.createOscillator(), context.createGain()];
  const choose = (context as { setSinkId?: (id: string) => Promise<void> }).setSinkId;
  if (speaker && choose) await choose.call(context, speaker).catch(() => undefined); // gone: the usual one
  tone.frequency.value = TONE;
  const now = context.currentTime;
  gain.gain.setValueAtTime(0, now);
  gain.gain.linearRampToValueAtTime(0.2, now + 0.1);
  gain.gain.setValueAtTime(0.2, now + 1.7);
  gain.gain.linearRampToValueAtTime(0, now + 2);
  tone.connect(gain).connect(context.destination);
  tone.onended = () => void context.close();
  tone.start(now);
  tone.stop(now + 2);
}

/** A picture that cannot be made small, and a quiet hum: what fills a line, and shows and tells nothing. */
export function makeNoise(): Noise {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const paint = canvas.getContext("2d");
  const picture = new ImageData(WIDTH, HEIGHT);
  const words = new Uint32Array(picture.data.buffer);
  const draw = () => {
    for (let at = 0; at < words.length; at++) words[at] = (Math.random() * 0x1000000) | 0xff000000;
    paint?.putImageData(picture, 0, 0);
  };
  draw();
  const timer = setInterval(draw, 1000 / FRAMES);
  const context = new AudioContext();
  const [hum, gain, out] = [context.createOscillator(), context.createGain(), context.createMediaStreamDestination()];
  gain.gain.value = 0.05;
  hum.connect(gain).connect(out);
  hum.start();
  const tracks = [...out.stream.getAudioTracks(), ...canvas.captureStream(FRAMES).getVideoTracks()];
  return {
    tracks,
    stop: () => {
      clearInterval(timer);
      for (const track of tracks) track.stop();
      void context.close();
    },
  };
}
