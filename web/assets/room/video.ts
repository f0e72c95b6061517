// The two pictures.

/** Show a stream with its sound. Resolves to false where the browser wants a tap before it plays sound. */
export async function play(video: HTMLVideoElement, stream: MediaStream): Promise<boolean> {
  if (video.srcObject !== stream) video.srcObject = stream;
  try {
    await video.play();
    return true;
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return true;
    // Pictures at least may move before the tap.
    video.muted = true;
    await video.play().catch(() => undefined);
    return false;
  }
}

/** Stop every device of a stream, so that the camera's light goes out. */
export function release(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
