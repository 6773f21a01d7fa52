"""`make screenshots`: the pictures of the README, taken in Chromium from a running demonstration.

Start the demonstration first (`make demo`) and let it end its training; the pictures go to docs/images. With --all every
page is taken in both themes and at both sizes, to be looked at: name another folder for those.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
README = {"fleet-light", "series-light", "case-dark", "restored-light"}
SIZES = {"": (1440, 900), "-tablet": (820, 1180)}
SHOTS = {
    "fleet": "/",
    "instrument": "/instruments/lsm-510/",
    "flags": "/flags/",
    "acquisitions": "/acquisitions/",
    "upload": "/upload/",
    "cases": "/cases/",
    "models": "/models/",
}
FOLLOWED = {
    "series": ("/instruments/lsm-510/", "main a[href^='/series/']"),
    "flag": ("/flags/", "main a[href^='/flags/']"),
    "acquisition": ("/acquisitions/", "main a[href^='/acquisitions/']"),
    "case": ("/cases/", "main a[href^='/cases/']"),
    "model": ("/models/", "main a[href^='/models/']"),
}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument(
        "--all", action="store_true", help="every page, theme and size, not only the pictures of the README"
    )
    options = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is missing. As root: apt-get install chromium")
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        for theme in ("light", "dark"):
            for suffix, (width, height) in SIZES.items():
                if suffix and not options.all:
                    continue
                context = browser.new_context(
                    base_url=options.address, viewport={"width": width, "height": height}, color_scheme=theme
                )
                _shoot(context.new_page(), options.folder, f"-{theme}{suffix}", wanted=None if options.all else README)
                context.close()
        browser.close()


def _shoot(page: Page, folder: Path, ending: str, *, wanted: set[str] | None) -> None:
    """Sign in and take the pages in turn; of `wanted` only those, by name and ending."""

    def save(name: str) -> None:
        if wanted is None or f"{name}{ending}" in wanted:
            _save(page, folder / f"{name}{ending}.png")

    page.goto("/sign-in/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill("strehl-demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    for name, path in SHOTS.items():
        page.goto(path)
        save(name)
    for name, (path, link) in FOLLOWED.items():
        page.goto(path)
        links = [one.get_attribute("href") for one in page.locator(link).all()]
        deeper = [href for href in links if href and href.strip("/").count("/") >= 1]
        if deeper:
            page.goto(deeper[0])
            save(name)
    restored = page.locator("a[href^='/restored/']").first  # on the page of the model, where it was applied
    if restored.count():
        page.goto(restored.get_attribute("href") or "/")
        save("restored")


def _save(page: Page, path: Path) -> None:
    """Wait for images and charts, then take the whole page."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(600)
    page.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    main()
