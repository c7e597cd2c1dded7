"""Images and their classes, read from four IDX files or from a folder per class."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablation.data.arrays import Data

IMAGE_FILES = (".png", ".jpg", ".jpeg")
PIECE = 2**20  # bytes that are read at once
PIXELS = 50_000_000  # of one image, at most: a square of 7,000
DEFLATE = 1032  # times, at most, that unpacking makes a gzip file larger
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")  # of 8 bits at most
Bytes = NDArray[np.uint8]


def images_from_idx(folder: Path, train: str = "train", test: str | None = "t10k") -> Data:
    """Read images and labels of the form that MNIST has, each file as it is or packed (``.gz``).

    Args:
        folder: holds ``<prefix>-images-idx3-ubyte`` and ``<prefix>-labels-idx1-ubyte``.
        train, test: the prefixes; test: None where there is no official test set.

    Raises:
        ValueError: if a file is missing, or is not what its header says.
    """
    inputs, target = _idx_pair(folder, train)
    if test is None:
        return Data(inputs, target)
    return Data(inputs, target, *_idx_pair(folder, test))


def _idx_pair(folder: Path, prefix: str) -> tuple[Bytes, NDArray[np.int64]]:
    images = _idx(_either(folder, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    path = _either(folder, f"{prefix}-labels-idx1-ubyte")
    labels = _idx(path, dimensions=1)
    if len(labels) != len(images):
        raise ValueError(f"{path.name} holds {len(labels)} labels of {len(images)} images")
    return images, labels.astype(np.int64)


def _either(folder: Path, name: str) -> Path:
    """The file as it is, or packed."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise ValueError(f"{folder} holds neither {name} nor {name}.gz")


def _idx(path: Path, dimensions: int) -> Bytes:
    """Read an IDX file of unsigned bytes; memory is taken only for what the file can hold."""
    packed, size = path.suffix == ".gz", path.stat().st_size
    header = 4 + 4 * dimensions
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            shape = _idx_shape(path, stream.read(header), dimensions)
            total = math.prod(shape)
            most = size * DEFLATE if packed else size - header
            content = _in_pieces(stream.read, total + 1) if total <= most else b""
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from None
    if len(content) != total:
        found = "more" if len(content) > total else "fewer"
        raise ValueError(
            f"{path.name} holds {found} bytes than the {total} that its header announces"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _in_pieces(read: Callable[[int], bytes], size: int) -> bytes:
    """At most so many bytes, in pieces: one call would take all the memory before the file has shown that it holds them."""
    pieces: list[bytes] = []
    while size > 0 and (piece := read(min(size, PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _idx_shape(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    if len(header) != 4 + 4 * dimensions or header[:4] != bytes((0, 0, 8, dimensions)):
        raise ValueError(
            f"{path.name} is no IDX file of unsigned bytes in {dimensions} dimensions: it begins with {header[:4].hex()}"
        )
    return struct.unpack(f">{dimensions}I", header[4:])


def images_from_folder(folder: Path, side: int, *, grey: bool = True) -> Data:
    """Read PNG and JPEG files from a folder per class; classes and images are in the order of their names.

    Args:
        folder: holds a folder for each class, which names it.
        side: every image is scaled to so many pixels in both directions.
        grey: whether to keep brightness alone (``[N, side, side]``), or red, green and blue (``[N, 3, side, side]``).

    Raises:
        ValueError: if a class is empty, or a file is no such image.
    """
    if side < 1:
        raise ValueError(f"side is {side}: allowed is a number of pixels from 1")
    classes = [path for path in _listed(folder) if path.is_dir()]
    if not classes:
        raise ValueError(f"{folder} holds no folders of images, one for each class")
    members = [_listed(path) for path in classes]
    for path, files in zip(classes, members, strict=True):
        if not files:
            raise ValueError(f"{path} holds no images")
    files = [path for own in members for path in own]
    shape = (side, side) if grey else (3, side, side)
    inputs = np.empty((len(files), *shape), np.uint8)
    for place, path in enumerate(files):
        inputs[place] = _image(path, folder, side, grey)
    target = np.repeat(np.arange(len(classes)), [len(own) for own in members])
    return Data(inputs, target.astype(np.int64), classes=tuple(path.name for path in classes))


def _listed(folder: Path) -> list[Path]:
    """What a folder holds, by name; nothing hidden."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    return sorted((path for path in folder.iterdir() if path.name[0] != "."), key=lambda p: p.name)


def _image(path: Path, folder: Path, side: int, grey: bool) -> Bytes:
    from PIL import Image, ImageOps

    name = path.relative_to(folder)
    if path.suffix.lower() not in IMAGE_FILES or not path.is_file():
        raise ValueError(f"{name} is no image: allowed are files {', '.join(IMAGE_FILES)}")
    try:
        # Out of memory, because of a file Pillow asks for as many bytes as a chunk says that it has.
        with Image.open(BytesIO(path.read_bytes()), formats=("PNG", "JPEG")) as opened:
            mode = opened.mode
            if opened.width * opened.height > PIXELS:
                raise ValueError(
                    f"it says {opened.width} × {opened.height} pixels: allowed are {PIXELS:,}"
                )
            upright = ImageOps.exif_transpose(opened)
            small = upright.convert("L" if grey else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} cannot be read as an image: {error}") from None
    if mode not in MODES:
        raise ValueError(f"{name} has pixels of more than 8 bits ({mode}): allowed are 8")
    if small.size != (side, side):
        small = small.resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, dtype=np.uint8)
    return pixels if grey else pixels.transpose(2, 0, 1)
