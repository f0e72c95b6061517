// Microphone and camera: ask for both, take what there is, and know why the rest is missing.

export type Trouble = "refused" | "missing" | "in-use" | "insecure" | "failed";
export type Kind = "audio" | "video";

export interface Devices {
  stream: MediaStream | null;
  trouble: Partial<Record<Kind, Trouble>>;
}

type Asker = Pick<MediaDevices, "getUserMedia">;

const WANTED: Record<Kind, MediaTrackConstraints> = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } },
};

const WORDS: Record<string, Trouble> = {
  NotAllowedError: "refused",
  SecurityError: "insecure",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "in-use",
  AbortError: "in-use",
};

/** Never throws: without any device one may still listen and write. */
export async function openDevices(asker: Asker | undefined = globalThis.navigator?.mediaDevices): Promise<Devices> {
  if (!asker) return { stream: null, trouble: { audio: "insecure", video: "insecure" } };
  try {
    return { stream: await asker.getUserMedia(WANTED), trouble: {} };
  } catch {
    // One of the two is the reason: ask for each by itself.
  }
  const trouble: Devices["trouble"] = {};
  const tracks: MediaStreamTrack[] = [];
  for (const kind of ["audio", "video"] as const) {
    try {
      tracks.push(...(await asker.getUserMedia({ [kind]: WANTED[kind] })).getTracks());
    } catch (error) {
      trouble[kind] = (error instanceof Error && WORDS[error.name]) || "failed";
    }
  }
  return { stream: tracks.length > 0 ? new MediaStream(tracks) : null, trouble };
}
