"""Simulate (phase C): object, probe, scan and dose -> frames of the training and the test part.

in   data/base/base.npz  data/base/reference.npz
out  data/phase_c/dose_{dose}/patched_{split}.npz
     data/phase_c/run_manifest.json  data/phase_d/metrics_bundle.json
"""


rule simulate:
    input:
        base="data/base/base.npz",
        reference="data/base/reference.npz",
    output:
        train="data/phase_c/dose_{dose}/patched_train.npz",
        test="data/phase_c/dose_{dose}/patched_test.npz",
    log:
        "logs/data/phase_c/dose_{dose}.log",
    benchmark:
        "benchmarks/data/phase_c/dose_{dose}.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("simulate"),
        settings=settings("simulate"),
    shell:
        """
        python -m ptychostudy simulate \
            --settings {params.settings:q} \
            --base {input.base:q} \
            --reference {input.reference:q} \
            --dose {wildcards.dose} \
            --train {output.train:q} \
            --test {output.test:q} 2>&1 | tee {log:q}
        """


rule manifest:
    input:
        scans=expand("data/phase_c/dose_{dose}/patched_{split}.npz", dose=DOSES, split=SPLITS),
        metrics=expand("data/phase_d/{view}/{split}_metrics.json", view=VIEWS, split=SPLITS),
    output:
        manifest="data/phase_c/run_manifest.json",
        bundle="data/phase_d/metrics_bundle.json",
    log:
        "logs/data/phase_c/run_manifest.json.log",
    benchmark:
        "benchmarks/data/phase_c/run_manifest.json.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("manifest"),
    shell:
        """
        python -m ptychostudy manifest \
            --scans {input.scans:q} \
            --metrics {input.metrics:q} \
            --manifest {output.manifest:q} \
            --bundle {output.bundle:q} 2>&1 | tee {log:q}
        """
