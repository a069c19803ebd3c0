# Rowhouse on files in /data: docker build -t rowhouse . && docker run -p 3000:3000 -v rowhouse:/data rowhouse
# The major version of Node that the tests run on.
ARG NODE=20

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools tools
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY provisioning provisioning
RUN npm run build

FROM node:${NODE}-bookworm-slim AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools tools
RUN npm ci --omit=dev

FROM node:${NODE}-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY package.json LICENSE ./
COPY migrations migrations
COPY --from=production /app/tools tools
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN mkdir --mode=700 /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm: it is process 1, and hears SIGTERM.
CMD ["node", "--enable-source-maps", "dist/src/server.js"]
