"""Infer: bundles, frames and groups -> partial canvases by shard -> one canvas per network.

in   data/phase_e/dose_{dose}/...  data/phase_c/dose_{dose}/patched_{split}.npz  data/phase_d/{view}/{view}_{split}.npz
out  data/inference/dose_{dose}/{view}/{split}/shard_{scatteritem}.npz, then {PtychoPINN,Baseline,Untrained}.npz
"""


rule infer:
    input:
        pinn=bundle_of(0),
        baseline=bundle_of(1),
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
    output:
        shard="data/inference/dose_{dose}/{view}/{split}/shard_{scatteritem}.npz",
    log:
        "logs/data/inference/dose_{dose}/{view}/{split}/shard_{scatteritem}.npz.log",
    benchmark:
        "benchmarks/data/inference/dose_{dose}/{view}/{split}/shard_{scatteritem}.npz.tsv"
    conda:
        "../envs/keras.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=1,
    params:
        code=code("infer"),
        settings=settings("infer"),
    shell:
        """
        python -m ptychostudy infer \
            --settings {params.settings:q} \
            --pinn {input.pinn:q} \
            --baseline {input.baseline:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --shard {wildcards.scatteritem} \
            --output {output.shard:q} \
            --label dose_{wildcards.dose}/{wildcards.view}/{wildcards.split} 2>&1 | tee {log:q}
        """


rule stitch:
    input:
        shards=gather.shards("data/inference/dose_{{dose}}/{{view}}/{{split}}/shard_{scatteritem}.npz"),
    output:
        pinn="data/inference/dose_{dose}/{view}/{split}/PtychoPINN.npz",
        baseline="data/inference/dose_{dose}/{view}/{split}/Baseline.npz",
        untrained="data/inference/dose_{dose}/{view}/{split}/Untrained.npz",
    log:
        "logs/data/inference/dose_{dose}/{view}/{split}/stitch.log",
    benchmark:
        "benchmarks/data/inference/dose_{dose}/{view}/{split}/stitch.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("stitch"),
    shell:
        """
        python -m ptychostudy stitch \
            --shards {input.shards:q} \
            --pinn {output.pinn:q} \
            --baseline {output.baseline:q} \
            --untrained {output.untrained:q} 2>&1 | tee {log:q}
        """
