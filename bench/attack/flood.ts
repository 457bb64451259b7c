// A process that tries passwords. Arguments: url, attempts a second, seconds. Answers "go" with every answer it got.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sendSteadily } from "./steady-load.ts";

const [url = "", perSecond, seconds] = process.argv.slice(2);
const query = "mutation ($input: LoginInput!) { login(input: $input) { token } }";

// Half of the names are there, and every password is wrong.
const attempt = (index: number) => ({
  query,
  variables: { input: { username: `bench${index % 32}`, password: `guess ${index}` } },
});

// A flood that has yet to be compiled takes the cores from what is measured; a botnet brings its own.
const practice = createServer((_request, response) => response.end("{}")).listen(0, "127.0.0.1");
await once(practice, "listening");
const { port } = practice.address() as AddressInfo;
await sendSteadily(`http://127.0.0.1:${port}`, Number(perSecond), 2, attempt);
practice.close();

process.on("message", (message) => {
  if (message !== "go") return;
  void sendSteadily(url, Number(perSecond), Number(seconds), attempt).then((all) => process.send?.(all));
});
process.channel?.ref();
process.send?.("ready");
