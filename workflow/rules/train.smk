"""Training: one job per cell, its replicates in groups, as many groups side by side as the job has threads."""


use rule prepare as check with:
    output:
        "results/store/check/{key}/manifest.json",
    log:
        "logs/check/{key}.log",
    message:
        "Check the networks of {params.name} ({wildcards.key})"


# Exits 0 whatever happens, as preparing its data and testing it do.
rule train:
    input:
        get_inputs,
    output:
        "results/store/train/{key}/manifest.json",
    log:
        "logs/train/{key}.log",
    priority: lambda wildcards: REQUESTS.priority(wildcards.key)
    threads: get_threads
    resources:
        gpu=int(resolves_to_cuda(PLAN.device)),  # so that --resources gpu=1 never holds up a CPU
        mem_mb=asks_for(REQUESTS.memory),
        runtime=asks_for(REQUESTS.time),
    params:
        name=PLAN.name_of,
        evaluation=lambda wildcards: PLAN.evaluated[wildcards.key].key,
    message:
        "Train {params.name} {wildcards.key} (follow it with: tail -f {log})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation train {wildcards.key} --threads {threads}'
        " --evaluation {params.evaluation} 2> {log} ||"
        ' "$ABLATION_PYTHON" -P -m ablation fail train {wildcards.key} $? {log}'
