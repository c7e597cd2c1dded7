"""Tables and figures for a paper, and the whole study as an RO-Crate. Nothing of it is made unless it is asked for."""


rule export_tables:
    input:
        study=lambda wildcards: get_export_tables_inputs(wildcards)[0],
        mark=lambda wildcards: get_export_tables_inputs(wildcards)[1],
    output:
        manifest=EXPORT.manifest(TABLES),
        folder=directory(EXPORT.path(TABLES)),
    log:
        f"logs/export/{STUDY.name}/tables.log",
    params:
        spec=key_of(EXPORT.tables_spec()),
    message:
        "Export the tables"
    shell:
        "python -m ablation export --mark {input.mark} --tables $(dirname {input.study})"
        " --output {output.folder} 2> {log}"


rule export_figures:
    input:
        study=lambda wildcards: get_export_figures_inputs(wildcards)[0],
        draws=lambda wildcards: get_export_figures_inputs(wildcards)[1],
        mark=lambda wildcards: get_export_figures_inputs(wildcards)[2],
    output:
        manifest=EXPORT.manifest("figures/{model}"),
        folder=directory(EXPORT.path("figures/{model}")),
    log:
        f"logs/export/{STUDY.name}/figures-{{model}}.log",
    wildcard_constraints:
        model=one_of(PARTS),
    params:
        spec=get_export_figures_spec,
    message:
        "Export the figures of {wildcards.model}"
    shell:
        "python -m ablation export --mark {input.mark} --tables $(dirname {input.study})"
        " --output {output.folder} 2> {log}"


rule export_crate:
    input:
        mark=lambda wildcards: get_crate_inputs(wildcards)[-1],
        study=lambda wildcards: get_crate_inputs(wildcards)[0],
        made=lambda wildcards: get_crate_inputs(wildcards)[1:-1],
    output:
        manifest=EXPORT.manifest(CRATE),
        folder=directory(EXPORT.path(CRATE)),
        archive=EXPORT.path(f"{CRATE}.zip"),
    log:
        f"logs/export/{STUDY.name}/ro-crate.log",
    params:
        spec=key_of(EXPORT.crate_spec()),
    message:
        "Pack the study as {output.archive}"
    shell:
        "python -m ablation export --mark {input.mark} --tables $(dirname {input.study})"
        " --output {output.folder} 2> {log}"


rule export:
    input:
        EXPORT.manifests,
