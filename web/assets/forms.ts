// What only pages with a form need, in one piece: five small files would wait for the line five times.
export { default as autosave } from "./controllers/forms/autosave";
export { default as camera } from "./controllers/forms/camera";
export { default as export_ } from "./controllers/forms/export";
export { default as file_drop } from "./controllers/forms/file_drop";
export { default as picker } from "./controllers/forms/picker";
export { default as search } from "./controllers/forms/search";
