import { Command } from "commander";
import { withApp } from "./with-app.ts";

export function createSuperuserCommand(): Command {
  return new Command("createsuperuser")
    .description(
      "make an account with isStaff and isSuperuser set; asks on a terminal for what is not given\n\n" +
        "For scripts: --email and --username, or GATEHOUSE_SUPERUSER_EMAIL and GATEHOUSE_SUPERUSER_USERNAME; the\n" +
        "password comes from GATEHOUSE_SUPERUSER_PASSWORD only, because arguments can be read by every user of a machine.",
    )
    .option("--email <email>", "the e-mail address")
    .option("--username <username>", "the username")
    .action(async (options: { email?: string; username?: string }) => {
      const { makeSuperuser } = await import("./superuser.ts");
      await withApp((app) => makeSuperuser(app, options));
    });
}
