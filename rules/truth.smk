"""Truth: the object of simulated frames, which arms are scored against; no solver has a part in it.

in   data/base/base.npz
out  data/base/reference.npz
"""


rule truth:
    input:
        base="data/base/base.npz",
    output:
        truth="data/base/reference.npz",
    log:
        "logs/data/base/reference.npz.log",
    benchmark:
        "benchmarks/data/base/reference.npz.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("truth"),
    shell:
        """
        python -m ptychostudy truth \
            --base {input.base:q} \
            --output {output.truth:q} 2>&1 | tee {log:q}
        """
