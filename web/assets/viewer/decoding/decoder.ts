// A worker of its own: from the bytes of an HTJ2K codestream, or of its beginning, to samples. Loaded when first needed.
import openjph from "@cornerstonejs/codec-openjph";
import wasm from "@cornerstonejs/codec-openjph/wasm?url";
import type { Answer, Question } from "./decoding";

const loading = openjph({ locateFile: () => wasm });

addEventListener("message", async ({ data: { number, codestream, halvings } }: MessageEvent<Question>) => {
  try {
    const samples = decoded(await loading, codestream, halvings);
    const answer: Answer = { number, samples };
    postMessage(answer, { transfer: [samples] });
  } catch (error) {
    const answer: Answer = { number, error: String(error) };
    postMessage(answer);
  }
});

function decoded({ HTJ2KDecoder }: openjph.Codec, codestream: Uint8Array, halvings: number): ArrayBuffer {
  const decoder = new HTJ2KDecoder();
  try {
    decoder.getEncodedBuffer(codestream.length).set(codestream);
    decoder.decodeSubResolution(halvings);
    return decoder.getDecodedBuffer().slice().buffer;
  } finally {
    decoder.delete();
  }
}
