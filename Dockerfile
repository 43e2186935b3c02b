# The hub alone; PostgreSQL and Redis are other containers (see compose.yaml). The base may be replaced: --build-arg BASE=…
ARG BASE=python:3.11-slim

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
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/tutorhub tutorhub
ENV PATH=/opt/tutorhub/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TUTORHUB_DATA_DIR=/var/lib/tutorhub/data
USER 10001
WORKDIR /var/lib/tutorhub
VOLUME /var/lib/tutorhub
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["tutorhub"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
