# The whole study in an image: `make docker` builds it, `make docker-test` proves it.
#
# What changes least comes first: Debian's Python, then the locked packages (6 GB), then the code, then the labels.

FROM docker.io/library/debian:bookworm-slim AS base
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log


FROM base AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_PROGRESS_BAR=off PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Empty: torch as it is locked, which runs on GPUs and CPUs. Else: the address of an index of CPU-only wheels, from which
# torch and torchvision of the locked versions are taken. They are other files than the locked ones: no hash guards them.
ARG TORCH_INDEX=""
# One layer, on which the image stands: to copy 6 GB out of another stage takes minutes, and room for a copy.
RUN --mount=type=bind,source=requirements.txt,target=/build/requirements.txt \
    --mount=type=bind,source=docker/split_lock.py,target=/build/split_lock.py \
    set -eu; pip=/opt/venv/bin/pip; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv; \
    python3 -m venv /opt/venv; \
    if [ -z "$TORCH_INDEX" ]; then \
        $pip install --require-hashes -r /build/requirements.txt; \
    else \
        python3 /build/split_lock.py /build/requirements.txt --torch /tmp/torch.txt --rest /tmp/rest.txt; \
        $pip install --require-hashes --no-deps -r /tmp/rest.txt; \
        $pip install --no-deps --index-url "$TORCH_INDEX" -r /tmp/torch.txt; \
        rm /tmp/torch.txt /tmp/rest.txt; \
    fi; \
    apt-get purge -y --auto-remove python3-venv; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log


FROM base AS code
COPY LICENSE Snakefile config.yaml /opt/hw1/
COPY config /opt/hw1/config
COPY profiles /opt/hw1/profiles
COPY workflow /opt/hw1/workflow
COPY docker/entrypoint.sh /opt/hw1/docker/
# Nobody can write there later: any user must be able to read, and find the code compiled.
RUN python3 -m compileall -q /opt/hw1/workflow && chmod -R a+rX /opt/hw1 && chmod 755 /opt/hw1/docker/entrypoint.sh


FROM packages
# A user of its own, and a folder in which any user of `docker run --user` can work.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin ablation \
    && mkdir -m 1777 /study
COPY --from=code /opt/hw1 /opt/hw1
# All that is written outside the study goes to /tmp, so that the root may be read-only; USER and LOGNAME stand in for the
# passwd entry that `--user` may not have. The NVIDIA variables are what `--gpus` hands through.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    USER=ablation \
    LOGNAME=ablation \
    XDG_CACHE_HOME=/tmp/.cache \
    MPLCONFIGDIR=/tmp/.cache/matplotlib \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /study
VOLUME /study
USER 1000:1000
ENTRYPOINT ["/opt/hw1/docker/entrypoint.sh"]
CMD ["snakemake"]

ARG VERSION="unknown"
ARG REVISION=""
ENV ABLATION_REVISION=$REVISION
LABEL org.opencontainers.image.title="hw1" \
      org.opencontainers.image.description="Reproducible deep-learning ablation studies with Snakemake and PyTorch" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
