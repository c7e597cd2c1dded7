"""Tables, statistics and figures of the whole study."""


rule collect:
    input:
        mark=lambda wildcards: get_collect_inputs(wildcards)[-1],
        cells=lambda wildcards: get_collect_inputs(wildcards)[:-1],
    output:
        study=PLAN.table("study.json"),
        comparisons=PLAN.table("comparisons.json"),
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
        epochs=PLAN.table("epochs.csv"),
    log:
        f"logs/collect/{STUDY.name}.log",
    params:
        spec=key_of(PLAN.collect_spec),
    message:
        "Collect the tables and compare the cells"
    shell:
        "python -m ablation collect --mark {input.mark} --output $(dirname {output.study})"
        " 2> {log}"


rule draws:
    input:
        mark=lambda wildcards: get_draws_inputs(wildcards)[-1],
        study=lambda wildcards: get_draws_inputs(wildcards)[0],
        data=lambda wildcards: get_draws_inputs(wildcards)[1:-1],
    output:
        draws=PLAN.table("draws.json"),
    log:
        f"logs/draws/{STUDY.name}.log",
    params:
        spec=key_of(PLAN.draws_spec),
    message:
        "Test the best networks on further draws"
    shell:
        "python -m ablation draws --mark {input.mark} --tables $(dirname {input.study})"
        " --output {output.draws} 2> {log}"


rule plot:
    input:
        study=lambda wildcards: get_plot_inputs(wildcards)[0],
        draws=lambda wildcards: get_plot_inputs(wildcards)[1],
        mark=lambda wildcards: get_plot_inputs(wildcards)[2],
    output:
        manifest=f"{PLAN.results}/figures/{{model}}.json",
        figures=report(
            directory(f"{PLAN.results}/figures/{{model}}"),
            patterns=["{name}.svg"],
            caption="../report/captions/figures.rst",
            category="Figures",
            subcategory="{model}",
            labels=lambda wildcards: figure_place(wildcards.model, wildcards.name),
        ),
    log:
        f"logs/plot/{STUDY.name}/{{model}}.log",
    wildcard_constraints:
        model=one_of(PARTS),
    params:
        spec=get_plot_spec,
    message:
        "Draw the figures of {wildcards.model}"
    shell:
        "python -m ablation plot --mark {input.mark} --tables $(dirname {input.study})"
        " --output $(dirname {output.manifest}) 2> {log}"


rule portraits:
    input:
        mark=lambda wildcards: get_portraits_inputs(wildcards)[-1],
        study=lambda wildcards: get_portraits_inputs(wildcards)[0],
        data=lambda wildcards: get_portraits_inputs(wildcards)[1:-1],
    output:
        document=f"{PLAN.results}/portraits/{{model}}.json",
    log:
        f"logs/portraits/{STUDY.name}/{{model}}.log",
    wildcard_constraints:
        model=one_of(PARTS),
    params:
        spec=get_portraits_spec,
    message:
        "Look closer at the cells of {wildcards.model}"
    shell:
        "python -m ablation portraits --mark {input.mark} --tables $(dirname {input.study})"
        " --output {output.document} 2> {log}"
