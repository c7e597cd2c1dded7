"""Bad input: one sentence that names the key, the value and what is allowed."""

from typing import Any

import pytest
import yaml
from ablation.study.components import shipped
from ablation.study.config import ConfigError, merge, resolve, schema
from ablation.study.grid import build
from conftest import REPOSITORY

FNN_KEYS = (
    "activation, batch_size, clip_norm, epochs, hidden_layers, learning_rate, lr_factor, lr_patience, optimizer, schedule, "
    "target, weight_decay, width"
)
SAFE = (
    "is no safe file name: allowed are letters, digits, dots, hyphens and underscores, "
    "a letter or digit first."
)
SEVERAL = "allowed is a list of at least 1 entries or a mapping of at least 1 entries."
TWO_OR_THREE = "allowed is a mapping of at least 2 entries, of at most 3 entries."
KERNELS = "allowed is one of 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27."
AXIS_NAME = schema()["$defs"]["axes"]["propertyNames"]["pattern"]
STUDY_NAME = schema()["properties"]["study"]["properties"]["name"]["pattern"]
OWN_PATH = "each cell needs a path of its own."
AXES = "models.{}.axes."
FNN, CNN = AXES.format("fnn"), AXES.format("cnn")


def variant(text: str) -> dict[str, Any]:
    """The shipped configuration with a change, as YAML reads it."""
    base = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    return merge(base, yaml.safe_load(text))


def fnn(axes: str) -> str:
    return f"models: {{fnn: {{axes: {{{axes}}}}}}}"


def cnn(axes: str) -> str:
    return f"models: {{cnn: {{axes: {{{axes}}}}}}}"


UNKNOWN = [
    (
        "colour: red",
        "colour is not a known key: allowed here are compute, data, export, models, report, statistics, study.",
    ),
    (
        "report: {titel: x}",
        "report.titel is not a known key: allowed here are language, palette, title.",
    ),
    (
        "report: {title: {}}",
        "report.title is {}: allowed is a text of at least 1 characters, of at most 120 characters or a mapping of at least "
        "1 entries.",
    ),
    (
        "models: {rnn: {replicates: 6, axes: {wide: {values: [1]}}}}",
        "models.rnn.network is missing: it must be one of "
        + ", ".join(shipped("networks"))
        + ", or the path of a file that ends in .py.",
    ),
    (
        "models: {fnn: {parameters: {widht: 3}}}",
        f"models.fnn.parameters.widht is not a known key: allowed here are {FNN_KEYS}.",
    ),
    (
        cnn("kernel: {valeus: [3]}"),
        f"{CNN}kernel.valeus is not a known key: allowed here are factorial, parameter, reference, title, values, with.",
    ),
    (
        fnn("wide: {parameter: widht, values: [64]}"),
        f"{FNN}wide.parameter is 'widht': allowed is one of {FNN_KEYS}.",
    ),
    (
        fnn("depth: {with: {lr: 1}}"),
        f"{FNN}depth.with.lr is not a known key: allowed here are {FNN_KEYS}.",
    ),
    (
        fnn("wide: {values: {base: {}, more: {widht: 3}}}"),
        f"{FNN}wide.values (more).widht is not a known key: allowed here are {FNN_KEYS}.",
    ),
]
TYPES = [
    (
        "models: {fnn: {parameters: {epochs: many}}}",
        "models.fnn.parameters.epochs is 'many': allowed is an integer at least 0, at most 100000.",
    ),
    (
        "models: {fnn: {parameters: {width: 64.5}}}",
        "models.fnn.parameters.width is 64.5: allowed is an integer at least 1, at most 4096.",
    ),
    (
        "models: {cnn: {parameters: {batchnorm: 1}}}",
        "models.cnn.parameters.batchnorm is 1: allowed is true or false.",
    ),
    (
        "models: {cnn: {parameters: {depth: true}}}",
        "models.cnn.parameters.depth is on: allowed is an integer at least 1, at most 4.",
    ),
    ("data: {mirrors: http://x}", "data.mirrors is 'http://x': allowed is a mapping."),
    (fnn("depth: [1, 2]"), f"{FNN}depth is [1, 2]: allowed is a mapping."),
    (fnn("wide: {values: 3}"), f"{FNN}wide.values is 3: {SEVERAL}"),
    (fnn("wide: {values: {a: 3}}"), f"{FNN}wide.values is {{'a': 3}}: {SEVERAL}"),
    ("models: {fnn: {parameters: []}}", "models.fnn.parameters is []: allowed is a mapping."),
]
RANGES = [
    (
        "study: {seed: -1}",
        "study.seed is -1: allowed is an integer at least 0, at most 4294967295.",
    ),
    (
        "statistics: {confidence: 1}",
        "statistics.confidence is 1: allowed is a number at least 0.5, at most 0.999.",
    ),
    (
        "models: {cnn: {parameters: {dropout: 1}}}",
        "models.cnn.parameters.dropout is 1: allowed is a number at least 0, less than 1.",
    ),
    (
        "models: {fnn: {parameters: {lr_factor: 1}}}",
        "models.fnn.parameters.lr_factor is 1: allowed is a number greater than 0, less than 1.",
    ),
    ("compute: {device: tpu}", "compute.device is 'tpu': allowed is one of auto, cpu, cuda."),
    (
        "report: {palette: [red]}",
        "report.palette is ['red']: allowed is one of colorblind, deep, muted, bright, dark, pastel, "
        "viridis, cividis, mako, rocket or a list of at least 3 entries.",
    ),
    (
        "data: {mirrors: {mnist: [ftp://x]}}",
        "data.mirrors.mnist[0] is 'ftp://x': allowed is a text that matches ^(https?|file)://.",
    ),
    (
        "models: {fnn: {replicates: 10}}",
        "models.fnn.replicates is 10: allowed is an integer at least 6, at most 6000, a multiple of 6.",
    ),
    (
        "models: {fnn: {replicates: 0}}",
        "models.fnn.replicates is 0: allowed is an integer at least 1, at most 6000.",
    ),
    (
        fnn("depth: {with: {learning_rate: 0}}"),
        f"{FNN}depth.with.learning_rate is 0: allowed is a number greater than 0, at most 10.",
    ),
    (
        fnn("depth: {parameter: hidden_layers, values: [2, 65]}"),
        f"{FNN}depth.values (65).hidden_layers is 65: allowed is an integer at least 1, at most 64.",
    ),
]
NETWORKS = [
    (
        cnn("kernel: {values: [5, 6]}"),
        f"{CNN}kernel.values (6).kernel is 6: {KERNELS}",
    ),
    ("models: {cnn: {parameters: {kernel: 4}}}", f"models.cnn.parameters.kernel is 4: {KERNELS}"),
    (
        "models: {cnn: {parameters: {kernel: 29}}}",
        f"models.cnn.parameters.kernel is 29: {KERNELS}",
    ),
    (
        "models: {cnn: {parameters: {depth: 5}}}",
        "models.cnn.parameters.depth is 5: allowed is an integer at least 1, at most 4.",
    ),
    (
        cnn("depth: {values: [2, 5]}"),
        f"{CNN}depth.values (5).depth is 5: allowed is an integer at least 1, at most 4.",
    ),
    (
        "models: {cnn: {parameters: {channels: [8]}}}",
        "models.cnn.parameters: channels has 1 entries, but depth 2 needs at least 2.",
    ),
    (
        cnn("depth: {values: [2, 4], with: {channels: [8, 8]}}"),
        f"{CNN}depth.values (4): channels has 2 entries, but depth 4 needs at least 4.",
    ),
]
LABELS = [
    (
        cnn("kernel: {values: [5, 5.0]}"),
        f"{CNN}kernel.values holds 5 twice: each value is allowed once.",
    ),
    (
        fnn("learning_rate: {values: [0.1, 0.01, 0.010]}"),
        f"{FNN}learning_rate.values holds 0.01 twice: each value is allowed once.",
    ),
    (
        fnn("wide: {values: {A: {width: 64}, a: {width: 32}}}"),
        f"{FNN}wide.values holds {{'width': 32}}, which shares the path results/fnn/wide_a with "
        f"{{'width': 64}} of axis wide: {OWN_PATH}",
    ),
    (
        fnn('depth_at: {values: {"0.01_2": {}}}'),
        f"{FNN}depth_at.values holds {{}}, which shares the path results/fnn/depth_at_0.01_2 with 2 "
        f"of axis depth_at_0.01: {OWN_PATH}",
    ),
    *(
        (
            fnn(f"wide: {{values: {{{name!r}: {{width: 64}}}}}}"),
            f"{FNN}wide.values holds {{'width': 64}}, whose label {name!r} {SAFE}",
        )
        for name in ("../up", "a/b", "-a", ".hidden", "a b", "é")
    ),
    (
        fnn("Wide: {parameter: width, values: [64]}"),
        f"models.fnn.axes has the name 'Wide': allowed is a text that matches {AXIS_NAME}.",
    ),
    (
        "study: {name: a/b}",
        f"study.name is 'a/b': allowed is a text that matches {STUDY_NAME}.",
    ),
    (
        "study: {name: store}",
        "study.name is 'store', a name kept for the project's own folders: choose another.",
    ),
]
SHAPES = [
    (fnn("depth: {values: []}"), f"{FNN}depth.values is []: {SEVERAL}"),
    (fnn("wide: {values: {}}"), f"{FNN}wide.values is {{}}: {SEVERAL}"),
    (fnn("wide: {values: {a: null}}"), f"{FNN}wide.values is {{}}: {SEVERAL}"),
    (
        cnn("depth: {reference: 3}"),
        f"{CNN}depth.reference is '3': allowed are the axis's labels 1, 2, 4.",
    ),
    (
        cnn("kernel: {values: [3, 7]}"),
        f"{CNN}kernel.values holds 3, 7, none of which is the baseline: allowed is to add the "
        "baseline's value, or to name one of them as reference.",
    ),
    (
        fnn("wide: {parameter: width, values: {a: {width: 64}}}"),
        f"{FNN}wide.parameter is 'width', but the values are labelled sets of overrides: allowed is a "
        "list of values with it, or labelled sets without it.",
    ),
    (
        fnn("wide: {values: [64]}"),
        f"{FNN}wide.parameter is missing: a list of values must name what it varies.",
    ),
    (
        fnn("wide: {parameter: width}"),
        f"{FNN}wide.values is missing: an axis lists values, or has the grid of factorial.",
    ),
    (
        "models: {fnn: null, cnn: null}",
        "models is {}: allowed is a mapping of at least 1 entries.",
    ),
    (
        fnn(
            "depth: null, depth_at_0.01: null, learning_rate: null, activation: null, optimizer: null, "
            "depth_by_learning_rate: null"
        ),
        "models.fnn.axes is {}: allowed is a mapping of at least 1 entries.",
    ),
]
GRIDS = [
    (
        fnn("grid: {factorial: {width: [32, 64]}}"),
        f"{FNN}grid.factorial is {{'width': [32, 64]}}: {TWO_OR_THREE}",
    ),
    (
        fnn("grid: {factorial: {width: [8], epochs: [1], batch_size: [8], lr_factor: [0.1]}}"),
        f"{FNN}grid.factorial is {{'width': [8], 'epochs': [1], 'batch_size': [8], 'lr_fact…: "
        + TWO_OR_THREE,
    ),
    (
        fnn("grid: {factorial: {width: [], epochs: [1, 2]}}"),
        f"{FNN}grid.factorial.width is []: allowed is a list of at least 2 entries.",
    ),
    (
        fnn("grid: {factorial: {width: [64], epochs: [1, 2]}}"),
        f"{FNN}grid.factorial.width is [64]: allowed is a list of at least 2 entries.",
    ),
    (
        fnn("grid: {factorial: [width, epochs]}"),
        f"{FNN}grid.factorial is ['width', 'epochs']: {TWO_OR_THREE}",
    ),
    (
        fnn("grid: {factorial: {width: [32, 64], epochs: [100, 1e2]}}"),
        f"{FNN}grid.factorial.epochs holds 100 twice: each level is allowed once.",
    ),
    (
        fnn("grid: {factorial: {width: [32, 64], epochs: [50, 100]}, with: {width: 64}}"),
        f"{FNN}grid.with.width is 64, but factorial varies width: allowed is to fix a parameter or to vary it.",
    ),
    (
        fnn("grid: {factorial: {width: [32, 64], epochs: [50, 100]}, parameter: width}"),
        f"{FNN}grid.factorial stands beside parameter: allowed is factorial alone, or parameter and values.",
    ),
    (
        fnn("depth: {parameter: null, factorial: {width: [32, 64], epochs: [50, 100]}}"),
        f"{FNN}depth.parameter is None: allowed is a text.",
    ),
    (
        fnn("grid: {factorial: {width: [32, 64], epochs: [50, 100]}, values: [1]}"),
        f"{FNN}grid.factorial stands beside values: allowed is factorial alone, or parameter and values.",
    ),
    (
        fnn("grid: {factorial: {widht: [32, 64], epochs: [50, 100]}}"),
        f"{FNN}grid.factorial (epochs-50_widht-32).widht is not a known key: allowed here are {FNN_KEYS}.",
    ),
    (
        fnn("grid: {factorial: {width: [32, many], epochs: [50, 100]}}"),
        f"{FNN}grid.factorial (width-many_epochs-50).width is 'many': "
        "allowed is an integer at least 1, at most 4096.",
    ),
    (
        cnn("grid: {factorial: {kernel: [5, 6], depth: [1, 2]}}"),
        f"{CNN}grid.factorial (depth-1_kernel-6).kernel is 6: {KERNELS}",
    ),
    (
        cnn("grid: {factorial: {depth: [2, 4], channels: [[16, 32], [8, 8, 8, 8]]}}"),
        f"{CNN}grid.factorial (depth-4_channels-16-32): channels has 2 entries, but depth 4 needs at least 4.",
    ),
    (
        fnn("grid: {factorial: {width: [32, 48], epochs: [50, 100]}}"),
        f"{FNN}grid.factorial holds width-32_epochs-50, width-32_epochs-100, width-48_epochs-50, "
        "width-48_epochs-100, none of which is the baseline: allowed is to add the baseline's value, or "
        "to name one of them as reference.",
    ),
    (
        fnn("grid: {factorial: {width: [32, 64], epochs: [50, 100]}, reference: width-32}"),
        f"{FNN}grid.reference is 'width-32': allowed are the axis's labels width-32_epochs-50, "
        "width-32_epochs-100, width-64_epochs-50, width-64_epochs-100.",
    ),
    (
        fnn("grid_width-32: {factorial: {width: [32, 64], epochs: [50, 100]}}"),
        f"models.fnn.axes has the name 'grid_width-32': allowed is a text that matches {AXIS_NAME}.",
    ),
]

MODELS = [
    (
        "models: {fnn: {network: mpl, replicates: 6, axes: {width: {values: [64]}}}}",
        "models.fnn.network is 'mpl': allowed is one of "
        + ", ".join(shipped("networks"))
        + ", or the path of a file that ends in .py.",
    ),
    (
        "models: {fnn: {data: houses}}",
        "models.fnn.data is 'houses': allowed is one of boston, diabetes, digits, mnist, "
        "or the path of a file that ends in .py.",
    ),
    (
        "models: {Net: {replicates: 6, axes: {width: {values: [64]}}}}",
        "models has the name 'Net': allowed is a text that matches ^[a-z][a-z0-9_]{0,39}\\Z.",
    ),
    (
        "models: {store: {replicates: 6, axes: {width: {values: [64]}}}}",
        "models has the name 'store', kept for the project's own folders: choose another.",
    ),
    (
        "study: {name: cnn}",
        "study.name is 'cnn', which is a model's name, too: both would own results/cnn, so choose another.",
    ),
    (
        "models: {fnn: {recipe: {width: 3}}}",
        "models.fnn.recipe.width is not a known key: allowed here are batch_size, clip_norm, epochs, learning_rate, "
        "lr_factor, lr_patience, optimizer, schedule, target, weight_decay.",
    ),
    (
        "models: {cnn: {recipe: {target: raw}}}",
        "models.cnn.recipe.target is not a known key: allowed here are augmentation, batch_size, brightness, clip_norm, "
        "epochs, learning_rate, lr_factor, lr_patience, optimizer, rotation_degrees, schedule, translation, weight_decay.",
    ),
    (
        "models: {fnn: {recipe: {epochs: 5}, parameters: {epochs: 6}}}",
        "models.fnn.recipe.epochs is 5, and models.fnn.parameters.epochs is 6: allowed is one of the two.",
    ),
    (
        "models: {fnn: {recipe: {optimizer: rmsprop}}}",
        "models.fnn.recipe.optimizer is 'rmsprop': allowed is one of sgd, adam, adamw.",
    ),
    (
        "compute: {threads: 2}",
        "compute.threads is 2, but no number depends on threads any more: leave it out, and write snakemake --cores N, or "
        "--set-threads train=N for the most that one cell may take.",
    ),
    (
        "compute: {replicates_at_once: 0}",
        "compute.replicates_at_once is 0: allowed is one of auto or an integer at least 1, at most 6000.",
    ),
    (
        fnn("optimizer: {parameter: optimizr, values: [sgd, adam]}"),
        f"{FNN}optimizer.parameter is 'optimizr': allowed is one of {FNN_KEYS}.",
    ),
    (
        cnn("lr_factor: {values: [0.1, 0.5]}"),
        f"{CNN}lr_factor.values (0.1): lr_factor changes nothing, since it is read only where schedule is plateau: allowed is "
        "to fix that in with.",
    ),
    (
        fnn("width: {values: [64], title: ''}"),
        f"{FNN}width.title is '': allowed is a text of at least 1 characters, of at most 120 characters or a mapping of at "
        "least 1 entries.",
    ),
    (
        "models: {cnn: {parameters: {test: official}}}",
        "models.cnn.parameters: test is 'official', but mnist-5k has no test set of its own: allowed is drawn.",
    ),
    (
        "models: {cnn: {parameters: {share: 0.001}}}",
        "models.cnn.parameters: share is 0.001, which leaves a part of 1 images: allowed is a share that leaves at least 10 "
        "in each.",
    ),
]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [*MODELS, *UNKNOWN, *TYPES, *RANGES, *NETWORKS, *LABELS, *SHAPES, *GRIDS],
)
def test_one_sentence(change: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        build(resolve(variant(change)))
    assert str(refused.value) == sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("study: null", "study is"),
        ("report: null", "report is"),
        ("models: null", "models is"),
        ("models: {fnn: {axes: null}}", "models.fnn.axes is"),
        (fnn("depth: {values: null}"), f"{FNN}depth.values is"),
        (fnn("depth: {with: null}"), f"{FNN}depth.with is"),
        (
            fnn("depth: {parameter: hidden_layers, values: [2, null]}"),
            f"{FNN}depth.values (None).hidden_layers is",
        ),
    ],
)
def test_null_is_refused_where_it_drops_nothing(change: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        build(resolve(variant(change)))
    assert str(refused.value).startswith(key)
    assert "allowed is" in str(refused.value)


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1e999"])
def test_what_is_no_number_is_named(value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolve(variant(f"models: {{fnn: {{parameters: {{learning_rate: {value}}}}}}}"))
    assert "models.fnn.parameters.learning_rate" in str(refused.value)
    assert "finite" in str(refused.value)


@pytest.mark.parametrize("name", ["smoke\n", "default\n"])
def test_a_name_ends_where_its_line_ends(name: str) -> None:
    """Python's ``$`` also matches before a last newline; a folder must not end in one."""
    with pytest.raises(ConfigError, match=r"study\.name"):
        resolve(merge(variant("{}"), {"study": {"name": name}}))
    axes = {f"{name.strip()}\n": {"parameter": "width", "values": [64]}}
    with pytest.raises(ConfigError, match=r"models\.fnn\.axes"):
        resolve(merge(variant("{}"), {"models": {"fnn": {"axes": axes}}}))


def test_two_spellings_of_one_label_are_refused() -> None:
    """``5`` and ``'5'`` are two keys in YAML and one label here; none may vanish."""
    axes = "wide: {values: {5: {width: 64}, '5': {width: 5}}}"
    with pytest.raises(ConfigError, match="5"):
        build(resolve(variant(fnn(f"{axes}, other: {{values: {{base: {{}}}}}}"))))
    good = "wide: {reference: '5', values: {5: {width: 64}, '5': {width: 32}}}"
    with pytest.raises(ConfigError, match="5"):
        build(resolve(variant(fnn(good))))


@pytest.mark.parametrize("document", [[], None, "text", 3])
def test_what_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(ConfigError):
        resolve(document)


@pytest.mark.parametrize("missing", ["study", "models"])
def test_what_must_be_there(missing: str) -> None:
    document = {name: value for name, value in variant("{}").items() if name != missing}
    with pytest.raises(ConfigError, match=f"^{missing} is missing: it must be a mapping"):
        resolve(document)


def test_a_parameter_that_is_left_out_or_null_has_its_default() -> None:
    document = variant("models: {fnn: {parameters: {width: null}, recipe: {batch_size: null}}}")
    parameters = resolve(document)["models"]["fnn"]["parameters"]
    assert (parameters["width"], parameters["batch_size"]) == (64, 32)
