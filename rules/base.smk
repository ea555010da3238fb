"""Base: object, probe and scan positions. What arms are scored against: truth.smk, reference.smk.

in   config, or the user's NPZ/HDF5, or a published scan from the package index
out  data/base/base.npz  data/base/reference.npz
"""


# Nodes of a cluster often have no network.
rule fetch:
    output:
        scan="data/base/siemens_star.npz",
    log:
        "logs/data/base/siemens_star.npz.log",
    benchmark:
        "benchmarks/data/base/siemens_star.npz.tsv"
    localrule: True
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("fetch"),
        settings=settings("fetch"),
    shell:
        """
        python -m ptychostudy fetch \
            --settings {params.settings:q} \
            --output {output.scan:q} 2>&1 | tee {log:q}
        """


rule base:
    input:
        source=base_source,
        mask=STUDY.base.npz.mask or [],
        pictures=sources.named_pictures(STUDY.base),
    output:
        base="data/base/base.npz",
    log:
        "logs/data/base/base.npz.log",
    benchmark:
        "benchmarks/data/base/base.npz.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(20),
    params:
        code=code("base"),
        settings=settings("base"),
    shell:
        """
        python -m ptychostudy base \
            --settings {params.settings:q} \
            --source {input.source:q} \
            --mask {input.mask:q} \
            --pictures {input.pictures:q} \
            --output {output.base:q} 2>&1 | tee {log:q}
        """


include: "truth.smk" if STUDY.base.frames == "simulate" else "reference.smk"
