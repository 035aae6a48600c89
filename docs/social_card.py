"""The picture that a link to the site shows elsewhere: the logo, the name, and what it is.

Sphinx calls :func:`draw_card`. ``python docs/social_card.py card.png`` does the same by hand.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

LOGO = Path(__file__).parent / "_static" / "logo.svg"
WIDTH, HEIGHT = 1200, 630  # pixels; what the sites that show such cards ask for
DPI = 100


def numbers(element, *keys):
    """Attributes of an SVG's element as numbers."""
    return [float(element.get(key)) for key in keys]


def logo_patches():
    """Read the shapes of the logo as patches of matplotlib, in the logo's own units."""
    patches = []
    for element in ElementTree.parse(LOGO).getroot():
        kind = element.tag.split("}")[-1]
        color = element.get("fill")
        if kind == "polygon":
            corners = [pair.split(",") for pair in element.get("points").split()]
            patches.append(Polygon([(float(x), float(y)) for x, y in corners], color=color))
        elif kind == "circle":
            x, y, radius = numbers(element, "cx", "cy", "r")
            patches.append(Circle((x, y), radius, color=color))
        elif kind == "rect":
            x, y, width, height = numbers(element, "x", "y", "width", "height")
            patches.append(Rectangle((x, y), width, height, color=color))
    return patches


def draw_card(path):
    """Draw the card.

    Parameters
    ----------
    path : path-like
        Where the PNG goes.
    """
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    logo = figure.add_axes((0.06, 0.2, 0.315, 0.6))
    logo.set(xlim=(0, 32), ylim=(32, 0), aspect="equal")
    logo.axis("off")
    for patch in logo_patches():
        logo.add_patch(patch)
    figure.text(0.42, 0.56, "sklearn-shapecnn", fontsize=44, weight="bold", color="#1a1a1a")
    text = "A convolutional network for small images,\nused like any scikit-learn estimator"
    figure.text(0.42, 0.5, text, fontsize=20.5, color="#333333", va="top", linespacing=1.5)
    figure.savefig(path, dpi=DPI)


if __name__ == "__main__":
    draw_card(sys.argv[1])
