"""A page leaves the server in its language; nothing else is touched."""

import gzip

import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.testclient import TestClient

from app.server.page_language import PageLanguage

PAGE = (
    '<!doctype html><html\n\tlang="en"\n style=""><head><meta charset="utf-8"></head>é<head></html>'
)


@pytest.fixture(scope="module")
def client():
    app = FastAPI(middleware=[Middleware(PageLanguage)])

    @app.get("/")
    @app.get("/zh")
    @app.get("/behind/a/prefix/zh")
    @app.get("/other")
    def page():
        return HTMLResponse(PAGE)

    @app.get("/pieces/zh")
    def pieces():
        return StreamingResponse(iter([PAGE[:30], PAGE[30:]]), media_type="text/html")

    @app.get("/json/zh")
    def data():
        return JSONResponse({"a": '<html lang="en"><head>'})

    @app.get("/packed/zh")
    def packed():
        body = gzip.compress(PAGE.encode())
        return Response(body, media_type="text/html", headers={"content-encoding": "gzip"})

    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "tag"),
    [("/", "en"), ("/zh", "zh-CN"), ("/zh?tab=sinks", "zh-CN"), ("/behind/a/prefix/zh", "zh-CN"),
     ("/pieces/zh", "zh-CN")],
)  # fmt: skip
def test_a_page_says_its_language_and_tells_the_browsers_own_words(client, path, tag):
    answer = client.get(path)
    assert answer.text.count(f'lang="{tag}"') == 1
