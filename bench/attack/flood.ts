// A process that tries passwords. Arguments: url, attempts a second, seconds. Answers "go" with every answer it got.
import { sendSteadily } from "./steady-load.ts";

const [url = "", perSecond, seconds] = process.argv.slice(2);
const query = "mutation ($input: LoginInput!) { login(input: $input) { token } }";

// Half of the names are there, and every password is wrong.
const attempt = (index: number) => ({
  query,
  variables: { input: { username: `bench${index % 32}`, password: `guess ${index}` } },
});

process.on("message", (message) => {
  if (message !== "go") return;
  void sendSteadily(url, Number(perSecond), Number(seconds), attempt).then((all) => process.send?.(all));
});
process.channel?.ref();
