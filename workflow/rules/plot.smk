"""Tables, statistics and figures of the whole study."""

from ablation.figures import figure_place
from ablation.study.plan import MANIFEST, TABLES


rule collect:
    input:
        get_inputs,
    output:
        "results/store/collect/{key}/manifest.json",
    log:
        "logs/collect/{key}.log",
    message:
        "Collect the tables and compare the cells ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation collect {wildcards.key} 2> {log}'


rule draws:
    input:
        get_inputs,
    output:
        "results/store/draws/{key}/manifest.json",
    log:
        "logs/draws/{key}.log",
    message:
        "Test the best networks on further draws ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation draws {wildcards.key} 2> {log}'


rule plot:
    input:
        get_inputs,
    output:
        "results/store/plot/{key}/manifest.json",
    log:
        "logs/plot/{key}.log",
    params:
        name=PLAN.name_of,
    message:
        "Draw the figures of {params.name} ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation plot {wildcards.key} 2> {log}'


rule portraits:
    input:
        get_inputs,
    output:
        "results/store/portraits/{key}/manifest.json",
    log:
        "logs/portraits/{key}.log",
    params:
        name=PLAN.name_of,
    message:
        "Look closer at the cells of {params.name} ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation portraits {wildcards.key} 2> {log}'


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
            labels={"table": "cells", "one row per": "cell and axis"},
        ),
        replicates=report(
            PLAN.table("replicates.csv"),
            caption="../report/captions/replicates.rst",
            category="Tables",
            labels={"table": "replicates", "one row per": "cell, axis and replicate"},
        ),
    log:
        f"logs/show/{PLAN.study.name}/tables.log",
    message:
        "Show the tables"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'


rule show_draws:
    input:
        lambda wildcards: get_shown(PLAN.table("draws.json")),
    output:
        PLAN.table("draws.json"),
    log:
        f"logs/show/{PLAN.study.name}/draws.log",
    message:
        "Show the further draws"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'


rule show_figures:
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
        model="[a-z]+",
    message:
        "Show the figures of {wildcards.model}"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'
