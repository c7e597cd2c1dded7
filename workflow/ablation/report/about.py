"""What was run, in sentences: the network, its data, how it was trained."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.words import Words, chosen
from ablation.store.document import ModelDocument

LISTED = 30  # classes whose names are listed; of more only their number is said


def what_view(model: ModelDocument, words: Words) -> list[str]:
    """Paragraphs on a model: what the network is, what it predicts and how it was trained, and on what data."""
    about = words.declared("about")  # a paragraph of its own, as it may be of another language
    sentences = words.sentences([*_predicted(model, words), *_trained(model, words)])
    data = _data(model, words)
    if "fixed_test_set" in model.data:
        data.append(_scope(model, words))
    return [*([about] if about else []), sentences, *([words.sentences(data)] if data else [])]


def _scope(model: ModelDocument, words: Words) -> str:
    """What the conclusions are about."""
    key = "model.scope_fixed" if model.fixed_test_set else "model.scope_data"
    return words(key, dataset=words.dataset)


def data_notes(model: ModelDocument, words: Words) -> list[str]:
    """What a reader must know of the data, as their file says it."""
    notes = (chosen(note, words.language) for note in model.words.get("notes", ()))
    return [note for note in notes if note]


def _predicted(model: ModelDocument, words: Words) -> list[str]:
    if model.task == "regression":
        target = words.declared("target")
        return [words("model.target", target=words.in_unit(target, "mae"))] if target else []
    n, numbered = len(model.classes), list(map(str, range(len(model.classes))))
    if n > LISTED or model.classes in (numbered, []):
        return [words("model.classes", n=fmt.count(n))]
    return [words("model.named_classes", n=n, names=words.join(model.classes))]


def _trained(model: ModelDocument, words: Words) -> list[str]:
    """How networks were trained, as far as the recipe of the baseline says it."""
    recipe: dict[str, Any] = model.parameters
    sentences = [words(f"model.trained_{model.task}")]
    if "optimizer" in recipe:
        sentences.append(words("model.optimizer", optimizer=words.value(recipe["optimizer"])))
    if recipe.get("schedule") == "plateau":
        factor, patience = (
            words.plain(recipe.get(f"lr_{setting}")) for setting in ("factor", "patience")
        )
        sentences.append(words("model.schedule_plateau", factor=factor, patience=patience))
    elif recipe.get("schedule") == "constant":
        sentences.append(words("model.schedule_constant"))
    return sentences


def _data(model: ModelDocument, words: Words) -> list[str]:
    data = model.data
    if "n_train" not in data:  # every cell failed, and nothing was learnt of the data
        return []
    numbers = {name: fmt.counts(data[name]) for name in ("n_train", "n_validation", "n_test")}
    source = words.declared("source")
    dataset = (
        words("model.source", dataset=words.dataset, source=source) if source else words.dataset
    )
    fate = "model.fixed_test" if model.fixed_test_set else "model.resampled"
    return [words("model.data", dataset=dataset, **numbers), words(fate, n=model.replicates)]
