"""Gate: the verdict, printed and written, last of all; the page of the study before it.

in   analysis/verification_report.json  analysis/{metrics_summary,speed}.json  analysis/summary.html
out  analysis/verified.txt
"""


include: "page.smk"


# The verdict is read where the command was typed; no job that shares its fate takes it away.
rule gate:
    input:
        report="analysis/verification_report.json",
        summary="analysis/metrics_summary.json",
        speed="analysis/speed.json",
        page="analysis/summary.html",
    output:
        verdict="analysis/verified.txt",
    log:
        "logs/analysis/verified.txt.log",
    benchmark:
        "benchmarks/analysis/verified.txt.tsv"
    # Asked again, it says the same.
    retries: 0
    localrule: True
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        code=code("gate"),
        settings=settings("gate"),
    shell:
        """
        python -m ptychostudy gate \
            --settings {params.settings:q} \
            --report {input.report:q} \
            --summary {input.summary:q} \
            --speed {input.speed:q} \
            --output {output.verdict:q} 2>&1 | tee {log:q}
        """
