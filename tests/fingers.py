"""Fingers on a screen, as the browser itself reports them."""

from playwright.sync_api import BrowserContext, Locator, Page

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


# Frames, not seconds: on a busy machine a page takes longer to scroll, and to lay itself out.
_UNTIL_STILL = """part => new Promise((done) => {
  let last = '', same = 0;
  function look() {
    const { top, left, height } = part.getBoundingClientRect();
    const { scale, pageTop, pageLeft } = window.visualViewport;
    const now = [top, left, height, scale, pageTop, pageLeft].join();
    same = now === last ? same + 1 : 0;
    last = now;
    if (same < 18) requestAnimationFrame(look); else done();
  }
  look();
})"""


class Fingers:
    """A hand on an opened page. Points are pixels of what is seen; fingers have numbers."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.page = page
        self._session = context.new_cdp_session(page)

    def _touch(self, kind: str, points: dict[int, tuple[float, float]]) -> None:
        where = [{"x": x, "y": y, "id": finger} for finger, (x, y) in points.items()]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})
        self.page.wait_for_timeout(16)  # one frame

    def drag(self, target: Locator, right: float, down: float, steps: int = 12) -> float:
        """One finger, from the middle of a target; by how many pixels the page scrolled."""
        x, y = self._middle(target)
        before = self.page.evaluate("scrollY")
        self._touch("touchStart", {0: (x, y)})
        for step in range(1, steps + 1):
            self._touch("touchMove", {0: (x + right * step / steps, y + down * step / steps)})
        self._touch("touchEnd", {})
        target.evaluate(_UNTIL_STILL)
        return float(self.page.evaluate("scrollY")) - before

    def spread(self, target: Locator, *, after: float = 0.0, apart: float = 56.0) -> float:
        """Two fingers that move apart; by what the page is zoomed then, and no longer is.

        Args:
            after: pixels that the first finger moves to the right before the other one comes.
        """
        x, y = self._middle(target)
        self._touch("touchStart", {0: (x - 20, y)})
        for step in range(1, 5) if after else ():
            self._touch("touchMove", {0: (x - 20 + after * step / 4, y)})
        left, right = x - 20 + after, x + 20 + after
        self._touch("touchStart", {0: (left, y), 1: (right, y)})
        for step in range(1, 15):
            by = apart * step / 14
            self._touch("touchMove", {0: (left - by, y), 1: (right + by, y)})
        self._touch("touchEnd", {})
        target.evaluate(_UNTIL_STILL)
        zoomed = float(self.page.evaluate("visualViewport.scale"))
        self._session.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 1})
        return zoomed

    def _middle(self, target: Locator) -> tuple[float, float]:
        target.evaluate("part => part.scrollIntoView({ block: 'center' })")
        target.evaluate(_UNTIL_STILL)
        box = target.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
