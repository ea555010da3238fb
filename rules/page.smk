"""Page: verdict, tables and figures of the study -> one page, which needs no other file.

It stands between the verification and the gate: a study that is not sound has its page, too.

in   analysis/verification_report.json  analysis/metrics_summary.{json,md}, speed.json, reports, figures
out  analysis/summary.html
"""


rule page:
    input:
        report="analysis/verification_report.json",
        summary="analysis/metrics_summary.json",
        speed="analysis/speed.json",
        texts=[
            "analysis/metrics_summary.md",
            "analysis/aggregate_report.md",
            "analysis/metrics_digest.md",
            "analysis/ssim_grid_summary.md",
        ],
        figures=[
            *expand("analysis/{of}_curves.png", of=["dose", "overlap", "frc"]),
            *expand("analysis/{of}_heatmap.png", of=["ms_ssim", "correlation"]),
            "analysis/ssim_grid.png",
            *expand("analysis/{of}.png", of=["disagreement", "scan", "training_histories"]),
        ],
        pictures=cells("analysis/dose_{dose}/{view}/{split}/comparison_plot.png"),
    output:
        page=report("analysis/summary.html", caption="../report/page.rst", category="Answer"),
    log:
        "logs/analysis/summary.html.log",
    benchmark:
        "benchmarks/analysis/summary.html.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code("page"),
        settings=settings("page"),
    shell:
        """
        python -m ptychostudy page --settings {params.settings:q} --report {input.report:q} \
            --speed {input.speed:q} --summary {input.summary:q} --texts {input.texts:q} --figures {input.figures:q} \
            --hub "$(dirname "$(dirname {output.page:q})")" --output {output.page:q} 2>&1 | tee {log:q}
        """
