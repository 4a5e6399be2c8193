"""Sphinx settings of the documentation; `make docs` builds it, every warning is an error."""

import tomllib
from pathlib import Path

_PACKAGE = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

project = "spread"
author = "The spreadring developers"
project_copyright = author
version = release = _PACKAGE["version"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["deflist"]

# Headings down to the third level can be linked to, as `page.md#heading`.
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"spread {release}"

# Blocks without a language are configuration files and log lines.
highlight_language = "none"
