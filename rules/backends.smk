"""Backends: what computes networks, in which environment, and whether with a GPU. No rules.

What NumPy computes would wait on this machine for a GPU that it does not use. On a cluster it asks for one all the same:
its rules have the partition of the GPU rules, and many sites take no job there that asks for none.
"""

from ptychostudy.networks.computing import backend_of


def environment(backend):
    """Return the conda file of what computes a network."""
    files = {
        names.NUMPY: "../envs/core.yaml",
        "torch": "../envs/keras_torch.yaml",
        "jax": "../envs/keras_jax.yaml",
    }
    return files.get(backend, "../envs/keras.yaml")


def infer_environment():
    """Return the conda file of what answers: networks of canvases need no Keras unless asked."""
    if all(map(answered_by_numpy, STUDY.train.networks)):
        return "../envs/core.yaml"
    return environment(STUDY.infer.backend)


def gpus(by_numpy):
    """Return how many GPUs a job asks for."""
    return 0 if by_numpy and workflow.local_exec else 1


def training_gpus(section):
    """Return the function of wildcards that says it of a training, of a section of the configuration."""

    # When a rule is read, it is not known yet where jobs run.
    def asked(wildcards):
        return gpus(backend_of(section) == names.NUMPY)

    return asked


def infer_gpus(wildcards):
    """Return how many GPUs a shard asks for."""
    return gpus(answered_by_numpy(wildcards.network))


def answered_by_numpy(network):
    """Say whether a network needs no Keras to answer."""
    backend = STUDY.infer.backend
    return backend == names.NUMPY or (backend == names.AUTO and STUDY.train.of_canvas(network))
