"""Overlap (phase D): positions -> frames and groups of a view, its overlap metrics. Reads no frame.

in   data/base/base.npz  data/base/reference.npz
out  data/phase_d/{view}/{view}_{split}.npz  data/phase_d/{view}/{split}_metrics.json
"""


rule overlap:
    input:
        base="data/base/base.npz",
        reference="data/base/reference.npz",
    output:
        view="data/phase_d/{view}/{view}_{split}.npz",
        metrics="data/phase_d/{view}/{split}_metrics.json",
    log:
        "logs/data/phase_d/{view}/{view}_{split}.npz.log",
    benchmark:
        "benchmarks/data/phase_d/{view}/{view}_{split}.npz.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("overlap"),
        settings=settings("overlap"),
    shell:
        """
        python -m ptychostudy overlap \
            --settings {params.settings:q} \
            --base {input.base:q} \
            --reference {input.reference:q} \
            --view {wildcards.view} \
            --split {wildcards.split} \
            --output {output.view:q} \
            --metrics {output.metrics:q} 2>&1 | tee {log:q}
        """
