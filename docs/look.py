"""Look at the built site in headless Chromium, as a phone and as a desk would show it.

    python docs/look.py [SITE] [--pictures FOLDER] [--pages N]

Fails if a page is wider than the window, a picture is broken, a link inside leads nowhere, a script fails, a page asks
another host for anything, or its first paint takes over a second. Needs playwright and the system's Chromium.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from playwright.sync_api import Page, Request, sync_playwright

WIDTHS = 390, 1280
SHOWN = ["index.html", "how_to.html", "reference/index.html", "reference/names/detutils.nms.html", "gallery/nms.html"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the folder and says nothing."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


def faults(page: Page, address: str, host: str) -> list[str]:
    """What is wrong with one page at the width of the window."""
    found: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((host, "data:")):
            found.append(f"asks {request.url}")

    def failed(error: object) -> None:
        found.append(f"script: {error}")

    page.on("request", asked)
    page.on("pageerror", failed)
    page.goto(address)
    page.evaluate("document.querySelectorAll('img').forEach(picture => picture.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    found += page.evaluate(
        """() => {
            const wrong = [];
            const wide = document.documentElement.scrollWidth - window.innerWidth;
            if (wide > 0) wrong.push(`${wide} px too wide`);
            for (const picture of document.images)
                if (!picture.naturalWidth) wrong.push(`broken picture ${picture.src}`);
            const paint = performance.getEntriesByName("first-contentful-paint")[0];
            if (paint && paint.startTime > 1000) wrong.push(`first paint after ${Math.round(paint.startTime)} ms`);
            return wrong;
        }"""
    )
    page.remove_listener("request", asked)
    page.remove_listener("pageerror", failed)
    return found


def dead_links(page: Page, address: str, host: str, site: Path) -> list[str]:
    """Links inside that lead to no file or no place in it."""
    found = []
    for link in page.evaluate("Array.from(document.links, link => link.getAttribute('href'))"):
        target, place = urldefrag(urljoin(address, link))
        if not target.startswith(host):
            continue
        path = site / unquote(target.removeprefix(host).lstrip("/").split("?")[0] or "index.html")
        if not path.is_file():
            found.append(f"dead link {link}")
        elif place and path.suffix == ".html" and f'id="{unquote(place)}"' not in text_of(path):
            found.append(f"no such place {link}")
    return found


@functools.cache
def text_of(path: Path) -> str:
    """The file's text, read once."""
    return path.read_text(encoding="utf-8")


def main() -> None:
    """Every page at both widths; the number of faults decides."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", nargs="?", type=Path, default=Path(__file__).parent / "_build" / "html")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the main pages")
    parser.add_argument("--pages", type=int, help="only so many pages, spread over all")
    options = parser.parse_args()
    site = options.site.resolve()
    handler = functools.partial(Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_address[1]}"
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)
    if options.pages:
        pages = sorted({*pages[:: max(1, len(pages) // options.pages)], *SHOWN} & set(pages))
    count = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium") or shutil.which("chromium-browser"))
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 844})
            for name in pages:
                address = f"{host}/{name}"
                wrong = faults(page, address, host)
                if width == WIDTHS[0]:
                    wrong += dead_links(page, address, host, site)
                count += len(wrong)
                for fault in wrong:
                    print(f"{name} at {width} px: {fault}")
                if options.pictures and name in SHOWN:
                    options.pictures.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=options.pictures / f"{name.replace('/', '_')}.{width}.png", full_page=False)
            page.close()
        browser.close()
    print(f"{len(pages)} pages at {' and '.join(map(str, WIDTHS))} px: {count} faults")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
