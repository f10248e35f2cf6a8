# Every image of TableSync: one package with what it depends on, and the module that it runs.
#
#   docker build --build-arg PACKAGE=services/scheduler --build-arg MODULE=tablesync.scheduler .
#
# docker-compose.yml names both for each image: `make images`. Why so: docs/decisions/0010-images-from-the-lock.md, 0030-one-dockerfile.md
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
ENV XDG_CACHE_HOME=/cache UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /source
COPY requirements.lock .
RUN --mount=type=cache,target=/cache \
    sed -n '/^uv==/,/# via/p' requirements.lock > uv.txt \
    && pip install --require-hashes --requirement uv.txt \
    && uv venv /opt/tablesync
# What packages of ours name as their `tool.uv.sources`; an image gets only what it asks for.
COPY libs libs
COPY sandbox sandbox
ARG PACKAGE
COPY ${PACKAGE} ${PACKAGE}
# What browsers are sent that is not ours: the dashboard alone has any. npm comes from a wheel.
COPY tools/npm.lock .
RUN --mount=type=cache,target=/cache \
    if [ -f "${PACKAGE}/package-lock.json" ]; then \
        uv venv /opt/npm \
        && uv pip install --python /opt/npm --require-hashes --requirement npm.lock \
        && cd "${PACKAGE}" && export PATH=/opt/npm/bin:$PATH npm_config_cache=/cache/npm \
        && npm ci --loglevel=error && npm run vendored; \
    fi
RUN --mount=type=cache,target=/cache \
    uv pip install --python /opt/tablesync \
    --constraint requirements.lock --build-constraint requirements.lock \
    ./${PACKAGE}
# An ENTRYPOINT takes no arguments of the build.
ARG MODULE
RUN printf '#!/bin/sh\nexec python -m %s "$@"\n' "${MODULE:?}" > /opt/tablesync/bin/start \
    && chmod 0755 /opt/tablesync/bin/start

FROM ${BASE_IMAGE}
# Folders that belong to the user, where volumes are mounted that begin as a copy of them.
ARG FOLDERS=""
RUN useradd --uid 10001 --no-create-home tablesync \
    && for folder in ${FOLDERS}; do install -d -o 10001 -g 10001 -m 0700 "${folder}"; done
COPY --from=build /opt/tablesync /opt/tablesync
ENV PATH=/opt/tablesync/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["start"]
