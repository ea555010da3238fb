"""Parity: PtychoPINN's network of the first dose and view -> whether all installed backends of Keras agree on it.

in   its bundle, frames, view and estimate, of the test split
out  analysis/parity/{stats.json,offsets.json,amplitude.png,phase.png}

Not part of `all`: snakemake analysis/parity/stats.json. Backends that differ are told by the verdict in it and in the log.
"""


rule parity:
    input:
        bundle=parity_bundle,
        scan=of_parity(layout.FRAMES),
        view=of_parity(layout.VIEW),
        estimate=parity_estimate,
    output:
        stats="analysis/parity/stats.json",
        offsets="analysis/parity/offsets.json",
        amplitude="analysis/parity/amplitude.png",
        phase="analysis/parity/phase.png",
    log:
        "logs/analysis/parity/stats.json.log",
    benchmark:
        "benchmarks/analysis/parity/stats.json.tsv"
    conda:
        "../envs/backends.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(30),
    params:
        code=code("parity"),
        answers=code("answers"),
    shell:
        """
        python -m ptychostudy parity \
            --bundle {input.bundle:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --estimate {input.estimate:q} \
            --stats {output.stats:q} --offsets {output.offsets:q} \
            --amplitude {output.amplitude:q} --phase {output.phase:q} \
            --verdict record 2>&1 | tee {log:q}
        """
