"""FeedForward: frames and groups -> PtychoPINN of each view in its published form (`train.feed_forward`).

in   data/phase_c/dose_{dose}/patched_train.npz  data/phase_d/{view}/{view}_train.npz
out  data/phase_e/dose_{dose}/{view}/feed_forward_gs{gridsize}/{wts.h5.zip,history.csv,training.json}
"""


rule train_feed_forward:
    input:
        scan=training_scans,
        view="data/phase_d/{view}/{view}_train.npz",
    output:
        bundle="data/phase_e/dose_{dose}/{view}/feed_forward_gs{gridsize}/wts.h5.zip",
        history="data/phase_e/dose_{dose}/{view}/feed_forward_gs{gridsize}/history.csv",
        record="data/phase_e/dose_{dose}/{view}/feed_forward_gs{gridsize}/training.json",
    log:
        "logs/data/phase_e/dose_{dose}/{view}/feed_forward_gs{gridsize}/wts.h5.zip.log",
    benchmark:
        "benchmarks/data/phase_e/dose_{dose}/{view}/feed_forward_gs{gridsize}/wts.h5.zip.tsv"
    wildcard_constraints:
        dose=r"[0-9]+|all",
    conda:
        environment(backend_of(STUDY.train.feed_forward))
    resources:
        mem_mb=memory(4000),
        runtime=minutes(480),
        gpu=1,
    params:
        code=code("train"),
        settings=settings("train_feed_forward"),
    shell:
        """
        python -m ptychostudy train \
            --threads {threads} \
            --arm FeedForward \
            --settings {params.settings:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --bundle {output.bundle:q} \
            --history {output.history:q} \
            --record {output.record:q} \
            --label dose_{wildcards.dose}/{wildcards.view} 2>&1 | tee {log:q}
        """
