# The image of the service (the last stage, the default), as stage `test` the image of its tests, and as
# stage `local-aws` that of the local AWS.

FROM python:3.13-slim-trixie AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Remove pip and ensurepip: all packages are in /opt/venv, and a container installs nothing.
RUN rm -rf $(python -c "import ensurepip, site; print(*ensurepip.__path__, *site.getsitepackages())")
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin service
WORKDIR /app


FROM python:3.13-slim-trixie AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip, which the image does not need.
RUN python -m venv --without-pip /opt/venv


# Compile the bytecode here: containers cannot write it, and without it the start takes four times as long.
# It is not checked against the sources, which do not change in an image.
FROM builder AS dependencies
# --no-deps: the lock is complete but for Django, which only a package of static files requires;
# `pip check` may report nothing else.
COPY requirements.lock deploy/pip-check.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-compile --no-deps --require-hashes -r requirements.lock \
    && pip --python /opt/venv check | sed 's/ [^ ]* requires / requires /' | diff - pip-check.txt \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib


FROM builder AS test-dependencies
COPY requirements-dev.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-deps --require-hashes -r requirements-dev.lock \
    && pip --python /opt/venv check


FROM builder AS local-aws-dependencies
COPY deploy/requirements-local-aws.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv install --no-compile --no-deps --require-hashes -r requirements-local-aws.lock \
    && pip --python /opt/venv check \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib


# The package is installed apart from its dependencies, so that a change of the sources makes a small layer.
FROM builder AS package
ENV SITE_PACKAGES=/opt/venv/lib/python3.13/site-packages
COPY deploy/requirements-build.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/backend \
    && pip --python /opt/backend install --no-deps --require-hashes -r requirements-build.lock \
    && pip --python /opt/backend check
COPY setup.cfg pyproject.toml LICENSE ./
COPY service/ service/
RUN pip --python /opt/backend install --no-build-isolation --no-compile --no-deps --target /package . \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /package -p "$SITE_PACKAGES" /package


# The software bill of materials: name, version and licence of every Python distribution in the image.
FROM builder AS sbom
COPY deploy/requirements-sbom.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/sbom \
    && pip --python /opt/sbom install --no-deps --require-hashes -r requirements-sbom.lock \
    && pip --python /opt/sbom check
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /package /opt/venv/lib/python3.13/site-packages
RUN /opt/sbom/bin/cyclonedx-py environment --output-reproducible --spec-version 1.6 --output-format JSON \
    --output-file /build/sbom.cdx.json /opt/venv


FROM base AS test
ENV HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis
COPY --from=test-dependencies /opt/venv /opt/venv
COPY --from=package /package /opt/venv/lib/python3.13/site-packages
COPY setup.cfg config.ini conftest.py ./
COPY local_aws/ local_aws/
COPY tests/ tests/
COPY tests_slow/ tests_slow/
USER 10001:10001
# No cache of results: only root may write /app.
ENTRYPOINT ["python", "-m", "pytest", "-p", "no:cacheprovider"]


FROM base AS local-aws
COPY --from=local-aws-dependencies /opt/venv /opt/venv
COPY local_aws/ local_aws/
RUN python -m compileall -q --invalidation-mode unchecked-hash local_aws
# A new volume that is mounted here gets this owner, for `--data /data`.
RUN install -d -o 10001 -g 10001 /data
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", "\
import socket; socket.create_connection(('127.0.0.1', 5000), 2)"]
ENTRYPOINT ["python", "-m", "local_aws", "--host", "0.0.0.0"]
LABEL org.opencontainers.image.title="Local AWS" \
      org.opencontainers.image.description="Amazon Cognito and DynamoDB for development and tests" \
      org.opencontainers.image.licenses="Apache-2.0"


FROM base AS service
# A new volume that is mounted here gets this owner, so that the service can write to it.
RUN install -d -o 10001 -g 10001 /settings
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /package /opt/venv/lib/python3.13/site-packages
COPY --from=sbom /build/sbom.cdx.json ./
COPY config.ini ./
USER 10001:10001
EXPOSE 8080
# http.client, because urllib would use a proxy of the environment.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
port = os.environ.get('SERVER_PORT', '').strip(); \
server = http.client.HTTPConnection('localhost', int(port) if port.isdigit() else 8080, timeout=2); \
server.request('GET', '/health/live'); \
sys.exit(server.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="User Profile Service" \
      org.opencontainers.image.description="Accounts in Amazon Cognito and profiles in DynamoDB behind one HTTP API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
