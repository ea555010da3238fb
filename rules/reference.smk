"""Reference: the full-dose reconstruction of measured frames, against which the arms are scored.

in   data/base/base.npz
out  data/base/reference.npz
"""


rule reference:
    input:
        base="data/base/base.npz",
    output:
        reference="data/base/reference.npz",
    log:
        "logs/data/base/reference.npz.log",
    benchmark:
        "benchmarks/data/base/reference.npz.tsv"
    conda:
        "../envs/ptychi.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=1,
    params:
        code=code("reference"),
        settings=settings("reference"),
    shell:
        """
        python -m ptychostudy reference \
            --settings {params.settings:q} \
            --base {input.base:q} \
            --output {output.reference:q} 2>&1 | tee {log:q}
        """
