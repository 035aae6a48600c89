"""Draw formulas, each image with a different pose, thickness, contrast, light and clutter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

try:
    import cv2
except ImportError as error:
    raise ImportError(
        "Drawing formulas needs OpenCV: pip install opencv-python-headless"
    ) from error

from sklearn_shapecnn._pretraining.formulas import MAX_PARTS, N_POINTS, Array, Formula

MIN_CONTRAST = 0.25  # between ink and background; white and black are 1 apart
FIXED_POINT = 4  # fractional bits in the coordinates that OpenCV takes


class Drawer:
    """Draw images of some formulas.

    Parameters
    ----------
    formulas : sequence of Formula
    """

    def __init__(self, formulas: Sequence[Formula]) -> None:
        n = len(formulas)
        self.formulas = formulas
        self.points = np.zeros((n, MAX_PARTS, N_POINTS, 2), dtype=np.float32)
        for i, formula in enumerate(formulas):
            for j, part in enumerate(formula.parts):
                self.points[i, j] = part.points
        self.drawn_once = np.array(
            [bool(formula.parts) and formula.n_copies == (1, 1) for formula in formulas]
        )
        self.in_gray = np.flatnonzero([not formula.is_color_only for formula in formulas])
        self.hues = np.full((n, 2, 3), np.nan, dtype=np.float32)
        for i, formula in enumerate(formulas):
            if formula.hues is not None:
                self.hues[i] = formula.hues

    def sample(
        self, n_images: int, side: int, is_color: bool, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Draw images of random categories.

        Parameters
        ----------
        n_images : int
        side : int
            Height and width in pixels.
        is_color : bool
        rng : Generator

        Returns
        -------
        images : ndarray of shape (n_images, side, side, 1 or 3), dtype float32
            Pixels from 0 to 1.
        labels : ndarray of shape (n_images,), dtype int64
            Index of each image's formula.
        """
        among = np.arange(len(self.formulas)) if is_color else self.in_gray
        labels = rng.choice(among, n_images)
        return self.draw(labels, side, is_color, rng), labels

    def draw(self, labels: Array, side: int, is_color: bool, rng: np.random.Generator) -> Array:
        """Draw one image for each of these formulas; see `sample`."""
        n = len(labels)
        # Draw larger and shrink, for smooth edges and lines of any thickness.
        factor = 4 if side <= 12 else 3 if side <= 20 else 2
        canvas = self._ink(labels, side * factor, rng)
        ink = _shrink(canvas, side)
        self._add_textures(ink, labels, side, rng)
        ink = _blur(ink, rng)
        low, high = self._colors(labels, 3 if is_color else 1, rng)
        images = low + ink[..., None] * (high - low)
        _add_light(images, rng)
        noisy = np.flatnonzero(rng.random(n) < 0.5)
        deviation = (0.12 * rng.random(len(noisy)) ** 2).astype(np.float32)
        noise = rng.standard_normal(images[noisy].shape, dtype=np.float32)
        images[noisy] += noise * deviation[:, None, None, None]
        return np.clip(images, 0, 1, out=images)

    def _ink(self, labels: Array, side: int, rng: np.random.Generator) -> Array:
        """Draw the lines of each image, as bytes from 0 to 255."""
        n = len(labels)
        canvas = np.zeros((n, side, side), dtype=np.uint8)
        cluttered = np.flatnonzero((rng.random(n) < 0.25) & self.drawn_once[labels])
        others = rng.choice(np.flatnonzero(self.drawn_once), len(cluttered))
        scale = rng.uniform(0.1, 0.35, len(cluttered)).astype(np.float32)
        place = rng.uniform(-1, 1, (len(cluttered), 2)).astype(np.float32)
        place /= np.maximum(np.abs(place).max(axis=1, keepdims=True), 1e-3)  # at the border
        self._trace(canvas, cluttered, others, scale, place * 0.95, rng)
        whole = np.flatnonzero(self.drawn_once[labels])
        scale = (0.38 + 0.6 * np.sqrt(rng.random(len(whole)))).astype(np.float32)
        room = 1.08 - scale
        place = rng.uniform(-1, 1, (len(whole), 2)).astype(np.float32) * room[:, None]
        self._trace(canvas, whole, labels[whole], scale, place, rng)
        for i in np.flatnonzero(~self.drawn_once[labels]):
            formula = self.formulas[labels[i]]
            if formula.parts:
                self._scatter(canvas[i], formula, rng)
        return canvas

    def _trace(
        self,
        canvas: Array,
        rows: Array,
        labels: Array,
        scale: Array,
        place: Array,
        rng: np.random.Generator,
    ) -> None:
        """Draw one formula into each of some images, at a scale and a place from -1 to 1."""
        n, side = len(rows), canvas.shape[1]
        points = self.points[labels]
        points = points + _deformation(points, rng)
        matrix = _random_affine(n, rng) * scale[:, None, None]
        points = np.einsum("nij,nmpj->nmpi", matrix, points) + place[:, None, None, :]
        points = (points + 1) * (side / 2) - 0.5
        fixed = np.round(points * 2**FIXED_POINT).clip(-(2**15), 2**15).astype(np.int32)
        pen = side * scale * np.exp(rng.uniform(math.log(0.05), math.log(0.22), n))
        pen = np.maximum(pen, side / 32).round().astype(int)
        for k, row in enumerate(rows):
            for part, line in zip(self.formulas[labels[k]].parts, fixed[k], strict=False):
                level = int(255 * part.level)
                if part.is_filled:
                    cv2.fillPoly(canvas[row], [line], level, cv2.LINE_8, FIXED_POINT)
                else:
                    width = int(pen[k])
                    cv2.polylines(canvas[row], [line], False, level, width, cv2.LINE_8, FIXED_POINT)

    @staticmethod
    def _scatter(image: Array, formula: Formula, rng: np.random.Generator) -> None:
        """Draw many copies of the only part of a formula."""
        side, (part,) = len(image), formula.parts
        n = rng.integers(formula.n_copies[0], formula.n_copies[1] + 1)
        cos, sin = np.cos(turn := rng.normal(0, 0.3, n)), np.sin(turn)
        size = np.exp(rng.normal(0, 0.15, n))
        turns = np.stack((cos, -sin, sin, cos), axis=1).reshape(n, 2, 2) * size[:, None, None]
        points = part.points @ turns.transpose(0, 2, 1) + rng.uniform(-1, 1, (n, 1, 2))
        fixed = np.round((points + 1) * (side / 2) * 2**FIXED_POINT).astype(np.int32)
        levels = rng.integers(40, 256, n)
        for line, level in zip(fixed, levels, strict=True):
            if part.is_filled:
                cv2.fillPoly(image, [line], int(level), cv2.LINE_8, FIXED_POINT)
            else:
                cv2.polylines(
                    image, [line], False, int(level), max(1, side // 24), cv2.LINE_8, FIXED_POINT
                )

    def _add_textures(self, ink: Array, labels: Array, side: int, rng: np.random.Generator) -> None:
        """Fill texture images, and add faint textures behind or inside some of the others."""
        own = np.flatnonzero([self.formulas[label].spectrum is not None for label in labels])
        if len(own):
            spectra = np.array([self.formulas[labels[i]].spectrum for i in own], dtype=np.float32)
            sharp = np.array([self.formulas[labels[i]].sharpness for i in own], dtype=np.float32)
            ink[own] = _spectral_noise(spectra, sharp, side, rng)
        is_drawn = np.ones(len(labels), dtype=bool)
        is_drawn[own] = False
        faint = np.flatnonzero(is_drawn & (rng.random(len(labels)) < 0.3))
        if len(faint):
            n = len(faint)
            spectra = np.stack(
                (
                    np.exp(rng.uniform(0, 2.2, n)),
                    rng.uniform(0.5, 3, n),
                    rng.uniform(0, math.pi, n),
                    rng.choice([0.3, 9.0], n),
                    rng.uniform(0, 2, n),
                ),
                axis=1,
            ).astype(np.float32)
            noise = _spectral_noise(spectra, np.zeros(n, dtype=np.float32), side, rng) - 0.5
            where = ink[faint]
            where = np.where((rng.random(n) < 0.5)[:, None, None], where, 1 - where)
            amount = rng.uniform(0, 0.8, n).astype(np.float32)[:, None, None]
            ink[faint] += amount * noise * where

    def _colors(
        self, labels: Array, n_channels: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Sample levels of background and ink, each of shape (n, 1, 1, n_channels)."""
        n = len(labels)
        colors = rng.random((n, 2, n_channels), dtype=np.float32)
        if n_channels == 3:
            gray = rng.random(n) < 0.3  # nearly gray
            colors[gray] = 0.85 * colors[gray][..., :1] + 0.15 * colors[gray]
            own = self.hues[labels]
            has_own = np.isfinite(own[:, 0, 0])
            colors[has_own] = own[has_own] + rng.normal(0, 0.06, (has_own.sum(), 2, 3))
            brightness = rng.uniform(-0.12, 0.12, (n, 1, 1)).astype(np.float32)
            colors = colors + brightness
        low, high = colors[:, 0], colors[:, 1]
        gap = high - low
        widest = np.abs(gap).max(axis=1, keepdims=True)
        needed = np.maximum(widest, MIN_CONTRAST) / np.maximum(widest, 1e-3)
        high = low + gap * needed
        if n_channels == 1:  # away from the end where it would be clipped
            out = (high < 0) | (high > 1)
            high = np.where(out, 2 * low - high, high)
        return low[:, None, None, :], high[:, None, None, :]


def _shrink(canvas: Array, side: int) -> Array:
    """Return the means of square cells, as float32 from 0 to 1."""
    n, factor = len(canvas), canvas.shape[1] // side
    # OpenCV resizes one image at a time, so stack all images vertically.
    tall = canvas.reshape(n * side * factor, side * factor)
    small = np.empty((n, side, side), dtype=np.uint8)
    step = max(1, 32000 // (side * factor))  # OpenCV limits the number of rows
    for i in range(0, n, step):
        part = tall[i * side * factor : (i + step) * side * factor]
        rows = len(part) // factor
        small[i : i + step] = cv2.resize(part, (side, rows), interpolation=cv2.INTER_AREA).reshape(
            -1, side, side
        )
    return small.astype(np.float32) / 255


def _deformation(points: Array, rng: np.random.Generator) -> Array:
    """Displace points smoothly, and each part a little on its own."""
    n = len(points)
    waves = rng.normal(0, 1.6, (n, 2, 2)).astype(np.float32)
    phase = rng.uniform(0, 2 * math.pi, (n, 1, 1, 2)).astype(np.float32)
    strength = rng.uniform(0, 0.14, (n, 1, 1, 1)).astype(np.float32)
    smooth = strength * np.sin(np.einsum("nij,nmpj->nmpi", waves, points) + phase)
    own = rng.normal(0, 0.05, (n, MAX_PARTS, 1, 2)).astype(np.float32)
    own[:, 0] = 0
    return smooth + own * rng.random((n, 1, 1, 1), dtype=np.float32)


def _random_affine(n: int, rng: np.random.Generator) -> Array:
    """Return matrices of random rotation, shear and aspect, of shape (n, 2, 2)."""
    angle = rng.normal(0, 0.16, n)
    stretch = np.exp(rng.uniform(-0.22, 0.22, n))
    shear = rng.normal(0, 0.15, n)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack((cos, -sin, sin, cos), axis=1).reshape(n, 2, 2)
    lean = np.stack((stretch, shear, np.zeros(n), 1 / stretch), axis=1).reshape(n, 2, 2)
    return (turn @ lean).astype(np.float32)


def _spectral_noise(spectra: Array, sharpness: Array, side: int, rng: np.random.Generator) -> Array:
    """Return noise with the given spectra, of shape (n, side, side), about from 0 to 1."""
    n = len(spectra)
    frequency, bandwidth, angle, spread, decay = (
        spectra[:, i, None, None] for i in range(spectra.shape[1])
    )
    down = np.fft.fftfreq(side, 1 / side).astype(np.float32)[None, :, None]
    right = np.fft.rfftfreq(side, 1 / side).astype(np.float32)[None, None, :]
    radius = np.sqrt(down**2 + right**2) + 1e-3
    octaves = np.log2(radius / frequency) / bandwidth
    direction = np.arctan2(down, right + 1e-6)
    turned = (direction - angle + math.pi / 2) % math.pi - math.pi / 2
    gain = np.exp(-0.5 * octaves**2 - 0.5 * (turned / spread) ** 2) * radius ** -(decay / 2)
    gain[:, 0, 0] = 0
    white = rng.standard_normal((n, side, side), dtype=np.float32)
    noise = np.fft.irfft2(np.fft.rfft2(white) * gain, s=(side, side)).astype(np.float32)
    noise /= noise.std(axis=(1, 2), keepdims=True) + 1e-6
    steep = 1 + sharpness[:, None, None]
    return 0.5 + 0.5 * np.tanh(0.5 * steep * noise)


def _blur(ink: Array, rng: np.random.Generator) -> Array:
    for i in np.flatnonzero(rng.random(len(ink)) < 0.3):
        ink[i] = cv2.GaussianBlur(ink[i], (0, 0), 0.4 + rng.random() * len(ink[i]) / 36)
    return ink


def _add_light(images: Array, rng: np.random.Generator) -> None:
    """Add light that falls from one side to some of the images."""
    n, side = len(images), images.shape[1]
    lit = np.flatnonzero(rng.random(n) < 0.3)
    slope = rng.uniform(-0.2, 0.2, (2, len(lit), 1, 1, 1)).astype(np.float32)
    along = np.linspace(-1, 1, side, dtype=np.float32)
    images[lit] += slope[0] * along[:, None, None] + slope[1] * along[None, :, None]
