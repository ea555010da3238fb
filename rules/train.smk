"""Train (phase E): frames and groups -> PtychoPINN of each view, the Baseline of each dose.

in   data/phase_c/dose_{dose}/patched_train.npz  data/phase_d/{view}/{view}_train.npz
     data/phase_f/dose_{dose}/{view}/train/tv.npz  what networks of canvases need not make anew
out  data/phase_e/dose_{dose}/{view}/gs{gridsize}/{wts.h5.zip,history.csv,training.json}
     data/phase_e/dose_{dose}/baseline/gs1/...  the same of the Baseline

With train.doses: all there is one dose, dose_all, which reads the frames of every dose.
"""

if STUDY.train.more:

    include: "feed_forward.smk"


rule train_pinn:
    input:
        scan=training_scans,
        view="data/phase_d/{view}/{view}_train.npz",
        estimates=training_estimates(names.PINN),
    output:
        bundle="data/phase_e/dose_{dose}/{view}/gs{gridsize}/wts.h5.zip",
        history="data/phase_e/dose_{dose}/{view}/gs{gridsize}/history.csv",
        record="data/phase_e/dose_{dose}/{view}/gs{gridsize}/training.json",
    log:
        "logs/data/phase_e/dose_{dose}/{view}/gs{gridsize}/wts.h5.zip.log",
    benchmark:
        "benchmarks/data/phase_e/dose_{dose}/{view}/gs{gridsize}/wts.h5.zip.tsv"
    wildcard_constraints:
        dose=r"[0-9]+|all",
    conda:
        environment(backend_of(STUDY.train.pinn))
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
        gpu=training_gpus(STUDY.train.pinn),
    params:
        code=code("train"),
        settings=settings("train_pinn"),
    shell:
        """
        python -m ptychostudy train \
            --threads {threads} \
            --arm PtychoPINN \
            --settings {params.settings:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --estimate {input.estimates:q} \
            --bundle {output.bundle:q} \
            --history {output.history:q} \
            --record {output.record:q} \
            --label dose_{wildcards.dose}/{wildcards.view} 2>&1 | tee {log:q}
        """


rule train_baseline:
    input:
        scan=training_scans,
        views=baseline_views,
        labels=training_labels,
        estimates=training_estimates(names.BASELINE),
    output:
        bundle="data/phase_e/dose_{dose}/baseline/gs1/wts.h5.zip",
        history="data/phase_e/dose_{dose}/baseline/gs1/history.csv",
        record="data/phase_e/dose_{dose}/baseline/gs1/training.json",
    log:
        "logs/data/phase_e/dose_{dose}/baseline/gs1/wts.h5.zip.log",
    benchmark:
        "benchmarks/data/phase_e/dose_{dose}/baseline/gs1/wts.h5.zip.tsv"
    wildcard_constraints:
        dose=r"[0-9]+|all",
    conda:
        environment(backend_of(STUDY.train.baseline))
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
        gpu=training_gpus(STUDY.train.baseline),
    params:
        code=code("train"),
        settings=settings("train_baseline"),
    shell:
        """
        python -m ptychostudy train \
            --threads {threads} \
            --arm Baseline \
            --settings {params.settings:q} \
            --scan {input.scan:q} \
            --view {input.views:q} \
            --labels {input.labels:q} \
            --estimate {input.estimates:q} \
            --bundle {output.bundle:q} \
            --history {output.history:q} \
            --record {output.record:q} \
            --label dose_{wildcards.dose} 2>&1 | tee {log:q}
        """
