// What a call needs beside sound and picture, in one piece: small files would each wait for the line. The script of the
// call is there before it, and holds what both use.
import "../room";

export { default as call_devices } from "./more/call_devices";
export { default as chat_files } from "./more/chat_files";
export { default as clip } from "./more/clip";
export { default as ladder } from "./more/ladder";
export { default as manners } from "./more/manners";
export { default as meeting_case } from "./more/meeting_case";
export { default as recording } from "./more/recording";
export { default as sealing } from "./more/sealing";
export { default as small_window } from "./more/small_window";
export { default as sources } from "./more/sources";
export { default as still } from "./more/still";
