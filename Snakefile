"""ptychostudy: reconstruction quality against photon dose and scan overlap.
Order of reading = order of data. Paths:
data/base/{base,reference}.npz                        object, probe, scan; what arms are scored with
data/phase_c/dose_{dose}/patched_{split}.npz          frames
data/phase_d/{view}/{view}_{split}.npz                frames and groups of a view
data/phase_e/dose_{dose}/{view}/gs2/wts.h5.zip        trained networks (Baseline: baseline/gs1)
data/{phase_f,inference}/dose_{dose}/{view}/{split}/  iterative products; shards, network canvases
analysis/, analysis/dose_{dose}/{view}/{split}/       tables, figures, verdict; comparison of a cell
seeds/seed_{k}/                                       of further seeds all but base and phase_d
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.current_basedir}/config/config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/embedded.smk"
include: "rules/base.smk"
include: "rules/simulate.smk"
include: "rules/overlap.smk"
include: "rules/train.smk"
include: "rules/reconstruct.smk"
include: "rules/infer.smk"
include: "rules/compare.smk"
include: "rules/summarize.smk"
include: "rules/verify.smk"
include: "rules/gate.smk"
include: "rules/export.smk"
include: "rules/seeds.smk"


if not EMBEDDED:

    include: "rules/run.smk"


rule all:
    default_target: True
    input:
        whole_study,
    localrule: True


rule post_verify:
    input:
        whole_study,
    localrule: True


rule export_all:
    input:
        cells(expand("products/dose_{{dose}}/{{view}}/{{split}}/{arm}.h5", arm=ARMS)),
    localrule: True
