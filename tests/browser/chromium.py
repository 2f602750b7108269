"""Find a Chromium for the browser tests; run as a script, get one if there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = Path(__file__).parents[2] / ".browsers"  # where Playwright's own download goes; ignored by git
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
APPLICATIONS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")
DOWNLOADS = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*", "chromium-*/chrome-win*/chrome.exe")
HOW = "Install Chromium or Chrome (on Debian: sudo apt-get install chromium), or name one in $NRI_CHROMIUM, and run `make test` again."


def find_chromium() -> str | None:
    """The path of a browser that starts: `$NRI_CHROMIUM`, else an installed one, else Playwright's own download."""
    if named := os.environ.get("NRI_CHROMIUM"):
        return named
    installed = filter(None, map(shutil.which, NAMES))
    downloaded = (str(path) for pattern in DOWNLOADS for path in sorted(BROWSERS.glob(pattern), reverse=True))
    return next(filter(_starts, (*installed, *APPLICATIONS, *downloaded)), None)


def get_chromium() -> str | None:
    """As `find_chromium`; without one, first Playwright's download is tried, then, as root, Debian's package."""
    for attempt in (lambda: None, _download, _install):
        attempt()
        if path := find_chromium():
            return path
    return None


def _starts(path: str) -> bool:
    """Whether the program answers; a download without its system libraries or an empty snap wrapper does not."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _download() -> None:
    print("No Chromium or Chrome found: downloading Playwright's own.", flush=True)
    _try([sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"])


def _install() -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("That did not work: installing Debian's package.", flush=True)
        _try(["apt-get", "update", "-q"])
        _try(["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"])


def _try(command: list[str]) -> None:
    """Run to the end or for ten minutes; whether it helped is seen by looking for a browser again."""
    environment = os.environ | {"PLAYWRIGHT_BROWSERS_PATH": str(BROWSERS), "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, flush=True)


if __name__ == "__main__":
    found = get_chromium()
    print(f"Browser: {found}" if found else f"The browser tests need Chromium or Chrome; none could be had. {HOW}")
    sys.exit(not found)
