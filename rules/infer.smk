"""Infer: bundle, frames, groups -> patches by shard -> brought to one phase, a canvas per arm.

in   data/phase_e/dose_{dose}/  data/phase_c/dose_{dose}/patched_{split}.npz  data/phase_d/{view}/
out  data/inference/dose_{dose}/{view}/{split}/{network}/shard_{scatteritem}.npz, then {arm}.npz

The untrained control has PtychoPINN's form and comes with it.
"""


rule infer:
    input:
        bundle=bundle,
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
        estimate=estimate,
    output:
        shard="data/inference/dose_{dose}/{view}/{split}/{network}/shard_{scatteritem}.npz",
        speed="data/inference/dose_{dose}/{view}/{split}/{network}/shard_{scatteritem}_speed.json",
    log:
        "logs/data/inference/dose_{dose}/{view}/{split}/{network}/shard_{scatteritem}.npz.log",
    benchmark:
        "benchmarks/data/inference/dose_{dose}/{view}/{split}/{network}/shard_{scatteritem}.npz.tsv"
    conda:
        infer_environment()
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=infer_gpus,
        # As memory, it changes no result: not among the params, which make files stale.
        batch_size=STUDY.infer.batch_size,
    params:
        code=code("infer"),
        settings=settings("infer"),
    shell:
        """
        python -m ptychostudy infer \
            --threads {threads} \
            --settings {params.settings:q} \
            --arm {wildcards.network} \
            --bundle {input.bundle:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --estimate {input.estimate:q} \
            --shard {wildcards.scatteritem} \
            --batch-size {resources.batch_size} \
            --output {output.shard:q} \
            --speed {output.speed:q} \
            --label dose_{wildcards.dose}/{wildcards.view}/{wildcards.split} 2>&1 | tee {log:q}
        """


rule stitch:
    input:
        shards=of_shards(layout.SHARD),
        speeds=of_shards(layout.SHARD_SPEED),
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
    output:
        canvas="data/inference/dose_{dose}/{view}/{split}/{arm}.npz",
        speed="data/inference/dose_{dose}/{view}/{split}/{arm}_speed.json",
    log:
        "logs/data/inference/dose_{dose}/{view}/{split}/{arm}.npz.log",
    benchmark:
        "benchmarks/data/inference/dose_{dose}/{view}/{split}/{arm}.npz.tsv"
    wildcard_constraints:
        arm="|".join([*STUDY.train.networks, names.UNTRAINED]),
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("stitch"),
        settings=settings("stitch"),
    shell:
        """
        python -m ptychostudy stitch \
            --settings {params.settings:q} \
            --arm {wildcards.arm} \
            --shards {input.shards:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --output {output.canvas:q} \
            --speeds {input.speeds:q} \
            --speed {output.speed:q} 2>&1 | tee {log:q}
        """
