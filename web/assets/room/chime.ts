// A soft sound when somebody comes: two tones, a fifth apart, no longer than half a second. Nothing to download.

const TONES = [523.25, 783.99]; // Hz
const LOUDNESS = 0.06;
const LENGTH = 0.28; // s

/** Play it, where the browser lets this page make a sound by now. */
export function chime(): void {
  const context = new AudioContext();
  if (context.state !== "running") {
    void context.close();
    return;
  }
  TONES.forEach((frequency, index) => {
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    const at = context.currentTime + index * 0.16;
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + LENGTH);
    if (index === TONES.length - 1) tone.onended = () => void context.close();
  });
}
