// Seals and opens this page's frames beside its main thread (W3C WebRTC Encoded Transform). Keys come by message.
import { type FrameKind, Opener, type Policy, Sealer } from "./frames";
import { FrameKey } from "./sframe";

/** What the page tells. `pid` says whose; none: its own. */
export type Told =
  | { tell: "key"; pid?: string; kid: number; base: Uint8Array<ArrayBuffer> }
  | { tell: "forget"; pid: string }
  | { tell: "policy"; policy: Policy };
/** What a transform is made with: whose frames pass. Without one they are our own, on the way out. */
export type Passing = { pid?: string };

interface Frame {
  data: ArrayBuffer;
  type?: "key" | "delta" | "empty";
}

interface Transformer {
  options: Passing;
  readable: ReadableStream<Frame>;
  writable: WritableStream<Frame>;
  sendKeyFrameRequest?(): Promise<unknown>;
}

interface Scope {
  onrtctransform: (event: { transformer: Transformer }) => void;
  onmessage: (event: MessageEvent<Told>) => void;
}

const scope = self as unknown as Scope;
const sealer = new Sealer();
const openers = new Map<string, Opener>();
let policy: Policy = "sealed";

scope.onmessage = async ({ data: told }) => {
  if (told.tell === "policy") policy = told.policy;
  else if (told.tell === "forget") openers.delete(told.pid);
  else if (told.pid === undefined) sealer.use(await FrameKey.of(told.base, told.kid));
  else openerOf(told.pid).add(await FrameKey.of(told.base, told.kid));
};

scope.onrtctransform = ({ transformer }) => {
  const { pid } = transformer.options;
  let isStuck = false;
  const pass = async (frame: Frame, on: TransformStreamDefaultController<Frame>) => {
    const data = new Uint8Array(frame.data);
    const kind: FrameKind = frame.type === undefined ? "audio" : frame.type === "key" ? "key" : "delta";
    const passed =
      pid === undefined ? await sealer.out(data, kind, policy) : await openerOf(pid).in(data, kind, policy);
    if (!passed) {
      isStuck = true;
      return;
    }
    // Frames that were held back are missing to the decoder: it has to begin anew.
    if (isStuck && pid !== undefined && kind === "delta")
      void transformer.sendKeyFrameRequest?.().catch(() => undefined);
    isStuck = false;
    frame.data = passed.buffer;
    on.enqueue(frame);
  };
  const through = new TransformStream<Frame, Frame>({ transform: pass });
  transformer.readable
    .pipeThrough(through)
    .pipeTo(transformer.writable)
    .catch(() => undefined); // the track has ended
};

function openerOf(pid: string): Opener {
  const opener = openers.get(pid) ?? new Opener();
  openers.set(pid, opener);
  return opener;
}
