import type { Samples } from "./sample.ts";
import { figure, median, medianOf, ratios } from "./statistics.ts";

interface Bar {
  name: string;
  value: number;
}

const labelled: Record<string, string> = {
  "constant field": "constant field, bare Apollo",
  me: "Gatehouse me",
  "better-auth me": "better-auth get-session",
  "yoga me": "Yoga, JWT and pg: me",
  "naive me": "Apollo, TypeGraphQL, MikroORM: me",
  "argon2id alone": "@node-rs/argon2 alone",
  login: "Gatehouse login",
  "better-auth login": "better-auth sign-in, argon2id",
  "better-auth (scrypt) login": "better-auth sign-in, its scrypt",
  "yoga login": "Yoga with @node-rs/argon2: login",
  "naive login": "Apollo and the argon2 package: login",
};

const readers = ["constant field", "me", "yoga me", "naive me", "better-auth me"];
const signers = [
  "argon2id alone",
  "login",
  "yoga login",
  "better-auth login",
  "naive login",
  "better-auth (scrypt) login",
];

const width = 760;
const barStart = 270;
const barHeight = 20;
const rowHeight = 28;

/** Two panels of bars: what it costs to say who somebody is, and how many sign in. Readable on light and on dark. */
export function chart(samples: Samples): string {
  const cpu = readers.map((name) => ({
    name,
    value: median(ratios(samples, name, "constant field", "cpuTime")),
  }));
  const logins = signers.map((name) => ({ name, value: medianOf(samples, name, "requestsPerSecond") }));
  const first = panel("CPU per request, as a multiple of a constant field (shorter is better)", cpu, 0);
  const second = panel("Sign-ins per second (longer is better)", logins, first.height);
  const height = first.height + second.height + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="CPU per request and sign-ins per second, beside alternatives">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .other { fill: #8c959f; }
  .ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .other { fill: #6e7681; } .ours { fill: #4493f8; } }
</style>
${first.marks}
${second.marks}
</svg>
`;
}

function panel(title: string, bars: Bar[], top: number): { marks: string; height: number } {
  const longest = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ name, value }, index) => {
    const y = top + 36 + index * rowHeight;
    const length = Math.max(1, (value / longest) * (width - barStart - 60));
    const kind = name === "me" || name === "login" ? "ours" : "other";
    return [
      `<text x="${barStart - 8}" y="${y + 15}" text-anchor="end">${labelled[name] ?? name}</text>`,
      `<rect class="${kind}" x="${barStart}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<text x="${(barStart + length + 6).toFixed(1)}" y="${y + 15}">${figure(value)}</text>`,
    ].join("\n");
  });
  return {
    marks: [`<text class="title" x="8" y="${top + 24}">${title}</text>`, ...rows].join("\n"),
    height: 36 + bars.length * rowHeight + 12,
  };
}
