"""Hybrid: the frames of a view and a network's canvas of it -> the iterative solver from there (`reconstruct.start`).

in   what `reconstruct` reads  data/inference/dose_{dose}/{view}/{split}/{arm}.npz  data/phase_f/.../ptychi_reconstruction.npz
out  data/phase_f/dose_{dose}/{view}/{split}/hybrid.npz  hybrid.json
"""


rule hybrid:
    input:
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
        start=expand(layout.CANVAS, arm=STUDY.reconstruct.start, allow_missing=True),
        rival="data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz",
    output:
        object="data/phase_f/dose_{dose}/{view}/{split}/hybrid.npz",
        manifest="data/phase_f/dose_{dose}/{view}/{split}/hybrid.json",
    log:
        "logs/data/phase_f/dose_{dose}/{view}/{split}/hybrid.npz.log",
    benchmark:
        "benchmarks/data/phase_f/dose_{dose}/{view}/{split}/hybrid.npz.tsv"
    conda:
        "../envs/ptychi.yaml"
    resources:
        mem_mb=memory(8000),
        runtime=minutes(120),
        gpu=1,
    params:
        code=code("reconstruct"),
        settings=settings("reconstruct"),
        start=STUDY.reconstruct.start,
    shell:
        """
        python -m ptychostudy reconstruct --settings {params.settings:q} \
            --scan {input.scan:q} --view {input.view:q} \
            --start {input.start:q} --rival {input.rival:q} \
            --output {output.object:q} --manifest {output.manifest:q} \
            --label dose_{wildcards.dose}/{wildcards.view}/{wildcards.split}-from-{params.start:q} 2>&1 | tee {log:q}
        """
