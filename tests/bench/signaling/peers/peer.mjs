// npm peer (PeerServer): passes on what it is given to the id that is named; it answers nothing.
import { PeerServer } from "peer";

PeerServer({ port: Number(process.argv[2]), host: "127.0.0.1", path: "/", concurrent_limit: 10_000, alive_timeout: 3_600_000 });
