# One image for portal and workers: docker-compose.yml says what each of them starts.

# Workers render Istio's charts with Helm.
FROM golang:1.26-bookworm AS helm
ARG HELM_VERSION=v3.22.0
RUN CGO_ENABLED=0 go install -trimpath \
  -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=${HELM_VERSION}" \
  helm.sh/helm/v3/cmd/helm@${HELM_VERSION}

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# Installs the dependencies, generates the database client, builds the portal.
RUN node scripts/node.mjs scripts/build-web.ts

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=helm /go/bin/helm /usr/local/bin/helm
COPY --from=build /app /app
# A volume that is mounted here takes over its owner.
RUN install --directory --owner node --group node --mode 0700 /var/lib/pilothouse/sealing-keys
USER node
