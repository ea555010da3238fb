"""Compare (phase G): products of all arms, truth -> aligned fields, metrics, curves; their picture.

in   data/{inference,phase_f,foreign}/dose_{dose}/{view}/{split}/...  the truth, which lies with the frames
out  analysis/dose_{dose}/{view}/{split}/...
"""


include: "adopt.smk"


rule compare:
    input:
        pinn="data/inference/dose_{dose}/{view}/{split}/PtychoPINN.npz",
        baseline="data/inference/dose_{dose}/{view}/{split}/Baseline.npz",
        untrained="data/inference/dose_{dose}/{view}/{split}/Untrained.npz",
        ptychi="data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz",
        tv="data/phase_f/dose_{dose}/{view}/{split}/tv.npz",
        physics="data/phase_f/dose_{dose}/{view}/{split}/physics_only.npz",
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        overlap="data/phase_d/{view}/{view}_{split}.npz",
        extra=further_products,
    output:
        raw="analysis/dose_{dose}/{view}/{split}/reconstructions.npz",
        aligned="analysis/dose_{dose}/{view}/{split}/reconstructions_aligned.npz",
        metrics="analysis/dose_{dose}/{view}/{split}/comparison_metrics.csv",
        curves="analysis/dose_{dose}/{view}/{split}/frc_curves.csv",
        status="analysis/dose_{dose}/{view}/{split}/status.json",
    log:
        "logs/analysis/dose_{dose}/{view}/{split}/compare.log",
    benchmark:
        "benchmarks/analysis/dose_{dose}/{view}/{split}/compare.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("compare"),
        settings=settings("compare"),
    shell:
        """
        python -m ptychostudy compare --settings {params.settings:q} \
            --dose {wildcards.dose} --view {wildcards.view} --split {wildcards.split} \
            --pinn {input.pinn:q} --baseline {input.baseline:q} --untrained {input.untrained:q} \
            --ptychi {input.ptychi:q} --tv {input.tv:q} --physics {input.physics:q} \
            --scan {input.scan:q} --overlap {input.overlap:q} --extra {input.extra:q} \
            --raw {output.raw:q} --aligned {output.aligned:q} --metrics {output.metrics:q} \
            --curves {output.curves:q} --status {output.status:q} 2>&1 | tee {log:q}
        """


rule picture:
    input:
        aligned="analysis/dose_{dose}/{view}/{split}/reconstructions_aligned.npz",
        metrics="analysis/dose_{dose}/{view}/{split}/comparison_metrics.csv",
        status="analysis/dose_{dose}/{view}/{split}/status.json",
    output:
        # Not in the report, whose page holds those that matter: it would grow with every cell.
        plot="analysis/dose_{dose}/{view}/{split}/comparison_plot.png",
    log:
        "logs/analysis/dose_{dose}/{view}/{split}/comparison_plot.png.log",
    benchmark:
        "benchmarks/analysis/dose_{dose}/{view}/{split}/comparison_plot.png.tsv"
    conda:
        "../envs/plot.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("picture"),
    shell:
        """
        python -m ptychostudy picture \
            --aligned {input.aligned:q} \
            --metrics {input.metrics:q} \
            --status {input.status:q} \
            --plot {output.plot:q} 2>&1 | tee {log:q}
        """
