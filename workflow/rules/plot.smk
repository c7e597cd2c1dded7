"""Tables, statistics and figures of the whole study."""

from ablation.figures import figure_place
from ablation.study.plan import MANIFEST, TABLES


use rule prepare as collect with:
    output:
        "results/store/collect/{key}/manifest.json",
    log:
        "logs/collect/{key}.log",
    message:
        "Collect the tables and compare the configurations ({wildcards.key})"


use rule prepare as draws with:
    output:
        "results/store/draws/{key}/manifest.json",
    log:
        "logs/draws/{key}.log",
    message:
        "Test the best networks on further test sets ({wildcards.key})"


use rule prepare as plot with:
    output:
        "results/store/plot/{key}/manifest.json",
    log:
        "logs/plot/{key}.log",
    message:
        "Draw the figures of {params.name} ({wildcards.key})"


use rule prepare as portraits with:
    output:
        "results/store/portraits/{key}/manifest.json",
    log:
        "logs/portraits/{key}.log",
    message:
        "Look closer at the configurations of {params.name} ({wildcards.key})"


localrules:
    show_tables,
    show_draws,
    show_figures,


rule show_tables:
    input:
        lambda wildcards: get_shown(PLAN.table("study.json")),
    output:
        [
            PLAN.table(name)
            for name in (*TABLES, MANIFEST)
            if name not in ("cells.csv", "replicates.csv")
        ],
        cells=report(
            PLAN.table("cells.csv"),
            caption="../report/captions/cells.rst",
            category="Tables",
            labels={"table": "cells", "one row per": "configuration and factor"},
        ),
        replicates=report(
            PLAN.table("replicates.csv"),
            caption="../report/captions/replicates.rst",
            category="Tables",
            labels={
                "table": "replicates",
                "one row per": "configuration, factor and replicate",
            },
        ),
    log:
        f"logs/show/{PLAN.study.name}/tables.log",
    message:
        "Show the tables"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'


use rule show_tables as show_draws with:
    input:
        lambda wildcards: get_shown(PLAN.table("draws.json")),
    output:
        PLAN.table("draws.json"),
    log:
        f"logs/show/{PLAN.study.name}/draws.log",
    message:
        "Show the further test sets"


use rule show_tables as show_figures with:
    input:
        lambda wildcards: get_shown(f"{PLAN.results}/figures/{wildcards.model}"),
    output:
        report(
            directory(f"{PLAN.results}/figures/{{model}}"),
            patterns=["{name}.svg"],
            caption="../report/captions/figures.rst",
            category="Figures",
            subcategory="{model}",
            labels=lambda wildcards: figure_place(wildcards.model, wildcards.name),
        ),
    log:
        f"logs/show/{PLAN.study.name}/figures-{{model}}.log",
    wildcard_constraints:
        model="[a-z][a-z0-9_]*",
    message:
        "Show the figures of {wildcards.model}"
