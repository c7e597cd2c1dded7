"""Reproducible ablation studies: download → prepare → train → evaluate → collect → plot → report."""

from snakemake.utils import min_version

min_version("9.27")


container: "docker://hw1"


report: "workflow/report/captions/workflow.rst"


include: "workflow/rules/common.smk"


# Snakemake tells of it; the plan has read it with the project's own reader.
configfile: own_file()


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"


rule all:
    default_target: True
    input:
        lambda wildcards: begin() or SHELF.everything(),


onsuccess:
    SHELF.show(tell)


onerror:
    SHELF.show(tell)
