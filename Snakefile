"""Reproducible ablation studies: download → prepare → train → evaluate → collect → plot → report."""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


# A config.yaml in the working directory wins; in a folder of results alone, the one beside this file holds.
configfile: "config.yaml" if Path("config.yaml").is_file() else f"{workflow.basedir}/config.yaml"


container: "docker://hw1"


report: "workflow/report/captions/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"


rule all:
    default_target: True
    input:
        get_everything,
