"""Open a page in headless Chromium without a network; print as JSON what a reader would meet.

    python tests/page_in_browser.py CHROMIUM PAGE.html WIDTH

Printed: what the browser complained of, requests that failed, pictures that are not seen, whether the page is wider
than its window, and of each column of a ``sortable`` table its texts as given, after a click on its heading, after two.
Of Snakemake's report also the text of the page in its frame, and where frame and rule graph begin.
Playwright has to be importable; `chromium_install.sh` sees to the browser.
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

# As root Chromium has no sandbox; what it would look up by itself is switched off.
SWITCHES = ("no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync")
UNSEEN = """() => [...document.images]
    .filter(image => !(image.complete && image.naturalWidth > 0 && image.getBoundingClientRect().width > 100))
    .map(image => image.alt || image.src.slice(0, 80))"""
# Every table that sorts: what a click on each heading, and a second one, makes of the column below it.
SORTED = """() => [...document.querySelectorAll("table.sortable")].map(table => {
    const column = place => [...table.tBodies[0].rows].map(row => row.cells[place].textContent);
    return [...table.tHead.rows[0].cells].map((heading, place) => {
        const given = column(place);
        heading.click();
        const once = column(place);
        heading.click();
        return {heading: heading.textContent, given, once, twice: column(place)};
    });
})"""


def landed(window):
    """Return what Snakemake's report shows first: the page in its frame, and where that and the rule graph begin."""
    window.frame_locator("#answer").locator("h1").wait_for()
    tops = {name: window.locator(f"#app #{name}").bounding_box()["y"] for name in ("answer", "rulegraph")}
    return {"framed": window.frame_locator("#answer").locator("body").inner_text()[:2000], "tops": tops}


def visited(chromium, page, width):
    """Return what a page shows in a window of some width."""
    told = {"console": [], "failed": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[f"--{switch}" for switch in SWITCHES])
        window = browser.new_context(viewport={"width": width, "height": 800}, offline=True).new_page()
        window.on("console", lambda line: told["console"].append(line.text))
        window.on("pageerror", lambda error: told["console"].append(str(error)))
        window.on("requestfailed", lambda request: told["failed"].append(request.url[:200]))
        window.goto(page.resolve().as_uri())
        window.wait_for_load_state("load")
        if window.locator("#app").count():
            told |= landed(window)
        told["pictures"] = window.evaluate("() => document.images.length")
        told["unseen"] = window.evaluate(UNSEEN)
        told["too_wide"] = window.evaluate("() => document.documentElement.scrollWidth > window.innerWidth")
        told["first_screen"] = window.evaluate("() => document.body.innerText.slice(0, 2000)")
        told["tables"] = window.evaluate(SORTED)
        browser.close()
    return told


if __name__ == "__main__":
    print(json.dumps(visited(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
