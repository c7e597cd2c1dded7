"""How any network is trained: the parameters that every model has beside those of its network and its data.

Reading the workflow takes the literal out of this file; nothing imports it. ``only`` names the data or the task that a
parameter exists for, ``where`` the value of another parameter without which it is never read.
"""

from __future__ import annotations

PARAMETERS = {
    "augmentation": {
        "enum": ["none", "affine"],
        "default": "none",
        "only": "images",
        "title": {"en": "Augmentation", "zh": "数据增强"},
    },
    "rotation_degrees": {
        "type": "number",
        "minimum": 0,
        "maximum": 180,
        "default": 10,
        "only": "images",
        "where": {"augmentation": "affine"},
        "title": {"en": "Largest rotation, degrees", "zh": "最大旋转角度"},
    },
    "translation": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.1,
        "only": "images",
        "where": {"augmentation": "affine"},
        "title": {"en": "Largest translation, share of the side", "zh": "最大平移（占边长之比）"},
    },
    "brightness": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.2,
        "only": "images",
        "where": {"augmentation": "affine"},
        "title": {"en": "Brightness jitter", "zh": "亮度抖动"},
    },
    "target": {
        "enum": ["raw", "standardised"],
        "default": "standardised",
        "only": "regression",
        "title": {"en": "Target in training", "zh": "训练时的目标值"},
    },
    "optimizer": {
        "enum": ["sgd", "adam", "adamw"],
        "default": "adam",
        "title": {"en": "Optimiser", "zh": "优化器"},
    },
    "learning_rate": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 10,
        "default": 0.001,
        "title": {"en": "Learning rate", "zh": "学习率"},
    },
    "schedule": {
        "enum": ["constant", "plateau"],
        "default": "constant",
        "title": {"en": "Schedule of the learning rate", "zh": "学习率调度"},
    },
    "lr_factor": {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.1,
        "where": {"schedule": "plateau"},
        "title": {"en": "Factor when the loss stalls", "zh": "损失停滞时的学习率倍数"},
    },
    "lr_patience": {
        "type": "integer",
        "minimum": 0,
        "maximum": 100000,
        "default": 10,
        "where": {"schedule": "plateau"},
        "title": {"en": "Epochs of patience before that", "zh": "在此之前等待的轮数"},
    },
    "weight_decay": {
        "type": "number",
        "minimum": 0,
        "maximum": 10,
        "default": 0,
        "title": {"en": "Weight decay", "zh": "权重衰减"},
    },
    "clip_norm": {
        "type": "number",
        "minimum": 0,
        "maximum": 1000000,
        "default": 0,
        "title": {"en": "Largest norm of the gradient (0: none)", "zh": "梯度范数上限（0 为不限）"},
    },
    "batch_size": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100000,
        "default": 32,
        "title": {"en": "Batch size", "zh": "批大小"},
    },
    "epochs": {
        "type": "integer",
        "minimum": 0,
        "maximum": 100000,
        "default": 30,
        "title": {"en": "Epochs", "zh": "训练轮数"},
    },
}
