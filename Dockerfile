# The service's image (the last stage, which `docker build .` makes) and, as the stage `test`, the tests'.

FROM python:3.13-slim-trixie AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Nothing is installed in a container: no pip, nor what would bring it back, nor else beside /opt/venv.
RUN rm -rf $(python -c "import ensurepip, site; print(*ensurepip.__path__, *site.getsitepackages())")
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin service
WORKDIR /app


FROM python:3.13-slim-trixie AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# pip stays outside: an image has no use for it.
RUN python -m venv --without-pip /opt/venv


# Bytecode is made here, once: no container can write its own, and without it a start takes four times
# as long. It is never compared with the sources, which do not change in an image.
FROM builder AS dependencies
# --no-deps: the lock holds all that is needed, and leaves out Django, which only a package of static
# files requires: that is all that `pip check` may find.
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


# The package is laid where it will be found, apart from what it needs: a change of the sources makes a
# small layer.
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


# What is in the image, by name, version and licence, for whoever must know whether an advisory concerns it.
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
# No cache of results: /app is root's.
ENTRYPOINT ["python", "-m", "pytest", "-p", "no:cacheprovider"]


FROM base AS service
# A volume that is mounted here first becomes the service's to write.
RUN install -d -o 10001 -g 10001 /settings
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /package /opt/venv/lib/python3.13/site-packages
COPY --from=sbom /build/sbom.cdx.json ./
COPY config.ini ./
USER 10001:10001
EXPOSE 8080
# http.client and not urllib: a proxy of the environment must not get in between.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
server = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('SERVER_PORT') or 8080), timeout=2); \
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
