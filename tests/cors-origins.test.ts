import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { loadConfig } from "../src/config/config.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";

/** How an origin may be written -> what browsers send. */
const spellings: [string, string][] = [
  ["https://app.example.com", "https://app.example.com"],
  ["http://localhost:3000/", "http://localhost:3000"],
  ["HTTPS://Admin.Example.COM", "https://admin.example.com"],
  ["https://port.example.com:443", "https://port.example.com"],
  ["http://port.example.com:80/", "http://port.example.com"],
  ["https://port.example.com:8443", "https://port.example.com:8443"],
  ["https://bücher.example", "https://xn--bcher-kva.example"],
  ["https://xn--fa-hia.example", "https://xn--fa-hia.example"],
  ["http://[::1]:3000", "http://[::1]:3000"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["https://under_score.example", "https://under_score.example"],
  ["capacitor://localhost", "capacitor://localhost"],
  ["ionic://localhost/", "ionic://localhost"],
  ["Tauri://Localhost", "tauri://localhost"],
  ["http://tauri.localhost", "http://tauri.localhost"],
  ["app://.", "app://."],
  ["app://obsidian.md", "app://obsidian.md"],
  ["com.example.app://localhost:8100", "com.example.app://localhost:8100"],
  [
    "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
    "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
  ],
  [
    "moz-extension://4b2e1d3c-7b1f-4c55-8b43-0a8f1d0c2e6a",
    "moz-extension://4b2e1d3c-7b1f-4c55-8b43-0a8f1d0c2e6a",
  ],
];

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ CORS_ORIGINS: spellings.map(([written]) => written).join(", ") });
});
afterAll(() => gateway.close());

const preflight = async (origin: string) => {
  const answer = await fetch(`${gateway.url}/graphql`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    },
  });
  return answer.headers.get("access-control-allow-origin");
};

describe("CORS_ORIGINS", () => {
  it.each(spellings)("%s lets %s in", async (_written, sent) => {
    expect(await preflight(sent)).toBe(sent);
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { origin: sent, "content-type": "application/json" },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, sent]);
  });

  it.each([
    "null",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://x.app.example.com",
    "https://app.example.com.evil.example",
    "capacitor://evil",
    "ionic://localhost.evil.example",
    "capacitor://localhost:1234",
    "http://localhost",
    "https://localhost",
    "file://",
    "chrome-extension://other",
  ])("does not let %s in", async (origin) => {
    expect(await preflight(origin)).toBeNull();
  });

  it.each([
    "*",
    "null",
    "https://*.example.com",
    "capacitor://*",
    "https://app.example.com/path",
    "https://app.example.com?query",
    "https://app.example.com#part",
    "https://user@app.example.com",
    "https://app.example.com:99999",
    "capacitor://localhost:99999",
    "app.example.com",
    "localhost:3000",
    "//app.example.com",
    "https:app.example.com",
    "https:/app.example.com",
    "https://",
    "capacitor://",
    "https://exam%70le.com",
    "https://a.example.com https://b.example.com",
    "https://a.example.com;https://b.example.com",
    "https://a;b.example.com",
    "app://bücher",
    "file://",
    "file:///index.html",
    "data://localhost",
    "wss://app.example.com",
    "https://ok.example.com,*",
  ])("refuses %s", (value) => {
    expect(() => loadConfig({ CORS_ORIGINS: value })).toThrow(
      /^CORS_ORIGINS takes origins such as https:\/\/app\.example\.com, separated by commas$/,
    );
  });
});
