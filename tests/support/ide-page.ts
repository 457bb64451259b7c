import type { Browser, Page, Request } from "playwright-core";

/** What a browser stores for a page. */
export interface Kept {
  cookies: unknown[];
  origins: unknown[];
  session: Record<string, string>;
  caches: string[];
}

/** The IDE page as a person uses it, in a browser context of its own that cannot reach any other server. */
export class IdePage {
  /** Requests to any other origin; they were cut off. */
  readonly outsideRequests: string[] = [];
  /** Errors and warnings of the page, and everything its security policy refused. */
  readonly complaints: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly base: string,
  ) {}

  /** @param base the URL of the gateway, without a slash at the end */
  static async open(
    browser: Browser,
    base: string,
    viewport = { width: 1440, height: 900 },
  ): Promise<IdePage> {
    const context = await browser.newContext({
      viewport,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const ide = new IdePage(await context.newPage(), base);
    await ide.watch();
    await ide.page.goto(`${base}/`);
    await ide.editor("Operation").waitFor();
    return ide;
  }

  async openTab(operation: string): Promise<void> {
    await this.page.getByRole("tab", { name: operation }).getByRole("button", { name: operation }).click();
    await this.page.getByRole("tab", { name: operation, selected: true }).waitFor();
  }

  /** Replaces what stands in the variables or the headers. */
  async paste(pane: "Variables" | "Headers", value: object): Promise<void> {
    await this.page.getByRole("button", { name: pane, exact: true }).click();
    await this.editor(pane).click();
    await this.replaceBy(JSON.stringify(value));
  }

  /** Presses the play button until the page reacts; the body of the answer. */
  // oxlint-disable-next-line typescript/no-explicit-any
  async play(): Promise<any> {
    const sent = this.page.waitForRequest(isOperation).then(() => "sent");
    const answer = this.page.waitForResponse((response) => isOperation(response.request()));
    const execute = this.page.getByRole("button", { name: /^Execute query/ });
    const menu = this.page.getByRole("menu");
    for (let reaction = "none"; reaction !== "sent";) {
      await execute.click();
      // GraphiQL does nothing before all its editors are there, and for a moment after a change of tabs it asks which
      // operation of the previous tab to execute.
      const asked = menu.waitFor({ timeout: 3_000 }).then(
        () => "asked",
        () => "none",
      );
      reaction = await Promise.race([sent, asked]);
      if (reaction === "asked") await this.page.keyboard.press("Escape");
    }
    return (await answer).json();
  }

  /** Opens a tab with that operation in it. */
  async openNewTab(operation: string): Promise<void> {
    await this.page.getByRole("button", { name: "New tab" }).click();
    await this.editor("Operation").click();
    await this.replaceBy(operation);
  }

  /** The open tab's operation, as far as it is in sight. Lines are wrapped, so white space is one blank. */
  async operation(): Promise<string> {
    const lines = await this.page.locator(".graphiql-query-editor .view-line").allInnerTexts();
    return lines
      .join(" ")
      .replaceAll(/[\s\u00a0\u00b7]+/g, " ")
      .trim();
  }

  async clipboard(): Promise<string> {
    return this.page.evaluate("navigator.clipboard.readText()");
  }

  /** Copying takes a moment. */
  async waitForClipboard(text: string): Promise<void> {
    await this.page.waitForFunction(
      `navigator.clipboard.readText().then((text) => text === ${JSON.stringify(text)})`,
    );
  }

  async reload(): Promise<void> {
    // What was typed is stored half a second later.
    await this.settle();
    await this.page.reload();
    await this.editor("Operation").waitFor();
  }

  async waitForResult(text: string): Promise<void> {
    await this.page.locator(".result-window").getByText(text).first().waitFor();
  }

  async whatTheBrowserKeeps(): Promise<Kept> {
    await this.settle();
    const rest = await this.page.evaluate<Pick<Kept, "session" | "caches">>(
      "caches.keys().then((caches) => ({ session: { ...sessionStorage }, caches }))",
    );
    return { ...(await this.page.context().storageState({ indexedDB: true })), ...rest };
  }

  /** GraphiQL writes to a storage half a second after an edit: nothing to be found before that would prove nothing. */
  private async settle(): Promise<void> {
    const edited = await this.page.evaluate(() => performance.now());
    await this.page.waitForFunction((since) => performance.now() > since + 1_000, edited);
  }

  /** Pasted, since the editor closes the brackets and quotes of what is typed. */
  private async replaceBy(text: string): Promise<void> {
    await this.page.keyboard.press("ControlOrMeta+A");
    await this.page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
    await this.page.keyboard.press("ControlOrMeta+V");
  }

  private editor(name: "Operation" | "Variables" | "Headers") {
    if (name === "Operation") return this.page.locator(".graphiql-query-editor .view-line").first();
    return this.page.locator(".graphiql-editor-tool .view-lines").nth(name === "Variables" ? 0 : 1);
  }

  private async watch(): Promise<void> {
    this.page.on("pageerror", (error) => this.complaints.push(error.message));
    // What the Content-Security-Policy refuses is an error here, a worker that does not start a warning.
    this.page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    await this.page.context().route("**/*", async (route) => {
      const url = route.request().url();
      if (new URL(url).origin === new URL(this.base).origin) return route.continue();
      this.outsideRequests.push(url);
      return route.abort();
    });
  }
}

/** Whether a person sent it: the page itself asks for the schema. */
function isOperation(request: Request): boolean {
  return request.url().endsWith("/graphql") && !request.postData()?.includes("__schema");
}
