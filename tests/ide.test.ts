import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Browser } from "playwright-core";
import { launchBrowser } from "./support/browser.ts";
import { startGateway } from "./support/gateway.ts";
import { startPrefixProxy } from "./support/prefix-proxy.ts";
import { IdePage } from "./support/ide-page.ts";

let gateway: { url: string; close(): Promise<void> };
let browser: Browser | undefined;

beforeAll(async () => {
  gateway = await startGateway();
  browser = await launchBrowser();
  if (!browser) {
    console.warn(
      "SKIPPED: the IDE page was not tried in a browser, since no Chromium runs here. " +
        "Install Debian's `chromium` or set CHROMIUM_PATH.",
    );
  }
});

afterAll(async () => {
  await browser?.close();
  await gateway.close();
});

describe("the files of the IDE page", () => {
  it("are served with a policy that lets nothing in from elsewhere", async () => {
    const page = await fetch(`${gateway.url}/`);
    const html = await page.text();
    const policy = page.headers.get("content-security-policy");

    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    expect(policy).toContain("default-src 'none';script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("upgrade-insecure-requests");
    expect(html).toContain("<title>Gatehouse</title>");
    expect(html).not.toMatch(/<script(?![^>]* src="\.\/ide\/assets\/)/);
  });

  it("are kept by browsers for as long as their names last", async () => {
    const html = await (await fetch(`${gateway.url}/`)).text();
    const names = [...html.matchAll(/"\.(\/ide\/assets\/[^"]+)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThanOrEqual(3);

    for (const name of names) {
      const file = await fetch(gateway.url + name, { method: "HEAD" });
      expect(file.status).toBe(200);
      expect(file.headers.get("content-type")).toMatch(
        /^(application\/javascript|text\/css|image\/svg\+xml)/,
      );
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("content-security-policy")).toContain("script-src 'self'");
    }
  });

  it.each(["/ide/assets/missing.js", "/ide/assets/%2e%2e/inputs.sha256", "/ide/assets/..%2findex.html"])(
    "are all there is below /ide/assets/: not %s",
    async (path) => {
      expect((await fetch(gateway.url + path)).status).toBeGreaterThanOrEqual(400);
    },
  );
});

describe("a gateway whose IDE is turned off", () => {
  it("has no page and no files of one", async () => {
    const html = await (await fetch(`${gateway.url}/`)).text();
    const [, script] = /src="([^"]+)"/.exec(html) ?? [];
    const plain = await startGateway({ IDE: "off" });
    try {
      expect((await fetch(`${plain.url}/`)).status).toBe(404);
      expect((await fetch(new URL(script ?? "", plain.url))).status).toBe(404);
    } finally {
      await plain.close();
    }
  });
});

describe("the IDE page in a browser", () => {
  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close();
  });

  it("runs every example at the press of its play button", async () => {
    if (!browser) return;
    const ide = await IdePage.open(browser, gateway.url);
    const play = async (operation: string) => {
      await ide.openTab(operation);
      const answer = await ide.play();
      expect(answer).toEqual({ data: expect.anything() });
      return answer.data;
    };
    for (const operation of ["Register", "Login", "Me", "UpdateUser"]) await play(operation);

    const [, registered] = (await play("Sessions")).me.sessions.edges;
    const { session } = (await play("RevokeSession")).revokeSession;
    expect(session.id).toBe(registered.node.id);

    for (const operation of ["RefreshToken", "Logout"]) await play(operation);

    await ide.openTab("Me");
    const { errors } = await ide.play();
    expect(errors[0].extensions).toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_REVOKED" });
  });

  it("works below a path of a proxy, which browsers find from the API", async () => {
    if (!browser) return;
    const proxy = await startPrefixProxy(gateway.url, "/auth");
    try {
      const ide = await IdePage.open(browser, proxy.url);
      await ide.openTab("Me");
      expect((await ide.play()).errors[0].extensions.code).toBe("UNAUTHENTICATED");
      expect(ide.complaints).toEqual([]);
      await ide.page.goto(`${proxy.url}/graphql`);
      expect(ide.page.url()).toBe(`${proxy.url}/`);
    } finally {
      await proxy.close();
    }
  });

  it("runs register and me with a pasted header, asks nobody else and leaves no secret in the browser", async () => {
    if (!browser) return;
    const ide = await IdePage.open(browser, gateway.url);

    const input = { email: "grace@example.com", username: "grace", password: "a password nobody may keep" };
    await ide.openTab("Register");
    await ide.paste("Variables", { input });
    const { token } = (await ide.play()).data.register;

    await ide.openTab("Me");
    await ide.paste("Headers", { Authorization: `Token ${token}` });
    expect((await ide.play()).data.me).toMatchObject({ email: input.email, username: input.username });
    await ide.waitForResult(input.email);

    expect(ide.outsideRequests).toEqual([]);
    expect(ide.complaints).toEqual([]);
    const { origins, ...rest } = await ide.whatTheBrowserKeeps();
    expect(rest).toEqual({ cookies: [], session: {}, caches: [] });
    const kept = JSON.stringify(origins);
    expect(kept).toContain("graphiql:tabState");
    for (const secret of [token, token.split(".")[0], input.password, input.email])
      expect(kept).not.toContain(secret);
  });

  it("copies tokens whole, by a button and by a double click", async () => {
    if (!browser) return;
    const ide = await IdePage.open(browser, gateway.url);
    const copyToken = ide.page.getByRole("button", { name: "Copy access token" });
    expect(await copyToken.isDisabled()).toBe(true);
    await ide.openTab("Register");
    await ide.paste("Variables", {
      input: { email: "copy@example.com", username: "copy", password: "correct horse battery" },
    });
    const { token, refreshToken } = (await ide.play()).data.register;
    await copyToken.click();
    await ide.page.getByText("Copied.").waitFor();
    expect(await ide.clipboard()).toBe(token);
    await ide.page.getByRole("button", { name: "Copy refresh token" }).click();
    await ide.waitForClipboard(refreshToken);

    await ide.page.locator(".result-window").getByText(token.slice(0, 20)).first().dblclick();
    await ide.page.keyboard.press("ControlOrMeta+C");
    await ide.waitForClipboard(token);
    expect(ide.complaints).toEqual([]);
  });

  it("keeps tabs and operations over a reload, but no token, password, header or answer", async () => {
    if (!browser) return;
    const ide = await IdePage.open(browser, gateway.url);
    await ide.openTab("Register");
    await ide.paste("Variables", {
      input: { email: "kept@example.com", username: "kept", password: "a password nobody may keep" },
    });
    const { token, refreshToken } = (await ide.play()).data.register;

    await ide.openNewTab(
      `# ${token}\nquery Mine($n: String) { me { username } __type(name: "User") { name @skip(if: false) } }\n` +
        `mutation Old { refreshToken(refreshToken: "${refreshToken}") { token } }\n` +
        'mutation In { login(input: { username: "kept", password: "a password nobody may keep" }) { token } }',
    );
    await ide.paste("Variables", { n: token, deep: [{ p: "a password nobody may keep" }], count: 3 });
    await ide.paste("Headers", { Authorization: `Token ${token}` });
    await ide.reload();

    expect(await ide.operation()).toBe(
      '# query Mine($n: String) { me { username } __type(name: "User") { name @skip(if: false) } } ' +
        'mutation Old { refreshToken(refreshToken: "") { token } } ' +
        'mutation In { login(input: { username: "kept", password: "" }) { token } }',
    );
    const tabs = await ide.page.getByRole("tab").allInnerTexts();
    expect(tabs.map((tab) => tab.trim())).toEqual([
      "Register",
      "Login",
      "Me",
      "UpdateUser",
      "Sessions",
      "RevokeSession",
      "RefreshToken",
      "Logout",
      "Mine",
    ]);
    const kept = JSON.stringify(await ide.whatTheBrowserKeeps());
    const page = await ide.page.content();
    for (const secret of [token, refreshToken, ...token.split("."), "a password nobody may keep"])
      expect([kept.includes(secret), page.includes(secret)]).toEqual([false, false]);
    expect(kept).toContain("count");

    await ide.openTab("Me");
    const { errors } = await ide.play();
    expect(errors[0].extensions.reason).toBe("TOKEN_MISSING");
    expect(ide.complaints).toEqual([]);
  });

  it("shows nothing of federation in its documentation", async () => {
    if (!browser) return;
    const ide = await IdePage.open(browser, gateway.url);
    await ide.page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    const docs = ide.page.locator(".graphiql-plugin");
    await docs.getByText("AuthPayload", { exact: true }).waitFor();
    expect(await docs.innerText()).not.toMatch(/_Any|_Entity|_Service/);
    await docs.getByText("Query", { exact: true }).click();
    await docs.getByText("fieldErrorCodes").waitFor();
    expect(await docs.innerText()).not.toMatch(/_entities|_service/);
  });

  it("has its panes one below the other on a phone", async () => {
    if (!browser) return;
    const ide = await IdePage.open(browser, gateway.url, { width: 390, height: 844 });
    await ide.openTab("Me");
    await ide.play();
    await ide.waitForResult("errors");
    const boxOf = async (selector: string) => {
      const box = await ide.page.locator(selector).first().boundingBox();
      if (!box) throw new Error(`${selector} is not shown`);
      return box;
    };
    const editors = await boxOf(".graphiql-editors");
    const answer = await boxOf(".graphiql-response .result-window");
    for (const { x, width, height } of [editors, answer]) {
      expect(width).toBeGreaterThan(320);
      expect(height).toBeGreaterThan(200);
      expect(x + width).toBeLessThanOrEqual(390);
    }
    expect(answer.y).toBeGreaterThanOrEqual(editors.y + editors.height);
    expect(await ide.page.evaluate("document.documentElement.scrollWidth")).toBe(390);

    await ide.page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    const docs = await boxOf(".graphiql-plugin");
    expect(docs.width).toBeGreaterThan(320);
    expect(docs.height).toBeGreaterThan(200);
  });
});
