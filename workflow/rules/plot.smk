"""Tables, statistics and figures of the whole study."""


rule collect:
    input:
        mark=lambda wildcards: get_collect_inputs(wildcards)[-1],
        cells=lambda wildcards: get_collect_inputs(wildcards)[:-1],
    output:
        study=PLAN.table("study.json"),
        comparisons=PLAN.table("comparisons.json"),
        cells=PLAN.table("cells.csv"),
        replicates=PLAN.table("replicates.csv"),
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


rule plot:
    input:
        study=lambda wildcards: get_plot_inputs(wildcards)[0],
        mark=lambda wildcards: get_plot_inputs(wildcards)[1],
    output:
        manifest=f"{PLAN.results}/figures/{{model}}.json",
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
