"""The page behind a reverse proxy that gives it a prefix: nothing leads out of the prefix."""

import json
import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from served_page import served
from small_proxy import behind_proxy

PREFIX = "/some/where"


@pytest.fixture(scope="module")
def page(service):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        with served(service) as (address, _), behind_proxy(address, PREFIX) as (outside, asked):
            yield outside, asked


@pytest.mark.parametrize("path", ["/zh/", "/zh/?example=describe&k=7&prompt=a%0Ab%26c", "/zh/?"])
def test_the_page_with_a_slash_leads_to_the_page_without_inside_the_prefix(page, path):
    address, _ = page
    answer = httpx.get(f"{address}{path}")
    assert answer.status_code == 307
    led = urljoin(str(answer.request.url), answer.headers["location"])
    assert led == f"{address}{path.replace('/zh/', '/zh').rstrip('?')}"
    there = httpx.get(led)
    assert there.status_code == 200
    assert re.search(r'<html\s+lang="zh-CN"', there.text)


@pytest.mark.parametrize("path", ["/", "/zh"])
def test_all_that_a_page_fetches_lies_inside_the_prefix(page, path):
    address, _ = page
    html = httpx.get(f"{address}{path}").text
    config = json.loads(re.search(r"window\.gradio_config = (\{.*?\});\s*</script>", html, re.S)[1])
    assert config["root"] == address
    found = set(re.findall(r'<(?:script|link)\b[^>]*?(?:src|href)="([^"]+)"', html))
    found |= set(re.findall(r'"url":\s*"([^"]+)"', html)) - {""}
    local = {urljoin(f"{address}{path}", one) for one in found if not one.startswith("data:")}
    local = {one for one in local if urlsplit(one).netloc == urlsplit(address).netloc}
    assert len(local) > 3
    for one in local:
        assert one.startswith(f"{address}/"), one
        assert httpx.get(one).status_code == 200, one
    assert httpx.get(f"{address}/gradio_api/app_id").status_code == 200


def test_without_a_proxy_the_page_with_a_slash_leads_to_the_page_too(here):
    answer = httpx.get(f"{here}/zh/?k=3", follow_redirects=True)
    assert (str(answer.url), answer.status_code) == (f"{here}/zh?k=3", 200)
