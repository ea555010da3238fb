"""Reconstruct (phase F): the frames of a view -> the iterative arms (pty-chi; TV), physics only.

in   data/phase_c/dose_{dose}/patched_{split}.npz  data/phase_d/{view}/{view}_{split}.npz
out  data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz  manifest.json
     data/phase_f/dose_{dose}/{view}/{split}/physics_only.npz  tv.npz
"""


rule reconstruct:
    input:
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
    output:
        object="data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz",
        manifest="data/phase_f/dose_{dose}/{view}/{split}/manifest.json",
    log:
        "logs/data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz.log",
    benchmark:
        "benchmarks/data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz.tsv"
    conda:
        "../envs/ptychi.yaml"
    resources:
        mem_mb=memory(8000),
        runtime=minutes(120),
        gpu=1,
    params:
        code=code("reconstruct"),
        settings=settings("reconstruct"),
    shell:
        """
        python -m ptychostudy reconstruct \
            --settings {params.settings:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --output {output.object:q} \
            --manifest {output.manifest:q} \
            --label dose_{wildcards.dose}/{wildcards.view}/{wildcards.split} 2>&1 | tee {log:q}
        """


rule maximise:
    input:
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
    output:
        physics="data/phase_f/dose_{dose}/{view}/{split}/physics_only.npz",
        smooth="data/phase_f/dose_{dose}/{view}/{split}/tv.npz",
        speed="data/phase_f/dose_{dose}/{view}/{split}/maximise_speed.json",
    log:
        "logs/data/phase_f/dose_{dose}/{view}/{split}/maximise.log",
    benchmark:
        "benchmarks/data/phase_f/dose_{dose}/{view}/{split}/maximise.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=code("maximise"),
        settings=settings("maximise"),
    shell:
        """
        python -m ptychostudy maximise \
            --threads {threads} \
            --settings {params.settings:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --physics {output.physics:q} \
            --smooth {output.smooth:q} \
            --speed {output.speed:q} \
            --label dose_{wildcards.dose}/{wildcards.view}/{wildcards.split} 2>&1 | tee {log:q}
        """


if arm_names.hybrid_of(STUDY.reconstruct.start):

    include: "hybrid.smk"
