"""Training: one job per cell, all its replicates in one stacked network."""


# Exits 0 whatever happens, so that the report is built without a failed cell and names it; the failure is in status.json
# and is tried again by the next run.
rule train:
    input:
        mark=get_train_mark,
        data=get_train_part,
    output:
        status="results/store/{model}/{key}/status.json",
    log:
        "logs/train/{model}-{key}.log",
    wildcard_constraints:
        model=one_of(PARTS),
        key=one_of(STUDY.by_key),
    threads: STUDY.config["compute"]["threads"]
    resources:
        gpu=get_gpus,
    params:
        spec=get_train_spec,
    message:
        "Train {wildcards.model} {wildcards.key} (follow it with: tail -f {log})"
    shell:
        "python -m ablation train --spec {params.spec:q} --data {input.data}"
        " --output {output.status} 2> {log} ||"
        " python -m ablation fail --status $? --fingerprint {wildcards.key}"
        " --log {log} --output {output.status}"
