# hubpub for CI: checking, cards, plans, publishing. `--build-arg EXTRAS=[models]` adds torch and what runs models.
#   docker build -t hubpub .
#   docker run --rm -v "$PWD:/project" hubpub check model_cards/NAME/cards/*.md
FROM python:3.11-slim AS build
COPY . /source
RUN pip install --no-cache-dir build==1.6.1 && python -m build --wheel --outdir /wheels /source

FROM python:3.11-slim
ARG EXTRAS=""
# git tells commit and tag of the project that is released; whichever the image's Debian has
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
COPY constraints.txt /wheels/constraints.txt
RUN wheel="$(echo /wheels/hubpub-*.whl)" \
 && pip install --no-cache-dir --constraint /wheels/constraints.txt "${wheel}${EXTRAS}" \
 && rm -rf /wheels
RUN useradd --create-home --uid 1000 hubpub
USER 1000
WORKDIR /project
ENTRYPOINT ["hubpub"]
