"""Tables and figures for a paper, and the whole study as an RO-Crate. Nothing of it is made unless it is asked for."""


rule export_tables:
    input:
        get_inputs,
    output:
        "results/store/export_tables/{key}/manifest.json",
    log:
        "logs/export_tables/{key}.log",
    message:
        "Export the tables ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation export_tables {wildcards.key} 2> {log}'


rule export_figures:
    input:
        get_inputs,
    output:
        "results/store/export_figures/{key}/manifest.json",
    log:
        "logs/export_figures/{key}.log",
    params:
        name=PLAN.name_of,
    message:
        "Export the figures of {params.name} ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation export_figures {wildcards.key} 2> {log}'


rule export_crate:
    input:
        get_inputs,
    output:
        "results/store/export_crate/{key}/manifest.json",
    log:
        "logs/export_crate/{key}.log",
    message:
        "Pack the study as an RO-Crate ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation export_crate {wildcards.key} 2> {log}'


localrules:
    show_export,
    show_crate,


rule show_export:
    input:
        lambda wildcards: get_shown(f"{PLAN.results}/export/{wildcards.part}"),
    output:
        directory(f"{PLAN.results}/export/{{part}}"),
    log:
        f"logs/show/{PLAN.study.name}/export/{{part}}.log",
    wildcard_constraints:
        part="tables|figures/[a-z]+",
    message:
        "Show {output}"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'


rule show_crate:
    input:
        lambda wildcards: get_shown(f"{PLAN.results}/export/ro-crate"),
    output:
        directory(f"{PLAN.results}/export/ro-crate"),
        f"{PLAN.results}/export/ro-crate.zip",
    log:
        f"logs/show/{PLAN.study.name}/ro-crate.log",
    message:
        "Show {output}"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} 2> {log}'


rule export:
    input:
        lambda wildcards: list(PLAN.export_copies),
