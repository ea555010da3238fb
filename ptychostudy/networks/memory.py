"""What an error of a network means where memory is short, whatever computes it."""

# What an error is called where memory is used up: by NumPy, by TensorFlow and by torch.
OUT_OF_MEMORY = {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}


def out_of_memory(error: Exception) -> bool:
    """Say whether an error of any backend means that the device's, or all, memory is used up."""
    # By name: to import a backend for its class of errors would load a second framework.
    names = {kind.__name__ for kind in type(error).__mro__}
    # JAX raises a general error and says so in its text only.
    return bool(names & OUT_OF_MEMORY) or "RESOURCE_EXHAUSTED" in str(error)


def exhausted(error: Exception) -> MemoryError:
    """Return the error to raise where not even one group at a time fits."""
    reason, *_ = str(error).strip().partition("\n")
    return MemoryError(
        f"a single group does not fit: {reason[:200]}; needed: more memory, or a network or "
        "frames that need less of it (train.pinn.width, train.baseline.width, base.frame_px); "
        "a smaller batch_size cannot help any more"
    )
