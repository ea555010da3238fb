"""Seeds: every seed after the first, as a module of its own whose files lie under seeds/seed_{k}/.

in   what the rules of repetition.smk read
out  what they write
"""

for seed in STUDY.seeds[1:]:
    seed_module, seed_prefix = f"seed_{seed}", f"seed_{seed}_"

    module:
        name: seed_module
        snakefile:
            "repetition.smk"
        config:
            STUDY.repetition(seed).model_dump(by_alias=True)
        replace_prefix:
            {f"{folder}/": f"seeds/seed_{seed}/{folder}/" for folder in layout.DRAWN}

    use rule * from seed_module exclude manifest as seed_prefix*
