// A plan of the ladder's, put onto what an RTCPeerConnection sends.
import type { Picture, Sound } from "../protocol.gen";
import type { Plan } from "./ladder";
import { withSpeech } from "./opus";

/** bit/s of sound that is no speech: all of it is to be heard. */
const FULL_BAND = 64_000;

/** Put a plan onto all that is sent, each track by its kind. What is one of several moving pictures gets its share. */
export async function fitSenders(senders: readonly RTCRtpSender[], { picture, sound }: Plan): Promise<void> {
  const live = senders.filter(({ track }) => track?.readyState !== "ended");
  const pictures = live.filter(({ track }) => track?.kind === "video").length;
  for (const sender of live) {
    if (!sender.track) continue;
    const parameters = sender.getParameters();
    if (isNoSpeech(sender.track)) withSound(parameters, { ...sound, bitrate: FULL_BAND });
    else if (sender.track.kind === "audio") withSound(parameters, sound);
    else withPicture(parameters, picture && shared(picture, pictures), sender.track.getSettings().height);
    await sender.setParameters(parameters).catch((error: unknown) => console.warn("Parameters:", error));
  }
}

/**
 * Have another packet length or pauses in the speech that is sent. What each side told the other stands: both descriptions
 * are only applied here again (RFC 8866 §6.4: `ptime` is what the receiver would like, and we know what it can bear).
 */
export async function retune(connection: RTCPeerConnection, sound: Sound): Promise<void> {
  const { remoteDescription: theirs } = connection;
  if (!theirs || connection.signalingState !== "stable") return;
  const next = tuned(connection, theirs, sound);
  if (next.sdp === theirs.sdp) return;
  if (theirs.type === "answer") {
    await connection.setLocalDescription(await connection.createOffer());
    await connection.setRemoteDescription(next);
  } else {
    await connection.setRemoteDescription(next);
    await connection.setLocalDescription();
  }
}

/** A description of the other side's, as if it had asked for this speech. */
export function tuned<D extends RTCSessionDescriptionInit>(connection: RTCPeerConnection, theirs: D, sound: Sound): D {
  const others = connection.getTransceivers().filter(({ sender }) => sender.track && isNoSpeech(sender.track));
  const except = others.map(({ mid }) => mid ?? "");
  return { type: theirs.type, sdp: withSpeech(theirs.sdp ?? "", sound, except) } as D;
}

/** Of moving pictures; without, they rest (W3C WebRTC §5.2.7 `active`). `height` is what the camera gives. */
export function withPicture(
  parameters: RTCRtpSendParameters,
  picture: Picture | null,
  height: number | undefined,
): RTCRtpSendParameters {
  for (const encoding of parameters.encodings ?? []) {
    encoding.active = picture !== null;
    if (!picture) continue;
    encoding.maxBitrate = picture.bitrate;
    encoding.maxFramerate = picture.frame_rate;
    encoding.scaleResolutionDownBy = Math.max(1, (height ?? picture.height) / picture.height);
  }
  return parameters;
}

/** Sound goes first: small, and ahead of the pictures. */
export function withSound(parameters: RTCRtpSendParameters, { bitrate }: Sound): RTCRtpSendParameters {
  for (const encoding of parameters.encodings ?? []) {
    encoding.maxBitrate = bitrate;
    encoding.priority = "high";
    encoding.networkPriority = "high";
  }
  return parameters;
}

/** A stethoscope, say: whoever opens it says so by the hint. */
function isNoSpeech({ kind, contentHint }: MediaStreamTrack): boolean {
  return kind === "audio" && contentHint === "music";
}

function shared(picture: Picture, among: number): Picture {
  return { ...picture, bitrate: Math.round(picture.bitrate / Math.max(1, among)) };
}
