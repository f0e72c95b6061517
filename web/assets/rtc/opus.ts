// How speech is packed, in a session description (RFC 7587 §6.1, RFC 8866 §6.4). Pure: text in, text out.
import type { Sound } from "../protocol.gen";

/** Parameters that are ours to say; what else the other side said stays. */
const OURS = ["useinbandfec", "usedtx"];

/**
 * The other side's description as if it had asked for this speech: repair data in band, pauses that cost nothing, so many
 * milliseconds a packet. `except` are the m-lines (by `mid`) of what is no speech: it loses by all of that.
 */
export function withSpeech(sdp: string, { packet, pauses }: Sound, except: readonly string[] = []): string {
  return sections(sdp)
    .map((section) => (isSpeech(section, except) ? spoken(section, packet, pauses) : section))
    .join("");
}

function isSpeech(section: string, except: readonly string[]): boolean {
  return section.startsWith("m=audio ") && !except.includes(/^a=mid:(.*?)\r?$/m.exec(section)?.[1] ?? "");
}

function spoken(section: string, packet: number, pauses: boolean): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000/im.exec(section)?.[1];
  if (!payload) return section;
  const lines = section.split("\r\n");
  const prefix = `a=fmtp:${payload} `;
  const at = lines.findIndex((line) => line.startsWith(prefix));
  const said = (lines[at]?.slice(prefix.length) ?? "").split(";").map((one) => one.trim());
  const kept = said.filter((one) => one && !OURS.includes(one.split("=")[0] ?? ""));
  const fmtp = prefix + [...kept, "useinbandfec=1", ...(pauses ? ["usedtx=1"] : [])].join(";");
  if (at >= 0) lines[at] = fmtp;
  else lines.splice(lines.findIndex((line) => line.startsWith(`a=rtpmap:${payload} `)) + 1, 0, fmtp);
  const rest = lines.filter((line) => !line.startsWith("a=ptime:"));
  rest.splice(rest.indexOf(fmtp) + 1, 0, `a=ptime:${packet}`);
  return rest.join("\r\n");
}

/** The part of the whole session, then one of each m-line. */
function sections(sdp: string): string[] {
  return sdp.split(/(?=^m=)/m);
}
