# The hub with its page; PostgreSQL and Redis are other containers (see compose.yaml). The bases may be replaced:
# --build-arg BASE=… --build-arg NODE=…
ARG BASE=python:3.11-slim
ARG NODE=node:22-slim

FROM ${NODE} AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npx vite build

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt ./
COPY server server
COPY protocol protocol
COPY client client
COPY sql sql
COPY loadtest loadtest
RUN python3 -m venv /opt/tutorhub \
    && /opt/tutorhub/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt '.[media,s3]'

FROM ${BASE}
COPY --from=build /opt/tutorhub /opt/tutorhub
COPY --from=page /src/web/dist /opt/tutorhub/web
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/tutorhub tutorhub
ENV PATH=/opt/tutorhub/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TUTORHUB_DATA_DIR=/var/lib/tutorhub/data \
    TUTORHUB_WEB_DIR=/opt/tutorhub/web
USER 10001
WORKDIR /var/lib/tutorhub
VOLUME /var/lib/tutorhub
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["tutorhub"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
