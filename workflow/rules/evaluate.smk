"""Testing, and the readable target of each cell."""


rule evaluate:
    input:
        get_inputs,
    output:
        "results/store/evaluate/{key}/manifest.json",
    log:
        "logs/evaluate/{key}.log",
    priority: 2
    params:
        name=PLAN.name_of,
    message:
        "Evaluate {params.name} ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation evaluate {wildcards.key} 2> {log} ||'
        ' "$ABLATION_PYTHON" -P -m ablation fail evaluate {wildcards.key} $? {log}'


localrules:
    show_cell,


# A path that looks like a cell and is none is refused by its input function.
rule show_cell:
    input:
        lambda wildcards: get_shown(f"results/{wildcards.cell}/metrics.json"),
    output:
        report(
            "results/{cell}/metrics.json",
            caption="../report/captions/cell.rst",
            category="Configurations",
            subcategory=lambda wildcards: PLAN.place(wildcards.cell).model,
            labels=lambda wildcards: {
                "factor": PLAN.place(wildcards.cell).axis,
                "level": PLAN.place(wildcards.cell).label,
            },
        ),
    log:
        "logs/show/{cell}.log",
    wildcard_constraints:
        cell="(?!store/).+",
    message:
        "Show {wildcards.cell}"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'
