// A system of a hospital that sends HL7 v2 as node-hl7-client does. Takes {port, messages} as JSON, prints the answers.
import { Client, Message } from "node-hl7-client";

const { port, messages } = JSON.parse(process.argv[2]);
const client = new Client({ host: "127.0.0.1" });
const answers = [];
let next = 0;

const connection = client.createConnection({ port, waitAck: true }, (response) => {
  const said = response.getMessage();
  answers.push([said.get("MSA.1").toString(), said.get("MSA.2").toString()]);
  send();
});

async function send() {
  if (next === messages.length) {
    console.log(JSON.stringify(answers));
    process.exit(0);
  }
  await connection.sendMessage(new Message({ text: messages[next++] }));
}

connection.on("connect", () => void send());
