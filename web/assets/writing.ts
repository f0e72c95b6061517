// What only the editor of a note needs, in one piece.
export { default as dictation } from "./writing/dictation";
export { default as inserting } from "./writing/inserting";
export { default as keeping } from "./writing/keeping";
