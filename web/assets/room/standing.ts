// What the room's page says over the picture, out of the few facts that decide it.
import type { ByeReason, ErrorCode, RoomState } from "../protocol.gen";
import type { LinkState } from "../rtc/link";

export type Standing =
  | "asking"
  | "door"
  | "connecting"
  | "waiting"
  | "calling"
  | "silent"
  | "live"
  | "interrupted"
  | "lost"
  | "offline"
  | "ended"
  | "away"
  | Over;

export type Over = "left" | "elsewhere" | "signed-out" | "closed";

export interface Facts {
  over: Over | null;
  /** Camera and microphone have been asked for. */
  asked: boolean;
  /** A guest who has to wait until somebody lets them in. */
  door: boolean;
  /** Joined at least once. */
  joined: boolean;
  online: boolean;
  room: RoomState;
  /** Where the other person is: `expected` has not come yet. */
  peer: "expected" | "here" | "lost" | "left";
  link: LinkState | null;
  pictures: boolean;
}

export function standing(facts: Facts): Standing {
  if (facts.over) return facts.over;
  if (!facts.asked) return "asking";
  // Sound and pictures travel from person to person: they outlive the line to the server.
  if (facts.link === "connected" && facts.peer !== "left") return facts.pictures ? "live" : "silent";
  if (!facts.joined && !facts.door) return "connecting";
  if (!facts.online) return "offline";
  if (facts.door) return "door";
  switch (facts.peer) {
    case "expected":
      return "waiting";
    case "lost":
      return "lost";
    case "left":
      return facts.room === "ended" ? "ended" : "away";
    case "here":
      return facts.link === "interrupted" ? "interrupted" : "calling";
  }
}

export function afterBye(reason: ByeReason): Over {
  return reason === "ended" ? "closed" : reason;
}

export function afterRefusal(error: ErrorCode): Over {
  if (error === "too-many") return "elsewhere";
  return error === "signed-out" ? "signed-out" : "closed";
}

/** Seconds as people read a clock: 4:07, 1:02:33. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
