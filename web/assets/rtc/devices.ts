// Microphone and camera: ask for both, take what there is, and know why the rest is missing.

import { type Choice, remembered } from "./choice";

export type Trouble = "refused" | "missing" | "in-use" | "insecure" | "failed";
export type Kind = "audio" | "video";

export interface Devices {
  stream: MediaStream | null;
  trouble: Partial<Record<Kind, Trouble>>;
}

type Asker = Pick<MediaDevices, "getUserMedia">;

const KINDS: readonly Kind[] = ["audio", "video"];
/** A wound or a dermatoscope: every line counts, movement does not. */
const DETAIL: MediaTrackConstraints = {
  width: { ideal: 1920 },
  height: { ideal: 1080 },
  frameRate: { ideal: 15, max: 30 },
};
/** What a stethoscope gives, untouched: what a browser takes for noise is what is listened to. */
const UNTOUCHED: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
  channelCount: { ideal: 2 },
};

const WORDS: Record<string, Trouble> = {
  NotAllowedError: "refused",
  SecurityError: "insecure",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "in-use",
  AbortError: "in-use",
};

/** What to ask the browser for. A device that is not there gives way to another, and is taken again when it is back. */
export function wanted(choice: Choice): Record<Kind, MediaTrackConstraints> {
  const { camera, microphone, facing, calm = true } = choice;
  return {
    audio: {
      echoCancellation: true,
      noiseSuppression: calm,
      autoGainControl: true,
      ...(microphone && { deviceId: { ideal: microphone } }),
    },
    video: {
      width: { ideal: 640 },
      height: { ideal: 480 },
      frameRate: { ideal: 24, max: 30 },
      ...(camera && { deviceId: { ideal: camera } }),
      ...(facing && !camera && { facingMode: { ideal: facing } }),
    },
  };
}

/** Never throws: without any device one may still listen and write. */
export async function openDevices(
  asker: Asker | undefined = globalThis.navigator?.mediaDevices,
  choice: Choice = remembered(),
  kinds: readonly Kind[] = KINDS,
): Promise<Devices> {
  if (!asker) return { stream: null, trouble: { audio: "insecure", video: "insecure" } };
  const asked = wanted(choice);
  if (kinds.length > 1) {
    try {
      return { stream: await asker.getUserMedia(asked), trouble: {} };
    } catch {
      // One of the two is the reason: ask for each by itself.
    }
  }
  const trouble: Devices["trouble"] = {};
  const tracks: MediaStreamTrack[] = [];
  for (const kind of kinds) {
    try {
      tracks.push(...(await asker.getUserMedia({ [kind]: asked[kind] })).getTracks());
    } catch (error) {
      trouble[kind] = why(error);
    }
  }
  return { stream: tracks.length > 0 ? new MediaStream(tracks) : null, trouble };
}

/** One more camera (or what a capture card gives), for what has to be seen exactly. Throws what the browser throws. */
export async function openDetail(camera: string, asker: Asker = navigator.mediaDevices): Promise<MediaStreamTrack> {
  const stream = await asker.getUserMedia({ video: { ...DETAIL, deviceId: { exact: camera } } });
  const [track] = stream.getVideoTracks() as [MediaStreamTrack];
  track.contentHint = "detail";
  return track;
}

/** The sound of a stethoscope as it is. Throws what the browser throws. */
export async function openStethoscope(
  microphone: string,
  asker: Asker = navigator.mediaDevices,
): Promise<MediaStreamTrack> {
  const stream = await asker.getUserMedia({ audio: { ...UNTOUCHED, deviceId: { exact: microphone } } });
  const [track] = stream.getAudioTracks() as [MediaStreamTrack];
  track.contentHint = "music"; // sent in full, and by no means for speech
  return track;
}

export function why(error: unknown): Trouble {
  return (error instanceof Error && WORDS[error.name]) || "failed";
}

/** A device's name as people know it: without the numbers of its maker (`046d:082d`). */
export function deviceName(label: string): string {
  return label.replace(/\s*\([0-9a-f]{4}:[0-9a-f]{4}\)$/i, "").trim();
}
