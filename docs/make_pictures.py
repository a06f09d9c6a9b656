"""Make the pictures of these pages anew: the examples' and the demo's, as JPEGs for the web.

    python docs/make_pictures.py [NAME...]

Two of the examples need networks that pip brings: what to install stands at their top.

The photographs are scikit-image's: astronaut and Hubble deep field (NASA), rocket (SpaceX), all in the public domain;
coffee (Rachel Michetti) and chelsea, the cat (Stefan van der Walt), both CC0; immunohistochemistry (Center for
Microscopy and Molecular Imaging), without known restrictions.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import detutils

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run everything that draws, or what is named."""
    commands = {path.stem: [str(path)] for path in sorted((HERE.parent / "examples").glob("*.py"))}
    commands["demo"] = ["-m", "detutils", "demo"]
    commands["angles"] = [str(HERE / "draw_angles.py")]
    for figure in ("overlap", "suppression", "coding", "cell"):
        commands[figure] = [str(HERE / "draw_explained.py"), figure]
    (HERE / "pictures").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or commands:
            picture = Path(folder) / f"{name}.png"
            command = [sys.executable, *commands[name], "-o", str(picture)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            target = HERE / "pictures" / f"{name}.jpg"
            detutils.write_image(target, detutils.read_image(picture)[..., :3], quality=80)
            print(target)


if __name__ == "__main__":
    main()
