// What we use of the decoder, which comes without types.
declare module "@cornerstonejs/codec-openjph" {
  namespace openjph {
    /** Its buffers lie in the module's own memory: copy out of them before the next call. */
    interface Decoder {
      /** Room for so many bytes of codestream. */
      getEncodedBuffer(length: number): Uint8Array;
      /** A beginning of the codestream will do; what it lacks is taken for zero. Throws what the module throws. */
      decodeSubResolution(halvings: number): void;
      /** Little endian, colours side by side. */
      getDecodedBuffer(): Uint8Array<ArrayBuffer>;
      delete(): void;
    }
    interface Codec {
      HTJ2KDecoder: new () => Decoder;
    }
  }
  function openjph(settings: { locateFile: (name: string) => string }): Promise<openjph.Codec>;
  export = openjph;
}
