"""Repetition: one more seed of the study; photons and networks anew, object, scan and groups stay.

in   data/base/...  data/phase_d/...  of the first seed
out  seeds/seed_{k}/{data/{phase_c,phase_e,phase_f,inference,foreign},analysis}/...
"""


include: "common.smk"
include: "simulate.smk"
include: "train.smk"
include: "reconstruct.smk"
include: "infer.smk"
include: "compare.smk"
