# One image for the server, the worker and the migrations. Built in two steps: the front end, then the program.
FROM node:20.19-bookworm-slim AS front
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY vite.config.ts tsconfig.json ./
COPY web/assets web/assets
RUN npm run build

FROM python:3.11.14-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-liberation fonts-open-sans \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data teleconsult \
 && install -d -o teleconsult /data
WORKDIR /app
COPY requirements/app.txt requirements/app.txt
RUN pip install --no-cache-dir --require-hashes --requirement requirements/app.txt
COPY pyproject.toml README.md ./
COPY teleconsult teleconsult
COPY signaling signaling
COPY migrations migrations
COPY web web
COPY --from=front /src/web/static web/static
RUN pip install --no-cache-dir --no-deps .
USER teleconsult
ENV TELECONSULT_DATA=/data TELECONSULT_HOST=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 8080
ENTRYPOINT ["teleconsult"]
CMD ["serve"]
