/** For Prisma's command line: where its files are. The application itself is told its database when it starts. */
export default {
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
};
