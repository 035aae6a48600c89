"""How Sphinx makes the site: ``sphinx-build -W docs docs/_build/html``."""

import re
import shutil
import sys
import textwrap
from pathlib import Path

from docutils import nodes
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # for links to its names
from sphinx.addnodes import desc_content

import sklearn_shapecnn

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "draw")]

project = "sklearn-shapecnn"
author = "The sklearn-shapecnn developers"
copyright = author
release = version = sklearn_shapecnn.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "draw", "examples"]
root_doc = "index"
templates_path = ["_templates"]
suppress_warnings = [
    "config.cache",  # sphinx_gallery_conf holds a function; so all pages are made again each time
]

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-shapecnn"
html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "logo": {
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": project,
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    # One sidebar a page leaves room for code and tables. It is on the right, with the contents of
    # the page, for pages that stand alone; on the left, with their neighbors too, for the others.
    "secondary_sidebar_items": {"*": ["page-toc"], "api": [], "*/*": []},
    "show_prev_next": True,
}
html_sidebars = {
    "*": [],
    "api": ["sidebar-nav-bs.html", "page-toc.html"],
    "*/*": ["sidebar-nav-bs.html", "page-toc.html"],
}
toc_object_entries_show_parents = "hide"  # fit() rather than ShapeCNNClassifier.fit()
SUMMARY = "A convolutional network for small images that you use like any scikit-learn estimator."

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # the docstrings tell
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

plot_formats = [("png", 110)]
plot_html_show_formats = plot_html_show_source_link = False
plot_include_source = False

STORY = [  # the order of the gallery
    "plot_shapes.py",
    "plot_convolution.py",
    "plot_features.py",
    "plot_position.py",
    "plot_saliency.py",
    "plot_several_shapes.py",
    "plot_where_and_how_large.py",
    "plot_digits.py",
    "plot_faces.py",
    "plot_few_images.py",
    "plot_starting_filters.py",
    "plot_calibration.py",
    "plot_none_of_these.py",
    "plot_kernel_sizes.py",
    "plot_pipeline.py",
    "plot_search.py",
    "plot_folder.py",
    "plot_wrong_labels.py",
    "plot_prediction_sets.py",
    "plot_onnx.py",
]
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "abort_on_example_error": True,
    "capture_repr": (),
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "within_subsection_order": STORY.index,
    "backreferences_dir": None,
    "write_computation_times": False,  # a page whose tables load their scripts from elsewhere
}


def build_drawing_page(app):
    """Train the network of the drawing page, and fetch what it runs in."""
    if app.builder.format == "html":
        from model import build

        build(HERE / "draw" / "built")


def copy_drawing_page(app, exception):
    """Put them beside the page."""
    if exception is None and app.builder.format == "html":
        shutil.copytree(
            HERE / "draw" / "built",
            Path(app.outdir, "_static", "draw"),
            ignore=shutil.ignore_patterns("stamp.txt"),
            dirs_exist_ok=True,
        )


def leave_out_of_contents(app, domain, objtype, content):
    """A class or function is all that its page has: the contents begin with its methods."""
    if objtype in ("class", "function"):
        content.parent["no-contents-entry"] = True


def describe_page(app, pagename, templatename, context, doctree):
    """Say in a sentence or two what is on the page, and where the card is if that is known."""
    paragraphs = [] if doctree is None else doctree.findall(nodes.paragraph)
    own = (node for node in paragraphs if isinstance(node.parent, nodes.section | desc_content))
    text = next((node.astext() for node in own), SUMMARY)
    context["summary"] = textwrap.shorten(text.rstrip(":"), 200, placeholder=" ...")
    base = app.config.html_baseurl
    context["card"] = f"{base.rstrip('/')}/_static/card.png" if base else None


def draw_social_card(app, exception):
    """Put the card beside the style of the site."""
    if exception is None and app.builder.format == "html":
        from social_card import draw_card

        draw_card(Path(app.outdir, "_static", "card.png"))


def unlink_inherited(app, what, name, obj, options, lines):
    """Turn references into scikit-learn's user guide, in what is inherited from it, into text."""
    lines[:] = [re.sub(r":ref:`([^`<]+?)\s*(<[^`>]*>)?`", r"*\1*", line) for line in lines]


def setup(app):
    """Say to Sphinx what to do besides."""
    app.connect("builder-inited", build_drawing_page)
    app.connect("build-finished", copy_drawing_page)
    app.connect("build-finished", draw_social_card)
    app.connect("html-page-context", describe_page)
    app.connect("object-description-transform", leave_out_of_contents)
    app.connect("autodoc-process-docstring", unlink_inherited)
