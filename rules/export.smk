"""Export: the product of any arm -> an HDF5 file that Ptychodus opens.

in   data/inference/dose_{dose}/{view}/{split}/{arm}.npz or data/phase_f/dose_{dose}/{view}/{split}/
out  products/dose_{dose}/{view}/{split}/{arm}.h5

Not part of `all`; `export_all` names all.
"""


include: "parity.smk"


rule export:
    input:
        arm_file=arm_file,
        scan="data/phase_c/dose_{dose}/patched_{split}.npz",
        view="data/phase_d/{view}/{view}_{split}.npz",
        base="data/base/base.npz",
    output:
        product="products/dose_{dose}/{view}/{split}/{arm}.h5",
    log:
        "logs/products/dose_{dose}/{view}/{split}/{arm}.h5.log",
    benchmark:
        "benchmarks/products/dose_{dose}/{view}/{split}/{arm}.h5.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        code=code("export"),
    shell:
        """
        python -m ptychostudy export \
            --arm-file {input.arm_file:q} \
            --scan {input.scan:q} \
            --view {input.view:q} \
            --base {input.base:q} \
            --output {output.product:q} 2>&1 | tee {log:q}
        """
