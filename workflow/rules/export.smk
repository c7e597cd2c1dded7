"""Tables and figures for a paper, and the whole study as an RO-Crate. Nothing of it is made unless it is asked for."""


use rule prepare as export_tables with:
    output:
        "results/store/export_tables/{key}/manifest.json",
    log:
        "logs/export_tables/{key}.log",
    message:
        "Export the tables ({wildcards.key})"


use rule prepare as export_figures with:
    output:
        "results/store/export_figures/{key}/manifest.json",
    log:
        "logs/export_figures/{key}.log",
    message:
        "Export the figures of {params.name} ({wildcards.key})"


use rule prepare as export_crate with:
    output:
        "results/store/export_crate/{key}/manifest.json",
    log:
        "logs/export_crate/{key}.log",
    message:
        "Pack the study as an RO-Crate ({wildcards.key})"


localrules:
    show_export,
    show_crate,


use rule show_tables as show_export with:
    input:
        lambda wildcards: get_shown(f"{PLAN.results}/export/{wildcards.part}"),
    output:
        directory(f"{PLAN.results}/export/{{part}}"),
    log:
        f"logs/show/{PLAN.study.name}/export/{{part}}.log",
    wildcard_constraints:
        part="tables|figures/[a-z][a-z0-9_]*",
    message:
        "Show {output}"


use rule show_tables as show_crate with:
    input:
        lambda wildcards: get_shown(f"{PLAN.results}/export/ro-crate"),
    output:
        directory(f"{PLAN.results}/export/ro-crate"),
        f"{PLAN.results}/export/ro-crate.zip",
    log:
        f"logs/show/{PLAN.study.name}/ro-crate.log",
    message:
        "Show {output}"


rule export:
    input:
        lambda wildcards: list(PLAN.export_copies),
