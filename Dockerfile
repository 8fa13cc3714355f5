# The page in a container, as a Docker Space expects it: user 1000, port 7860.
#   docker build -t vtw . && docker run -p 7860:7860 vtw
# torch comes with CUDA unless pip is told where a build for the CPU lies:
#   docker build --build-arg PIP_ARGS="--extra-index-url ADDRESS" -t vtw .
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/home/user/.cache/huggingface \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

ARG PIP_ARGS=""
COPY --chown=user requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --user -r requirements.txt -c constraints.txt $PIP_ARGS

COPY --chown=user app.py ./
COPY --chown=user app ./app
COPY --chown=user vtw_core ./vtw_core
COPY --chown=user assets ./assets
COPY --chown=user docs/quantities.md docs/strategies.md ./docs/

EXPOSE 7860
HEALTHCHECK --start-period=120s CMD \
    python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=5)"
CMD ["python", "app.py"]
