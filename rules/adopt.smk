"""Adopt: what other programs made of the frames (`arms.extra`) -> products like those of our arms.

in   the path that `arms.extra` names  data/phase_c/...  data/phase_d/...
out  data/foreign/dose_{dose}/{view}/{split}/{foreign}.npz
"""


rule adopt:
    input:
        source=foreign_file,
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
    output:
        product="data/foreign/dose_{dose}/{view}/{split}/{foreign}.npz",
    log:
        "logs/data/foreign/dose_{dose}/{view}/{split}/{foreign}.npz.log",
    benchmark:
        "benchmarks/data/foreign/dose_{dose}/{view}/{split}/{foreign}.npz.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("adopt"),
        settings=settings("adopt"),
        key=foreign_key,
    shell:
        """
        python -m ptychostudy adopt \
            --settings {params.settings:q} \
            --name {wildcards.foreign} \
            --source {input.source:q} \
            --key {params.key:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --output {output.product:q} 2>&1 | tee {log:q}
        """
