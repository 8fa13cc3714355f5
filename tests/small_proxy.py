"""A reverse proxy as docs/deploy.md requires it: it takes a prefix away, and buffers nothing."""

import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OF_ONE_HOP = {"connection", "transfer-encoding", "keep-alive"}


@contextmanager
def behind_proxy(address, prefix):
    """The address of the page behind a proxy; what is outside of the prefix is not found.

    Yields:
        the address without a slash at its end, and all requested paths.
    """
    upstream, requested = urlsplit(address).netloc, []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            requested.append(self.path)
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            connection = HTTPConnection(upstream, timeout=60)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            sent = {name: value for name, value in self.headers.items() if name != "Connection"}
            sent["X-Forwarded-For"] = self.client_address[0]
            sent["X-Forwarded-Host"] = self.headers["host"]
            sent["X-Forwarded-Proto"] = "http"
            connection.request(self.command, self.path.removeprefix(prefix), body or None, sent)
            got = connection.getresponse()
            self.send_response_only(got.status)
            for name, value in got.getheaders():
                if name.lower() not in _OF_ONE_HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while piece := got.read1(65_536):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # the client has gone
            finally:
                connection.close()

        do_GET = do_POST = do_HEAD = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}", requested
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
