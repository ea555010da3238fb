"""Figures of the study: scores of all cells, and what lies behind them.

in   analysis/metrics_summary.json, curves and fields of cells; trainings, scans, canvases of networks
out  analysis/{*_heatmap,*_curves,training_histories,scan,disagreement}.png, vectors of curves
"""


rule figures:
    input:
        summary="analysis/metrics_summary.json",
        curves=cells("analysis/dose_{dose}/{view}/{split}/frc_curves.csv"),
    output:
        correlation=report(
            "analysis/correlation_heatmap.png", caption="../report/heatmap.rst", category="Figures"
        ),
        ms_ssim=report(
            "analysis/ms_ssim_heatmap.png", caption="../report/heatmap.rst", category="Figures"
        ),
        dose=report("analysis/dose_curves.png", caption="../report/curves.rst", category="Figures"),
        overlap=report(
            "analysis/overlap_curves.png", caption="../report/curves.rst", category="Figures"
        ),
        frc=report("analysis/frc_curves.png", caption="../report/rings.rst", category="Figures"),
        vectors=[
            "analysis/dose_curves.svg",
            "analysis/overlap_curves.svg",
            "analysis/frc_curves.svg",
        ],
    log:
        "logs/analysis/figures.log",
    benchmark:
        "benchmarks/analysis/figures.tsv"
    conda:
        "../envs/plot.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("figures"),
    shell:
        """
        python -m ptychostudy figures \
            --summary {input.summary:q} --curves {input.curves:q} \
            --correlation {output.correlation:q} --ms-ssim {output.ms_ssim:q} \
            --dose {output.dose:q} --overlap {output.overlap:q} \
            --frc {output.frc:q} --vectors {output.vectors:q} 2>&1 | tee {log:q}
        """


rule insight:
    input:
        summary="analysis/metrics_summary.json",
        histories=trainings(layout.HISTORY),
        trainings=trainings(layout.TRAINING_RECORD),
        scans=expand("data/phase_c/dose_{dose}/patched_test.npz", dose=DOSES),
        views=expand("data/phase_d/{view}/{view}_{split}.npz", view=VIEWS, split=SPLITS),
        products=cells(expand(layout.CANVAS, arm=STUDY.train.networks, allow_missing=True)),
        aligned=cells("analysis/dose_{dose}/{view}/{split}/reconstructions_aligned.npz"),
    output:
        training=report(
            "analysis/training_histories.png",
            caption="../report/histories.rst",
            category="Figures",
        ),
        vector="analysis/training_histories.svg",
        scan=report("analysis/scan.png", caption="../report/scan.rst", category="Figures"),
        disagreement=report(
            "analysis/disagreement.png", caption="../report/disagreement.rst", category="Figures"
        ),
    log:
        "logs/analysis/insight.log",
    benchmark:
        "benchmarks/analysis/insight.tsv"
    conda:
        "../envs/plot.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("insight"),
    shell:
        """
        python -m ptychostudy insight --summary {input.summary:q} --histories {input.histories:q} \
            --trainings {input.trainings:q} --scans {input.scans:q} --views {input.views:q} \
            --products {input.products:q} --aligned {input.aligned:q} --training {output.training:q} \
            --vector {output.vector:q} --scan {output.scan:q} --disagreement {output.disagreement:q} \
            2>&1 | tee {log:q}
        """
