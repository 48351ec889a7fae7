/**
 * Pages: the dashboard's files, read once, served from memory, gzipped; nothing outside the list
 * below can be asked for.
 *
 * They come from src/admin/dashboard (copied beside the compiled code by the build) and from the
 * uPlot package. The page asks nobody else for anything: no fonts, no CDN, and a content security
 * policy that forbids it.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Route } from "./route.ts";

const DIRECTORY = fileURLToPath(new URL("./dashboard/", import.meta.url));
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const GZIP_LEVEL = 9;

/** What the page may do: its own scripts, styles and API, and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

interface Page {
  readonly path: string;
  readonly type: string;
  readonly gzip: Buffer;
  readonly plain: Buffer;
  readonly etag: string;
}

function page(path: string, file: string): Page {
  const plain = readFileSync(file);
  const type = MEDIA_TYPES[extname(file)] ?? "application/octet-stream";
  const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 20)}"`;
  return { path, type, plain, gzip: gzipSync(plain, { level: GZIP_LEVEL }), etag };
}

/** Every file of the dashboard. */
export function loadPages(): Page[] {
  const files = readdirSync(DIRECTORY).filter((name) => extname(name) in MEDIA_TYPES);
  const uplot = dirname(createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css"));
  return [
    ...files.map((name) => page(name === "index.html" ? "/" : `/${name}`, join(DIRECTORY, name))),
    page("/uplot.js", join(uplot, "uPlot.iife.min.js")),
    page("/uplot.css", join(uplot, "uPlot.min.css")),
  ];
}

/** Routes for `pages`. They carry no data, so they need no token: the page asks for it. */
export function pageRoutes(pages: readonly Page[]): Route[] {
  return pages.map((each) => ({
    method: "GET",
    path: each.path,
    summary: each.path === "/" ? "The dashboard." : "A file of the dashboard.",
    access: "open",
    produces: each.type.split(";")[0] as string,
    handle: (request, reply) => {
      reply.header("etag", each.etag).header("cache-control", "no-cache").type(each.type);
      if (request.headers["if-none-match"] === each.etag) return reply.code(304).send();
      const gzip = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
      if (!gzip) return reply.send(each.plain);
      return reply
        .header("content-encoding", "gzip")
        .header("vary", "accept-encoding")
        .send(each.gzip);
    },
  }));
}
