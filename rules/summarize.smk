"""Summarize: comparisons of all cells -> one source of numbers; tables and texts from it.

in   analysis/dose_{dose}/{view}/{split}/{status.json,comparison_metrics.csv}, also of every seed
out  analysis/{comparison_manifest,metrics_summary,metrics_delta_summary}.json, tables
"""


include: "speed.smk"
include: "figures.smk"


rule summarize:
    input:
        status=cells("analysis/dose_{dose}/{view}/{split}/status.json"),
        tables=cells("analysis/dose_{dose}/{view}/{split}/comparison_metrics.csv"),
        status_again=repeated("analysis/dose_{dose}/{view}/{split}/status.json"),
        tables_again=repeated("analysis/dose_{dose}/{view}/{split}/comparison_metrics.csv"),
        scans=expand("data/phase_c/dose_{dose}/patched_{split}.npz", dose=DOSES, split=SPLITS),
        manifest="data/phase_c/run_manifest.json",
    output:
        manifest="analysis/comparison_manifest.json",
        summary="analysis/metrics_summary.json",
        md=report("analysis/metrics_summary.md", caption="../report/tables.rst", category="Tables"),
        delta="analysis/metrics_delta_summary.json",
        highlights="analysis/metrics_delta_highlights.txt",
        preview="analysis/metrics_delta_highlights_preview.txt",
        report_md="analysis/aggregate_report.md",
        report_highlights="analysis/aggregate_highlights.txt",
        digest="analysis/metrics_digest.md",
    log:
        "logs/analysis/metrics_summary.json.log",
    benchmark:
        "benchmarks/analysis/metrics_summary.json.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("summarize"),
        settings=settings("summarize"),
    shell:
        """
        python -m ptychostudy summarize --settings {params.settings:q} --status {input.status:q} \
            --tables {input.tables:q} --scans {input.scans:q} --manifest {output.manifest:q} \
            --replicate-status {input.status_again:q} --replicate-tables {input.tables_again:q} \
            --summary-json {output.summary:q} --highlights {output.highlights:q} \
            --summary-md {output.md:q} --delta-json {output.delta:q} --preview {output.preview:q} \
            --report-md {output.report_md:q} --report-highlights {output.report_highlights:q} \
            --digest-md {output.digest:q} 2>&1 | tee {log:q}
        """


rule grid:
    input:
        delta="analysis/metrics_delta_summary.json",
        preview="analysis/metrics_delta_highlights_preview.txt",
        summary="analysis/metrics_summary.json",
    output:
        text="analysis/ssim_grid_summary.md",
        picture=report("analysis/ssim_grid.png", caption="../report/grid.rst", category="Figures"),
    log:
        "logs/analysis/ssim_grid_summary.md.log",
    benchmark:
        "benchmarks/analysis/ssim_grid_summary.md.tsv"
    conda:
        "../envs/plot.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("grid"),
    shell:
        """
        python -m ptychostudy grid \
            --delta {input.delta:q} \
            --preview {input.preview:q} \
            --summary {input.summary:q} \
            --output-md {output.text:q} \
            --output-png {output.picture:q} 2>&1 | tee {log:q}
        """
