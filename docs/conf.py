"""How the site is built, from docstrings, pages and examples.

    pip install -e ".[docs]"
    sphinx-build -M html docs docs/_build -W --keep-going
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the site's own extension

metadata = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = metadata["name"]
author = metadata["authors"][0]["name"]
copyright = author
version = release = metadata["version"]
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinxext.opengraph",
    "site_pages",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # functions in gallery's settings

# ---- reference: one page a public name -------------------------------------------------------------------
autosummary_generate = True
autodoc_typehints = "none"  # the contracts say types, with shapes and units
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
viewcode_line_numbers = True

# ---- pages ------------------------------------------------------------------------------------------------
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "attrs_block"]

# ---- looks ------------------------------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": f"{project} {version}"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "header_links_before_dropdown": 8,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

ogp_site_url = metadata["urls"]["Documentation"]
ogp_description_length = 180
ogp_enable_meta_description = True
ogp_social_cards = {"line_color": "#0072b2", "site_url": ""}

# ---- gallery: the examples, run, with what they print and draw ---------------------------------------------
_NEED_NETWORKS = "onnxruntime_detector|opencv_dnn"  # shown with the pictures of docs/pictures, not run
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": rf"{re.escape('/')}(?!{_NEED_NETWORKS})\w+\.py$",
    "image_scrapers": ("site_pages.written_picture",),
    "reset_argv": "site_pages.arguments",
    "reset_modules": (),
    "within_subsection_order": "site_pages.ExampleOrder",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "remove_config_comments": True,
    "thumbnail_size": (400, 280),
    "abort_on_example_error": True,
    "notebook_extensions": set(),
}
