"""The one file that a reader gets."""


rule report:
    input:
        mark=lambda wildcards: get_report_inputs(wildcards)[-1],
        study=lambda wildcards: get_report_inputs(wildcards)[0],
        figures=lambda wildcards: get_shown(wildcards, PLAN.figures_manifest),
        portraits=lambda wildcards: get_shown(wildcards, PLAN.portraits),
    output:
        html=report(
            PLAN.report,
            caption="../report/captions/report.rst",
            category="Report",
            labels={"study": STUDY.name},
        ),
    log:
        f"logs/report/{STUDY.name}.log",
    params:
        spec=key_of(PLAN.report_spec),
    message:
        "Assemble {output.html}"
    shell:
        "python -m ablation report --mark {input.mark} --tables $(dirname {input.study})"
        " --figures $(dirname {input.figures[0]}) --portraits $(dirname {input.portraits[0]})"
        " --output {output.html} 2> {log}"
