/**
 * What the gateway costs beside what it stands on, and beside what a user would pick instead; bench/README.md says how to
 * read the figures. `npm run bench` compares; `-- --rounds 9 --seconds 5` measures longer; `-- --soak 600` watches memory
 * for so many seconds; `-- --profile me` says where the time goes. Any request that is not answered rightly fails the run;
 * an aim that is not reached does not.
 */
import { parseArgs } from "node:util";
import { compare } from "./comparison.ts";
import { profile } from "./profile.ts";
import { soak } from "./soak.ts";
import { runAndUndo } from "./undo.ts";

await runAndUndo(async (cleanUp) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "2" },
      soak: { type: "string" },
      profile: { type: "string" },
    },
  });
  const [rounds, seconds, soakTime] = [values.rounds, values.seconds, values.soak ?? "1"].map(Number);
  if (!rounds || !seconds || !soakTime || !(Math.min(rounds, seconds, soakTime) > 0))
    throw new Error("--rounds, --seconds and --soak take positive numbers");

  if (values.soak !== undefined) await soak(cleanUp, soakTime);
  else if (values.profile !== undefined) await profile(cleanUp, values.profile, seconds);
  else await compare(cleanUp, { rounds, seconds });
});
