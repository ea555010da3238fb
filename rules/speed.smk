"""Speed: how long each arm took in every cell -> frames per second.

in   data/{inference,phase_f}/dose_{dose}/{view}/{split}/{{arm}_speed,maximise_speed,manifest}.json
out  analysis/speed.{json,md}
"""


rule speed:
    input:
        status=cells("analysis/dose_{dose}/{view}/{split}/status.json"),
        pinn=cells("data/inference/dose_{dose}/{view}/{split}/PtychoPINN_speed.json"),
        baseline=cells("data/inference/dose_{dose}/{view}/{split}/Baseline_speed.json"),
        likelihood=cells("data/phase_f/dose_{dose}/{view}/{split}/maximise_speed.json"),
        iterative=cells("data/phase_f/dose_{dose}/{view}/{split}/manifest.json"),
        feed_forward=cells(expand(layout.CANVAS_SPEED, arm=STUDY.train.more, allow_missing=True)),
        hybrid=cells(layout.HYBRID_RECORD) if arm_names.HYBRID in ARMS else [],
    output:
        record="analysis/speed.json",
        text=report("analysis/speed.md", caption="../report/speed.rst", category="Tables"),
    log:
        "logs/analysis/speed.json.log",
    benchmark:
        "benchmarks/analysis/speed.json.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code("speed"),
    shell:
        """
        python -m ptychostudy speed --status {input.status:q} --pinn {input.pinn:q} \
            --baseline {input.baseline:q} --likelihood {input.likelihood:q} \
            --iterative {input.iterative:q} --feed-forward {input.feed_forward:q} \
            --hybrid {input.hybrid:q} --record {output.record:q} --text {output.text:q} \
            2>&1 | tee {log:q}
        """
