"""Testing, and the readable target of each cell."""


rule evaluate:
    input:
        status=lambda wildcards: get_evaluation_inputs(wildcards)[0],
        mark=lambda wildcards: get_evaluation_inputs(wildcards)[1],
        train=lambda wildcards: get_tested_parts(wildcards)[0],
        test=lambda wildcards: get_tested_parts(wildcards)[1],
    output:
        metrics="results/store/{model}/{key}/eval-{digest}/metrics.json",
    log:
        "logs/evaluate/{model}-{key}-{digest}.log",
    wildcard_constraints:
        model=one_of(PARTS),
        key=one_of(STUDY.by_key),
        digest="[0-9a-f]{16}",
    params:
        spec=get_evaluation_spec,
    message:
        "Evaluate {wildcards.model} {wildcards.key}"
    shell:
        "python -m ablation evaluate --spec {params.spec:q} --entry $(dirname {input.status})"
        " --train {input.train} --test {input.test} --output {output.metrics} 2> {log} ||"
        " python -m ablation fail --status $? --fingerprint {wildcards.digest}"
        " --log {log} --output {output.metrics}"


rule view:
    input:
        metrics=lambda wildcards: get_view_inputs(wildcards)[0],
        mark=lambda wildcards: get_view_inputs(wildcards)[1],
    output:
        view=report(
            f"{PLAN.results}/{{cell}}/metrics.json",
            caption="../report/captions/cell.rst",
            category="Cells",
            subcategory=lambda wildcards: STUDY.by_name[wildcards.cell].model,
            labels=lambda wildcards: {
                "axis": STUDY.by_name[wildcards.cell].axis,
                "value": STUDY.by_name[wildcards.cell].label,
            },
        ),
    log:
        f"logs/view/{STUDY.name}/{{cell}}.log",
    wildcard_constraints:
        cell=one_of(STUDY.by_name),
    params:
        spec=get_view_spec,
    message:
        "Show {wildcards.cell}"
    shell:
        "python -m ablation view --spec {params.spec:q} --entry $(dirname {input.metrics})/.."
        " --metrics {input.metrics} --output {output.view} 2> {log}"


# A path that looks like a cell and is none: say which cells there are.
rule undeclared:
    input:
        refuse_undeclared,
    output:
        "results/{undeclared}/metrics.json",
    wildcard_constraints:
        undeclared=f"(?!store/)(?!({one_of(PLAN.view_names)})/metrics).+",
