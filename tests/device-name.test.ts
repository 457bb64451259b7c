import { expect, it } from "@jest/globals";
import { deviceName } from "../src/sessions/device-name.ts";

const webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";

it.each([
  [
    "Firefox on macOS",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:120.0) Gecko/20100101 Firefox/120.0",
  ],
  [
    "Safari on macOS",
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Version/17.1 Safari/605.1.15`,
  ],
  [
    "Safari on iOS",
    `Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) ${webkit} Version/17.1 Mobile/15E148 Safari/604.1`,
  ],
  [
    "Chrome on iOS",
    `Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) ${webkit} CriOS/114.0.5735.99 Mobile/15E148 Safari/604.1`,
  ],
  [
    "Edge on Windows",
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0`,
  ],
  [
    "Samsung Internet on Android",
    `Mozilla/5.0 (Linux; Android 13; SM-S918B) ${webkit} SamsungBrowser/21.0 Chrome/110.0 Mobile Safari/537.36`,
  ],
  ["Chrome on Android", `Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/124.0.0.0 Mobile Safari/537.36`],
  [
    "Chrome on Chrome OS",
    `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/120.0.0.0 Safari/537.36`,
  ],
  ["Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"],
  ["Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Something/115.0 (x)"],
  ["curl", "curl/8.5.0"],
  ["okhttp", "okhttp/4.12.0"],
  ["python-requests", "python-requests/2.31.0"],
  ["Apache-HttpClient", "Apache-HttpClient/4.5 (Java/17)"],
  ["node", "node"],
  [null, "Mozilla/5.0"],
  [null, "<script>alert(1)</script>/1 "],
  [null, "Mozilla/5.0 <b>Your bank</b>/1 (x)"],
  [null, "x".repeat(41)],
  [null, " "],
  [null, ""],
  [null, null],
])("names %j", (name, userAgent) => {
  expect(deviceName(userAgent)).toBe(name);
});

it("takes no time for any 512 characters", () => {
  const parts = [
    "a",
    "/",
    " ",
    "(",
    ";",
    ")",
    "0",
    ".",
    ":",
    "\t",
    "\u00e9",
    "Mozilla/5.0 ",
    "x/ (",
    " (",
    "/ ",
    "version/",
    "chrome/",
    "safari",
    "android ",
    "like android",
    "opr/",
    "rv:1",
    "msie ",
    "trident/",
    "mac os x ",
    "cpu iphone os ",
    "1_",
    "linux; u; ",
    "bb1",
    "\\(",
    "/1 (",
  ];
  const seeds = parts.flatMap((one) => parts.flatMap((two) => [one + two, `${one}${two}${two}`]));
  const hostile = seeds.flatMap((seed) => [
    seed.repeat(512).slice(0, 512),
    `Mozilla/5.0 ${seed.repeat(512)}`.slice(0, 512),
    `${seed[0]}${seed.slice(1).repeat(512)}`.slice(0, 511) + "!",
  ]);
  let slowest = 0;
  for (const userAgent of hostile) {
    const begin = performance.now();
    deviceName(userAgent);
    slowest = Math.max(slowest, performance.now() - begin);
  }
  // A backtracking that explodes takes seconds; a pause of this process does not.
  expect(slowest).toBeLessThan(500);
});
