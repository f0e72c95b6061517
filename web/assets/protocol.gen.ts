// Written by `python -m signaling.protocol`. Change that file, not this one.

export const CHAT_LENGTH = 2000;

export const LOGGED = ["chat", "room"] as const;

export type Role = "requester" | "specialist" | "member" | "guest";

export type RoomState = "waiting" | "live" | "ended";

export type Change = "joined" | "lost" | "left";

export type ByeReason = "elsewhere" | "signed-out" | "ended";

export type ErrorCode = "invalid" | "not-found" | "not-open" | "not-admitted" | "not-joined" | "not-presenting" | "gone" | "too-many" | "signed-out" | "failed";

export type What = "consult" | "encounter" | "ring" | "notice" | "arrival" | "everything";

export type StreamKind = "main" | "camera" | "screen" | "stethoscope";

export type MarkKind = "length" | "angle" | "area";

export type RungName = "hd" | "480p" | "360p" | "240p" | "stills" | "audio";

export type Why = "opening" | "fine" | "weak" | "device" | "chosen";

export type RecordingAct = "look" | "ask" | "agree" | "decline" | "ready" | "withdraw" | "stop";

export type RecordingPhase = "asked" | "starting" | "recording" | "paused";

export type RecordingOver = "stopped" | "declined" | "withdrawn" | "left" | "failed" | "cut-off";

export type Way = "direct" | "server";

export type TrackKind = "audio" | "video";

/** An SDP offer or answer (RTCSessionDescriptionInit). */
export interface Description {
  type: "offer" | "answer";
  sdp: string;
}

/** An ICE candidate (RTCIceCandidateInit); an empty `candidate` ends the list. */
export interface Candidate {
  candidate: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
  usernameFragment?: string | null;
}

/** A STUN or TURN server (RTCIceServer). */
export interface IceServer {
  urls: string[];
  username?: string | null;
  credential?: string | null;
}

/** One of the things somebody sends: the id of their MediaStream (RFC 8830 §2), and what it shows or sounds. */
export interface Stream {
  id: string;
  what: StreamKind;
  name?: string | null;
}

/** Another participant, as the receiver of the message sees them. */
export interface Peer {
  pid: string;
  name: string;
  role: Role;
  present: boolean;
  polite: boolean;
  audio: boolean;
  video: boolean;
  streams: Stream[];
  hand: boolean;
  page?: string | null;
}

/** Images that somebody shows to the other side at this moment: our id of the study, its UID, and who shows it. */
export interface Showing {
  study: string;
  uid: string;
  name: string;
}

/** Enter the room of a consult, or a meeting's call; also after every reconnect. `page` is drawn once per page. */
export interface Join {
  page: string;
  audio: boolean;
  video: boolean;
  consult?: string | null;
  meeting?: string | null;
  streams?: Stream[] | null;
  path?: Known | null;
  room?: string | null;
  since?: number | null;
}

/** A description or a candidate, for one peer. */
export interface Signal {
  to: string;
  description?: Description | null;
  candidate?: Candidate | null;
  path?: number | null;
}

/** Whether microphone and camera are on, and all that is sent; without `streams` that is what it was. */
export interface Media {
  audio: boolean;
  video: boolean;
  streams?: Stream[] | null;
}

/** Ask for fresh relay credentials, before ICE is restarted. */
export type Ice = Record<string, never>;

/** Go out for good (closing the page without it leaves the seat `lost`). */
export type Leave = Record<string, never>;

/** Everything a page needs to begin the call. */
export interface Joined {
  pid: string;
  state: RoomState;
  peers: Peer[];
  ice: IceServer[];
  chat: ChatLine[];
  log: SessionLog;
  now: string;
  path: Path;
  room: string;
  consult?: string | null;
  writes_as?: string | null;
  started_at?: string | null;
  showing?: Showing | null;
}

/** The message was taken. */
export interface Done {
  ok: "yes";
}

/** STUN and TURN servers with credentials good for the next minutes. */
export interface FreshIce {
  ice: IceServer[];
}

/** The message was not taken, and why. */
export interface Refusal {
  error: ErrorCode;
}

/** A participant came (or came back), dropped out or left. */
export interface PeerChanged {
  peer: Peer;
  change: Change;
}

/** A description or a candidate of a peer's. */
export interface SignalFrom {
  sender: string;
  description?: Description | null;
  candidate?: Candidate | null;
  path?: number | null;
}

/** A peer switched microphone or camera, or sends something more or less. */
export interface MediaOf {
  sender: string;
  audio: boolean;
  video: boolean;
  streams: Stream[];
}

/** The session began, or is over. */
export interface Room {
  state: RoomState;
  started_at?: string | null;
}

/** A guest who waits at the door may come in: join again. */
export type Admitted = Record<string, never>;

/** The team meeting went on: join again. `consult` is what the receiver hears of now; nothing between two cases. */
export interface Moved {
  consult?: string | null;
}

/** A guest came to the door, went, was invited or turned out: look at the list again. */
export type GuestsChanged = Record<string, never>;

/** The other side begins to show images, or shows none any more. */
export interface ImagesShown {
  showing?: Showing | null;
}

/** This connection is out; it must not come back by itself. */
export interface Bye {
  reason: ByeReason;
}

/** Something on the person's lists changed: look again. No clinical content travels here. */
export interface Changed {
  what: What;
  stamp: string;
  id?: string | null;
}

/** A file of the chat: what it is, and how many bytes. */
export interface ChatFile {
  kind: "image/jpeg" | "application/pdf";
  size: number;
}

/** One line of the chat, as it was kept. With a `file`, its text is the file's name. */
export interface ChatLine {
  id: string;
  sender: string;
  name: string;
  text: string;
  sent_at: string;
  file?: ChatFile | null;
}

/** A line for the chat. The sender draws the id, so that a line sent again is kept once. */
export interface Say {
  id: string;
  text: string;
}

/** After each `join`: SHA-256 of the page's card, nothing where its browser makes no keys; and whether it seals */
export interface Commit {
  seals: boolean;
  commitment?: string | null;
}

/** The card itself, to who has told their commitment: the public key (P-256) and the fingerprint of the page's */
export interface Reveal {
  to: string;
  card: string;
}

/** The key that opens what the sender sends, its `number` counting the changes, sealed for one member. */
export interface KeyFor {
  to: string;
  number: number;
  sealed: string;
}

/** A peer's commitment, and whether their browser seals frames. */
export interface CommitmentOf {
  sender: string;
  seals: boolean;
  commitment?: string | null;
}

/** Those of everyone in the room who has told it. */
export interface Commitments {
  of: CommitmentOf[];
}

/** A peer's card, for the receiver alone. */
export interface RevealOf {
  sender: string;
  card: string;
}

/** A peer's key, sealed for the receiver alone. */
export interface KeyOf {
  sender: string;
  number: number;
  sealed: string;
}

/** A window over the values of an image (PS3.3 §C.11.2.1.2). */
export interface Level {
  center: number;
  width: number;
}

/** Which part is seen: `zoom` 1 fits the image, `x` and `y` are its pixel in the middle, `turn` quarter turns. */
export interface View {
  zoom: number;
  x: number;
  y: number;
  turn: number;
}

/** What somebody looks at, and how. No `level`: the image's own. */
export interface Looking {
  series: string;
  sop: string;
  frame: number;
  view: View;
  inverted: boolean;
  level?: Level | null;
}

/** A place in an image. */
export interface Spot {
  series: string;
  sop: string;
  frame: number;
  x: number;
  y: number;
}

/** One of the points that make a mark. */
export interface Corner {
  x: number;
  y: number;
}

/** What somebody measures, by its points: what that comes to is reckoned where it is seen. */
export interface DrawnMark {
  kind: MarkKind;
  series: string;
  sop: string;
  frame: number;
  points: Corner[];
}

/** Somebody who has the study open. `id` is drawn anew each time they come. */
export interface Looker {
  id: string;
  name: string;
  follows: boolean;
}

/** Look at a study with the other party of a consult; also after every reconnect. */
export interface Come {
  study: string;
  consult: string;
}

/** Look at it by oneself. */
export type Go = Record<string, never>;

/** Show what one looks at from now on, whoever did so until now; without `looking`: no more. */
export interface Present {
  looking?: Looking | null;
}

/** Whether one's own screen goes along with who presents. */
export interface Follow {
  on: boolean;
}

/** What who presents looks at now. */
export interface Look {
  looking: Looking;
}

/** Where who presents points; without `spot`: nowhere. */
export interface Point {
  spot?: Spot | null;
}

/** All that who presents has measured and not kept; what is kept everybody finds in the study. */
export interface Marks {
  marks: DrawnMark[];
}

/** How many of `look`, `point` and `marks` have arrived since coming: to who lags behind only the newest is sent. */
export interface Seen {
  count: number;
}

/** Who looks at the study, and who of them presents. */
export interface Together {
  people: Looker[];
  presenter?: string | null;
}

/** Who one is, who else is there, and where it stands: whoever comes late sees what is seen. */
export interface Welcome {
  me: string;
  together: Together;
  looking?: Looking | null;
  marks: DrawnMark[];
}

/** One's hand goes up, or down again. Said anew after every reconnect. */
export interface Hand {
  raised: boolean;
}

/** Ask everyone else to mute their microphone. */
export type Hush = Record<string, never>;

/** A peer's hand went up, or down. */
export interface HandOf {
  sender: string;
  raised: boolean;
}

/** A peer asks for silence: the page mutes, and says by whom. Only its owner unmutes it. */
export interface HushOf {
  sender: string;
  name: string;
}

/** How somebody's link does: every five seconds, and when the rung changes. Where there are several, the worst. */
export interface Net {
  rung: RungName;
  why: Why;
  loss: number;
  concealed: number;
  up: number;
  down: number;
  silent: number;
  freezes: number;
  round_trip?: number | null;
  jitter?: number | null;
  uplink?: number | null;
}

/** A piece of a single picture (JPEG), in order; the last of `count` completes it. */
export interface Piece {
  index: number;
  count: number;
  bytes: string;
}

/** What a peer sends now, and why no more. */
export interface NetOf {
  sender: string;
  rung: RungName;
  why: Why;
}

/** A piece of a peer's picture. */
export interface PieceOf {
  sender: string;
  index: number;
  count: number;
  bytes: string;
}

/** Is anybody there? The answer is what counts. */
export type Beat = Record<string, never>;

/** Ask for the events after the last one that is held. */
export interface Missed {
  since: number;
}

/** An event of the session, as it is told: the message's name, the message, and its number. */
export interface Logged {
  number: number;
  kind: string;
  body: unknown;
}

/** What one needs to be up to date with the event `last`. `whole`: so much was missed that one begins anew. */
export interface SessionLog {
  last: number;
  events: Logged[];
  whole: boolean;
}

/** That the patient agrees, as the doctor who is with them states; where another speaks for them, their name. */
export interface PatientWord {
  by: "patient" | "representative";
  name?: string | null;
}

/** What somebody does about recording. All but `look` and `ask` name the recording they answer. */
export interface RecordAct {
  act: RecordingAct;
  recording?: string | null;
  patient?: PatientWord | null;
}

/** Where a recording stands: who asked (`by` is their name), who has agreed, who present has not answered yet. */
export interface RecordingState {
  id: string;
  phase: RecordingPhase;
  by: string;
  asker: string;
  agreed: string[];
  awaited: string[];
  since?: string | null;
}

/** The recording of the room, if there is one; where there is none any more, why. */
export interface RecordingNow {
  recording?: RecordingState | null;
  over?: RecordingOver | null;
}

/** The way of everyone in the room. Each change has a higher number; it is settled when all have changed over. */
export interface Path {
  number: number;
  way: Way;
  settled: boolean;
  split?: boolean | null;
}

/** The path a page is on, told when it joins: a server that began anew goes on from there. */
export interface Known {
  number: number;
  way: Way;
}

/** How the change to a path went here: everything expected arrives by it, or nothing gets through. */
export interface PathTried {
  number: number;
  works: boolean;
}

/** What is wanted on an m-line that only receives: the sound or the picture of one of somebody's streams. */
export interface Want {
  mid: string;
  pid: string;
  stream: string;
  kind: TrackKind;
}

/** An offer to the server (SDP). What is sent goes up on m-lines of its own, what is wanted comes down on others. */
export interface Through {
  sdp: string;
  wants: Want[];
  path?: number | null;
}

/** The server's answer (SDP). */
export interface ThroughAnswer {
  sdp: string;
}

/** Whose sound is wanted, or sound and pictures, where the path is split. */
export interface WantOf {
  pid: string;
  video: boolean;
  after: number;
}

/** Everybody who is wanted from now on. */
export interface Wants {
  path: number;
  people: WantOf[];
}

/** What an m-line of the server's carries: the sound or the picture of one of somebody's streams. */
export interface Carried {
  mid: string;
  stream: string;
  kind: TrackKind;
}

/** The server's offer (SDP) of all that somebody sends, over a connection of its own. A later one has a higher */
export interface Offered {
  path: number;
  sender: string;
  number: number;
  sdp: string;
  carries: Carried[];
}

/** The browser's answer (SDP) to it. */
export interface Answered {
  path: number;
  sender: string;
  number: number;
  sdp: string;
}

/** Moving pictures: the most lines, frames a second and bit/s of them. */
export interface Picture {
  height: number;
  frame_rate: number;
  bitrate: number;
  least: number;
}

/** Speech in Opus, with its in-band FEC: bit/s, and how much of it one packet carries, ms. */
export interface Sound {
  bitrate: number;
  packet: number;
  pauses: boolean;
}

/** What is sent, and the links it is for. */
export interface Rung {
  name: RungName;
  picture?: Picture | null;
  sound: Sound;
  enter: number;
  leave: number;
  loss: number;
  concealed: number;
  round_trip: number;
}

/** How the ladder is walked; all in seconds but `bad`. It is looked at each second, over the last `window`. */
export interface Pace {
  window: number;
  bad: number;
  good: number;
  dwell: number;
  longest: number;
  probe: number;
}

export type Reply<T> = (answer: T | Refusal) => void;

export interface RoomAsks {
  join: (message: Join, reply: Reply<Joined>) => void;
  signal: (message: Signal, reply: Reply<Done>) => void;
  media: (message: Media, reply: Reply<Done>) => void;
  chat: (message: Say, reply: Reply<Done>) => void;
  missed: (message: Missed, reply: Reply<SessionLog>) => void;
  beat: (message: Beat, reply: Reply<Done>) => void;
  hand: (message: Hand, reply: Reply<Done>) => void;
  hush: (message: Hush, reply: Reply<Done>) => void;
  ice: (message: Ice, reply: Reply<FreshIce>) => void;
  net: (message: Net, reply: Reply<Done>) => void;
  still: (message: Piece, reply: Reply<Done>) => void;
  path: (message: PathTried, reply: Reply<Done>) => void;
  through: (message: Through, reply: Reply<ThroughAnswer>) => void;
  wants: (message: Wants, reply: Reply<Done>) => void;
  answer: (message: Answered, reply: Reply<Done>) => void;
  commit: (message: Commit, reply: Reply<Commitments>) => void;
  reveal: (message: Reveal, reply: Reply<Done>) => void;
  key: (message: KeyFor, reply: Reply<Done>) => void;
  record: (message: RecordAct, reply: Reply<RecordingNow>) => void;
  leave: (message: Leave, reply: Reply<Done>) => void;
}

export interface RoomTells {
  peer: (message: PeerChanged) => void;
  signal: (message: SignalFrom) => void;
  media: (message: MediaOf) => void;
  net: (message: NetOf) => void;
  still: (message: PieceOf) => void;
  path: (message: Path) => void;
  offer: (message: Offered) => void;
  chat: (message: ChatLine, number: number) => void;
  hand: (message: HandOf) => void;
  hush: (message: HushOf) => void;
  room: (message: Room, number: number) => void;
  admitted: (message: Admitted) => void;
  moved: (message: Moved) => void;
  guests: (message: GuestsChanged) => void;
  showing: (message: ImagesShown) => void;
  commitment: (message: CommitmentOf) => void;
  reveal: (message: RevealOf) => void;
  key: (message: KeyOf) => void;
  recording: (message: RecordingNow) => void;
  bye: (message: Bye) => void;
}

export interface LookingAsks {
  join: (message: Come, reply: Reply<Welcome>) => void;
  present: (message: Present, reply: Reply<Done>) => void;
  follow: (message: Follow, reply: Reply<Done>) => void;
  look: (message: Look, reply: Reply<Done>) => void;
  point: (message: Point, reply: Reply<Done>) => void;
  marks: (message: Marks, reply: Reply<Done>) => void;
  seen: (message: Seen, reply: Reply<Done>) => void;
  leave: (message: Go, reply: Reply<Done>) => void;
}

export interface LookingTells {
  together: (message: Together) => void;
  look: (message: Look) => void;
  point: (message: Point) => void;
  marks: (message: Marks) => void;
  bye: (message: Bye) => void;
}

export interface WorklistTells {
  changed: (message: Changed) => void;
  bye: (message: Bye) => void;
}

export type NegotiationState = "expecting" | "idle" | "offering" | "ignoring" | "closed";

export type NegotiationEvent = "needed" | "offer" | "answer" | "candidate" | "resumed" | "close";

export type NegotiationAction = "nothing" | "send-offer" | "send-answer" | "take-answer" | "take-candidate" | "try-candidate" | "send-offer-again" | "check-path" | "close";

export type NegotiationRole = "polite" | "impolite";

/** Keyed `event/state`. */
export const NEGOTIATION: Record<NegotiationRole, Record<string, [NegotiationState, NegotiationAction]>> = {
  polite: {
    "needed/expecting": ["expecting", "nothing"],
    "needed/idle": ["offering", "send-offer"],
    "needed/offering": ["offering", "nothing"],
    "needed/ignoring": ["ignoring", "nothing"],
    "offer/expecting": ["idle", "send-answer"],
    "offer/idle": ["idle", "send-answer"],
    "answer/offering": ["idle", "take-answer"],
    "answer/ignoring": ["idle", "take-answer"],
    "answer/idle": ["idle", "nothing"],
    "candidate/expecting": ["expecting", "nothing"],
    "candidate/idle": ["idle", "take-candidate"],
    "candidate/offering": ["offering", "try-candidate"],
    "candidate/ignoring": ["ignoring", "try-candidate"],
    "resumed/expecting": ["expecting", "nothing"],
    "resumed/idle": ["idle", "check-path"],
    "resumed/offering": ["offering", "send-offer-again"],
    "resumed/ignoring": ["offering", "send-offer-again"],
    "close/expecting": ["closed", "close"],
    "close/idle": ["closed", "close"],
    "close/offering": ["closed", "close"],
    "close/ignoring": ["closed", "close"],
    "offer/offering": ["idle", "send-answer"],
  },
  impolite: {
    "needed/expecting": ["expecting", "nothing"],
    "needed/idle": ["offering", "send-offer"],
    "needed/offering": ["offering", "nothing"],
    "needed/ignoring": ["ignoring", "nothing"],
    "offer/expecting": ["idle", "send-answer"],
    "offer/idle": ["idle", "send-answer"],
    "answer/offering": ["idle", "take-answer"],
    "answer/ignoring": ["idle", "take-answer"],
    "answer/idle": ["idle", "nothing"],
    "candidate/expecting": ["expecting", "nothing"],
    "candidate/idle": ["idle", "take-candidate"],
    "candidate/offering": ["offering", "try-candidate"],
    "candidate/ignoring": ["ignoring", "try-candidate"],
    "resumed/expecting": ["expecting", "nothing"],
    "resumed/idle": ["idle", "check-path"],
    "resumed/offering": ["offering", "send-offer-again"],
    "resumed/ignoring": ["offering", "send-offer-again"],
    "close/expecting": ["closed", "close"],
    "close/idle": ["closed", "close"],
    "close/offering": ["closed", "close"],
    "close/ignoring": ["closed", "close"],
    "offer/offering": ["ignoring", "nothing"],
    "offer/ignoring": ["ignoring", "nothing"],
  },
};

export const OPENING: RungName = "240p";

export const PACE: Pace = {"window": 3, "bad": 2, "good": 10, "dwell": 15, "longest": 240, "probe": 3};

/** From the best to the last. */
export const RUNGS: readonly Rung[] = [
  {"name": "hd", "picture": {"height": 720, "frame_rate": 24, "bitrate": 1500000, "least": 600000}, "sound": {"bitrate": 32000, "packet": 20, "pauses": false}, "enter": 1800000, "leave": 1200000, "loss": 0.02, "concealed": 0.03, "round_trip": 300},
  {"name": "480p", "picture": {"height": 480, "frame_rate": 24, "bitrate": 600000, "least": 250000}, "sound": {"bitrate": 32000, "packet": 20, "pauses": false}, "enter": 700000, "leave": 500000, "loss": 0.03, "concealed": 0.05, "round_trip": 400},
  {"name": "360p", "picture": {"height": 360, "frame_rate": 15, "bitrate": 250000, "least": 100000}, "sound": {"bitrate": 32000, "packet": 20, "pauses": false}, "enter": 300000, "leave": 220000, "loss": 0.05, "concealed": 0.05, "round_trip": 600},
  {"name": "240p", "picture": {"height": 240, "frame_rate": 10, "bitrate": 100000, "least": 40000}, "sound": {"bitrate": 24000, "packet": 20, "pauses": false}, "enter": 110000, "leave": 75000, "loss": 0.08, "concealed": 0.05, "round_trip": 1500},
  {"name": "stills", "sound": {"bitrate": 24000, "packet": 40, "pauses": true}, "enter": 60000, "leave": 32000, "loss": 0.2, "concealed": 0.1, "round_trip": 60000},
  {"name": "audio", "sound": {"bitrate": 16000, "packet": 60, "pauses": true}, "enter": 0, "leave": 0, "loss": 1.0, "concealed": 1.0, "round_trip": 60000},
];
