"""What of a study is there, what is to be made, and how what is there becomes fit to be built upon.

Existence is freshness: a stage whose entry is there is never made again, and asks for nothing. Before a real run, failed
entries are forgotten, damaged ones that the run would read are set aside, and readable copies follow their entries.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from ablation.store.copies import Copy
from ablation.store.download import is_pinned
from ablation.store.entries import SPECS, STORE, Entry, StoreError, find, spec_path, write_spec
from ablation.store.files import set_aside
from ablation.study.plan import EXPORTS, Plan
from ablation.study.progress import write_names
from ablation.study.stage import Stage

Say = Callable[[str], None]


def _raise(sentence: str) -> NoReturn:
    raise StoreError(sentence)


class Shelf:
    """The entries of a plan as they are on disk; each manifest is read once.

    Args:
        plan: the plan.
        refuse: ends the run with one sentence.
    """

    def __init__(self, plan: Plan, refuse: Callable[[str], NoReturn] = _raise) -> None:
        self.plan, self.refuse = plan, refuse
        self.stages = plan.main_stages  # by key; with the exports once one is asked for
        self._found: dict[str, Entry | None] = {}
        self._begun = False  # whether jobs may run
        self._real = False  # whether this run may change anything
        self._specified: set[str] = set()  # whose specification this process has put in its place

    def stage(self, key: str) -> Stage:
        stage = self.plan.stage(key)
        if stage is None:
            self.refuse(f"{key} is no key of study {self.plan.study.name}.")
        return stage

    def entry(self, key: str) -> Entry | None:
        """The entry of a stage, or None if it is missing."""
        if key not in self._found:
            self._found[key] = find(self.stage(key).folder)
        return self._found[key]

    def _has_failed(self, key: str) -> bool:
        entry = self.entry(key)
        return entry is not None and bool(entry.failures)

    def failed(self) -> list[str]:
        """The keys of the entries that failed, or that were made of what failed."""
        return list(filter(self._has_failed, self.stages))

    def failed_cells(self) -> list[str]:
        """The names of the study's cells whose training or evaluation failed."""
        evaluated = self.plan.evaluated
        return [
            cell.name
            for cell in self.plan.study.cells
            if self._has_failed(cell.key) or self._has_failed(evaluated[cell.key].key)
        ]

    def to_make(self, stages: Iterable[Stage], again: frozenset[str] = frozenset()) -> list[Stage]:
        """The stages that are missing, of those wanted and of what they are made from.

        Args:
            stages: what is asked for.
            again: keys that count as missing.
        """
        missing: dict[str, Stage] = {}
        waiting = list(stages)
        while waiting:
            stage = waiting.pop()
            if stage.key in missing or (stage.key not in again and self.entry(stage.key)):
                continue
            missing[stage.key] = stage
            waiting += map(self.stage, stage.inputs)
        return [stage for key, stage in self.stages.items() if key in missing]

    def stale(self, copies: Mapping[str, Copy]) -> list[str]:
        """The readable copies that are missing or differ, of entries that are there."""
        return [
            target
            for target, copy in copies.items()
            if (entry := self.entry(copy.key)) is not None and not copy.is_current(entry)
        ]

    def outdated(self, copies: Mapping[str, Copy]) -> list[str]:
        """The readable copies of entries that are still to be made: they show something else."""
        return [t for t, copy in copies.items() if not self.entry(copy.key) and Path(t).exists()]

    def incomplete(self) -> list[Stage]:
        """The stages whose manifest is there but cannot be read, or names a file that is not there."""
        return [
            s for key, s in self.stages.items() if not self.entry(key) and Path(s.manifest).exists()
        ]

    def begin(self, targets: Iterable[str], say: Say, *, real: bool) -> list[str]:
        """What happens once, before Snakemake looks at a file.

        Args:
            targets: what Snakemake is asked for.
            say: is told what is damaged, or what a dry run does not show.
            real: whether this run may change anything.

        Returns:
            The files that are there and are still to be made: copies that show something else, manifests of what is damaged.
        """
        self._begun, self._real = True, real
        stages, copies = self.plan.asked_for(targets), self.plan.copies
        if any(stage.name in EXPORTS for stage in stages):
            self.stages, copies = self.plan.stages, {**copies, **self.plan.export_copies}
        if real:
            self._forget(self.failed())
            for stage in self.incomplete():
                self._set_aside(stage.key, say)
            self._refresh(copies, say)
            self._restore_specs(stages)
            self._check_inputs(stages, say)
            write_names(self.plan)
        elif note := self._note(copies):
            say(note)
        return [*self.outdated(copies), *(stage.manifest for stage in self.incomplete())]

    def take_up(self, keys: Iterable[str]) -> set[str]:
        """For a job of some stages that was cut off and is tried again: forget what had failed in it.

        Returns:
            The manifests of what it had finished.
        """
        stages = {key: self.stage(key) for key in keys}
        self._forget([key for key in stages if self._has_failed(key)])
        return {stage.manifest for key, stage in stages.items() if self.entry(key)}

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            shutil.rmtree(self.stage(key).folder)
            self._found[key] = None

    def _note(self, copies: Mapping[str, Copy]) -> str:
        """What a real run would do beside the jobs that a dry run lists, in one line; empty if nothing."""
        failed, stale = self.failed_cells(), self.stale(copies)
        parts = [f"try again {', '.join(failed)}, which failed"] if failed else []
        parts += [f"copy from the store {', '.join(stale)}"] if stale else []
        return f"A real run would also {'; and '.join(parts)}." if parts else ""

    def inputs(self, key: str, everything: bool = False) -> list[str]:
        """The files that a stage is made from; none for one that is there. Its specification is put in its place.

        Args:
            key: of the stage.
            everything: whether to name them also for one that is there.
        """
        stage = self.stage(key)
        if self.entry(key) and not everything:
            return []
        made_from = list(map(self.stage, stage.inputs))
        for described in (stage, *made_from, *map(self.stage, stage.cells)):
            self._write_spec(
                described
            )  # a job may read those of its inputs, or of what it checks, too
        return [*(source.manifest for source in made_from), *stage.raw]

    def _restore_specs(self, stages: Iterable[Stage]) -> None:
        """Write the specifications that are gone of entries that are there."""
        known = set(os.listdir(SPECS)) if SPECS.exists() else set()
        for stage in stages:
            if self.entry(stage.key) and spec_path(stage.key).name not in known:
                self._write_spec(stage)

    def _write_spec(self, stage: Stage) -> None:
        """Put a specification in its place, in a process once."""
        if stage.key in self._specified:
            return
        try:
            write_spec(stage.spec)
        except OSError as error:
            self.refuse(
                f"{spec_path(stage.key)} is missing and cannot be written: {error.strerror}."
            )
        self._specified.add(stage.key)

    def everything(self) -> list[str]:
        """The files of a run without a target: what people read, and the entries behind it.

        Where jobs may run, the copies of the cells are left to :meth:`show`: one job for each would cost more than it does.
        """
        cells = {self.plan.view(cell) for cell in self.plan.study.cells} if self._begun else set()
        copies = [target for target in self.plan.copies if target not in cells]
        return [*copies, *(stage.manifest for stage in self.plan.default_stages)]

    def show(self, say: Say) -> None:
        """After the last job of a real run, bring every readable copy of an entry that is there up to date."""
        if self._real:
            self._found.clear()
            self._refresh(self.plan.copies, say)

    def manifest_behind(self, target: str) -> str:
        """The manifest of the entry that a readable file shows; one that the study does not declare is refused."""
        copy = self.plan.copies.get(target) or self.plan.export_copies.get(target)
        if copy is None:
            self.refuse(self.plan.undeclared(target))
        return self.stage(copy.key).manifest

    def require_writable(self) -> None:
        """Refuse a run in a folder that this user cannot write to, or whose folders for entries and logs are another's."""
        tops = [Path(top) for top in (".snakemake", "logs", str(STORE))]
        below = [path for top in tops for path in sorted(top.glob("[!.]*"))]
        for folder in (Path(), self.plan.results, *tops, *below):
            if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
                where = os.path.abspath(folder)
                self.refuse(
                    f"{where} cannot be written by this user: a run needs a folder of its own."
                )

    def _refresh(self, copies: Mapping[str, Copy], say: Say) -> None:
        for target in self.stale(copies):
            key = copies[target].key
            try:
                if entry := self.entry(key):
                    copies[target].refresh(entry)
            except StoreError:
                self._set_aside(key, say)

    def _check_inputs(self, stages: Iterable[Stage], say: Say) -> None:
        """Read what the missing stages will read; what is damaged becomes missing, and its own inputs are read."""
        sound: set[str] = set()
        damaged = True
        while damaged:
            missing = self.to_make(stages)
            made_from = dict.fromkeys(key for stage in missing for key in stage.inputs)
            entries = [e for key in made_from if key not in sound and (e := self.entry(key))]
            damaged = False
            for entry in entries:
                sound.add(entry.key)
                if entry.damaged():
                    self._set_aside(entry.key, say)
                    damaged = True
        for stage in missing:
            for name, expected in stage.raw.items():
                self._check_raw(name, expected, say)
            _date_back([*stage.raw, *(self.stage(key).manifest for key in stage.inputs)])

    def _check_raw(self, name: str, expected: str, say: Say) -> None:
        """Set aside a fetched file that is damaged; a file of the user's own is never touched."""
        path, is_downloaded = Path(name), self.plan.source_behind(name)["from"] is None
        if not path.exists():
            if is_downloaded:
                self.refuse(f"{path} is missing: the data file pins it in FILES.")
        elif path.is_file() and not is_pinned(
            path, expected, self.plan.source_behind(name)["repacked"]
        ):
            if is_downloaded:
                self.refuse(
                    f"{path} is not the file that the data file pins in FILES: its SHA-256 must be {expected}."
                )
            set_aside(path)
            say(f"{path} is damaged: it is set aside and fetched again.")

    def _set_aside(self, key: str, say: Say) -> None:
        entry, folder = self.entry(key), self.stage(key).folder
        files = ", ".join(entry.damaged()) if entry else "manifest.json"
        set_aside(folder)
        self._found[key] = None
        say(f"{folder} is damaged ({files}): it is set aside and made again.")


def _date_back(paths: Iterable[str]) -> None:
    """Date files of tomorrow back to now: Snakemake refuses outputs that are older than an input."""
    now = time.time()
    for path in paths:
        try:
            if os.stat(path).st_mtime > now:
                os.utime(path)
        except FileNotFoundError:
            continue
