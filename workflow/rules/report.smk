"""The one file that a reader gets."""


use rule prepare as report with:
    output:
        "results/store/report/{key}/manifest.json",
    log:
        "logs/report/{key}.log",
    message:
        "Assemble the report ({wildcards.key})"


localrules:
    show_report,


rule show_report:
    input:
        lambda wildcards: get_shown(PLAN.report_file),
    output:
        report(
            PLAN.report_file,
            caption="../report/captions/report.rst",
            category="Report",
            labels={"study": PLAN.study.name},
        ),
    log:
        f"logs/show/{PLAN.study.name}/report.log",
    message:
        "Show {output}"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation show {input} {output} --source report.html 2> {log}'
