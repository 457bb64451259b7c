import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

// src/http and dist/http lie equally deep, so this holds for the sources and for the build.
const BUILT_IDE = join(import.meta.dirname, "../../dist/ide");

/** What the IDE page may load and call: files and the API of its own origin, nothing else. */
export const IDE_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  // The Monaco editor sets its measures and colours in style elements and attributes.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(";");

/** Serves the GraphQL IDE at `/` and its files below `/ide/assets/`; needs a built IDE. */
export async function registerIde(server: FastifyInstance): Promise<void> {
  if (!existsSync(join(BUILT_IDE, "index.html"))) {
    throw new Error("The IDE page is not built. Run `npm run build`, or turn it off with IDE=off.");
  }
  await server.register(async (ide) => {
    // On every answer and not only on the page: a worker obeys the policy that came with its own script.
    ide.addHook("onRequest", async (_request, reply) => {
      reply.header("content-security-policy", IDE_CONTENT_SECURITY_POLICY);
    });
    await ide.register(fastifyStatic, {
      root: join(BUILT_IDE, "ide/assets"),
      prefix: "/ide/assets/",
      index: false,
      // The names of these files hold a hash of their content.
      immutable: true,
      maxAge: "1y",
      setHeaders: (reply, path) => {
        // Scripts and styles are given theirs.
        if (path.endsWith(".svg")) reply.type("image/svg+xml; charset=utf-8");
      },
    });
    ide.get("/", async (_request, reply) => {
      reply.header("cache-control", "no-cache");
      return reply.sendFile("index.html", BUILT_IDE, { cacheControl: false });
    });
  });
}
