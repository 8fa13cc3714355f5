"""A model hub on this machine: as much of the hub's HTTP as huggingface_hub requests.

Repositories are folders. What a repository's name says is how it behaves: `org/gated` asks for
accepted terms, `org/slow` stops in the middle of its weights until the hub is closed, and so on
(`BEHAVIOURS`); any other name is served as it is, or is not there.
"""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "1" * 40
WEIGHTS = ".safetensors"
BEHAVIOURS = ("gated", "slow", "failing", "breaking", "recovering", "damaged")


class FakeHub:
    """The hub's state: what it serves, and what was requested.

    Attributes:
        repositories: id -> folder.
        requests: (method, path) of every request.
        stalled: set when a slow download has stopped.
        closing: set to let slow downloads end.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Path] = {}
        self.requests: list[tuple[str, str]] = []
        self.stalled = threading.Event()
        self.closing = threading.Event()
        self.broken: set[str] = set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                _answer(hub, self, body=True)

            def do_HEAD(self) -> None:
                _answer(hub, self, body=False)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def fetched(self, part: str) -> int:
        """How often a file with this in its path was fetched."""
        return sum(method == "GET" and part in path for method, path in self.requests)


@contextmanager
def fake_hub():
    """A hub that runs."""
    hub = FakeHub()
    thread = threading.Thread(target=hub.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        hub.server.shutdown()
        hub.server.server_close()
        thread.join()


def reach(hub, monkeypatch, home):
    """The environment of a user who reaches this hub, and whose cache in ``home`` is empty: of this
    process, in which huggingface_hub has read it already, and of those that it starts."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    reach_at(hub.url, monkeypatch)


def reach_at(address, monkeypatch):
    """The hub is at another address, or nowhere."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    files = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)


def go_offline(monkeypatch):
    """As HF_HUB_OFFLINE=1 asks for."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def _answer(hub, request, body):
    path = urlsplit(request.path).path
    hub.requests.append((request.command, path))
    if path.startswith("/api/models/"):
        _describe(hub, request, path.removeprefix("/api/models/"))
    else:
        repo, _, rest = path.lstrip("/").partition("/resolve/")
        _serve(hub, request, repo, rest.partition("/")[2], body)


def _describe(hub, request, path):
    repo = "/".join(path.split("/")[:2])
    folder = hub.repositories.get(repo)
    if folder is None:
        return _refuse(request, 401, "RepoNotFound", "Repository Not Found")
    if repo.endswith("/down"):
        return _refuse(request, 500, "", "Internal Server Error")
    files = [_described(file, repo) for file in sorted(folder.iterdir()) if file.is_file()]
    if "/tree/" in path:
        answer = [{"type": "file", "path": f["rfilename"], "oid": f["blobId"], **f} for f in files]
    else:
        answer = {
            "_id": "0" * 24, "id": repo, "modelId": repo, "sha": COMMIT, "siblings": files,
            "private": False, "gated": "manual" if repo.endswith("/gated") else False,
            "disabled": False, "downloads": 0, "likes": 0, "tags": [],
        }  # fmt: skip
    _send(request, 200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def _described(file, repo):
    content = _content(file, repo)
    about = {"rfilename": file.name, "size": len(content), "blobId": _digest(content, "sha1")}
    if file.suffix == WEIGHTS:
        digest = _digest(content, "sha256")
        about["lfs"] = {"sha256": digest, "oid": digest, "size": len(content), "pointerSize": 130}
    return about


def _serve(hub, request, repo, name, body):
    folder = hub.repositories.get(repo)
    if folder is None:
        return _refuse(request, 401, "RepoNotFound", "Repository Not Found")
    if repo.endswith("/gated"):
        return _refuse(request, 403, "GatedRepo", "Access to this model is restricted")
    file = folder / name
    if not file.is_file():
        return _refuse(request, 404, "EntryNotFound", "Entry not found")
    content, weights = _content(file, repo), name.endswith(WEIGHTS)
    if repo.endswith("/failing") and weights and body:
        return _refuse(request, 500, "", "Internal Server Error")
    kind = "sha256" if weights else "sha1"
    headers = {"ETag": f'"{_digest(content, kind)}"', "X-Repo-Commit": COMMIT}
    headers |= {"Accept-Ranges": "bytes", "X-Linked-Size": str(len(content))}
    asked = request.headers.get("Range")
    status, start = 200, 0
    if asked and body:
        status, start = 206, int(asked.removeprefix("bytes=").rstrip("-"))
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    stop = len(content)
    if weights and body and repo.endswith(("/slow", "/breaking", "/recovering")):
        half = len(content) // 2
        again = repo in hub.broken
        hub.broken.add(repo)
        if not (repo.endswith("/recovering") and again):
            stop = max(start, half)
    _send(request, status, content[start:], headers, body, stop - start)
    if stop < len(content):
        if repo.endswith("/slow"):
            hub.stalled.set()
            hub.closing.wait()
        request.close_connection = True


def _content(file, repo):
    content = file.read_bytes()
    if repo.endswith("/damaged") and file.suffix == WEIGHTS:
        content = content[:8] + bytes(len(content) - 8)
    return content


def _send(request, status, content, headers, body=True, count=None):
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if body:
        request.wfile.write(content[:count])
        request.wfile.flush()


def _refuse(request, status, code, message):
    headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
    _send(request, status, b"", headers)


def _digest(content, kind):
    return hashlib.new(kind, content).hexdigest()
