"""Verify: the finished study -> highlights check, inventory, verification report.

in   everything the study wrote
out  analysis/{check_dense_highlights.log,artifact_inventory.txt,verification_report.json}
"""


rule check:
    input:
        delta="analysis/metrics_delta_summary.json",
        highlights="analysis/metrics_delta_highlights.txt",
        preview="analysis/metrics_delta_highlights_preview.txt",
        grid="analysis/ssim_grid_summary.md",
    output:
        result="analysis/check_dense_highlights.log",
    log:
        "logs/analysis/check_dense_highlights.log.log",
    benchmark:
        "benchmarks/analysis/check_dense_highlights.log.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code("check"),
    shell:
        """
        python -m ptychostudy check \
            --delta {input.delta:q} --highlights {input.highlights:q} \
            --preview {input.preview:q} \
            --grid {input.grid:q} \
            --output {output.result:q} 2>&1 | tee {log:q}
        """


rule inventory:
    input:
        files=study_files,
    output:
        text="analysis/artifact_inventory.txt",
        record="analysis/artifact_inventory.json",
    log:
        "logs/analysis/artifact_inventory.txt.log",
    benchmark:
        "benchmarks/analysis/artifact_inventory.txt.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(20),
    params:
        code=code("inventory"),
        hub=HUB,
    shell:
        """
        python -m ptychostudy inventory \
            --files {input.files:q} \
            --hub {params.hub:q} \
            --text {output.text:q} \
            --record {output.record:q} 2>&1 | tee {log:q}
        """


rule verify:
    input:
        files=study_files,
        text="analysis/artifact_inventory.txt",
        record="analysis/artifact_inventory.json",
        check="analysis/check_dense_highlights.log",
    output:
        report="analysis/verification_report.json",
    log:
        "logs/analysis/verification_report.json.log",
    benchmark:
        "benchmarks/analysis/verification_report.json.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        code=code("verify"),
        settings=settings("verify"),
        hub=HUB,
    shell:
        """
        python -m ptychostudy verify \
            --settings {params.settings:q} \
            --hub {params.hub:q} \
            --output {output.report:q} 2>&1 | tee {log:q}
        """
