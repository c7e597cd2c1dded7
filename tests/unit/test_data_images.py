"""Images from IDX files and from folders: what is read, and the sentence for what cannot be."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from ablation.data import images_from_folder, images_from_idx
from numpy.typing import NDArray
from PIL import Image

CHANCE = np.random.default_rng(0)


def idx(values: NDArray[np.uint8]) -> bytes:
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four IDX files, of which the official test set is packed."""
    for prefix, count in (("train", 5), ("t10k", 3)):
        images = CHANCE.integers(0, 256, (count, 4, 6), np.uint8)
        labels = np.arange(count, dtype=np.uint8)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            path = tmp_path / f"{prefix}-{kind}-ubyte"
            if prefix == "train":
                path.write_bytes(idx(values))
            else:
                Path(f"{path}.gz").write_bytes(gzip.compress(idx(values)))
    return tmp_path


def test_four_idx_files(folder: Path) -> None:
    found = images_from_idx(folder)
    assert found.inputs.shape == (5, 4, 6)
    assert found.target.tolist() == [0, 1, 2, 3, 4]
    assert (found.inputs.dtype, found.target.dtype) == (np.uint8, np.int64)
    assert found.test_inputs is not None
    assert found.test_target is not None
    packed = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert found.test_inputs.tobytes() == packed[16:]
    assert found.test_target.tolist() == [0, 1, 2]
    assert images_from_idx(folder, test=None).test_inputs is None


def change(path: Path, header: bytes, content: bytes) -> None:
    path.write_bytes(gzip.compress(header + content) if path.suffix == ".gz" else header + content)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"])
@pytest.mark.parametrize(
    ("shape", "content", "said"),
    [
        ((3, 4, 6), 71, "holds fewer bytes than the 72"),
        ((3, 4, 6), 73, "holds more bytes than the 72"),
        ((2**32 - 1, 2**32 - 1, 2**32 - 1), 72, "holds fewer bytes than the"),
        ((40_000, 100, 100), 72, "holds fewer bytes than the 400000000"),
    ],
)
def test_sizes_are_checked_before_memory_is_taken(
    folder: Path, name: str, shape: tuple[int, ...], content: int, said: str
) -> None:
    change(folder / name, struct.pack(">4B3I", 0, 0, 8, 3, *shape), bytes(content))
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"^{name} {said}"):
        images_from_idx(folder)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_what_is_no_idx_file_is_refused(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte"
    content = path.read_bytes()
    for wrong in (b"<html>", b"", content[:9], b"\0\0\x0d\x03" + content[4:]):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="is no IDX file of unsigned bytes in 3 dimensions"):
            images_from_idx(folder)
    path.write_bytes(content[:4] + struct.pack(">3I", 4, 4, 6) + content[16:-24])
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte holds 5 labels of 4 images"):
        images_from_idx(folder)
    path.unlink()
    with pytest.raises(ValueError, match="holds neither train-images-idx3-ubyte nor"):
        images_from_idx(folder)


@pytest.mark.parametrize("cut", [slice(None, -9), slice(3, None), slice(0, 30)])
def test_damaged_packing_is_named(folder: Path, cut: slice) -> None:
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(ValueError, match=r"^t10k-images-idx3-ubyte\.gz (cannot be read|is no IDX)"):
        images_from_idx(folder)


@pytest.fixture
def leaves(tmp_path: Path) -> Path:
    """Two classes of small images in several forms, written in no order."""
    folder = tmp_path / "leaves"
    for name in ("oak/b.png", "elm/z.jpg", "oak/a.PNG", "elm/c.jpeg"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((4, 4, 3), 40 * (1 + len(list(folder.rglob("*.*")))), np.uint8)
        Image.fromarray(pixels).save(path, "PNG" if path.suffix.lower() == ".png" else "JPEG")
    (folder / ".hidden").write_text("nothing")
    (folder / "oak" / ".DS_Store").write_text("nothing")
    return folder


def test_a_folder_for_each_class(leaves: Path) -> None:
    found = images_from_folder(leaves, side=4)
    assert found.inputs.shape == (4, 4, 4)
    assert (found.classes, found.target.tolist()) == (("elm", "oak"), [0, 0, 1, 1])
    assert found.inputs[:, 0, 0].tolist() == [160, 80, 120, 40]  # c, z, a, b
    assert found.inputs.dtype == np.uint8


def test_colours_come_as_channels_and_images_are_scaled(leaves: Path) -> None:
    pixels = np.zeros((8, 4, 3), np.uint8)
    pixels[...] = 200, 0, 100
    Image.fromarray(pixels).save(leaves / "oak" / "b.png")
    found = images_from_folder(leaves, side=2, grey=False)
    assert found.inputs.shape == (4, 3, 2, 2)
    assert found.inputs[3].tolist() == [[[200] * 2] * 2, [[0] * 2] * 2, [[100] * 2] * 2]


def test_a_turned_photograph_stands_upright(leaves: Path) -> None:
    pixels = np.zeros((4, 4), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to show it
    Image.fromarray(pixels).save(leaves / "oak" / "a.PNG", "PNG", exif=exif)
    assert images_from_folder(leaves, side=4).inputs[2].tolist() == [[0, 0, 0, 255]] * 4


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("oak/b.png", b"no image", "oak/b.png cannot be read as an image"),
        ("oak/notes.txt", b"", "oak/notes.txt is no image: allowed are files .png"),
        ("oak/more/x.png", b"", "oak/more is no image"),
    ],
)
def test_a_broken_file_is_named(leaves: Path, name: str, content: bytes, said: str) -> None:
    (leaves / name).parent.mkdir(exist_ok=True)
    (leaves / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        images_from_folder(leaves, side=4)


def test_half_an_image_and_deep_pixels_are_named(leaves: Path) -> None:
    path = leaves / "oak" / "b.png"
    Image.fromarray(CHANCE.integers(0, 256, (64, 64), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ValueError, match=r"oak/b.png cannot be read as an image"):
        images_from_folder(leaves, side=4)
    Image.fromarray(np.full((4, 4), 60_000, np.uint16)).save(path)
    with pytest.raises(ValueError, match=r"oak/b.png has pixels of more than 8 bits"):
        images_from_folder(leaves, side=4)


def test_folders_without_images_are_refused(leaves: Path, tmp_path: Path) -> None:
    (leaves / "ash").mkdir()
    with pytest.raises(ValueError, match="ash holds no images"):
        images_from_folder(leaves, side=4)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no folders of images"):
        images_from_folder(tmp_path / "empty", side=4)
    with pytest.raises(ValueError, match="absent is no folder"):
        images_from_folder(tmp_path / "absent", side=4)
    with pytest.raises(ValueError, match="side is 0"):
        images_from_folder(leaves, side=0)
